"""The errors and warnings that users see."""

from __future__ import annotations

import sys
import warnings
from typing import Any


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
    """An atom that cannot be evaluated.

    Parameters
    ----------
    before, after : the text around the atom's name
    atom : its row of the caller's positions
    name : what the caller calls it; None: by its row
    """

    def __init__(
        self, before: str, atom: int, after: str = "", name: str | None = None
    ) -> None:
        super().__init__(f"{before} {name or atom_name(atom)}{after}")
        self.before, self.atom, self.after, self.name = before, atom, after, name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.before, self.atom, self.after, self.name)

    def named(self, name: str) -> AtomError:
        """The same with another name for the atom."""
        return AtomError(self.before, self.atom, self.after, name)


def atom_name(atom: int) -> str:
    """What an atom is called that has no other name."""
    return f"atom {atom}"


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


class TruncatedTrajectoryWarning(UserWarning):
    """A trajectory that ends inside of its last frame, or perhaps of its last number.

    In the first case the frame was left out; in the second it was taken as it is.
    """


class UnusedArgumentWarning(UserWarning):
    """An argument of deepmd-kit's interface that changes no results here."""


class NonFiniteWarning(UserWarning):
    """Energies or forces that are NaN or infinite."""


def in_escapes(text: str) -> str:
    """The text with what UTF-8 cannot encode, bytes of files and paths, in escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def warn(message: str, kind: type[Warning]) -> None:
    """Warn at the line of the caller's code, however deep in ours it is found.

    Bytes of a file that are no text are written as escapes.
    """
    message = in_escapes(message)
    level, frame = 1, sys._getframe(0)
    package = __name__.partition(".")[0]
    while frame.f_back and _is_ours(frame.f_globals.get("__name__", ""), package):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, kind, stacklevel=level)


def _is_ours(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
