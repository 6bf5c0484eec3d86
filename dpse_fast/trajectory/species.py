"""Elements of a trajectory as types of a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..array_types import Integers
from ..errors import InputError, NumberedTypesWarning, warn
from .frame import Frame

ABSENT = -1


def model_types(
    frame: Frame, type_map: Sequence[str], given: Sequence[str] | None = None
) -> Integers | NDArray[np.str_]:
    """(N,) what to give `compute` of a model with these types.

    Parameters
    ----------
    type_map : the model's
    given : the user's names of the type numbers of trajectories that name no
        elements (of LAMMPS: its types 1, 2, …); by default the model's order

    Returns
    -------
    Indices into the type map, or symbols where it lacks an element, which the
    engine refuses, listing the model's types.

    Raises
    ------
    InputError
        If `given` is too short, or of no use.
    """
    names = frame.names
    if names is None and given is None:
        if len(type_map) > 1:
            warn(
                f"the trajectory only numbers its types, taken as "
                f"{', '.join(type_map)} in the model's order; name them with "
                "--type-map",
                NumberedTypesWarning,
            )
        return frame.types
    if names is None:
        names = tuple(given or ())
        least, most = int(frame.types.min(initial=0)), int(frame.types.max(initial=0))
        if least < 0 or most >= len(names):
            raise InputError(
                f"{frame.name}: has types up to number {most + 1}, but the type map "
                f"{','.join(names)} names {len(names)}"
            )
    elif given is not None and tuple(given) != tuple(type_map):
        raise InputError(
            f"{frame.name}: names its elements and so does the model "
            f"({','.join(type_map)}); leave --type-map out"
        )
    where = {name: t for t, name in enumerate(type_map)}
    types = np.array([where.get(name, ABSENT) for name in names], np.int32)[frame.types]
    return np.array(names)[frame.types] if (types == ABSENT).any() else types
