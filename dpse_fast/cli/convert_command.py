"""``dpse-fast convert``: any model file to the HDF5 exchange format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from ..errors import InputError, ModelFileError
from . import options
from .report import print_json


@click.command("convert")
@click.argument("model")
@click.argument("out")
@click.option("--packed", is_flag=True, help="Compress large arrays with gzip.")
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
    packed: bool,
    weights: str | None,
    notes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write MODEL as OUT (.h5), read it back and compare: same numbers, any format in.

    OUT appears only if what was read back equals MODEL.
    """
    from ..formats import exchange, read_model
    from ..weights import with_weights
    from ..writers.partial import complete_or_absent

    target = Path(out)
    if target.suffix.lower() not in (".h5", ".hdf5"):
        raise InputError(f"output {out}: expected a name that ends in .h5 or .hdf5")
    if not target.parent.is_dir():
        raise InputError(f"output {out}: the folder {target.parent} does not exist")
    source = read_model(model)
    if target.exists() and target.samefile(model):
        raise InputError(f"output {out}: expected another file than the model")
    if weights is not None:
        source = with_weights(source, weights)
    source = replace(source, provenance={**source.provenance, **_pairs(notes)})
    digest = source.digest()
    with complete_or_absent(target) as partial:
        exchange.write(source, partial, packed=packed)
        if exchange.read(partial).digest() != digest:
            raise ModelFileError(
                f"{model}: reading the converted file back gave another model; "
                f"{out} was not written"
            )
    size = target.stat().st_size
    if as_json:
        print_json(
            {
                "model": model,
                "output": out,
                "bytes": size,
                "types": source.type_map,
                "parameters": source.n_parameters,
                "digest": digest,
                "verified": True,
            }
        )
    else:
        click.echo(
            f"{out}: {len(source.type_map)} types ({', '.join(source.type_map)}), "
            f"{source.n_parameters} parameters, {size} bytes; read back and equal"
        )


def _pairs(notes: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for note in notes:
        key, equals, text = note.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--note: expected KEY=TEXT, got {note!r}")
        found[key] = text
    return found
