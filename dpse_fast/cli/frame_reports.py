"""What `eval` shows of its frames: a table line by line, or records for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluation_run import EvaluationRun


class Records:
    """Keeps every frame's record for the JSON object."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def add(self, record: dict[str, Any]) -> None:
        self.records.append(record)


class Table:
    """Prints a line for each frame, and at the end time and errors."""

    def __init__(self, run: EvaluationRun) -> None:
        self._run = run
        self._with_errors: bool | None = None

    def add(self, record: dict[str, Any]) -> None:
        from .frame_table import table_header, table_line

        if self._with_errors is None:
            self._with_errors = bool(record["errors"])
            _print(table_header(self._with_errors))
        _print(table_line(record, self._with_errors))

    def end(self) -> None:
        from .frame_table import error_lines

        run = self._run
        lines = [
            "",
            f"{run.n_frames} frames, {run.n_atoms} atoms, {run.seconds:.3g} s, "
            f"{run.microseconds_per_atom:.3g} µs/atom",
            *error_lines(run.statistics),
            *run.domain.lines(),
        ]
        for line in lines:
            _print(line)


def _print(line: str) -> None:
    import sys

    from tqdm import tqdm

    tqdm.write(line, file=sys.stdout)
