"""Tasks of APEX for water: relaxation, energies, equation of state, dynamics.

    python tasks.py FOLDER

makes folders with an in.lammps each, by the class with which APEX prepares LAMMPS.
Run them with ``lmp -sf dpse -i in.lammps``. The settings end far too early.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from apex.core.calculator.Lammps import Lammps

EXAMPLES = Path(__file__).resolve().parents[1]
STRUCTURE = EXAMPLES / "dpgen" / "confs" / "water.0.poscar"
INTERACTION = {
    "type": "deepmd",
    "model": str(EXAMPLES / "dpgen" / "models" / "graph.000.pb"),
    "type_map": {"O": 0, "H": 1},
    "deepmd_version": "3.2.0",
}
SOON = {"etol": 0, "ftol": 1e-6, "maxiter": 10, "maxeval": 40}


def relaxation(positions: bool, shape: bool, volume: bool) -> dict[str, Any]:
    parts = {"relax_pos": positions, "relax_shape": shape, "relax_vol": volume}
    return {"cal_type": "relaxation", "cal_setting": SOON | parts}


TASKS: dict[str, dict[str, Any]] = {
    "relaxation": {"type": "relaxation", **relaxation(True, True, True)},
    "positions": {"type": "elastic", **relaxation(True, False, False)},
    "eos": {"type": "eos", **relaxation(True, True, False)},
    "pressure": {
        "type": "pressure",
        "scale2equi": [1.02],
        **relaxation(True, True, False),
    },
    "static": {"type": "static", "cal_type": "static", "cal_setting": {}},
}


def main(folder: str) -> None:
    for name, task in TASKS.items():
        output = Path(folder).absolute() / name / "task.000000"
        output.mkdir(parents=True)
        shutil.copy(STRUCTURE, output / "POSCAR")
        lammps = Lammps(INTERACTION, str(output / "POSCAR"))
        lammps.make_potential_files(str(output))
        lammps.make_input_file(str(output), task["type"], task)


if __name__ == "__main__":
    main(sys.argv[1])
