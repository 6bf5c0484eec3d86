"""What a caller calls the atoms that errors are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import AtomError


@contextmanager
def naming(name: Callable[[int], str]) -> Iterator[None]:
    """Errors about an atom call it so.

    Parameters
    ----------
    name : of the atom in a row of the caller's positions
    """
    try:
        yield
    except AtomError as error:
        raise error.named(name(error.atom)) from None


@contextmanager
def numbered(number: Callable[[int], int]) -> Iterator[None]:
    """Errors about an atom of ours are about the caller's.

    Parameters
    ----------
    number : the caller's row of positions behind one of ours
    """
    try:
        yield
    except AtomError as error:
        own = number(error.atom)
        raise AtomError(error.before, own, error.after) from None
