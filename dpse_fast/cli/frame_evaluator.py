"""What a potential makes of a frame of a trajectory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..trajectory import Frame, model_types, named_in_errors
from ..writers import Evaluation

if TYPE_CHECKING:
    from .. import Committee, Potential
    from ..array_types import Int64s
    from ..results import Report, Result


class FrameEvaluator:
    """Evaluates frame after frame.

    Parameters
    ----------
    potential : Potential, or a Committee
    type_map : names of type numbers, see `model_types`
    atomic : energies and virials of each atom too
    fparam, aparam : parameters of all frames, instead of the trajectory's own
    """

    def __init__(
        self,
        potential: Potential | Committee,
        type_map: Sequence[str] | None,
        atomic: bool = False,
        fparam: Sequence[float] | None = None,
        aparam: Sequence[float] | None = None,
    ) -> None:
        self.potential = potential
        self._type_map, self._atomic = type_map, atomic
        self._given = {"fparam": fparam, "aparam": aparam}

    def evaluate(self, frame: Frame) -> tuple[Evaluation, Report]:
        """One frame's results, and what lies beyond the model's domain.

        Raises
        ------
        InputError
            Naming the frame, if it cannot be evaluated.
        """
        result, types = self.compute(frame)
        evaluation = Evaluation(
            frame=frame,
            types=types,
            energy=result.energy,
            forces=result.forces,
            virial=result.virial,
            atomic_energies=result.atomic_energies,
            atomic_virials=result.atomic_virials,
        )
        return evaluation, result.report

    def compute(self, frame: Frame) -> tuple[Result, Int64s]:
        """What the potential, or the committee, gives; and types of the atoms.

        Raises
        ------
        InputError
            Naming the frame, if it cannot be evaluated.
        """
        with named_in_errors(frame):
            given = self.arguments(frame)
            return self.potential.compute(**given, atomic=self._atomic), given["types"]

    def arguments(self, frame: Frame) -> dict[str, Any]:
        """The structure of a frame as `Potential.compute` takes it."""
        types = model_types(frame, self.potential.type_map, self._type_map)
        return {
            "positions": frame.positions,
            "types": np.asarray(types, np.int64),
            "cell": frame.cell if any(frame.pbc) else None,
            "pbc": frame.pbc,
            **self._parameters(frame),
        }

    def _parameters(self, frame: Frame) -> dict[str, Any]:
        """What is given for all frames, else the frame's own if the model takes it."""
        own = frame.parameters_for(self.potential.model)
        return own | {k: v for k, v in self._given.items() if v is not None}
