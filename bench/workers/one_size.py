"""dpse-fast on a box of one size, as in molecular dynamics: one answer.

Options: atoms, steps, precision, threads, model, structure, tol. A process of its own,
so that its memory is this run's.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from ours import potential_of
from serve import options, resident, serve, timed

from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.trajectory import model_types, read_frames

SKIN = 1.0  # Å
DISPLACEMENT = 0.01  # Å a step, about what hydrogen moves in half a femtosecond


def main() -> None:
    given = options()

    def measure() -> dict[str, Any]:
        named = given["structure"]
        box = replicated(
            next(read_frames(named)) if named else water_cell(), given["atoms"]
        )
        before = resident("VmRSS")
        potential = potential_of(given)
        types = model_types(box, potential.type_map)
        session = potential.session(SKIN)
        positions = box.positions.copy()
        rng = np.random.default_rng(1)
        seconds = []
        for _ in range(given["steps"] + 1):
            compute = partial(session.compute, positions, types, box.cell)
            _, each = timed(compute)
            seconds.append(each)
            positions += rng.normal(0.0, DISPLACEMENT, positions.shape)
        return {
            "atoms": box.n_atoms,
            "precision": given["precision"],
            "threads": given["threads"],
            "first_seconds": seconds[0]["wall"],
            "step_seconds": [each["wall"] for each in seconds[1:]],
            "step_cpu_seconds": [each["cpu"] for each in seconds[1:]],
            "list_builds": session.list_builds,
            "rss_before_load_bytes": before,
            "rss_peak_bytes": resident("VmHWM"),
        }

    serve(measure, lambda found: found)


if __name__ == "__main__":
    main()
