"""Writes deepmd.npz and deepmd.json: what deepmd-kit returns for the tests' calls.

In an environment with ``deepmd-kit[cpu]`` 3.2.0 and TensorFlow, without dpse-fast:
python tests/deepmd_interface/golden/make.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from deepmd.calculator import DP
from deepmd.infer import DeepPot, calc_model_devi

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from calls import (  # noqa: E402
    COMMITTEE,
    MODELS,
    TYPES,
    calls,
    cells,
    coordinates,
    deviations,
    facts,
)


def calculated() -> dict[str, np.ndarray]:
    """Results of ASE's calculator."""
    model = str(MODELS / "plain.pb")
    symbols = [("O", "H")[t] for t in TYPES]
    atoms = Atoms(symbols, coordinates()[0], cell=cells()[0], pbc=True)
    atoms.calc = DP(model)
    found = {"forces": atoms.get_forces(), "stress": atoms.get_stress()}
    found["energy"] = np.array(atoms.get_potential_energy())
    found["virial"] = atoms.calc.results["virial"]
    return found


def main() -> None:
    numbers: dict[str, np.ndarray] = {}
    texts: dict[str, object] = {}
    for call in calls():
        for k, values in enumerate(call.of(DeepPot(str(MODELS / call.model)))):
            numbers[f"call/{call.name}/{k}"] = values
    for model in sorted({call.model for call in calls()}):
        dp = DeepPot(str(MODELS / model))
        texts[model] = {name: fact(dp) for name, fact in facts().items()}
    models = [DeepPot(str(MODELS / name)) for name in COMMITTEE]
    with tempfile.TemporaryDirectory() as folder:
        for name, (arguments, options) in deviations().items():
            file = Path(folder) / name
            devi = calc_model_devi(*arguments, models, fname=str(file), **options)
            numbers[f"deviation/{name}"] = devi
            texts[f"{name}.out"] = file.read_text()
    for name, values in calculated().items():
        numbers[f"calculator/{name}"] = values
    np.savez_compressed(HERE / "deepmd.npz", **numbers)
    text = json.dumps(texts, indent=1, sort_keys=True)
    (HERE / "deepmd.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
