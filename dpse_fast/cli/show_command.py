"""``dpse-fast show``: attributes of a model, as ``dp show``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from . import options
from .json_errors import JsonCommand
from .report import print_json, print_tree
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from ..model import Model

BRANCHES = "model-branch"
ATTRIBUTES = ("type-map", "descriptor", "fitting-net", "size", BRANCHES)
REFUSED = {
    "observed-type": "info names the types that were not trained",
    "serialization-tree": "it is a view of deepmd-kit's classes",
}


@click.command("show", cls=JsonCommand)
@click.argument("model")
@click.argument(
    "attributes",
    nargs=-1,
    required=True,
    type=click.Choice((*ATTRIBUTES, *REFUSED)),
    metavar="ATTRIBUTE...",
)
@options.HEAD
@options.AS_JSON
def command(
    model: str, attributes: tuple[str, ...], head: str | None, as_json: bool
) -> None:
    """Attributes of MODEL: type-map, descriptor, fitting-net, size, model-branch.

    Of a checkpoint of several models, those of every branch. What else a model is,
    and how it is evaluated: dpse-fast info.
    """
    from ..formats import branch_names, read_model

    for one in attributes:
        if one in REFUSED:
            raise click.UsageError(f"{one} is not shown: {REFUSED[one]}.")
    with WarningSummary() as warned:
        branches = branch_names(model)
        found: dict[str, Any] = {"file": model}
        if BRANCHES in attributes:
            if not branches:
                raise click.UsageError(
                    f"{BRANCHES}: expected a checkpoint of several models (.pt); "
                    f"{model} has one."
                )
            found[BRANCHES] = branches
        wanted = [one for one in attributes if one != BRANCHES]
        if not wanted:
            if head is not None:
                raise click.UsageError(f"--head: has no effect on {BRANCHES} alone.")
        elif branches and head is None:
            found["branches"] = {
                name: _shown(read_model(model, name), wanted) for name in branches
            }
        else:
            found |= _shown(read_model(model, head), wanted)
    if as_json:
        print_json({**found, "warnings": warned.entries()})
    else:
        print_tree(found)


def _shown(model: Model, attributes: list[str]) -> dict[str, Any]:
    """What is asked for of one model."""
    from ..planning.model_summary import describe_descriptor, describe_fitting

    shown: dict[str, Callable[[Model], Any]] = {
        "type-map": lambda one: one.type_map,
        "descriptor": describe_descriptor,
        "fitting-net": describe_fitting,
        "size": _sizes,
    }
    return {name: shown[name](model) for name in attributes}


def _sizes(model: Model) -> dict[str, int]:
    """Numbers of parameters; of compressed models, those of their tables."""
    parts = model.weights_of_parts()
    return {**parts, "total": sum(parts.values())}
