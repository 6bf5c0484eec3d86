"""The check of a neighbour list that a caller brings, with explicit ghosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Int32s, Int64s, Integers
from ..errors import AtomError, InputError
from .arrays import VIRTUAL, Array, Arrays, array_of, kind_of
from .plain_numbers import refuse_meaning
from .structure import NAMES, cast_positions, check_one_type_each, types_of_dtype
from .structure import check_types as check_model_types

ABSENT = "NULL"  # as LAMMPS names types without a model


class ListArguments(NamedTuple):
    """A caller's list as it came; arrays of any kind, unchecked."""

    types: Any  # (n_all,)
    first: Any  # (n_rows + 1,)
    neighbours: Any  # (n_list,)
    centres: Any  # (n_rows,) or None
    of_caller: Int32s | None  # see `check_caller_types`; None: types are the model's
    n_all: int
    type_map: tuple[str, ...]


class CallerList(NamedTuple):
    """A checked full list over local atoms and ghosts; see `Neighbourhood`."""

    types: Int32s  # (n_all,) of the model, -1: a virtual atom
    centres: Int32s  # (n_rows,)
    first: Int64s  # (n_rows + 1,)
    neighbours: Int32s  # (n_list,)

    @property
    def n_all(self) -> int:
        """Local and ghost atoms."""
        return int(self.types.size)

    @property
    def n_rows(self) -> int:
        return int(self.centres.size)

    @property
    def n_list(self) -> int:
        """Neighbours of all rows."""
        return int(self.neighbours.size)

    @property
    def n_counted(self) -> int:
        """Rows whose centre exists for the model."""
        return int(np.count_nonzero(self.types[self.centres] != VIRTUAL))

    def without_neighbours(self) -> CallerList:
        """Itself: the rows that are evaluated are this list."""
        return self


def cast_all_positions(arrays: Arrays, value: Any) -> Array:
    """Positions (n_all, 3) float64 of local and ghost atoms, on the device; maybe none.

    Their numbers are unchecked.
    """
    if not kind_of(value, "positions").on_device:
        value = array_of(value, "positions", "an (n_all, 3) array in Å")
        if value.shape == (0, 3):
            return arrays.upload(np.empty((0, 3)))
        return cast_positions(arrays, value)
    array = arrays.adopt(value, "positions")
    if tuple(array.shape) == (0, 3):
        return arrays.cast(array, np.float64)
    return cast_positions(arrays, value)


def check_sums(arrays: Arrays, value: Any, n_all: int) -> Any:
    """An array (n_all, 3) of float64 that forces can be added into, or None."""
    kind = kind_of(value, "forces")
    if value is None:
        return None
    refuse_meaning(value, "forces")
    sums = arrays.adopt(value, "forces") if kind.on_device else value
    shaped = getattr(sums, "shape", None) == (n_all, 3) and sums.dtype == np.float64
    if kind.on_device:
        writeable = kind.library != "jax"
    else:
        writeable = isinstance(value, np.ndarray) and value.flags.writeable
    if shaped and writeable:
        return sums
    came = type(value).__name__
    if kind.on_device or isinstance(value, np.ndarray):
        came = f"dtype {sums.dtype}, shape {tuple(sums.shape)}"
        came = f"{kind}, {came}" if kind.on_device else came
        came += "" if writeable else ", read-only"
    raise InputError(
        f"forces: expected a writeable ({n_all}, 3) array of float64, got {came}"
    )


def check_same_atoms(of_list: int, n_all: int) -> None:
    """Whether positions are of the atoms that the last list is of."""
    if of_list != n_all:
        raise InputError(
            f"positions: expected the {of_list} atoms of the last list, got {n_all}"
        )


def check_list(given: ListArguments) -> CallerList:
    """Check and cast a caller's list, of arrays of the host.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    types, first, neighbours, centres, of_caller, n_all, type_map = given
    starts = _indices(first, "first", "the start of each row, and the end")
    if not starts.size:
        raise InputError("first: expected n_rows + 1 numbers, got none")
    listed = _indices(neighbours, "neighbours", "indices of atoms")
    # Compared and not subtracted: differences of unsigned and of huge ones wrap.
    down = np.flatnonzero(starts[1:] < starts[:-1])
    if starts[0] != 0 or starts[-1] != listed.size or down.size:
        raise InputError(
            f"first: expected numbers that ascend from 0 to the {listed.size} "
            f"neighbours, got {starts[0]} to {starts[-1]}"
            + (f", descending at row {down[0]}" if down.size else "")
        )
    n_rows = starts.size - 1
    if centres is None:
        rows: Integers = np.arange(n_rows)
        if n_rows > n_all:
            raise InputError(
                f"first: expected at most {n_all} rows, one for each row of positions, "
                f"got {n_rows}"
            )
    else:
        rows = _indices(centres, "centres", "indices of atoms")
        if rows.size != n_rows:
            raise InputError(
                f"centres: expected {n_rows}, one for each row of first, got "
                f"{rows.size}"
            )
        _check_range(rows, n_all, "centres")
        _check_distinct(rows, n_all)
    _check_range(listed, n_all, "neighbours")
    return CallerList(
        _model_types(types, of_caller, n_all, type_map),
        np.ascontiguousarray(rows, np.int32),
        np.ascontiguousarray(starts, np.int64),
        np.ascontiguousarray(listed, np.int32),
    )


def check_caller_types(
    value: ArrayLike | Sequence[str | None] | None, type_map: tuple[str, ...]
) -> Int32s | None:
    """(n_caller_types,) the model's type of each of the caller's, or -1.

    Names of the model's types are taken too, with None or "NULL" for -1.
    """
    if value is None:
        return None
    expected = "a type of the model for each of the caller's"
    given = array_of(value, "type_map", expected)
    if given.ndim != 1 or not given.size:
        raise InputError(f"type_map: expected {expected}, got shape {given.shape}")
    found = np.full(given.size, VIRTUAL, np.int32)
    known = np.ones(given.size, bool)
    if given.dtype.kind in NAMES:
        known = np.array([name not in (None, ABSENT) for name in given.tolist()])
    if not known.any():
        return found
    try:
        found[known] = check_model_types(given[known], int(known.sum()), type_map)
    except AtomError as error:
        place = int(np.flatnonzero(known)[error.atom])
        text = str(error.named(f"place {place}"))
        raise InputError(f"type_map: {text.removeprefix('types: ')}") from None
    except InputError as error:
        raise InputError(f"type_map: {str(error).removeprefix('types: ')}") from None
    return found


def _model_types(
    types: ArrayLike,
    of_caller: Int32s | None,
    n_all: int,
    type_map: tuple[str, ...],
) -> Int32s:
    if not n_all:
        return np.empty(0, np.int32)
    if of_caller is None:
        return check_model_types(types, n_all, type_map)
    given = array_of(types, "types", f"{n_all} types")
    check_one_type_each(given.shape, n_all)
    if given.dtype.kind not in "iu":
        raise types_of_dtype(given.dtype, type_map)
    outside = (given < 0) | (given >= of_caller.size)
    if outside.any():
        atom = int(np.argmax(outside))
        raise AtomError(
            f"types: expected 0 to {of_caller.size - 1}, places in type_map, got "
            f"{given[atom]} for",
            atom,
        )
    found: Int32s = of_caller[given]
    return found


def _indices(value: Any, name: str, expected: str) -> Integers:
    given = array_of(value, name, expected)
    if given.ndim != 1 or not (given.dtype.kind in "iu" or not given.size):
        raise InputError(
            f"{name}: expected {expected}, as integers (n,), got dtype {given.dtype} "
            f"and shape {given.shape}"
        )
    return given


def _check_range(indices: Integers, n: int, name: str) -> None:
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        place = int(np.argmax((indices < 0) | (indices >= n)))
        raise InputError(
            f"{name}: expected indices of the {n} rows of positions, got "
            f"{indices[place]} at place {place}"
        )


def _check_distinct(centres: Integers, n_all: int) -> None:
    """No atom may have two rows: its energy would count twice."""
    met = np.zeros(n_all, bool)
    met[centres] = True
    if np.count_nonzero(met) < centres.size:
        ordered = np.sort(centres)
        twice = int(ordered[1:][ordered[1:] == ordered[:-1]][0])
        raise in_several_rows(twice)


def in_several_rows(atom: int) -> AtomError:
    """The error for an atom that has more rows than one."""
    return AtomError(
        "centres: expected an atom in at most one row, got", atom, " in several"
    )
