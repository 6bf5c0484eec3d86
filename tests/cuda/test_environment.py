"""Pairs and tallies on the device against the kernels of the processors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from dpse_fast.kernels.counters import COINCIDENT, LEFT_OUT, N_COUNTERS
from dpse_fast.kernels.cpu.environment import locate
from dpse_fast.kernels.layout import Tally
from families import family
from numpy.typing import NDArray

from dpse_fast.cpu.packed_plan import packed
from dpse_fast.cpu.scratch import Scratch
from dpse_fast.cpu.stages import DescriptorStage, descriptor_stages
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.packed_plan import PackedPlan
from dpse_fast.cuda.stages import DeviceStage, device_stages
from dpse_fast.plan import Plan
from dpse_fast.planning.make_plan import make_plan
from tests.cuda.small_list import SmallList, small_list

CELL = np.array([[5.2, 0.0, 0.0], [1.1, 5.6, 0.0], [-0.7, 0.9, 6.3]])
# One distance of 0.42 Å, below half the trained 0.9 Å, and one of 0.79 Å, below it.
POSITIONS = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.3, 0.2, 0.22],
        [2.6, 2.0, 0.3],
        [3.0, 2.6, 0.6],
        [0.5, 3.0, 3.1],
        [2.2, 1.2, 4.2],
    ]
)
TYPES = np.array([0, 1, 1, 0, 1, 0], np.int32)
CUTOFF, REACH = 4.3, 4.7


class Found(NamedTuple):
    """Pairs by (row, place in the list), and what was counted."""

    pairs: dict[tuple[int, int], tuple[int, int, float, tuple[float, ...]]]
    counts: NDArray[np.int32]  # (n, G)
    tally: Tally


def system() -> SmallList:
    return small_list(POSITIONS, TYPES, CELL, REACH, 2)


def tally_of(
    device: Device | None, n: int, n_types: int, n_groups: int, marks: bool
) -> Tally:
    """Zeros, of all rows; ``marks``: with room for those left out."""
    arrays = Tally(
        counters=np.zeros(N_COUNTERS + n_groups, np.int64),
        seen=np.zeros((n_types, n_types), np.int64),
        over=np.zeros(n, np.int32),
        excess=np.zeros((n, n_groups), np.int32),
        close=np.zeros(n, np.int32),
        short=np.zeros(n, np.int32),
        unseen=np.zeros((n, n_types), np.int32),
        left_out=np.zeros(n if marks else 0, np.int32),
    )
    return arrays if device is None else Tally(*(device.upload(a) for a in arrays))


def place_in_tables(env: Any, coefficient: int, table: int) -> int:
    """The row of a table that a coefficient belongs to."""
    row, rest = divmod(
        coefficient - int(env.first_register[table]), env.registers[table]
    )
    assert rest == 0
    return int(row)


def on_device(
    device: Device, plan: Plan, k: int, some: SmallList, truncate: bool
) -> Found:
    stage: DeviceStage = device_stages(device, PackedPlan(plan))[k]
    env, n_types = stage.environments, len(plan.species)
    table_of, first, vectors = (
        device.download(a) for a in (env.table_of, env.first_register, env.registers)
    )
    host = env._replace(first_register=first, registers=vectors)
    cuts = some.cuts(2)
    stage.reserve(2, max(cut.n_listed for cut in cuts))
    hood, located = device.upload_all(some.hood), device.upload(some.located)
    marks = plan.unreduced is not None
    tally = tally_of(device, some.n, n_types, stage.n_groups, marks)
    pairs, counts = {}, np.zeros((some.n, stage.n_groups), np.int32)
    for cut in cuts:
        stage.environment(hood, located, cut, truncate, tally)
        found = stage.pairs._replace(
            **{
                name: device.download(getattr(stage.pairs, name))
                for name in ("met", "slots", "coefficients", "offsets", "differences")
            }
        )
        all_counts = device.download(stage.pairs.counts)
        differences = found.differences.reshape(3, -1)
        for b in range(cut.n_rows):
            row = cut.begin + b
            counts[row] = all_counts[b * stage.n_groups : (b + 1) * stage.n_groups]
            for t in range(n_types):
                begin = int(some.hood.first[row * n_types + t]) - cut.first
                for p in range(begin, begin + found.met[b * n_types + t]):
                    table = table_of[cut.species, t]
                    pairs[row, int(found.slots[p])] = (
                        t,
                        place_in_tables(host, int(found.coefficients[p]), table),
                        float(found.offsets[p]),
                        tuple(differences[:, p].tolist()),
                    )
    return Found(pairs, counts, Tally(*(device.download(a) for a in tally)))


def on_processors(plan: Plan, k: int, some: SmallList, truncate: bool) -> Found:
    species = plan.species
    stage: DescriptorStage = descriptor_stages(packed(plan), 1, Scratch())[k]
    env, n_types = stage.part.environments, plan.model.n_types
    hood = some.neighbourhood(species)
    located = np.empty((len(hood.types), 4))
    locate(hood.positions, hood.types, located)
    n_groups = env.sel.size
    marks = plan.unreduced is not None
    tally = tally_of(None, some.n, n_types, n_groups, marks)
    pairs, counts = {}, np.zeros((some.n, n_groups), np.int32)
    for row in range(some.n):
        c = hood.types[row]
        own = tally._replace(over=tally.over[row : row + 1])
        rows = np.array([row])
        stage.environment(hood, located.reshape(-1), rows, truncate, own)
        found = stage.buffers.pairs
        counts[row] = found.counts[0]
        differences = found.differences.reshape(3, -1)
        listed = hood.neighbours[hood.first[row] : hood.first[row + 1]].tolist()
        for t, q in enumerate(species):
            for p in range(found.first[q], found.first[q + 1]):
                table = env.table_of[c, q]
                pairs[row, listed.index(found.neighbours[p])] = (
                    t,
                    place_in_tables(env, int(found.coefficients[p]), table),
                    float(found.offsets[p]),
                    tuple(differences[:, p].tolist()),
                )
    seen = tally.seen[np.ix_(species, species)]
    assert seen.sum() == tally.seen.sum()
    assert n_types >= len(species)
    unseen = tally.unseen[:, list(species)]
    return Found(pairs, counts, tally._replace(seen=seen, unseen=unseen))


def check(
    device: Device, plan: Plan, some: SmallList, truncate: bool = True
) -> list[Found]:
    """What is found for each descriptor, the same on both."""
    everything = []
    for k in range(len(plan.forms)):
        expected = on_processors(plan, k, some, truncate)
        found = on_device(device, plan, k, some, truncate)
        assert found.pairs.keys() == expected.pairs.keys()
        # r rounds by one bit where a product is contracted.
        slack = 4 * float(np.finfo(plan.dtype).eps) * REACH
        for key, pair in expected.pairs.items():
            t, row, offset, difference = found.pairs[key]
            assert (t, row, difference) == (*pair[:2], pair[3])
            assert offset == pytest.approx(pair[2], rel=0, abs=slack)
        np.testing.assert_array_equal(found.counts, expected.counts)
        for name, values in found.tally._asdict().items():
            np.testing.assert_array_equal(
                values, getattr(expected.tally, name), err_msg=name
            )
        everything.append(found)
    return everything


def plan_of(name: str, precision: str = "double", **options: Any) -> Plan:
    small = {"rcut": CUTOFF, "rcut_smth": 1.2} | options
    return make_plan(family(name, **small), precision, 1e-3)


@pytest.mark.parametrize("precision", ["double", "mixed", "single"])
def test_precisions(precision: str, device: Device) -> None:
    (found,) = check(device, plan_of("se_e2_a", precision), system())
    counters = found.tally.counters
    assert counters[:2].tolist() == [2, 4]
    assert (found.tally.short.sum(), found.tally.close.sum()) == (2, 4)
    assert found.tally.seen.all()
    assert not found.tally.over.any()


@pytest.mark.parametrize(
    "name",
    [
        *("se_e2_r", "protected", "hybrid", "mixed", "excluded", "emptied"),
        *("mixed_gated", "mixed_emptied", "dropped"),
    ],
)
def test_families(name: str, device: Device) -> None:
    check(device, plan_of(name), system())


@pytest.mark.parametrize("truncate", [True, False])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("se_e2_a", {"sel": (3, 40)}),
        ("se_e2_a", {"sel": (7, 0)}),
        ("se_e2_r", {"sel": (9, 2)}),
        ("mixed", {"sel": (8,)}),
        ("hybrid", {"sel": (4, 6)}),
        ("emptied", {"sel": (4, 5)}),
        ("excluded", {"sel": (6,)}),
        ("mixed_emptied", {"sel": (6,)}),
        ("listed", {"sel": (3, 4), "list_size": 9}),
        ("listed", {"sel": (1, 9), "list_size": 10}),
        ("listed_emptied", {"sel": (3, 4), "list_size": 9}),
        ("listed_mixed", {"sel": (4,), "list_size": 8}),
    ],
)
def test_overflow(
    name: str, options: dict[str, Any], truncate: bool, device: Device
) -> None:
    found = check(device, plan_of(name, **options), system(), truncate)[0]
    assert found.tally.over.any()


def test_lists_that_sel_never_cuts(device: Device) -> None:
    plan = plan_of("listed", sel=(30, 30), list_size=60)
    (found,) = check(device, plan, system())
    assert not found.tally.over.any()


@pytest.mark.parametrize("sel", [(80, 1), (40, 1), (3, 1)])
def test_more_neighbours_than_lanes(sel: tuple[int, ...], device: Device) -> None:
    cell = np.array([[2.0, 0.0, 0.0], [0.1, 2.1, 0.0], [-0.2, 0.15, 2.2]])
    positions = np.array([[0.0, 0.0, 0.0], [1.0, 0.9, 0.85]])
    some = small_list(positions, np.zeros(2, np.int32), cell, 3.9, 2)
    plan = plan_of("se_e2_a", rcut=3.7, sel=sel)
    (found,) = check(device, plan, some)
    assert found.tally.seen[0, 0] > 2 * 40
    assert found.tally.seen[1].sum() == 0


def test_equal_distances_go_by_the_list(device: Device) -> None:
    some = small_list(np.zeros((1, 3)), np.zeros(1, np.int32), 2.3 * np.eye(3), 4.5, 2)
    (found,) = check(device, plan_of("se_e2_a", rcut=2.9, sel=(4, 1)), some)
    first = [place for _, place in sorted(found.pairs)]
    near = np.linalg.norm(some.differences(), axis=1) < 2.9
    assert first == np.flatnonzero(near)[:4].tolist()


def test_atoms_in_one_place(device: Device) -> None:
    positions = POSITIONS.copy()
    positions[3] = positions[2] + 1e-5
    some = small_list(positions, TYPES, CELL, REACH, 2)
    (found,) = check(device, plan_of("se_e2_a"), some)
    row = int(found.tally.counters[COINCIDENT]) - 1
    assert some.order[row] in (2, 3)


def test_atoms_without_neighbours(device: Device) -> None:
    some = small_list(30 * POSITIONS[2:], TYPES[2:], 30 * CELL, REACH, 2)
    (found,) = check(device, plan_of("se_e2_a", sel=(1, 1)), some)
    assert not found.pairs


@pytest.mark.parametrize("truncate", [True, False])
@pytest.mark.parametrize(
    ("name", "options", "n_close"),
    [
        ("se_e2_a", {}, 4),
        ("se_e2_a", {"sel": (3, 4)}, 4),
        ("hybrid", {"sel": (4, 6)}, 4),
        ("excluded", {}, 4),
        ("emptied", {}, 4),
        ("se_e2_a", {"shortest": 0.5}, 2),
        ("se_e2_a", {"shortest": 0.4}, 0),
    ],
)
def test_rows_with_neighbours_closer_than_certified(
    name: str, options: dict[str, Any], n_close: int, truncate: bool, device: Device
) -> None:
    options = dict(options)
    shortest = options.pop("shortest", 0.9)
    plan = plan_of(name, **options)
    model = replace(plan.model, min_distance=shortest)
    plan = replace(plan, model=model, unreduced=lambda types: plan)
    for found in check(device, plan, system(), truncate):
        tally = found.tally
        assert tally.counters[LEFT_OUT] == tally.left_out.sum() == n_close
        rows = {row for row, _ in found.pairs}
        assert rows.isdisjoint(np.flatnonzero(tally.left_out).tolist())
        assert not (tally.close + tally.over)[tally.left_out > 0].any()


def test_types_that_the_plan_does_not_serve(device: Device) -> None:
    model = family("se_e2_a", n_types=3, sel=(3, 1, 2), rcut=CUTOFF, rcut_smth=1.2)
    plan = make_plan(model, "double", 1e-3, types=frozenset({0, 2}))
    (found,) = check(device, plan, system())
    assert (found.tally.counters[N_COUNTERS:] > 0).tolist() == [True, False, True]


def test_pairs_without_training_are_counted(device: Device) -> None:
    model = family("se_e2_a", rcut=CUTOFF, rcut_smth=1.2, sel=(40, 0))
    plan = make_plan(replace(model, min_distance=None), "double", 1e-3)
    (found,) = check(device, plan, system(), truncate=False)
    assert found.tally.unseen.any(axis=0).tolist() == [False, True]
    np.testing.assert_array_equal(
        found.tally.unseen.sum(axis=0), found.tally.seen.sum(axis=0) * [0, 1]
    )
    assert not found.tally.close.any()
