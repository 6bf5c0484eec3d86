"""A GPU's report as one small picture: speed by size, stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..plot import pyplot, save, stacked


def draw(report: Mapping[str, Any], path: Path) -> bool:
    """Write a PNG; False if there is no matplotlib or nothing to draw."""
    plt = pyplot()
    runs = (report.get("timings") or {}).get("runs") or []
    timed = [run for run in runs if "ns_per_atom" in run]
    subjects = list(dict.fromkeys(run["subject"] for run in timed))
    if plt is None or not subjects:
        return False
    shape = (len(subjects), 2)
    figure, axes = plt.subplots(*shape, figsize=(10, 3.6 * shape[0]), squeeze=False)
    for (left, right), subject in zip(axes, subjects, strict=True):
        own = [run for run in timed if run["subject"] == subject]
        _speeds(left, own)
        left.set_title(subject, fontsize=8)
        staged = {r["kind"]: r["stages"]["ns_per_atom"] for r in own if "stages" in r}
        if staged:
            columns = [kind.replace(", ", "\n") for kind in staged]
            names = next(iter(staged.values()))
            stages = {n: [each[n] for each in staged.values()] for n in names}
            stacked(right, columns, stages, 0.6)
            right.set(ylabel="ns/atom")
            right.tick_params(axis="x", labelsize=7)
        else:
            right.set_axis_off()
    return save(figure, path, f"{report['name']}, {report['date']}")


def _speeds(ax: Any, runs: Sequence[Mapping[str, Any]]) -> None:
    for kind in dict.fromkeys(run["kind"] for run in runs):
        own = sorted(
            (run["atoms"], run["atom_steps_per_s"] / 1e6)
            for run in runs
            if run["kind"] == kind
        )
        ax.plot(*zip(*own, strict=True), "o-", label=kind, markersize=3)
    ax.set(xscale="log", yscale="log", xlabel="atoms", ylabel="10⁶ atom-steps/s")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7)
