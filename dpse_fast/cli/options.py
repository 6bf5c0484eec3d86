"""Options that several commands share, and the potential they ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import click

if TYPE_CHECKING:
    from .. import Committee, Potential
    from ..model import Model

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
HEAD = click.option(
    "--head",
    "--model-branch",
    "head",
    metavar="NAME",
    help="The branch of a multi-task checkpoint (.pt).",
)
TOL = click.option(
    "--tol",
    type=click.FloatRange(min=0),
    default=1e-5,
    show_default=True,
    metavar="EV/Å",
    help="Largest force error that tables, ranks and products may add; 0: none.",
)
THREADS = click.option(
    "--threads", type=click.IntRange(min=1), help="Default: all cores."
)
_ENGINE = (
    HEAD,
    THREADS,
    click.option(
        "--precision",
        type=click.Choice(["double", "mixed", "single"]),
        default="double",
        show_default=True,
    ),
    TOL,
    click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="NAME",
        help="cpu, cuda or cuda:1; auto takes a GPU where one can be used.",
    ),
    click.option(
        "--gemm",
        type=click.Choice(["float32", "tf32x3", "tf32"]),
        help="On a GPU, how nets in float32 are multiplied.  [default: float32]",
    ),
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
    """Adds --head, --threads, --precision, --tol, --device and --gemm."""
    for option in reversed(_ENGINE):
        command = option(command)
    return command


def split_names(
    ctx: click.Context, _: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    """``O,H`` or ``OW=O,HW=H`` as a tuple."""
    if text is None:
        return None
    names = tuple(part.strip() for part in text.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise click.BadParameter(f"expected distinct names such as O,H, got {text!r}")
    if 0 < sum("=" in name for name in names) < len(names):
        raise click.BadParameter(
            f"expected either names such as O,H or pairs such as OW=O,HW=H, got "
            f"{text!r}"
        )
    return names


def is_mapping(type_map: Sequence[str] | None) -> bool:
    """Whether names of types are given as ``OW=O,HW=H``."""
    return type_map is not None and any("=" in name for name in type_map)


def _only_names(
    ctx: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    names = split_names(ctx, parameter, text)
    if is_mapping(names):
        raise click.BadParameter(f"expected names such as O,H, got {text!r}")
    return names


TYPE_MAP = click.option(
    "--type-map",
    callback=_only_names,
    metavar="O,H",
    help="Names of the model's types, in their order.",
)


RESUME = click.option(
    "--resume",
    is_flag=True,
    help="Continue an earlier run of the same --output that did not end.",
)
SKIP_BAD = click.option(
    "--skip-bad",
    is_flag=True,
    help="Report frames that cannot be read or evaluated, and go on.",
)
INDEX = click.option(
    "--index",
    default=":",
    metavar="SLICE",
    help="Frames, such as 3, -1, :10 or ::5.  [default: all]",
)
FRAME_TYPE_MAP = click.option(
    "--type-map",
    callback=split_names,
    metavar="O,H",
    help="Elements of types 0, 1, … of a model that names none, or of a trajectory "
    "that only numbers its types (LAMMPS: types 1, 2, …). OW=O,HW=H takes these names "
    "of the trajectory for types of the model.",
)


def _set_prefix(ctx: click.Context, _: click.Parameter, text: str | None) -> str | None:
    if text not in (None, "set"):
        raise click.BadParameter(
            f"expected set, since sets are called set.000, set.001 …, got {text!r}"
        )
    return text


SET_PREFIX = click.option(
    "-S",
    "--set-prefix",
    callback=_set_prefix,
    expose_value=False,
    metavar="set",
    help="Without effect, as in deepmd-kit 3: the sets of a system are set.*.",
)


def numbers(
    ctx: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[float, ...] | None:
    """``0.5,300`` as a tuple of numbers."""
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"expected numbers such as 0.5,300, got {text!r}"
        ) from None


def parameter_options(command: Command) -> Command:
    """Adds --fparam and --aparam."""
    for name, what in (("aparam", "Atomic"), ("fparam", "Frame")):
        command = click.option(
            f"--{name}",
            callback=numbers,
            metavar="X,Y",
            help=f"{what} parameters of a model that takes them, for all frames.  "
            "[default: those of the trajectory, then the model's]",
        )(command)
    return command


def renamed(model: Model, type_map: Sequence[str] | None) -> Model:
    """The model with these names of its types; as it is without any."""
    from dataclasses import replace

    from ..inputs.structure import check_type_map

    if type_map is None or is_mapping(type_map):
        return model
    return replace(model, type_map=check_type_map(type_map, model.type_map))


@overload
def load_potential(
    model: str | None, type_map: Sequence[str] | None = None, **options: Any
) -> Potential: ...


@overload
def load_potential(
    model: list[str], type_map: Sequence[str] | None = None, **options: Any
) -> Committee: ...


def load_potential(
    model: str | list[str] | None,
    type_map: Sequence[str] | None = None,
    **options: Any,
) -> Potential | Committee:
    """The potential of a model file, of the embedded model without one; of several
    files a committee.

    A type map, unless it maps names, names the types of a model whose file names none.
    """
    from .. import load
    from ..model import UNKNOWN_TYPE_PREFIX

    found: Potential | Committee = load(model, **options)
    nameless = all(name.startswith(UNKNOWN_TYPE_PREFIX) for name in found.type_map)
    if type_map is None or is_mapping(type_map) or not nameless:
        return found
    return found.renamed(type_map)


def embedded_model() -> Path:
    """The file of the model that is taken where none is named."""
    from ..loading import DEFAULT_MODEL

    return Path(__file__).parents[1] / "data" / DEFAULT_MODEL
