"""A batch of systems in one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles, Int32s, Int64s
from ..errors import AtomError, InputError
from ..inputs.parameters import check_parameters
from ..inputs.plain_numbers import refuse_meaning, shown
from ..inputs.structure import CheckedStructure, check_flag, check_system
from ..kernels.cpu.images import add_to_owners
from ..model import Model
from ..results import Report, Result
from ..runtime.forks import ProcessLock
from .backend import Request
from .base_session import Uncopied, own_types
from .batch_list import BatchList, HostList
from .domain_report import report_of_atoms, total, total_of_rows
from .listed_session import CallerListSession, ListedResult


class Structure(NamedTuple):
    """One system of a batch; see `Potential.compute` for each field."""

    positions: ArrayLike
    types: ArrayLike | Sequence[str]
    cell: ArrayLike | None = None
    pbc: bool | Sequence[bool] | None = None
    fparam: ArrayLike | None = None
    aparam: ArrayLike | None = None


class _System(NamedTuple):
    """A checked structure with the parameters of its atoms that count."""

    checked: CheckedStructure
    frames: list[Doubles]  # by model, (n, k)
    atoms: list[Doubles]  # by model, (n, k)

    @property
    def n(self) -> int:
        return len(self.checked.system.types)


class SystemsSession(Uncopied):
    """Computes a batch of systems at once, keeping their lists while atoms move little.

    A system keeps its list from call to call by its place in the sequence.

    Parameters
    ----------
    models : Model of one potential, or all of a committee
    session : evaluates the joint list
    make_list : a new neighbour list for one system

    Attributes
    ----------
    list_builds : how many lists were built, of all systems
    """

    def __init__(
        self,
        models: Sequence[Model],
        session: CallerListSession,
        make_list: Callable[[], HostList],
    ) -> None:
        self._models, self._session = models, session
        self._list = BatchList(make_list)
        self._ready = False
        self._lock = ProcessLock()

    @property
    def list_builds(self) -> int:
        return self._list.builds

    def _results(
        self,
        structures: Iterable[Structure | tuple[Any, ...]],
        atomic: bool,
        wanted: int | None = None,
    ) -> list[list[Result]]:
        """Of each structure, of the first ``wanted`` models or of all."""
        atomic = check_flag(atomic, "atomic")
        refuse_meaning(structures, "structures")
        try:
            of_each = iter(structures)
        except TypeError:
            raise InputError(
                "structures: expected a list of Structures (positions, types, cell, "
                f"pbc, fparam, aparam), got {shown(structures)}"
            ) from None
        given = list(of_each)
        with self._lock.lock:
            systems = [self._check(k, one) for k, one in enumerate(given)]
            some = [one for one in systems if one.n]
            try:
                found = iter(self._evaluate(some, wanted) if some else [])
            except AtomError as error:
                raise self._named(systems, error) from None
            return [
                [_for_caller(result, one.checked, atomic) for result in next(found)]
                if one.n
                else [Result.of_nothing(one.checked.n_atoms, atomic)]
                * len(self._models[:wanted])
                for one in systems
            ]

    def _check(self, k: int, given: Any) -> _System:
        models = self._models
        try:
            if not isinstance(given, tuple | list) or not 2 <= len(given) <= 6:
                raise InputError(
                    "expected a Structure (positions, types, cell, pbc, fparam, "
                    f"aparam), got {type(given).__name__}"
                )
            one = Structure(*given)
            checked = check_system(*one[:4], models[0].type_map)
            n = checked.n_atoms
            frames = [check_parameters(one.fparam, m.fparam, "fparam") for m in models]
            own = [check_parameters(one.aparam, m.aparam, "aparam", n) for m in models]
        except InputError as error:
            raise InputError(f"structures[{k}]: {error}") from None
        frames = [np.broadcast_to(frame, (n, frame.shape[1])) for frame in frames]
        if checked.real is not None:
            frames = [frame[checked.real] for frame in frames]
            own = [values[checked.real] for values in own]
        return _System(checked, frames, own)

    def _named(self, systems: list[_System], error: AtomError) -> AtomError:
        """The error with the caller's structure and atom."""
        atom = int(self._list.owners[error.atom])
        ends = np.cumsum([one.n for one in systems])
        k = int(np.searchsorted(ends, atom, side="right"))
        atom -= int(ends[k]) - systems[k].n
        real = systems[k].checked.real
        argument, _, what = error.before.partition(":")
        before = f"{argument}: structures[{k}],{what}"
        own = atom if real is None else int(real[atom])
        return AtomError(before, own, error.after)

    def _evaluate(
        self, systems: list[_System], wanted: int | None
    ) -> list[list[Result]]:
        """Of atoms that count, with all that is known of each."""
        joint = self._list
        same, self._ready = self._ready, False  # until it is evaluated
        if not same:
            joint.forget()
        same &= not joint.update([one.checked.system for one in systems])
        own = joint.owners[joint.rows.centres]
        requests = [
            Request(
                self._session.truncate,
                atomic=True,
                frame=np.concatenate([one.frames[k] for one in systems])[own],
                atoms=np.concatenate([one.atoms[k] for one in systems])[own],
            )
            for k in range(len(self._models[:wanted]))
        ]
        found = self._session.evaluate(
            joint.positions, None if same else joint.rows, requests
        )
        self._ready = True
        of_models = [self._split(systems, one, own, k) for k, one in enumerate(found)]
        return [list(results) for results in zip(*of_models, strict=True)]

    def _split(
        self, systems: list[_System], found: ListedResult, own: Int32s, model: int
    ) -> list[Result]:
        """What a model gives for each system."""
        n = sum(one.n for one in systems)
        assert found.atomic_energies is not None
        assert found.atomic_virials is not None
        energies, forces, parts = np.empty(n), np.zeros((n, 3)), np.zeros((n, 9))
        energies[own] = found.atomic_energies
        owners = self._list.owners
        add_to_owners(owners, found.forces, forces)
        add_to_owners(owners, found.atomic_virials.reshape(-1, 9), parts)
        virials = parts.reshape(n, 3, 3)
        rows = np.empty(n, np.int64)
        rows[own] = np.arange(n)
        results, end = [], 0
        for one in systems:
            part, end = slice(end, end + one.n), end + one.n
            results.append(
                Result(
                    energy=total(energies[part]),
                    forces=forces[part],
                    virial=total_of_rows(virials[part]),
                    atomic_energies=energies[part],
                    atomic_virials=virials[part],
                    report=self._report(one, found.report, rows[part], model),
                )
            )
        return results

    def _report(
        self, system: _System, joint: Report, rows: Int64s, model: int
    ) -> Report:
        """Of one system, from its rows of the joint report."""
        assert joint.atoms is not None
        counts = joint.atoms.counts.mapped(lambda values: values[rows])
        bad, types = joint.atoms.non_finite[rows], system.checked.system.types
        numbers = own_types(self._models[0], self._models[model])
        own = types if numbers is None else numbers[types]
        return report_of_atoms(self._models[model], counts, bad, own)


class BatchSession(SystemsSession):
    """Computes a batch of systems at once; made by `Potential.batch_session`."""

    def compute(
        self, structures: Iterable[Structure | tuple[Any, ...]], *, atomic: bool = False
    ) -> list[Result]:
        """The result of each structure; see `Potential.compute_batch`."""
        return [result for (result,) in self._results(structures, atomic)]


def _for_caller(result: Result, checked: CheckedStructure, atomic: bool) -> Result:
    """With rows for virtual atoms, and of atoms only what is wanted."""
    for_all, report = checked.for_all, result.report
    assert result.atomic_energies is not None
    assert result.atomic_virials is not None
    assert report.atoms is not None
    own = report.atoms.mapped(for_all)
    n_virtual = checked.n_atoms - len(result.forces)
    return replace(
        result,
        forces=for_all(result.forces),
        atomic_energies=for_all(result.atomic_energies) if atomic else None,
        atomic_virials=for_all(result.atomic_virials) if atomic else None,
        report=replace(report, virtual_atoms=n_virtual, atoms=own if atomic else None),
    )
