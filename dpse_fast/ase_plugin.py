"""What ASE finds under its entry points ``ase.plugins``: the calculator ``dpse``.

ASE calls that interface experimental; with a version that has another one there is
no plugin, and `dpse_fast.ase.DeepPotential` is the calculator all the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def __getattr__(name: str) -> Any:
    """Made when ASE asks, for ASE's module of plugins asks while it is imported."""
    if name == "__ase_plugins__":
        return _plugins()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _plugins() -> tuple[Any, ...]:
    try:
        from ase._4.plugins.plugin import CalculatorPlugin

        return (
            CalculatorPlugin(
                "dpse",
                citation="L. Zhang et al., NeurIPS 31 (2018), Deep Potential",
                implementation="dpse_fast.ase.DeepPotential",
            ),
        )
    except (ImportError, TypeError):
        return ()
