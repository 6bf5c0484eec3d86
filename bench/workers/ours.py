"""dpse-fast, one evaluation a line."""

from __future__ import annotations

from typing import Any

import numpy as np
from serve import options, serve_evaluations

import dpse_fast


def potential_of(given: dict[str, Any]) -> dpse_fast.Potential:
    """With the file's own rule for more neighbours than sel, as deepmd-kit has it.

    On the processors, unless the options name a device.
    """
    model: str = given["model"]
    return dpse_fast.load(
        model,
        device=given.get("device", "cpu"),
        gemm=given.get("gemm"),
        precision=given["precision"],
        threads=given["threads"],
        tol=given["tol"],
        sel_overflow="truncate",
    )


def main() -> None:
    given = options()
    system, potential = np.load(given["structure"]), potential_of(given)
    arguments = (system["positions"], system["types"], system["cell"])

    def evaluate() -> tuple[float, Any, Any]:
        found = potential.compute(*arguments)
        return found.energy, found.forces, found.virial

    serve_evaluations(evaluate, given["numbers"])


if __name__ == "__main__":
    main()
