"""The engine against the naive oracle, over the families of models."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np
import pytest
from comparison import check, compare, compute
from conftest import Backend
from families import FAMILIES, family, parameters
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str, backend: Backend) -> None:
    model = family(name)
    check(model, random_structure("triclinic", model.n_types), backend)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_session_of_moving_atoms(name: str) -> None:
    model = family(name)
    structure = random_structure("slab", model.n_types)
    given = parameters(model, len(structure.positions))
    pot = dpse_fast.load(model, tol=0, threads=2)
    session = pot.session(skin=0.8)
    rng = np.random.default_rng(5)
    positions = structure.positions
    for _ in range(3):
        positions = positions + rng.normal(scale=0.02, size=positions.shape)
        rest = (structure.types, structure.cell)
        result = session.compute(positions, *rest, pbc=structure.pbc, **given)
        alone = pot.compute(positions, *rest, pbc=structure.pbc, **given)
        np.testing.assert_allclose(result.forces, alone.forces, rtol=0, atol=1e-9)
        assert result.energy == pytest.approx(alone.energy, abs=1e-9)
    assert session.list_builds == 1


@pytest.mark.parametrize("mode", ["truncate", "all"])
@pytest.mark.parametrize("name", ["se_e2_r", "hybrid", "mixed"])
def test_sel_overflow(name: str, mode: Any, backend: Backend) -> None:
    sel: tuple[int, ...] = (11,) if name == "mixed" else (6, 9)
    model = family(name, sel=sel)
    result = check(model, random_structure("cubic"), backend, sel_overflow=mode)
    assert result.sel_overflow is not None
    key = {"all types"} if name == "mixed" else {"O", "H"}
    assert result.sel_overflow.types.keys() == key


def test_virtual_atoms_do_not_count(backend: Backend) -> None:
    model = family("aparam")
    structure = random_structure("cubic")
    types = structure.types.copy()
    types[::5] = -1
    given = parameters(model, len(types))
    pot = backend.load(model)
    structure, real = structure._replace(types=types), types >= 0
    result = compute(pot, structure, **given)
    part = structure._replace(positions=structure.positions[real], types=types[real])
    own = {"fparam": given["fparam"], "aparam": given["aparam"][real]}
    alone = compute(pot, part, **own)
    for name in ("forces", "atomic_energies", "atomic_virials"):
        got = getattr(result, name)
        limit = 1e-11 if "any-order" in backend.name else 0
        want = getattr(alone, name)
        np.testing.assert_allclose(got[real], want, rtol=0, atol=limit)
        assert not got[~real].any()
    assert result.report.virtual_atoms == (~real).sum()
    compare(result, naive.evaluate(model, *structure, **given), backend)


def test_only_virtual_atoms() -> None:
    pot = dpse_fast.load(random_model())
    result = pot.compute(np.zeros((2, 3)), [-1, -1], atomic=True)
    assert result.energy == 0
    assert not result.forces.any()
    assert result.report.virtual_atoms == 2


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, r"aparam: the model needs 2 atomic parameters, expected shape \(3, 2\)"),
        ({"aparam": [1.0]}, r"aparam: expected shape \(3, 2\) or \(2,\), got \(1,\)"),
        ({"aparam": [[1.0, np.nan]] * 3}, "aparam: expected finite numbers"),
        ({"aparam": [1.0, 2.0], "fparam": 1.0}, "fparam: expected none"),
    ],
)
def test_bad_parameters_are_named(given: Any, match: str) -> None:
    model = family("aparam", aparam=2, fparam=0, vacuum=False)
    pot = dpse_fast.load(model)
    positions = np.diag([1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=match):
        pot.compute(positions, [0, 1, 0], **given)
    assert np.isfinite(pot.compute(positions, [0, 1, 0], aparam=[0.1, 0.2]).energy)


def test_one_atomic_parameter_may_be_a_column_or_a_number() -> None:
    model = family("aparam", aparam=1, fparam=0, vacuum=False)
    pot = dpse_fast.load(model)
    positions, types = np.diag([1.0, 2.0, 3.0]), [0, 1, 0]
    column = pot.compute(positions, types, aparam=[[0.3]] * 3).energy
    assert pot.compute(positions, types, aparam=[0.3, 0.3, 0.3]).energy == column
    assert pot.compute(positions, types, aparam=0.3).energy == column


def test_a_pair_below_the_table_is_an_error() -> None:
    model = family("pair_table")
    near = 0.5 * model.pair_table.start
    pot = dpse_fast.load(model)
    if not near:
        pytest.skip("the random pair table starts at zero")
    with pytest.raises(InputError, match=r"atom [01] has a neighbour closer than"):
        pot.compute([[0, 0, 0], [0, 0, near]], [0, 1])
