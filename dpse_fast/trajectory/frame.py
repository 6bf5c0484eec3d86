"""One structure of a trajectory, with the labels that came with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..array_types import Doubles, Integers
from ..errors import InputError
from .label_keys import Labels
from .numbers_in_text import numbers_in
from .reading_options import Periodicity

if TYPE_CHECKING:
    from ..model import Model

__all__ = ["BadFrame", "Frame", "Labels", "Periodicity", "named_in_errors"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One structure.

    Parameters
    ----------
    name : what errors call it, such as ``"water.xyz, frame 3"``
    index : its number in the trajectory
    positions : (N, 3) Å
    types : (N,) int
        Indices into `names`, or type numbers from 0 where there are no names.
    names : of the species as the file has them, mostly elements, or None
    cell : (3, 3) rows, Å, or None
    pbc : which cell vectors are periodic
    labels : the reference energy, forces and virial that came with it
    fparam : (k,) frame parameters, or None
    aparam : (N, k) atomic parameters, one row (k,) for all atoms, or None
    refused : of fparam and aparam, which the frame has but not as numbers → what came
    first_type : the number that the file gives to type 0, where there are no names
    """

    name: str
    index: int
    positions: Doubles
    types: Integers
    names: tuple[str, ...] | None
    cell: Doubles | None = None
    pbc: Periodicity = (False, False, False)
    labels: Labels = field(default_factory=Labels)
    fparam: Doubles | None = None
    aparam: Doubles | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    first_type: int = 0

    @property
    def n_atoms(self) -> int:
        return len(self.positions)

    @property
    def volume(self) -> float | None:
        """Å³, or None unless the frame is periodic in three dimensions."""
        return volume_of(self.cell, self.pbc)

    @property
    def symbols(self) -> NDArray[np.str_] | None:
        """(N,) names of the species, or None where the trajectory has only numbers."""
        return None if self.names is None else np.array(self.names)[self.types]

    def parameters_for(self, model: Model) -> dict[str, Doubles | None]:
        """Arguments of ``compute``: the frame's parameters that the model takes.

        Raises
        ------
        InputError
            If the frame has one of them, but not as numbers.
        """
        for what, came in self.refused.items():
            if getattr(model, what) is not None:
                raise InputError(f"{self.name}: expected numbers as {what}, got {came}")
        return {
            "fparam": None if model.fparam is None else self.fparam,
            "aparam": None if model.aparam is None else self.aparam,
        }


@dataclass(frozen=True)
class BadFrame:
    """A frame that cannot be read.

    Parameters
    ----------
    name : what errors call it
    index : its number in the trajectory
    error : what is wrong, naming the frame
    truncated : the file ends inside of this frame
    last : nothing after it can be read
    """

    name: str
    index: int
    error: InputError
    truncated: bool = False
    last: bool = False


def volume_of(cell: Doubles | None, pbc: Periodicity) -> float | None:
    """Å³, or None unless periodic in three dimensions."""
    if cell is None or not all(pbc):
        return None
    with np.errstate(all="ignore"):  # of cells that are refused when they are used
        return float(abs(np.linalg.det(cell)))


def coded(names: list[str]) -> tuple[tuple[str, ...], Integers]:
    """Distinct names in the order of their appearance, and (N,) indices into them."""
    codes: dict[str, int] = {}
    types = [codes.setdefault(name, len(codes)) for name in names]
    return tuple(codes), np.array(types, np.int64)


def parameters(info: Mapping[str, Any], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The fparam and aparam that a frame holds, and which of them are refused."""
    given = {
        "fparam": info.get("fparam"),
        "aparam": arrays.get("aparam", info.get("aparam")),
    }
    found: dict[str, Any] = {"refused": {}}
    for what, value in given.items():
        if value is not None:
            found[what] = numbers_in(value)
            if found[what] is None:
                found["refused"][what] = f"{value!r:.40}"
    return found


@contextmanager
def named_in_errors(frame: Frame) -> Iterator[None]:
    """Errors of the block, in which a frame is evaluated, begin with its name.

    Raises
    ------
    InputError
        If the frame cannot be evaluated; also if it does not fit into memory.
    """
    try:
        yield
    except InputError as error:
        text = str(error).removeprefix(f"{frame.name}: ")
        raise InputError(f"{frame.name}: {text}") from None
    except MemoryError:
        raise InputError(
            f"{frame.name}: {frame.n_atoms} atoms do not fit into memory"
        ) from None
