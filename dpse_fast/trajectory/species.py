"""Elements of a trajectory as types of a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..model import UNKNOWN_TYPE_PREFIX
from .frame import Frame


class SpeciesMap:
    """Model types for frames that name elements, or only number their types.

    Parameters
    ----------
    type_map : the model's
    given : element symbols, or None
        The user's names of the types 0, 1, …: of the model where its file names
        none; else of a trajectory that has only numbers (LAMMPS: its types 1, 2, …).

    Raises
    ------
    InputError
        If the model has no names and `given` is not one name a type.
    """

    def __init__(
        self, type_map: Sequence[str], given: Sequence[str] | None = None
    ) -> None:
        self.given = None if given is None else tuple(given)
        self.anonymous = all(name.startswith(UNKNOWN_TYPE_PREFIX) for name in type_map)
        self.names = tuple(type_map)
        if self.anonymous and self.given is not None:
            if len(self.given) != len(type_map):
                raise InputError(
                    f"type map {','.join(self.given)}: expected {len(type_map)} names, "
                    f"one for each type of the model, got {len(self.given)}"
                )
            self.names = self.given

    def types_of(self, frame: Frame) -> NDArray[np.int64] | NDArray[np.str_]:
        """(N,) types of the model; symbols where the model lacks an element.

        The engine refuses such symbols and lists the model's types.

        Raises
        ------
        InputError
            If names are needed and missing, or given and of no use.
        """
        if frame.names is not None:
            self._check_named(frame)
            return frame.species(self.names)
        if self.given is None or self.anonymous:
            return frame.types
        most = int(frame.types.max(initial=-1))
        if most >= len(self.given):
            raise InputError(
                f"{frame.name}: has type number {most + 1}, but the type map "
                f"{','.join(self.given)} names {len(self.given)} types"
            )
        return Frame(
            frame.name, frame.index, frame.positions, frame.types, self.given
        ).species(self.names)

    def _check_named(self, frame: Frame) -> None:
        if self.anonymous and self.given is None:
            raise InputError(
                f"{frame.name}: names elements, but the model file names none for its "
                f"{len(self.names)} types; state them in the model's order with "
                f"--type-map, such as --type-map O,H"
            )
        if not self.anonymous and self.given not in (None, self.names):
            raise InputError(
                f"{frame.name}: names its elements and so does the model "
                f"({','.join(self.names)}); leave --type-map out"
            )
