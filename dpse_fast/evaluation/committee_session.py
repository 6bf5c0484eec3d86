"""Sessions of a committee: every call evaluates several models on one list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..array_types import Doubles
from ..errors import InputError
from ..inputs.arrays import kind_of
from ..inputs.structure import check_flag
from .backend import Backend, PlanSource
from .base_session import SessionOptions
from .batch_list import HostList
from .batch_session import Structure, SystemsSession
from .committee_result import (
    CommitteeResult,
    ListedCommitteeResult,
    of_list,
    of_structure,
)
from .listed_session import CallerListSession, ListedResult
from .session import StructureSession


class CommitteeSession(StructureSession):
    """Computes step after step; made by `Committee.session`, see `StructureSession`.

    Parameters
    ----------
    driver : "first" or "mean"
    """

    def __init__(
        self,
        backend: Backend,
        plans: Sequence[PlanSource],
        options: SessionOptions,
        skin: float,
        driver: str,
    ) -> None:
        super().__init__(backend, plans, options, skin)
        self._driver = driver

    def compute(
        self,
        positions: Any,
        types: Any,
        cell: Any = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        atomic: bool = False,
        deviation: bool = True,
        fparam: Any = None,
        aparam: Any = None,
    ) -> CommitteeResult:
        """As `Committee.compute`."""
        wanted = wanted_models(deviation, self._driver)
        _check_mean(self._driver, positions)
        results = self._results(
            positions,
            types,
            cell,
            pbc=pbc,
            atomic=atomic,
            fparam=fparam,
            aparam=aparam,
            wanted=wanted,
        )

        def on_host(forces: Any) -> Doubles:
            found: Doubles = self._backend.on_host(forces, "forces")
            return found

        return of_structure(results, self._driver, on_host)


class CommitteeListedSession(CallerListSession):
    """Computes with lists that the caller keeps; made by `Committee.listed_session`.

    Parameters
    ----------
    driver : "first" or "mean"
    """

    def __init__(
        self,
        backend: Backend,
        plans: Sequence[PlanSource],
        options: SessionOptions,
        driver: str,
    ) -> None:
        super().__init__(backend, plans, options)
        self._driver = driver

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
        deviation: bool = True,
        fparam: Any = None,
        aparam: Any = None,
        atom_name: Callable[[int], str] | None = None,
    ) -> ListedCommitteeResult:
        """As `ListedSession.compute`, of all models.

        Parameters
        ----------
        forces : that the driver's are added into; only of the first model
        deviation : False: only the driver is evaluated, if it is the first model
        """
        wanted = wanted_models(deviation, self._driver)
        _check_mean(self._driver, positions)
        if forces is not None and self._driver == "mean":
            raise InputError(
                "forces: expected None with driver='mean', which is known only when "
                "all models are evaluated, got an array"
            )
        results = self._results(
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
            wanted=wanted,
        )
        return of_list(results, self._driver)

    def members(
        self,
        n_models: int,
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
    ) -> list[ListedResult]:
        """The results of the first ``n_models`` models, whichever is the driver.

        Parameters
        ----------
        n_models : 1 to all
        forces : that those of the first model are added into
        positions, types, first, neighbours and others : as `ListedSession.compute`
        """
        if not 1 <= n_models <= len(self._models):
            raise InputError(
                f"n_models: expected 1 to {len(self._models)}, got {n_models}"
            )
        return self._results(
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
            wanted=n_models,
        )


class CommitteeBatchSession(SystemsSession):
    """Computes a batch of systems at once; made by `Committee.batch_session`.

    Parameters
    ----------
    driver : "first" or "mean"
    """

    def __init__(
        self,
        models: Sequence[Any],
        session: CallerListSession,
        make_list: Callable[[], HostList],
        driver: str,
    ) -> None:
        super().__init__(models, session, make_list)
        self._driver = driver

    def compute(
        self,
        structures: Iterable[Structure | tuple[Any, ...]],
        *,
        atomic: bool = False,
        deviation: bool = True,
    ) -> list[CommitteeResult]:
        """The result of each structure; see `Committee.compute_batch`."""
        wanted = wanted_models(deviation, self._driver)
        return [
            of_structure(results, self._driver, lambda forces: forces)
            for results in self._results(structures, atomic, wanted)
        ]


def wanted_models(deviation: bool, driver: str) -> int | None:
    """How many models are evaluated; None: all.

    Raises
    ------
    InputError
        If only the driver is asked for, and that is the mean of all.
    """
    if check_flag(deviation, "deviation"):
        return None
    if driver == "mean":
        raise InputError(
            "deviation: expected True with driver='mean', which takes all models, "
            "got False"
        )
    return 1


def _check_mean(driver: str, positions: Any) -> None:
    """Numba's arrays of a GPU cannot be added up."""
    if driver == "mean" and kind_of(positions, "positions").library == "numba":
        raise InputError(
            "positions: expected an array of the host, of CuPy or of PyTorch with "
            "driver='mean', got one of Numba"
        )
