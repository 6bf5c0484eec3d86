"""A plan in words and numbers, for people and for JSON."""

from __future__ import annotations

from typing import Any

from ..plan import Plan
from ..plan.domain import trained_types
from ..plan.form import full_form
from ..plan.nets import is_foldable
from .cost import Costs

ROTATED = "rotated to its rank"
LESS_WORK = "of the work within the tolerance"
FULL, FOLDED = "as in the file", "as in the file, symmetric part once"


def summarise(plan: Plan) -> dict[str, Any]:
    """What was chosen, why, and what it costs in accuracy."""
    certificate = plan.certificate
    parts = range(len(plan.forms))
    return {
        "precision": plan.precision,
        "tolerance_ev_per_angstrom": plan.tolerance,
        "made": plan.made,
        "certificate": None if certificate is None else certificate.summary(),
        "descriptors": [row for k in parts for row in _forms(plan, k)],
        "tables": [row for k in parts for row in _tables(plan, k)],
    }


def _forms(plan: Plan, k: int) -> list[dict[str, Any]]:
    descriptor, names = plan.model.descriptors[k], plan.model.type_map
    trained = trained_types(plan.model, frozenset(plan.species))
    costs = Costs(plan.model, sorted(trained), plan.dtype)
    found = []
    for c, form in plan.forms[k].items():
        tables = {t: table for (a, t), table in plan.tables[k].items() if a == c}
        empty = descriptor.family.empty(descriptor, frozenset({c}))[c]
        full = full_form(descriptor, is_foldable(plan.model, c), empty)
        cost, unrotated = (
            costs.of(c, form, tables),
            costs.unrotated(c, full, tables),
        )
        rotated = form.n_channels < full.n_channels or form.mix is not None
        folded = form.n_inputs < descriptor.n_out
        found.append(
            {
                **_which(plan, k),
                "centre": names[c],
                "chosen": ROTATED if rotated else FOLDED if folded else FULL,
                "because": f"{100 * cost.flops / unrotated.flops:.0f}% {LESS_WORK}"
                if rotated
                else _why_not(plan, c, c in trained),
                "channels": form.n_channels,
                "of": descriptor.width,
                "inputs": form.n_inputs,
                "of_inputs": descriptor.n_out,
                "flops": round(cost.flops),
                "of_flops": round(unrotated.flops),
                "table_bytes": cost.table_bytes,
                "weight_bytes": cost.weight_bytes,
            }
        )
    return found


def _why_not(plan: Plan, species: int, trained: bool) -> str:
    if not plan.tolerance:
        return "tolerance 0 rotates nothing"
    if not trained:
        return "a type without training is left alone"
    if not is_foldable(plan.model, species):
        return "the first layer hands its inputs on"
    return "a rotation within the tolerance saves nothing"


def _which(plan: Plan, k: int) -> dict[str, int]:
    return {"descriptor": k} if len(plan.forms) > 1 else {}


def _tables(plan: Plan, k: int) -> list[dict[str, Any]]:
    names = plan.model.type_map
    return [
        {
            **_which(plan, k),
            "centre": names[c],
            "neighbour": names[t],
            "intervals": table.n_intervals,
            "channels": table.width,
            "from_angstrom": table.shortest,
            "to_angstrom": table.cutoff,
            "relative_error": table.relative_error,
        }
        for (c, t), table in plan.tables[k].items()
    ]
