"""``dpse-fast info``: what a model is and how it will be evaluated."""

from __future__ import annotations

from typing import Any

import click

from . import options
from .json_errors import JsonCommand
from .report import print_json, print_tree
from .warning_summary import WarningSummary


@click.command("info", cls=JsonCommand)
@click.argument("model", required=False)
@options.engine_options
@options.AS_JSON
def command(model: str | None, as_json: bool, **engine: Any) -> None:
    """What MODEL is: origin, types, cutoff, nets; and its plan: tables and errors.

    Without MODEL: the embedded water model.
    """
    with WarningSummary() as warned:
        potential = options.load_potential(model, **engine)
        described = {"file": model or "embedded default", **potential.describe()}
    if as_json:
        print_json({**described, "warnings": warned.entries()})
    else:
        print_tree(described)
