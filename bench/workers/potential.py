"""The potential that a worker's options name."""

from __future__ import annotations

from typing import Any

import dpse_fast


def potential_of(options: dict[str, Any]) -> dpse_fast.Potential:
    """With the file's own rule for more neighbours than sel, as deepmd-kit has it.

    On the processors, unless the options name a device.
    """
    return dpse_fast.load(
        options["model"],
        device=options.get("device", "cpu"),
        gemm=options.get("gemm"),
        precision=options["precision"],
        threads=options["threads"],
        tol=options["tol"],
        sel_overflow="truncate",
    )
