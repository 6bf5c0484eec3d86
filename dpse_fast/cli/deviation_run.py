"""How far the models of a committee are apart in each frame, as ``dp model-devi``."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..array_types import Doubles
from ..errors import InputError, LabelWarning, warn
from ..evaluation.model_deviation import model_deviation
from ..trajectory import Frame
from ..trajectory.system_list import Systems
from ..writers.deviation_file import COLUMNS
from .domain_summary import DomainSummary
from .frame_evaluator import FrameEvaluator

Entry = dict[str, Any]


@dataclass(frozen=True)
class DeviationOptions:
    """What is tabulated.

    Parameters
    ----------
    frequency : steps from frame to frame
    real_error : errors against the labels instead of deviations from the mean
    atomic : the deviation of the force on each atom too
    relative, relative_v : levels of relative deviations, see `model_deviation`
    """

    frequency: int = 1
    real_error: bool = False
    atomic: bool = False
    relative: float | None = None
    relative_v: float | None = None


@dataclass
class DeviationRun:
    """Evaluates frame after frame with all models.

    Parameters
    ----------
    evaluator : of the committee, or of one model whose errors are found
    n_models : how many
    systems : whose frames come
    options : DeviationOptions
    """

    evaluator: FrameEvaluator
    n_models: int
    systems: Systems
    options: DeviationOptions
    n_frames: int = 0
    largest: float = math.nan  # deviation of a force

    domains: list[DomainSummary] = field(init=False)

    def __post_init__(self) -> None:
        self.domains = [DomainSummary() for _ in range(self.n_models)]

    def evaluate(self, frame: Frame) -> tuple[Doubles, Entry]:
        """A line of the table, step and columns, and its entry for `count`.

        Raises
        ------
        InputError
            Naming the frame, if it cannot be evaluated.
        """
        if not frame.n_atoms:
            raise InputError(f"{frame.name}: expected atoms, got none")
        result, _ = self.evaluator.compute(frame)
        members = getattr(result, "members", None)
        found = [result] if members is None else list(members)
        deviation = model_deviation(
            np.array([[one.energy] for one in found]),
            np.array([one.forces[None] for one in found]),
            np.array([one.virial[None] for one in found]),
            reference=_labels(frame) if self.options.real_error else None,
            relative=self.options.relative,
            relative_v=self.options.relative_v,
        )
        columns = deviation.columns(self.options.atomic)[0]
        step = self.systems.number_in_system(frame.index) * self.options.frequency
        record = {
            "system": self.systems.system_of(frame.index),
            "step": step,
            **dict(zip(COLUMNS, columns.tolist(), strict=False)),
        }
        if self.options.atomic:
            record["atm_devi_f"] = columns[len(COLUMNS) :].tolist()
        return np.array([step, *columns]), {
            "record": record,
            "reports": [one.report.summary() for one in found],
        }

    def count(self, entry: Entry) -> None:
        """Add a frame to what is reported of all."""
        self.n_frames += 1
        of_frame = entry["record"]["max_devi_f"]  # NaN without a label
        self.largest = float(np.fmax(self.largest, of_frame))
        for domain, report in zip(self.domains, entry["reports"], strict=True):
            domain.add(report)


def _labels(frame: Frame) -> tuple[Any, Any, Any]:
    """Energy, forces and virial of the frame; NaN for what it does not have.

    Raises
    ------
    InputError
        If it has none.
    """
    labels = frame.labels
    known = {"energy": labels.energy, "forces": labels.forces, "virial": labels.virial}
    missing = [name for name, value in known.items() if value is None]
    if len(missing) == len(known):
        raise InputError(f"{frame.name}: real_error: expected labels, got none")
    if missing:
        warn(
            f"real_error: no label of {' and '.join(missing)}; its columns are nan",
            LabelWarning,
        )
    return (
        np.nan if labels.energy is None else labels.energy,
        np.full((frame.n_atoms, 3), np.nan) if labels.forces is None else labels.forces,
        np.full((3, 3), np.nan) if labels.virial is None else labels.virial,
    )
