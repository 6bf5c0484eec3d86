"""A model that computes energies, forces and virials."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from numpy.typing import ArrayLike

from .cpu.neighbours import NeighbourList
from .devices import choose_backend
from .evaluation.backend import Backend
from .evaluation.base_session import SessionOptions
from .evaluation.batch_session import BatchSession, Structure
from .evaluation.listed_session import ListedSession
from .evaluation.session import DEFAULT_SKIN, Session
from .features import FeatureMethods
from .hessian import HessianMethods
from .inputs.structure import check_length, check_type_map
from .model import Model
from .plan import Plan
from .planning import Planner
from .results import Result
from .runtime.process_state import garbage_collection_paused


class Potential(FeatureMethods, HessianMethods):
    """A model, planned for a precision and a tolerance; made by `dpse_fast.load`.

    Attributes
    ----------
    model : Model
    type_map : the model's types; ``types`` are indices into it, or its names
    rcut : Å
    precision, tol, threads, sel_overflow : as given to `dpse_fast.load`
    device : "cpu", or "cuda" and the number of the GPU
    """

    def __init__(self, planner: Planner, backend: Backend, sel_overflow: str) -> None:
        self.model, self.threads = planner.model, backend.threads
        self.sel_overflow, self.device = sel_overflow, backend.device
        self._backend = backend
        self.type_map = self.model.type_map
        self.rcut = self.model.rcut
        self.precision, self.tol = planner.precision, planner.tolerance
        self._planner = planner
        options = SessionOptions(sel_overflow, warn_once=False)
        self._session = Session(backend, [planner], options, 0.0)
        self._batch: BatchSession | None = None
        FeatureMethods.__init__(self, self.threads, planner.unreduced, options)
        HessianMethods.__init__(self, self.threads, planner.unreduced, options)

    @property
    def plan(self) -> Plan | None:
        """The plan of the types met so far; None before the first of many types."""
        return self._planner.plan

    def compute(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
    ) -> Result:
        """Energy, forces and virial of a structure.

        Parameters
        ----------
        positions : (N, 3) Å
        types : (N,) indices into ``type_map``, or its names
            The index −1 is a virtual atom: it has no energy and is nobody's neighbour.
        cell : (3, 3) Å, rows a, b, c; None for open boundaries
        pbc : one bool or three; None: periodic if there is a cell
        atomic : also per-atom energies, virials and report
        fparam : (k,) frame parameters; None for the model's default
        aparam : (N, k) atomic parameters, or (k,) for all atoms

        Raises
        ------
        InputError
            For input that cannot be evaluated; also where atoms have more
            neighbours than ``sel``, with ``sel_overflow="error"``.
        """
        return self._session.compute(
            positions,
            types,
            cell,
            pbc=pbc,
            atomic=atomic,
            fparam=fparam,
            aparam=aparam,
        )

    def session(
        self,
        skin: float = DEFAULT_SKIN,
        *,
        profile: bool = False,
        inform: Callable[[str], None] | None = None,
    ) -> Session:
        """For MD: `compute` that keeps its neighbour list while atoms move little.

        Each kind of warning is given once in a session; results always carry it.

        Parameters
        ----------
        skin : Å
        profile : measure ``stage_seconds``
        inform : called with the text of each warning; None: Python's warnings
        """
        options = SessionOptions(self.sel_overflow, profile=profile, inform=inform)
        return Session(self._backend, [self._planner], options, skin)

    def listed_session(
        self, *, profile: bool = False, inform: Callable[[str], None] | None = None
    ) -> ListedSession:
        """For MD codes with neighbour lists and ghost atoms of their own.

        Each kind of warning is given once in a session; results always carry it.

        Parameters
        ----------
        profile : measure ``stage_seconds``
        inform : called with the text of each warning; None: Python's warnings
        """
        options = SessionOptions(self.sel_overflow, profile=profile, inform=inform)
        return ListedSession(self._backend, [self._planner], options)

    def compute_batch(
        self, structures: Iterable[Structure | tuple[Any, ...]], *, atomic: bool = False
    ) -> list[Result]:
        """Energies, forces and virials of several systems, evaluated together.

        For small systems: the work of a call is shared, and processors or a GPU are
        filled. `batch_session` keeps the neighbour lists from call to call.

        Parameters
        ----------
        structures : of each the arguments of `compute` in their order, as a tuple or
            a `Structure`: positions, types, cell, pbc, fparam, aparam
        atomic : also per-atom energies, virials and report

        Raises
        ------
        InputError
            As `compute`, naming the structure.
        """
        if self._batch is None:
            options = SessionOptions(self.sel_overflow, warn_once=False)
            self._batch = self._new_batch(0.0, options)
        return self._batch.compute(structures, atomic=atomic)

    def batch_session(
        self,
        skin: float = DEFAULT_SKIN,
        *,
        inform: Callable[[str], None] | None = None,
    ) -> BatchSession:
        """For MD of several systems: `compute_batch` that keeps its neighbour lists.

        Each kind of warning is given once in a session; results always carry it.

        Parameters
        ----------
        skin : Å
        inform : called with the text of each warning; None: Python's warnings
        """
        options = SessionOptions(self.sel_overflow, inform=inform)
        return self._new_batch(skin, options)

    def _new_batch(self, skin: float, options: SessionOptions) -> BatchSession:
        skin = check_length(skin, "skin")
        session = ListedSession(self._backend, [self._planner], options)
        return BatchSession(
            [self.model], session, partial(NeighbourList, self.rcut, skin)
        )

    def listed(self, **options: Any) -> ListedSession:
        """The old name of `listed_session`."""
        _renamed("listed", "listed_session")
        return self.listed_session(**options)

    def compute_many(self, structures: Any, **options: Any) -> list[Result]:
        """The old name of `compute_batch`."""
        _renamed("compute_many", "compute_batch")
        return self.compute_batch(structures, **options)

    def many(self, *skin: float, **options: Any) -> BatchSession:
        """The old name of `batch_session`."""
        _renamed("many", "batch_session")
        return self.batch_session(*skin, **options)

    def where(self) -> dict[str, Any]:
        """The old name of `device_info`."""
        _renamed("where", "device_info")
        return self.device_info()

    def renamed(self, type_map: Sequence[str]) -> Potential:
        """The same potential with other names for its types, in their order.

        Raises
        ------
        InputError
            If there are not as many distinct names as types.
        """
        names = check_type_map(type_map, self.type_map)
        planner = self._planner.renamed(names)
        return Potential(planner, self._backend, self.sel_overflow)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (
            self.model,
            self._backend.options(),
            self.precision,
            self.tol,
            self.threads,
            self.sel_overflow,
        )

    def device_info(self) -> dict[str, Any]:
        """The device, and why it is that one, ready for JSON."""
        return self._backend.describe()

    def describe(self) -> dict[str, Any]:
        """The model, its plan and the machine's share, ready for JSON."""
        from . import __version__
        from .planning.model_summary import describe_model
        from .planning.plan_summary import summarise

        plan = self.plan
        return {
            "version": __version__,
            "model": describe_model(self.model),
            "plan": _planned_later(self)
            if plan is None
            else summarise(plan) | self._backend.plan_bytes(plan),
            "memory": None if plan is None else self._backend.memory(plan),
            **self.device_info(),
            "threads": self.threads,
            "sel_overflow": self.sel_overflow,
        }


def _planned_later(potential: Potential) -> dict[str, Any]:
    return {
        "precision": potential.precision,
        "tolerance_ev_per_angstrom": potential.tol,
        "made": "for the types of each structure, when it comes",
    }


def _renamed(old: str, new: str) -> None:
    warnings.warn(
        f"Potential.{old} is now Potential.{new}; the next version drops the old name",
        DeprecationWarning,
        stacklevel=3,
    )


def _rebuilt(
    model: Model,
    backend: dict[str, Any],
    precision: str,
    tol: float,
    threads: int,
    sel_overflow: str,
) -> Potential:
    """A potential that was pickled."""
    chosen = choose_backend(
        backend["device"],
        backend.get("gemm"),
        backend.get("deterministic", True),
        threads,
    )
    with garbage_collection_paused():
        planner = Planner(model, precision, tol)
    return Potential(planner, chosen, sel_overflow)
