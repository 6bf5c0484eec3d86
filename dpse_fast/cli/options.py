"""Options that several commands share, and the potential they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from .. import Potential

Command = TypeVar("Command", bound=Callable[..., Any])

AS_JSON = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on standard output."
)
MODEL = click.option(
    "-m",
    "--model",
    "model",
    metavar="FILE",
    help="Model file of any supported format.  [default: the embedded water model]",
)
_ENGINE = (
    click.option("--threads", type=click.IntRange(min=1), help="Default: all cores."),
    click.option(
        "--precision",
        type=click.Choice(["double", "mixed"]),
        default="double",
        show_default=True,
    ),
    click.option(
        "--tol",
        type=click.FloatRange(min=0),
        default=1e-5,
        show_default=True,
        metavar="EV/Å",
        help="Largest force error of the tables.",
    ),
    click.option("--device", default="auto", show_default=True, metavar="NAME"),
)
SEL_OVERFLOW = click.option(
    "--sel-overflow",
    type=click.Choice(["warn", "error", "truncate", "all"]),
    default="warn",
    show_default=True,
    help="Atoms with more neighbours than the model's sel: drop the farthest as "
    "the reference does, with a warning (warn) or in silence (truncate); stop "
    "(error); or take them all (all).",
)


def engine_options(command: Command) -> Command:
    """Adds --threads, --precision, --tol and --device."""
    for option in reversed(_ENGINE):
        command = option(command)
    return command


def split_names(
    ctx: click.Context, _: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    """``O,H`` as a tuple of names."""
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise click.BadParameter(f"expected distinct names such as O,H, got {text!r}")
    return names


def load_potential(
    model: str | None, type_map: Sequence[str] | None = None, **options: Any
) -> Potential:
    """The potential of a model file; of the embedded model without one.

    A type map names the types of a model whose file names none.
    """
    from .. import load

    if model is None or type_map is None:
        return load(model, **options)
    from ..formats import read_model
    from ..model import UNKNOWN_TYPE_PREFIX

    read = read_model(model)
    if all(name.startswith(UNKNOWN_TYPE_PREFIX) for name in read.type_map):
        options["type_map"] = type_map
    return load(read, **options)
