"""The oracle, the readers and deepmd-kit agree; the oracle is its own gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import pytest
from golden_frames import CASES, Case, Frame, case, inputs
from numpy.typing import NDArray

from dpse_fast.formats import read_model
from dpse_fast.model import EmbeddingTable, Model
from naive import Evaluation, evaluate
from naive.networks import embedding
from naive.slots import Overflow

Array = NDArray[np.float64]
OVERFLOWING = {"overflow"}
OVERFLOWS: tuple[Overflow, ...] = get_args(Overflow)


def _evaluate(
    model: Model, frame: Frame, overflow: Overflow = "truncate"
) -> Evaluation:
    return evaluate(model, **inputs(frame), sel_overflow=overflow)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_deepmd_kit(case: Case) -> None:
    model = read_model(case.file, case.head)
    single = model.dtype == np.float32
    energy_tolerance, tolerance = (2e-6, 2e-5) if single else (1e-11, 1e-9)
    for name, frame in case.frames().items():
        found = _evaluate(model, frame)
        n = len(found.atomic_energies)
        limits = {
            "energy": n * energy_tolerance,
            "atomic_energies": energy_tolerance,
            "forces": tolerance,
            "virial": n * tolerance,
            "atomic_virials": tolerance,
        }
        for quantity in limits.keys() & frame.keys():
            np.testing.assert_allclose(
                getattr(found, quantity),
                frame[quantity],
                rtol=0,
                atol=limits[quantity],
                err_msg=f"{case} {name} {quantity}",
            )


@pytest.mark.parametrize("name", ["plain.dp", "one_type.dp", "three_types.pb"])
def test_only_overflow_frames_exceed_sel(name: str) -> None:
    model = read_model(case(name).file)
    for frame_name, frame in case(name).frames().items():
        kept, everything = _evaluate(model, frame), _evaluate(model, frame, "all")
        difference = np.abs(kept.atomic_energies - everything.atomic_energies).max()
        assert (difference > 1e-4) == (frame_name in OVERFLOWING), frame_name


GRADIENTS: list[tuple[str, str, tuple[bool, bool, bool], Overflow]] = [
    ("plain.dp", "tiny", (True, True, True), "truncate"),
    ("plain.pb", "tiny", (True, False, True), "truncate"),
    ("protected.dp", "open", (False, False, False), "truncate"),
    ("one_type.dp", "overflow", (True, True, True), "all"),
    ("trained-compressed.pb", "close", (True, True, True), "truncate"),
]


@pytest.mark.parametrize(("name", "frame_name", "pbc", "overflow"), GRADIENTS)
def test_forces_and_virial_are_the_gradient(
    name: str, frame_name: str, pbc: tuple[bool, bool, bool], overflow: Overflow
) -> None:
    model = read_model(case(name).file)
    frame = case(name).frames()[frame_name]
    cell = np.asarray(frame["cell"]) if frame["cell"].size else np.eye(3)
    x = np.asarray(frame["positions"])

    def run(positions: Array, lattice: Array) -> Evaluation:
        return evaluate(model, positions, frame["types"], lattice, pbc, overflow)

    check_gradient(run, x, cell)


def check_gradient(
    run: Callable[[Array, Array], Evaluation], x: Array, cell: Array
) -> None:
    """Forces and virial against five-point differences in random directions."""

    def slope(change: Array, strain: Array) -> float:
        def energy(h: float) -> float:
            deform = np.eye(3) + h * strain.T
            return run((x + h * change) @ deform, cell @ deform).energy

        h = 1e-4
        steps = [energy(k * h) for k in (-2, -1, 1, 2)]
        return float(np.dot(steps, [1, -8, 8, -1]) / (12 * h))

    found = run(x, cell)
    rng = np.random.default_rng(5)
    for _ in range(4):
        change = rng.normal(size=x.shape)
        expected = -np.sum(found.forces * change)
        assert slope(change, np.zeros((3, 3))) == pytest.approx(expected, abs=1e-7)
        strain = rng.normal(size=(3, 3))
        expected = -np.sum(found.virial * strain)
        assert slope(np.zeros_like(x), strain) == pytest.approx(expected, abs=1e-6)


def test_truncation_jumps_and_keeping_all_neighbours_does_not() -> None:
    model = read_model(case("one_type.dp").file)
    frame = case("one_type.dp").frames()["overflow"]
    energies = []
    for shift in np.arange(0.6, 0.76, 0.002):
        moved = {**frame, "positions": frame["positions"] + 0.0}
        moved["positions"][0, 0] += shift
        energies.append([_evaluate(model, moved, m).energy for m in OVERFLOWS])
    truncated, everything = np.abs(np.diff(energies, n=2, axis=0)).max(axis=0)
    assert truncated > 100 * everything


@pytest.mark.parametrize("beyond", ["linear", "clamp"])
def test_a_table_outside_its_range(beyond: Literal["linear", "clamp"]) -> None:
    coefficients = np.zeros((6, 1, 6))
    coefficients[:, 0, 0] = np.arange(6)
    coefficients[:, 0, 1] = 1.0
    table = EmbeddingTable(coefficients, -1.0, 0.0, 2.0, 0.5, 0.5, beyond)
    x = np.array([-1.5, -0.75, 0.75, 2.25])
    values, slopes = embedding(table, x)
    at_end = 6.0 - 0.25 if beyond == "linear" else 5.0
    at_start = -0.5 if beyond == "linear" else 0.0
    assert values[:, 0].tolist() == [at_start, 0.25, 3.25, at_end]
    assert slopes[[1, 2], 0].tolist() == [1, 1]
    assert slopes[[0, 3], 0].tolist() == [beyond == "linear"] * 2


def test_nothing_gives_nothing() -> None:
    model = read_model(case("plain.dp").file)
    found = evaluate(model, np.empty((0, 3)), [], np.eye(3))
    assert found.energy == 0
    assert found.forces.shape == (0, 3)
    assert found.atomic_virials.shape == (0, 3, 3)
    assert not found.virial.any()
