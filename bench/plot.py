"""A report as one small picture: contenders, stages, scaling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .peers import COMPRESSED

DOTS_PER_INCH = 90


def pyplot() -> Any:
    """Matplotlib that draws into files, or None where it is not installed."""
    try:
        import matplotlib
    except ImportError:
        return None
    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


def save(figure: Any, path: Path, title: str | None = None) -> bool:
    """Write a PNG and forget the figure."""
    if title:
        figure.suptitle(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=DOTS_PER_INCH)
    pyplot().close(figure)
    return True


def stacked(
    ax: Any,
    columns: Sequence[str],
    stages: Mapping[str, Sequence[float]],
    room: float = 0.4,
) -> None:
    """Bars of the stages upon each other, their legend in the ``room`` to the right."""
    base = [0.0] * len(columns)
    for name, heights in stages.items():
        ax.bar(columns, heights, bottom=base, label=name, width=0.6)
        base = [a + b for a, b in zip(base, heights, strict=True)]
    ax.set(xlim=(-0.5, len(columns) + room))
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], fontsize=7, loc="upper right")


def draw(report: Mapping[str, Any], path: Path) -> bool:
    """Write a PNG; False if there is no matplotlib or nothing to draw."""
    plt = pyplot()
    contenders = (report.get("comparison") or {}).get("contenders")
    found = {"contenders": contenders, **report}
    drawn = [key for key in PANELS if found.get(key)]
    if plt is None or not drawn:
        return False
    figure, axes = plt.subplots(
        1, len(drawn), figsize=(4.6 * len(drawn), 3.4), squeeze=False
    )
    for ax, key in zip(axes[0], drawn, strict=True):
        PANELS[key](ax, found[key])
    return save(figure, path, f"{report['machine']['processor']}, {report['date']}")


def _contenders(ax: Any, entries: Mapping[str, Any]) -> None:
    medians = [entry["cpu_us_per_atom"]["median"] for entry in entries.values()]
    colours = ["C0" if n.startswith("dpse-fast") else "0.7" for n in entries]
    bars = ax.barh([n.replace(", ", "\n", 1) for n in entries], medians, color=colours)
    texts = []
    for median, entry in zip(medians, entries.values(), strict=True):
        faster = entry["times_faster_than"].get(COMPRESSED)
        ratio = f" ({faster['cpu']['median']:.1f}×)" if faster else ""
        texts.append(f" {median:.0f}{ratio}")
    ax.bar_label(bars, texts, fontsize=8)
    ax.margins(x=0.3)
    ax.invert_yaxis()
    ax.tick_params(axis="y", labelsize=8)
    ax.set(xlabel="CPU µs/atom, one thread")


def _stages(ax: Any, found: Mapping[str, Any]) -> None:
    entries = {p: entry["us_per_atom"] for p, entry in found["precisions"].items()}
    names = [n for n in next(iter(entries.values())) if n not in ("total", "cpu")]
    stages = {n: [max(own[n], 0.0) for own in entries.values()] for n in names}
    stacked(ax, list(entries), stages)
    ax.set(ylabel="µs/atom, one thread")


def _scaling(ax: Any, found: Mapping[str, Any]) -> None:
    for precision, entry in found["precisions"].items():
        if not entry["sizes"]:
            continue
        sizes = [row["atoms"] for row in entry["sizes"]]
        seconds = [row["seconds_per_step"] for row in entry["sizes"]]
        law = entry["time"]
        label = f"{precision}, N^{law['exponent']:.2f}" if law else precision
        ax.plot(sizes, seconds, "o-", label=label)
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="atoms", ylabel=f"s/step, {found['threads']} threads")
    ax.grid(alpha=0.3)
    if found["precisions"]:
        ax.legend(fontsize=8)


PANELS = {"contenders": _contenders, "stages": _stages, "scaling": _scaling}
