"""``dpse-fast compress``: a model file that carries its tables and their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import options
from .json_errors import JsonCommand
from .output_file import HDF5, output_file
from .report import print_json, print_tree
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from ..model import Model
    from ..plan import StoredPlan


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
@options.TYPE_MAP
@options.AS_JSON
def command(
    model: str,
    out: str,
    head: str | None,
    tol: float,
    check: str | None,
    index: str,
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

    target = output_file(out, HDF5, {"model": model, "trajectory": check})
    with WarningSummary() as warned:
        source = options.renamed(read_model(model, head), type_map)
        types = frozenset(range(source.n_types))
        stored = choose(source, tol, types, "double", tuple(PRECISIONS))
        with complete_or_absent(target) as partial:
            exchange.write(source, partial)
            write_stored_plan(partial, source.digest(), stored)
        measured = None if check is None else _check(source, stored, check, index)
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
    model: Model, stored: StoredPlan, trajectory: str, index: str
) -> dict[str, Any]:
    """The plan against converged tables on the frames, in every precision."""
    from ..agreement import Agreement
    from ..devices import choose_backend
    from ..planning import Planner
    from ..potential import Potential
    from ..trajectory import model_types, read_frames

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
    for frame in read_frames(trajectory, index):
        types = model_types(frame, model.type_map)
        given: dict[str, Any] = frame.parameters_for(model)
        cell = frame.cell if any(frame.pbc) else None
        place = (frame.positions, types, cell)
        expected = exact.compute(*place, pbc=frame.pbc, **given)
        for pot, agreement in checked.values():
            agreement.add(pot.compute(*place, pbc=frame.pbc, **given), expected)
    return {
        precision: agreement.summary() for precision, (_, agreement) in checked.items()
    }
