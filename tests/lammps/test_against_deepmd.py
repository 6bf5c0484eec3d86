"""pair_style dpse gives the numbers of pair_style deepmd, on any number of ranks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lammps_runs import (
    DATA,
    DRIVING,
    NKTV2P,
    Lammps,
    Outcome,
    frames,
    golden_script,
    numbers,
)

import dpse_fast
from dpse_fast.trajectory import read_frames

GOLDEN = Path(__file__).parent / "golden" / "deepmd.npz"
ATOMIC = "atomic relative 0.5 relative_v 0.01"
DIGITS = 1e-10


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as saved:
        return {name: saved[name] for name in saved}


@pytest.fixture(scope="module", params=[1, 2], ids=["1-rank", "2-ranks"])
def outcome(
    request: pytest.FixtureRequest,
    lammps: Lammps,
    tmp_path_factory: pytest.TempPathFactory,
) -> Outcome:
    folder = tmp_path_factory.mktemp("golden")
    script = golden_script("dpse", "plain.out tol 0")
    return lammps.run(script, folder, ranks=request.param)


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """To ten digits of the largest number of each column."""
    scale = np.abs(expected).reshape(-1, expected.shape[-1]).max(0)
    assert (np.abs(found - expected) <= DIGITS * scale).all()


def test_thermo(outcome: Outcome, golden: dict[str, np.ndarray]) -> None:
    close(outcome.runs[0], golden["thermo"])


def test_forces_energies_and_centroid_virials(
    outcome: Outcome, golden: dict[str, np.ndarray]
) -> None:
    close(frames(outcome.folder / "atoms.dump"), golden["atoms"])


def test_atoms_sum_up_to_the_whole(outcome: Outcome) -> None:
    """Centroid virials are of pairs alone: what is left of the pressure is kinetic."""
    first, thermo = frames(outcome.folder / "atoms.dump")[0], outcome.runs[0][0]
    assert first[:, 4].sum() == pytest.approx(thermo[1], rel=1e-12)
    volume = 12.42**3
    kinetic = 2 / 3 * thermo[2] / volume * NKTV2P
    pairs = -first[:, 5:8].sum() / 3 / volume
    assert pairs + kinetic == pytest.approx(thermo[5], rel=1e-6)


def test_engine_in_python(outcome: Outcome) -> None:
    (frame,) = read_frames(str(DATA))
    potential = dpse_fast.load(DRIVING, tol=0)
    types = np.where(np.arange(192) % 3, 1, 0)
    result = potential.compute(frame.positions, types, frame.cell)
    thermo = outcome.runs[0][0]
    assert thermo[1] == pytest.approx(result.energy, rel=1e-12)
    first = frames(outcome.folder / "atoms.dump")[0]
    assert np.abs(first[:, 1:4] - result.forces).max() < 1e-9


def test_model_deviation(outcome: Outcome, golden: dict[str, np.ndarray]) -> None:
    file = outcome.folder / "plain.out"
    assert file.read_text().splitlines()[0] == str(golden["plain_head"])
    np.testing.assert_allclose(numbers(file), golden["plain"], rtol=3e-6)


def test_relative_model_deviation_of_atoms(
    lammps: Lammps, golden: dict[str, np.ndarray], tmp_path: Path
) -> None:
    script = golden_script("dpse", f"atomic.out {ATOMIC} tol 0")
    lammps.run(script, tmp_path, ranks=2)
    file = tmp_path / "atomic.out"
    assert file.read_text().splitlines()[0] == str(golden["atomic_head"])
    np.testing.assert_allclose(numbers(file), golden["atomic"], rtol=3e-6)
