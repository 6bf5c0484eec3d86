"""The frames of a trajectory: each is evaluated, written and reported."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from ..errors import InputError, TruncatedTrajectoryWarning
from ..runtime.interrupts import interrupts_wait, raise_swallowed
from ..trajectory import BadFrame, Frame
from .evaluation_run import Entry, frame_digest
from .outcomes import Item, Outcome, outcomes_here
from .shared_outcomes import FirstRank
from .warning_summary import WarningSummary

Frames = Iterator[Frame | BadFrame]
Read = Callable[[], Frames]  # from the first one on


class Run(Protocol):
    """Evaluates frames, and adds up what is found."""

    n_frames: int

    def evaluate(self, frame: Frame) -> tuple[Any, Entry]:
        """One frame's results, and its entry for `count`."""
        ...

    def count(self, entry: Entry) -> None:
        """Add a frame to the sums."""
        ...


class Report(Protocol):
    """Is told of every frame."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a frame in."""
        ...

    def show(self, record: Mapping[str, Any]) -> None:
        """Print it."""
        ...

    def skip(self, failure: Mapping[str, Any]) -> None:
        """A frame that is left out."""
        ...


class Output(Protocol):
    """Takes the results; `done` are entries of frames that an earlier run finished."""

    @property
    def done(self) -> Sequence[Entry]: ...

    def add(self, evaluation: Any, entry: Entry) -> None:
        """Write a frame, and what to know of it when the run is continued."""
        ...

    def pass_over(self, entry: Entry) -> None:
        """What to know of a frame without results."""
        ...


class FrameLoop:
    """Takes a trajectory through a run.

    Parameters
    ----------
    run : evaluates frames, and adds up what is found
    report : is told of every frame
    warned : collects the warnings of every frame
    output : takes the results; None: nothing is written
    skip_bad : go on after frames that cannot be read or evaluated
    first_rank : gets the results of other ranks; None: this process is the only one
    """

    def __init__(
        self,
        run: Run,
        report: Report,
        warned: WarningSummary,
        output: Output | None,
        skip_bad: bool,
        first_rank: FirstRank | None = None,
    ) -> None:
        self._run, self._report, self._warned = run, report, warned
        self._output, self._skip_bad = output, skip_bad
        self._first_rank = first_rank
        self._first_failure = ""

    def go(self, read: Read, advance: Callable[[], object]) -> None:
        """Evaluate what is left of the trajectory.

        Parameters
        ----------
        read : gives the frames
        advance : called after each frame

        Raises
        ------
        InputError
            If a frame cannot be read or evaluated, unless it is to be skipped; or if
            there is no frame that can.
        """
        for item, outcome in self._outcomes(self._left(read)):
            self._warned.count(outcome.warned)
            self._warned.where = item.name
            try:
                evaluation, entry = outcome.result()
            except InputError as error:
                if not self._skip_bad:
                    raise
                self._skip(item, error)
            else:
                entry["warnings"] = self._warned.take_new()
                with interrupts_wait():
                    if self._output is not None:
                        self._output.add(evaluation, entry)
                    self._run.count(entry)
                    self._report.add(entry["record"])
                self._report.show(entry["record"])
            self._warned.where = ""  # what warns while it is read names the frame
            advance()
            raise_swallowed()
        if not self._run.n_frames:
            raise InputError(f"no frame could be evaluated; {self._first_failure}")

    def _outcomes(self, items: Frames) -> Iterator[tuple[Item, Outcome]]:
        evaluate, warned = self._run.evaluate, self._warned
        if self._first_rank is None:
            return outcomes_here(evaluate, items, warned)
        n_done = len(self._output.done) if self._output is not None else 0
        return self._first_rank.outcomes(evaluate, items, warned, n_done)

    def _left(self, read: Read) -> Frames:
        """What an earlier run has not finished; what it has is only counted."""
        frames = read()
        done = self._output.done if self._output is not None else ()
        with self._warned.muted():  # it warned then
            for entry in done:
                _check(entry)
                _expect(next(frames, None), entry)
        for entry in done:
            self._warned.count(entry["warnings"])
            if "skipped" in entry:
                self._report.skip(entry["skipped"])
            else:
                self._run.count(entry)
                self._report.add(entry["record"])
                self._report.show(entry["record"])
        self._warned.take_new()
        yield from frames

    def _skip(self, item: Frame | BadFrame, error: InputError) -> None:
        self._first_failure = self._first_failure or str(error)
        if isinstance(item, BadFrame) and item.truncated:
            warnings.warn(str(error), TruncatedTrajectoryWarning, stacklevel=2)
            return
        failure = {"frame": item.index, "name": item.name, "error": str(error)}
        if self._output is not None:
            warned = self._warned.take_new()
            entry: Entry = {"skipped": failure, "warnings": warned}
            if isinstance(item, Frame):
                entry["digest"] = frame_digest(item)
            self._output.pass_over(entry)
        self._report.skip(failure)


def _check(entry: Entry) -> None:
    missing = {"warnings"} - entry.keys()
    if "skipped" not in entry:
        missing |= {"record", "sums", "seconds", "digest"} - entry.keys()
    if missing:
        raise InputError(
            f"resume: the journal of the earlier run is damaged (no {min(missing)}); "
            "leave --resume out to begin anew"
        )


def _expect(item: Frame | BadFrame | None, entry: Entry) -> None:
    """Whether the trajectory still has a frame of an earlier run."""
    known: dict[str, Any] = entry.get("skipped") or entry["record"]
    digest = frame_digest(item) if isinstance(item, Frame) else None
    same = item is not None and item.index == known["frame"]
    if not same or digest != entry.get("digest"):
        raise InputError(
            f"resume: expected the trajectory of the earlier run, which had "
            f"{known['name']}; the trajectory has changed there; leave --resume out to "
            "begin anew"
        )
