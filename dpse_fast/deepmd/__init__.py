"""deepmd-kit's Python interface, evaluated by dpse-fast.

A script that says ``from deepmd.infer import DeepPot, calc_model_devi`` or ``from
deepmd.calculator import DP`` says ``from dpse_fast.deepmd import DeepPot,
calc_model_devi, DP`` instead. The distribution ``dpse-fast-deepmd`` (plugins/deepmd)
provides the old names, where deepmd-kit is not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calculator import DP
    from .deep_pot import DeepEval, DeepPot
    from .model_devi import calc_model_devi, write_model_devi_out

__all__ = [
    "DP",
    "DeepEval",
    "DeepPot",
    "DeepPotential",
    "calc_model_devi",
    "write_model_devi_out",
]

_HOME = {
    "DP": "calculator",
    "DeepEval": "deep_pot",
    "DeepPot": "deep_pot",
    "calc_model_devi": "model_devi",
    "write_model_devi_out": "model_devi",
}
_OTHER_KINDS = (
    *("DeepDipole", "DeepPolar", "DeepGlobalPolar", "DeepDOS", "DeepWFC"),
    *("DeepProperty", "DeepPopulation", "DipoleChargeModifier", "EwaldRecp"),
)


def __getattr__(name: str) -> Any:
    """Import ASE and what else is needed with the first use of a name."""
    home = "other_kinds" if name in _OTHER_KINDS else _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{home}", __name__), name)


def DeepPotential(*args: Any, **kwargs: Any) -> DeepPot:
    """`DeepPot` with these arguments, as deepmd-kit's function of this name."""
    from .deep_pot import DeepPot

    return DeepPot(*args, **kwargs)
