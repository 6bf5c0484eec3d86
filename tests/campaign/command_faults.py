"""``dpse-fast eval`` that is killed, interrupted, cut off or out of space."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import h5py
import numpy as np
from ase.io import read, write
from random_model import random_model

import dpse_fast
from dpse_fast.formats import exchange

from .forked_command import (
    NOTHING,
    Ended,
    Running,
    closed,
    closed_pipe,
    files_limited_to,
)
from .target import Target
from .trajectory_files import gas

N_FRAMES = 80
OUTPUTS = ("out.xyz", "out.h5")
FROM_SCRATCH = 25  # one of so many is a new process instead of a fork
FAULTS = ("kill", "terminate", "interrupt", "full disk", "pipe", "closed", "truncated")
SIGNALS = {
    "kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT
}  # fmt: skip
# Python ends by SIGINT, in spite of `main`, if it was met inside of an ``exec``;
# shells show 130 for both.
CODES = {"terminate": {143}, "interrupt": {130, -signal.SIGINT}, "kill": {-9}}


def _before_main(done: Ended, place: Path, start: float) -> bool:
    """Whether a signal came before our command: it neither wrote nor said anything."""
    if any(path.stat().st_mtime >= start for path in place.glob("*partial*")):
        return False
    last = done.err.rstrip().rpartition("\n")[2]
    if last == "KeyboardInterrupt":
        return ", in main\n" not in done.err
    return done.code < 0 and not done.out and not done.err


class CommandFaults(Target):
    name = "commands"
    promise = (
        "`eval` that ends early keeps all finished frames in a file that opens, shows "
        "no traceback, and `--resume` gives the same bytes as a run that was not "
        "interrupted"
    )
    tried = (
        "kill -9, SIGTERM and SIGINT at random moments, files that cannot grow, closed "
        "pipes and streams, truncated trajectories, once or several times in a run, "
        "for HDF5 and extxyz"
    )
    time_limit = 300.0
    full = 1_000

    def prepare(self, folder: Path) -> None:
        self.model = folder / "model.h5"
        exchange.write(random_model(), self.model)
        self.trajectory = folder / "frames.xyz"
        write(self.trajectory, [gas(k, 3 + k % 5) for k in range(N_FRAMES)])
        self.text = self.trajectory.read_bytes()
        self.expected, self.seconds = {}, 1.0
        # Loaded here, for all that are forked.
        potential = dpse_fast.load(self.model, threads=1)
        potential.compute(gas(0).positions, [0] * 6, gas(0).cell.array)
        for name in OUTPUTS:
            start = time.monotonic()
            done = Running(self._arguments(folder, name), folder).wait()
            assert done.code == 0, done.err
            self.seconds = time.monotonic() - start
            self.expected[name] = (folder / name).read_bytes()

    def _arguments(self, folder: Path, name: str, *more: str) -> list[object]:
        command = ["eval", "frames.xyz", "-m", self.model, "-o", name, "--threads", 1]
        return [*command, *more]

    def execute(self, number: int, folder: Path) -> str:
        rng = self.rng(number)
        place = folder / "run"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        name = OUTPUTS[number % 2]
        fresh = rng.random() < 1 / FROM_SCRATCH
        faults = [str(f) for f in rng.choice(FAULTS, int(rng.integers(1, 4)))]
        more: list[str] = []
        for fault in faults:
            (place / "frames.xyz").write_bytes(self.text)
            start = time.time()
            done = self._with_fault(fault, name, place, more, fresh, rng)
            if fault in SIGNALS and _before_main(done, place, start):
                continue
            assert "Traceback" not in done.err, done.err[-800:]
            if done.code == 0 and "it may be cut off" in done.err:
                return "a warning of a cut number"
            if done.code == 0 or (fault in SIGNALS and (place / name).exists()):
                return self._complete(name, place, f"all, in spite of {fault}")
            allowed = CODES.get(fault, {1})
            text = f"{fault}: exit code {done.code}, {done.err[-200:]!r}"
            assert done.code in allowed, text
            self._check_partial(name, place, fault)
            more = ["--resume"]
        (place / "frames.xyz").write_bytes(self.text)
        done = Running(self._arguments(place, name, *more), place).wait()
        assert done.code == 0, f"--resume after {faults}: {done.err[-300:]}"
        return self._complete(name, place, f"resumed after {faults[-1]}")

    def _complete(self, name: str, place: Path, kind: str) -> str:
        same = (place / name).read_bytes() == self.expected[name]
        assert same, f"{name}: other bytes than an uninterrupted run ({kind})"
        left = sorted(p.name for p in place.glob("*partial*"))
        assert not left, f"{left} left behind ({kind})"
        return kind

    def _with_fault(
        self,
        fault: str,
        name: str,
        place: Path,
        more: list[str],
        fresh: bool,
        rng: np.random.Generator,
    ) -> Ended:
        begin = NOTHING
        if fault == "full disk":
            most = len(self.expected[name])
            begin = files_limited_to(int(rng.integers(200, most)))
        elif fault == "pipe":
            begin = closed_pipe(int(rng.integers(1, 3)))
        elif fault == "closed":
            begin = closed(int(rng.integers(1, 3)))
        elif fault == "truncated":
            (place / "frames.xyz").write_bytes(
                self.text[: int(rng.integers(1, len(self.text)))]
            )
        arguments = self._arguments(place, name, *more)
        running = Running(arguments, place, begin, fresh)
        if fault in SIGNALS:
            time.sleep(float(rng.uniform(0, (4 if fresh else 1) * self.seconds)))
            if (early := running.ended()) is not None:
                return early
            os.kill(running.pid, SIGNALS[fault])
        return running.wait()

    def _check_partial(self, name: str, place: Path, fault: str) -> None:
        """All frames of the journal are in the partial file, which opens."""
        stem, suffix = name.split(".")
        partial = place / f"{stem}.partial.{suffix}"
        journal = place / f"{partial.name}.jsonl"
        if not journal.exists():
            return
        lines = [x for x in journal.read_text().splitlines(True) if x.endswith("\n")]
        ends = [e["end"] for e in map(json.loads, lines[1:]) if "end" in e]
        if not ends:
            return
        if suffix == "h5":
            with h5py.File(partial) as file:
                n = len(file["frames/end"])
                assert n >= len(ends), f"{fault}: {n} of {len(ends)} frames in HDF5"
                rows = int(file["frames/end"][len(ends) - 1])
                assert np.isfinite(file["atoms/force"][:rows]).all(), fault
            return
        whole = partial.read_bytes()
        last = ends[-1]
        end = last if isinstance(last, int) else last[0]
        same = whole[:end] == self.expected[name][:end]
        assert same, f"{fault}: extxyz differs from a whole run"
        cut = place / "cut.xyz"
        cut.write_bytes(whole[:end])
        n = len(read(cut, index=":"))
        assert n == len(ends), f"{fault}: {n} of {len(ends)} frames in extxyz"
