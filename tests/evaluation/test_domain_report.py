"""What a result says of a structure beyond the model's domain."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.model import Model, SeE2A
from dpse_fast.plan.domain import unseen_pairs


def counts(positions: np.ndarray, types: np.ndarray, cutoff: float) -> np.ndarray:
    """(N, 2) neighbours of each type in open boundaries."""
    d = np.linalg.norm(positions[:, None] - positions, axis=-1)
    near = (d < cutoff) & (d > 0)
    return np.stack([near @ (types == t).astype(int) for t in range(2)], axis=1)


def untrained(model: Model, species: int) -> Model:
    """The model with the statistics that deepmd-kit writes for an absent type."""
    part = model.descriptors[0]
    assert isinstance(part, SeE2A)
    davg, dstd = part.davg.copy(), part.dstd.copy()
    davg[species], dstd[species] = 0, 1 / part.rcut
    return replace(model, descriptors=(replace(part, davg=davg, dstd=dstd),))


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
def test_excess_neighbours_of_each_atom() -> None:
    s = random_structure("open")
    pot = dpse_fast.load(random_model(sel=(3, 4)))
    report = pot.compute(s.positions, s.types, atomic=True).report
    assert report
    assert report.atoms is not None
    beyond = np.maximum(counts(s.positions, s.types, pot.rcut) - [3, 4], 0)
    np.testing.assert_array_equal(report.atoms.sel_excess["O"], beyond[:, 0])
    np.testing.assert_array_equal(report.atoms.sel_excess["H"], beyond[:, 1])
    assert report.sel_overflow is not None
    assert report.sel_overflow.n_atoms == beyond.any(axis=1).sum()
    assert pot.compute(s.positions, s.types).report.atoms is None


def test_neighbours_that_the_list_of_all_types_drops_are_reported() -> None:
    """Emptied pairs fill the list, so that others are lost below their own sel."""
    model = random_model(sel=(5, 6), list_size=11, emptied=frozenset({(0, 0)}))
    ring = np.arange(12) * np.pi / 6
    near = 2.2 * np.stack([np.cos(ring), np.sin(ring), 0 * ring], axis=1)
    positions = np.concatenate([np.zeros((1, 3)), near, [[0, 0, 2.5], [0, 0, -2.6]]])
    types = np.repeat([0, 1], [13, 2])
    pot = dpse_fast.load(model, sel_overflow="truncate")
    result = pot.compute(positions, types, atomic=True)
    assert result.report.atoms is not None
    assert result.report.atoms.sel_excess["H"][0] == 2
    everything = dpse_fast.load(model, sel_overflow="all").compute(positions, types)
    assert result.energy != everything.energy
    alone = positions[:14], [0, *[0] * 12, 1]
    with pytest.raises(dpse_fast.InputError, match=r"sel .*of H\)"):
        dpse_fast.load(model, sel_overflow="error").compute(*alone)


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
def test_overflow_in_one_part_of_a_hybrid_counts_each_atom_once() -> None:
    s = random_structure("open")
    model = random_model(sel=(4, 60), hybrid=({"rcut": 5.5, "sel": (60, 7)},))
    report = dpse_fast.load(model).compute(s.positions, s.types).report
    short, long = (counts(s.positions, s.types, r) for r in (4.3, 5.5))
    over = (short[:, 0] > 4) | (long[:, 1] > 7)
    assert report.sel_overflow is not None
    assert report.sel_overflow.n_atoms == over.sum() < len(over)
    assert report.sel_overflow.types == {
        "O": (short[:, 0] > 4).sum(),
        "H": (long[:, 1] > 7).sum(),
    }


def test_close_and_short_pairs() -> None:
    model = replace(random_model(), min_distance=1.2)
    pot = dpse_fast.load(model)
    positions = [[0, 0, 0], [0, 0, 1.1], [0, 0, 2.5], [0, 3.0, 2.5]]
    report = pot.compute(positions, [0, 1, 0, 1], atomic=True).report
    assert (report.close_pairs, report.short_pairs) == (1, 0)
    assert report.atoms is not None
    assert report.atoms.close_neighbours.tolist() == [1, 1, 0, 0]
    positions[1][2] = 0.5
    with pytest.warns(dpse_fast.ShortDistanceWarning, match="1 pairs closer than 0.60"):
        report = pot.compute(positions, [0, 1, 0, 1]).report
    assert (report.close_pairs, report.short_pairs) == (1, 1)


def test_types_without_training() -> None:
    model = untrained(random_model(3), 1)
    assert unseen_pairs(model).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    pot = dpse_fast.load(model)
    described = pot.describe()["model"]
    assert described["untrained_types"] == ["H"]
    positions = [[0, 0, 0], [0, 0, 1.5], [0, 0, 3.0], [0, 0, 20.0]]
    with pytest.warns(dpse_fast.UnseenTypesWarning, match="not trained on: O-H, H-O"):
        report = pot.compute(positions, ["O", "H", "Cu", "O"], atomic=True).report
    assert report.unseen_pairs == {
        ("O", "H"): 1, ("H", "O"): 1, ("H", "Cu"): 1, ("Cu", "H"): 1,
    }  # fmt: skip
    assert report.atoms is not None
    assert report.atoms.unseen_neighbours.tolist() == [1, 2, 1, 0]
    assert not pot.compute(positions, ["O", "Cu", "O", "O"]).report


def test_statistics_of_no_training_at_all_tell_nothing() -> None:
    model = untrained(untrained(random_model(), 0), 1)
    assert not unseen_pairs(model).any()


def test_numbers_that_overflow_are_reported() -> None:
    model = random_model(pair_table=True)
    steep = np.full_like(model.pair_table.coefficients, 1e308)
    table = replace(model.pair_table, coefficients=steep, inner=9.0)
    pot = dpse_fast.load(replace(model, pair_table=table))
    positions = [[0, 0, 0], [0, 0, 1.5], [0, 0, 30]]
    with pytest.warns(dpse_fast.NonFiniteWarning, match="2 atoms have an energy or"):
        report = pot.compute(positions, [0, 1, 0], atomic=True).report
    assert report.non_finite_atoms == 2
    assert report.atoms is not None
    assert report.atoms.non_finite.tolist() == [True, True, False]


def test_reports_of_virtual_atoms_keep_their_places() -> None:
    model = replace(random_model(), min_distance=1.2)
    positions = [[0, 0, 0], [0, 0, 9], [0, 0, 1.1]]
    result = dpse_fast.load(model).compute(positions, [0, -1, 1], atomic=True)
    assert result.report.atoms is not None
    assert result.report.atoms.close_neighbours.tolist() == [1, 0, 1]
    assert result.report.summary()["virtual_atoms"] == 1


@pytest.mark.parametrize("mode", ["warn", "all"])
def test_neighbours_beyond_the_pair_table_are_reported(mode: str) -> None:
    model = random_model(pair_table=True)
    table = replace(model.pair_table, sel=(2, 3), rcut=4.3, switch_rcut=4.3)
    pot = dpse_fast.load(replace(model, pair_table=table), sel_overflow=mode)
    s = random_structure("open")
    with (
        pytest.warns(dpse_fast.SelOverflowWarning, match="of pair table")
        if mode == "warn"
        else nullcontext()
    ):
        over = pot.compute(s.positions, s.types).sel_overflow
    near = counts(s.positions, s.types, 4.3)
    assert over is not None
    assert over.types == {"pair table": (near > [2, 3]).any(axis=1).sum()}
    assert over.n_atoms == over.types["pair table"]
