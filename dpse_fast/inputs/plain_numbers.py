"""Which arrays mean more than their numbers: those are refused, and how to give them.

NumPy takes the numbers of almost anything and drops what it cannot hold: masks, units,
labels, gradients. Nothing here imports the libraries; they are known by what their
arrays have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import InputError

MOST_SHOWN = 60  # characters of a value in an error

# Exactly these types, not what inherits from them, are numbers or names and no more.
_PLAIN = {bool, int, float, complex, str, bytes, type(None), np.ndarray}
_PLAIN |= {kind for kind in np.sctypeDict.values() if isinstance(kind, type)}
_BOOLS = {bool, np.bool_}
_NUMBERS = {kind for kind in _PLAIN if issubclass(kind, int | float | np.number)}
_NUMBERS -= _BOOLS
_ROWS = (list, tuple)
_ARRAYS = (
    "__array__",
    "__array_interface__",
    "__array_struct__",
    "__cuda_array_interface__",
    "__dlpack__",
)


def _mask(value: Any) -> bool:
    """ASE's ``Cell.mask()`` and others tell what is zero; they hide no numbers."""
    found = getattr(value, "mask", None)
    if found is not None and not callable(found):
        return True
    for name in ("__array_interface__", "__cuda_array_interface__"):
        described = getattr(value, name, None)
        if isinstance(described, dict) and described.get("mask") is not None:
            return True
    return False


def _torch_mask(value: Any) -> bool:
    return hasattr(value, "get_mask")


def _unit(value: Any) -> bool:
    return any(hasattr(value, name) for name in ("units", "unit", "dimensionality"))


def _stored(*names: str) -> Callable[[Any], bool]:
    """Whether a data set of HDF5, Zarr or netCDF has one of these attributes."""

    def stored(value: Any) -> bool:
        try:
            return any(name in value.attrs for name in names)
        except (AttributeError, TypeError):
            return False

    return stored


def _labels(value: Any) -> bool:
    """Of pandas, Polars, Arrow and xarray: rows and columns may be in any order."""
    if hasattr(value, "iloc"):
        return True
    for name in ("dims", "names", "columns", "column_names"):
        found = getattr(value, name, None)
        if isinstance(found, tuple | list) and any(
            isinstance(one, str) for one in found
        ):
            return True
    return False


def _sparse(value: Any) -> bool:
    layout = getattr(value, "layout", None)  # of PyTorch
    dense = type(layout).__name__ != "layout" or "strided" in str(layout)
    return hasattr(value, "toarray") or hasattr(value, "todense") or not dense


def _asked(name: str) -> Callable[[Any], bool]:
    """Whether a method or attribute of that name says True."""

    def asked(value: Any) -> bool:
        found = getattr(value, name, False)
        try:
            return (found() if callable(found) else found) is True
        except Exception:
            return False

    return asked


# What an array has, what that is called, and what a caller does about it.
_MEANINGS: tuple[tuple[Callable[[Any], bool], str, str], ...] = (
    (_labels, "labels", "put it in order and give its numbers, as .to_numpy() does"),
    (_mask, "a mask", "give .filled(...) or .compressed()"),
    (_torch_mask, "a mask", "give .to_tensor(...)"),
    (_unit, "units", "convert it to the units of this argument and give its numbers"),
    (
        _stored("units", "unit"),
        "units in its attributes",
        "read it, convert it to the units of this argument and give its numbers",
    ),
    (
        _stored("scale_factor", "add_offset"),
        "a scale in its attributes",
        "read it, apply the scale and give its numbers",
    ),
    (
        _stored("_FillValue", "missing_value"),
        "a mark of missing numbers in its attributes",
        "read it, see that none is missing and give its numbers",
    ),
    (_sparse, "a sparse layout", "give .toarray() or .to_dense()"),
    (_asked("is_quantized"), "quantised numbers", "give .dequantize()"),
    (_asked("is_nested"), "rows of several lengths", "give one tensor of one shape"),
    (_asked("is_conj"), "a conjugation to come", "give .resolve_conj()"),
    (_asked("is_neg"), "a sign to come", "give .resolve_neg()"),
    (_asked("requires_grad"), "a gradient to follow", "give .detach()"),
)


def refuse_meaning(value: Any, name: str) -> None:
    """Raise an InputError for an array, or a number, that means more than it counts."""
    if type(value) in _PLAIN or type(value) in _ROWS:
        return
    for has, what, remedy in _MEANINGS:
        if has(value):
            raise InputError(
                f"{name}: expected plain numbers, got a {_class_of(value)} with "
                f"{what}, which would be lost; {remedy}"
            )


def refuse_rows_of_meaning(
    rows: Sequence[Any], name: str, *, bools_count: bool = False
) -> None:
    """The same for all that lies in lists and tuples.

    Parameters
    ----------
    bools_count : whether True and 1 may stand side by side
    """
    kinds: set[type] = set()
    _look_into(rows, name, kinds, frozenset())
    if kinds & _NUMBERS and kinds & {str, np.str_}:
        raise InputError(f"{name}: expected numbers or names, got both in one list")
    if kinds & _NUMBERS and kinds & _BOOLS and not bools_count:
        raise InputError(f"{name}: expected numbers, got bools among them")


def _look_into(
    rows: Sequence[Any], name: str, kinds: set[type], around: frozenset[int]
) -> None:
    own = set(map(type, rows))
    kinds |= own
    if own <= _PLAIN:
        return
    if id(rows) in around:
        raise InputError(f"{name}: expected rows of numbers, got a list within itself")
    for one in rows:
        if type(one) in _PLAIN:
            continue
        refuse_meaning(one, name)
        inner = as_rows(one)
        if inner is not None:
            _look_into(inner, name, kinds, around | {id(rows)})
        elif hasattr(one, "__array__") and not isinstance(one, np.ndarray | np.generic):
            # What it means may appear where it becomes an array, as in `array_of`.
            refuse_meaning(np.asanyarray(one), name)
        elif isinstance(one, str) and str(one) != str.__str__(one):
            raise InputError(
                f"{name}: expected plain names, got the {_class_of(one)} "
                f"{str.__str__(one)!r}, which NumPy would read as {str(one)!r}; give "
                "its value"
            )


def as_rows(value: Any) -> Sequence[Any] | None:
    """What NumPy takes item by item: lists, and all that counts and gives its items.

    None for arrays, buffers, texts and numbers, which are taken as a whole.
    """
    if isinstance(value, _ROWS):
        return value
    kind = type(value)
    whole = kind in _PLAIN or isinstance(value, str | bytes | bytearray | dict)
    if whole or not (hasattr(kind, "__getitem__") and hasattr(kind, "__len__")):
        return None
    if any(hasattr(value, name) for name in _ARRAYS):
        return None
    with suppress(TypeError):
        memoryview(value).release()
        return None
    return [value[place] for place in range(len(value))]


def _class_of(value: Any) -> str:
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    return kind.__name__ if library == "builtins" else f"{library} {kind.__name__}"


def shown(value: Any) -> str:
    """A value in an error, short; an integer may have too many digits to be written."""
    try:
        text = repr(value)
    except Exception:
        return f"a {_class_of(value)}"
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"
