"""Trains the four models: one data set of the embedded water model, four seeds.

With dpse-fast installed, and the ``dp`` of an environment with deepmd-kit:

    python train_models.py DP
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import iread

import dpse_fast

HERE = Path(__file__).resolve().parent
WATER = HERE.parent / "water.xyz"
COPIES = 5  # of each frame, with other displacements and another strain
STEPS = 2000
DESCRIPTOR = {
    "type": "se_e2_a",
    "rcut": 4.5,
    "rcut_smth": 1.0,
    "sel": [24, 44],
    "neuron": [4, 8, 16],
    "axis_neuron": 4,
    "type_one_side": True,
}


def main(dp: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_data(folder / "data")
        for number in range(4):
            (folder / "input.json").write_text(json.dumps(training(10 * number + 1)))
            model = HERE / "models" / f"graph.{number:03d}.pb"
            for command in (["train", "input.json"], ["freeze", "-o", str(model)]):
                subprocess.run([dp, *command], cwd=folder, check=True)


def write_data(data: Path) -> None:
    """A deepmd system of strained frames of water with displaced atoms."""
    rng = np.random.default_rng(15)
    potential = dpse_fast.load()
    frames: dict[str, list[Any]] = {"coord": [], "box": [], "energy": [], "force": []}
    for atoms in iread(str(WATER)):
        # deepmd systems have one order of types for all frames
        atoms = atoms[np.argsort(atoms.numbers == 1, kind="stable")]
        symbols = atoms.get_chemical_symbols()
        for _ in range(COPIES):
            strain = np.eye(3) + rng.normal(scale=0.01, size=(3, 3))
            cell = atoms.cell.array @ strain
            positions = atoms.positions @ strain
            positions = positions + rng.normal(scale=0.04, size=positions.shape)
            result = potential.compute(positions, symbols, cell)
            frames["coord"].append(positions.ravel())
            frames["box"].append(cell.ravel())
            frames["energy"].append([result.energy])
            frames["force"].append(result.forces.ravel())
    (data / "set.000").mkdir(parents=True)
    np.savetxt(data / "type.raw", [symbol == "H" for symbol in symbols], fmt="%d")
    (data / "type_map.raw").write_text("O\nH\n")
    for key, values in frames.items():
        np.save(data / "set.000" / f"{key}.npy", np.array(values))


def training(seed: int) -> dict[str, Any]:
    fitting = {"neuron": [16, 16, 16], "seed": seed + 1}
    prefactors = {"e": (0.02, 1), "f": (1000, 1), "v": (0, 0)}
    loss = {
        f"{when}_pref_{key}": value
        for key, pair in prefactors.items()
        for when, value in zip(("start", "limit"), pair, strict=True)
    }
    return {
        "model": {
            "type_map": ["O", "H"],
            "descriptor": DESCRIPTOR | {"seed": seed},
            "fitting_net": fitting,
        },
        "learning_rate": {
            "type": "exp",
            "start_lr": 0.005,
            "stop_lr": 1e-4,
            "decay_steps": 100,
        },
        "loss": {"type": "ener"} | loss,
        "training": {
            "training_data": {"systems": ["data"], "batch_size": 1},
            "numb_steps": STEPS,
            "seed": seed + 2,
            "disp_freq": 500,
            "save_freq": STEPS,
        },
    }


if __name__ == "__main__":
    main(sys.argv[1])
