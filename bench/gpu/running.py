"""Commands in processes of their own, stopped in time, and what they printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
LAST_LINES = 2
NOISE = ("{", "  ", "Traceback ", "!!!")  # how lines begin that explain nothing
FOLDER = re.compile(r"(?<![\w.])/(?:[^\s/:'\"]+/)+")

Records = list[dict[str, Any]]


class Finished(NamedTuple):
    """A process that ended, or was ended."""

    code: int
    seconds: float
    late: bool
    said: str  # standard output and error, in their order
    records: Records  # the lines that are JSON objects

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
        self._begun = time.monotonic()
        self._process = subprocess.Popen(
            list(command),
            cwd=ROOT,
            env={k: v for k, v in changed.items() if v is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def wait(
        self, seconds: float, report: Callable[[Records], object] = lambda _: None
    ) -> Finished:
        """Until it ends or the seconds are over; then it is ended with its children.

        Parameters
        ----------
        report : called with the records so far when there is another
        """
        ends = time.monotonic() + seconds
        alarm = threading.Timer(max(seconds, 0.0), self.stop)
        alarm.start()
        said, records = [], []
        try:
            for line in self._process.stdout or ():
                said.append(line)
                if line.startswith("{"):
                    with suppress(ValueError):
                        records.append(json.loads(line))
                    report(records)
            code = self._process.wait()
        finally:
            alarm.cancel()
            self.stop()
        now = time.monotonic()
        return Finished(code, now - self._begun, now >= ends, "".join(said), records)

    def stop(self) -> None:
        """End it and the processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def worker_command(name: str, options: Mapping[str, Any]) -> list[str]:
    """That runs a worker of ``bench/gpu/workers``."""
    return [sys.executable, "-m", "bench.gpu.workers", name, json.dumps(options)]
