"""The neighbour list against brute force, and its life in a session."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cpu.neighbour_list import LANES, list_neighbours
from hypothesis import given, settings
from hypothesis import strategies as st
from random_model import KINDS, random_model, random_structure
from traced_memory import traced_peak

import dpse_fast
from dpse_fast.cpu import neighbours as lists
from dpse_fast.cpu import spatial_order
from dpse_fast.cpu.neighbours import NeighbourList
from dpse_fast.cpu.pipeline import Pipeline
from dpse_fast.errors import InputError
from dpse_fast.inputs.structure import System, check_system


def built_list(system: Any, cutoff: float, skin: float = 0.0) -> NeighbourList:
    found = NeighbourList(cutoff, skin)
    found.update(system)
    return found


def listed(
    system: object, cutoff: float, skin: float = 0.0
) -> list[tuple[object, ...]]:
    """(centre, neighbour, vector) of every pair, in one order."""
    neighbours = built_list(system, cutoff, skin)
    hood, owners = neighbours.hood, neighbours.owners
    rows = np.repeat(np.arange(len(hood.centres)), np.diff(hood.first))
    i, j = hood.centres[rows], hood.neighbours
    d = np.round(hood.positions[j] - hood.positions[i], 6) + 0.0
    return sorted(zip(owners[i], owners[j], map(tuple, d), strict=True))


def brute_force(system: object, cutoff: float) -> list[tuple[object, ...]]:
    x, _, cell, pbc = system  # type: ignore[misc]
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    spread = np.ptp(x @ np.linalg.inv(cell), axis=0)
    most = np.where(pbc, np.ceil(cutoff / heights + spread), 0).astype(int)
    grid = np.meshgrid(*[np.arange(-m, m + 1) for m in most])
    found = []
    for shift in np.stack(grid).reshape(3, -1).T:
        d = x[None] + shift @ cell - x[:, None]
        near = np.linalg.norm(d, axis=-1) < cutoff
        if not shift.any():
            np.fill_diagonal(near, False)
        for i, j in zip(*np.nonzero(near), strict=True):
            found.append((i, j, tuple(np.round(d[i, j], 6) + 0.0)))
    return sorted(found)


@pytest.mark.parametrize("cutoff", [0.9, 3.7, 6.0])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_brute_force(kind: str, cutoff: float) -> None:
    system = check_system(*random_structure(kind), type_map=("O", "H")).system
    assert listed(system, cutoff) == brute_force(system, cutoff)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 12),
    pbc=st.tuples(*[st.booleans()] * 3),
    shear=st.floats(-2.5, 2.5),
    stretch=st.sampled_from([0.3, 1.0, 40.0]),
)
def test_any_cell(
    seed: int, n: int, pbc: tuple[bool, bool, bool], shear: float, stretch: float
) -> None:
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(2.0, 6.0, 3) * [1, 1, stretch])
    cell[0, 1], cell[2, 0], cell[1, 2] = shear, -0.5 * shear, shear
    positions = rng.uniform(-1.5, 2.5, (n, 3)) @ cell
    system = check_system(positions, [0] * n, cell, pbc, ("O",)).system
    assert listed(system, 3.1) == brute_force(system, 3.1)


def test_the_order_of_atoms_in_space_covers_each_once() -> None:
    structure = random_structure("triclinic")
    neighbours = built_list(check_system(*structure, type_map=("O", "H")).system, 4.0)
    owners = neighbours.owners[neighbours.hood.centres]
    assert sorted(owners) == list(range(len(structure.types)))


def test_sparse_atoms_do_not_fill_memory_with_cells() -> None:
    far = [[0, 0, 0], [9e6, 0, 0], [0, -9e6, 3e6], [9e6, 1.0, 0]]
    system = check_system(far, [0] * 4, None, None, ("O",)).system
    assert [pair[:2] for pair in listed(system, 5.0)] == [(1, 3), (3, 1)]


def test_a_session_rebuilds_only_after_half_a_skin() -> None:
    model, structure = random_model(), random_structure("triclinic")
    pot = dpse_fast.load(model, tol=0)
    session = pot.session(skin=0.8)
    x = structure.positions.copy()
    rng = np.random.default_rng(3)
    for step, builds in [(0.0, 1), (0.1, 1), (0.1, 1), (0.45, 2), (0.0, 2)]:
        x += step * rng.choice([-1, 1], x.shape) / np.sqrt(3)
        fresh = pot.compute(x, structure.types, structure.cell)
        kept = session.compute(x, structure.types, structure.cell)
        assert session.list_builds == builds
        assert kept.energy == pytest.approx(fresh.energy, abs=1e-9)
        np.testing.assert_allclose(kept.forces, fresh.forces, rtol=0, atol=1e-9)


def test_a_session_sees_changed_cells_types_and_atoms() -> None:
    pot = dpse_fast.load(random_model(), tol=0)
    session = pot.session(skin=1.0)
    x, types, cell, _ = random_structure("cubic")
    changes = [
        (x, types, cell),
        (x, types[::-1], cell),
        (x, types, 1.01 * cell),
        (x[:-1], types[:-1], cell),
        (x[:-1], types[:-1], None),
    ]
    for builds, change in enumerate(changes, start=1):
        kept, fresh = session.compute(*change), pot.compute(*change)
        assert kept.energy == pytest.approx(fresh.energy, abs=1e-9)
        assert session.list_builds == builds


def test_a_cell_in_the_wrong_unit_is_refused() -> None:
    for edge, message in ((1e-3, "images of an atom"), (0.1, "10 atoms per Å³")):
        with pytest.raises(InputError, match=rf"cell: .*{message}.*; lengths are in Å"):
            NeighbourList(6.0).update(
                check_system([[0, 0, 0]], [0], edge * np.eye(3), None, ("O",)).system
            )


def test_pairs_that_enter_within_the_skin_are_listed() -> None:
    """Two atoms from beyond the cutoff, each moving by almost half the skin."""
    pot = dpse_fast.load(random_model(), tol=0)
    rcut, skin = pot.rcut, 1.0
    session = pot.session(skin=skin)
    far = np.array([[0.0, 0, 0], [rcut + 0.97 * skin, 0, 0]])
    near = far + np.array([[0.49 * skin, 0, 0], [-0.49 * skin, 0, 0]])
    session.compute(far, [0, 1])
    kept, fresh = session.compute(near, [0, 1]), pot.compute(near, [0, 1])
    assert session.list_builds == 1
    assert fresh.energy != pot.compute(far, [0, 1]).energy
    assert kept.energy == pytest.approx(fresh.energy, abs=1e-12)


def gas(n: int, edge: float, seed: int = 0) -> System:
    rng = np.random.default_rng(seed)
    positions, types = rng.uniform(-edge, 2 * edge, (n, 3)), rng.integers(0, 2, n)
    cell = edge * (np.eye(3) + 0.2 * rng.normal(size=(3, 3)))
    return check_system(positions, types, cell, (True, True, False), ("O", "H")).system


def arrays_of(built: NeighbourList) -> tuple[Any, ...]:
    return (*built.hood, built.owners)


def small_tasks(patch: pytest.MonkeyPatch) -> None:
    """Many chunks, buckets and parts of even a small structure."""
    patch.setattr(spatial_order, "ATOMS_PER_TASK", 13)
    patch.setattr(lists, "ATOMS_PER_TASK", 17)
    patch.setattr(lists, "ROWS_PER_TASK", 5)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_tasks_and_threads_change_no_bit(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = gas(700, 14.0)
    whole = built_list(system, 3.3, 0.4)
    small_tasks(monkeypatch)
    parts = NeighbourList(3.3, 0.4, Pipeline(threads).run)
    for shift in (0.0, 0.1):
        moved = system._replace(positions=system.positions + shift)
        whole.update(moved)
        parts.update(moved)
        assert (whole.builds, parts.builds) == (1, 1)
        for a, b in zip(arrays_of(whole), arrays_of(parts), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


def test_two_chunks_of_one_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    system = gas(700, 14.0)._replace(pbc=(False, False, False))
    whole, parts = NeighbourList(3.3), NeighbourList(3.3)
    whole.update(system)
    monkeypatch.setattr(spatial_order, "ATOMS_PER_TASK", 400)
    parts.update(system)
    for a, b in zip(arrays_of(whole), arrays_of(parts), strict=True):
        np.testing.assert_array_equal(a, b)


def test_many_tasks_are_equal_to_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    small_tasks(monkeypatch)
    for seed, edge in enumerate((6.0, 11.0, 40.0)):
        system = gas(160, edge, seed)
        assert listed(system, 2.9, 0.2) == brute_force(system, 2.9 + 0.2)


@pytest.mark.parametrize("origin", [0.0, 9e6])
def test_a_pair_at_the_cutoff_is_beyond_it(origin: float) -> None:
    """On a lattice whose distances are exact in binary, near and far from zero."""
    grid = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3)
    positions = origin + grid.astype(float)
    squared = ((grid[:, None] - grid[None]) ** 2).sum(axis=-1)
    system = check_system(positions, [0] * len(grid), None, None, ("X",)).system
    for cutoff, within in ((3.0, squared < 9), (np.nextafter(3.0, 4.0), squared <= 9)):
        built = built_list(system, cutoff)
        hood = built.hood
        rows = np.repeat(built.owners[hood.centres], np.diff(hood.first))
        found = np.zeros(within.shape, int)
        np.add.at(found, (rows, built.owners[hood.neighbours]), 1)
        np.testing.assert_array_equal(found, within & (squared > 0))


def test_atoms_on_each_other_are_neighbours() -> None:
    """Only the atom itself is left out; the engine reports coincident ones."""
    system = check_system([[1.0, 2, 3]] * 11, [0] * 11, None, None, ("X",)).system
    pairs = [pair[:2] for pair in listed(system, 2.0)]
    assert pairs == [(i, j) for i in range(11) for j in range(11) if i != j]


def test_atoms_keep_the_order_of_the_caller_within_a_cell() -> None:
    positions = np.full((40, 3), 5.0)
    system = check_system(positions, [0] * 40, None, None, ("X",)).system
    built = built_list(system, 2.0)
    np.testing.assert_array_equal(built.owners, np.arange(40))


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 60])
def test_a_task_writes_nothing_behind_its_rows(rows: int) -> None:
    """Registers are stored whole; what follows belongs to another thread."""
    system, cutoff = gas(60, 9.0), 3.2
    spread = NeighbourList(cutoff)._spread
    atoms, grid = spatial_order.in_spatial_order(system, cutoff, spread)
    first = np.zeros(len(atoms.centres) + 1, np.int64)
    empty = np.empty(0, np.int32)
    list_neighbours(atoms.columns, atoms.centres, grid, cutoff, first, empty, False)
    assert first[1:].min() < LANES < first.sum()
    first = np.cumsum(first)
    for start in range(0, len(atoms.centres) - rows + 1, rows):
        part = slice(start, start + rows)
        target = np.full(first[-1] + LANES, -7, np.int32)
        list_neighbours(
            *(atoms.columns, atoms.centres[part], grid, cutoff),
            *(first[start : start + rows + 1], target, True),
        )
        begin, end = first[start], first[start + rows]
        assert (target[begin:end] >= 0).all()
        assert (target[:begin] == -7).all()
        assert (target[end:] == -7).all()


def test_lists_of_other_sizes_follow_each_other() -> None:
    """One list's memory serves the next, larger or smaller."""
    kept = NeighbourList(3.0)
    for n, edge in ((300, 10.0), (310, 10.0), (20, 10.0), (500, 10.0), (500, 10.1)):
        system, fresh = gas(n, edge), NeighbourList(3.0)
        kept.update(system)
        fresh.update(system)
        for a, b in zip(arrays_of(kept), arrays_of(fresh), strict=True):
            np.testing.assert_array_equal(a, b)


def test_changes_in_the_callers_arrays_are_seen() -> None:
    system = gas(50, 8.0)
    kept = built_list(system, 3.0, 1.0)
    kept.update(system)
    assert kept.builds == 1
    system.types[7] = 1 - system.types[7]
    kept.update(system)
    assert kept.builds == 2
    centre = kept.hood.centres[kept.owners[kept.hood.centres] == 7]
    assert kept.hood.types[centre] == system.types[7]
    system.positions[3] += 0.6
    kept.update(system)
    assert kept.builds == 3


def test_a_rebuild_needs_no_memory_for_two_lists() -> None:
    system = gas(8_000, 19.0)
    kept = built_list(system, 5.0, 1.0)
    listed_bytes = kept.hood.neighbours.nbytes
    assert listed_bytes > 300 * len(kept.owners)
    del kept
    with traced_peak() as peak:
        kept = NeighbourList(5.0, 1.0)
        for shift in (0.0, 1.0):
            moved = system._replace(positions=system.positions + shift)
            kept.update(moved)
    assert kept.builds == 2
    assert peak() < 1.05 * listed_bytes + 250 * len(kept.owners)


def test_there_is_no_list_before_an_update() -> None:
    with pytest.raises(RuntimeError, match="update"):
        _ = NeighbourList(3.0).hood


def test_too_many_images_for_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spatial_order, "memory", lambda: 2e5)
    with pytest.raises(InputError, match=r"positions: 700 atoms and \d+ periodic im"):
        NeighbourList(6.0).update(gas(700, 14.0))


def test_too_many_pairs_for_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "memory", lambda: 5e4)
    with pytest.raises(InputError, match=r"positions: [\d.]+ neighbours an atom"):
        NeighbourList(6.0).update(gas(700, 14.0))
