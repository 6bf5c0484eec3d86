"""The results of a run: partial until all frames are there, and never lost."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import InputError, reason
from ..runtime.file_lock import is_locked
from ..runtime.interrupts import interrupts_wait, raise_interrupt_behind
from .evaluation import ResultWriter, RunDescription, copy_of
from .journal import Journal, Progress, read_journal

END = "end"  # in the entry of a frame that was written, see `ResultWriter.end`


class RunOutput:
    """Writes each frame as soon as it is known, into a file beside the final one.

    For ``out.h5`` it is ``out.partial.h5``, with ``out.partial.h5.jsonl`` to continue
    it. Both have all finished frames at any moment, even if the program is killed.
    The file gets its name when all frames are there; an existing file is kept until
    then.

    Parameters
    ----------
    path : of the results in the end
    writer : class that writes them
    description : of all frames
    settings : what has to be the same if the run is continued
    resume : continue what is there of such a run, if anything is

    Attributes
    ----------
    partial : where the results are until the run is complete
    done : entries of the frames that an earlier run has finished
    earlier : the new name of partial results that are not continued, or None
    n_frames : written
    is_complete : whether the results have their name

    Raises
    ------
    InputError
        If the folder cannot be written to, another program writes the same file, or
        what is there is of another run.
    """

    def __init__(
        self,
        path: Path,
        writer: type[ResultWriter],
        description: RunDescription,
        settings: Mapping[str, Any],
        resume: bool = False,
    ) -> None:
        self._path = path.resolve()  # what a link points to is replaced, not the link
        self.partial = partial_of(self._path)
        self._journal_path = journal_of(self.partial)
        self.earlier: Path | None = None
        self.is_complete = False
        found: Progress | None = None
        try:
            self._refuse_other_writers()
            if resume and self.partial.exists():
                found = self._progress(settings)
            else:
                self.earlier = self._set_aside()
            self._journal = Journal(self._journal_path, settings, found)
            if is_locked(self._journal):
                raise FileExistsError
        except FileExistsError:
            raise self._in_use() from None
        except OSError as error:
            raise InputError(
                f"output {path}: the folder {self._path.parent} cannot be written to "
                f"({error.strerror}); choose another"
            ) from None
        self.done = found.entries if found else []
        ends = [entry[END] for entry in self.done if END in entry]
        self.n_frames = len(ends)
        try:
            with self._on_disk():
                end = ends[-1] if ends else None
                self._writer = writer(self.partial, description, end)
        except BaseException:
            self._journal.close()
            if not ends:
                self._remove()
            raise

    def _refuse_other_writers(self) -> None:
        if self._journal_path.is_file():
            with self._journal_path.open("rb") as file:
                if is_locked(file):
                    raise self._in_use()

    def _in_use(self) -> InputError:
        return InputError(
            f"output {self._path}: another program is writing {self.partial.name} "
            "beside it; wait for it, or choose another name"
        )

    def _progress(self, settings: Mapping[str, Any]) -> Progress:
        found = read_journal(self._journal_path)
        for name, value in settings.items():
            before = found.settings.get(name)
            if before != value:
                raise InputError(
                    f"resume: expected the run that {self.partial} is of, made with "
                    f"{name} {before}, got {name} {value}; leave --resume out to begin "
                    "anew"
                )
        return found

    def _set_aside(self) -> Path | None:
        """Another name for what an earlier run left."""
        if not self.partial.exists() or self._is_empty():
            self._remove()
            return None
        to = set_aside(self._path)
        copy_of(self.partial).unlink(missing_ok=True)
        if to is not None and self._journal_path.exists():
            self._journal_path.replace(journal_of(to))
        return to

    def _is_empty(self) -> bool:
        """Whether the journal says that no frame was finished."""
        try:
            return not any(
                END in entry for entry in read_journal(self._journal_path).entries
            )
        except InputError:
            return False

    def add(self, evaluation: Any, entry: Mapping[str, Any]) -> None:
        """Write a frame, and what to know of it when the run is continued."""
        with interrupts_wait(), self._on_disk():
            self._writer.write(evaluation)
            self._journal.add({**entry, END: self._writer.end})
            self.n_frames += 1

    def pass_over(self, entry: Mapping[str, Any]) -> None:
        """What to know of a frame without results."""
        with interrupts_wait(), self._on_disk():
            self._journal.add(entry)

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        """One error for a disk that is full, or that fails."""
        try:
            yield
        except (OSError, RuntimeError, SystemError) as error:
            raise_interrupt_behind(error)
            raise InputError(
                f"output {self.partial}: cannot be written to ({_reason(error)})"
            ) from None

    def complete(self) -> None:
        """Close the results and give them their name."""
        with interrupts_wait(), self._on_disk():
            self._writer.close()
            self.partial.replace(self._path)
            self.is_complete = True
            self._journal_path.unlink(missing_ok=True)
            self._journal.close()

    def leave(self) -> bool:
        """Close the results of a run that has failed; returns whether there are any.

        Without any nothing is left behind.
        """
        with interrupts_wait():
            with suppress(OSError, RuntimeError):
                self._writer.close()
            self._journal.close()
            if not self.n_frames:
                self._remove()
        return bool(self.n_frames)

    def _remove(self) -> None:
        files = (self.partial, copy_of(self.partial), self._journal_path)
        for file in files:
            with suppress(OSError):
                file.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """What the system said; HDF5 packs it into a long text."""
    number = getattr(error, "errno", None)
    found = re.search(r"errno = (\d+)", str(error))
    if number is None and found:
        number = int(found[1])
    return os.strerror(number) if number else reason(error)


def partial_of(path: Path, number: int | None = None) -> Path:
    """``out.partial.h5`` for ``out.h5``, or ``out.partial-2.h5``."""
    mark = "partial" if number is None else f"partial-{number}"
    return path.with_name(f"{path.stem}.{mark}{path.suffix}")


def set_aside(path: Path) -> Path | None:
    """The new name of partial results that an earlier run left; None without any.

    Parameters
    ----------
    path : of the results in the end
    """
    partial, number = partial_of(path), 1
    if not partial.exists():
        return None
    while (to := partial_of(path, number)).exists():
        number += 1
    partial.replace(to)
    return to


def journal_of(partial: Path) -> Path:
    """``out.partial.h5.jsonl`` for ``out.partial.h5``."""
    return partial.with_name(f"{partial.name}.jsonl")
