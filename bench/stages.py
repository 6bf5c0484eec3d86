"""Seconds of each stage, and the fitting nets against the machine's GEMM peak."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dpse_fast
from dpse_fast.runtime.blas_threads import one_blas_thread

from .comparison import Contest
from .gemm import Shape, chain_rates, layer_flops, square_rate
from .progress import say
from .system import System
from .workers.serve import timed


def fitting_shapes(potential: Any) -> dict[int, tuple[Shape, ...]]:
    """(inputs, outputs) of the layers that the plan runs, for each type."""
    return {species: net.shapes for species, net in potential.plan.nets.items()}


def fitting_rate(
    shapes: Mapping[int, Sequence[Shape]],
    counts: Mapping[int, int],
    seconds: float,
    peaks: Mapping[tuple[Shape, ...], float],
) -> dict[str, float]:
    """The matrix products of the fitting stage against their peak.

    Parameters
    ----------
    shapes : of the layers, for each type
    counts : atoms of each type
    seconds : of the whole stage, activations included
    peaks : GFLOP/s of the products of these shapes alone

    Returns
    -------
    FLOPs per atom, GFLOP/s of the stage, and the fraction of its time that the
    products alone would take at their peak
    """
    flops = {t: counts[t] * layer_flops(shapes[t]) for t in counts}
    least = sum(f / (1e9 * peaks[tuple(shapes[t])]) for t, f in flops.items())
    total = sum(flops.values())
    return {
        "flops_per_atom": total / sum(counts.values()),
        "gflops": total / seconds / 1e9,
        "peak_gflops_same_shapes": total / least / 1e9,
        "fraction_of_peak": least / seconds,
    }


def profile(session: Any, system: System, rounds: int) -> dict[str, Any]:
    """The shortest seconds of each stage over the rounds, and every round.

    Processor seconds; ``other`` lies between the stages. The peak that they are
    compared with is that of the shortest call, too. ``wall_over_cpu`` is that of
    the best round.
    """
    arguments = (system.positions, system.types, system.cell)
    session.compute(*arguments)
    each = []
    for _ in range(rounds):
        before = session.stage_seconds
        _, took = timed(lambda: session.compute(*arguments))
        after = session.stage_seconds
        stages = {name: after[name] - before[name] for name in after}
        stages["other"] = took["cpu"] - sum(stages.values())
        each.append({**stages, "total": took["cpu"], "wall": took["wall"]})
    return {
        "seconds": {name: min(r[name] for r in each) for name in each[0]},
        "wall_over_cpu": min(r["wall"] / r["total"] for r in each),
        "rounds": each,
    }


def measure_stages(
    contest: Contest, precisions: Sequence[str], rounds: int
) -> dict[str, Any]:
    """One thread, a new neighbour list in every evaluation, as in the comparison.

    The products' peak is measured before and after the stages; the better counts.
    """
    before = _squares()
    found = {p: _measure(contest, p, rounds) for p in precisions}
    squares = {name: max(rate, before[name]) for name, rate in _squares().items()}
    n = contest.n_atoms
    return {"atoms": n, "precisions": found, "gemm_square_gflops": squares}


def _measure(contest: Contest, precision: str, rounds: int) -> dict[str, Any]:
    say(f"stages, {precision}")
    system, n_atoms = contest.system, contest.n_atoms
    common: dict[str, Any] = {"threads": 1, "sel_overflow": "truncate"}
    potential = dpse_fast.load(
        contest.model, precision=precision, tol=contest.tol, **common
    )
    potential.compute(system.positions, system.types, system.cell)
    shapes = fitting_shapes(potential)
    dtype = "float64" if precision == "double" else "float32"
    distinct = set(shapes.values())
    with one_blas_thread():
        before = {s: chain_rates(s, dtype) for s in distinct}
        measured = profile(potential.session(0.0, profile=True), system, rounds)
        after = {s: chain_rates(s, dtype) for s in distinct}
    best = {
        s: max(before[s], after[s], key=lambda rate: rate["gflops"]) for s in distinct
    }
    peaks = {s: rate["gflops"] for s, rate in best.items()}
    counts, seconds = Counter(system.types.tolist()), measured["seconds"]
    return {
        "us_per_atom": {name: 1e6 * each / n_atoms for name, each in seconds.items()},
        "fitting": fitting_rate(shapes, counts, seconds["fitting"], peaks),
        "gemm_same_shapes": [
            {"types": [t for t, own in shapes.items() if own == s], **best[s]}
            for s in distinct
        ],
        "plan_bytes": potential.describe()["plan"]["bytes"],
        "wall_over_cpu": measured["wall_over_cpu"],
        "rounds": measured["rounds"],
    }


def _squares() -> dict[str, float]:
    """GFLOP/s of large square products on one thread."""
    say("GEMM peaks")
    with one_blas_thread():
        return {name: square_rate(name) for name in ("float64", "float32")}
