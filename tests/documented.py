"""Code blocks of the documentation, and what they take for granted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import ase.io
import numpy as np
from ghosts import with_ghosts

import dpse_fast

ROOT = Path(__file__).parents[1]
DOCUMENTS = (
    "README.md",
    "docs/deepmd-python.md",
    "docs/descriptors.md",
    "docs/second-derivatives.md",
    "docs/embedding.md",
    "docs/lammps.md",
    "docs/engines.md",
    "docs/transport.md",
)


class Block(NamedTuple):
    """A fenced block, and the line of the document that it starts at."""

    document: str
    line: int
    text: str


def blocks(language: str, documents: tuple[str, ...] = DOCUMENTS) -> list[Block]:
    found = []
    for name in documents:
        whole = (ROOT / name).read_text()
        for match in re.finditer(rf"^```{language}\n(.*?)^```", whole, re.M | re.S):
            found.append(Block(name, whole[: match.start()].count("\n") + 2, match[1]))
    return found


def names(block: Block) -> str:
    return f"{block.document}:{block.line}"


LAMMPS_SYSTEM = """units metal
atom_style atomic
region box block 0 8 0 8 0 8
create_box 2 box
create_atoms 1 single 2 2 2
create_atoms 2 single 3 2 2
mass 1 16
mass 2 1
"""


def write_for_dpdata(folder: Path) -> None:
    """POSCAR, and where dpdata is installed, data.lmdb and mixed; with one frame."""
    atoms = ase.io.read(ROOT / "examples/water.xyz", 0)
    ase.io.write(folder / "POSCAR", atoms, format="vasp", sort=True)
    try:
        import dpdata
    except ImportError:
        return
    system = dpdata.System(str(folder / "POSCAR"), fmt="vasp/poscar")
    systems = dpdata.MultiSystems(system.predict(driver="dpse", model=None))
    systems.to("deepmd/lmdb", str(folder / "data.lmdb"))
    systems.to("deepmd/npy/mixed", str(folder / "mixed"))


def in_openmm(symbols: list[str], cell: Any) -> dict[str, Any]:
    """A system of OpenMM and its topology; nothing if it is not installed."""
    try:
        import openmm
        from openmm import app
    except ImportError:
        return {}
    system, topology = openmm.System(), app.Topology()
    system.setDefaultPeriodicBoxVectors(*(np.asarray(cell) / 10))
    residue = topology.addResidue("water", topology.addChain())
    for symbol in symbols:
        element = app.Element.getBySymbol(symbol)
        system.addParticle(element.mass)
        topology.addAtom(symbol, element, residue)
    return {"system": system, "topology": topology}


def taken_for_granted() -> dict[str, Any]:
    """What the blocks of Python do not say themselves."""
    atoms = ase.io.read(ROOT / "examples/water.xyz", 0)
    atoms.arrays["aparam"] = np.zeros(len(atoms))
    atoms.info["fparam"] = np.zeros(1)
    water = (atoms.positions, np.where(atoms.numbers == 8, 0, 1), atoms.cell.array)
    pot = dpse_fast.load(threads=1)
    ghosts = with_ghosts(*water, True, reach=pot.rcut)
    positions, types, cell = water
    return {
        **{"dpse_fast": dpse_fast, "np": np, "atoms": atoms, "pot": pot},
        **{"positions": positions, "types": types, "cell": cell},
        **{"molecule": positions[:3], "x": positions[:3], "t": types[:3]},
        **{"all_positions": ghosts.positions, "all_types": ghosts.types},
        **{"first": ghosts.first, "neighbours": ghosts.neighbours},
        "structures": [water, water],
        "others": atoms.copy(),
        **in_openmm(list(atoms.symbols), cell),
    }
