"""The models that are run on a GPU, each with a periodic structure to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import dpse_fast
from dpse_fast.model import Model
from dpse_fast.plan import Plan
from dpse_fast.planning import DEFAULT_TOLERANCE
from dpse_fast.trajectory import Frame, model_types

from ..system import first_frame
from .copper import copper_cell, copper_model
from .surroundings import Surroundings, surroundings_of

SKIN = 1.0  # Å
SUBJECTS = ("water", "second")


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


def plan_of(potential: dpse_fast.Potential, frame: Frame) -> Plan:
    """Of the types of a frame."""
    if potential.plan is None:
        types = model_types(frame, potential.type_map)
        potential.compute(frame.positions, types, frame.cell)
    assert potential.plan is not None
    return potential.plan


def surroundings(plan: Plan, frame: Frame, skin: float = SKIN) -> Surroundings:
    """Of a plan's types in a frame."""
    assert frame.cell is not None
    species = plan.species
    types = np.searchsorted(species, model_types(frame, plan.model.type_map))
    return surroundings_of(
        frame.positions, types, frame.cell, plan.model.rcut, skin, len(species)
    )
