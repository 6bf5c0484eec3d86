"""Fast inference of Deep Potential models: `load` one, then `compute`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    AccuracyWarning,
    CellWarning,
    DpseError,
    InputError,
    LabelWarning,
    ModelFileError,
    NonFiniteWarning,
    SelOverflowWarning,
    ShortDistanceWarning,
    TruncatedTrajectoryWarning,
    UnitsWarning,
    UnseenTypesWarning,
)
from .runtime.process_state import garbage_collection_paused

if TYPE_CHECKING:
    from .committee import Committee
    from .evaluation.batch_session import BatchSession, Structure
    from .evaluation.committee_result import CommitteeResult, Deviation
    from .evaluation.listed_session import ListedResult, ListedSession
    from .evaluation.session import Session
    from .heat_flux import HeatFlux
    from .loading import load
    from .model import Model
    from .potential import Potential
    from .results import Features, Report, Result, SecondDerivatives, SelOverflow

    __version__: str

__all__ = [
    "AccuracyWarning",
    "BatchSession",
    "CellWarning",
    "Committee",
    "CommitteeResult",
    "Deviation",
    "DpseError",
    "Features",
    "HeatFlux",
    "InputError",
    "LabelWarning",
    "ListedResult",
    "ListedSession",
    "Model",
    "ModelFileError",
    "NonFiniteWarning",
    "Potential",
    "Report",
    "Result",
    "SecondDerivatives",
    "SelOverflow",
    "SelOverflowWarning",
    "Session",
    "ShortDistanceWarning",
    "Structure",
    "TruncatedTrajectoryWarning",
    "UnitsWarning",
    "UnseenTypesWarning",
    "__version__",
    "load",
]

_HOME = {
    "BatchSession": "evaluation.batch_session",
    "Committee": "committee",
    "CommitteeResult": "evaluation.committee_result",
    "Deviation": "evaluation.committee_result",
    "Features": "results",
    "HeatFlux": "heat_flux",
    "ListedResult": "evaluation.listed_session",
    "ListedSession": "evaluation.listed_session",
    "Model": "model",
    "Potential": "potential",
    "Report": "results",
    "Result": "results",
    "SecondDerivatives": "results",
    "SelOverflow": "results",
    "Session": "evaluation.session",
    "Structure": "evaluation.batch_session",
    "load": "loading",
}


def __getattr__(name: str) -> Any:
    """Import NumPy and Numba when they are needed, not for ``--help``."""
    if name == "__version__":
        from importlib.metadata import version

        return version("dpse-fast")
    if name == "ManySession":
        import warnings

        warnings.warn(
            "ManySession is now BatchSession; the next version drops the old name",
            DeprecationWarning,
            stacklevel=2,
        )
        name = "BatchSession"
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with garbage_collection_paused():
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
