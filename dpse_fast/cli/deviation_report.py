"""What `model-devi` shows of its frames beside its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from .deviation_run import DeviationRun
from .frame_table import skipped_line

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
        for model, domain in zip(self._models, run.domains, strict=True):
            for line in domain.lines():
                click.echo(f"{model}: {line}")
