"""A plan in words and numbers, for people and for JSON."""

from __future__ import annotations

from typing import Any

from .plan import Plan


def summarise(plan: Plan) -> dict[str, Any]:
    """What was chosen, why, and what it costs in accuracy."""
    names = plan.model.type_map
    certificate = plan.certificate
    return {
        "precision": plan.precision,
        "tolerance_ev_per_angstrom": plan.tolerance,
        "made": plan.made,
        "certificate": None if certificate is None else certificate.summary(),
        "forms": [choice.summary(names) for choice in plan.choices],
        "tables": [row for k, _ in enumerate(plan.descriptors) for row in _rows(plan, k)],
        "table_bytes": plan.table_bytes,
        "bytes": plan.n_bytes,
    }


def _rows(plan: Plan, k: int) -> list[dict[str, Any]]:
    names = plan.model.type_map
    hybrid = {"descriptor": k} if len(plan.descriptors) > 1 else {}
    return [
        {
            **hybrid,
            "centre": names[c],
            "neighbour": names[t],
            "intervals": table.n_intervals,
            "channels": table.width,
            "from_angstrom": table.shortest,
            "to_angstrom": table.cutoff,
            "relative_error": table.relative_error,
        }
        for (c, t), table in plan.descriptors[k].tables.items()
    ]
