"""Commands whose standard output tells how they ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from ..errors import InputError
from .failures import message_of
from .report import print_json
from .standard_streams import Streams

REPORT = f"{__name__}.report"  # in a context: what is known when a command fails

Report = Callable[[], Mapping[str, Any]]


class JsonCommand(click.Command):
    """With ``--json`` it prints one object; if it fails, with the ``error`` in it."""

    def invoke(self, ctx: click.Context) -> Any:
        streams = ctx.find_object(Streams)
        if streams is not None and streams.without_output:
            _refuse_to_be_mute(ctx.params)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, BrokenPipeError):
            raise
        except BaseException as error:
            if ctx.params.get("as_json"):
                report: Report = ctx.meta.get(REPORT, dict)
                print_json({**report(), "error": message_of(error)})
            raise


def report_on_failure(report: Report) -> None:
    """What to print beside the error if the command that runs fails."""
    click.get_current_context().meta[REPORT] = report


def _refuse_to_be_mute(params: Mapping[str, Any]) -> None:
    """Without standard output, a command must write a file, or nothing remains."""
    writes = any(params.get(name) for name in ("output", "out", "folder"))
    if params.get("as_json") or not writes:
        raise InputError("standard output is closed: nobody would get the results")
