"""A contender in a process of its own, asked for one evaluation at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np

SCRIPTS = Path(__file__).parent / "workers"
MOST_SECONDS = 300.0  # for one answer, start-up and compilation included
NOISE = "implib-gen"  # deepmd-kit's loader, where there is no CUDA

Answer = dict[str, Any]


class WorkerError(click.ClickException):
    """A worker ended, or took too long, without an answer."""


def peer_environment(threads: int) -> dict[str, str]:
    """What keeps deepmd-kit on this number of threads, and silent."""
    found = {"OMP_NUM_THREADS": str(threads)}
    for program in ("TF", "DP"):
        found[f"{program}_INTRA_OP_PARALLELISM_THREADS"] = str(threads)
        found[f"{program}_INTER_OP_PARALLELISM_THREADS"] = "1"
    return found | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def last_words(said: str) -> str:
    """The line of what a process said that explains its end best."""
    told = [line.strip() for line in said.strip().splitlines() if NOISE not in line]
    errors = [line for line in told if line.startswith("ERROR")]  # of LAMMPS
    return [*errors[:1], *told[::-1], "no message"][0]


class Worker(AbstractContextManager["Worker"]):
    """A script of ``workers/`` that serves evaluations; a context manager.

    Parameters
    ----------
    name : for messages
    script, options : what runs, and what it reads
    folder : for its log and numbers
    python : an interpreter; default: this one
    environment : added to ours
    """

    def __init__(
        self,
        name: str,
        script: str,
        options: dict[str, Any],
        folder: Path,
        python: str = sys.executable,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        own = Path(tempfile.mkdtemp(dir=folder))
        self._numbers, self._log = own / "numbers.npz", own / "log"
        options = {**options, "numbers": str(self._numbers)}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [python, str(SCRIPTS / script), json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | (environment or {}),
            )

    def __exit__(self, *_: object) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def evaluate(self, timeout: float = MOST_SECONDS) -> Answer:
        """One evaluation: seconds ``wall`` and ``cpu`` (all threads), ``peak_bytes``.

        Raises WorkerError with what the process said last.
        """
        assert self._process.stdin
        assert self._process.stdout
        begun = time.monotonic()
        alarm = threading.Timer(timeout, self._process.kill)
        alarm.start()
        try:
            with suppress(BrokenPipeError):
                self._process.stdin.write("go\n")
                self._process.stdin.flush()
                for line in self._process.stdout:
                    if line.startswith("{"):
                        answer: Answer = json.loads(line)
                        return answer
            code = self._process.wait()
        finally:
            alarm.cancel()
        late = time.monotonic() - begun >= timeout
        how = f"no answer within {timeout:.0f} s" if late else f"code {code}"
        said = last_words(self._log.read_text(errors="replace"))
        raise WorkerError(f"{self.name} ended ({how}): {said}")

    def numbers(self) -> dict[str, Any]:
        """energy (eV), forces (N, 3), virial (3, 3) of the first evaluation."""
        with np.load(self._numbers) as saved:
            return {name: saved[name] for name in saved}
