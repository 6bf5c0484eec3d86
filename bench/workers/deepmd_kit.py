"""deepmd-kit, one evaluation a line."""

from __future__ import annotations

from typing import Any

import numpy as np
from deepmd.infer import DeepPot
from serve import options, serve_evaluations


def main() -> None:
    given = options()
    system, potential = np.load(given["structure"]), DeepPot(given["model"])
    positions, cell = system["positions"][None], system["cell"].reshape(1, 9)

    def evaluate() -> tuple[float, Any, Any]:
        energy, forces, virial = potential.eval(positions, cell, system["types"])[:3]
        return float(energy[0, 0]), forces[0], virial[0].reshape(3, 3)

    serve_evaluations(evaluate, given["numbers"])


if __name__ == "__main__":
    main()
