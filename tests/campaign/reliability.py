"""The table of docs/reliability.md, from the JSON of a campaign."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .registry import TARGETS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- table of the campaign -->", "<!-- end of the table -->"
HEAD = "| promise | what was tried | how often | result |\n|---|---|---|---|\n"


def number(value: float) -> str:
    """12,345 or 1.23."""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.3g}"


def row(name: str, entry: dict[str, Any] | None) -> str:
    """Of one target; without an entry it says that there are no figures."""
    target = TARGETS[name]
    figures = {} if entry is None else entry.get("figures", {})

    class Known(dict[str, str]):
        def __missing__(self, key: str) -> str:
            return f"the {key}"

    known = Known({k: number(v) for k, v in figures.items() if " " not in k})
    tried = target.tried.format_map(known)
    if entry is None:
        return f"| {target.promise} | {tried} | not run yet | |"
    if "skipped" in entry:
        return f"| {target.promise} | {tried} | skipped: {entry['skipped']} | |"
    counts = dict(entry["outcomes"])
    failed = counts.pop("FAILURE", 0)
    each = ", ".join(f"{number(n)} {kind}" for kind, n in counts.items())
    result = "no failure"
    if failed:
        result = f"**{number(failed)} failure{'s' * (failed > 1)}**"
    measured = [f"{k}: {number(v)}" for k, v in figures.items() if " " in k]
    measured.append(f"largest process: {number(entry['peak_mib'])} MiB")
    often = f"{number(entry['executions'])} executions (seed {entry['seed']}): {each}"
    return f"| {target.promise} | {tried} | {often} | {result}; {'; '.join(measured)} |"


def table(results: dict[str, Any]) -> str:
    """All targets, and what the figures were measured with."""
    entries = results["targets"]
    text = HEAD + "".join(f"{row(name, entries.get(name))}\n" for name in TARGETS)
    runs = {
        f"{e['processor']}, Python {e['versions']['python']}, NumPy "
        f"{e['versions']['numpy']}, Numba {e['versions']['numba']}, commit "
        f"{e['versions']['commit']}"
        for e in entries.values()
    }
    hours = sum(e["seconds"] for e in entries.values()) / 3600
    if runs:
        text += f"\n{hours:.1f} hours in all. {'; '.join(sorted(runs))}.\n"
    return text


def page_with(page: str, results: dict[str, Any]) -> str:
    """The page with the table between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(results)}\n{END}{after}"


def write_table(results: Path, page: Path = PAGE) -> None:
    page.write_text(page_with(page.read_text(), json.loads(results.read_text())))
