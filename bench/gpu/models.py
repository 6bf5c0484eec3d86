"""The models that are run on a GPU, each with a periodic structure to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import dpse_fast
from dpse_fast.model import Model
from dpse_fast.planning import DEFAULT_TOLERANCE
from dpse_fast.trajectory import Frame, model_types

from ..system import first_frame
from .copper import copper_cell, copper_model

SUBJECTS = ("water", "second")
COPPER = "copper with random weights: every channel and product of the architecture"


class Kind(NamedTuple):
    """How a potential is loaded."""

    precision: str
    gemm: str = "float32"
    deterministic: bool = True

    @property
    def label(self) -> str:
        """Its name; products of matrices in double have one kind only."""
        parts = [self.precision] + [self.gemm] * (self.precision != "double")
        return ", ".join(parts if self.deterministic else [*parts, "atomics"])

    def described(self) -> dict[str, Any]:
        """For a record."""
        return {"kind": self.label, **self._asdict()}


class Subject(NamedTuple):
    """A model and what it is evaluated on."""

    label: str
    source: str | Model | None  # for `dpse_fast.load`
    tol: float = DEFAULT_TOLERANCE
    structure: str | None = None

    def load(self, device: str, kind: Kind) -> dpse_fast.Potential:
        """The potential, with the file's own rule for more neighbours than sel.

        The processors have one kind of product and of sums only.
        """
        gemm = kind._asdict() if device != "cpu" else {"precision": kind.precision}
        options: dict[str, Any] = {"tol": self.tol, "sel_overflow": "truncate", **gemm}
        return dpse_fast.load(self.source, device=device, **options)

    def frame(self, potential: dpse_fast.Potential) -> Frame:
        """A periodic cell."""
        if isinstance(self.source, Model):
            return copper_cell()
        return first_frame(self.structure, potential)


WATER = Subject("water, the embedded model", None)


def subjects(options: Mapping[str, Any]) -> list[Subject]:
    """Those asked for, by name.

    Parameters
    ----------
    options : ``subjects``, and for the second ``model2`` and ``structure2``, paths or
        None: copper with random weights, without a tolerance
    """
    path = options.get("model2")
    second = Subject(COPPER, copper_model(), 0.0)
    if path:
        label, structure = options["label2"], options.get("structure2")
        second = Subject(label, path, structure=structure)
    return [WATER if name == "water" else second for name in options["subjects"]]


def describe_planned(potential: dpse_fast.Potential, frame: Frame) -> dict[str, Any]:
    """`Potential.describe` once the plan for the types of a frame is made."""
    types = model_types(frame, potential.type_map)
    potential.compute(frame.positions, types, frame.cell)
    return potential.describe()
