"""Several models as one potential, with their deviation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from numpy.typing import ArrayLike

from .cpu.neighbours import NeighbourList
from .errors import InputError
from .evaluation.base_session import SessionOptions
from .evaluation.batch_session import Structure
from .evaluation.committee_result import DRIVERS, CommitteeResult
from .evaluation.committee_session import (
    CommitteeBatchSession,
    CommitteeListedSession,
    CommitteeSession,
)
from .evaluation.session import DEFAULT_SKIN
from .inputs.choices import one_of
from .inputs.structure import check_length
from .potential import Potential


class Committee:
    """Several models that are evaluated together; made by `dpse_fast.load`.

    They share the neighbour list, and where cutoff, sel and types agree also the
    environment of the atoms. The results of each model are bitwise those that its
    potential alone would give.

    Parameters
    ----------
    potentials : two or more, on one device
        The first decides about types and their order; the others must have all of
        them, in any order, and take as many parameters.
    driver : "first" or "mean": which energy, forces and virial are the committee's
    deviation_tol : eV/Å, that all but the first were planned for; 0: as the first

    Attributes
    ----------
    model : the first one, whose parameters and types callers give
    type_map : of the first model; ``types`` are indices into it, or its names
    rcut : Å, the longest
    device, threads, sel_overflow, precision, tol : of the first potential

    Raises
    ------
    InputError
        If they cannot be evaluated together.
    """

    def __init__(
        self,
        potentials: Sequence[Potential],
        *,
        driver: str = "first",
        deviation_tol: float = 0.0,
    ) -> None:
        self.potentials = tuple(potentials)
        self.driver, self.deviation_tol = (
            one_of(driver, DRIVERS, "driver"),
            deviation_tol,
        )
        if driver == "mean" and deviation_tol:
            raise InputError(
                "deviation_tol: expected 0 with driver='mean', since it would hold for "
                f"the mean too, got {deviation_tol:g}"
            )
        _check_together(self.potentials)
        first = self.potentials[0]
        self.model, self.type_map = first.model, first.type_map
        self.rcut = max(one.rcut for one in self.potentials)
        self.device, self.threads = first.device, first.threads
        self.sel_overflow = first.sel_overflow
        self.precision, self.tol = first.precision, first.tol
        self._backend = first._backend
        self._plans = [one._planner for one in self.potentials]
        self._session = self._new_session(0.0, self._options(warn_once=False))
        self._batch: CommitteeBatchSession | None = None

    def __len__(self) -> int:
        return len(self.potentials)

    def __repr__(self) -> str:
        types = " ".join(self.type_map)
        return (
            f"<Committee of {len(self)} models, types {types}, rcut {self.rcut:g} Å, "
            f"driver {self.driver}, on {self.device}>"
        )

    def compute(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
        deviation: bool = True,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
    ) -> CommitteeResult:
        """Energy, forces and virial of the driver, of all models, and their deviation.

        Parameters
        ----------
        deviation : False: only the driver is evaluated; refused where it is the mean
        positions, types, cell, pbc, atomic, fparam, aparam : as `Potential.compute`

        Raises
        ------
        InputError
            As `Potential.compute`.
        """
        return self._session.compute(
            positions,
            types,
            cell,
            pbc=pbc,
            atomic=atomic,
            deviation=deviation,
            fparam=fparam,
            aparam=aparam,
        )

    def session(
        self,
        skin: float = DEFAULT_SKIN,
        *,
        profile: bool = False,
        inform: Callable[[str], None] | None = None,
    ) -> CommitteeSession:
        """For MD: `compute` that keeps its neighbour list; see `Potential.session`."""
        return self._new_session(skin, self._options(profile=profile, inform=inform))

    def listed_session(
        self, *, profile: bool = False, inform: Callable[[str], None] | None = None
    ) -> CommitteeListedSession:
        """For MD codes with lists of their own; see `Potential.listed_session`."""
        options = self._options(profile=profile, inform=inform)
        return CommitteeListedSession(self._backend, self._plans, options, self.driver)

    def compute_batch(
        self,
        structures: Iterable[Structure | tuple[Any, ...]],
        *,
        atomic: bool = False,
        deviation: bool = True,
    ) -> list[CommitteeResult]:
        """Of several systems, evaluated together; see `Potential.compute_batch`.

        Parameters
        ----------
        deviation : see `compute`
        """
        if self._batch is None:
            self._batch = self._new_batch(0.0, self._options(warn_once=False))
        return self._batch.compute(structures, atomic=atomic, deviation=deviation)

    def batch_session(
        self,
        skin: float = DEFAULT_SKIN,
        *,
        inform: Callable[[str], None] | None = None,
    ) -> CommitteeBatchSession:
        """For MD of several systems; see `Potential.batch_session`."""
        return self._new_batch(skin, self._options(inform=inform))

    def _options(self, **given: Any) -> SessionOptions:
        return SessionOptions(self.sel_overflow, **given)

    def _new_session(self, skin: float, options: SessionOptions) -> CommitteeSession:
        return CommitteeSession(self._backend, self._plans, options, skin, self.driver)

    def _new_batch(self, skin: float, options: SessionOptions) -> CommitteeBatchSession:
        skin = check_length(skin, "skin")
        session = CommitteeListedSession(
            self._backend, self._plans, options, self.driver
        )
        return CommitteeBatchSession(
            [one.model for one in self.potentials],
            session,
            partial(NeighbourList, self.rcut, skin),
            self.driver,
        )

    def renamed(self, type_map: Sequence[str]) -> Committee:
        """The same committee with other names for the types of the first model.

        Raises
        ------
        InputError
            If there are not as many distinct names as types.
        """
        first = self.potentials[0]
        again = first.renamed(type_map)
        names = dict(zip(first.type_map, again.type_map, strict=True))
        others = [
            one.renamed([names.get(name, name) for name in one.type_map])
            for one in self.potentials[1:]
        ]
        return Committee(
            [again, *others], driver=self.driver, deviation_tol=self.deviation_tol
        )

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = partial(
            Committee, driver=self.driver, deviation_tol=self.deviation_tol
        )
        return rebuild, (self.potentials,)

    def device_info(self) -> dict[str, Any]:
        """The device, and why it is that one, ready for JSON."""
        return self._backend.describe()

    def deviation_certificate(self) -> dict[str, float] | None:
        """By how much the plans of the models change deviations of forces, at most.

        The deviation of a force is a root mean square over the models. So it changes
        by no more than that of the largest differences of the forces themselves, each
        of three components; see `Plan.certificate`.

        Returns
        -------
        force_max_ev_per_angstrom, and force_rounding for each eV/Å of the structure's
        strength; None while a model has no plan
        """
        plans = [one.plan for one in self.potentials]
        found = [None if plan is None else plan.certificate for plan in plans]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None

        def bound(values: Iterable[float]) -> float:
            return math.sqrt(3.0 * sum(v * v for v in values) / len(known))

        return {
            "force_max_ev_per_angstrom": bound(one.force for one in known),
            "force_rounding": bound(one.force_rounding for one in known),
        }

    def describe(self) -> dict[str, Any]:
        """The models, their plans and the machine's share, ready for JSON."""
        return {
            "driver": self.driver,
            "deviation_tolerance_ev_per_angstrom": self.deviation_tol,
            "deviation_certificate": self.deviation_certificate(),
            "models": [one.describe() for one in self.potentials],
        }


def _check_together(potentials: Sequence[Potential]) -> None:
    if len(potentials) < 2:
        raise InputError(
            f"models: expected two or more for a committee, got {len(potentials)}"
        )
    first = potentials[0]
    for k, one in enumerate(potentials):
        if not isinstance(one, Potential):
            raise InputError(
                f"models[{k}]: expected a Potential, got {type(one).__name__}"
            )
        missing = [name for name in first.type_map if name not in one.type_map]
        if missing:
            raise InputError(
                f"models[{k}]: expected all types of the first model "
                f"({', '.join(first.type_map)}), got {', '.join(one.type_map)}"
            )
        if one.device != first.device:
            raise InputError(
                f"models[{k}]: expected a potential on {first.device}, as the first "
                f"one, got one on {one.device}"
            )
        for name in ("fparam", "aparam"):
            sizes = [_size(getattr(p.model, name)) for p in (first, one)]
            if sizes[0] != sizes[1]:
                raise InputError(
                    f"models[{k}]: expected a model with {sizes[0]} {name}, as the "
                    f"first one, got one with {sizes[1]}"
                )


def _size(parameters: Any) -> int:
    return 0 if parameters is None else len(parameters.mean)
