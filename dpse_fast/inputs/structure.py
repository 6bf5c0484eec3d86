"""Where input is checked and cast, once; everything behind it trusts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..model import UNKNOWN_TYPE_PREFIX, Parameters
from .arrays import refuse_device_array

FARTHEST = 1e7  # Å; beyond it float64 keeps fewer than nine decimals
SMALLEST_CELL = 1e-6  # of a cube of the same edges: flatter cells are singular


VIRTUAL = -1  # the type of an atom that does not count


class System(NamedTuple):
    """A checked structure of the atoms that count."""

    positions: NDArray[np.float64]  # (n, 3) Å
    types: NDArray[np.int32]  # (n,) into the model's type map
    cell: NDArray[np.float64]  # (3, 3) rows, Å; orthonormal where not periodic
    pbc: tuple[bool, bool, bool]


class Checked(NamedTuple):
    """A structure as the caller gave it, checked."""

    system: System
    real: NDArray[np.int64] | None  # (n,) the caller's atoms that count; None: all
    n_atoms: int  # N, the caller's

    def for_all(self, values: NDArray[Any]) -> NDArray[Any]:
        """Rows for all the caller's atoms, zero for those that do not count."""
        if self.real is None:
            return values
        full = np.zeros((self.n_atoms, *values.shape[1:]), values.dtype)
        full[self.real] = values
        return full


def check_system(
    positions: ArrayLike,
    types: ArrayLike | Sequence[str],
    cell: ArrayLike | None,
    pbc: bool | Sequence[bool] | None,
    type_map: tuple[str, ...],
) -> Checked:
    """Check and cast a structure.

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    checked = check_positions(positions)
    species = check_types(types, len(checked), type_map)
    periodic = check_pbc(pbc, cell is not None)
    box = check_cell(cell, periodic)
    if species.min() > VIRTUAL:
        return Checked(System(checked, species, box, periodic), None, len(checked))
    real = np.flatnonzero(species != VIRTUAL)
    system = System(checked[real], species[real], box, periodic)
    return Checked(system, real, len(checked))


def check_parameters(
    value: ArrayLike | None,
    expected: Parameters | None,
    name: str,
    n_atoms: int | None = None,
) -> NDArray[np.float64]:
    """As `given_parameters`, normalised."""
    given = given_parameters(value, expected, name, n_atoms)
    if expected is None:
        return given
    return np.asarray((given - expected.mean) * expected.scale, np.float64)


def given_parameters(
    value: ArrayLike | None,
    expected: Parameters | None,
    name: str,
    n_atoms: int | None = None,
) -> NDArray[np.float64]:
    """Frame parameters (1, k), or with n_atoms those of atoms (n_atoms, k).

    One row (k,) serves all atoms; with k = 1 it may be a number, and (n_atoms,) has
    one for each. Left out, the model's default counts.

    Raises
    ------
    InputError
        If the model needs others, or none.
    """
    rows = 1 if n_atoms is None else n_atoms
    if expected is None:
        if value is not None:
            raise InputError(f"{name}: expected none, the model takes no {name}")
        return np.empty((rows, 0))
    k = expected.count
    shape = f"({k},)" if n_atoms is None else f"({n_atoms}, {k}) or ({k},)"
    if value is None:
        if expected.default is None:
            kind = "frame" if name == "fparam" else "atomic"
            raise InputError(
                f"{name}: the model needs {k} {kind} parameters, expected shape "
                f"{shape}, got none"
            )
        value = expected.default
    given = _floats(value, name, f"shape {shape}")
    allowed = {(rows, k), (k,)} | ({(rows,), ()} if k == 1 else set())
    if given.shape not in allowed:
        raise InputError(f"{name}: expected shape {shape}, got {given.shape}")
    if not np.isfinite(given).all():
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    return np.broadcast_to(given.reshape((-1, k)), (rows, k))


def array_of(value: Any, name: str, expected: str) -> NDArray[Any]:
    """What NumPy makes of it, of any dtype and shape."""
    refuse_device_array(value, name)
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        return np.asarray(value)
    except ValueError:
        raise InputError(f"{name}: expected {expected}, got ragged rows") from None
    except (TypeError, RuntimeError, BufferError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{name}: expected {expected}, got a {type(value).__name__} that NumPy "
            f"cannot read: {reason}"
        ) from error


def _floats(value: ArrayLike, name: str, expected: str) -> NDArray[np.float64]:
    array = array_of(value, name, expected)
    _check_numbers(array.dtype, name, expected)
    return np.ascontiguousarray(array, np.float64)


def _check_numbers(dtype: np.dtype[Any], name: str, expected: str) -> None:
    if dtype.kind not in "fiu":
        raise InputError(f"{name}: expected {expected} of numbers, got dtype {dtype}")


def check_amount(value: Any, name: str, expected: str) -> float:
    """A finite number >= 0."""
    number = isinstance(value, float | int | np.number) and not np.iscomplexobj(value)
    if not number or not 0 <= float(value) < np.inf:
        raise InputError(f"{name}: expected {expected} >= 0, got {value!r}")
    return float(value)


POSITIONS = "an (N, 3) array in Å"


def check_positions(value: ArrayLike) -> NDArray[np.float64]:
    """Positions (N, 3) in Å, finite, at least one."""
    positions = _floats(value, "positions", POSITIONS)
    check_form_of_positions(positions.dtype, positions.shape)
    if not (positions.min() > -FARTHEST and positions.max() < FARTHEST):  # or NaN
        bad = ~(np.abs(positions) < FARTHEST).all(axis=1)
        atom = int(np.argmax(bad))
        raise far_positions(atom, positions[atom].tolist(), int(bad.sum()))
    return positions


def check_form_of_positions(dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Whether an array can be positions, whatever its numbers are."""
    _check_numbers(dtype, "positions", POSITIONS)
    if len(shape) != 2 or shape[1] != 3:
        raise InputError(f"positions: expected shape (N, 3) in Å, got {shape}")
    if not shape[0]:
        raise InputError("positions: expected at least one atom, got none")


def far_positions(atom: int, position: list[float], n_far: int) -> InputError:
    """The error for atoms that are not finite, or too far; the first of n_far."""
    return InputError(
        f"positions: expected finite coordinates below {FARTHEST:g} Å, got "
        f"{position} for atom {atom} ({n_far} such atoms)"
    )


def check_types(
    value: ArrayLike | Sequence[str], n_atoms: int, type_map: tuple[str, ...]
) -> NDArray[np.int32]:
    """Types (N,) as indices into the type map, from indices or symbols.

    The index −1 is an atom that does not count.
    """
    types = array_of(value, "types", f"{n_atoms} types")
    check_form_of_types(types.shape, n_atoms)
    if types.dtype.kind in "iu":
        if int(types.min()) < VIRTUAL or int(types.max()) >= len(type_map):
            outside = (types < VIRTUAL) | (types >= len(type_map))
            atom = int(np.argmax(outside))
            raise unknown_type(atom, int(types[atom]), type_map)
        return np.ascontiguousarray(types, np.int32)
    if types.dtype.kind in "UO" and all(isinstance(t, str) for t in types.tolist()):
        return _from_symbols(types, type_map)
    raise types_of_dtype(types.dtype, type_map)


def check_form_of_types(shape: tuple[int, ...], n_atoms: int) -> None:
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


def unknown_type(atom: int, index: int, type_map: tuple[str, ...]) -> InputError:
    """The error for an index outside of the type map."""
    return InputError(
        f"types: atom {atom} has type {index}; the model's types are "
        f"{_known(type_map)}; {VIRTUAL} is an atom that does not count"
    )


def _known(type_map: tuple[str, ...]) -> str:
    return ", ".join(f"{t} {name}" for t, name in enumerate(type_map))


def _from_symbols(
    symbols: NDArray[Any], type_map: tuple[str, ...]
) -> NDArray[np.int32]:
    names, inverse = np.unique(symbols.astype(str), return_inverse=True)
    unknown = sorted(set(names.tolist()) - set(type_map))
    if unknown:
        message = (
            f"types: the model has no type {', '.join(map(repr, unknown))}; "
            f"its types are {_known(type_map)}"
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
        raise InputError(f"type_map: expected {expected}, got {value!r}")
    return names


def check_pbc(
    value: bool | Sequence[bool] | None, has_cell: bool
) -> tuple[bool, bool, bool]:
    """Periodicity of each axis; None: along all if there is a cell."""
    if value is None:
        value = has_cell
    flags = array_of(value, "pbc", "one bool or three")
    ints = flags.dtype.kind in "iu" and np.isin(flags, (0, 1)).all()
    if flags.shape not in ((), (3,)) or not (flags.dtype == bool or ints):
        raise InputError(f"pbc: expected one bool or three, got {value!r}")
    a, b, c = (bool(f) for f in np.broadcast_to(flags, 3))
    if (a or b or c) and not has_cell:
        raise InputError(
            "cell: expected a (3, 3) cell in Å, since pbc asks for periodic images; "
            "got none"
        )
    return a, b, c


def check_cell(
    value: ArrayLike | None, pbc: tuple[bool, bool, bool]
) -> NDArray[np.float64]:
    """The cell (3, 3) in Å; its open axes replaced by normals to the rest."""
    if value is None:
        return np.eye(3)
    cell = _floats(value, "cell", "a (3, 3) array in Å")
    if cell.shape != (3, 3):
        raise InputError(
            f"cell: expected shape (3, 3), rows a, b, c in Å, got {cell.shape}"
        )
    if not (np.abs(cell) < FARTHEST).all():
        raise InputError(
            f"cell: expected finite vectors below {FARTHEST:g} Å, got {cell.tolist()}"
        )
    closed = cell.copy()
    closed[[not p for p in pbc]] = 0.0
    edges = np.linalg.norm(closed, axis=1)
    rank_three = closed.copy()
    normals = np.linalg.svd(closed)[2][sum(pbc) :]
    for axis, normal in zip(np.flatnonzero(~np.array(pbc)), normals, strict=True):
        rank_three[axis] = normal
    lengths = np.where(pbc, edges, 1.0)
    volume = abs(np.linalg.det(rank_three))
    if not volume > SMALLEST_CELL * np.prod(lengths) > 0:
        raise InputError(
            "cell: expected independent vectors along the periodic axes, got the "
            f"singular cell {cell.tolist()} with pbc {list(pbc)}; for a molecule "
            "without a cell pass cell=None"
        )
    return rank_three
