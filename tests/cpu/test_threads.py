"""Tasks on several threads: who does them, and what an error or interrupt leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from itertools import pairwise
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.layout import Neighbourhood

from dpse_fast.cpu import blocks
from dpse_fast.cpu import threads as cpu_threads
from dpse_fast.cpu.aligned import CACHE_LINE, own_lines
from dpse_fast.cpu.blocks import BLOCK, LEAST_BLOCK, blocks_of
from dpse_fast.cpu.spatial_order import _rows_apart, slices, task_size
from dpse_fast.cpu.threads import Workers


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_task_is_done_once(threads: int) -> None:
    done: list[int] = []
    workers = Workers(threads)
    for n in (0, 1, 2, 40):
        done.clear()
        workers.run(done.append, ((k,) for k in range(n)))
        assert sorted(done) == list(range(n))


def test_one_task_stays_with_the_caller() -> None:
    where: list[int] = []
    Workers(3).run(lambda _: where.append(threading.get_ident()), [(0,)])
    assert where == [threading.get_ident()]


def test_the_caller_is_one_of_the_threads() -> None:
    together, where = threading.Barrier(2), set()

    def meet(_: int) -> None:
        together.wait(10)  # breaks unless two work at once
        where.add(threading.get_ident())

    Workers(2).run(meet, [(0,), (1,)])
    assert len(where) == 2
    assert threading.get_ident() in where


@pytest.mark.parametrize("callers", [True, False])
def test_after_an_error_no_task_begins(callers: bool) -> None:
    """Whether it happens to the caller or to the other thread."""
    caller, both = threading.get_ident(), threading.Barrier(2)
    stopped, begun = threading.Event(), []

    def work(task: int) -> None:
        begun.append(task)
        both.wait(10)
        if (threading.get_ident() == caller) is callers:
            raise MemoryError("of one")
        assert stopped.wait(10)

    with pytest.raises(MemoryError, match="of one"):
        Workers(2).run(work, [(k,) for k in range(9)], stopped)
    assert len(begun) == 2


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_what_runs() -> None:
    caller, stopped, ended = threading.get_ident(), threading.Event(), []
    both = threading.Barrier(2)

    def work(_: int) -> None:
        both.wait(10)
        if threading.get_ident() == caller:
            os.kill(os.getpid(), signal.SIGINT)
            stopped.wait(10)
        else:
            ended.append(stopped.wait(10))

    with pytest.raises(KeyboardInterrupt):
        Workers(2).run(work, [(0,), (1,)], stopped)
    assert ended == [True]


def test_a_thread_that_the_caller_does_not_know_yet_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interrupt comes when it was asked to help, before the caller noted that."""
    begun, stopped, ended = threading.Event(), threading.Event(), []

    class Interrupted(SimpleQueue[Any]):
        def put(self, item: Any, block: bool = True, timeout: Any = None) -> None:
            super().put(item)
            if callable(item) and not isinstance(item, weakref.ref):
                begun.wait(10)
                raise KeyboardInterrupt

    def work(_: int) -> None:
        begun.set()
        stopped.wait(10)
        time.sleep(0.2)
        ended.append(True)

    monkeypatch.setattr(cpu_threads, "SimpleQueue", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        Workers(2).run(work, [(0,), (1,)], stopped)
    assert ended == [True]


def sizes(counts: list[int]) -> list[int]:
    types = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    rows = np.arange(len(types), dtype=np.int32)
    nothing = np.empty(0, np.int32)
    hood = Neighbourhood(np.empty((0, 3)), types, rows, nothing, nothing)
    found = blocks_of(hood, len(counts))
    assert sorted(np.concatenate([b.rows for b in found])) == rows.tolist()
    assert all((types[b.rows] == b.species).all() for b in found)
    return [len(b.rows) for b in found]


def test_the_last_blocks_are_small() -> None:
    found = sizes([1728, 3456])
    assert max(found) <= BLOCK
    assert found[1] > 0.9 * BLOCK
    left = np.cumsum(found[::-1])[::-1]
    for size, rest in zip(found, left, strict=True):
        assert size <= max(LEAST_BLOCK, rest / 2 + blocks.TILE)
    assert len(found) <= 5184 / BLOCK + 6


def test_few_atoms_are_few_blocks() -> None:
    assert sizes([192]) == [32] * 6
    assert sizes([1, 0, 2]) == [1, 2]


def test_two_threads_never_count_into_one_cache_line() -> None:
    rows = _rows_apart(3, 2, np.int64)
    ends = [(row.ctypes.data, row.ctypes.data + row.nbytes) for row in rows]
    for (_, end), (begin, _) in pairwise(ends):
        assert begin - end >= CACHE_LINE
    for size in (1, 8, 9):
        some = own_lines(size, np.int64)
        assert some.shape == (size,)
        assert not some.any()
        assert some.ctypes.data % CACHE_LINE == 0
        room = some.base.nbytes if isinstance(some.base, np.ndarray) else 0
        assert room >= -(-some.nbytes // CACHE_LINE) * CACHE_LINE


def test_parts_are_even() -> None:
    for n, most in ((0, 4), (1, 4), (9, 4), (5184, 4096), (17, 17)):
        parts = slices(n, most)
        lengths = [part.stop - part.start for part in parts]
        assert sum(lengths) == n
        assert [k for part in parts for k in range(n)[part]] == list(range(n))
        assert len(parts) == -(-n // most)
        assert all(max(lengths) - length < len(parts) for length in lengths)


def test_small_structures_are_shared_too() -> None:
    assert task_size(10**6, 4096) == 4096
    assert task_size(20_000, 4096) == 1250
    assert 1 <= task_size(3, 5) <= 5


INTERRUPTS = """
import os, random, signal, time
from dpse_fast.cpu.threads import Workers

class Interrupt(BaseException): pass

armed = False

def ring(*_):
    global armed
    if armed:
        armed = False
        raise Interrupt

signal.signal(signal.SIGALRM, ring)
random.seed(1)
workers, met, end = Workers(3), 0, time.monotonic() + 2
while time.monotonic() < end:
    try:
        armed = True
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 3e-4))
        workers.run(lambda k: None, [(k,) for k in range(6)])
        armed = False
    except Interrupt:
        met += 1
        if met % 20 == 0:
            workers = Workers(3)
found = []
workers.run(lambda k: found.append(k), [(k,) for k in range(6)])
assert sorted(found) == list(range(6))
print(met)
"""


def test_workers_live_on_after_interrupts_at_any_moment() -> None:
    """A pool of Python's own stays locked where an interrupt comes as it is entered."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


def test_threads_end_with_their_workers() -> None:
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        pytest.skip("threads are seen in /proc, which this system lacks")
    workers, barrier, found = Workers(4), threading.Barrier(4), set[int]()

    def meet(_: int) -> None:
        found.add(threading.get_native_id())
        barrier.wait(30)

    workers.run(meet, [(k,) for k in range(4)])
    others = found - {threading.get_native_id()}
    assert len(others) == 3
    assert all((tasks / str(k)).exists() for k in others)
    del workers
    end = time.monotonic() + 30
    while any((tasks / str(k)).exists() for k in others) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any((tasks / str(k)).exists() for k in others)
