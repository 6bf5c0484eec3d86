"""Seconds of each stage, and the fitting nets against the machine's GEMM peak."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import dpse_fast
from dpse_fast.runtime.blas_threads import one_blas_thread

from .gemm import Shape, chain_rates, layer_flops, square_rate
from .progress import say
from .system import System


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
    kept = []
    for _ in range(rounds):
        before = session.stage_seconds
        start, used = time.perf_counter(), time.process_time()
        session.compute(*arguments)
        wall, cpu = time.perf_counter() - start, time.process_time() - used
        after = session.stage_seconds
        stages = {name: after[name] - before[name] for name in after}
        other = cpu - sum(stages.values())
        kept.append({**stages, "other": other, "total": cpu, "wall": wall})
    return {
        "seconds": {name: min(r[name] for r in kept) for name in kept[0]},
        "wall_over_cpu": min(r["wall"] / r["total"] for r in kept),
        "rounds": kept,
    }


def measure_stages(
    precisions: Sequence[str],
    model: str | None,
    tol: float,
    system: System,
    rounds: int,
) -> dict[str, Any]:
    """One thread, a new neighbour list in every evaluation, as in the comparison.

    The products' peak is measured before and after the stages; the better counts.
    """
    found: dict[str, Any] = {"atoms": len(system.types), "precisions": {}}
    squares = [_squares()]
    for precision in precisions:
        say(f"stages, {precision}")
        potential = dpse_fast.load(
            model, precision=precision, tol=tol, threads=1, sel_overflow="truncate"
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
            s: max(before[s], after[s], key=lambda rate: rate["gflops"])
            for s in distinct
        }
        values, numbers = np.unique(system.types, return_counts=True)
        counts = dict(zip(values.tolist(), numbers.tolist(), strict=True))
        seconds = measured["seconds"]
        found["precisions"][precision] = {
            "us_per_atom": {
                name: 1e6 * value / len(system.types) for name, value in seconds.items()
            },
            "fitting": fitting_rate(
                shapes,
                counts,
                seconds["fitting"],
                {s: rate["gflops"] for s, rate in best.items()},
            ),
            "gemm_same_shapes": [
                {"types": [t for t, own in shapes.items() if own == s], **best[s]}
                for s in distinct
            ],
            "plan_bytes": potential.describe()["plan"]["bytes"],
            "wall_over_cpu": measured["wall_over_cpu"],
            "rounds": measured["rounds"],
        }
    squares.append(_squares())
    found["gemm_square_gflops"] = {
        name: max(square[name] for square in squares) for name in squares[0]
    }
    return found


def _squares() -> dict[str, float]:
    """GFLOP/s of large square products on one thread."""
    found = {}
    with one_blas_thread():
        for name in ("float64", "float32"):
            say(f"GEMM peak, {name}")
            found[name] = square_rate(name)
    return found
