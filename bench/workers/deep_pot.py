"""``DeepPot.eval`` of deepmd-kit or dpse-fast on many frames, for each line."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from serve import options, serve_evaluations


def main() -> None:
    given = options()
    frames = np.load(given["frames"])
    dp = import_module(given["module"]).DeepPot(given["model"], **given["options"])
    x, cells, types = frames["positions"], frames["cells"], frames["types"]
    n = len(x) if given["together"] else 1

    def evaluate() -> tuple[float, Any, Any]:
        parts = range(0, len(x), n)
        found = [dp.eval(x[k : k + n], cells[k : k + n], types) for k in parts]
        energy, forces, virial = map(np.concatenate, zip(*found, strict=True))
        return float(energy.sum()), forces, virial

    serve_evaluations(evaluate, given["numbers"])


if __name__ == "__main__":
    main()
