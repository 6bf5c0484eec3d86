"""What `eval` shows of its frames: a table line by line, or records for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .evaluation_run import EvaluationRun

Record = Mapping[str, Any]


class Records:
    """Keeps every frame's record for the JSON object."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.skipped: list[Record] = []

    def add(self, record: Record) -> None:
        """Take a frame in."""
        self.records.append(record)

    def show(self, record: Record) -> None:
        """Nothing: the object is printed as a whole."""

    def skip(self, failure: Record) -> None:
        self.skipped.append(failure)

    def end(self) -> None:
        """Nothing: the object is printed as a whole."""


class Table:
    """Prints a line for each frame, and at the end time and errors."""

    def __init__(self, run: EvaluationRun) -> None:
        self.records: list[Record] = []  # none are kept
        self.skipped: list[Record] = []
        self._run = run
        self._with_errors: bool | None = None

    def add(self, record: Record) -> None:
        """Nothing: the run sums up."""

    def show(self, record: Record) -> None:
        """Print a frame's line."""
        from .frame_table import table_header, table_line

        if self._with_errors is None:
            self._with_errors = bool(record["errors"])
            print_line(table_header(self._with_errors))
        print_line(table_line(record, self._with_errors))

    def skip(self, failure: Record) -> None:
        from .frame_table import skipped_line

        self.skipped.append(failure)
        print_line(skipped_line(failure))

    def end(self) -> None:
        from .frame_table import error_lines

        run = self._run
        if not run.n_frames:
            return
        lines = [
            "",
            f"{run.n_frames} frames, {run.n_atoms} atoms, {run.seconds:.3g} s, "
            f"{run.microseconds_per_atom:.3g} µs/atom",
            *([f"{len(self.skipped)} frames skipped"] if self.skipped else []),
            *error_lines(run.statistics),
            *run.domain.lines(),
        ]
        for line in lines:
            print_line(line)


def print_line(line: str) -> None:
    """A line of standard output, above the progress bar."""
    import sys

    from tqdm import tqdm

    tqdm.write(line, file=sys.stdout)
