"""Load a model, compute energies, forces and virials."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .devices import OnProcessors, Where, choose
from .errors import InputError
from .evaluation.batch_session import ManySession, Structure
from .evaluation.domain_warnings import informer
from .evaluation.listed_session import ListedSession
from .evaluation.session import DEFAULT_SKIN, Session
from .inputs.structure import check_type_map
from .model import Model
from .plan import Plan, StoredPlan
from .planning import DEFAULT_TOLERANCE, Planner
from .planning.model_summary import describe_model
from .planning.plan_summary import summarise
from .results import Result
from .runtime.process_state import garbage_collection_paused

SEL_OVERFLOW = ("warn", "error", "truncate", "all")
DEFAULT_MODEL = "water.h5"


class Potential:
    """A model, planned for a precision and a tolerance; made by `load`.

    Attributes
    ----------
    model : Model
    type_map : the model's types; ``types`` are indices into it, or its names
    rcut : Å
    precision, tol, threads, sel_overflow : as given to `load`
    device : "cpu", or "cuda" and the number of the GPU
    """

    def __init__(
        self,
        planner: Planner,
        threads: int,
        sel_overflow: str,
        where: Where | None = None,
    ) -> None:
        where = where or OnProcessors()
        self.model, self.threads = planner.model, threads
        self.sel_overflow, self.device = sel_overflow, where.device
        self._where = where
        self.type_map = self.model.type_map
        self.rcut = self.model.rcut
        self.precision, self.tol = planner.precision, planner.tolerance
        self._planner = planner
        self._session = self._make_session(skin=0.0)
        self._many: ManySession | None = None

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
            The index −1 is an atom that does not count.
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
        return self._make_session(skin, profile, warn_once=True, inform=inform)

    def listed(
        self, *, profile: bool = False, inform: Callable[[str], None] | None = None
    ) -> ListedSession:
        """For MD codes with neighbour lists and ghosts of their own.

        Each kind of warning is given once in a session; results always carry it.

        Parameters
        ----------
        profile : measure ``stage_seconds``
        inform : called with the text of each warning; None: Python's warnings
        """
        return self._make_listed(inform, profile, warn_once=True)

    def compute_many(
        self, structures: Iterable[Structure | tuple[Any, ...]], *, atomic: bool = False
    ) -> list[Result]:
        """Energies, forces and virials of many systems, evaluated together.

        For small systems: the work of a call is shared, and processors or a GPU are
        filled. `many` keeps the neighbour lists from call to call.

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
        if self._many is None:
            self._many = self._make_many(0.0, None, warn_once=False)
        return self._many.compute(structures, atomic=atomic)

    def many(
        self,
        skin: float = DEFAULT_SKIN,
        *,
        inform: Callable[[str], None] | None = None,
    ) -> ManySession:
        """For MD of many systems: `compute_many` that keeps its neighbour lists.

        Each kind of warning is given once in a session; results always carry it.

        Parameters
        ----------
        skin : Å
        inform : called with the text of each warning; None: Python's warnings
        """
        return self._make_many(skin, inform, warn_once=True)

    def _make_many(
        self, skin: float, inform: Callable[[str], None] | None, warn_once: bool
    ) -> ManySession:
        listed = self._make_listed(inform, False, warn_once)
        return ManySession(self.model, listed, skin)

    def _make_listed(
        self, inform: Callable[[str], None] | None, profile: bool, warn_once: bool
    ) -> ListedSession:
        return self._where.listed(
            self._planner,
            informer(self.model, self.sel_overflow, inform),
            threads=self.threads,
            keep_all=self.sel_overflow == "all",
            profile=profile,
            warn_once=warn_once,
        )

    def _make_session(
        self,
        skin: float,
        profile: bool = False,
        warn_once: bool = False,
        inform: Callable[[str], None] | None = None,
    ) -> Session:
        return self._where.session(
            self._planner,
            informer(self.model, self.sel_overflow, inform),
            threads=self.threads,
            keep_all=self.sel_overflow == "all",
            skin=skin,
            profile=profile,
            warn_once=warn_once,
        )

    def renamed(self, type_map: Sequence[str]) -> Potential:
        """The same potential with other names for its types, in their order.

        Raises
        ------
        InputError
            If there are not as many distinct names as types.
        """
        names = check_type_map(type_map, self.type_map)
        planner = self._planner.renamed(names)
        return Potential(planner, self.threads, self.sel_overflow, self._where)

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = partial(
            load,
            **self._where.options(),
            precision=self.precision,
            tol=self.tol,
            threads=self.threads,
            sel_overflow=self.sel_overflow,
        )
        return rebuild, (self.model,)

    def where(self) -> dict[str, Any]:
        """The device, and why it is that one, ready for JSON."""
        return self._where.describe()

    def describe(self) -> dict[str, Any]:
        """The model, its plan and the machine's share, ready for JSON."""
        from . import __version__

        plan = self.plan
        return {
            "version": __version__,
            "model": describe_model(self.model),
            "plan": _planned_later(self) if plan is None else summarise(plan),
            "memory": None if plan is None else self._where.memory(plan, self.threads),
            **self.where(),
            "threads": self.threads,
            "sel_overflow": self.sel_overflow,
        }


def _planned_later(potential: Potential) -> dict[str, Any]:
    return {
        "precision": potential.precision,
        "tolerance_ev_per_angstrom": potential.tol,
        "made": "for the types of each structure, when it comes",
    }


def check_threads(threads: int | None) -> int:
    """The number of workers: as asked for, or the processors we may use."""
    if threads is None:
        available = getattr(os, "sched_getaffinity", None)
        return len(available(0)) if available else os.cpu_count() or 1
    whole = isinstance(threads, int | np.integer) and not isinstance(threads, bool)
    if not whole or not 1 <= threads <= 1024:
        raise InputError(f"threads: expected a number from 1 to 1024, got {threads!r}")
    return int(threads)


def _one_of(value: str, known: tuple[str, ...], name: str) -> None:
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name}: expected one of {', '.join(known)}, got {value!r}")


def _model_of(
    path: str | os.PathLike[str] | Model | None, head: str | None
) -> tuple[Model, StoredPlan | None]:
    if isinstance(path, Model):
        if head is not None:
            raise InputError(f"head: expected a model file with it, got {head!r}")
        return path, None
    from .formats import read_model
    from .formats.exchange.stored_plan import read_stored_plan

    if path is not None:
        model = read_model(path) if head is None else read_model(path, head=head)
        return model, read_stored_plan(path, model)
    packaged = resources.files(f"{__package__}.data") / DEFAULT_MODEL
    with resources.as_file(packaged) as file:
        model = read_model(file)
        return model, read_stored_plan(file, model)


def load(
    path: str | os.PathLike[str] | Model | None = None,
    *,
    device: str = "auto",
    gemm: str | None = None,
    deterministic: bool = True,
    precision: str = "double",
    tol: float = DEFAULT_TOLERANCE,
    threads: int | None = None,
    sel_overflow: str = "warn",
    type_map: Sequence[str] | None = None,
    head: str | None = None,
) -> Potential:
    """Open a model file and plan its evaluation.

    Parameters
    ----------
    path : a model file of any readable format, or a `Model`
        None: the water model that comes with the package, for demonstration.
    device : "auto", "cpu" or "cuda", with a GPU's number as in "cuda:1"
        "auto" takes the GPU where there is one that can be used, else the processors;
        `Potential.describe` says why.
    gemm : on a GPU, how nets in float32 are multiplied; "float32", "tf32x3" (three
        products of TF32, as exact) or "tf32" (2.9e-4); None: "float32"
    deterministic : on a GPU, bitwise equal forces in every run; False adds them up in
        any order, which takes less memory. On the processors they always are equal.
    precision : "double", "mixed" (tables and nets in float32) or "single" (geometry
        too; the sums of forces stay in float64)
    tol : eV/Å
        Largest force error that tables, rotation and pruning may cause; 0 converges
        the tables and leaves the rest as it is in the file.
    threads : workers; None for all processors that this process may use
    sel_overflow : what to do with more neighbours of a type than ``sel``
        "warn" and "truncate" keep the nearest, as deepmd-kit does, with and
        without a warning; "error" raises; "all" counts all.
    type_map : names for the types, in the file's order
    head : the branch of a multi-task checkpoint

    Raises
    ------
    ModelFileError
        For a file that cannot be read, or a model that is not supported.
    InputError
        For an option that does not exist.
    """
    where = choose(device, gemm, deterministic)
    _one_of(sel_overflow, SEL_OVERFLOW, "sel_overflow")
    n_threads = check_threads(threads)
    with garbage_collection_paused():
        model, stored = _model_of(path, head)
        if type_map is not None:
            type_map = check_type_map(type_map, model.type_map)
        planner = Planner(model, precision, tol, stored)
    potential = Potential(planner, n_threads, sel_overflow, where)
    return potential if type_map is None else potential.renamed(type_map)
