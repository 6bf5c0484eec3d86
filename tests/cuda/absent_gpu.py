"""numba-cuda compiles for a GPU that is not there: for processes of their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def pretend(capability: tuple[int, int]) -> None:
    """From now on numba-cuda takes this for the current GPU, and loads nothing."""
    from numba.cuda import codegen, compiler, dispatcher

    gpu = SimpleNamespace(compute_capability=capability, id=0)
    context = SimpleNamespace(device=gpu)
    dispatcher.get_current_device = compiler.get_current_device = lambda: gpu
    codegen.devices = SimpleNamespace(get_context=lambda: context)
    dispatcher._Kernel.bind = lambda kernel: kernel._codelibrary.get_cubin()


def compiled(kernel: Any, arguments: tuple[Any, ...]) -> Any:
    """As a launch would compile it: has ``get_cubin(cc).code``."""
    kinds = tuple(kernel.typeof_pyval(a) for a in arguments)
    return kernel.compile(kinds)._codelibrary
