"""The list on the device against the one on the processors."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda.layout import NO_REVERSE
from random_model import random_structure

from dpse_fast.cpu import neighbours as host_lists
from dpse_fast.cuda import neighbours
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.neighbours import NeighbourList
from dpse_fast.cuda.spatial_order import building_bytes
from dpse_fast.errors import InputError
from dpse_fast.inputs.structure import System, check_system

NAMES = ("A", "B", "C")


def system_of(kind: str, n_types: int = 2, n_atoms: int | None = None) -> System:
    s = random_structure(kind, n_types, 1, n_atoms)
    return check_system(*s[:3], s.pbc, NAMES[:n_types]).system


def on(device: Device, system: System) -> tuple[Any, ...]:
    positions, types = device.upload(system.positions), device.upload(system.types)
    return positions, types, system.cell, system.pbc


def list_of(device: Device, system: System, *options: Any) -> NeighbourList:
    """Its options: the cutoff, the skin, how many types, with reverse places."""
    listed = NeighbourList(device, *options)
    assert listed.update(*on(device, system))
    return listed


def pairs_of(
    listed: NeighbourList, device: Device, n_types: int
) -> set[tuple[Any, ...]]:
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
    listed = host_lists.NeighbourList(reach)
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
    listed = list_of(device, system, reach, 0.0, n_types, True)
    assert pairs_of(listed, device, n_types) == expected(system, reach)
    counts = np.bincount(system.types, minlength=n_types)
    assert listed.starts == [0, *np.cumsum(counts)]
    check_reverse(listed, device, n_types)


def test_a_skewed_cell_has_the_same_pairs(device: Device) -> None:
    system = system_of("triclinic", 2, 5)
    skewed = system.cell.copy()
    skewed[1] += 50 * skewed[0]
    skewed[2] -= 1000 * skewed[0] + 3 * skewed[1]
    other = system._replace(cell=skewed)
    listed = list_of(device, other, 4.0, 0.0, 2, True)
    assert pairs_of(listed, device, 2) == expected(system, 4.0)
    check_reverse(listed, device, 2)


def check_reverse(listed: NeighbourList, device: Device, n_types: int) -> None:
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
    listed = list_of(device, system, 3.0, 0.6, 2, True)
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
    listed = list_of(device, system, 3.0, 0.6, 2, True)
    moved = system.positions.copy()
    moved[2, 1] += 0.31
    types = system.types.copy()
    types[3] = 1 - types[3]
    changed = {
        "far": system._replace(positions=moved),
        "cell": system._replace(cell=system.cell * 0.83),
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
        listed = list_of(device, system, 3.5, 0.5, 3, True)
        found.append(device.download(listed.hood.neighbours)[: listed.n_listed])
    np.testing.assert_array_equal(*found)


def test_neighbours_of_a_type_are_rows_that_rise_and_images_that_fall(
    device: Device,
) -> None:
    listed = list_of(device, system_of("slab", 2, 6), 5.0, 0.0, 2, True)
    first, neighbours = (
        device.download(a) for a in (listed.hood.first, listed.hood.neighbours)
    )
    n = listed.starts[-1]
    mixed = 0
    for begin, end in pairwise(first):
        rows = [j for j in neighbours[begin:end] if j < n]
        images = [j for j in neighbours[begin:end] if j >= n]
        assert neighbours[begin:end].tolist() == sorted(rows) + sorted(images)[::-1]
        mixed += len(rows) > 1 and len(images) > 1
    assert mixed


def test_more_types_than_lanes(device: Device) -> None:
    system = system_of("triclinic", 2, 7)
    types = np.array([0, 31, 32, 39, 5, 32, 63], np.int32)
    system = system._replace(types=types)
    listed = list_of(device, system, 3.5, 0.0, 70, True)
    assert pairs_of(listed, device, 70) == expected(system, 3.5)
    assert listed.starts == [0, *np.cumsum(np.bincount(types, minlength=70))]
    check_reverse(listed, device, 70)


def test_more_candidates_in_a_line_than_lanes(device: Device) -> None:
    positions, cell = np.array([[0.2, -3.1, 7.0]]), np.diag([0.25, 3.0, 3.3])
    system = check_system(positions, [0], cell, True, NAMES[:1]).system
    listed = list_of(device, system, 5.2, 0.0, 1, True)
    assert listed.n_listed > 4 * 32
    assert pairs_of(listed, device, 1) == expected(system, 5.2)
    check_reverse(listed, device, 1)


def test_pairs_within_the_cutoff_while_atoms_move(device: Device) -> None:
    system = system_of("slab", 2, 6)
    cutoff, skin = 3.6, 1.0
    listed = list_of(device, system, cutoff, skin, 2, True)
    rng = np.random.default_rng(7)
    steps = rng.standard_normal(system.positions.shape)
    steps *= 0.49 * skin / np.linalg.norm(steps, axis=1)[:, None]
    moved = system._replace(positions=system.positions + steps)
    assert not listed.update(*on(device, moved))
    near = within(pairs_of(listed, device, 2), cutoff)
    assert near == expected(moved, cutoff)
    assert near != within(expected(system, cutoff + skin), cutoff)
    check_reverse(listed, device, 2)


def within(pairs: set[tuple[Any, ...]], cutoff: float) -> set[tuple[Any, ...]]:
    return {pair for pair in pairs if np.linalg.norm(pair[3:]) < cutoff}


def test_the_sum_of_small_moves_makes_a_new_list(device: Device) -> None:
    system = system_of("open", 1, 4)
    listed = NeighbourList(device, 3.0, 0.6, 1, False)
    anew = []
    for step in range(4):
        moved = system.positions + np.array([0.0, 0.14 * step, 0.0])
        anew.append(listed.update(*on(device, system._replace(positions=moved))))
    assert anew == [True, False, False, True]


def test_without_reverse_places(device: Device) -> None:
    system = system_of("triclinic", 2, 6)
    listed = list_of(device, system, 4.0, 0.0, 2, False)
    assert listed.hood.reverse.size == 0
    assert pairs_of(listed, device, 2) == expected(system, 4.0)


@pytest.mark.parametrize("what", ["images", "listed", "longest"])
def test_lists_that_are_too_large(
    what: str, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = system_of("cubic", 1, 4)
    listed = list_of(device, system, 4.0, 0.6, 1, True)
    n, n_all, n_listed = listed.starts[-1], listed.n_all, listed.n_listed
    fresh = NeighbourList(device, 4.0, 0.6, 1, True)
    with monkeypatch.context() as patched:
        if what == "longest":
            hood = listed.hood
            longest = np.diff(device.download(hood.first)).max()
            patched.setattr(neighbours, "NO_REVERSE", longest)
            says = f"an atom has {longest} neighbours within 4.6 Å"
        elif what == "images":
            least = building_bytes(n, n_all, 0, 1)
            patched.setattr(type(device), "memory", lambda self: (least, least))
            says = f"4 atoms and {n_all - n} periodic images need"
        else:
            enough = iter([2**30, 6 * n_listed + 8 * n - 1])
            patched.setattr(type(device), "memory", lambda self: (next(enough), 0))
            says = f"4 atoms with {n_listed / n:.3g} neighbours each within 4.6 Å need"
        with pytest.raises(InputError, match=re.escape(says)):
            fresh.update(*on(device, system))
    with pytest.raises(RuntimeError, match="expected an update"):
        _ = fresh.hood
    assert fresh.update(*on(device, system))
    assert pairs_of(fresh, device, 1) == pairs_of(listed, device, 1)


class Watched:
    """Counts what a device is waited for, and bytes of arrays that are alive."""

    def __init__(self, device: Device, patch: pytest.MonkeyPatch) -> None:
        self.waits = self.bytes = self.most = 0
        for name in ("download", "pick", "count_each", "synchronise"):
            patch.setattr(device, name, self._waiting(getattr(device, name)))
        for name in ("empty", "copy", "order", "upload"):
            patch.setattr(device, name, self._making(getattr(device, name)))

    def _waiting(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.waits += 1
            return method(*arguments)

        return call

    def _making(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            array = method(*arguments)
            self._add(array.nbytes)
            weakref.finalize(array, self._add, -array.nbytes)
            return array

        return call

    def _add(self, n_bytes: int) -> None:
        self.bytes += n_bytes
        self.most = max(self.most, self.bytes)


def test_waits_and_memory_of_a_list(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = system_of("triclinic", 2, 8)
    given = on(device, system)
    watched = Watched(device, monkeypatch)
    listed = NeighbourList(device, 4.0, 0.6, 2, True)
    listed.update(*given)
    assert watched.waits == 2
    n, n_all = listed.starts[-1], listed.n_all
    hood = listed.hood
    kept = sum(a.nbytes for a in (*hood, listed.located, listed.order))
    n_cells = 8 * n_all + 64
    stated = building_bytes(n, n_all, n_cells, 2)
    own = sum(a.nbytes for a in (hood.neighbours, hood.reverse, hood.lowest))
    # The simulator's sort keeps nothing beside its keys and their order.
    assert 0.5 * stated < watched.most < stated + own
    assert kept < watched.bytes < stated
    watched.waits = 0
    assert not listed.update(*given)
    assert watched.waits == 1
    before: list[int] = []
    moved = device.upload(system.positions[::-1].copy())
    del hood
    listed.update(moved, *given[1:], make_room=lambda: before.append(watched.bytes))
    # Nothing of the last list but memory for the next one's neighbours.
    (room,) = before
    assert room == moved.nbytes + 6 * listed.hood.neighbours.size
