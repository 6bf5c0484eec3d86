"""What a GPU may reach, from data sheets and counts: an estimate, nothing measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from dpse_fast.cuda.memory import bytes_per_atom
from dpse_fast.plan import Plan

from ..table import number, table
from .ceilings import Card
from .models import SKIN, Subject, plan_of, surroundings
from .roofline import ASSUMED, Efficiencies, least_seconds, seconds_of
from .surroundings import Surroundings
from .work import Counting, Part, product_kind, work_of

CONFIGURATIONS = (
    ("double", "float32"),
    ("mixed", "float32"),
    ("mixed", "tf32x3"),
    ("mixed", "tf32"),
    ("single", "tf32x3"),
)


def label_of(precision: str, gemm: str) -> str:
    """A configuration's name."""
    return precision if precision == "double" else f"{precision}, {gemm}"


def estimate(
    plan: Plan,
    around: Surroundings,
    card: Card,
    gemm: str,
    reached: Efficiencies = ASSUMED,
) -> dict[str, Any]:
    """Nanoseconds an atom and step of each stage, at the peaks and likely.

    Parameters
    ----------
    around : with the skin of the list
    """
    work = work_of(plan, around, Counting(gemm=gemm))
    ceilings, kind = card.ceilings(), product_kind(plan, gemm)
    least = least_seconds(work, ceilings, kind)
    likely = least_seconds(work, ceilings, kind, reached)

    def slowest(parts: Sequence[Part]) -> str:
        bounds = [(*seconds_of(p, ceilings, kind, reached), p.name) for p in parts]
        seconds, limit, name = max(bounds)
        return f"{name}: {limit}" if seconds else "nothing"

    own = bytes_per_atom(plan, True, SKIN)
    return {
        "least_ns_per_atom": {k: 1e9 * v for k, v in least.items()},
        "likely_ns_per_atom": {k: 1e9 * v for k, v in likely.items()},
        "limits": {stage: slowest(parts) for stage, parts in work.items()},
        "million_atom_steps_per_s": 1e-6 / sum(likely.values()),
        "at_the_peaks": 1e-6 / sum(least.values()),
        "flops_per_atom": sum(
            p.float32 + p.float64 + p.product for parts in work.values() for p in parts
        ),
        "memory_bytes_per_atom": sum(p.memory for ps in work.values() for p in ps),
        "bytes_held_per_atom": own,
        "million_atoms_that_fit": 1e3 * card.gigabytes / own,
    }


def estimates(
    subject: Subject,
    card: Card,
    configurations: Iterable[tuple[str, str]] = CONFIGURATIONS,
) -> dict[str, Any]:
    """Of a model in each precision, planned on the processors."""
    found = {}
    for precision, gemm in configurations:
        potential = subject.load("cpu", precision)
        frame = subject.frame(potential)
        plan = plan_of(potential, frame)
        around = surroundings(plan, frame)
        found[label_of(precision, gemm)] = estimate(plan, around, card, gemm)
    return found


def assumptions(card: Card, reached: Efficiencies = ASSUMED) -> str:
    """The figures that an estimate stands on, as text."""
    parts = ", ".join(
        f"{f.name.replace('_', ' ')} {getattr(reached, f.name):g}"
        for f in fields(reached)
    )
    return (
        f"{card.name}: {card.memory / 1e12:g} TB/s, {card.float32 / 1e12:g} TFLOP/s "
        f"float32, {card.float64 / 1e12:g} float64 ({card.product_float64 / 1e12:g} in "
        f"products), {card.tf32 / 1e12:g} TF32, {card.multiprocessors} multiprocessors "
        f"at {card.clock / 1e9:g} GHz with {card.l1_size / 2**10:g} KiB of L1. Assumed "
        f"parts of the peaks: {parts}. Kernels follow one another, a kernel takes as "
        "long as its slowest resource. Not counted: launches, waiting for the host, "
        f"copies of results. A list with a skin of {SKIN:g} Å is built every 10 steps."
    )


def estimate_text(card: Card, found: Mapping[str, Mapping[str, Any]]) -> str:
    """Tables of each model's estimates.

    Parameters
    ----------
    found : by label of the model, what `estimates` gives
    """
    parts = [f"ESTIMATE for one {card.name}; nothing here was measured.", ""]
    for label, entries in found.items():
        stages = list(next(iter(entries.values()))["likely_ns_per_atom"])
        header = ["ns/atom", *stages, "sum", "10⁶ atom-steps/s", "at the peaks"]
        rows = []
        for name, entry in entries.items():
            ns = entry["likely_ns_per_atom"]
            numbers = [*ns.values(), sum(ns.values())]
            numbers += [entry["million_atom_steps_per_s"], entry["at_the_peaks"]]
            rows.append([name, *(number(x) for x in numbers)])
        parts += [f"{label}:", "", table(header, rows), ""]
        facts = []
        for name, entry in entries.items():
            limits = "; ".join(f"{s}: {limit}" for s, limit in entry["limits"].items())
            facts.append(
                f"- {name}: {entry['flops_per_atom'] / 1e6:.2f} MFLOP and "
                f"{entry['memory_bytes_per_atom'] / 1e3:.1f} kB an atom; "
                f"{entry['bytes_held_per_atom']} B held, "
                f"{entry['million_atoms_that_fit']:.0f} million atoms fit. "
                f"Slowest kernels and what bounds them: {limits}"
            )
        parts += [*facts, ""]
    return "\n".join([*parts, assumptions(card)])
