"""A list on the device that serves while the cell changes, as at constant pressure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.neighbours import NeighbourList
from dpse_fast.inputs.structure import System, check_system
from tests.cuda.test_neighbours import (
    check_reverse,
    expected,
    list_of,
    on,
    pairs_of,
    system_of,
    within,
)


def strained(system: System, gradient: Any, moved: Any = 0.0) -> System:
    """The same atoms in a cell that is checked anew, as callers' cells are."""
    positions, cell = system.positions @ gradient + moved, system.cell @ gradient
    return check_system(positions, system.types, cell, system.pbc, ("A", "B")).system


@pytest.mark.parametrize("kind", ["triclinic", "thin", "slab", "wire", "open"])
def test_pairs_within_the_cutoff_while_the_cell_changes(
    kind: str, device: Device
) -> None:
    system, cutoff, skin = system_of(kind, 2, 5), 3.0, 0.8
    rng, listed = np.random.default_rng(5), NeighbourList(device, 3.0, skin, 2, True)
    listed.update(*on(device, system))
    for _ in range(2):
        gradient = np.eye(3) + rng.uniform(-0.02, 0.02, (3, 3))
        if kind in ("slab", "wire", "open"):
            gradient = np.diag(np.where(system.pbc, gradient.diagonal(), 1.0))
        other = strained(system, gradient, rng.uniform(-0.1, 0.1, (5, 3)))
        assert not listed.update(*on(device, other))
        assert within(pairs_of(listed, device, 2), cutoff) == expected(other, cutoff)
        check_reverse(listed, device, 2)
    if kind != "open":
        other = strained(system, 0.75 * np.eye(3))
        assert listed.update(*on(device, other))
        assert pairs_of(listed, device, 2) == expected(other, cutoff + skin)


@pytest.mark.parametrize(("beyond", "anew"), [(0.4, False), (0.85, True)])
def test_an_image_that_comes_within_the_cutoff(
    beyond: float, anew: bool, device: Device
) -> None:
    """The atom stays at the origin, and only the cell brings its images closer."""
    listed = NeighbourList(device, 3.0, 0.8, 1, True)

    def at(edge: float) -> System:
        cell = edge * np.diag([1.0, 3.0, 3.0])
        return check_system(np.zeros((1, 3)), [0], cell, None, ("A",)).system

    listed.update(*on(device, at(3.0 + beyond)))
    near = at(2.95)
    assert listed.update(*on(device, near)) == anew
    found = within(pairs_of(listed, device, 1), 3.0)
    assert found == expected(near, 3.0)
    assert len(found) == 2


def test_there_and_back_changes_no_bit(device: Device) -> None:
    """What follows the cell starts from the list's own cell at every step."""
    system = system_of("triclinic", 2, 6)
    listed = list_of(device, system, 3.0, 0.6, 2, True)
    before = device.download(listed.located)
    assert not listed.update(*on(device, strained(system, 1.01 * np.eye(3))))
    assert (device.download(listed.located) != before).any()
    assert not listed.update(*on(device, system))
    np.testing.assert_array_equal(device.download(listed.located), before)


def test_steps_of_a_session_whose_cell_changes() -> None:
    """Launches are recorded after the first step, and serve the cells that follow."""
    model = random_model(fitting=(6, 12, 12))
    s = random_structure("triclinic", 2, 3, 4)
    potential = dpse_fast.load(model, device="cuda", tol=0.0)
    reference = dpse_fast.load(model, tol=0.0)
    session = potential.session(skin=0.8)
    for k in range(4):
        gradient = np.eye(3) - 0.004 * k * np.array([[1, 0, 0], [2, 0, 0], [0, 1, 1]])
        x, cell = s.positions @ gradient + 0.01 * k, s.cell @ gradient
        found = session.compute(x, s.types, cell)
        fresh = reference.compute(x, s.types, cell)
        assert found.energy == pytest.approx(fresh.energy, abs=1e-9)
        np.testing.assert_allclose(found.forces, fresh.forces, rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.virial, fresh.virial, rtol=0, atol=1e-8)
    assert session.list_builds == 1
