"""What bench/gpu counts and estimates."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from dpse_fast.kernels.cuda.streams import Streams

from bench import gemm
from bench.gpu import instructions, steps
from bench.gpu.__main__ import main
from bench.gpu.ceilings import CARDS, Ceilings, card_named, measured_ceilings
from bench.gpu.copper import LATTICE, copper_cell, copper_model
from bench.gpu.estimate import estimate, estimate_text
from bench.gpu.models import plan_of, surroundings, water
from bench.gpu.roofline import (
    ASSUMED,
    Efficiencies,
    achieved,
    least_seconds,
    seconds_of,
)
from bench.gpu.surroundings import surroundings_of
from bench.gpu.work import Counting, Part, work_of
from dpse_fast.cuda.vectors import whole
from dpse_fast.plan import Plan

# Of the shells of an fcc crystal, in nearest distances, and the atoms in them.
SHELLS = {1.0: 12, 2.0**0.5: 6, 3.0**0.5: 24}


@pytest.fixture(scope="module")
def planned() -> Callable[[str], Plan]:
    """The embedded model's plan, which its file keeps, by precision."""
    found: dict[str, Plan] = {}

    def plan(precision: str) -> Plan:
        if precision not in found:
            potential = water().load("cpu", precision)
            found[precision] = plan_of(potential, water().frame(potential))
        return found[precision]

    return plan


def around(plan: Plan) -> Any:
    return surroundings(plan, water().frame(water().load("cpu", "double")))


def test_neighbours_of_a_crystal_are_its_shells() -> None:
    cell = copper_cell()
    nearest = LATTICE / 2**0.5
    near, far = nearest * 1.01, nearest * 1.5
    found = surroundings_of(
        cell.positions + 7.3, cell.types, np.asarray(cell.cell), near, far - near, 1
    )
    assert found.pairs.tolist() == [[SHELLS[1.0]]]
    assert found.listed.tolist() == [[SHELLS[1.0] + SHELLS[2.0**0.5]]]


def test_pairs_of_types_are_seen_from_both_sides(
    planned: Callable[[str], Plan],
) -> None:
    found = around(planned("double"))
    for counts in (found.pairs, found.listed):
        both = found.share[:, None] * counts
        np.testing.assert_allclose(both, both.T, rtol=1e-12)
    assert (found.listed > found.pairs).all()
    # Hydrogens of a molecule see its oxygen and each other.
    assert found.share.sum() == pytest.approx(1)


def test_products_of_the_nets_are_those_of_their_layers(
    planned: Callable[[str], Plan],
) -> None:
    plan = planned("mixed")
    near = around(plan)
    work = {gemm_: work_of(plan, near, Counting(gemm_)) for gemm_ in ("tf32", "tf32x3")}
    layers = [
        [
            (whole(n_in), whole(n_out))
            for n_in, n_out in plan.nets[c].shapes
            if n_out > 1
        ]
        for c in plan.species
    ]
    expected = near.mean(np.array([gemm.layer_flops(shapes) for shapes in layers]))
    found = _part(work["tf32"], "fitting", "products")
    assert found.product == pytest.approx(expected)
    assert _part(work["tf32x3"], "fitting", "products").product == pytest.approx(
        3 * expected
    )


def _part(work: dict[str, list[Part]], stage: str, name: str) -> Part:
    return next(part for part in work[stage] if part.name == name)


@pytest.mark.parametrize("precision", ["double", "mixed", "single"])
def test_bytes_of_a_pair_are_those_that_the_kernels_keep(
    planned: Callable[[str], Plan], precision: str
) -> None:
    plan = planned(precision)
    near = around(plan)
    more = near._replace(pairs=near.pairs * 2)
    extra = near.mean(near.pairs.sum(axis=1))
    before, after = work_of(plan, near), work_of(plan, more)

    def per_pair(stage: str, name: str) -> float:
        old, new = _part(before, stage, name), _part(after, stage, name)
        return (new.memory - old.memory) / extra

    item, wide = plan.dtype.itemsize, 3 * plan.geometry_dtype.itemsize
    # Place in the row, row of the table, offset, difference; see `BatchPairs`.
    assert per_pair("environment", "environment") == pytest.approx(2 + 4 + item + wide)
    assert per_pair("moments", "moments") == pytest.approx(4 + item + wide)
    # … and the gradient, read and written.
    assert per_pair("gradients", "pair gradients") == pytest.approx(
        2 + 4 + item + 3 * wide
    )
    assert per_pair("forces", "gather") == pytest.approx(wide)


def test_precisions_count_where_they_are_meant(planned: Callable[[str], Plan]) -> None:
    for precision, table, geometry in (
        ("double", "float64", "float64"),
        ("mixed", "float32", "float64"),
        ("single", "float32", "float32"),
    ):
        work = work_of(planned(precision), around(planned(precision)))
        part = _part(work, "moments", "moments")
        kinds = {k for k in ("float32", "float64") if getattr(part, k)}
        assert kinds == {table, geometry}


def test_a_list_that_is_kept_longer_costs_less(planned: Callable[[str], Plan]) -> None:
    plan = planned("double")
    near = around(plan)
    often, seldom = (work_of(plan, near, Counting(interval=n)) for n in (5, 50))
    old, new = (_part(work, "neighbours", "build") for work in (often, seldom))
    assert old.memory == pytest.approx(10 * new.memory)
    assert _part(often, "neighbours", "follow") == _part(seldom, "neighbours", "follow")


def test_atomic_additions_need_no_reverse_pairs(
    planned: Callable[[str], Plan],
) -> None:
    plan = planned("mixed")
    near = around(plan)
    exact, loose = (
        work_of(plan, near, Counting(deterministic=d)) for d in (True, False)
    )
    assert loose["forces"][0].memory < exact["forces"][0].memory
    assert loose["forces"][0].gathered == 0
    least, most = (w["neighbours"][0].instructions for w in (loose, exact))
    assert least < most


def test_instructions_grow_with_what_a_warp_does() -> None:
    table = instructions.Table(turn=100, channel=10, chunk=1000, row=5)
    streams = Streams(lanes=8, channels=3, sweeps=1)
    # 64 pairs in four streams are 16 turns, in two chunks and a half of one.
    assert table.of(64, 1, streams) == 5 + 16 * 130 + 2.5 * 1000
    assert table.of(64, 1, streams._replace(sweeps=2)) == 5 + 2 * (16 * 130 + 2500)
    building = instructions.Building(0, 0, 0, 0, pairs=7, halving=10)
    # 96 pairs in two segments are four chunks; 16 neighbours are halved five times.
    assert building.of(500.0, 96.0, 16.0, 2) == 4 * (7 + 5 * 10)
    passes = instructions.Building(1, 2, 0, 50, 0, 0)
    n = 320 / 32 + instructions.LINES / 2
    assert passes.of(320.0, 0.0, 0.0, 2) == pytest.approx(2 * (5 * n + 50))


def test_the_slowest_resource_decides() -> None:
    part = Part("a", memory=10.0, float32=30.0, product=8.0)
    rates = Ceilings(memory=10.0, float32=10.0, product_tf32=1.0)
    assert seconds_of(part, rates, "tf32") == (8.0, "products in tf32")
    # A rate that is not known bounds nothing.
    assert seconds_of(part, rates, "float32") == (3.0, "float32")
    half = Efficiencies(arithmetic=0.25)
    assert seconds_of(part, rates, "float32", half)[0] == 12.0
    assert seconds_of(Part("b"), rates, "float32") == (0.0, "nothing")


def test_tables_beyond_l1_come_from_l2() -> None:
    rates = Ceilings(memory=1.0, l1=100.0, l2=10.0, l1_size=1000.0)
    small, large = (Part("t", cached=100.0, footprint=f) for f in (1000.0, 4000.0))
    assert seconds_of(small, rates, "float32") == (1.0, "l1")
    assert seconds_of(large, rates, "float32") == (7.5, "l2")


def test_gathered_bytes_count_once() -> None:
    part = Part("g", memory=10.0, gathered=4.0)
    reached = replace(ASSUMED, memory=1.0, gathered=0.5)
    rates = Ceilings(memory=1.0)
    assert seconds_of(part, rates, "float32")[0] == 10.0
    assert seconds_of(part, rates, "float32", reached)[0] == 14.0


def test_a_stage_as_fast_as_its_ceilings_is_the_whole_roofline() -> None:
    work = {"fitting": [Part("a", memory=8.0), Part("b", product=3.0)], "forces": []}
    rates = Ceilings(memory=2.0, product_float64=1.0)
    assert least_seconds(work, rates, "float64") == {"fitting": 7.0, "forces": 0.0}
    found = achieved(work, {"fitting": 14.0}, rates, "float64")
    assert set(found) == {"fitting"}
    assert found["fitting"]["fraction_of_roofline"] == 0.5
    assert found["fitting"]["memory_bytes_per_s"] == pytest.approx(8 / 14)


def test_parts_add_up() -> None:
    part = Part("a", memory=2.0, footprint=5.0, instructions=1.0)
    twice = part.times(0.5).plus(part.times(1.5))
    assert twice == Part("a", memory=4.0, footprint=5.0, instructions=2.0)


def test_cards_are_known_by_the_names_of_devices() -> None:
    assert card_named("NVIDIA H100 80GB HBM3") is CARDS["H100"]
    assert card_named("NVIDIA A100-SXM4-80GB") is CARDS["A100"]
    assert card_named("Tesla V100-SXM2-16GB") is None
    measured = {"l2": 5.0, "copy": 3.0, "memory": 7.0}
    found = measured_ceilings(measured, CARDS["H100"].ceilings())
    assert (found.l2, found.memory) == (5.0, 7.0)
    assert found.l1 == CARDS["H100"].ceilings().l1
    assert measured_ceilings(measured, None).l1 == 0.0


def test_measured_memory_is_the_best_of_its_measurements() -> None:
    measured = {"ceilings": {"copy": 3.0, "memory_read": 4.0, "l2": 9.0}}
    assert steps.known_ceilings(measured)["memory"] == 4.0
    assert steps.known_ceilings({})["memory"] == 0.0


def test_an_estimate_says_that_it_is_one(planned: Callable[[str], Plan]) -> None:
    plan = planned("mixed")
    near = around(plan)
    older, newer = (estimate(plan, near, CARDS[c], "tf32") for c in ("H100", "H200"))
    for found in (older, newer):
        assert found["million_atom_steps_per_s"] < found["at_the_peaks"]
    for stage, ns in newer["likely_ns_per_atom"].items():
        assert ns <= older["likely_ns_per_atom"][stage]
    exact = estimate(plan, near, CARDS["H200"], "tf32x3")
    assert exact["flops_per_atom"] > 2 * newer["flops_per_atom"]
    text = estimate_text(CARDS["H200"], {"water": {"mixed, tf32": newer}})
    assert text.startswith("ESTIMATE for one H200; nothing here was measured.")
    assert "4.8 TB/s" in text
    assert "memory 0.85" in text


def test_estimates_need_no_gpu() -> None:
    command = ["--estimate", "H200", "--model", "water", "--json"]
    found = json.loads(CliRunner().invoke(main, command).output)
    assert found["estimate"] is True
    assert "double" in found["models"]["water, the embedded model"]


def test_copper_is_the_published_architecture() -> None:
    model = copper_model()
    descriptor = model.descriptors[0]
    assert (descriptor.width, descriptor.sel, descriptor.rcut) == (100, (512,), 8.0)
    assert model.fitting[0].widths == (240, 240, 240, 1)
    again = copper_model()
    assert model.digest() == again.digest()
    # Unit variance of the rows of the crystal, empty slots counted.
    assert 0 < descriptor.davg[0, 0, 0] < descriptor.dstd[0, 0, 0]
