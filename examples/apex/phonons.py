"""Phonons by APEX: the task that it makes for phonoLAMMPS, of a crystal of water.

    python phonons.py FOLDER

makes FOLDER/phonon/task.000000 with APEX' own functions. Run the command in its file
run_command there, in an environment that has phonolammps, lammps and dpse-fast, with
DPSE_LAMMPS_DEEPMD=1: phonoLAMMPS starts LAMMPS in Python and takes no options for it.
The crystal is made up, and not relaxed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from apex.core.calculator.Lammps import Lammps
from apex.core.property.Phonon import Phonon
from tasks import INTERACTION

CRYSTAL = """H2O
1.0
3.2 0.0 0.0
0.0 3.2 0.0
0.0 0.0 3.2
O H
1 2
Cartesian
1.6 1.6 1.6
2.357 1.6 2.186
0.843 1.6 2.186
"""
SETTINGS = {
    "type": "phonon",
    "supercell_size": [2, 2, 2],
    "primitive": False,
    "BAND_POINTS": 11,
}


def main(folder: str) -> None:
    relaxed = Path(folder).absolute() / "relaxation"
    relaxed.mkdir(parents=True)
    for name in ("POSCAR", "CONTCAR"):
        (relaxed / name).write_text(CRYSTAL)
    settings: dict[str, Any] = dict(SETTINGS)
    phonon = Phonon(settings, INTERACTION)
    tasks = phonon.make_confs(str(relaxed.with_name("phonon")), str(relaxed))
    for task in tasks:
        lammps = Lammps(INTERACTION, str(Path(task) / "POSCAR"))
        lammps.make_potential_files(task)
        lammps.make_input_file(task, "phonon", phonon.task_param())
    phonon.post_process(tasks)  # writes run_command


if __name__ == "__main__":
    main(sys.argv[1])
