"""A child of a fork computes, whatever the other threads of its parent were doing."""

from __future__ import annotations

import os
import sys

import pytest
from other_process import HERE, output, users_environment

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason=f"{sys.platform} does not fork"
)

BEGIN = """
import gc, os, sys, threading, time, warnings
warnings.simplefilter("ignore")
import numpy as np
import dpse_fast
from random_model import random_model
from dpse_fast.runtime import blas_threads, forks, process_state

def in_child(work):
    pid = os.fork()
    if not pid:
        import faulthandler
        faulthandler.dump_traceback_later(40, exit=True)
        try:
            work()
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]

def in_thread(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
"""

COMPUTING = """
threads, what = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(0)
x, t = rng.uniform(0, 18, (300, 3)), rng.integers(0, 2, 300)
cell = 18 * np.eye(3)
pot = dpse_fast.load(random_model(), threads=threads)
session, batch, listed = pot.session(0.5), pot.batch_session(0.5), pot.listed_session()
near = [[0, 0, 0], [1.5, 0, 0], [0, 1.6, 0]]
rows = [0, 2, 4, 6], [1, 2, 0, 2, 0, 1]
step = 0
calls = {
    "compute": lambda x: [pot.compute(x, t, cell)],
    "session": lambda x: [session.compute(x, t, cell)],
    "batch": lambda x: batch.compute([(x, t, cell), (x[:50], t[:50], cell)]),
    "listed": lambda x: [listed.compute(near + x[0], [0, 1, 0], *rows)],
}
limits = [one.num_threads for one in blas_threads._controller().lib_controllers]

def answers():
    return [one.forces for call in calls.values() for one in call(x)]

expected = answers()

def work():
    global step
    while True:
        step += 1
        calls[what](x + 0.3 * (step % 3))

def check():
    assert gc.isenabled()
    now = [one.num_threads for one in blas_threads._controller().lib_controllers]
    assert now == limits, (now, limits)
    for found, known in zip(answers(), expected):
        np.testing.assert_allclose(found, known, atol=1e-10)

others = [in_thread(work) for _ in range(2)]
for _ in range(6):
    time.sleep(float(rng.uniform(0, 0.02)))
    assert not in_child(check)
print("well", step > 1)
os._exit(0)
"""

HOLDING = """
from contextlib import ExitStack
from numba.core.compiler_lock import global_compiler_lock
pot = dpse_fast.load(random_model(), threads=2)
x, types = [[0, 0, 0], [1.5, 0, 0]], [0, 1]
expected = pot.compute(x, types).energy
inside, enough = threading.Event(), threading.Event()

def hold():
    from dpse_fast.cpu import packed_plan
    with ExitStack() as stack:
        for lock in (pot._session._lock, pot._planner._lock, packed_plan._lock):
            stack.enter_context(lock.lock)
        stack.enter_context(process_state.garbage_collection_paused())
        stack.enter_context(blas_threads.one_blas_thread())
        inside.set()
        enough.wait(60)

def check():
    assert gc.isenabled()
    assert process_state._paused.inside == blas_threads._limited.inside == 0
    assert pot.compute(x, types).energy == expected
    assert dpse_fast.load(random_model(), tol=1e-3).compute(x, types).energy
    with process_state.garbage_collection_paused():
        assert not gc.isenabled()
    assert gc.isenabled()

# Who imports for longer than a fork waits is cut in two, but hangs no child.
longest, forks.LONGEST_WAIT = forks.LONGEST_WAIT, 0.2
holding = in_thread(hold)
assert inside.wait(60)
assert not in_child(check)
forks.LONGEST_WAIT = longest
assert not gc.isenabled()
enough.set()
holding.join(60)
assert gc.isenabled()

# The thread that forks is inside itself, and stays so.
with process_state.garbage_collection_paused():
    def still():
        assert not gc.isenabled() and process_state._paused.inside == 1
    assert not in_child(still)

# A fork waits for who compiles.
begun, order = threading.Event(), []

def compile():
    with global_compiler_lock:
        begun.set()
        time.sleep(0.3)
        order.append("compiled")

def after():
    assert order == ["compiled"]
    with global_compiler_lock:
        pass

compiling = in_thread(compile)
assert begun.wait(60)
assert not in_child(after)
with global_compiler_lock:
    print("well")
"""

LOADING = """
golden = sys.argv[1]
def load():
    for name in ("fparam.pb", "dpa1.dp", "aparam.pth"):
        dpse_fast.load(f"{golden}/{name}", threads=1)
    dpse_fast.load(threads=1).compute([[0, 0, 0], [1, 0, 0]], [0, 1])
loading = in_thread(load)
for _ in range(2):
    time.sleep(0.1)  # modules are being imported, plans made
    assert not in_child(load)
loading.join(60)
print("well")
"""


def said(code: str, *arguments: object) -> str:
    environment = users_environment(PYTHONPATH=str(HERE))
    whole = [sys.executable, "-c", BEGIN + code, *arguments]
    return output(*whole, env=environment, timeout=300)


@pytest.mark.parametrize(
    ("what", "threads"),
    [("compute", 2), ("session", 1), ("batch", 2), ("listed", 1)],
)
def test_while_threads_compute(what: str, threads: int) -> None:
    assert said(COMPUTING, threads, what).split() == ["well", "True"]


def test_locks_and_states_of_other_threads() -> None:
    assert said(HOLDING).split() == ["well"]


def test_while_a_thread_loads() -> None:
    assert said(LOADING, HERE / "golden").split() == ["well"]
