"""Computes the features of the frames of a trajectory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..trajectory import Frame, named_in_errors
from ..writers.features import FeaturedFrame
from .domain_summary import DomainSummary
from .evaluation_run import Entry, frame_digest
from .frame_evaluator import FrameEvaluator
from .report import plain

if TYPE_CHECKING:
    from .frame_reports import Record


class FeatureRun:
    """Takes frame after frame.

    Parameters
    ----------
    evaluator : of the frames
    last_layer : its inputs too
    """

    def __init__(self, evaluator: FrameEvaluator, last_layer: bool) -> None:
        self._evaluator, self._last_layer = evaluator, last_layer
        self.n_frames = self.n_atoms = 0
        self.domain = DomainSummary()
        self.seconds = 0.0

    def evaluate(self, frame: Frame) -> tuple[FeaturedFrame, Entry]:
        """One frame's features, and its entry for `count`.

        Raises
        ------
        InputError
            Naming the frame, if it cannot be evaluated.
        """
        start = time.perf_counter()
        with named_in_errors(frame):
            given = self._evaluator.arguments(frame)
            potential: Any = self._evaluator.potential  # no committee has features
            found = potential.features(**given, last_layer=self._last_layer)
        seconds = time.perf_counter() - start
        record = {"frame": frame.index, "name": frame.name, "atoms": frame.n_atoms}
        return FeaturedFrame(frame, given["types"], found), {
            "record": plain(record | found.report.summary()),
            "sums": {},
            "seconds": seconds,
            "digest": frame_digest(frame),
        }

    def count(self, entry: Entry) -> None:
        """Add a frame to the sums, now or when its run is continued."""
        self.n_frames += 1
        self.n_atoms += entry["record"]["atoms"]
        self.seconds += entry["seconds"]
        self.domain.add(entry["record"])

    def summary(self) -> dict[str, Any]:
        return {
            "frames": self.n_frames,
            "atoms": self.n_atoms,
            "seconds": self.seconds,
            "domain": self.domain.summary(),
        }


class FeatureTable:
    """Prints which frames are left out, and at the end what was done."""

    def __init__(self, run: FeatureRun) -> None:
        self.records: list[Record] = []  # none are kept
        self.skipped: list[Record] = []
        self._run = run

    def add(self, record: Mapping[str, Any]) -> None:
        """Nothing: the run sums up."""

    def show(self, record: Mapping[str, Any]) -> None:
        """Nothing: the features are in the file."""

    def skip(self, failure: Mapping[str, Any]) -> None:
        from .frame_reports import print_line
        from .frame_table import skipped_line

        self.skipped.append(failure)
        print_line(skipped_line(failure))

    def end(self) -> None:
        from .frame_reports import print_line

        run = self._run
        if not run.n_frames:
            return
        print_line(f"{run.n_frames} frames, {run.n_atoms} atoms, {run.seconds:.3g} s")
        if self.skipped:
            print_line(f"{len(self.skipped)} frames skipped")
        for line in run.domain.lines():
            print_line(line)
