"""The results of a run over frames: where they go, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import in_escapes
from .output_file import refuse_inputs
from .report import plain

if TYPE_CHECKING:
    from .. import Potential
    from ..writers import ResultWriter, RunDescription, RunOutput

REMEDY = "; --resume continues after them"  # for what a run leaves that fails
# What may differ when a run is continued: none of it changes a number.
FREE_ON_RESUME = ("output", "resume", "skip_bad", "threads", "as_json")


def results_path(
    output: str, suffixes: tuple[str, ...], inputs: Mapping[str, str | None]
) -> Path:
    """Where the results go, if they can.

    Raises
    ------
    InputError
        If no such file can be written, or it or a file on the way to it is an input.
    """
    from ..writers import check_output, files_of_output

    target = check_output(output, suffixes)
    refuse_inputs(output, files_of_output(target), inputs)
    return target


def origin_of(potential: Potential, params: Mapping[str, Any]) -> dict[str, str]:
    """What the results say of where they come from."""
    from .. import __version__

    origin = {
        "program": f"dpse-fast {__version__}",
        "model": params["model"] or "default",
        "model_digest": potential.model.digest(),
        "trajectory": params["trajectory"],
    }
    return {key: in_escapes(text) for key, text in origin.items()}


def open_results(
    target: Path,
    writer: type[ResultWriter],
    description: RunDescription,
    potential: Potential,
    params: Mapping[str, Any],
) -> RunOutput:
    """The results of the command with these parameters, begun or continued."""
    from ..writers import RunOutput

    asked = {k: v for k, v in params.items() if k not in FREE_ON_RESUME}
    settings = plain({**asked, **description.attributes, "device": potential.device})
    results = RunOutput(target, writer, description, settings, params["resume"])
    if results.earlier is not None:
        note_earlier([results.earlier], "; --resume would have continued it")
    if params["resume"]:
        click.echo(f"note: {len(results.done)} frames were done before", err=True)
    return results


def note_earlier(files: Sequence[Path], remedy: str = "") -> None:
    """Say where the results of an earlier run are that did not end, if any are."""
    if files:
        places = ", ".join(map(str, files))
        click.echo(
            f"note: the results of an earlier run that did not end are now in "
            f"{places}{remedy}",
            err=True,
        )


def told_of_results(output: str | None, results: RunOutput | None) -> dict[str, Any]:
    """The names of the results or of what there is of them, ready for JSON."""
    complete = results is not None and results.is_complete
    kept = results is not None and not complete and results.n_frames
    return {
        "output": output if complete else None,
        "partial_output": results.partial if results is not None and kept else None,
    }
