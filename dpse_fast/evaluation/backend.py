"""What a session asks of the device that computes: the interface of a backend.

`dpse_fast.cpu.backend` and `dpse_fast.cuda.backend` implement it; a session is the same
over both. Arrays of a backend (`Array`) lie on its device; everything else is on the
host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..array_types import Bools, Doubles, Int32s, Integers
from ..errors import InputError
from ..inputs.arrays import Array, Arrays
from ..inputs.neighbour_list import CallerList, ListArguments
from ..inputs.structure import CheckedStructure
from ..model import Model
from ..plan import Plan
from .domain_counts import Domain


class Request(NamedTuple):
    """What one evaluation is asked for."""

    truncate: bool  # keep the nearest ``sel`` neighbours of each type
    atomic: bool = False  # energies, virials and tallies of atoms too
    pair_gradients: bool = False  # of a caller's list: each pair's
    frame: Doubles = np.empty((1, 0))  # (1, k) or (n, k) frame parameters, normalised
    atoms: Doubles = np.empty((0, 0))  # (n, k) atomic ones, of atoms or a list's rows

    @property
    def has_parameters(self) -> bool:
        return bool(self.frame.size or self.atoms.size)

    def parameters(self) -> Doubles:
        """(n, k) frame and atomic parameters side by side."""
        n = len(self.atoms)
        whole = np.broadcast_to(self.frame, (n, self.frame.shape[1]))
        return np.concatenate([whole, self.atoms], axis=1)


class Member(NamedTuple):
    """A model that is evaluated with others on one list.

    Parameters
    ----------
    plan : Plan
    types : (T + 1,) the model's number of each of the caller's T types, and -1 for
        those that do not exist; None: its own are the caller's
    """

    plan: Plan
    types: Int32s | None = None

    def own_types(self, types: Int32s) -> Int32s:
        """The model's numbers of the caller's types; -1 stays."""
        return types if self.types is None else self.types[types]


class Evaluation(NamedTuple):
    """The result of a pipeline, in the caller's order.

    Of a structure, arrays are of the caller's N atoms; of a caller's list, of its n_all
    atoms (forces, virials), its rows (energies) and its pairs.
    """

    energy: float  # eV
    virial: Doubles  # (3, 3) eV
    forces: Array  # flat, eV/Å
    energies: Array  # flat, eV; undefined unless ``atomic``
    virials: Array  # flat, eV; undefined unless ``atomic``
    pair_gradients: Array | None  # flat, eV/Å
    domain: Domain | None  # None: nothing was evaluated
    centres: Integers  # (n_rows,) the atom (or the list's row) of each tally
    non_finite: Bools | int  # which have NaN or infinity, or how many


class StructureList(Protocol):
    """A neighbour list that a backend makes for structures, and keeps."""

    builds: int


class GivenList(Protocol):
    """A caller's checked neighbour list, brought to the backend's device."""

    @property
    def n_all(self) -> int:
        """Local and ghost atoms."""

    @property
    def n_rows(self) -> int:
        """All the caller's."""

    @property
    def n_list(self) -> int:
        """Neighbours of all rows."""

    @property
    def n_counted(self) -> int:
        """Rows whose centre exists for the model."""

    @property
    def types(self) -> Array:
        """(n_all,) int32 of the model; -1: an atom that does not exist for it."""

    @property
    def centres(self) -> Array:
        """(n_rows,) the atom of each row."""

    def without_neighbours(self) -> GivenList:
        """What is still asked of it once evaluators have rows made of it."""


class Evaluator(Protocol):
    """Evaluates plans of some models, with buffers, threads or launches that it keeps.

    Results and requests are by model; a request that is None leaves its model out.
    """

    members: tuple[Member, ...]

    @property
    def stage_seconds(self) -> Mapping[str, float]:
        """Seconds in each stage, when profiling: of all threads, or of the GPU."""

    def release(self) -> None:
        """Give back what belongs to the last list."""

    def neighbour_list(self, skin: float) -> Any:
        """A `StructureList` with a skin (Å). Its rows follow the plan's types."""

    def evaluate(
        self,
        listed: Any,
        structure: CheckedStructure,
        requests: Sequence[Request | None],
    ) -> list[Evaluation | None]:
        """Bring the list to the structure, and evaluate it.

        Raises
        ------
        InputError
            If the list exceeds the memory.
        AtomError
            For atoms at one place, and distances below the pair table.
        """

    def rows(self, given: Any, positions: Array) -> Any:
        """A `GivenList` with rows that count, made ready for `evaluate_rows`."""

    def evaluate_rows(
        self,
        rows: Any,
        positions: Array,
        requests: Sequence[Request | None],
        finish: Callable[[], None],
    ) -> list[Evaluation | None]:
        """Evaluate the rows of a caller's list, its atoms being where they are now.

        Parameters
        ----------
        rows : of `rows`
        positions : (n_all, 3) Å
        finish : called when the evaluation runs, and before its results are read
        """


class Backend(Arrays, Protocol):
    """A device with its options.

    Attributes
    ----------
    device : "cpu", or "cuda" and the number of the GPU
    threads : of the processors that share the work
    out_of_memory : what is raised where the device's memory is short
    """

    device: str
    threads: int
    out_of_memory: tuple[type[Exception], ...]

    def active(self) -> AbstractContextManager[Any]:
        """Makes this the device that everything runs on."""

    def evaluator(self, members: tuple[Member, ...], profile: bool) -> Evaluator:
        """An evaluator of models with buffers of its own."""

    def check_list(self, given: ListArguments) -> Any:
        """A caller's list, checked, as a `GivenList`."""

    def take_list(self, checked: CallerList) -> Any:
        """A checked list of the host as a `GivenList`."""

    def memory(self, plan: Plan) -> dict[str, int]:
        """Bytes that a plan takes there, as such and for each atom."""

    def plan_bytes(self, plan: Plan) -> dict[str, int]:
        """Bytes of a plan's tables, and of tables and nets, as packed there."""

    def no_memory(self, n: int) -> InputError:
        """The error for n atoms that memory was not enough for."""

    def options(self) -> dict[str, Any]:
        """What `dpse_fast.load` takes for the same."""

    def describe(self) -> dict[str, Any]:
        """Ready for JSON."""


class PlanSource(Protocol):
    """Gives the plan for the types that are met; see `dpse_fast.planning.Planner`."""

    model: Model

    def plan_for(self, present: Callable[[], Integers]) -> Plan:
        """A plan that serves these types, asked for only where it matters."""
