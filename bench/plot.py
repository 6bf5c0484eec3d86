"""A report as one small picture: scaling, stages, contenders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOTS_PER_INCH = 90


def draw(report: Mapping[str, Any], path: Path) -> bool:
    """Write a PNG; False if there is no matplotlib or nothing to draw."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = [
        (key, function)
        for key, function in (("scaling", _scaling), ("stages", _stages))
        if report.get(key)
    ]
    if not panels:
        return False
    figure, axes = plt.subplots(
        1, len(panels), figsize=(5.2 * len(panels), 3.8), squeeze=False
    )
    for ax, (_, function) in zip(axes[0], panels, strict=True):
        function(ax, report)
    figure.suptitle(f"{report['machine']['processor']}, {report['date']}", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=DOTS_PER_INCH)
    plt.close(figure)
    return True


def _scaling(ax: Any, report: Mapping[str, Any]) -> None:
    found = report["scaling"]
    for precision, entry in found["precisions"].items():
        sizes = [row["atoms"] for row in entry["sizes"]]
        if not sizes:
            continue
        law = entry["time"]
        label = f"{precision}, N^{law['exponent']:.2f}" if law else precision
        seconds = [row["seconds_per_step"] for row in entry["sizes"]]
        ax.loglog(sizes, seconds, "o-", label=label)
    ax.set(xlabel="atoms", ylabel=f"s/step, {found['threads']} threads")
    ax.grid(alpha=0.3)
    ax.legend()


def _stages(ax: Any, report: Mapping[str, Any]) -> None:
    entries = report["stages"]["precisions"]
    labels = [f"dpse-fast, {precision}" for precision in entries]
    left = [0.0] * len(entries)
    names = [n for n in next(iter(entries.values()))["us_per_atom"] if n != "total"]
    for name in names:
        widths = [max(p["us_per_atom"][name], 0.0) for p in entries.values()]
        ax.barh(labels, widths, left=left, label=name)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    contenders = (report.get("comparison") or {}).get("contenders", {})
    for name, entry in contenders.items():
        if not name.startswith("dpse-fast"):
            ax.barh([name], [entry["wall_us_per_atom"]["median"]], color="0.75")
    ax.invert_yaxis()
    ax.set(xlabel="µs/atom, one thread")
    ax.legend(fontsize=7)
