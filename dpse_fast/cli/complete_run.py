"""Takes a run through its frames: complete, or with what was finished left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import click

from .frame_loop import FrameLoop, Output, Read
from .progress_bar import progress_bar


class Report(Protocol):
    """Says what was found, when all is done or when the run fails."""

    def end(self) -> None:
        """Say it."""
        ...


class PartialOutput(Output, Protocol):
    """Results that get their names when all frames are there."""

    n_frames: int

    @property
    def partial(self) -> Path | list[Path]: ...

    def complete(self) -> None:
        """Close the results and give them their names."""
        ...

    def leave(self) -> bool:
        """Close those of a run that has failed; returns whether there are any."""
        ...


def complete_run(
    loop: FrameLoop,
    read: Read,
    report: Report,
    results: PartialOutput | None,
    remedy: str = "",
) -> None:
    """Evaluate all frames, and give the results their names.

    Parameters
    ----------
    loop : writes to `results`
    read : gives the frames
    remedy : what may be done with results of a run that fails
    """
    try:
        with progress_bar() as bar:
            loop.go(read, bar.update)
    except BaseException as error:
        if not isinstance(error, BrokenPipeError):
            report.end()
        if results is not None and results.leave():
            files = results.partial
            places = ", ".join(map(str, files if isinstance(files, list) else [files]))
            click.echo(
                f"note: {results.n_frames} finished frames are in {places}{remedy}",
                err=True,
            )
        raise
    if results is not None:
        results.complete()
