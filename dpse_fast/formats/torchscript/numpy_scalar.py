"""NumPy in a pickle: its numbers are read, such as a learning rate, its arrays not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ModelFileError
from .records import Instance, Name

_ENCODE, _DTYPE = "_codecs.encode", "numpy.dtype"
_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
_ARRAY = "numpy.ndarray"
_EMPTY = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
FUNCTIONS = frozenset({_ENCODE, _DTYPE, *_SCALARS, _ARRAY, *_EMPTY})
_NUMBERS = ("f8", "f4", "i8", "i4")


def result(function: str, arguments: tuple[Any, ...]) -> Any:
    """What a call of one of `FUNCTIONS` gives: bytes, a number, or a record.

    Raises
    ------
    ModelFileError
        If the arguments are not those that NumPy writes.
    """
    match function, arguments:
        case "_codecs.encode", (str(text), "latin1"):
            return text.encode("latin1")
        case "numpy.dtype", (str(name), *_):
            return Instance(_DTYPE, {"name": name})
        case _, (Name("numpy.ndarray"), *_) if function in _EMPTY:
            return Instance(_ARRAY)
        case _, (Instance("numpy.dtype", members), bytes(data)) if (
            function in _SCALARS and members["name"] in _NUMBERS
        ):
            dtype = np.dtype(_order(members.get("state")) + members["name"])
            if len(data) == dtype.itemsize:
                return np.frombuffer(data, dtype)[0].item()
    raise ModelFileError(
        f"the pickle is damaged: {function!a} is called with odd arguments"
    )


def _order(state: Any) -> str:
    big = isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
    return ">" if big else "<"
