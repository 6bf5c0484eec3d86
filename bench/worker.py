"""A contender in a process of its own, asked for one evaluation at a time."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

SCRIPTS = Path(__file__).parent / "workers"
MOST_SECONDS = 300.0  # for one answer, start-up and compilation included
NOISE = "implib-gen"  # deepmd-kit's loader, where there is no CUDA
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "TF_INTRA_OP_PARALLELISM_THREADS",
    "DP_INTRA_OP_PARALLELISM_THREADS",
)


class WorkerError(Exception):
    """A worker ended, or took too long, without an answer."""


def peer_environment(threads: int) -> dict[str, str]:
    """What keeps deepmd-kit on this number of threads, and silent."""
    limits = dict.fromkeys(THREAD_VARIABLES, str(threads))
    single = ("TF_INTER_OP_PARALLELISM_THREADS", "DP_INTER_OP_PARALLELISM_THREADS")
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    return limits | dict.fromkeys(single, "1") | quiet


def last_words(path: Path, lines: int = 1) -> str:
    """The end of a log."""
    said = path.read_text(errors="replace").strip().splitlines()
    told = [line.strip() for line in said if NOISE not in line]
    return " | ".join(told[-lines:]) or "no message"


class Worker:
    """A script of ``workers/`` that serves evaluations; a context manager.

    Parameters
    ----------
    name : for messages and for its files in the folder
    python, script : what runs
    options : for the script, see there
    folder : of its log and numbers
    environment : added to ours
    """

    def __init__(
        self,
        name: str,
        python: str,
        script: str,
        options: dict[str, Any],
        folder: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        stem = "".join(c if c.isalnum() else "-" for c in name)
        self._numbers = folder / f"{stem}.npz"
        self._log = folder / f"{stem}.log"
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

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def evaluate(self, timeout: float = MOST_SECONDS) -> dict[str, float]:
        """One evaluation: seconds ``wall`` and ``cpu`` (all threads), ``peak_bytes``.

        Raises
        ------
        WorkerError
        """
        assert self._process.stdin
        assert self._process.stdout
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        alarm = threading.Timer(timeout, end)
        alarm.start()
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                if line.startswith("{"):
                    answer: dict[str, float] = json.loads(line)
                    return answer
        except BrokenPipeError:
            pass
        finally:
            alarm.cancel()
        code = self._process.wait()
        how = f"no answer within {timeout:.0f} s" if late.is_set() else f"code {code}"
        raise WorkerError(f"{self.name} ended ({how}): {last_words(self._log)}")

    def numbers(self) -> dict[str, Any]:
        """energy (eV), forces (N, 3), virial (3, 3) of the first evaluation."""
        with np.load(self._numbers) as saved:
            return {name: saved[name] for name in saved}

    def stop(self) -> None:
        """End the process."""
        if self._process.stdin:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
