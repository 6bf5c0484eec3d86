"""LAMMPS data files, whatever the comment after ``Atoms`` says."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from ..array_types import AnyArray
from .frame import Frame, from_atoms

if TYPE_CHECKING:
    from ase import Atoms

FORMAT = "lammps-data"
STYLES = ("atomic", "angle", "bond", "charge", "full", "molecular")

_ATOMS = re.compile(r"^(\s*Atoms)[ \t]*#[ \t]*(\S*).*$", re.MULTILINE)
_LABELS = re.compile(r"^\s*Atom Type Labels", re.MULTILINE)


def read_lammps_data(path: Path) -> Frame:
    """The structure; its types stay numbers unless masses or labels name them."""
    from ase.io import read
    from ase.io.formats import open_with_compression

    with open_with_compression(str(path), "r") as file:
        text = _without_foreign_comment(file.read())
    atoms = read(StringIO(text), format=FORMAT)
    assert not isinstance(atoms, list)
    name = f"{path.name}, frame 0"
    return from_atoms(atoms, name, type_numbers=_type_numbers(atoms, text))


def _without_foreign_comment(text: str) -> str:
    """ASE takes any comment for the atom style; without one it counts columns."""
    found = _ATOMS.search(text)
    if found is None or found.group(2) in STYLES:
        return text
    return text[: found.start()] + found.group(1) + text[found.end() :]


def _type_numbers(atoms: Atoms, text: str) -> AnyArray | None:
    if "masses" in atoms.arrays or _LABELS.search(text):
        return None
    types: AnyArray = atoms.arrays["type"]
    return types
