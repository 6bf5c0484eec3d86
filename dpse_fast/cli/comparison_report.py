"""The errors of systems in the words of deepmd-kit's ``dp test``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from .comparison_run import ComparisonRun, SystemErrors
from .frame_table import skipped_line

Record = Mapping[str, Any]

WORDS = {
    "energy": ("Energy", ""),
    "energy_per_atom": ("Energy", "/Natoms"),
    "force": ("Force ", ""),
    "virial": ("Virial", ""),
    "virial_per_atom": ("Virial", "/Natoms"),
    "stress": ("Stress", ""),
}


class ComparisonReport:
    """Prints the errors of each system when the next one begins, and of all."""

    def __init__(self, run: ComparisonRun, as_json: bool) -> None:
        self._run, self._is_mute = run, as_json
        self.skipped: list[Record] = []
        self._n_shown = 0  # systems

    def add(self, record: Record) -> None:
        """Print the systems before the one of this frame."""
        self._show_up_to(record["system"])

    def show(self, record: Record) -> None:
        """Nothing: errors are those of systems."""

    def skip(self, failure: Record) -> None:
        """Report a frame that is left out."""
        number = self._run.systems.number_in_system(failure["frame"])
        self.skipped.append({**failure, "frame": number})
        if not self._is_mute:
            click.echo(skipped_line(self.skipped[-1]))

    def end(self) -> None:
        """Print the last system, and all together."""
        self._show_up_to(len(self._run.of_systems))
        if self._is_mute or not self._run.n_frames:
            return
        tested = sum(one.n_frames > 0 for one in self._run.of_systems)
        _print("# weighted average of errors", f"# number of systems : {tested}")
        _print(*error_lines(self._run.overall()), *self._run.domain.lines())

    def _show_up_to(self, end: int) -> None:
        while self._n_shown < end:
            errors = self._run.of_systems[self._n_shown]
            path = self._run.systems.paths[self._n_shown]
            self._n_shown += 1
            if not self._is_mute and errors.n_frames:
                _print(f"# testing system : {path}")
                _print(f"# number of test data : {errors.n_frames}")
                _print(*error_lines(errors), "")


def error_lines(errors: SystemErrors) -> Iterator[str]:
    """``Energy RMSE/Natoms : 1.234567e-03 eV`` and the like."""
    summary = errors.statistics.summary()
    if not summary:
        yield "no labels: nothing was compared"
    for name, values in summary.items():
        quantity, _, of_type = name.partition(" ")
        title, per = WORDS[quantity]
        for kind in ("MAE", "RMSE"):
            words = f"{title} {kind}{per}{of_type and f' {of_type}'}"
            yield f"{words:<19}: {values[kind.lower()]:e} {values['unit']}"


def _print(*lines: str) -> None:
    for line in lines:
        click.echo(line)
