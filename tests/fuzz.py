"""Mutate model files and read each mutation under limits of time and memory.

    python tests/fuzz.py --mutations 10000 --seed 1 [--head NAME] FILE...

A mutation may give one error or a model, equal to the file's or different. Anything
else is a failure, printed with what repeats it: ``--only NUMBER`` reads one mutation
in this process and shows the traceback. The peak is the largest growth of resident
memory beyond four times the file.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import resource
import signal
import sys
import tempfile
import warnings
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from formats.mutations import mutate

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model

EXPANSION = 4
SLACK = 48 * 2**20
TIME_LIMIT = 20.0
LONGEST_MESSAGE = 600
FORK = mp.get_context("fork")


def outcome(copy: Path, head: str | None, digest: str | None) -> str:
    """What reading a file gives: error, equal, different, or what is wrong with it."""
    try:
        model = read_model(copy, head=head)
    except ModelFileError as error:
        message = str(error).removeprefix(f"{copy}: ")
        if message == str(error) or "\n" in message or len(message) > LONGEST_MESSAGE:
            return f"FAILURE message {str(error)[:200]!r}"
        return "error"
    return "equal" if model.digest() == digest else "different"


def digest_of(file: Path, head: str | None) -> str | None:
    """Of the unchanged file; None if that is refused as well."""
    try:
        return read_model(file, head=head).digest()
    except ModelFileError:
        return None


def _memory(key: str) -> int:
    """Bytes of VmRSS or VmHWM, the peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {key}")


def _limited(copy: Path, head: str | None, digest: str | None) -> tuple[str, int]:
    """The outcome, and by how much memory grew beyond what the file's size allows."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    found = outcome(copy, head, digest)
    beyond = _memory("VmHWM") - before - EXPANSION * copy.stat().st_size
    if beyond > SLACK:
        found = f"FAILURE memory {beyond / 2**20:.0f} MiB beyond {EXPANSION} files"
    return found, beyond


def _work(
    pipe: Connection, file: Path, head: str | None, seed: int, folder: Path
) -> None:
    warnings.simplefilter("error", RuntimeWarning)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    data, digest = file.read_bytes(), digest_of(file, head)
    copy = folder / f"mutated-{mp.current_process().pid}"
    pipe.send("ready")
    while (number := pipe.recv()) is not None:
        copy.write_bytes(mutate(data, seed, number))
        try:
            pipe.send(_limited(copy, head, digest))
        except BaseException as error:
            what = " ".join(str(error).split())[:200]
            pipe.send((f"FAILURE {type(error).__name__}: {what}", 0))


class Reader:
    """A process that reads mutations, replaced when it dies or hangs."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments
        self._start()

    def _start(self) -> None:
        here, there = FORK.Pipe()
        self._pipe = here
        self._process = FORK.Process(target=_work, args=(there, *self._arguments))
        self._process.start()
        there.close()
        if not here.poll(300) or here.recv() != "ready":
            raise SystemExit("the reader does not start")

    def read(self, number: int) -> tuple[str, int]:
        """The outcome of a mutation, and the memory beyond what is allowed."""
        self._pipe.send(number)
        try:
            if self._pipe.poll(TIME_LIMIT):
                outcome, beyond = self._pipe.recv()
                return str(outcome), int(beyond)
            found = f"FAILURE time above {TIME_LIMIT} s"
        except EOFError:
            self._process.join()
            found = f"FAILURE exit {self._process.exitcode}"
        self.stop(kill=True)
        self._start()
        return found, 0

    def stop(self, kill: bool = False) -> None:
        if kill:
            self._process.kill()
        else:
            self._pipe.send(None)
        self._process.join()


def run(file: Path, head: str | None, seed: int, numbers: range) -> Counter[str]:
    """Read these mutations of a file; failures are printed as they come."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(file, head, seed, Path(folder))
        peak = 0
        for number in numbers:
            found, beyond = reader.read(number)
            peak = max(peak, beyond)
            kind, _, what = found.partition(" ")
            counts[kind] += 1
            if kind == "FAILURE":
                print(f"{file} --seed {seed} --only {number}: {what}", flush=True)
        reader.stop()
    shown = ", ".join(f"{counts[k]} {k}" for k in sorted(counts))
    print(f"{file}: {shown}; peak {peak / 2**20:.1f} MiB", flush=True)
    return counts


def repeat(file: Path, head: str | None, seed: int, number: int) -> None:
    """Read one mutation in this process; its copy stays in the temporary folder."""
    copy = Path(tempfile.gettempdir()) / f"mutation-{number}-{file.name}"
    copy.write_bytes(mutate(file.read_bytes(), seed, number))
    warnings.simplefilter("error", RuntimeWarning)
    print(copy, outcome(copy, head, digest_of(file, head)))


def main(arguments: Any = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--head", help="the branch of a checkpoint")
    given = parser.parse_args(arguments)
    if given.only is not None:
        for file in given.files:
            repeat(file, given.head, given.seed, given.only)
        return 0
    numbers = range(given.first, given.first + given.mutations)
    counts = [run(file, given.head, given.seed, numbers) for file in given.files]
    return 1 if any(count["FAILURE"] for count in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
