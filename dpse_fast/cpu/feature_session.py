"""Descriptors and activations of the fitting nets, on the processors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Bools, Doubles, Floats, Int64s, Integers
from ..evaluation.backend import PlanSource
from ..evaluation.base_session import BaseSession, SessionOptions, present_types
from ..evaluation.domain_report import report_of, total_of_rows
from ..inputs.structure import CheckedStructure, check_structure
from ..model import Model, Net, Parameters, TypeEmbedding
from ..plan import Plan
from ..results import Features, Report
from .evaluator import Evaluator
from .host_backend import HostBackend


class FeatureSession(BaseSession):
    """Computes what the fitting nets take and what their last layer takes.

    Parameters
    ----------
    threads : that share the work
    plans : give plans that leave nothing out
    """

    def __init__(
        self, threads: int, plans: PlanSource, options: SessionOptions
    ) -> None:
        super().__init__(HostBackend(threads, "descriptors"), [plans], options)

    @property
    def embeddings(self) -> tuple[TypeEmbedding, ...]:
        """Of the model's types."""
        return self._model.type_embeddings

    def _forget_lists(self) -> None:
        """A list is made in every call."""

    def compute(
        self,
        positions: Any,
        types: Any,
        cell: Any = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        fparam: Any = None,
        aparam: Any = None,
        last_layer: bool = True,
    ) -> Features:
        """As `Potential.features`."""
        model, backend = self._model, self._backend
        width = model.last_layer_width() if last_layer else 0
        with self._lock.lock, self._whole():
            structure = check_structure(
                backend, positions, types, cell, pbc, model.type_map
            )
            n = structure.n_atoms
            if not last_layer:
                fparam = _or_zeros(fparam, model.fparam)
                aparam = _or_zeros(aparam, model.aparam)
            (request,) = self._requests(fparam, aparam, n)
            if structure.real is not None:
                request = request._replace(atoms=request.atoms[structure.real])
            report = Report(virtual_atoms=n)
            with self._in_memory(lambda: structure.n):
                found = _Rows.zeros(model, structure.n, width)
                if structure.n:
                    report = self._evaluate(structure, request.parameters(), found)
            self._warnings([report])
        heard = found.last_layer[model.scale[structure.system.types] != 0]
        return Features(
            descriptor=structure.for_all(found.descriptors),
            atomic_feature=structure.for_all(found.last_layer) if last_layer else None,
            structural_feature=total_of_rows(heard) if last_layer else None,
            report=report,
        )

    def _evaluate(
        self, structure: CheckedStructure, parameters: Doubles, found: _Rows
    ) -> Report:
        members = self._members(lambda: present_types(structure.system.types))
        plan, evaluator = members[0].plan, self._evaluator_for(members)
        assert isinstance(evaluator, Evaluator)
        take = _Take(plan, found)
        domain, centres = evaluator.fitting_inputs(
            structure, take, truncate=self.truncate, parameters=parameters
        )
        bad = found.not_finite()
        return report_of(plan, domain, centres, structure.n_atoms, int(bad.sum()))


class _Rows(NamedTuple):
    """Of the n atoms that exist, written by the workers."""

    descriptors: Doubles  # (n, M)
    last_layer: Doubles  # (n, W), W = 0 where it is not wanted

    @classmethod
    def zeros(cls, model: Model, n: int, width: int) -> _Rows:
        return cls(np.zeros((n, model.n_features)), np.zeros((n, width)))

    def not_finite(self) -> Bools:
        """(n,) whether a number of an atom is NaN or infinite."""
        finite = np.isfinite(self.descriptors).all(axis=1)
        return np.asarray(~(finite & np.isfinite(self.last_layer).all(axis=1)))


class _Take:
    """Writes the rows of a block.

    Parameters
    ----------
    plan : one that leaves nothing out
    """

    def __init__(self, plan: Plan, rows: _Rows) -> None:
        self._rows, model = rows, plan.model
        self._columns = {c: plan.input_columns(c) for c in plan.species}
        self._places, self._constants = _layout(model)
        served = plan.species if rows.last_layer.size else ()
        self._hidden = {c: Net(model.fitting[c].layers[:-1]) for c in served}

    def __call__(self, species: int, atoms: Integers, inputs: Floats) -> None:
        """See `evaluator.TakeInputs`."""
        x = inputs[:, self._columns[species]]
        found = np.tile(self._constants[species], (len(atoms), 1))
        found[:, self._places] = x[:, : len(self._places)]
        self._rows.descriptors[atoms] = found
        if self._hidden:
            self._rows.last_layer[atoms] = self._hidden[species](x)


def _layout(model: Model) -> tuple[Int64s, Doubles]:
    """Where the numbers of D stand in a row (n_descriptor,), and the rest of it.

    The rest, (n_types, n_features), is the same for all atoms of a type.
    """
    constants = np.zeros((model.n_types, model.n_features))
    places, at = [], 0
    for k, descriptor in enumerate(model.descriptors):
        places.append(np.arange(at, at + descriptor.n_out))
        at += descriptor.n_out
        for embedding in model.type_embeddings:
            if embedding.behind == k:
                constants[:, at : at + embedding.width] = embedding.vectors
                at += embedding.width
    return np.concatenate(places), constants


def _or_zeros(value: Any, expected: Parameters | None) -> Any:
    """Parameters, or numbers in their place where they have no effect."""
    missing = value is None and expected is not None
    return np.zeros(expected.count) if missing and expected else value
