"""Numbers of NumPy in a pickle, such as the learning rate of a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ModelFileError
from .records import Instance

_ENCODE, _DTYPE = "_codecs.encode", "numpy.dtype"
_SCALARS = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
FUNCTIONS = frozenset({_ENCODE, _DTYPE, *_SCALARS})
_NUMBERS = ("f8", "f4", "i8", "i4")


def result(function: str, arguments: tuple[Any, ...]) -> Any:
    """What a call of one of `FUNCTIONS` gives: bytes, a dtype's record, a number.

    Raises
    ------
    ModelFileError
        If the arguments are not those that NumPy writes.
    """
    match function, arguments:
        case "_codecs.encode", (str(text), "latin1"):
            return text.encode("latin1")
        case "numpy.dtype", (str(name), *_) if name in _NUMBERS:
            return Instance(_DTYPE, {"name": name})
        case _, (Instance("numpy.dtype", members), bytes(data)):
            dtype = np.dtype(_order(members.get("state")) + members["name"])
            if len(data) == dtype.itemsize:
                return np.frombuffer(data, dtype)[0].item()
    raise ModelFileError(
        f"the pickle is damaged: {function!a} is called with odd arguments"
    )


def _order(state: Any) -> str:
    big = isinstance(state, tuple) and len(state) > 1 and state[1] == ">"
    return ">" if big else "<"
