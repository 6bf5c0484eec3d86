"""A GPU's report as one small picture: speed by size, stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..plot import DOTS_PER_INCH
from .models import label_of


def draw(report: Mapping[str, Any], path: Path) -> bool:
    """Write a PNG; False if there is no matplotlib or nothing to draw."""
    try:
        import matplotlib
    except ImportError:
        return False
    runs = (report.get("timings") or {}).get("runs") or []
    timed = [run for run in runs if "ns_per_atom" in run]
    subjects = list(dict.fromkeys(run["subject"] for run in timed))
    if not subjects:
        return False
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shape = (len(subjects), 2)
    figure, axes = plt.subplots(*shape, figsize=(10, 3.6 * shape[0]), squeeze=False)
    for row, subject in zip(axes, subjects, strict=True):
        own = [run for run in timed if run["subject"] == subject]
        _speeds(row[0], own)
        _stages(row[1], [run for run in own if "stages" in run])
        row[0].set_title(subject, fontsize=8)
    figure.suptitle(f"{report['name']}, {report['date']}", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)
    return True


def _label(run: Mapping[str, Any]) -> str:
    return label_of(run["precision"], run["gemm"], run["deterministic"])


def _speeds(ax: Any, runs: Sequence[Mapping[str, Any]]) -> None:
    for label in dict.fromkeys(map(_label, runs)):
        own = sorted(
            (run["atoms"], run["atom_steps_per_s"] / 1e6)
            for run in runs
            if _label(run) == label
        )
        ax.plot(*zip(*own, strict=True), "o-", label=label, markersize=3)
    ax.set(xscale="log", yscale="log", xlabel="atoms", ylabel="10⁶ atom-steps/s")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7)


def _stages(ax: Any, runs: Sequence[Mapping[str, Any]]) -> None:
    if not runs:
        ax.set_axis_off()
        return
    labels = [_label(run).replace(", ", "\n") for run in runs]
    base = [0.0] * len(runs)
    for stage in runs[0]["stages"]["ns_per_atom"]:
        heights = [run["stages"]["ns_per_atom"][stage] for run in runs]
        ax.bar(labels, heights, bottom=base, label=stage, width=0.6)
        base = [a + b for a, b in zip(base, heights, strict=True)]
    ax.set(ylabel="ns/atom", xlim=(-0.5, len(runs) + 0.6))
    ax.tick_params(axis="x", labelsize=7)
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], names[::-1], fontsize=7, loc="upper right")
