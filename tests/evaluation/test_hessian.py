"""Second derivatives against differences of the oracle, and what they must obey."""

from __future__ import annotations

from typing import Any

import naive
import numpy as np
import pytest
from ase_structures import as_atoms
from evaluation.test_symmetry import rotation
from families import family, parameters
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.ase import DeepPotential
from dpse_fast.cpu import force_differences, hessian_session
from dpse_fast.errors import InputError
from dpse_fast.model import Model

CLOSE = 1e-8  # of the largest; the families differ by 1e-10 and less
STEP = 2e-4  # Å, of the oracle's differences


def load(model: Any, **options: Any) -> dpse_fast.Potential:
    return dpse_fast.load(model, device="cpu", threads=1, **{"tol": 0.0} | options)


def of_oracle(model: Model, s: Structure, atom: int, **given: Any) -> Any:
    """(3, 3N) from forces of the oracle at three pairs of points (sixth order)."""
    found = []
    for axis in np.eye(3):
        total = np.zeros(s.positions.shape)
        for k, weight in ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60)):
            for sign in (1, -1):
                moved = s.positions.copy()
                moved[atom] += sign * k * STEP * axis
                forces = naive.evaluate(model, moved, *s[1:], **given).forces
                total -= sign * weight / STEP * forces
        found.append(total.reshape(-1))
    return np.array(found)


def gap(found: Any, expected: Any) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("se_e2_a", "tiny"),
        ("hybrid", "wire"),
        ("aparam", "slab"),
        ("pair_table", "triclinic"),
        ("mixed_gated", "open"),
    ],
)
def test_rows_are_those_of_the_oracle(name: str, kind: str) -> None:
    model, s = family(name), random_structure(kind)
    given = parameters(model, len(s.positions))
    expected = of_oracle(model, s, 2, **given)
    found = load(model).hessian(*s[:3], pbc=s.pbc, atoms=[2], **given)
    assert gap(found, expected) < CLOSE


def test_the_matrix_is_symmetric_and_has_no_net_force() -> None:
    model, s = random_model(), random_structure("triclinic")
    pot, n = load(model), len(s.positions)
    found = pot.second_derivatives(*s[:3])
    matrix, largest = found.hessian, np.abs(found.hessian).max()
    np.testing.assert_array_equal(matrix, matrix.T)
    assert 0 < found.asymmetry < CLOSE * largest
    assert np.abs(matrix.reshape(3 * n, n, 3).sum(axis=1)).max() < CLOSE * largest
    assert found.report.virtual_atoms == 0
    # Atoms in another order than the structure's, and all columns.
    some = [7, 3]
    rows = pot.hessian(*s[:3], atoms=some)
    places = [3 * a + k for a in some for k in range(3)]
    assert gap(rows, matrix[places]) < CLOSE
    np.testing.assert_array_equal(rows[:, places], rows[:, places].T)
    vector = np.random.default_rng(0).normal(size=(n, 3))
    along = matrix @ vector.reshape(-1)
    assert (
        gap(pot.hessian(*s[:3], vector=1e3 * vector).reshape(-1), 1e3 * along) < CLOSE
    )
    one = np.zeros((n, 3))
    one[5, 1] = 2.0
    assert gap(pot.hessian(*s[:3], vector=one).reshape(-1), 2 * matrix[16]) < CLOSE
    assert not pot.hessian(*s[:3], vector=np.zeros((n, 3))).any()
    turn = rotation()
    turned = pot.hessian(s.positions @ turn.T, s.types, s.cell @ turn.T, atoms=[4])
    back = np.einsum("ab,bjc,cd->ajd", turn.T, turned.reshape(3, n, 3), turn)
    assert gap(back.reshape(3, -1), matrix[12:15]) < CLOSE


def test_neither_plan_nor_threads_nor_copies_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s, model = random_structure("cubic"), random_model()
    expected = load(model, tol=0.0).hessian(*s[:3], atoms=[1])
    reduced = dpse_fast.load(
        model, device="cpu", threads=3, precision="single", tol=1e-3
    )
    np.testing.assert_array_equal(reduced.hessian(*s[:3], atoms=[1]), expected)
    monkeypatch.setattr(force_differences, "ROWS_AT_ONCE", 1)
    one_by_one = load(model, tol=1e-5).hessian(*s[:3], atoms=[1])
    assert gap(one_by_one, expected) < CLOSE


def test_virtual_atoms_have_rows_and_columns_of_zeros() -> None:
    model, s = family("aparam"), random_structure("cubic")
    given = parameters(model, len(s.types))
    types = s.types.copy()
    types[[0, 5]] = -1
    real = np.flatnonzero(types >= 0)
    pot = load(model)
    found = pot.second_derivatives(s.positions, types, s.cell, atoms=[5, 1, 6], **given)
    n = len(types)
    blocks = found.hessian.reshape(3, 3, n, 3)
    assert not blocks[0].any()
    assert not blocks[:, :, [0, 5]].any()
    assert found.report.virtual_atoms == 2
    own = given | {"aparam": given["aparam"][real]}
    alone = pot.hessian(s.positions[real], types[real], s.cell, atoms=[0, 4], **own)
    assert gap(blocks[1:][:, :, real].reshape(6, -1), alone) < CLOSE
    vector = np.random.default_rng(0).normal(size=(n, 3))
    product = pot.hessian(s.positions, types, s.cell, vector=vector, **given)
    assert not product[[0, 5]].any()
    along = np.einsum("iajb,jb->ia", blocks[1:], vector)
    assert gap(product[[1, 6]], along) < CLOSE
    nothing = pot.second_derivatives(
        s.positions[:2], [-1, -1], **{**given, "aparam": [0.0]}
    )
    assert nothing.hessian.shape == (6, 6)
    assert not nothing.hessian.any()


def test_what_lies_beyond_the_domain_is_told() -> None:
    s = random_structure("cubic")
    crowded = random_model(sel=(6, 9))
    with pytest.warns(dpse_fast.SelOverflowWarning):
        found = load(crowded).second_derivatives(*s[:3], atoms=[0])
    assert found.report.sel_overflow is not None
    with pytest.raises(InputError, match="sel"):
        load(crowded, sel_overflow="error").hessian(*s[:3], atoms=[0])
    twice = np.vstack([s.positions, s.positions[3]])
    with pytest.raises(InputError, match=r"atom (3|34)\b"):
        load(random_model()).hessian(twice, [0, *s.types], s.cell)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"atoms": [0, 3]}, "atoms: .* 0 to 2, got 3 at place 1"),
        ({"atoms": [-1]}, "atoms: .* got -1"),
        ({"atoms": [1, 1]}, "atoms: .* got 1 several times"),
        ({"atoms": [0.0]}, "atoms: .* float64"),
        ({"atoms": [True, False, True]}, "atoms: .* bool"),
        ({"atoms": []}, "atoms: "),
        ({"atoms": 1}, "atoms: "),
        ({"vector": np.zeros(9)}, r"vector: .* \(3, 3\), got \(9,\)"),
        ({"vector": np.full((3, 3), np.nan)}, "vector: .* finite"),
        ({"vector": np.ones((3, 3)), "atoms": [0]}, "atoms: .* both"),
    ],
)
def test_bad_arguments_are_named(given: dict[str, Any], words: str) -> None:
    pot = load(random_model())
    with pytest.raises(InputError, match=words):
        pot.hessian(np.diag([1.0, 2.0, 3.0]), [0, 1, 1], **given)


def test_a_matrix_beyond_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    s, pot = random_structure("tiny"), load(random_model())
    monkeypatch.setattr(hessian_session, "memory", lambda: 600.0)
    with pytest.raises(InputError, match="memory"):
        pot.hessian(*s[:3])
    assert pot.hessian(*s[:3], atoms=[0]).shape == (3, 9)


def test_ase() -> None:
    s, others = (
        random_structure("slab", n_atoms=6),
        [random_model(seed=k) for k in (1, 2)],
    )
    atoms = as_atoms(s)
    calculator = DeepPotential(others[0], device="cpu", threads=1, tol=0)
    with pytest.raises(InputError, match="atoms"):
        calculator.get_hessian()
    expected = [load(one).hessian(*s[:3], pbc=s.pbc) for one in others]
    np.testing.assert_array_equal(calculator.get_hessian(atoms), expected[0])
    for driver, of_driver in (("first", expected[0]), ("mean", sum(expected) / 2)):
        calculator = DeepPotential(
            others, driver=driver, device="cpu", threads=1, tol=0
        )
        atoms.calc = calculator
        atoms.get_potential_energy()
        assert gap(calculator.get_hessian(), of_driver) < CLOSE
