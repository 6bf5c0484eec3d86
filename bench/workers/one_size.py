"""dpse-fast on a box of one size, as in molecular dynamics: one answer.

Options: atoms, steps, precision, threads, model, structure, tol. A process of its own,
so that its memory is this run's.
"""

from __future__ import annotations

import json
from functools import partial

import numpy as np
from ours import potential_of
from serve import options, resident, timed

from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.trajectory import model_types, read_frames

SKIN = 1.0  # Å
DISPLACEMENT = 0.01  # Å a step, about what hydrogen moves in half a femtosecond


def main() -> None:
    given = options()
    named = given["structure"]
    frame = next(read_frames(named)) if named else water_cell()
    box = replicated(frame, given["atoms"])
    before = resident("VmRSS")
    potential = potential_of(given)
    types = model_types(box, potential.type_map)
    session = potential.session(SKIN)
    positions = box.positions.copy()
    rng = np.random.default_rng(1)
    seconds = []
    for _ in range(given["steps"] + 1):
        seconds.append(timed(partial(session.compute, positions, types, box.cell))[1])
        positions += rng.normal(0.0, DISPLACEMENT, positions.shape)
    answer = {
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
    input()
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
