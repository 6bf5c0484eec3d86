"""The processors for what is computed there, also for a potential on a GPU."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..inputs.arrays import kind_of
from .backend import CpuBackend


class HostBackend(CpuBackend):
    """Refuses arrays of a GPU, and says why.

    Parameters
    ----------
    threads : that share the work
    what : is computed on the processors
    """

    def __init__(self, threads: int, what: str) -> None:
        super().__init__(threads)
        self._what = what

    def adopt(self, value: Any, name: str) -> Any:
        kind = kind_of(value, name)
        if kind.on_device:
            raise InputError(
                f"{name}: expected an array of the host, since {self._what} are "
                f"computed on the processors, got {kind}; copy it to the host"
            )
        return value
