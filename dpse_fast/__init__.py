"""Fast inference of Deep Potential models: `load` one, then `compute`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .collection import collection_paused
from .errors import (
    AccuracyWarning,
    DpseError,
    InputError,
    ModelFileError,
    NonFiniteWarning,
    SelOverflowWarning,
    ShortDistanceWarning,
    UnseenTypesWarning,
)

if TYPE_CHECKING:
    from .listed import ListedResult, ListedSession
    from .many import ManySession, Structure
    from .model import Model
    from .potential import Potential, load
    from .results import Report, Result, SelOverflow
    from .session import Session

    __version__: str

__all__ = [
    "AccuracyWarning",
    "DpseError",
    "InputError",
    "ListedResult",
    "ListedSession",
    "ManySession",
    "Model",
    "ModelFileError",
    "NonFiniteWarning",
    "Potential",
    "Report",
    "Result",
    "SelOverflow",
    "SelOverflowWarning",
    "Session",
    "ShortDistanceWarning",
    "Structure",
    "UnseenTypesWarning",
    "__version__",
    "load",
]

_HOME = {
    "ListedResult": "listed",
    "ListedSession": "listed",
    "ManySession": "many",
    "Model": "model",
    "Potential": "potential",
    "Report": "results",
    "Result": "results",
    "SelOverflow": "results",
    "Session": "session",
    "Structure": "many",
    "load": "potential",
}


def __getattr__(name: str) -> Any:
    """Import NumPy and Numba when they are needed, not for ``--help``."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dpse-fast")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with collection_paused():
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
