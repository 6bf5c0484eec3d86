"""``dpse-fast convert``: any model file to our HDF5 file, or back to ``.dp``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError, ModelFileError
from . import options
from .json_errors import JsonCommand
from .output_file import HDF5, output_file
from .report import print_json

if TYPE_CHECKING:
    from ..model import Model

AGREEMENT_TOLERANCE = 1e-9  # eV/Å, of the tables that both files are evaluated with


@click.command("convert", cls=JsonCommand)
@click.argument("model")
@click.argument("out")
@options.HEAD
@options.TYPE_MAP
@click.option("--packed", is_flag=True, help="Compress large arrays with gzip (.h5).")
@click.option(
    "--weights",
    type=click.Choice(["float32", "float64"]),
    help="Round or widen the nets.  [default: as they are]",
)
@click.option(
    "--note",
    "notes",
    multiple=True,
    metavar="KEY=TEXT",
    help="Add to the provenance, which info shows; may be repeated.",
)
@options.AS_JSON
def command(
    model: str,
    out: str,
    head: str | None,
    type_map: tuple[str, ...] | None,
    packed: bool,
    weights: str | None,
    notes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write MODEL as OUT: our HDF5 file (.h5), or deepmd-kit's own (.dp).

    OUT is read back, both files are evaluated on sample structures, and the largest
    differences are shown. OUT appears only if it can be read and evaluated.
    """
    from ..formats import read, read_model
    from ..model.precision import with_weights
    from ..runtime.atomic_file import complete_or_absent

    target = output_file(out, (*HDF5, ".dp"), {"model": model})
    write = _writer(target, packed)
    given = read(model, head, with_plan=False)
    source = exact = options.renamed(given.model, type_map)
    if weights is not None:
        source = with_weights(source, weights)
    source = replace(source, provenance={**source.provenance, **_pairs(notes)})
    with complete_or_absent(target) as partial:
        differs = write(source, partial)
        copy = read_model(partial)
        if copy.digest() != source.digest() and target.suffix.lower() != ".dp":
            raise ModelFileError(
                f"{model}: reading the converted file back gave another model; "
                f"{out} was not written"
            )
        agreement = _agreement(exact, copy)
    if given.has_plan:
        differs.append("the tables that compress put into the file are left out")
    report = {
        "model": model,
        "output": out,
        "bytes": target.stat().st_size,
        "types": source.type_map,
        "parameters": source.n_weights,
        "digest": copy.digest(),
        "equal": copy.digest() == exact.digest(),
        "differs": differs,
        "agreement": agreement,
        "parity": agreement,  # the old name; to be removed in the next version
    }
    if as_json:
        print_json(report)
    else:
        _print(report)


def _writer(target: Path, packed: bool) -> Callable[[Model, Path], list[str]]:
    """Writes a model and returns what the file cannot say as the model does."""
    from ..formats import exchange

    if target.suffix.lower() == ".dp":
        if packed:
            raise InputError("packed: expected an output that ends in .h5 or .hdf5")
        from ..formats.native_writer import write as write_native

        return write_native

    def write(model: Model, path: Path) -> list[str]:
        exchange.write(model, path, packed=packed)
        return []

    return write


def _agreement(one: Model, other: Model) -> dict[str, Any]:
    from .. import load
    from ..agreement import Agreement
    from ..planning.structures import comparison_structures
    from .warning_summary import WarningSummary

    found = Agreement()
    with WarningSummary():
        pots = [load(m, tol=AGREEMENT_TOLERANCE, threads=1) for m in (one, other)]
        for s in comparison_structures(one):
            found.add(
                *(pot.compute(s.positions, s.types, s.cell, **s.parameters)
                  for pot in pots)
            )  # fmt: skip
    return found.summary()


def _print(report: dict[str, Any]) -> None:
    from ..agreement import lines

    types = report["types"]
    equal = "read back and equal" if report["equal"] else "read back"
    click.echo(
        f"{report['output']}: {len(types)} types ({', '.join(types)}), "
        f"{report['parameters']} parameters, {report['bytes']} bytes; {equal}"
    )
    for line in lines(report["agreement"], report["model"]):
        click.echo(line)
    for line in report["differs"]:
        click.echo(f"note: {line}")


def _pairs(notes: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for note in notes:
        key, equals, text = note.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--note: expected KEY=TEXT, got {note!r}")
        found[key] = text
    return found
