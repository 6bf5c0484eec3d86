"""What of all frames lies beyond the model's domain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


class DomainSummary:
    """Adds up the reports of frames."""

    def __init__(self) -> None:
        self._frames: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()
        self._over: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()

    def add(self, report: Mapping[str, Any]) -> None:
        """Count one frame, by the summary of its `Report`."""
        over: dict[str, int] = dict(report["sel_overflow"] or {})
        unseen: Mapping[str, int] = report["unseen_pairs"]
        counts = {
            "sel_overflow": over.pop("atoms", 0),
            "close_pairs": report["close_pairs"],
            "short_pairs": report["short_pairs"],
            "unseen_pairs": sum(unseen.values()),
            "non_finite_atoms": report["non_finite_atoms"],
            "virtual_atoms": report["virtual_atoms"],
            "unreduced_atoms": report["unreduced_atoms"],
        }
        self._frames.update(name for name, count in counts.items() if count)
        self._totals.update(counts)
        self._over.update(over)
        self._unseen.update(unseen)

    def summary(self) -> dict[str, Any]:
        """Frames and totals of each kind, ready for JSON."""
        found: dict[str, Any] = {
            name: {"frames": self._frames[name], "total": total}
            for name, total in self._totals.items()
        }
        if found:
            found["sel_overflow"]["atoms_by_type"] = dict(self._over)
            found["unseen_pairs"]["by_types"] = dict(self._unseen)
        return found

    def lines(self) -> list[str]:
        """What a person should know, a line a kind; empty if all is well."""
        shown = {
            "sel_overflow": ("more neighbours than sel", "atoms", self._over),
            "close_pairs": ("closer than in the training data", "pairs", {}),
            "short_pairs": ("closer than half of that", "pairs", {}),
            "unseen_pairs": ("types without training", "neighbours", self._unseen),
            "non_finite_atoms": ("NaN or infinite", "atoms", {}),
            "virtual_atoms": ("virtual (type -1)", "atoms", {}),
            "unreduced_atoms": ("too close for reduced tables", "atoms", {}),
        }
        lines = []
        for name, (title, unit, parts) in shown.items():
            if not self._totals[name]:
                continue
            line = f"{title:<34} {self._totals[name]} {unit} in {self._frames[name]} "
            line += "frame" if self._frames[name] == 1 else "frames"
            if parts:
                each = (f"{key} {count}" for key, count in parts.items())
                line += f" ({', '.join(each)})"
            lines.append(line)
        return lines
