"""What a run has done so far, a line a frame: to continue it, and its statistics.

The first line says what the run is; each other one is what the run wants to know of a
frame that it has finished. A line counts if it is whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError

FORMAT = "dpse-fast progress"
VERSION = 1

Entry = dict[str, Any]


class Progress(NamedTuple):
    """A journal that was read.

    Parameters
    ----------
    settings : what the run is
    entries : of the frames that it finished
    size : bytes of these lines
    """

    settings: Entry
    entries: list[Entry]
    size: int


class Journal:
    """A file of lines of JSON that grows with the run.

    Parameters
    ----------
    path : of the file; a new one must not exist
    settings : what the run is
    done : what `read_journal` found, to continue it; None: a new one
    """

    def __init__(
        self, path: Path, settings: Mapping[str, Any], done: Progress | None = None
    ) -> None:
        self._file = path.open("xb" if done is None else "r+b", buffering=0)
        if done is None:
            try:
                self.add({"format": FORMAT, "version": VERSION, "settings": settings})
            except OSError:
                self._file.close()
                path.unlink()
                raise
        else:
            self._file.truncate(done.size)
            self._file.seek(done.size)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append a line."""
        rest = memoryview(json.dumps(entry).encode() + b"\n")
        while rest:
            rest = rest[self._file.write(rest) :]

    def fileno(self) -> int:
        """Of the open file, to be locked."""
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


def read_journal(path: Path) -> Progress:
    """What a run has finished; a last line that was cut is left out.

    Raises
    ------
    InputError
        If there is no journal of this version.
    """
    entries: list[Entry] = []
    size = 0
    if path.is_file():
        with path.open("rb") as file:
            for line in file:
                entry = _entry(line)
                if entry is None:
                    break
                entries.append(entry)
                size += len(line)
    head = entries[0] if entries else {}
    settings = head.get("settings")
    known = head.get("format") == FORMAT and head.get("version") == VERSION
    if not known or not isinstance(settings, dict):
        raise InputError(
            f"{path}: expected the progress of a run of this version of dpse-fast, "
            "which --resume needs beside the partial results; leave --resume out to "
            "begin anew"
        )
    return Progress(settings, entries[1:], size)


def _entry(line: bytes) -> Entry | None:
    if not line.endswith(b"\n"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
