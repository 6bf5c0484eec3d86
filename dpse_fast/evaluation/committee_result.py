"""What a committee gives: the driver's result, its members', and how far these differ.

Deviations are those of deepmd-kit; see `model_deviation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, overload

import numpy as np

from ..array_types import Doubles
from ..results import Result
from .listed_session import ListedResult
from .model_deviation import ModelDeviation, model_deviation

R = TypeVar("R", Result, ListedResult)
DRIVERS = ("first", "mean")


class Members(Sequence[R], Generic[R]):
    """The results of the models, in the order in which they were loaded.

    ``members[k]`` is that of model k; what follows are the numbers of all M models
    side by side, for results on the host.

    Attributes
    ----------
    energies : (M,) eV
    forces : (M, N, 3) eV/Å
    virials : (M, 3, 3) eV
    atomic_energies : (M, N) eV, or None
    atomic_virials : (M, N, 3, 3) eV, or None
    """

    def __init__(self, results: Sequence[R]) -> None:
        self._results: tuple[R, ...] = tuple(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, index: int) -> R: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[R, ...]: ...

    def __getitem__(self, index: int | slice) -> R | tuple[R, ...]:
        return self._results[index]

    def __iter__(self) -> Iterator[R]:
        return iter(self._results)

    def __repr__(self) -> str:
        return f"Members of {len(self)} models, energies {self.energies} eV"

    @property
    def energies(self) -> Doubles:
        return np.array([one.energy for one in self])

    @property
    def forces(self) -> Doubles:
        return np.stack([one.forces for one in self])

    @property
    def virials(self) -> Doubles:
        return np.stack([one.virial for one in self])

    @property
    def atomic_energies(self) -> Doubles | None:
        found = [one.atomic_energies for one in self]
        return None if found[0] is None else np.stack(found)  # type: ignore[arg-type]

    @property
    def atomic_virials(self) -> Doubles | None:
        found = [one.atomic_virials for one in self]
        return None if found[0] is None else np.stack(found)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Deviation:
    """How far the models of a committee are apart: root mean squares over the models.

    Parameters
    ----------
    forces : (N,) eV/Å, of each atom's force as a vector
    virial : (3, 3) eV/atom, of each component
    energy : eV/atom
    """

    forces: Doubles
    virial: Doubles
    energy: float
    _again: Callable[[float | None, float | None], Deviation] = field(repr=False)

    @classmethod
    def of(cls, energies: Doubles, forces: Doubles, virials: Doubles) -> Deviation:
        """From numbers (M,), (M, N, 3) and (M, 3, 3) of M models, on the host."""

        def found(relative: float | None, relative_v: float | None) -> Deviation:
            n = forces.shape[1]
            if not n:
                return cls(np.zeros(0), np.zeros((3, 3)), 0.0, found)
            one: ModelDeviation = model_deviation(
                energies[:, None],
                forces[:, None],
                virials[:, None],
                relative=relative,
                relative_v=relative_v,
            )
            virial = one.virial[0].reshape(3, 3)
            return cls(one.forces[0], virial, float(one.energy[0]), found)

        return found(None, None)

    def relative(
        self, *, force: float | None = None, virial: float | None = None
    ) -> Deviation:
        """Divided by the magnitude of the mean force, or virial, plus a level.

        Parameters
        ----------
        force, virial : the levels, eV/Å and eV/atom; None: as it is

        Raises
        ------
        InputError
            For a level that is negative or not finite.
        """
        return self._again(force, virial)

    @property
    def max_force(self) -> float:
        return float(self.forces.max(initial=0.0))

    @property
    def min_force(self) -> float:
        return float(self.forces.min()) if self.forces.size else 0.0

    @property
    def mean_force(self) -> float:
        return float(self.forces.mean()) if self.forces.size else 0.0

    @property
    def max_virial(self) -> float:
        return float(self.virial.max())

    @property
    def min_virial(self) -> float:
        return float(self.virial.min())

    @property
    def mean_virial(self) -> float:
        """The root mean square of the components, as in deepmd-kit's tables."""
        return float(np.sqrt(np.mean(self.virial**2)))


@dataclass(frozen=True, eq=False)
class CommitteeResult(Result):
    """What `Committee.compute` gives: the driver's `Result`, and of the models:

    Parameters
    ----------
    members : Members, or None where only the driver was asked for
    deviation : Deviation of the members, or None
    """

    members: Members[Result] | None = None
    deviation: Deviation | None = None


@dataclass(frozen=True, eq=False)
class ListedCommitteeResult(ListedResult):
    """What `CommitteeListedSession.compute` gives: the driver's, and of the models:

    Forces on ghosts belong to their owners. So deviations can be known only when the
    caller has added them up; see `model_deviation.force_deviations`.

    Parameters
    ----------
    members : Members, or None where only the driver was asked for
    """

    members: Members[ListedResult] | None = None


def of_structure(
    results: Sequence[Result], driver: str, on_host: Callable[[Any], Doubles]
) -> CommitteeResult:
    """The committee's from the results of its models, or of the first alone.

    Parameters
    ----------
    driver : "first" or "mean"
    on_host : brings an array of results to NumPy
    """
    chosen = vars(_driven(results, driver))
    if len(results) == 1:
        return CommitteeResult(**chosen)
    deviation = Deviation.of(
        np.array([one.energy for one in results]),
        np.stack([on_host(one.forces) for one in results]),
        np.stack([one.virial for one in results]),
    )
    return CommitteeResult(**chosen, members=Members(results), deviation=deviation)


def of_list(results: Sequence[ListedResult], driver: str) -> ListedCommitteeResult:
    """As `of_structure`, of a caller's list."""
    chosen = vars(_driven(results, driver))
    members = Members(results) if len(results) > 1 else None
    return ListedCommitteeResult(**chosen, members=members)


def _driven(results: Sequence[R], driver: str) -> R:
    """The first, or the mean of all."""
    first = results[0]
    if driver == "first":
        return first
    names = ["energy", "forces", "virial", "atomic_energies", "atomic_virials"]
    if isinstance(first, ListedResult):
        names.append("pair_gradients")
    means: dict[str, Any] = {}
    for name in names:
        values = [getattr(one, name) for one in results]
        means[name] = (
            None if values[0] is None else sum(values[1:], values[0]) / len(values)
        )
    return replace(first, **means)
