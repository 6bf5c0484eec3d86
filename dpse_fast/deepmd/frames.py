"""Frames as deepmd-kit's Python interface takes them, in all forms of its arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles, Int64s
from ..errors import InputError
from ..evaluation.batch_session import Structure
from ..inputs.arrays import array_of
from ..inputs.structure import floats
from ..model import Model, Parameters

_STRUCTURE = re.compile(r"structures\[(\d+)\]")


class Frames(NamedTuple):
    """F frames of N atoms.

    Attributes
    ----------
    positions : (F, N, 3) Å
    cells : (F, 3, 3) rows, Å; None for open boundaries
    types : (F, N) int, indices into the model's types
    fparam : (F, k) frame parameters, or None
    aparam : (F, N, k) atomic parameters, or None
    """

    positions: Doubles
    cells: Doubles | None
    types: Int64s
    fparam: Doubles | None
    aparam: Doubles | None

    @property
    def n_frames(self) -> int:
        return len(self.positions)

    @property
    def n_atoms(self) -> int:
        return int(self.types.shape[1])

    def structure(self, k: int) -> Structure:
        """The arguments of `Potential.compute` of one frame."""
        return Structure(
            self.positions[k],
            self.types[k],
            None if self.cells is None else self.cells[k],
            None,
            None if self.fparam is None else self.fparam[k],
            None if self.aparam is None else self.aparam[k],
        )

    def parts(self, n_atoms: int | None) -> Iterator[range]:
        """The numbers of the frames, in parts of at most so many atoms or one frame."""
        size = self.n_frames if n_atoms is None else n_atoms // self.n_atoms
        size = max(size, 1)
        for start in range(0, self.n_frames, size):
            yield range(start, min(start + size, self.n_frames))


def check_frames(
    model: Model,
    coords: ArrayLike,
    cells: ArrayLike | None,
    atom_types: ArrayLike,
    fparam: ArrayLike | None,
    aparam: ArrayLike | None,
    mixed_type: bool,
) -> Frames:
    """Bring the arguments of ``DeepPot.eval`` into one shape.

    Parameters
    ----------
    model : of the evaluation
    coords : (F, N, 3) or (F, 3 N) Å, or any other shape of as many numbers
    cells : (F, 9) or (F, 3, 3) Å, or any other shape of as many numbers, or None
    atom_types : (N,), or with `mixed_type` (F, N)
    fparam : (F, k), or (k,) for all frames
    aparam : (F, N, k), (N, k) for all frames, or (k,) for all atoms; also flat
    mixed_type : whether each frame has types of its own

    Raises
    ------
    InputError
        Naming the argument, what was expected and what came.
    """
    types = _types(atom_types, mixed_type)
    n = types.shape[1]
    positions = floats(coords, "coords", f"(nframes, {n}, 3) coordinates in Å")
    if positions.size % (3 * n):
        raise InputError(
            f"coords: expected shape (nframes, {n}, 3) or (nframes, {3 * n}), since "
            f"atom_types has {n} atoms, got {positions.shape}"
        )
    f = positions.size // (3 * n)
    if not f:
        raise InputError("coords: expected at least one frame, got none")
    if mixed_type and len(types) != f:
        raise InputError(
            f"atom_types: expected shape ({f}, {n}), a row for each frame of coords, "
            f"got {types.shape}"
        )
    box = None
    if cells is not None:
        box = floats(cells, "cells", f"({f}, 9) numbers in Å")
        if box.size != 9 * f:
            raise InputError(
                f"cells: expected shape ({f}, 9) or ({f}, 3, 3), a cell for each "
                f"frame, got {box.shape}"
            )
        box = box.reshape(f, 3, 3)
    frame, atoms = model.fparam, model.aparam
    return Frames(
        positions.reshape(f, n, 3),
        box,
        np.broadcast_to(types, (f, n)),
        frame_parameters(fparam, frame, f),
        atomic_parameters(aparam, atoms, f, n),
    )


def _types(value: ArrayLike, mixed_type: bool) -> Int64s:
    """(1, N), or one row for each frame."""
    expected = "(nframes, natoms)" if mixed_type else "(natoms,)"
    given = array_of(value, "atom_types", f"{expected} indices of types")
    whole = given.dtype.kind in "iu" or (
        given.dtype.kind == "f" and bool(np.all(given == np.floor(given)))
    )
    if not whole:
        raise InputError(
            "atom_types: expected indices into the model's types, got "
            f"dtype {given.dtype}"
            + (" with fractions" if given.dtype.kind == "f" else "")
        )
    if not mixed_type and given.ndim == 2 and len(given) == 1:
        given = given[0]
    if given.ndim != (2 if mixed_type else 1):
        hint = "" if mixed_type else "; with mixed_type=True, (nframes, natoms)"
        raise InputError(
            f"atom_types: expected shape {expected}{hint}, got {given.shape}"
        )
    if not given.size:
        raise InputError("atom_types: expected at least one atom, got none")
    return np.atleast_2d(given).astype(np.int64)


def frame_parameters(
    value: ArrayLike | None, expected: Parameters | None, n_frames: int
) -> Doubles | None:
    """(F, k) of any shape of as many numbers, or of k numbers for all frames.

    Parameters
    ----------
    value : as the caller gave it; None, or no numbers: none
    expected : what the model takes; one that does not get them refuses that itself

    Raises
    ------
    InputError
        For another number of numbers, or if the model takes none.
    """
    return _parameters(value, expected, "fparam", [(n_frames,), ()])


def atomic_parameters(
    value: ArrayLike | None, expected: Parameters | None, n_frames: int, n_atoms: int
) -> Doubles | None:
    """(F, N, k) of any shape of as many numbers, of N k for all frames, or of k.

    Parameters and what is raised are those of `frame_parameters`.
    """
    rows = [(n_frames, n_atoms), (n_atoms,), ()]
    return _parameters(value, expected, "aparam", rows)


def _parameters(
    value: ArrayLike | None,
    expected: Parameters | None,
    name: str,
    rows: list[tuple[int, ...]],
) -> Doubles | None:
    """As many rows as the first of `rows` says, from any of them."""
    if value is None:
        return None
    if expected is None:
        if not array_of(value, name, "numbers").size:  # deepmd-kit's form of none
            return None
        raise InputError(f"{name}: expected none, the model takes no {name}")
    k = expected.count
    shapes = [(*row, k) for row in rows]
    given = floats(value, name, f"shape {shapes[0]}")
    for shape in shapes:
        if given.size == int(np.prod(shape)):
            return np.broadcast_to(given.reshape(shape), shapes[0])
    raise InputError(
        f"{name}: expected shape {' or '.join(map(str, shapes))}, got {given.shape}"
    )


def refuse_other_inputs(given: dict[str, Any]) -> None:
    """Refuse inputs of deepmd-kit's models of other kinds, unless they are None.

    Raises
    ------
    InputError
        Naming the argument, and the kind of model that takes it.
    """
    kinds = {
        "efield": "models with an electric field",
        "spin": "spin models",
        "charge_spin": "models with charge and spin embedding",
    }
    for name, value in given.items():
        if name not in kinds:
            raise InputError(f"{name}: not an argument of dpse-fast's evaluation")
        if value is not None:
            raise InputError(
                f"{name}: expected None, dpse-fast does not evaluate {kinds[name]}"
            )


@contextmanager
def naming_frames(first: int) -> Iterator[None]:
    """Errors about structures of a batch name the caller's frames.

    Parameters
    ----------
    first : the number of the frame that is the first of the batch
    """
    try:
        yield
    except InputError as error:

        def named(found: re.Match[str]) -> str:
            return f"frame {first + int(found[1])}"

        text, number = _STRUCTURE.subn(named, str(error))
        if not number and first:
            text = f"frame {first}: {text}"
        raise InputError(text) from None
