"""Frames made of ASE's structures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .boundaries import boundaries_of
from .elements import name_of_number
from .frame import Frame, coded, parameters, volume_of
from .label_keys import LabelReader
from .notices import Notices
from .reading_options import ReadingOptions

if TYPE_CHECKING:
    from ase import Atoms

ATOM_NAMES = "atomtypes"  # where ASE keeps the names of atoms of .gro files


def from_atoms(
    atoms: Atoms,
    name: str,
    index: int = 0,
    *,
    options: ReadingOptions | None = None,
    labels: LabelReader | None = None,
    notices: Notices | None = None,
) -> Frame:
    """The frame of an ASE structure.

    Parameters
    ----------
    options : how to read; the other two belong to the whole trajectory

    Raises
    ------
    InputError
        If it is periodic without a cell.
    """
    options = options or ReadingOptions()
    notices = notices or Notices()
    labels = labels or LabelReader(options, notices)
    notices.where = name
    cell, pbc = boundaries_of(atoms, name, options)
    names, types = _species(atoms, options)
    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    stores = (results, atoms.info, atoms.arrays)
    return Frame(
        name=name,
        index=index,
        positions=np.array(atoms.positions, np.float64),
        types=types,
        names=names,
        cell=cell,
        pbc=pbc,
        labels=labels.read(stores, len(atoms), volume_of(cell, pbc)),
        **parameters(atoms.info, atoms.arrays),
    )


def _species(atoms: Atoms, options: ReadingOptions) -> tuple[tuple[str, ...], Any]:
    found, types = np.unique(atoms.numbers, return_inverse=True)
    names = tuple(name_of_number(int(z)) for z in found)
    own = atoms.arrays.get(ATOM_NAMES)
    if own is not None and own.shape == (len(atoms),):
        texts = [str(text) for text in own]
        if "X" in names or set(texts) <= set(options.names):
            return coded(texts)
    return names, types.astype(np.int64)


def atomic_parameters(atoms: Atoms) -> Any:
    """What a structure holds as ``aparam``: for each atom, or one row for all."""
    return atoms.arrays.get("aparam", atoms.info.get("aparam"))
