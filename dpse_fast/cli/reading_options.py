"""Options of the commands that read frames: what the files leave open."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..trajectory import ReadingOptions

Command = TypeVar("Command", bound=Callable[..., Any])
FLAGS = "T,T,F"


def _cell(
    ctx: click.Context, _: click.Parameter, text: str | None
) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(float(word) for word in text.replace(",", " ").split())
    except ValueError:
        numbers = ()
    if len(numbers) not in (3, 6, 9):
        raise click.BadParameter(
            f"expected 3 edges, 3 edges and 3 angles, or 9 components, got {text!r}"
        )
    return numbers


def _pbc(
    ctx: click.Context, _: click.Parameter, text: str | None
) -> tuple[bool, bool, bool] | None:
    from ..trajectory.reading_options import periodicity

    found = None if text is None else periodicity(text)
    if text is not None and found is None:
        raise click.BadParameter(f"expected flags such as {FLAGS}, got {text!r}")
    return found


_BOUNDARIES_AND_UNITS = (
    click.option(
        "--format",
        metavar="NAME",
        help="ASE's name of the trajectory's format, or dpdata:NAME, which dpdata "
        "reads, such as dpdata:lmdb.",
    ),
    click.option(
        "--cell",
        callback=_cell,
        metavar="A,B,C",
        help="Cell of frames that have none, in Å: edges, or a,b,c,α,β,γ, or three "
        "vectors.",
    ),
    click.option(
        "--pbc",
        callback=_pbc,
        metavar=FLAGS,
        help="Periodic directions of frames that do not state them.",
    ),
    click.option(
        "--units",
        metavar="STYLE",
        help="Unit style of LAMMPS files that do not state it: metal, real, electron, "
        "si, cgs, micro or nano.  [default: metal]",
    ),
)
_LABEL_KEYS = tuple(
    click.option(
        f"--{quantity}-key",
        metavar="KEY",
        help=f"Where the reference {what}, instead of the usual names.",
    )
    for quantity, what in (
        ("energy", "energies are"),
        ("forces", "forces are"),
        ("virial", "virials are"),
        ("stress", "stresses are"),
    )
)


def reading_options(*, labels: bool) -> Callable[[Command], Command]:
    """Adds --format, --cell, --pbc, --units and, with labels, --energy-key and others.

    The command receives them as `reading`, a `ReadingOptions`; without labels, none of
    the frames are read.
    """
    added = _BOUNDARIES_AND_UNITS + (_LABEL_KEYS if labels else ())

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_reading(*args: Any, **given: Any) -> Any:
            names = ["format", "cell", "pbc", "units"]
            if labels:
                names += ["energy_key", "forces_key", "virial_key", "stress_key"]
            chosen = {name: given.pop(name) for name in names}
            return command(*args, reading=_options(chosen, labels), **given)

        result: Any = with_reading
        for option in reversed(added):
            result = option(result)
        return result  # type: ignore[no-any-return]

    return decorate


def _options(chosen: dict[str, Any], labels: bool) -> ReadingOptions:
    from ..trajectory import ReadingOptions
    from ..trajectory.reading_options import cell_from

    if chosen["cell"] is not None:
        chosen["cell"] = cell_from(chosen["cell"])
    return ReadingOptions(**chosen, labels=labels)


def refuse_unused(reading: ReadingOptions, needed: str) -> None:
    """Refuse options of reading where nothing is read.

    Raises
    ------
    click.UsageError
        Naming the first one, and the option that it needs.
    """
    for name in ("format", "cell", "pbc", "units"):
        if getattr(reading, name) is not None:
            raise click.UsageError(f"--{name}: has no effect without {needed}.")
