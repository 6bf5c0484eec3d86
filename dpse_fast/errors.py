"""The errors and warnings that users see."""

from __future__ import annotations

import sys
import warnings


class DpseError(Exception):
    """Base of every error that dpse-fast raises on purpose."""


class ModelFileError(DpseError, ValueError):
    """A model file that cannot be read, or a model that is not supported."""


class InputError(DpseError, ValueError):
    """An argument, structure or trajectory that cannot be evaluated."""


def reason(error: BaseException, most: int = 120) -> str:
    """What another library says, on one line, up to a number of characters."""
    return " ".join(str(error).split())[:most]


class AtomError(InputError):
    """An atom whose position cannot be evaluated.

    Parameters
    ----------
    what : with {} in place of the atom
    atom : its number
    """

    def __init__(self, what: str, atom: int) -> None:
        super().__init__(f"positions: {what.format(atom)}")
        self.what, self.atom = what, atom


class SelOverflowWarning(UserWarning):
    """Atoms with more neighbours of a type than the model's ``sel``."""


class ShortDistanceWarning(UserWarning):
    """Pairs far closer than any that the model was trained on."""


class AccuracyWarning(UserWarning):
    """A tolerance that the tables could not reach."""


class UnseenTypesWarning(UserWarning):
    """Neighbours of a pair of types that the model was not trained on."""


class NumberedTypesWarning(UserWarning):
    """A trajectory that only numbers its types, taken in the model's order."""


class LabelWarning(UserWarning):
    """A reference value of a trajectory that is left out, or not recognised."""


class UnitsWarning(UserWarning):
    """A trajectory that does not state its units, and what was assumed."""


class CellWarning(UserWarning):
    """Something in a trajectory that looks like a cell and is not read as one."""


class TruncatedWarning(UserWarning):
    """A trajectory that seems to end in the middle of a number."""


class NonFiniteWarning(UserWarning):
    """Energies or forces that are NaN or infinite."""


def warn(message: str, kind: type[Warning]) -> None:
    """Warn at the line of the caller's code, however deep in ours it is found."""
    level, frame = 1, sys._getframe(0)
    package = __name__.partition(".")[0]
    while frame.f_back and _is_ours(frame.f_globals.get("__name__", ""), package):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, kind, stacklevel=level)


def _is_ours(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
