"""One line for each evaluated frame, aligned, as soon as it is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trajectory.error_statistics import ENERGY, FORCES, ErrorStatistics

COLUMNS = (
    ("frame", 7, "d"),
    ("atoms", 8, "d"),
    ("energy/eV", 18, ".6f"),
    ("eV/atom", 12, ".6f"),
    ("max|F|/(eV/Å)", 14, ".5f"),
    ("P/GPa", 10, ".4f"),
)
ERROR_COLUMNS = (("|dE|/(meV/atom)", 15, ".4g"), ("F rmse/(meV/Å)", 15, ".4g"))


def table_header(with_errors: bool) -> str:
    columns = COLUMNS + (ERROR_COLUMNS if with_errors else ())
    return " ".join(f"{title:>{width}}" for title, width, _ in columns)


def table_line(record: Mapping[str, Any], with_errors: bool) -> str:
    values = [
        record[key]
        for key in (
            "frame",
            "atoms",
            "energy_ev",
            "energy_per_atom_ev",
            "max_force_ev_per_angstrom",
            "pressure_gpa",
        )
    ]
    columns = list(COLUMNS)
    if with_errors:
        columns += ERROR_COLUMNS
        errors = record["errors"] or {}
        for name in (ENERGY, FORCES):
            values.append(1e3 * errors[name]["rmse"] if name in errors else None)
    return " ".join(
        f"{'-':>{width}}" if value is None else f"{value:{width}{form}}"
        for value, (_, width, form) in zip(values, columns, strict=True)
    )


def skipped_line(failure: Mapping[str, Any]) -> str:
    """In place of the line of a frame that could not be evaluated."""
    return f"{failure['frame']:>{COLUMNS[0][1]}} skipped: {failure['error']}"


def error_lines(statistics: ErrorStatistics) -> list[str]:
    """The errors of all frames, in thousandths of their units."""
    summary = statistics.summary()
    if not summary:
        return []
    lines = [f"{'against the labels':<32} {'MAE':>12} {'RMSE':>12} {'max':>12}"]
    for name, values in summary.items():
        title = f"{name.replace('_', ' ')} (m{values['unit']})"
        numbers = (1e3 * float(values[key]) for key in ("mae", "rmse", "max"))
        lines.append(f"{title:<32} " + " ".join(f"{x:12.4g}" for x in numbers))
    return lines
