"""deepmd-kit, one evaluation a line: deepmd_kit.py OPTIONS (JSON; see `turns`)."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from deepmd.infer import DeepPot
from turns import serve


def main() -> None:
    options = json.loads(sys.argv[1])
    system = np.load(options["structure"])
    potential = DeepPot(options["model"])
    positions, cell = system["positions"][None], system["cell"].reshape(1, 9)

    def evaluate() -> tuple[float, Any, Any]:
        energy, forces, virial = potential.eval(positions, cell, system["types"])[:3]
        return float(energy[0, 0]), forces[0], virial[0].reshape(3, 3)

    serve(evaluate, options["numbers"])


if __name__ == "__main__":
    main()
