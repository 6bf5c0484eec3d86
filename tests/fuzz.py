"""Mutate model files and read each mutation under limits of time and memory.

    python tests/fuzz.py --mutations 10000 --seed 1 FILE...

A mutation may give one error or a model, equal to the file's or different. Anything
else is a failure, printed with what repeats it: ``--only NUMBER`` reads one mutation
in this process and shows the traceback.
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


def outcome(copy: Path, digest: str | None) -> str:
    """What reading a file gives: error, equal, different, or what is wrong with it."""
    try:
        model = read_model(copy)
    except ModelFileError as error:
        message = str(error).removeprefix(f"{copy}: ")
        if message == str(error) or "\n" in message or len(message) > LONGEST_MESSAGE:
            return f"FAILURE message {str(error)[:200]!r}"
        return "error"
    return "equal" if model.digest() == digest else "different"


def digest_of(file: Path) -> str | None:
    """Of the unchanged file; None if that is refused as well."""
    try:
        return read_model(file).digest()
    except ModelFileError:
        return None


def _memory(key: str) -> int:
    """Bytes of VmRSS or VmHWM, the peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {key}")


def _limited(copy: Path, digest: str | None) -> str:
    """The outcome with the peak of resident memory held against the file's size."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    found = outcome(copy, digest)
    growth = _memory("VmHWM") - before
    if growth > EXPANSION * copy.stat().st_size + SLACK:
        return f"FAILURE memory {growth / 2**20:.0f} MiB"
    return found


def _work(pipe: Connection, file: Path, seed: int, folder: Path) -> None:
    warnings.simplefilter("error", RuntimeWarning)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    data, digest = file.read_bytes(), digest_of(file)
    copy = folder / f"mutated-{mp.current_process().pid}"
    pipe.send("ready")
    while (number := pipe.recv()) is not None:
        copy.write_bytes(mutate(data, seed, number))
        try:
            pipe.send(_limited(copy, digest))
        except BaseException as error:
            pipe.send(f"FAILURE {type(error).__name__}: {str(error)[:200]}")


class Reader:
    """A process that reads mutations, replaced when it dies or hangs."""

    def __init__(self, file: Path, seed: int, folder: Path) -> None:
        self._arguments = (file, seed, folder)
        self._start()

    def _start(self) -> None:
        here, there = mp.Pipe()
        self._pipe = here
        self._process = mp.Process(target=_work, args=(there, *self._arguments))
        self._process.start()
        there.close()
        if not here.poll(300) or here.recv() != "ready":
            raise SystemExit("the reader does not start")

    def read(self, number: int) -> str:
        self._pipe.send(number)
        try:
            if self._pipe.poll(TIME_LIMIT):
                return str(self._pipe.recv())
            found = f"FAILURE time above {TIME_LIMIT} s"
        except EOFError:
            self._process.join()
            found = f"FAILURE exit {self._process.exitcode}"
        self.stop(kill=True)
        self._start()
        return found

    def stop(self, kill: bool = False) -> None:
        if kill:
            self._process.kill()
        else:
            self._pipe.send(None)
        self._process.join()


def run(file: Path, seed: int, numbers: range) -> Counter[str]:
    """Read these mutations of a file; failures are printed as they come."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        reader = Reader(file, seed, Path(folder))
        for number in numbers:
            found = reader.read(number)
            kind, _, what = found.partition(" ")
            counts[kind] += 1
            if kind == "FAILURE":
                print(f"{file} --seed {seed} --only {number}: {what}", flush=True)
        reader.stop()
    return counts


def repeat(file: Path, seed: int, number: int) -> None:
    """Read one mutation in this process, which keeps the copy beside the reader."""
    copy = Path(tempfile.gettempdir()) / f"mutation-{number}-{file.name}"
    copy.write_bytes(mutate(file.read_bytes(), seed, number))
    warnings.simplefilter("error", RuntimeWarning)
    print(copy, outcome(copy, digest_of(file)))


def main(arguments: Any = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--mutations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    given = parser.parse_args(arguments)
    failures = 0
    for file in given.files:
        if given.only is not None:
            repeat(file, given.seed, given.only)
            continue
        numbers = range(given.first, given.first + given.mutations)
        counts = run(file, given.seed, numbers)
        failures += counts["FAILURE"]
        shown = ", ".join(f"{counts[k]} {k}" for k in sorted(counts))
        print(f"{file}: {shown}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
