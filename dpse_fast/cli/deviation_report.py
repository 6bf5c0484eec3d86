"""What `model-devi` shows of its frames beside its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from .deviation_run import DeviationRun
from .frame_table import skipped_line

if TYPE_CHECKING:
    from .. import Committee, Potential

Record = Mapping[str, Any]


class DeviationReport:
    """Keeps the records for JSON, or says in the end what was found.

    Parameters
    ----------
    run : DeviationRun
    models : their files
    as_json : print nothing
    """

    def __init__(self, run: DeviationRun, models: Sequence[str], as_json: bool) -> None:
        self._run, self._models, self._as_json = run, models, as_json
        self.records: list[Record] = []  # kept for JSON only
        self.skipped: list[Record] = []

    def add(self, record: Record) -> None:
        """Take a frame in."""
        if self._as_json:
            path = self._run.systems.paths[record["system"]]
            self.records.append({**record, "system": path})

    def show(self, record: Record) -> None:
        """Nothing: lines are in the file."""

    def skip(self, failure: Record) -> None:
        """Report a frame that is left out."""
        number = self._run.systems.number_in_system(failure["frame"])
        self.skipped.append({**failure, "frame": number})
        if not self._as_json:
            click.echo(skipped_line(self.skipped[-1]))

    def end(self) -> None:
        """Say how large deviations are, and what lies beyond the models' domains."""
        run = self._run
        if self._as_json or not run.n_frames:
            return
        kind = "error" if run.options.real_error else "deviation"
        unit = "" if run.options.relative is not None else " eV/Å"
        n = len(self._models)
        models = "1 model" if n == 1 else f"{n} models"
        click.echo(
            f"{run.n_frames} frames, {models}, largest {kind} of a force "
            f"{run.largest:.6e}{unit}"
        )
        accuracy = deviation_accuracy(run.evaluator.potential)
        if tolerance := accuracy.get("deviation_tolerance_ev_per_angstrom"):
            most = accuracy["deviation_certificate"]["force_max_ev_per_angstrom"]
            click.echo(
                f"all models but the first were planned for {tolerance:g} eV/Å: "
                f"deviations of forces are right to {most:.2g} eV/Å"
            )
        for model, domain in zip(self._models, run.domains, strict=True):
            for line in domain.lines():
                click.echo(f"{model}: {line}")


def deviation_accuracy(potential: Potential | Committee) -> dict[str, Any]:
    """How exact the deviations of a committee are, ready for JSON."""
    from ..committee import Committee

    if not isinstance(potential, Committee):
        return {}
    return {
        "deviation_tolerance_ev_per_angstrom": potential.deviation_tol,
        "deviation_certificate": potential.deviation_certificate(),
    }
