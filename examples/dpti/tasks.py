"""Tasks of dpti for water: Hamiltonian integration of a crystal and of a liquid.

    python tasks.py FOLDER

makes folders with an in.lammps each, by dpti's own functions. Run them with
``lmp -sf dpse -i in.lammps``. The settings are far too short for free energies.
"""

from __future__ import annotations

import copy
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from dpti import equi, hti, hti_liq

EXAMPLES = Path(__file__).resolve().parents[1]
LAMBDAS = ["0.5"]
SETTINGS: dict[str, Any] = {
    "equi_conf": str(EXAMPLES / "lammps" / "water" / "water.data"),
    "model": str(EXAMPLES / "dpgen" / "models" / "graph.000.pb"),
    "mass_map": [15.999, 1.008],
    "nsteps": 20,
    "timestep": 0.0005,
    "thermo_freq": 5,
    "dump_freq": 5,
    "temp": 330,
    "pres": 1,
    "tau_t": 0.1,
    "tau_p": 0.5,
    "stat_skip": 0,
    "stat_bsize": 1,
}
INTEGRATION = {
    "crystal": "vega",
    "spring_k": 0.02,
    "protect_eps": 1e-6,
    "if_meam": False,
    "soft_param": {
        "element_num": 2,
        "sigma_0_0": 2.5,
        "sigma_0_1": 1.8,
        "sigma_1_1": 1.0,
        "epsilon": 0.03,
        "activation": 0.5,
        "n": 1.0,
        "alpha_lj": 0.5,
        "rcut": 4.5,
    },
    "ens": "nvt",
    **{
        f"lambda{step}": LAMBDAS
        for step in ("", "_lj_on", "_deep_on", "_spring_off", "_soft_on", "_soft_off")
    },
}


def main(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    os.chdir(folder)
    np.random.seed(1)  # noqa: NPY002 (dpti draws seeds of velocities from it)
    equi.make_task("equilibration", SETTINGS | {"ens": "npt-aniso"})
    for switch in ("one-step", "two-step", "three-step"):
        hti.make_tasks(f"crystal-{switch}", settings(), "einstein", switch)
    hti_liq.make_tasks("liquid", settings())
    for script in Path().rglob("in.lammps"):
        complete(script)


def settings() -> dict[str, Any]:
    return copy.deepcopy(SETTINGS | INTEGRATION)


def complete(script: Path) -> None:
    """dpti 0.1.3 writes ``pair_coeff`` alone, which today's LAMMPS refuses."""
    lines = script.read_text().splitlines(keepends=True)
    bare = [line.split() == ["pair_coeff"] for line in lines]
    found = zip(lines, bare, strict=True)
    script.write_text("".join("pair_coeff * *\n" if b else line for line, b in found))


if __name__ == "__main__":
    main(sys.argv[1])
