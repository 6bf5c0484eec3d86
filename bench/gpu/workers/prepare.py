"""Plan the models on the processors, so that others find the plans in the cache."""

from __future__ import annotations

import json
import sys
import time

from dpse_fast.cuda.packed_plan import PackedPlan

from ..models import plan_of, subjects
from ..running import emit


def main() -> None:
    options = json.loads(sys.argv[1])
    for subject in subjects(options):
        for precision in options["precisions"]:
            start = time.perf_counter()
            potential = subject.load("cpu", precision)
            plan = plan_of(potential, subject.frame(potential))
            emit(
                {
                    "subject": subject.label,
                    "precision": precision,
                    "seconds": time.perf_counter() - start,
                    "inputs": {c: plan.n_inputs(c) for c in plan.species},
                    "table_bytes": PackedPlan(plan).table_bytes,
                }
            )


if __name__ == "__main__":
    main()
