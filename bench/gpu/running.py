"""Workers in processes of their own, stopped in time, and what they printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

ROOT = Path(__file__).parents[2]
LAST_LINES = 2
POLL = 2.0  # s
NOISE = ("{", "  ", "Traceback ", "!!!")  # how lines begin that explain nothing
Report = Callable[[list[dict[str, Any]]], object]
FOLDER = re.compile(r"(?<![\w.])/(?:[^\s/:'\"]+/)+")


class Finished(NamedTuple):
    """A process that ended, or was ended."""

    code: int
    seconds: float
    late: bool
    said: str  # standard output and error, in their order
    records: list[dict[str, Any]]  # the lines that are JSON objects

    @property
    def last_words(self) -> str:
        """Of what is no record, without a traceback's places and without folders."""
        lines = [x for x in self.said.splitlines() if not x.startswith(NOISE)]
        told = [x.strip() for x in lines if x.strip()][-LAST_LINES:]
        return FOLDER.sub("", "; ".join(told)) or "no message"

    def problem(self) -> str | None:
        """In one sentence, or None."""
        if self.late:
            return f"stopped after {self.seconds:.0f} s: {self.last_words}"
        if self.code:
            return f"ended with code {self.code}: {self.last_words}"
        return None


class Process:
    """A command that runs beside us.

    Parameters
    ----------
    environment : added to ours; None removes a variable
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str | None] = {}
    ) -> None:
        changed = {**os.environ, **environment}
        # Open until `wait` has read it.
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._begun = time.monotonic()
        self._process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env={k: v for k, v in changed.items() if v is not None},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, seconds: float, report: Report | None = None) -> Finished:
        """Until it ends or the seconds are over; then it is ended with its children.

        Parameters
        ----------
        report : called with the records so far, now and then
        """
        ends, late = time.monotonic() + max(seconds, 0.0), False
        try:
            while self._runs(min(POLL, ends - time.monotonic())):
                if time.monotonic() >= ends:
                    late = True
                    break
                if report is not None:
                    report(_records(self._said()))
        finally:
            self.stop()
        took, said = time.monotonic() - self._begun, self._said()
        self._output.close()
        return Finished(self._process.returncode, took, late, said, _records(said))

    def _runs(self, seconds: float) -> bool:
        """Whether it still does after so many seconds."""
        try:
            self._process.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return True
        return False

    def _said(self) -> str:
        # By its own place in the file: the process writes at the one that it shares.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def stop(self) -> None:
        """End it and the processes that it started."""
        if self._process.poll() is None:
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
            self._process.wait()


def _records(said: str) -> list[dict[str, Any]]:
    """Lines that are JSON objects, whole ones."""
    found = []
    for line in said.splitlines():
        if line.startswith("{"):
            with suppress(ValueError):
                found.append(json.loads(line))
    return found


def worker_command(name: str, options: Mapping[str, Any]) -> list[str]:
    """That runs a worker of ``bench/gpu/workers``."""
    module = f"bench.gpu.workers.{name}"
    return [sys.executable, "-m", module, json.dumps(options)]


def run(
    command: Sequence[str],
    seconds: float,
    environment: Mapping[str, str | None] = {},
    report: Report | None = None,
) -> Finished:
    """A command, for so many seconds at most."""
    return Process(command, environment).wait(seconds, report)


def emit(record: Mapping[str, Any]) -> None:
    """A worker's line for us."""
    print(json.dumps(record), flush=True)
