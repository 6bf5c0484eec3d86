"""Evaluates the frames of a trajectory; sums times, errors and warnings."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

import numpy as np

from ..trajectory import Frame
from ..trajectory.error_statistics import ErrorStatistics, ErrorSum, frame_errors
from ..writers import Evaluation
from .domain_summary import DomainSummary
from .frame_evaluator import FrameEvaluator
from .report import plain

Entry = dict[str, Any]

GPA = 160.21766208  # GPa in 1 eV/Å³ (CODATA 2014, as ASE's units)


class EvaluationRun:
    """Evaluates frame after frame.

    Parameters
    ----------
    evaluator : of one frame
    """

    def __init__(self, evaluator: FrameEvaluator) -> None:
        self.potential = evaluator.potential
        self._evaluator = evaluator
        self.statistics = ErrorStatistics()
        self.n_frames = self.n_atoms = 0
        self.domain = DomainSummary()
        self.seconds = 0.0
        self._first = (0.0, 0)

    def evaluate(self, frame: Frame) -> tuple[Evaluation, Entry]:
        """One frame's results, and its entry for `count`.

        Raises
        ------
        InputError
            Naming the frame, if it cannot be evaluated.
        """
        start = time.perf_counter()
        evaluation, report = self._evaluator.evaluate(frame)
        seconds = time.perf_counter() - start
        errors = frame_errors(
            evaluation.energy, evaluation.forces, evaluation.virial, frame.labels
        )
        record = frame_record(evaluation, errors) | report.summary()
        return evaluation, {
            "record": plain(record),
            "sums": {name: astuple(errors[name]) for name in errors},
            "seconds": seconds,
            "digest": frame_digest(frame),
        }

    def count(self, entry: Entry) -> None:
        """Add a frame to the sums, now or when its run is continued."""
        record, seconds = entry["record"], entry["seconds"]
        if not self.n_frames:
            self._first = (seconds, record["atoms"])
        self.n_frames += 1
        self.n_atoms += record["atoms"]
        self.seconds += seconds
        self.domain.add(record)
        self.statistics.add({k: ErrorSum(*sums) for k, sums in entry["sums"].items()})

    @property
    def microseconds_per_atom(self) -> float:
        """Without the first frame, which compiles and allocates, if there are more."""
        seconds, atoms = self._first if self.n_frames > 1 else (0.0, 0)
        return 1e6 * (self.seconds - seconds) / max(self.n_atoms - atoms, 1)

    def summary(self) -> dict[str, Any]:
        return {
            "frames": self.n_frames,
            "atoms": self.n_atoms,
            "seconds": self.seconds,
            "microseconds_per_atom": self.microseconds_per_atom,
            "domain": self.domain.summary(),
            "errors": self.statistics.summary(),
        }


def frame_digest(frame: Frame) -> str:
    """Of all that its results and errors depend on, to know it again."""
    labels = frame.labels
    digest = hashlib.sha256(repr((frame.names, frame.pbc, labels.energy)).encode())
    for name, array in (
        ("positions", frame.positions),
        ("types", frame.types),
        ("cell", frame.cell),
        ("fparam", frame.fparam),
        ("aparam", frame.aparam),
        ("forces", labels.forces),
        ("virial", labels.virial),
    ):
        if array is not None:
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def frame_record(
    evaluation: Evaluation, errors: Mapping[str, ErrorSum]
) -> dict[str, Any]:
    """What is reported of a frame; the pressure has no kinetic part."""
    frame, n = evaluation.frame, max(evaluation.frame.n_atoms, 1)
    volume, pressure = frame.volume, None
    if volume:
        pressure = float(np.trace(evaluation.virial)) / (3 * volume) * GPA
    forces = np.linalg.norm(evaluation.forces, axis=1)
    return {
        "frame": frame.index,
        "name": frame.name,
        "atoms": frame.n_atoms,
        "energy_ev": evaluation.energy,
        "energy_per_atom_ev": evaluation.energy / n,
        "max_force_ev_per_angstrom": float(forces.max(initial=0.0)),
        "pressure_gpa": pressure,
        "volume_angstrom3": volume,
        "virial_ev": evaluation.virial,
        "errors": {name: error.summary() for name, error in errors.items()} or None,
    }
