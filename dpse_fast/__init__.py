"""Fast inference of Deep Potential models: `load` one, then `compute`."""

from importlib.metadata import version

__version__ = version("dpse-fast")

from .errors import (
    AccuracyWarning,
    DpseError,
    InputError,
    ModelFileError,
    SelOverflowWarning,
    ShortDistanceWarning,
)
from .model import Model
from .potential import Potential, Result, SelOverflow, Session, load

__all__ = [
    "AccuracyWarning",
    "DpseError",
    "InputError",
    "Model",
    "ModelFileError",
    "Potential",
    "Result",
    "SelOverflow",
    "SelOverflowWarning",
    "Session",
    "ShortDistanceWarning",
    "__version__",
    "load",
]
