"""``python -m bench.committee``: what a committee costs, as multiples of one model.

The models are one model with its fitting nets changed at random by 1 %. Steps of MD in
sessions on one thread, in turns: one model; all alike; the others planned for a
deviation tolerance; and that with the deviation every ten steps. The results of each
model are compared with those of its potential alone. Writes JSON to bench/results.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import numpy as np

import dpse_fast
from dpse_fast.cli.replicated_box import replicated, water_cell
from dpse_fast.model import Model, Net
from dpse_fast.trajectory import model_types

from . import ratios
from .progress import say
from .report_files import RESULTS, report_of

CHANGE = 0.01  # of each weight
MOVE = 0.005  # Å, from step to step
EVERY = 10
ONE = "one model"


def committee_of(model: Model, n_models: int) -> list[Model]:
    """The model with other fitting nets, as several trainings would give it."""
    return [_changed(model, np.random.default_rng(100 + k)) for k in range(n_models)]


def _changed(model: Model, rng: np.random.Generator) -> Model:
    def near(values: Any) -> Any:
        return values * (1 + CHANGE * rng.normal(size=values.shape))

    def net(given: Net) -> Net:
        layers = [
            replace(layer, weight=near(layer.weight), bias=near(layer.bias))
            for layer in given.layers
        ]
        return Net(tuple(layers))

    return replace(model, fitting=tuple(net(one) for one in model.fitting))


@click.command(help=__doc__)
@click.option("-m", "--model", required=True, help="Of water, with types O and H.")
@click.option("--models", "n_models", default=4, show_default=True)
@click.option("--atoms", default=5184, show_default=True, help="About how many.")
@click.option("--deviation-tol", default=1e-3, show_default=True, help="eV/Å")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option("--output", default=str(RESULTS), help="Folder.")
def main(
    model: str,
    n_models: int,
    atoms: int,
    deviation_tol: float,
    rounds: int,
    output: str,
) -> None:
    warnings.simplefilter("ignore")
    box = replicated(water_cell(), atoms)
    first = dpse_fast.load(model, threads=1).model
    models = committee_of(first, n_models)
    one = dpse_fast.load(models[0], threads=1)
    alike = dpse_fast.load(models, threads=1)
    cheap = dpse_fast.load(models, threads=1, deviation_tol=deviation_tol)
    types = model_types(box, one.type_map)
    with report_of(
        "bench.committee",
        output,
        models=n_models,
        atoms=box.n_atoms,
        deviation_tol=deviation_tol,
    ) as (report, _):
        report["deviation_certificate"] = cheap.deviation_certificate()
        report["differences"] = _differences(alike, box, types)
        calls = {
            ONE: _steps(one.session(), box, types),
            "all alike": _steps(alike.session(), box, types),
            "deviation_tol": _steps(cheap.session(), box, types),
            f"deviation_tol, every {EVERY} steps": _steps(
                cheap.session(), box, types, EVERY
            ),
        }
        for call in calls.values():
            call()  # compiles
        found = ratios.take_turns(calls, rounds, "steps")
        report["us_per_atom_and_step"] = {
            name: ratios.per_atom(seconds, box.n_atoms)
            for name, seconds in found.items()
        }
        report["times_one_model"] = {
            name: ratios.ratio_by_round(seconds, found[ONE])
            for name, seconds in found.items()
        }
        for name, times in report["times_one_model"].items():
            say(f"{name}: {times['median']:.3f} times one model")


def _differences(
    committee: dpse_fast.Committee, box: Any, types: Any
) -> dict[str, float]:
    """Of the models in the committee from their potentials alone, eV and eV/Å."""
    found = committee.compute(box.positions, types, box.cell)
    assert found.members is not None
    energy = force = 0.0
    for member, alone in zip(found.members, committee.potentials, strict=True):
        expected = alone.compute(box.positions, types, box.cell)
        energy = max(energy, abs(member.energy - expected.energy))
        force = max(force, float(np.abs(member.forces - expected.forces).max()))
    return {"energy": energy, "force": force}


def _steps(session: Any, box: Any, types: Any, every: int = 0) -> Callable[[], float]:
    """Processor seconds of a step, of so many steps in a row."""
    rng, positions = np.random.default_rng(7), box.positions.copy()
    n_steps = every or 2

    def run() -> float:
        seconds = 0.0
        for step in range(n_steps):
            at = positions + rng.normal(scale=MOVE, size=positions.shape)
            more = {"deviation": step == 0} if every else {}
            start = time.process_time()
            session.compute(at, types, box.cell, **more)
            seconds += time.process_time() - start
        return seconds / n_steps

    return run


if __name__ == "__main__":
    main()
