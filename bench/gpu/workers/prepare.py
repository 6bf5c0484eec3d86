"""Plan the models on the processors, so that others find the plans in the cache."""

from __future__ import annotations

import json
import sys
import time

from ..models import describe_planned, subjects
from ..running import emit


def main() -> None:
    options = json.loads(sys.argv[1])
    for subject in subjects(options):
        for precision in options["precisions"]:
            start = time.perf_counter()
            potential = subject.load("cpu", precision)
            found = describe_planned(potential, subject.frame(potential))
            emit(
                {
                    "subject": subject.label,
                    "precision": precision,
                    "seconds": time.perf_counter() - start,
                    "plan": found["plan"],
                }
            )


if __name__ == "__main__":
    main()
