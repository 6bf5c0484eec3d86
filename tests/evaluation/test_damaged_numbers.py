"""Numbers that a damaged file may hold cost no memory, and no traceback."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.planning.structures import (
    MOST_NEIGHBOURS,
    comparison_structures,
    sample_environments,
)


@pytest.mark.parametrize("mixed", [False, True])
def test_any_sel_is_sampled_with_a_bounded_number_of_neighbours(mixed: bool) -> None:
    sel = (2**31 - 1,) * (1 if mixed else 2)
    model = random_model(sel=sel, mixed=mixed, mean=0.0)
    sizes = [len(env.types) for env in sample_environments(model, [0, 1])]
    assert 0 < max(sizes) <= MOST_NEIGHBOURS


@pytest.mark.parametrize("rcut", [1e7, 1e300])
def test_a_cutoff_without_bounds_is_refused(rcut: float) -> None:
    model = random_model()
    wide = replace(model.descriptors[0], rcut=rcut)
    with pytest.raises(
        dpse_fast.ModelFileError, match=r"rcut: expected at most 1e\+06"
    ):
        replace(model, descriptors=(wide,))


@pytest.mark.parametrize("distance", [1e-300, 1e-3, 1e300])
def test_any_trained_minimum_gives_sample_structures(distance: float) -> None:
    model = replace(random_model(), min_distance=distance)
    pot = dpse_fast.load(model)
    for s in comparison_structures(model):
        assert np.isfinite(pot.compute(s.positions, s.types, s.cell).energy)


@pytest.mark.filterwarnings("ignore::dpse_fast.NonFiniteWarning")
def test_energies_whose_sum_overflows() -> None:
    """Each is finite; NumPy warns of their sum, and the report tells."""
    model = random_model()
    pot = dpse_fast.load(replace(model, bias=np.full(2, 1e308)))
    s = random_structure("cubic")
    batch = pot.compute_batch([s[:3]])[0]
    for found in (pot.compute(*s[:3]), pot.session().compute(*s[:3]), batch):
        assert found.energy == np.inf
        assert np.isfinite(found.forces).all()
        assert found.report.non_finite_atoms == len(s.types)
