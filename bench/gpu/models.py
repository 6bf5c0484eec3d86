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


def label_of(precision: str, gemm: str, deterministic: bool = True) -> str:
    """A configuration's name; products of matrices in double have one kind only."""
    label = precision if precision == "double" else f"{precision}, {gemm}"
    return label if deterministic else f"{label}, atomics"


class Subject(NamedTuple):
    """A model and what it is evaluated on."""

    name: str
    label: str
    source: str | Model | None  # for `dpse_fast.load`
    tol: float
    structure: str | None

    def load(self, device: str, precision: str, **options: Any) -> dpse_fast.Potential:
        """The potential, with the file's own rule for more neighbours than sel."""
        return dpse_fast.load(
            self.source,
            device=device,
            precision=precision,
            tol=self.tol,
            sel_overflow="truncate",
            **options,
        )

    def configured(
        self, device: str, precision: str, gemm: str, deterministic: bool
    ) -> dpse_fast.Potential:
        """As `load`; the processors have one kind of product and of sums only."""
        if device == "cpu":
            return self.load(device, precision)
        return self.load(device, precision, gemm=gemm, deterministic=deterministic)

    def frame(self, potential: dpse_fast.Potential) -> Frame:
        """A periodic cell."""
        if isinstance(self.source, Model):
            return copper_cell()
        return first_frame(self.structure, potential)


def water() -> Subject:
    """The embedded model."""
    return Subject("water", "water, the embedded model", None, DEFAULT_TOLERANCE, None)


def copper() -> Subject:
    """See `copper_model`."""
    label = "copper with random weights: every channel and product of the architecture"
    return Subject("copper", label, copper_model(), 0.0, None)


def second(options: Mapping[str, Any]) -> Subject:
    """A model that is named, or copper.

    Parameters
    ----------
    options : ``model2`` and ``structure2``, paths or None
    """
    if not options.get("model2"):
        return copper()
    return Subject(
        "second",
        str(options["label2"]),
        str(options["model2"]),
        DEFAULT_TOLERANCE,
        options.get("structure2"),
    )


def subjects(options: Mapping[str, Any]) -> list[Subject]:
    """Those asked for, by name; all without ``subjects``."""
    names = options.get("subjects") or SUBJECTS
    return [water() if name == "water" else second(options) for name in names]


def describe_planned(potential: dpse_fast.Potential, frame: Frame) -> dict[str, Any]:
    """`Potential.describe` once the plan for the types of a frame is made."""
    types = model_types(frame, potential.type_map)
    potential.compute(frame.positions, types, frame.cell)
    return potential.describe()
