"""The pair table on the device against the kernels of the processors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from dpse_fast.kernels.counters import BELOW_TABLE, N_TABLE_COUNTERS, OVER_TABLE
from dpse_fast.kernels.cpu.environment import locate
from dpse_fast.kernels.cuda.layout import PairGradients
from numpy.typing import NDArray
from random_model import random_model, random_pair_table

from dpse_fast.cpu.stages import PairPotentialStage
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.packed_plan import restricted_potential
from dpse_fast.cuda.pair_potential import DevicePairPotential
from dpse_fast.plan.kernel_arrays import pair_potential
from tests.cuda.small_list import SmallList, small_list

Floats = NDArray[np.float64]

SPECIES = (0, 2)  # that the plan serves, of three
REACH = 4.6  # Å: beyond the table's 4.1
CELL = np.array([[5.2, 0.0, 0.0], [1.1, 5.6, 0.0], [-0.7, 0.9, 6.3]])
# Some of them 1.3 to 1.6 Å apart: within the switch from 1.0 to 1.9 Å.
POSITIONS = np.array(
    [
        [0.0, 0.0, 0.0],
        [1.25, 0.2, 0.1],
        [2.6, 2.0, 0.3],
        [3.0, 3.4, 0.9],
        [0.5, 3.0, 3.1],
        [-0.9, -0.9, -0.5],
    ]
)
TYPES = np.array([0, 1, 1, 0, 1, 0], np.int32)
DEEP = np.array([0.3, -1.1, 2.7, 0.4, -0.2, 1.3])


class FakePlan(NamedTuple):
    """What the stages ask of a plan."""

    model: Any
    species: tuple[int, ...]
    pair_potential: Any


class Found(NamedTuple):
    """Of all rows, and gradients by place in the list."""

    shares: Floats  # (n,)
    energies: Floats  # (n,)
    gradients: NDArray[np.floating]  # (n_list, 3)
    over: NDArray[np.int32]  # (n,)
    over_table: NDArray[np.int32]  # (n,)
    n_over: int
    below_table: int


def plan_with(**options: Any) -> FakePlan:
    table = random_pair_table(3, 4)
    uneven = 1.0 + 0.1 * np.arange(9).reshape(3, 3, 1, 1)  # by centre and neighbour
    table = replace(table, coefficients=table.coefficients * uneven, **options)
    model = replace(random_model(n_types=3), pair_table=table)
    return FakePlan(model, SPECIES, pair_potential(table))


def system(n: int = len(DEEP), scale: float = 1.0) -> SmallList:
    return small_list(scale * POSITIONS[:n], TYPES[:n], scale * CELL, REACH, 2)


def on_device(
    device: Device,
    plan: Any,
    some: SmallList,
    truncate: bool,
    dtype: Any = np.float64,
    left_out: Any = (),
) -> Found:
    potential = restricted_potential(plan.pair_potential, plan.species)
    stage = DevicePairPotential(device, plan._replace(pair_potential=potential))
    stage.prepare(some.n)
    cuts = some.cuts(2)
    stage.reserve(2, max(cut.n_listed for cut in cuts))
    stage.counters = device.zeros(N_TABLE_COUNTERS, np.int64)
    hood, located = device.upload_all(some.hood), device.upload(some.located)
    over, stage.over_table = (device.zeros(some.n, np.int32) for _ in range(2))
    stage.left_out = device.upload(np.array(left_out, np.int32))
    energies = device.upload(DEEP[: some.n])
    begin = np.random.default_rng(1).normal(size=(len(some.hood.neighbours), 3))
    values = device.upload(begin.astype(dtype).reshape(-1))
    gradients = PairGradients(values, 0)
    for cut in cuts:
        stage.environment(hood, located, cut, truncate, over)
        stage.take_over(cut, energies, gradients)
    return Found(
        device.download(stage.shares),
        device.download(energies),
        device.download(values).reshape(-1, 3) - begin.astype(dtype),
        device.download(over),
        device.download(stage.over_table),
        int(device.download(stage.counters)[OVER_TABLE]),
        int(device.download(stage.counters)[BELOW_TABLE]),
    )


def on_processors(
    plan: Any, some: SmallList, truncate: bool, left_out: Any = ()
) -> Found:
    stage: Any = PairPotentialStage(plan, some.n)
    hood = some.neighbourhood(SPECIES)
    located = np.empty((len(hood.types), 4))
    locate(hood.positions, hood.types, located)
    over, over_table = (np.zeros(some.n, np.int32) for _ in range(2))
    marks = np.array(left_out, np.int32)
    stage.start(over_table)
    shares = np.empty(some.n)
    energies = DEEP[: some.n].copy()
    gradients = np.zeros((len(hood.neighbours), 3))
    for cut in some.cuts(1):
        row = cut.begin
        rows = np.array([row])
        shares[rows] = stage.environment(
            hood, located.reshape(-1), rows, truncate, over[row : row + 1], marks
        )
        energies[rows] = stage.energies(SPECIES[cut.species], DEEP[rows])
        pairs = stage.buffers.pairs
        found = stage.buffers.gradients.reshape(3, -1)
        listed = hood.neighbours[hood.first[row] : hood.first[row + 1]].tolist()
        for p in range(pairs.first[1]):
            place = hood.first[row] + listed.index(pairs.neighbours[p])
            gradients[place] = found[:, p]
    n_over, below = stage.n_over, stage.below_table
    return Found(shares, energies, gradients, over, over_table, n_over, below)


def check(
    device: Device,
    plan: Any,
    some: SmallList,
    truncate: bool = True,
    left_out: Any = (),
) -> Found:
    expected = on_processors(plan, some, truncate, left_out)
    found = on_device(device, plan, some, truncate, left_out=left_out)
    for name in ("shares", "energies", "gradients"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(expected, name), rtol=1e-12, atol=1e-12
        )
    np.testing.assert_array_equal(found.over, expected.over)
    for one in (found, expected):
        np.testing.assert_array_equal(one.over_table, one.over)
    assert found.n_over == expected.n_over
    assert (found.below_table > 0) == (expected.below_table > 0)
    return found


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "excluded": {"excluded": frozenset({(0, 2), (2, 0)})},
    "one_way": {"excluded": frozenset({(0, 2)})},
    "least_sum": {"least_sum": 1e-3},
    "overflowing": {"alpha": 1e-3, "least_sum": 1e-20},
    "short_switch": {"switch_rcut": 2.2},
    "below": {"start": 2.0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_tables(name: str, device: Device) -> None:
    found = check(device, plan_with(**OPTIONS[name]), system())
    assert found.n_over == 0
    assert (found.below_table > 0) == (name == "below")
    if name == "plain":
        assert (found.shares > 0).all()
        assert ((found.shares > 0.01) & (found.shares < 0.99)).any()


@pytest.mark.parametrize("truncate", [True, False])
@pytest.mark.parametrize("sel", [(2, 9, 1), (5, 0, 7), (40, 40, 40), (6,), (99,)])
def test_sel(sel: tuple[int, ...], truncate: bool, device: Device) -> None:
    found = check(device, plan_with(sel=sel), system(), truncate)
    assert (found.n_over > 0) == (max(sel) < 40)


def test_excluded_neighbours_take_slots(device: Device) -> None:
    excluded = frozenset({(0, 2), (2, 0)})
    some = system()
    few = check(device, plan_with(sel=(6,), excluded=excluded), some)
    all_ = check(device, plan_with(excluded=excluded), some)
    assert abs(few.energies - all_.energies).max() > 1e-6


def test_equal_distances_go_by_the_list(device: Device) -> None:
    cell = 1.5 * np.eye(3)
    some = small_list(np.zeros((1, 3)), np.zeros(1, np.int32), cell, 1.9, 2)
    found = check(device, plan_with(sel=(4,)), some)
    used = np.flatnonzero(found.gradients.any(axis=1))
    np.testing.assert_array_equal(used, np.arange(4))


@pytest.mark.parametrize("sel", [(), (45,), (10, 1, 1)])
def test_more_neighbours_than_lanes(sel: tuple[int, ...], device: Device) -> None:
    cell = np.array([[1.9, 0.0, 0.0], [0.1, 2.0, 0.0], [-0.2, 0.15, 2.1]])
    positions = np.array([[0.0, 0.0, 0.0], [1.0, 0.9, 0.85]])
    some = small_list(positions, np.zeros(2, np.int32), cell, 3.7, 2)
    assert (np.diff(some.hood.first)[[0, 2]] > 45).all()
    found = check(device, plan_with(sel=sel), some)
    assert (found.shares < 1).all()


@pytest.mark.parametrize("sel", [(), (5, 0, 7)])
def test_rows_that_are_left_out(sel: tuple[int, ...], device: Device) -> None:
    marks = np.array([1, 0, 0, 1, 0, 0], np.int32)
    plan, some = plan_with(sel=sel), system()
    found, every = check(device, plan, some, True, marks), check(device, plan, some)
    out, rows = marks == 1, some.rows_of()
    np.testing.assert_array_equal(found.shares[out], 1.0)
    np.testing.assert_array_equal(found.energies[out], DEEP[out])
    np.testing.assert_array_equal(found.energies[~out], every.energies[~out])
    assert not found.gradients[out[rows]].any()
    assert (every.shares[out] < 1.0).any()
    assert not found.over[out].any()
    assert found.n_over == every.n_over - every.over[out].sum()


def test_atoms_without_neighbours(device: Device) -> None:
    found = check(device, plan_with(sel=(1,)), system(3, 9.0))
    np.testing.assert_array_equal(found.shares, 1.0)
    np.testing.assert_array_equal(found.energies, DEEP[:3])
    assert not found.gradients.any()


def test_gradients_of_single_precision(device: Device) -> None:
    plan, some = plan_with(), system()
    exact = on_device(device, plan, some, True)
    found = on_device(device, plan, some, True, np.float32)
    np.testing.assert_array_equal(found.energies, exact.energies)
    np.testing.assert_allclose(found.gradients, exact.gradients, rtol=0, atol=1e-5)
    assert abs(exact.gradients).max() > 0.1
