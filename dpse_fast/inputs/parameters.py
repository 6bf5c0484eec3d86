"""Checks of frame and atomic parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles
from ..errors import InputError
from ..model import Parameters
from .structure import floats


def check_parameters(
    value: ArrayLike | None,
    expected: Parameters | None,
    name: str,
    n_atoms: int | None = None,
) -> Doubles:
    """Frame parameters (1, k), or with n_atoms those of atoms (n_atoms, k), normalised.

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
    given = floats(value, name, f"shape {shape}")
    allowed = {(rows, k), (k,)} | ({(rows,), ()} if k == 1 else set())
    if given.shape not in allowed:
        raise InputError(f"{name}: expected shape {shape}, got {given.shape}")
    if not np.isfinite(given).all():
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity")
    whole = np.broadcast_to(given.reshape((-1, k)), (rows, k))
    with np.errstate(all="ignore"):
        normalised = np.asarray((whole - expected.mean) * expected.scale, np.float64)
    if not np.isfinite(normalised).all():
        raise InputError(
            f"{name}: expected numbers like those that the model was trained with, got "
            f"{np.abs(given).max():.3g}, which is infinite when it is normalised"
        )
    return normalised
