"""What an interrupted or failed evaluation leaves behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from random_model import random_model, random_structure
from threadpoolctl import threadpool_info

import dpse_fast
from dpse_fast.cpu import neighbours
from dpse_fast.cpu.packed_plan import packed
from dpse_fast.cpu.pipeline import Pipeline
from dpse_fast.planning import make_plan
from dpse_fast.runtime import blas_threads as blas
from dpse_fast.runtime.blas_threads import one_blas_thread


def large_box() -> tuple[Any, Any, Any]:
    s = random_structure("cubic")
    shifts = np.array(np.meshgrid(*[range(6)] * 3)).reshape(3, -1).T @ s.cell
    positions = (shifts[:, None] + s.positions).reshape(-1, 3)
    return positions, np.tile(s.types, len(shifts)), 6 * s.cell


@pytest.mark.usefixtures("interruptible")
def test_the_next_result_after_an_interrupt_is_right() -> None:
    pot = dpse_fast.load(random_model(), threads=2)
    box = large_box()
    expected = pot.compute(*box)
    interrupted = 0
    for trial in range(4):
        delay = 0.02 * (1 + trial)
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            for _ in range(200):
                pot.compute(*box)
        except KeyboardInterrupt:
            interrupted += 1
        timer.join()
        result = pot.compute(*box)
        np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=1e-9)
        assert result.energy == pytest.approx(expected.energy, abs=1e-6)
    assert interrupted == 4


def test_half_a_list_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    s = random_structure("cubic")
    pot = dpse_fast.load(random_model())
    session = pot.session()
    expected = session.compute(*s[:3]).energy

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(neighbours, "Neighbourhood", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.compute(s.positions[::-1] + 3.0, s.types, s.cell)
    assert session.compute(*s[:3]).energy == pytest.approx(expected, abs=1e-11)


def test_memory_that_runs_out_leaves_a_session_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = random_structure("cubic", 2, 3, 6)
    session = dpse_fast.load(random_model(), threads=1).session(skin=0.5)
    expected = session.compute(*s[:3], pbc=s.pbc)

    def short_of_memory(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Pipeline, "evaluate", short_of_memory)
        with pytest.raises(dpse_fast.InputError, match=r"6 atoms do not fit into the"):
            session.compute(*s[:3], pbc=s.pbc)
    found = session.compute(*s[:3], pbc=s.pbc)
    np.testing.assert_array_equal(found.forces, expected.forces)
    assert session.list_builds == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_a_workers_error_is_raised(threads: int) -> None:
    engine = Pipeline(threads)
    engine.use(packed(make_plan(random_model())))

    def fail(task: int) -> None:
        if task == 2:
            raise MemoryError("of task 2")

    with pytest.raises(MemoryError, match="of task 2"):
        engine.run(fail, [(k,) for k in range(4)])


def blas_threads() -> list[int]:
    """Of NumPy's BLAS; SciPy may bring another one, which the engine never calls."""
    names = {lib.filepath for lib in blas._controller().lib_controllers}
    known = [pool for pool in threadpool_info() if pool["filepath"] in names]
    return [pool["num_threads"] for pool in known if pool["user_api"] == "blas"]


def test_the_blas_limit_comes_back() -> None:
    before = blas_threads()
    assert before
    barrier = threading.Barrier(2)

    def enter(wait: float) -> list[int]:
        with one_blas_thread():
            barrier.wait(10)
            time.sleep(wait)
            return blas_threads()

    with ThreadPoolExecutor(2) as pool:
        inside = list(pool.map(enter, [0.0, 0.2]))
    assert {n for found in inside for n in found} == {1}
    assert blas_threads() == before
    with pytest.raises(ValueError, match="inside"), one_blas_thread():
        raise ValueError("inside")
    assert blas_threads() == before


def test_a_batch_after_an_interrupt_has_the_lists_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One system's list was built anew, the other's not looked at any more."""
    given = [random_structure(kind) for kind in ("open", "cubic")]
    session = dpse_fast.load(random_model(), threads=1).batch_session(skin=0.5)
    session.compute([one[:3] for one in given])
    wider = (1.2 * given[0].positions, *given[0][1:3])
    systems = [wider, given[1][:3]]
    update, updates = neighbours.NeighbourList.update, []

    def interrupted(self: neighbours.NeighbourList, system: Any) -> None:
        if updates:
            raise KeyboardInterrupt
        updates.append(system)
        update(self, system)

    with monkeypatch.context() as patch:
        patch.setattr(neighbours.NeighbourList, "update", interrupted)
        with pytest.raises(KeyboardInterrupt):
            session.compute(systems)
    found = session.compute(systems)
    expected = dpse_fast.load(random_model(), threads=1).compute_batch(systems)
    for one, alone in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.forces, alone.forces, rtol=0, atol=1e-10)
