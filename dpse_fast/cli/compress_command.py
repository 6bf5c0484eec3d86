"""``dpse-fast compress``: a model file that carries its tables and their errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from . import options
from .json_errors import JsonCommand
from .output_file import HDF5, output_file
from .reading_options import reading_options, refuse_unused
from .report import print_json, print_tree
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from ..model import Model
    from ..plan import StoredPlan
    from ..trajectory import ReadingOptions


@click.command("compress", cls=JsonCommand)
@click.argument("model")
@click.argument("out")
@options.HEAD
@options.TOL
@click.option(
    "--check",
    metavar="TRAJECTORY",
    help="Also measure the tables on these frames.",
)
@click.option(
    "--index", default=":", metavar="SLICE", help="Frames to check.  [default: all]"
)
@reading_options(labels=False)
@click.option(
    "--type-map",
    callback=options.split_names,
    metavar="O,H",
    help="Names of the model's types, in their order; OW=O,HW=H takes these names of "
    "the frames to check for types of the model.",
)
@options.AS_JSON
def command(
    model: str,
    out: str,
    head: str | None,
    tol: float,
    check: str | None,
    index: str,
    reading: ReadingOptions,
    type_map: tuple[str, ...] | None,
    as_json: bool,
) -> None:
    """Tabulate MODEL to a force tolerance and write it with its tables as OUT (.h5).

    OUT keeps the nets beside the tables and the certificate: the differences to the
    nets, measured on sampled environments. It opens faster, with any tolerance that
    is not below its own.
    """

    from ..cpu.packed_plan import packed
    from ..formats import exchange, read_model
    from ..formats.exchange.stored_plan import write_stored_plan
    from ..plan import PRECISIONS
    from ..planning import make_plan
    from ..planning.choose_plan import choose
    from ..planning.plan_summary import summarise
    from ..runtime.atomic_file import complete_or_absent
    from ..trajectory import check_trajectory

    if check is None:
        refuse_unused(reading, "--check")
        if options.is_mapping(type_map):
            raise click.UsageError("--type-map: pairs have no effect without --check.")
        if index != ":":
            raise click.UsageError("--index: has no effect without --check.")
    else:
        check_trajectory(check, index)
    target = output_file(out, HDF5, {"model": model, "trajectory": check})
    measured = None
    with WarningSummary() as warned:
        source = options.renamed(read_model(model, head), type_map)
        types = frozenset(range(source.n_types))
        stored = choose(source, tol, types, "double", tuple(PRECISIONS))
        with complete_or_absent(target) as partial:
            exchange.write(source, partial)
            write_stored_plan(partial, source.digest(), stored)
        if check is not None:
            mapping = type_map if options.is_mapping(type_map) else None
            reading = replace(reading, names=source.type_map, type_map=mapping)
            measured = _check(source, stored, check, index, reading)
    plan = make_plan(source, "double", tol, stored)
    described = summarise(plan)
    report = {
        "output": out,
        "bytes": target.stat().st_size,
        "tolerance_ev_per_angstrom": tol,
        "intervals": sum(entry["intervals"] for entry in described["tables"]),
        "table_bytes": packed(plan).table_bytes,
        "descriptors": described["descriptors"],
        "certificate": {
            name: accuracy.summary() for name, accuracy in stored.certificates.items()
        },
    }
    if measured is not None:
        report["check"] = {"trajectory": check, **measured}
    if as_json:
        print_json({**report, "model": model, "warnings": warned.entries()})
    else:
        print_tree(report)


def _check(
    model: Model,
    stored: StoredPlan,
    trajectory: str,
    index: str,
    reading: ReadingOptions,
) -> dict[str, Any]:
    """The plan against converged tables on the frames, in every precision."""
    from ..agreement import Agreement
    from ..devices import choose_backend
    from ..planning import Planner
    from ..potential import Potential
    from ..trajectory import model_types, named_in_errors, read_frames

    backend = choose_backend("cpu", None, True, None)
    exact = Potential(Planner(model, "double", 0.0), backend, "truncate")
    checked = {
        precision: (
            Potential(
                Planner(model, precision, stored.tolerance, stored), backend, "truncate"
            ),
            Agreement(),
        )
        for precision in stored.certificates
    }
    for frame in read_frames(trajectory, index, reading):
        with named_in_errors(frame):
            types = model_types(frame, model.type_map, reading.type_map)
            given: dict[str, Any] = frame.parameters_for(model)
            cell = frame.cell if any(frame.pbc) else None
            place = (frame.positions, types, cell)
            expected = exact.compute(*place, pbc=frame.pbc, **given)
            for pot, agreement in checked.values():
                agreement.add(pot.compute(*place, pbc=frame.pbc, **given), expected)
    return {
        precision: agreement.summary() for precision, (_, agreement) in checked.items()
    }
