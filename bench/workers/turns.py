"""One timed evaluation for every line that comes in.

Needs NumPy only, so that it runs in the peers' environment as well as in ours.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from resident import resident

Evaluate = Callable[[], tuple[float, Any, Any]]


def serve(evaluate: Evaluate, numbers: str) -> None:
    """Answer each line of standard input with the seconds of an evaluation.

    Parameters
    ----------
    evaluate : gives energy (eV), forces (N, 3) eV/Å and virial (3, 3) eV
    numbers : .npz file for what the first evaluation gave
    """
    first = True
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        energy, forces, virial = evaluate()
        answer = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
        }
        if first:
            np.savez(numbers, energy=energy, forces=forces, virial=virial)
            first = False
        answer["peak_bytes"] = resident("VmHWM")
        print(json.dumps(answer), flush=True)
