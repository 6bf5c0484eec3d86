"""The memory that is stated before a run, and what a step leaves behind."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from other_process import output

import dpse_fast
from dpse_fast.cli.bench_command import peak_memory
from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.cpu.memory import bytes_per_atom, worker_bytes
from dpse_fast.trajectory import Frame, model_types

STEP = 150  # bytes an atom: energies, forces and rows of a step


@pytest.fixture(scope="module")
def water() -> dpse_fast.Potential:
    """What compiles takes memory once: all kernels have run before."""
    found = dpse_fast.load(precision="mixed", threads=2)
    box = water_cell()
    types = model_types(box, found.type_map)
    for skin in (0.0, 1.0):
        session = found.session(skin)
        for step in range(2):
            session.compute(box.positions + 0.01 * step, types, box.cell)
    return found


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def peak_of(
    water: dpse_fast.Potential, box: Frame, skin: float, steps: int = 2
) -> tuple[int, int]:
    """Bytes at most in a session less those before it, and in its last step."""
    types = model_types(box, water.type_map)
    before = tracemalloc.get_traced_memory()[0]
    session = water.session(skin)
    positions = box.positions.copy()
    most = last = 0
    for step in range(steps):
        start = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        session.compute(positions + 0.01 * (step % 2), types, box.cell)
        peak = tracemalloc.get_traced_memory()[1]
        most, last = max(most, peak - before), peak - start
    assert session.list_builds == (1 if skin else steps)
    return most, last


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("skin", [0.0, 1.0])
def test_what_is_stated_is_what_is_taken(
    water: dpse_fast.Potential, skin: float
) -> None:
    # Large enough that a block's room for forces is the same in both.
    small, large = (replicated(water_cell(), n) for n in (24_000, 48_000))
    assert water.plan is not None
    stated, taken = [], []
    peak_of(water, small, skin)  # compiles
    for box in (small, large):
        n = box.n_atoms
        stated.append(n * (24 + bytes_per_atom(water.plan, 2, skin, n)))
        taken.append(peak_of(water, box, skin)[0])
    assert taken[1] - taken[0] == pytest.approx(stated[1] - stated[0], rel=0.3)
    fixed = taken[0] - stated[0]
    assert fixed < 2 * 2 * worker_bytes(water.plan)


@pytest.mark.usefixtures("traced")
def test_a_step_takes_no_more_than_its_result_and_rows() -> None:
    # One thread: of several, one that is held up lets forces of blocks wait.
    water = dpse_fast.load(precision="mixed", threads=1)
    small, large = (replicated(water_cell(), n) for n in (6_000, 24_000))
    peak_of(water, small, 1.0)  # compiles
    steps = [peak_of(water, box, 1.0, 4)[1] for box in (small, large)]
    assert steps[1] - steps[0] < STEP * (large.n_atoms - small.n_atoms)


def test_the_peak_is_not_the_parents() -> None:
    """`ru_maxrss` of a child starts at the size of its parent."""
    ballast = np.ones(2**27, np.uint8)  # resident: every page is written
    code = "from dpse_fast.cli.bench_command import peak_memory; print(peak_memory())"
    mine, child = peak_memory(), int(output(sys.executable, "-c", code))
    assert mine is not None
    if sys.platform == "linux":
        assert 2**20 < child < mine
        assert child < ballast.size
