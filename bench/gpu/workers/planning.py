"""Plan the models on the processors, so that others find the plans in the cache."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ..models import Kind, describe_planned, subjects


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for subject in subjects(options):
        for precision in dict.fromkeys(kind[0] for kind in options["kinds"]):
            start = time.perf_counter()
            potential = subject.load("cpu", Kind(precision))
            plan = describe_planned(potential, subject.frame(potential))["plan"]
            took = time.perf_counter() - start
            named = {"subject": subject.label, "precision": precision}
            yield {**named, "seconds": took, "plan": plan}
