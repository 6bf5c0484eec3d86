"""Compares the frames of systems with their labels, as ``dp test`` does."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass, field
from typing import Any

from ..trajectory import Frame
from ..trajectory.error_statistics import ErrorStatistics, ErrorSum
from ..trajectory.labelled_errors import (
    force_errors_by_type,
    labelled_errors,
    units_with,
)
from ..trajectory.system_list import Systems
from ..writers import Evaluation
from .domain_summary import DomainSummary
from .frame_evaluator import FrameEvaluator

Entry = dict[str, Any]


@dataclass
class SystemErrors:
    """The errors of one system, or of all."""

    statistics: ErrorStatistics
    n_frames: int = 0
    n_atoms: int = 0

    def summary(self) -> dict[str, Any]:
        return {
            "frames": self.n_frames,
            "atoms": self.n_atoms,
            "errors": self.statistics.summary(),
        }


@dataclass
class ComparisonRun:
    """Evaluates frame after frame, and sums errors for each system and for all.

    Errors of all systems are those of all their values together: deepmd-kit's averages
    over systems, weighted by numbers of values.

    Parameters
    ----------
    evaluator : FrameEvaluator
    systems : whose frames come
    by_type : forces on the atoms of each type too
    """

    evaluator: FrameEvaluator
    systems: Systems
    by_type: bool = False
    n_frames: int = 0
    seconds: float = 0.0
    domain: DomainSummary = field(default_factory=DomainSummary)

    def __post_init__(self) -> None:
        self._units = units_with(self.evaluator.potential.type_map)
        self.of_systems = [self._no_errors() for _ in self.systems.paths]

    def _no_errors(self) -> SystemErrors:
        return SystemErrors(ErrorStatistics(self._units))

    def evaluate(self, frame: Frame) -> tuple[Evaluation, Entry]:
        """One frame's results, and its entry for `count`.

        Raises
        ------
        InputError
            Naming the frame, if it cannot be evaluated.
        """
        start = time.perf_counter()
        evaluation, report = self.evaluator.evaluate(frame)
        errors = labelled_errors(
            frame, evaluation.energy, evaluation.forces, evaluation.virial
        )
        if self.by_type:
            type_map = self.evaluator.potential.type_map
            errors |= force_errors_by_type(
                frame, evaluation.forces, evaluation.types, type_map
            )
        system = self.systems.system_of(frame.index)
        record = {
            "system": system,
            "name": frame.name,
            "atoms": frame.n_atoms,
            **report.summary(),
        }
        return evaluation, {
            "record": record,
            "sums": {name: astuple(errors[name]) for name in errors},
            "seconds": time.perf_counter() - start,
        }

    def count(self, entry: Entry) -> None:
        """Add a frame to the sums."""
        record = entry["record"]
        system = self.of_systems[record["system"]]
        system.n_frames += 1
        system.n_atoms += record["atoms"]
        system.statistics.add({k: ErrorSum(*sums) for k, sums in entry["sums"].items()})
        self.n_frames += 1
        self.seconds += entry["seconds"]
        self.domain.add(record)

    def overall(self) -> SystemErrors:
        """The errors of all systems."""
        found = self._no_errors()
        for system in self.of_systems:
            found.statistics.add(system.statistics.sums)
            found.n_frames += system.n_frames
            found.n_atoms += system.n_atoms
        return found
