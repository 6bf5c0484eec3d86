"""Forked processes that execute numbers, replaced when they die or hang."""

from __future__ import annotations

import faulthandler
import multiprocessing as mp
import os
import re
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from .memory import MIB, memory
from .target import Outcome, Target, failure_text, outcome_of

FORK = mp.get_context("fork")
ADDRESS_SPACE = 12 * 2**30
MOST_NUMBERS = 5  # of each failure, in the results

Say = Callable[[int, str], None]


@dataclass
class Tally:
    """What the executions of a target found."""

    executions: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    figures: dict[str, float] = field(default_factory=dict)
    failures: dict[str, list[int]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    peak: int = 0  # bytes of the largest worker

    def add(self, found: Outcome) -> None:
        self.executions += 1
        self.counts.update(found.counts)
        for name, value in found.figures.items():
            self.figures[name] = max(value, self.figures.get(name, value))

    def fail(self, number: int, text: str) -> bool:
        """Whether this kind of failure is new: texts differ by more than numbers."""
        self.executions += 1
        self.counts["FAILURE"] += 1
        kind = re.sub(r"0x[0-9a-f]+|-?[\d.]+|'[^']*'|\[.*\]$|;.*", "#", text)[:80]
        numbers = self.failures.setdefault(kind, [])
        numbers.append(number)
        self.texts.setdefault(kind, text)
        return len(numbers) == 1

    def listed_failures(self) -> list[dict[str, Any]]:
        """Each kind of failure: the first text, how often, the first numbers."""
        return [
            {
                "text": self.texts[kind],
                "times": len(numbers),
                "numbers": sorted(numbers)[:MOST_NUMBERS],
            }
            for kind, numbers in self.failures.items()
        ]


def start_of_worker(log: Path | None = None) -> None:
    """What holds in each process that executes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", RuntimeWarning)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if log is not None:
        os.setpgid(0, 0)  # Ctrl-C in a terminal is the parent's
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        faulthandler.enable()


def _work(pipe: Connection, target: Target, folder: Path, at: Any) -> None:
    start_of_worker(folder / "log")
    while (numbers := pipe.recv()) is not None:
        tally = Tally()
        for number in numbers:
            at[0], at[1] = number, time.monotonic()
            found = outcome_of(target, number, folder)
            if isinstance(found, Outcome):
                tally.add(found)
            else:
                tally.fail(number, failure_text(found))
            tally.peak = max(tally.peak, memory("VmHWM"))
        pipe.send(tally)


class Worker:
    """A process, and the numbers that it executes."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target, self._folder = target, folder
        folder.mkdir()
        self.numbers = range(0)
        self._start()

    def _start(self) -> None:
        self.pipe, there = FORK.Pipe()
        self._at = FORK.RawArray("d", 2)
        arguments = (there, self._target, self._folder, self._at)
        self._process = FORK.Process(target=_work, args=arguments)
        self._process.start()
        there.close()

    def give(self, numbers: range) -> None:
        self.numbers = numbers
        self._at[0], self._at[1] = numbers.start, time.monotonic()
        self.pipe.send(numbers)

    def tally(self) -> Tally | None:
        """Of its numbers; None if the process has died."""
        try:
            found: Tally = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return found

    @property
    def is_late(self) -> bool:
        return time.monotonic() - self._at[1] > self._target.time_limit

    def replace(self) -> tuple[int, str, list[range]]:
        """Begin anew: the number that ended the process, how, and what is left."""
        number = int(self._at[0])
        self.kill()
        code = self._process.exitcode or 0
        text = f"exit code {code}"
        if code < 0:
            text = f"killed by {signal.Signals(-code).name}"
        if self.is_late:
            text = f"more than {self._target.time_limit:g} s"
        log = (self._folder / "log").read_text(errors="replace").strip()
        if "Fatal" in log:
            place = next((x for x in log.splitlines() if "File" in x), "")
            text += f": {log[log.index('Fatal') :].splitlines()[0]}; {place.strip()}"
        self._start()
        before = range(self.numbers.start, number, self.numbers.step)
        after = range(number + self.numbers.step, self.numbers.stop, self.numbers.step)
        return number, text, [r for r in (before, after) if r]

    def kill(self) -> None:
        """End the process and those that it has started."""
        self._process.join(0.2)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.pipe.close()

    def stop(self) -> None:
        with suppress(OSError):
            self.pipe.send(None)
        self._process.join(5)
        self.kill()


def execute_all(
    target: Target,
    folder: Path,
    n_workers: int,
    count: int | None,
    end: float,
    say: Say,
) -> Tally:
    """Execute numbers from 0 up to a count, or until a time, in processes.

    Parameters
    ----------
    end : of ``time.monotonic``; batches that have begun are finished
    say : told of each new kind of failure
    """
    most = min(x for x in (count, target.most, 2**53) if x is not None)
    fresh = _batches(most, target.batch)
    left: list[range] = []
    tally = Tally()
    workers = [Worker(target, folder / f"{k}") for k in range(min(n_workers, most))]
    idle, busy = list(workers), []
    try:
        while True:
            while idle:
                numbers = left.pop() if left else None
                if numbers is None and time.monotonic() < end:
                    numbers = next(fresh, None)
                if numbers is None:
                    break
                worker = idle.pop()
                worker.give(numbers)
                busy.append(worker)
            if not busy:
                return tally
            ready = wait([worker.pipe for worker in busy], 0.5)
            for worker in list(busy):
                if worker.pipe not in ready and not worker.is_late:
                    continue
                found = worker.tally() if worker.pipe in ready else None
                if found is None:
                    number, text, rest = worker.replace()
                    left += rest
                    if tally.fail(number, text):
                        say(number, text)
                else:
                    _merge(tally, found, say)
                busy.remove(worker)
                idle.append(worker)
    finally:
        for worker in workers:
            worker.kill() if worker in busy else worker.stop()


def _batches(most: int, size: int) -> Iterator[range]:
    for start in range(0, most, size):
        yield range(start, min(start + size, most))


def _merge(whole: Tally, part: Tally, say: Say) -> None:
    whole.peak = max(whole.peak, part.peak)
    whole.executions += part.executions - part.counts["FAILURE"]
    whole.counts.update({k: n for k, n in part.counts.items() if k != "FAILURE"})
    for name, value in part.figures.items():
        whole.figures[name] = max(value, whole.figures.get(name, value))
    for kind, numbers in part.failures.items():
        for number in numbers:
            if whole.fail(number, part.texts[kind]):
                say(number, part.texts[kind])


def peak_mib(tally: Tally) -> float:
    return tally.peak / MIB
