"""Several boxes of water relaxed together in torch-sim.

pip install dpse-fast torch-sim-atomistic
python batch.py
"""

import argparse
from pathlib import Path

import torch
import torch_sim as ts
from ase.io import read

from dpse_fast.md.torchsim import DeepPotentialModel

WATER = Path(__file__).parents[1] / "water.xyz"


def main(systems: int = 4, steps: int = 20) -> list[float]:
    """Relax, and give the energies (eV) before and after."""
    model = DeepPotentialModel()
    boxes = [read(WATER, index=0) for _ in range(systems)]
    for seed, box in enumerate(boxes):
        box.rattle(0.02, seed=seed)
    state = ts.io.atoms_to_state(boxes, model.device, torch.float64)
    if hasattr(ts, "fire_init"):  # torch-sim 0.4 and later
        state = ts.fire_init(state, model)
        step = lambda state: ts.fire_step(state, model)  # noqa: E731
    else:
        start, step = ts.optimizers.fire(model)
        state = start(state)
    before = state.energy.tolist()
    for _ in range(steps):
        state = step(state)
    print("before", before, "after", state.energy.tolist(), sep="\n")
    return before + state.energy.tolist()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    main(given.systems, given.steps)
