"""A GPU as the place where a potential is evaluated."""

from __future__ import annotations

from typing import Any

from ..devices import Where
from ..errors import InputError
from ..evaluation.domain_warnings import Inform
from ..evaluation.listed_session import ListedSession
from ..evaluation.session import Session
from ..plan import Plan
from ..planning import Planner
from .device import Device
from .memory import bytes_per_atom, fixed_bytes
from .packed_plan import PackedPlan


def device_of(number: int | None) -> Device:
    """The GPU of this number, or the current one of CuPy.

    Raises
    ------
    InputError
        If there is no such GPU.
    """
    from ..kernels.cuda._cuda import SIMULATED

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


class OnGpu(Where):
    """See `Where`.

    Parameters
    ----------
    number : of the GPU; None for CuPy's current one
    gemm, deterministic : see `dpse_fast.load`
    """

    def __init__(
        self, number: int | None, gemm: str | None, deterministic: bool
    ) -> None:
        self._device = device_of(number)
        self._gemm, self._deterministic = gemm, deterministic
        self.device = f"cuda:{self._device.number}"

    @property
    def _kept(self) -> dict[str, Any]:
        """Options of `KeptOnDevice`."""
        return {
            "device": self._device,
            "gemm": self._gemm,
            "deterministic": self._deterministic,
        }

    def session(
        self, planner: Planner, inform: Inform, *, threads: int, **options: Any
    ) -> Session:
        from .session import CudaSession

        return CudaSession(planner, inform, **self._kept, **options)

    def listed(
        self, planner: Planner, inform: Inform, *, threads: int, **options: Any
    ) -> ListedSession:
        from .listed_session import CudaListed

        return CudaListed(planner, inform, **self._kept, **options)

    def memory(self, plan: Plan, threads: int) -> dict[str, int]:
        return {
            "fixed_bytes": fixed_bytes(plan),
            "bytes_per_atom": bytes_per_atom(plan, self._deterministic),
        }

    def plan_bytes(self, plan: Plan) -> dict[str, int]:
        own = PackedPlan(plan)
        return {"table_bytes": own.table_bytes, "bytes": own.n_bytes}

    def options(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "gemm": self._gemm,
            "deterministic": self._deterministic,
        }

    def describe(self) -> dict[str, Any]:
        free, total = self._device.memory()
        return {
            "device": self.device,
            "gpu": self._device.name,
            "gpu_memory": {"free_bytes": free, "bytes": total},
        }
