"""Where a potential is evaluated: on the processors or on a GPU."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

from .cpu.memory import bytes_per_atom, fixed_bytes
from .cpu.packed_plan import packed
from .errors import InputError
from .evaluation.domain_warnings import Inform
from .evaluation.listed_session import ListedSession
from .evaluation.session import Session
from .plan import Plan
from .planning import Planner

GEMMS = ("float32", "tf32x3", "tf32")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


class Where(ABC):
    """A device with its options.

    Attributes
    ----------
    device : as `Potential.device`
    """

    device: str

    @abstractmethod
    def session(
        self, planner: Planner, inform: Inform, *, threads: int, **options: Any
    ) -> Session:
        """A session there; options as `Session` takes them."""

    @abstractmethod
    def listed(
        self, planner: Planner, inform: Inform, *, threads: int, **options: Any
    ) -> ListedSession:
        """The second door there; options as `ListedSession` takes them."""

    @abstractmethod
    def memory(self, plan: Plan, threads: int) -> dict[str, int]:
        """Bytes that a plan takes there, as such and for each atom."""

    @abstractmethod
    def plan_bytes(self, plan: Plan) -> dict[str, int]:
        """Bytes of a plan's tables, and of tables and nets, as packed there."""

    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What `load` takes for the same."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Ready for JSON."""


class OnProcessors(Where):
    """See `Where`.

    Parameters
    ----------
    reason : why "auto" chose the processors; empty where they were asked for
    """

    device = "cpu"

    def __init__(self, reason: str = "") -> None:
        self._reason = reason

    def session(
        self, planner: Planner, inform: Inform, *, threads: int, **options: Any
    ) -> Session:
        from .cpu.session import CpuSession

        return CpuSession(planner, inform, threads, **options)

    def listed(
        self, planner: Planner, inform: Inform, *, threads: int, **options: Any
    ) -> ListedSession:
        from .cpu.listed_session import CpuListed

        return CpuListed(planner, inform, threads, **options)

    def memory(self, plan: Plan, threads: int) -> dict[str, int]:
        return {
            "fixed_bytes": fixed_bytes(plan, threads),
            "bytes_per_atom": bytes_per_atom(plan, threads),
        }

    def plan_bytes(self, plan: Plan) -> dict[str, int]:
        own = packed(plan)
        return {"table_bytes": own.table_bytes, "bytes": own.n_bytes}

    def options(self) -> dict[str, Any]:
        return {"device": "cpu"}

    def describe(self) -> dict[str, Any]:
        found = {"device": self.device}
        return found | ({"no_gpu_because": self._reason} if self._reason else {})


def choose(device: str, gemm: str | None, deterministic: bool) -> Where:
    """The device that `load` is asked for.

    Raises
    ------
    InputError
        For a device that does not exist or cannot be used, and options that do not
        exist.
    """
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise InputError(f"device: expected auto, cpu, cuda or cuda:N, got {device!r}")
    if gemm is not None and (not isinstance(gemm, str) or gemm not in GEMMS):
        raise InputError(f"gemm: expected one of {', '.join(GEMMS)}, got {gemm!r}")
    if not isinstance(deterministic, bool):
        raise InputError(f"deterministic: expected a bool, got {deterministic!r}")
    if device == "cpu":
        return OnProcessors()
    from .cuda.availability import missing, simulated

    family, _, number = device.partition(":")
    asked_for = family == "cuda"
    reason = None if asked_for and simulated() else missing()
    if reason is None:
        from .cuda.backend import OnGpu

        return OnGpu(int(number) if number else None, gemm, deterministic)
    if asked_for:
        raise InputError(
            f"device: {device!r} cannot be used: {reason}; "
            "device='cpu' computes on the processors"
        )
    return OnProcessors(reason)
