"""dpse-fast, one evaluation a line: ours.py OPTIONS (JSON; see `turns`)."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from potential import potential_of
from turns import serve


def main() -> None:
    options = json.loads(sys.argv[1])
    system = np.load(options["structure"])
    potential = potential_of(options)
    arguments = (system["positions"], system["types"], system["cell"])

    def evaluate() -> tuple[float, Any, Any]:
        found = potential.compute(*arguments)
        return found.energy, found.forces, found.virial

    serve(evaluate, options["numbers"])


if __name__ == "__main__":
    main()
