"""Evaluations with a caller's neighbour list and explicit ghost atoms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..array_types import Doubles, Integers
from ..errors import InputError
from ..errors import atom_name as name_of_row
from ..inputs.arrays import VIRTUAL, Array, Give, kind_of
from ..inputs.neighbour_list import (
    CallerList,
    ListArguments,
    cast_all_positions,
    check_caller_types,
    check_same_atoms,
    check_sums,
)
from ..inputs.plain_numbers import shown
from ..inputs.structure import check_flag, refuse
from ..results import Report
from .atom_names import naming
from .backend import Backend, Evaluation, GivenList, PlanSource, Request
from .base_session import BaseSession, SessionOptions, present_types
from .domain_report import report_of
from .domain_warnings import Atoms

NO_LIST = "same_list: expected a call with a list before, got none"


@dataclass(frozen=True, eq=False)
class ListedResult:
    """What `ListedSession.compute` gives; arrays are of the kind of the positions.

    Parameters
    ----------
    energy : eV, of all rows
    forces : (n_all, 3) eV/Å, also on ghosts, whose owners they belong to; the
        caller's array where there was one
    virial : (3, 3) eV, -Σ dE_i/dd_ij ⊗ d_ij of all pairs, d_ij = x_j - x_i
    atomic_energies : (n_rows,) eV, or None
    atomic_virials : (n_all, 3, 3) eV, or None
        Each pair's part on its neighbour atom, as deepmd-kit's.
    pair_gradients : (n_list, 3) eV/Å, or None
        dE_i/dd_ij in the order of the list, zero where a pair does not count.
    report : Report
    """

    energy: float
    forces: Doubles
    virial: Doubles
    atomic_energies: Doubles | None
    atomic_virials: Doubles | None
    pair_gradients: Doubles | None
    report: Report


class _Output(NamedTuple):
    """Where results go, in the caller's kind of arrays."""

    give: Give
    forces: Any  # the caller's, or None
    sums: Any  # the same as the device's library has them, or None


class CallerListSession(BaseSession):
    """Computes with lists that the caller keeps."""

    def __init__(
        self, backend: Backend, plans: Sequence[PlanSource], options: SessionOptions
    ) -> None:
        super().__init__(backend, plans, options)
        self._given: GivenList | None = None
        self._rows: Any = None  # of the evaluator; None: no row's centre exists

    def _forget_lists(self) -> None:
        self._given = self._rows = None

    def _results(
        self,
        positions: Any,
        types: Any,
        first: Any,
        neighbours: Any,
        centres: Any,
        *,
        type_map: Any,
        same_list: bool,
        forces: Any,
        atomic: bool,
        pair_gradients: bool,
        fparam: Any,
        aparam: Any,
        atom_name: Callable[[int], str] | None,
        wanted: int | None = None,
    ) -> list[ListedResult]:
        """Of the first ``wanted`` models, or of all; ``forces`` are of the first."""
        backend, names = self._backend, self._model.type_map
        same_list = check_flag(same_list, "same_list")
        atomic = check_flag(atomic, "atomic")
        pair_gradients = check_flag(pair_gradients, "pair_gradients")
        name = name_of_row if atom_name is None else atom_name
        if not callable(name):
            raise InputError(
                f"atom_name: expected a function of an index, got {shown(name)}"
            )
        with backend.active(), self._lock.lock, self._whole(), naming(name):
            at = cast_all_positions(backend, positions)
            n_all = int(at.shape[0])
            sums = check_sums(backend, forces, n_all)
            output = _Output(backend.giver(positions), forces, sums)
            with self._in_memory(lambda: n_all):
                if not same_list:
                    of_caller = check_caller_types(
                        backend.on_host(type_map, "type_map"), names
                    )
                    lists = (types, first, neighbours, centres)
                    came = ListArguments(*lists, of_caller, n_all, names)
                    self._use(lambda: backend.check_list(came), at, of_caller)
                given = self._last(n_all)
                requests = self._requests(
                    fparam,
                    aparam,
                    given.n_rows,
                    given.n_rows,
                    atomic=atomic,
                    pair_gradients=pair_gradients,
                )[:wanted]
                finish = self._look_at(at, given, kind_of(positions, "").on_device)
                found = self._evaluate(given, at, requests, finish)
                reports = self._reports(given, found)
                if self._warnings.has_news(reports) and not atomic:
                    # Once more, for atoms to name; the results are the same.
                    more = [one._replace(atomic=True) for one in requests]
                    found = self._evaluate(given, at, more, lambda: None)
                    reports = self._reports(given, found)
                atoms = Atoms(lambda row: self._centre(given, row), name)
                self._warnings(reports, atoms)
                return self._outputs(given, found, reports, requests, output)

    def evaluate(
        self,
        positions: Doubles,
        given: CallerList | None,
        requests: Sequence[Request],
        present: Integers | None = None,
    ) -> list[ListedResult]:
        """By model, with a list of our own: nothing is checked, all is on the host.

        Parameters
        ----------
        positions : (n_all, 3) float64 Å
        given : None: the same list as in the last call
        present : the types that the plan must serve; None: those of the list
        """
        backend = self._backend
        with (
            backend.active(),
            self._lock.lock,
            self._whole(),
            self._in_memory(lambda: len(positions)),
        ):
            at = backend.upload(positions)
            if given is not None:
                self._use(lambda: backend.take_list(given), at, present)
            kept = self._last(len(positions))
            found = self._evaluate(kept, at, requests, lambda: None)
            output = _Output(backend.giver(positions), None, None)
            reports = self._reports(kept, found)
            self._warnings(reports)
            return self._outputs(kept, found, reports, requests, output)

    def _centre(self, given: GivenList, row: int) -> int:
        return int(self._backend.download(given.centres)[row])

    def _last(self, n_all: int) -> GivenList:
        if self._given is None:
            raise InputError(NO_LIST)
        check_same_atoms(self._given.n_all, n_all)
        return self._given

    def _use(
        self,
        make: Callable[[], GivenList],
        positions: Array,
        present: Integers | None,
    ) -> None:
        """Evaluate with this list from now on."""
        self._forget_lists()
        if self._evaluator is not None:
            self._evaluator.release()
        given = make()
        if given.n_counted:
            # The same plan for all parts of a system, whatever types each part has.
            members = self._members(
                lambda: present_types(
                    self._backend.distinct(given.types, self._model.n_types)
                    if present is None
                    else present
                )
            )
            self._rows = self._evaluator_for(members).rows(given, positions)
        self._given = given.without_neighbours()

    def _look_at(
        self, positions: Array, given: GivenList, on_device: bool
    ) -> Callable[[], None]:
        """Refuse atoms that are not finite: those of a GPU once the evaluation runs."""
        names = self._model.type_map
        find = self._backend.faults(positions, given.types, VIRTUAL, len(names))
        if on_device:
            return lambda: refuse(find(), names)
        refuse(find(), names)
        return lambda: None

    def _evaluate(
        self,
        given: GivenList,
        positions: Array,
        requests: Sequence[Request],
        finish: Callable[[], None],
    ) -> list[Evaluation]:
        """Of as many models as there are requests."""
        if self._rows is None:
            finish()
            return [self._nothing(given, one) for one in requests]
        assert self._evaluator is not None
        left_out = [None] * (len(self._models) - len(requests))
        found = self._evaluator.evaluate_rows(
            self._rows, positions, [*requests, *left_out], finish
        )
        return [one for one in found if one is not None]

    def _nothing(self, given: GivenList, request: Request) -> Evaluation:
        """Of rows none of whose centres exists for the model."""
        zeros, atomic = self._backend.zeros, request.atomic
        n_pairs = given.n_list if request.pair_gradients else 0
        return Evaluation(
            energy=0.0,
            virial=np.zeros((3, 3)),
            forces=zeros(3 * given.n_all),
            energies=zeros(given.n_rows if atomic else 0),
            virials=zeros(9 * given.n_all if atomic else 0),
            pair_gradients=zeros(3 * n_pairs),
            domain=None,
            centres=np.empty(0, np.int64),
            non_finite=0,
        )

    def _reports(
        self, given: GivenList, found: Sequence[Evaluation]
    ) -> list[Report | None]:
        """By model; None: it was not evaluated."""
        reports: list[Report | None] = [
            self._report(given, one, k) for k, one in enumerate(found)
        ]
        return reports + [None] * (len(self._models) - len(found))

    def _report(self, given: GivenList, found: Evaluation, model: int) -> Report:
        n_rows = given.n_rows
        if found.domain is None:
            return Report(virtual_atoms=n_rows)
        assert self._evaluator is not None
        plan, centres = self._evaluator.members[model].plan, found.centres
        report = report_of(plan, found.domain, centres, n_rows, found.non_finite)
        return replace(report, virtual_atoms=n_rows - given.n_counted)

    def _outputs(
        self,
        given: GivenList,
        found: Sequence[Evaluation],
        reports: Sequence[Report | None],
        requests: Sequence[Request],
        output: _Output,
    ) -> list[ListedResult]:
        """By model; the caller's forces are those of the first."""
        results = []
        for one, report, request in zip(found, reports, requests, strict=False):
            assert report is not None
            results.append(self._result(given, one, report, request, output))
            output = output._replace(forces=None, sums=None)
        return results

    def _result(
        self,
        given: GivenList,
        found: Evaluation,
        report: Report,
        request: Request,
        output: _Output,
    ) -> ListedResult:
        give, n_all, n_rows = output.give, given.n_all, given.n_rows
        shape = (n_all, 3)
        if output.sums is None:
            forces = give(found.forces, shape)
        else:
            self._backend.add_into(output.sums, found.forces, shape)
            forces = output.forces
        atomic, pairs = request.atomic, request.pair_gradients
        return ListedResult(
            energy=found.energy,
            forces=forces,
            virial=found.virial,
            atomic_energies=give(found.energies, (n_rows,)) if atomic else None,
            atomic_virials=give(found.virials, (n_all, 3, 3)) if atomic else None,
            pair_gradients=give(found.pair_gradients, (given.n_list, 3))
            if pairs
            else None,
            report=report,
        )


class ListedSession(CallerListSession):
    """Computes with lists that the caller keeps; made by `Potential.listed_session`."""

    def compute(
        self,
        positions: Any,
        types: Any,
        first: Any,
        neighbours: Any,
        centres: Any = None,
        *,
        type_map: Any = None,
        same_list: bool = False,
        forces: Any = None,
        atomic: bool = False,
        pair_gradients: bool = False,
        fparam: Any = None,
        aparam: Any = None,
        atom_name: Callable[[int], str] | None = None,
    ) -> ListedResult:
        """Energies of the rows of a full list, and their forces on all its atoms.

        Parameters
        ----------
        positions : (n_all, 3) Å, of local atoms and ghosts (periodic images too)
        types : (n_all,) the caller's types, places in type_map; without one those of
            the model, by index or name
        first, neighbours : (n_rows + 1,) and (n_list,) integers
            The neighbours of row k are ``neighbours[first[k]:first[k + 1]]``, in any
            order: all atoms within the model's cutoff, and any beyond it.
        centres : (n_rows,) the atom of each row, each once; None: 0, 1, 2 …
        type_map : the model's type of each of the caller's types, by index or name
            −1, None or "NULL" is an atom that does not exist for the model.
        same_list : types, lists and type_map are those of the last call, left as they
            were; only positions have moved. They are not looked at again.
        forces : (n_all, 3) float64 that forces are added into; None: a new array
        atomic : also energies of rows and virials of atoms, and their report
        pair_gradients : also the gradient of each pair
        fparam : (k,) frame parameters; None for the model's default
            (n_rows, k) where rows belong to several frames.
        aparam : (n_rows, k) atomic parameters of the rows, or (k,) for all
        atom_name : what errors and warnings call the atom in a row of positions;
            None: "atom 5"

        Raises
        ------
        InputError
            For input that cannot be evaluated; also where atoms have more
            neighbours than ``sel``, with ``sel_overflow="error"``.
        """
        (result,) = self._results(
            positions,
            types,
            first,
            neighbours,
            centres,
            type_map=type_map,
            same_list=same_list,
            forces=forces,
            atomic=atomic,
            pair_gradients=pair_gradients,
            fparam=fparam,
            aparam=aparam,
            atom_name=atom_name,
        )
        return result
