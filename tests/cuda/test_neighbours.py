"""The list on the device against the one on the processors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda.layout import NO_REVERSE
from random_model import random_structure

from dpse_fast.boundary import System, check_system
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.neighbours import DeviceList
from dpse_fast.neighbours import NeighbourList

NAMES = ("A", "B", "C")


def system_of(kind: str, n_types: int = 2, n_atoms: int | None = None) -> System:
    s = random_structure(kind, n_types, 1, n_atoms)
    return check_system(*s[:3], s.pbc, NAMES[:n_types]).system


def on(device: Device, system: System) -> tuple[Any, ...]:
    positions, types = device.upload(system.positions), device.upload(system.types)
    return positions, types, system.cell, system.pbc


def pairs_of(listed: DeviceList, device: Device, n_types: int) -> set[tuple[Any, ...]]:
    """(atom, atom, type, difference rounded) of every pair."""
    hood = listed.hood
    first, neighbours, owners = (
        device.download(a) for a in (hood.first, hood.neighbours, hood.owners)
    )
    located = device.download(listed.located).reshape(-1, 4)
    order = device.download(listed.order)
    found = set()
    for row in range(len(order)):
        for t in range(n_types):
            for e in range(first[row * n_types + t], first[row * n_types + t + 1]):
                j = neighbours[e]
                assert located[j, 3] == t
                d = np.round(located[j, :3] - located[row, :3], 6) + 0.0
                found.add((order[row], order[owners[j]], t, *d.tolist()))
    assert len(found) == listed.n_listed
    return found


def expected(system: System, reach: float) -> set[tuple[Any, ...]]:
    listed = NeighbourList(reach)
    listed.update(system)
    hood, owners = listed.hood, listed.owners
    found = set()
    for k, centre in enumerate(hood.centres):
        for j in hood.neighbours[hood.first[k] : hood.first[k + 1]]:
            d = np.round(hood.positions[j] - hood.positions[centre], 6) + 0.0
            found.add((owners[centre], owners[j], hood.types[j], *d.tolist()))
    return found


@pytest.mark.parametrize(
    ("kind", "n_types", "n_atoms"),
    [
        ("cubic", 2, 8),
        ("triclinic", 3, 7),
        ("tiny", 1, None),
        ("thin", 2, 4),
        ("slab", 2, 6),
        ("wire", 3, 6),
        ("open", 2, 8),
        ("open", 1, 1),
    ],
)
def test_the_same_pairs(
    kind: str, n_types: int, n_atoms: int | None, device: Device
) -> None:
    system = system_of(kind, n_types, n_atoms)
    reach = 2.6 if kind == "tiny" else 4.0
    listed = DeviceList(device, reach, 0.0, n_types, True)
    assert listed.update(*on(device, system))
    assert pairs_of(listed, device, n_types) == expected(system, reach)
    counts = np.bincount(system.types, minlength=n_types)
    assert listed.starts == [0, *np.cumsum(counts)]
    check_reverse(listed, device, n_types)


def check_reverse(listed: DeviceList, device: Device, n_types: int) -> None:
    hood = listed.hood
    arrays = (hood.first, hood.neighbours, hood.reverse, hood.owners)
    first, neighbours, reverse, owners = (device.download(a) for a in arrays)
    reverse = reverse[: listed.n_listed]
    assert not (reverse == NO_REVERSE).any()
    located = device.download(listed.located).reshape(-1, 4)[:, :3]
    low, high = device.download(hood.lowest), device.download(hood.highest)
    for row in range((len(first) - 1) // n_types):
        for t in range(n_types):
            segment = slice(first[row * n_types + t], first[row * n_types + t + 1])
            rows = owners[neighbours[segment]]
            if rows.size:
                assert low[row * n_types + t] == rows.min()
                assert high[row * n_types + t] == rows.max()
            else:
                assert low[row * n_types + t] > high[row * n_types + t]
        for e in range(first[row * n_types], first[(row + 1) * n_types]):
            owner = owners[neighbours[e]]
            back = first[owner * n_types] + int(reverse[e])
            assert owners[neighbours[back]] == row
            there = located[neighbours[e]] - located[row]
            again = located[neighbours[back]] - located[owner]
            np.testing.assert_allclose(there, -again, rtol=0, atol=1e-9)
            assert first[row * n_types] + int(reverse[back]) == e


def test_a_list_with_a_skin_follows_its_atoms(device: Device) -> None:
    system = system_of("triclinic", 2, 6)
    listed = DeviceList(device, 3.0, 0.6, 2, True)
    assert listed.update(*on(device, system))
    moved = system._replace(positions=system.positions + 0.1)
    assert not listed.update(*on(device, moved))
    assert listed.builds == 1
    located = device.download(listed.located).reshape(-1, 4)
    order, owners = device.download(listed.order), device.download(listed.hood.owners)
    fractions = (located[:, :3] - moved.positions[order[owners]]) @ np.linalg.inv(
        system.cell
    )
    np.testing.assert_allclose(fractions, np.round(fractions), atol=1e-9)
    assert (located[:, 3] == system.types[order[owners]]).all()


@pytest.mark.parametrize("what", ["far", "cell", "types", "number", "pbc", "nan"])
def test_what_makes_a_new_list(what: str, device: Device) -> None:
    system = system_of("triclinic", 2, 5)
    listed = DeviceList(device, 3.0, 0.6, 2, True)
    listed.update(*on(device, system))
    moved = system.positions.copy()
    moved[2, 1] += 0.31
    types = system.types.copy()
    types[3] = 1 - types[3]
    changed = {
        "far": system._replace(positions=moved),
        "cell": system._replace(cell=system.cell * 1.001),
        "types": system._replace(types=types),
        "number": system._replace(
            positions=system.positions[:-1], types=system.types[:-1]
        ),
        "pbc": system._replace(pbc=(True, True, False)),
        "nan": system._replace(positions=np.where(moved == moved[0, 0], 9.0, moved)),
    }[what]
    assert listed.update(*on(device, changed))
    assert pairs_of(listed, device, 2) == expected(changed, 3.6)


def test_the_same_list_every_time(device: Device) -> None:
    system = system_of("triclinic", 3, 7)
    found = []
    for _ in range(2):
        listed = DeviceList(device, 3.5, 0.5, 3, True)
        listed.update(*on(device, system))
        found.append(device.download(listed.hood.neighbours)[: listed.n_listed])
    np.testing.assert_array_equal(*found)
