"""What ASE finds under its entry points ``ase.plugins``: the calculator ``dpse``.

ASE calls that interface experimental; with a version that has another one there is
no plugin, and `dpse_fast.ase.DeepPotential` is the calculator all the same.
"""

from __future__ import annotations

from typing import Any

__ase_plugins__: tuple[Any, ...]

try:
    from ase._4.plugins.plugin import CalculatorPlugin

    __ase_plugins__ = (
        CalculatorPlugin(
            "dpse",
            citation="L. Zhang et al., NeurIPS 31 (2018), Deep Potential",
            implementation="dpse_fast.ase.DeepPotential",
        ),
    )
except (ImportError, TypeError):
    __ase_plugins__ = ()
