"""``dpse-fast`` in a child of this process: started in milliseconds, ended anyhow."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from other_process import users_environment

MOST_SECONDS = 120.0
NOTHING: Callable[[], None] = lambda: None  # noqa: E731


class Ended(NamedTuple):
    """How a command ended: its code, or minus a signal's number; what it said."""

    code: int
    out: str
    err: str


class Running:
    """A command that runs.

    Parameters
    ----------
    arguments : of ``dpse-fast``
    folder : where it runs; its output is kept there
    begin : called in the child before the command
    from_scratch : a new Python, as users start it, instead of a fork
    """

    def __init__(
        self,
        arguments: Sequence[object],
        folder: Path,
        begin: Callable[[], None] = NOTHING,
        from_scratch: bool = False,
    ) -> None:
        self._texts = (folder / "stdout", folder / "stderr")
        words = [str(word) for word in arguments]
        if from_scratch:
            with self._texts[0].open("wb") as out, self._texts[1].open("wb") as err:
                self.pid = subprocess.Popen(
                    [sys.executable, "-m", "dpse_fast.cli", *words], cwd=folder,
                    env=users_environment(), stdout=out, stderr=err, preexec_fn=begin,
                ).pid  # fmt: skip
            return
        for path in self._texts:
            path.write_bytes(b"")  # it may be killed before it opens them
        self.pid = os.fork()
        if not self.pid:
            self._in_child(words, folder, begin)

    def _in_child(
        self, words: list[str], folder: Path, begin: Callable[[], None]
    ) -> None:
        code = 99
        try:
            from dpse_fast.cli import main

            os.chdir(folder)
            for number, path in enumerate(self._texts, 1):
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(file, number)
            begin()
            sys.stdout, sys.stderr = _stream(1), _stream(2)
            code = _code_of(main, words)
        except BaseException:
            # Into the file, whatever became of the stream.
            self._texts[1].write_text(traceback.format_exc())
        finally:
            os._exit(code)

    def ended(self) -> Ended | None:
        """How it ended, if it has."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        out, err = (path.read_text(errors="replace") for path in self._texts)
        return Ended(os.waitstatus_to_exitcode(status), out, err)

    def wait(self, most: float = MOST_SECONDS) -> Ended:
        """How it ends; too late is a failure."""
        end = time.monotonic() + most
        while (found := self.ended()) is None:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                raise TimeoutError(f"the command runs for more than {most:g} s")
            time.sleep(0.002)
        return found


def _code_of(main: Callable[[list[str]], int], words: list[str]) -> int:
    """What Python would end with."""
    try:
        return main(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1


def _stream(number: int) -> Any:
    """A standard stream as Python opens it at its start."""
    try:
        return open(number, "w", closefd=False)
    except OSError:
        return None


def files_limited_to(n_bytes: int) -> Callable[[], None]:
    """For `Running`: files cannot be longer, as on a full disk."""

    def begin() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

    return begin


def closed_pipe(number: int) -> Callable[[], None]:
    """For `Running`: an output is a pipe that nobody reads."""

    def begin() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, number)

    return begin


def closed(number: int) -> Callable[[], None]:
    """For `Running`: an output is closed from the start."""

    def begin() -> None:
        os.close(number)

    return begin
