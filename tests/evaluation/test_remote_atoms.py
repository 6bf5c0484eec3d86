"""The switch to a pair table where all neighbours of an atom are far.

deepmd-kit's PyTorch code has a least value for the sum in the denominator of σ; below
it σ shrinks, and the table takes over.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import naive
import numpy as np
import pytest
from families import family

import dpse_fast
from dpse_fast.formats import read_model
from dpse_fast.formats.exchange import write
from dpse_fast.model import Model, PairTable

GOLDEN = Path(__file__).parents[1] / "golden"
LEAST = float(np.exp(-2.0 / 0.2))  # the sum of one neighbour at 2 Å
DISTANCES = (1.4, 1.99, 2.05, 2.1, 2.3, 3.9)


def with_table(least_sum: float) -> tuple[Model, PairTable]:
    model = family("pair_table")
    table = replace(model.pair_table, least_sum=least_sum)
    return replace(model, pair_table=table), table


def weight(table: PairTable, r: float) -> float:
    """w of one neighbour, as PyTorch computes it."""
    share = np.exp(-r / table.alpha)
    sigma = r * share / max(share, table.least_sum)
    u = min(max((sigma - table.inner) / table.width, 0.0), 1.0)
    return float(1 - u**3 * (6 * u**2 - 15 * u + 10)) if sigma else 0.0


@pytest.mark.parametrize("r", DISTANCES)
def test_weight_of_one_neighbour(r: float) -> None:
    model, table = with_table(LEAST)
    assert table.alpha == 0.2
    positions, types = np.array([[0.0, 0, 0], [0, 0.6 * r, 0.8 * r]]), [0, 1]
    found = dpse_fast.load(model, tol=0).compute(positions, types, atomic=True)
    deep = dpse_fast.load(replace(model, pair_table=None), tol=0)
    mixed = deep.compute(positions, types, atomic=True).atomic_energies
    rows = table.coefficients[[0, 1], [1, 0]]
    k, t = divmod((r - table.start) / table.step, 1)
    pair = np.zeros(2)
    if r < table.end:
        pair = 0.5 * rows[:, int(k)] @ t ** np.arange(4)
    w = weight(table, r)
    assert found.atomic_energies is not None
    assert mixed is not None
    np.testing.assert_allclose(
        found.atomic_energies,
        (1 - w) * mixed + w * (pair + table.bias),
        rtol=0,
        atol=1e-10,
    )


@pytest.mark.parametrize("r", DISTANCES)
def test_forces_of_remote_atoms(r: float) -> None:
    model, _ = with_table(LEAST)
    positions = np.array([[0.0, 0, 0], [0, 0.6 * r, 0.8 * r], [r + 0.1, 0, 0]])
    types = np.array([0, 1, 1])
    found = dpse_fast.load(model, tol=0).compute(positions, types, atomic=True)
    expected = naive.evaluate(model, positions, types, None, (False,) * 3)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-9)
    step, numeric = 1e-5, np.zeros_like(positions)
    for place in np.ndindex(positions.shape):
        ends = []
        for h in (step, -step):
            moved = positions.copy()
            moved[place] += h
            ends.append(naive.evaluate(model, moved, types, None, (False,) * 3).energy)
        numeric[place] = (ends[1] - ends[0]) / (2 * step)
    np.testing.assert_allclose(found.forces, numeric, rtol=0, atol=1e-6)


def test_an_atom_too_far_for_a_sum_keeps_the_deep_energy() -> None:
    model, table = with_table(1e-20)
    far = replace(table, alpha=1e-3)
    assert weight(far, 3.0) == 0.0
    positions, types = [[0, 0, 0], [0, 0, 3.0]], [0, 1]
    found = dpse_fast.load(replace(model, pair_table=far)).compute(positions, types)
    deep = dpse_fast.load(replace(model, pair_table=None)).compute(positions, types)
    assert found.energy == pytest.approx(deep.energy, abs=1e-12)


@pytest.mark.parametrize(
    ("file", "least"),
    [("zbl.pth", 1e-20), ("checkpoint_zbl.pt", 1e-20), ("zbl.dp", 0.0)],
)
def test_only_pytorch_has_a_least_sum(file: str, least: float, tmp_path: Path) -> None:
    model = read_model(GOLDEN / file)
    write(model, tmp_path / "copy.h5")
    for found in (model, read_model(tmp_path / "copy.h5")):
        assert found.pair_table is not None
        assert found.pair_table.least_sum == least
