"""``dpse-fast bench``: time per atom and stage, as in molecular dynamics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from . import options
from .json_errors import JsonCommand
from .reading_options import reading_options, refuse_unused
from .report import print_json
from .warning_summary import WarningSummary

if TYPE_CHECKING:
    from .. import Session
    from ..trajectory import Frame, ReadingOptions

DISPLACEMENT = 0.01  # Å a step, about what hydrogen moves in half a femtosecond


@click.command("bench", cls=JsonCommand)
@click.option(
    "--atoms",
    type=click.FloatRange(min=1, max=1e9),
    default=1e4,
    show_default=True,
    help="About how many; whole copies of the cell are taken.",
)
@click.option("--steps", type=click.IntRange(min=1), default=5, show_default=True)
@click.option("--skin", type=click.FloatRange(min=0), default=1.0, show_default=True)
@click.option(
    "--structure",
    metavar="FILE",
    help="Periodic cell to copy: first frame of any trajectory.  [default: water]",
)
@reading_options(labels=False)
@click.option(
    "--type-map",
    callback=options.split_names,
    metavar="O,H",
    help="Names of the types of --structure, as for eval.",
)
@options.MODEL
@options.parameter_options
@options.SEL_OVERFLOW
@options.engine_options
@options.AS_JSON
def command(
    atoms: float,
    steps: int,
    skin: float,
    structure: str | None,
    reading: ReadingOptions,
    type_map: tuple[str, ...] | None,
    model: str | None,
    fparam: tuple[float, ...] | None,
    aparam: tuple[float, ...] | None,
    as_json: bool,
    **engine: Any,
) -> None:
    """Time evaluations of a large box whose atoms move a little every step.

    One evaluation to compile and to build the neighbour list comes before the
    clock starts; times are medians over the steps.
    """
    from ..errors import InputError
    from ..trajectory import check_trajectory, model_types, read_frames
    from .random_walk import random_walk
    from .replicated_box import replicated, water_cell

    if structure is None:
        refuse_unused(reading, "--structure")
        if type_map is not None:
            raise click.UsageError("--type-map: has no effect without --structure.")
    with WarningSummary() as warned:
        if structure is not None:
            check_trajectory(structure, "0")
        potential = options.load_potential(model, type_map, **engine)
        reading = replace(reading, names=potential.type_map, type_map=type_map)
        if structure is None:
            cell = water_cell()
        else:
            cell = next(read_frames(structure, "0", reading))
        box = replicated(cell, round(atoms))
        if structure is None and not set(cell.names or ()) <= set(potential.type_map):
            raise InputError(
                "structure: the model has no water to copy; name a periodic cell of "
                f"its types {', '.join(potential.type_map)} with --structure"
            )
        types = model_types(box, potential.type_map, type_map)
        session = potential.session(skin, profile=True)
        asked = {"fparam": fparam, "aparam": aparam}
        given: dict[str, Any] = box.parameters_for(potential.model)
        given |= {k: v for k, v in asked.items() if v is not None}
        walk = random_walk(box.positions, DISPLACEMENT, potential.device)
        measured = _measure(session, box, types, steps, given, walk)
    result = {
        "atoms": box.n_atoms,
        "atoms_asked_for": round(atoms),
        "copies": box.n_atoms // cell.n_atoms,
        "structure": structure or "water",
        "model": model or "embedded default",
        "precision": potential.precision,
        "threads": potential.threads,
        **potential.device_info(),
        "steps": steps,
        **measured,
    }
    if as_json:
        print_json({**result, "warnings": warned.entries()})
    else:
        _print(result)


def _measure(
    session: Session,
    box: Frame,
    types: Any,
    steps: int,
    given: dict[str, Any],
    walk: Iterator[Any],
) -> dict[str, Any]:
    import numpy as np

    seconds: list[float] = []
    stages: list[dict[str, float]] = []
    session.compute(next(walk), types, box.cell, **given)
    for _ in range(steps):
        positions = next(walk)
        before, begun = session.stage_seconds, time.perf_counter()
        session.compute(positions, types, box.cell, **given)
        seconds.append(time.perf_counter() - begun)
        after = session.stage_seconds
        stages.append({name: after[name] - before.get(name, 0) for name in after})
    median = float(np.median(seconds))
    return {
        "seconds_per_step": median,
        "microseconds_per_atom": 1e6 * median / box.n_atoms,
        "atom_steps_per_second": box.n_atoms / median,
        "stage_seconds": {
            name: float(np.median([stage[name] for stage in stages]))
            for name in stages[0]
        },
        "list_builds": session.list_builds,
        "peak_memory_bytes": peak_memory(),
    }


def peak_memory() -> int | None:
    """The largest resident size of this process in bytes, where the system tells.

    Linux also tells it as ``ru_maxrss``, which starts at the size of the parent.
    """
    import sys
    from contextlib import suppress
    from pathlib import Path

    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])

    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else 1024 * largest


def _place(result: dict[str, Any]) -> str:
    if result["device"] == "cpu":
        return f"{result['threads']} threads"
    return f"{result['device']} ({result['gpu']})"


def _stage_title(result: dict[str, Any]) -> str:
    on_cpu = result["device"] == "cpu"
    return "stage (thread seconds)" if on_cpu else "stage (GPU seconds)"


def _print(result: dict[str, Any]) -> None:
    n, total = result["atoms"], sum(result["stage_seconds"].values())
    lines = [
        f"{n} atoms ({result['copies']} copies of {result['structure']}), "
        f"{result['precision']}, {_place(result)}, {result['steps']} steps",
        f"{result['seconds_per_step']:.4g} s/step, "
        f"{result['microseconds_per_atom']:.4g} µs/atom, "
        f"{result['atom_steps_per_second']:.4g} atom-steps/s, "
        f"neighbour list built {result['list_builds']} times",
        "",
        f"{_stage_title(result):<24} {'µs/atom':>10} {'share':>8}",
    ]
    if "no_gpu_because" in result:
        lines.insert(1, f"no GPU: {result['no_gpu_because']}")
    for name, seconds in result["stage_seconds"].items():
        share = 100 * seconds / total if total else 0.0
        lines.append(f"{name:<24} {1e6 * seconds / n:>10.3f} {share:>7.1f}%")
    if result["peak_memory_bytes"] is not None:
        peak = result["peak_memory_bytes"]
        lines.append(f"peak memory {peak / 2**20:.0f} MiB, {peak / n:.0f} bytes/atom")
    for line in lines:
        click.echo(line)
