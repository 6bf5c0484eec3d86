"""The processors as a backend."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..errors import InputError
from ..evaluation.backend import Member
from ..inputs.arrays import HostArrays
from ..inputs.neighbour_list import CallerList, ListArguments, check_list
from ..plan import Plan
from .evaluator import Evaluator
from .memory import bytes_per_atom, fixed_bytes
from .packed_plan import packed
from .spatial_order import memory


class CpuBackend(HostArrays):
    """See `evaluation.backend.Backend`.

    Parameters
    ----------
    threads : that share the work of a session
    no_gpu_because : why no GPU was chosen; empty where the processors were asked for
    """

    device = "cpu"
    out_of_memory: tuple[type[Exception], ...] = (MemoryError,)

    def __init__(self, threads: int, no_gpu_because: str = "") -> None:
        self.threads, self._reason = threads, no_gpu_because

    def active(self) -> AbstractContextManager[None]:
        return nullcontext()

    def evaluator(self, members: tuple[Member, ...], profile: bool) -> Evaluator:
        return Evaluator(members, self.threads, profile)

    def check_list(self, given: ListArguments) -> CallerList:
        return check_list(given)

    def take_list(self, checked: CallerList) -> CallerList:
        return checked

    def memory(self, plan: Plan) -> dict[str, int]:
        return {
            "fixed_bytes": fixed_bytes(plan, self.threads),
            "bytes_per_atom": bytes_per_atom(plan, self.threads),
        }

    def plan_bytes(self, plan: Plan) -> dict[str, int]:
        own = packed(plan)
        return {"table_bytes": own.table_bytes, "bytes": own.n_bytes}

    def no_memory(self, n: int) -> InputError:
        return InputError(
            f"positions: {n} atoms do not fit into the memory that is left of "
            f"{memory() / 1e9:.3g} GB; expected fewer atoms, a precision of 'mixed' or "
            "'single', fewer threads, or a smaller skin"
        )

    def options(self) -> dict[str, Any]:
        return {"device": "cpu"}

    def describe(self) -> dict[str, Any]:
        found = {"device": self.device}
        return found | ({"no_gpu_because": self._reason} if self._reason else {})
