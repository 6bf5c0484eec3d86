"""A GPU as a backend."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ..errors import InputError
from ..evaluation.backend import Member
from ..inputs.neighbour_list import CallerList, ListArguments
from ..kernels.cuda._cuda import SIMULATED
from ..plan import Plan
from .arrays import CudaArrays
from .device import Device
from .evaluator import Evaluator
from .memory import bytes_per_atom, fixed_bytes, no_memory
from .neighbour_list_check import CheckedList, check_device_list, list_on_device
from .packed_plan import PackedPlan


def device_of(number: int | None) -> Device:
    """The GPU of this number, or the current one of CuPy.

    Raises
    ------
    InputError
        If there is no such GPU.
    """
    if SIMULATED:
        from .simulated_device import SimulatedDevice

        return SimulatedDevice()
    from .cupy_device import CupyDevice, count

    if number is not None and number >= count():
        raise InputError(
            f"device: expected one of the {count()} GPUs, cuda:0 to "
            f"cuda:{count() - 1}, got 'cuda:{number}'"
        )
    return CupyDevice(number)


class CudaBackend(CudaArrays):
    """See `evaluation.backend.Backend`.

    Parameters
    ----------
    number : of the GPU; None for CuPy's current one
    gemm, deterministic : see `dpse_fast.load`
    threads : on the host
    """

    def __init__(
        self, number: int | None, gemm: str | None, deterministic: bool, threads: int
    ) -> None:
        super().__init__(device_of(number))
        self._gemm, self._deterministic = gemm, deterministic
        self.threads = threads
        self.device = f"cuda:{self.gpu.number}"
        self.out_of_memory: tuple[type[Exception], ...] = (self.gpu.out_of_memory,)

    def active(self) -> AbstractContextManager[Any]:
        return self.gpu.active()

    def evaluator(self, members: tuple[Member, ...], profile: bool) -> Evaluator:
        gemm = self._gemm or "float32"
        return Evaluator(self.gpu, members, gemm, self._deterministic, profile)

    def check_list(self, given: ListArguments) -> CheckedList:
        return check_device_list(self, given)

    def take_list(self, checked: CallerList) -> CheckedList:
        return list_on_device(self.gpu, checked)

    def memory(self, plan: Plan) -> dict[str, int]:
        return {
            "fixed_bytes": fixed_bytes(plan),
            "bytes_per_atom": bytes_per_atom(plan, self._deterministic),
        }

    def plan_bytes(self, plan: Plan) -> dict[str, int]:
        own = PackedPlan(plan)
        return {"table_bytes": own.table_bytes, "bytes": own.n_bytes}

    def no_memory(self, n: int) -> InputError:
        return no_memory(self.gpu, n)

    def options(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "gemm": self._gemm,
            "deterministic": self._deterministic,
        }

    def describe(self) -> dict[str, Any]:
        free, total = self.gpu.memory()
        return {
            "device": self.device,
            "gpu": self.gpu.name,
            "gpu_memory": {"free_bytes": free, "bytes": total},
        }
