"""dpse-fast on a box of one size, as in molecular dynamics; prints JSON.

    one_size.py OPTIONS (JSON: atoms, steps, precision, threads, model, structure, tol)

A process of its own, so that its memory is this run's.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from potential import potential_of
from resident import resident

from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.trajectory import model_types, read_frames

SKIN = 1.0  # Å
DISPLACEMENT = 0.01  # Å a step, about what hydrogen moves in half a femtosecond


def main() -> None:
    options: dict[str, Any] = json.loads(sys.argv[1])
    named = options["structure"]
    frame = next(read_frames(named)) if named else water_cell()
    box = replicated(frame, options["atoms"])
    before = resident("VmRSS")
    potential = potential_of(options)
    types = model_types(box, potential.type_map)
    session = potential.session(SKIN)
    positions = box.positions.copy()
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    session.compute(positions, types, box.cell)
    first = time.perf_counter() - start
    seconds, cpu = [], []
    for _ in range(options["steps"]):
        positions += rng.normal(0.0, DISPLACEMENT, positions.shape)
        start, used = time.perf_counter(), time.process_time()
        session.compute(positions, types, box.cell)
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    print(
        json.dumps(
            {
                "atoms": box.n_atoms,
                "precision": options["precision"],
                "threads": options["threads"],
                "first_seconds": first,
                "step_seconds": seconds,
                "step_cpu_seconds": cpu,
                "list_builds": session.list_builds,
                "rss_before_load_bytes": before,
                "rss_peak_bytes": resident("VmHWM"),
            }
        )
    )


if __name__ == "__main__":
    main()
