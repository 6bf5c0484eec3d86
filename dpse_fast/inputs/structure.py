"""Checks of a structure: each argument is checked and cast once, and trusted then."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from math import hypot
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import AnyArray, Doubles, Int32s, Int64s
from ..errors import AtomError, InputError
from ..model import UNKNOWN_TYPE_PREFIX
from .arrays import (
    FARTHEST,
    VIRTUAL,
    Array,
    Arrays,
    Faults,
    HostArrays,
    array_of,
    kind_of,
)
from .lattice import reduced
from .plain_numbers import refuse_meaning, shown

NEAREST_IMAGE = 0.01  # Å; no atoms are so near each other
POSITIONS = "an (N, 3) array in Å"
NAMES = "UOT"  # kinds of dtypes: of fixed length, objects, and NumPy's strings
MOST_NAMED = 10  # unknown types in an error
HOST_ARRAYS = HostArrays()


class System(NamedTuple):
    """A checked structure of the atoms that exist for the model.

    Positions and types lie on the device that computes.
    """

    positions: Array  # (n, 3) float64 Å
    types: Array  # (n,) int32 into the model's type map
    cell: Doubles  # (3, 3) rows, Å; orthonormal where not periodic
    pbc: tuple[bool, bool, bool]


class CheckedStructure(NamedTuple):
    """A structure as the caller gave it, checked."""

    system: System
    real: Int64s | None  # (n,) the caller's atoms that exist; None: all
    n_atoms: int  # N, the caller's

    @property
    def n(self) -> int:
        """Atoms that exist for the model."""
        return int(self.system.types.size)

    def for_all(self, values: AnyArray) -> AnyArray:
        """Rows for all the caller's atoms, zero for virtual ones."""
        if self.real is None:
            return values
        full = np.zeros((self.n_atoms, *values.shape[1:]), values.dtype)
        full[self.real] = values
        return full


class TypeNumbers(NamedTuple):
    """Types of the form that is asked for; their numbers are unchecked."""

    values: Array  # (N,) of the device, integers of at least 32 bits
    least: int  # the lowest that is valid: unsigned ones have no virtual atoms


def check_structure(
    arrays: Arrays,
    positions: Any,
    types: Any,
    cell: Any,
    pbc: bool | Sequence[bool] | None,
    type_map: tuple[str, ...],
) -> CheckedStructure:
    """Check and cast a structure, and bring it to the device that computes.

    Each argument may be an array of the host or of that device.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    at = cast_positions(arrays, positions)
    n = int(at.shape[0])
    given = cast_types(arrays, types, n, type_map)
    box = arrays.on_host(cell, "cell")
    periodic = check_pbc(arrays.on_host(pbc, "pbc"), box is not None)
    box = check_cell(box, periodic)
    faults = arrays.faults(at, given.values, given.least, len(type_map))()
    refuse(faults, type_map, given.least)
    species = arrays.cast(given.values, np.int32)
    if not faults.n_virtual:
        return CheckedStructure(System(at, species, box, periodic), None, n)
    on_host = arrays.download(species)
    real = np.flatnonzero(on_host != VIRTUAL)
    system = System(
        arrays.take_rows(at, real), arrays.upload(on_host[real]), box, periodic
    )
    return CheckedStructure(system, real, n)


def check_system(
    positions: ArrayLike,
    types: ArrayLike | Sequence[str],
    cell: ArrayLike | None,
    pbc: bool | Sequence[bool] | None,
    type_map: tuple[str, ...],
) -> CheckedStructure:
    """As `check_structure`, on the host."""
    return check_structure(HOST_ARRAYS, positions, types, cell, pbc, type_map)


def refuse(faults: Faults, type_map: tuple[str, ...], least: int = VIRTUAL) -> None:
    """Raise an InputError for positions or types with faults.

    Parameters
    ----------
    least : 0 where types came unsigned: huge ones are negative by now
    """
    if faults.n_far:
        raise AtomError(
            f"positions: expected finite coordinates below {FARTHEST:g} Å, got "
            f"{list(faults.far_position)} for",
            faults.far_atom,
            f" ({faults.n_far} such atoms)",
        )
    if faults.unknown_atom is not None:
        unknown = faults.unknown_type
        if least == 0 and unknown < 0:
            unknown += 2**64
        raise AtomError(
            "types:",
            faults.unknown_atom,
            f" has type {unknown}; the model's types are {_known(type_map)}; {VIRTUAL} "
            "is a virtual atom",
        )


def floats(value: ArrayLike, name: str, expected: str) -> Doubles:
    """An argument of the host as float64, C-contiguous."""
    array = array_of(value, name, expected)
    _check_numbers(array.dtype, name, expected)
    return as_doubles(array)


def as_doubles(array: AnyArray) -> Doubles:
    """As float64, C-contiguous; what is too large for it becomes infinite, unsaid."""
    if array.dtype == np.float64:
        return np.ascontiguousarray(array, np.float64)
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(array, np.float64)


def _check_numbers(dtype: np.dtype[Any], name: str, expected: str) -> None:
    if dtype.kind not in "fiu":
        raise InputError(f"{name}: expected {expected} of numbers, got dtype {dtype}")


def check_amount(value: Any, name: str, expected: str, below: float = np.inf) -> float:
    """A number >= 0, finite and below a limit."""
    refuse_meaning(value, name)
    real = isinstance(value, float | int | np.floating | np.integer)
    real = real and not isinstance(value, bool | np.timedelta64)
    try:
        with np.errstate(all="ignore"):
            amount = float(value) if real else np.nan
    except OverflowError:
        amount = np.inf
    if not 0 <= amount < below:
        limit = "" if below == np.inf else f" and below {below:g}"
        raise InputError(f"{name}: expected {expected} >= 0{limit}, got {shown(value)}")
    return amount


def check_length(value: Any, name: str) -> float:
    """A length in Å >= 0 that is not beyond all positions."""
    return check_amount(value, name, "a length in Å", FARTHEST)


def check_flag(value: Any, name: str) -> bool:
    """True or False: anything else would count as one of them, and be a guess."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{name}: expected True or False, got {shown(value)}")


def cast_positions(arrays: Arrays, value: Any) -> Array:
    """Positions (N, 3) float64 of the device; their numbers are unchecked."""
    on_device = kind_of(value, "positions").on_device
    if on_device:
        array = arrays.adopt(value, "positions")
    else:
        array = array_of(value, "positions", POSITIONS)
    _check_numbers(array.dtype, "positions", POSITIONS)
    shape = tuple(array.shape)
    if len(shape) != 2 or shape[1] != 3:
        raise InputError(f"positions: expected shape (N, 3) in Å, got {shape}")
    if not shape[0]:
        raise InputError("positions: expected at least one atom, got none")
    if on_device:
        return arrays.cast(array, np.float64)
    return arrays.upload(as_doubles(array))


def cast_types(
    arrays: Arrays, value: Any, n_atoms: int, type_map: tuple[str, ...]
) -> TypeNumbers:
    """Types (N,) of the device from indices, or from the type map's names."""
    on_device = kind_of(value, "types").on_device
    if on_device:
        types = arrays.adopt(value, "types")
    else:
        types = array_of(value, "types", f"{n_atoms} types")
    check_one_type_each(tuple(types.shape), n_atoms)
    kind = types.dtype.kind
    if (
        not on_device
        and kind in NAMES
        and all(isinstance(t, str) for t in types.tolist())
    ):
        return TypeNumbers(arrays.upload(_from_symbols(types, type_map)), 0)
    if kind not in "iu":
        raise types_of_dtype(types.dtype, type_map)
    # Checked before they are cut to 32 bits; huge unsigned ones become negative.
    dtype = np.int32 if types.dtype == np.int32 else np.int64
    least = VIRTUAL if kind == "i" else 0
    if on_device:
        return TypeNumbers(arrays.cast(types, dtype), least)
    return TypeNumbers(arrays.upload(np.ascontiguousarray(types, dtype)), least)


def check_types(
    value: ArrayLike | Sequence[str], n_atoms: int, type_map: tuple[str, ...]
) -> Int32s:
    """Types (N,) of the host as indices into the type map, from indices or names.

    The index −1 is a virtual atom.
    """
    given = cast_types(HOST_ARRAYS, value, n_atoms, type_map)
    if not n_atoms:
        return np.empty(0, np.int32)
    nowhere = np.zeros((n_atoms, 3))
    faults = HOST_ARRAYS.faults(nowhere, given.values, given.least, len(type_map))()
    refuse(faults, type_map, given.least)
    return HOST_ARRAYS.cast(given.values, np.int32)


def check_one_type_each(shape: tuple[int, ...], n_atoms: int) -> None:
    """Whether there is one type for each atom."""
    if shape != (n_atoms,):
        raise InputError(
            f"types: expected {n_atoms} types, one for each row of positions, "
            f"got shape {shape}"
        )


def types_of_dtype(dtype: np.dtype[Any], type_map: tuple[str, ...]) -> InputError:
    """The error for types that are neither indices nor names."""
    return InputError(
        f"types: expected indices into the model's types ({_known(type_map)}) or "
        f"their names, got dtype {dtype}"
    )


def _known(type_map: tuple[str, ...]) -> str:
    return ", ".join(f"{t} {name}" for t, name in enumerate(type_map))


def _from_symbols(symbols: AnyArray, type_map: tuple[str, ...]) -> Int32s:
    # Members of an enumeration call themselves by other names than they are.
    plain = np.array(list(map(str.__str__, symbols.tolist())))
    names, inverse = np.unique(plain, return_inverse=True)
    unknown = sorted(set(names.tolist()) - set(type_map))
    if unknown:
        named = ", ".join(map(shown, unknown[:MOST_NAMED]))
        more = " …" if len(unknown) > MOST_NAMED else ""
        message = (
            f"types: the model has no type {named}{more}; its types are "
            f"{_known(type_map)}"
        )
        if all(name.startswith(UNKNOWN_TYPE_PREFIX) for name in type_map):
            message += (
                "; the file does not name its types: name them in order with "
                "type_map=[...] (--type-map on the command line) or pass indices"
            )
        else:
            close = difflib.get_close_matches(unknown[0], type_map, 1, 0.5)
            message += f"; did you mean {close[0]!r}?" if close else ""
        raise InputError(message)
    index = np.array([type_map.index(name) for name in names], np.int32)
    return np.ascontiguousarray(index[inverse.reshape(-1)])


def check_type_map(value: Sequence[str], of_model: tuple[str, ...]) -> tuple[str, ...]:
    """Distinct names for a model's types, in its order."""
    expected = (
        f"{len(of_model)} distinct names for the model's types {', '.join(of_model)}"
    )
    given = array_of(() if isinstance(value, str) else value, "type_map", expected)
    names = tuple(given.ravel().tolist())
    good = all(isinstance(name, str) and name for name in names)
    if not good or len(set(names)) != len(names) or len(names) != len(of_model):
        raise InputError(f"type_map: expected {expected}, got {shown(value)}")
    return names


def check_pbc(
    value: bool | Sequence[bool] | None, has_cell: bool
) -> tuple[bool, bool, bool]:
    """Periodicity of each axis; None: along all if there is a cell."""
    if value is None:
        value = has_cell
    flags = array_of(value, "pbc", "one bool or three", bools_count=True)
    ints = flags.dtype.kind in "iu" and np.isin(flags, (0, 1)).all()
    if flags.shape not in ((), (3,)) or not (flags.dtype == bool or ints):
        raise InputError(f"pbc: expected one bool or three, got {shown(value)}")
    a, b, c = (bool(f) for f in np.broadcast_to(flags, 3))
    if (a or b or c) and not has_cell:
        raise InputError(
            "cell: expected a (3, 3) cell in Å, since pbc asks for periodic images; "
            "got none"
        )
    return a, b, c


def check_cell(value: ArrayLike | None, pbc: tuple[bool, bool, bool]) -> Doubles:
    """The cell (3, 3) in Å; its open axes replaced by normals to the rest."""
    if value is None:
        return np.eye(3)
    cell = floats(value, "cell", "a (3, 3) array in Å")
    if cell.shape != (3, 3):
        raise InputError(
            f"cell: expected shape (3, 3), rows a, b, c in Å, got {cell.shape}"
        )
    if not (np.abs(cell) < FARTHEST).all():
        raise InputError(
            f"cell: expected finite vectors below {FARTHEST:g} Å, got {cell.tolist()}"
        )
    if not any(pbc):
        return np.eye(3)
    _check_lattice(cell, pbc)
    if all(pbc):
        return cell.copy()
    closed = cell.copy()
    is_open = [not periodic for periodic in pbc]
    closed[is_open] = 0.0
    closed[is_open] = np.linalg.svd(closed)[2][sum(pbc) :]
    return closed


def _check_lattice(cell: Doubles, pbc: tuple[bool, bool, bool]) -> None:
    """The shortest vectors of the lattice tell whether a cell is sound, however skewed.

    Of all others a volume would not: a cell may be flat and skewed, or long.
    """
    rows = [row for row, periodic in zip(cell.tolist(), pbc, strict=True) if periodic]
    short = reduced(rows)
    if short is None:
        raise InputError(
            "cell: expected independent vectors along the periodic axes, got the "
            f"singular cell {cell.tolist()} with pbc {list(pbc)}; for a molecule "
            "without a cell pass cell=None"
        )
    nearest = min(short.vectors, key=lambda vector: hypot(*vector))
    if not hypot(*nearest) >= NEAREST_IMAGE:
        raise InputError(
            f"cell: expected images of an atom at least {NEAREST_IMAGE} Å apart, got "
            f"the lattice vector {list(nearest)}, of {hypot(*nearest):.3g} Å, in the "
            f"cell {cell.tolist()} with pbc {list(pbc)}; lengths are in Å"
        )
