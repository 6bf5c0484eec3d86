"""What is deleted is gone, at once, and nothing else keeps it."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from pathlib import Path

import pytest
from memory_cycles import X, cycle, grown, parameters

import dpse_fast
from dpse_fast.formats.exchange.writer import write
from dpse_fast.runtime import forks

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = ("dpa1.dp", "fparam.pb", "aparam.pth")
WARM_UP = 8  # cycles of all files, while caches fill up
ALLOWED = 1000  # bytes a cycle; an evaluator that is kept has a hundred times as many


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_cycles_leave_nothing(tmp_path: Path) -> None:
    own = tmp_path / "model.h5"
    write(dpse_fast.load(GOLDEN / "fparam.pb").model, own)
    files = [own, *(GOLDEN / name for name in FILES)]

    def cycles() -> None:
        for file in files:
            cycle(file)

    tracemalloc.start()
    try:
        for _ in range(WARM_UP):
            cycles()
        gc.collect()  # of other tests
        n_known = len(forks._known)
        each = grown(cycles, 8, lambda: tracemalloc.get_traced_memory()[0]) / len(files)
        assert each < ALLOWED
        assert len(forks._known) == n_known
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_potential_is_freed_without_the_garbage_collector() -> None:
    def used() -> list[weakref.ref[object]]:
        potential = dpse_fast.load(GOLDEN / "fparam.pb", threads=2)
        session, batch = potential.session(), potential.batch_session()
        more = parameters(potential.model)
        session.compute(X, [0, 0], **more)
        return [weakref.ref(one) for one in (potential, session, batch)]

    used()
    gc.collect()
    gc.disable()
    try:
        assert [one() for one in used()] == [None] * 3
    finally:
        gc.enable()
