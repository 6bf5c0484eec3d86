"""The calls that couplings of other programs make, in a program of our own."""

from __future__ import annotations

from pathlib import Path

from ..peers import call
from .agreement import Table, columns
from .examples import compile_client
from .ipi import ATOMS
from .sides import Side

COUPLINGS = ("GROMACS", "ABACUS", "OpenMM", "CP2K")
SOURCE = Path(__file__).with_name("couplings.cpp")
FILES = ("energies", "forces", "virials")


def coupling(
    name: str, source: Path, side: Side, model: Path, folder: Path
) -> dict[str, Table]:
    """Energies, forces and virials that the calls of a coupling give.

    Parameters
    ----------
    source : deepmd-kit's repository, whose headers are used
    """
    compile_client(SOURCE, source, side, folder)
    write_frame(folder / "frame.txt")
    command = ["./client", name, str(model)]
    call(f"{name}, {side.name}", command, folder, environment=side.variables)
    return {file: columns((folder / f"{file}.txt").read_text()) for file in FILES}


def write_frame(file: Path) -> None:
    """192 atoms of water: their number, the cell, types (O, H) and positions."""
    from ase import Atoms
    from ase.io import read

    atoms = read(ATOMS, 0)
    assert isinstance(atoms, Atoms)
    lines = [str(len(atoms)), " ".join(map(repr, atoms.cell.array.ravel().tolist()))]
    for symbol, x in zip(atoms.symbols, atoms.positions.tolist(), strict=True):
        lines.append(f"{('O', 'H').index(symbol)} {' '.join(map(repr, x))}")
    file.write_text("\n".join(lines) + "\n")
