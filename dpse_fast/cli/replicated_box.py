"""A large periodic box made of whole copies of a small one."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from itertools import product

import numpy as np

from ..errors import InputError
from ..trajectory import Frame, Labels

WATER = "water.xyz"


def water_cell() -> Frame:
    """The equilibrated periodic water cell that comes with the package.

    Read without ASE, which takes half a second and 50 MB.
    """
    text = (resources.files("dpse_fast.data") / WATER).read_text()
    _, comment, *lines = text.splitlines()
    symbols, *axes = zip(*(line.split() for line in lines), strict=True)
    names, types = np.unique(symbols, return_inverse=True)
    lattice = comment.split('Lattice="')[1].split('"')[0]
    return Frame(
        name=WATER,
        index=0,
        positions=np.array(axes, float).T.copy(),
        types=types,
        names=tuple(names.tolist()),
        cell=np.array(lattice.split(), float).reshape(3, 3),
        pbc=(True, True, True),
    )


def replicas(n_copies: float) -> tuple[int, int, int]:
    """How often to repeat along each axis: close to the number, close to a cube."""
    edge = max(int(np.cbrt(max(n_copies, 1.0))), 1)
    near = range(max(edge - 1, 1), edge + 3)
    ordered = [(a, b, c) for a, b, c in product(near, near, near) if a <= b <= c]
    return min(ordered, key=lambda n: (abs(n[0] * n[1] * n[2] - n_copies), n[2] - n[0]))


def replicated(frame: Frame, n_atoms: int) -> Frame:
    """A box of about `n_atoms` atoms: copies of a frame that is periodic throughout.

    No molecule is cut, so the number of atoms is a multiple of the frame's.

    Raises
    ------
    InputError
        If the frame is not periodic in three dimensions.
    """
    if frame.cell is None or not all(frame.pbc):
        raise InputError(f"{frame.name}: expected a structure periodic along a, b, c")
    counts = replicas(n_atoms / frame.n_atoms)
    aparam = frame.aparam
    if aparam is not None and len(np.atleast_1d(aparam)) == frame.n_atoms:
        aparam = np.concatenate([aparam] * int(np.prod(counts)))
    shifts = np.array(list(product(*(range(n) for n in counts)))) @ frame.cell
    return replace(
        frame,
        positions=(shifts[:, None] + frame.positions).reshape(-1, 3),
        types=np.tile(frame.types.astype(np.int32), len(shifts)),
        cell=np.array(counts)[:, None] * frame.cell,
        labels=Labels(),
        aparam=aparam,
    )
