"""The oracle on every family of models: its own gradient, and what must not change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from families import FAMILIES, SMALL, family, parameters
from numpy.typing import NDArray
from random_model import Structure, random_model, random_structure

from dpse_fast.model import Model
from naive import Evaluation, evaluate
from naive.slots import Overflow

from .test_naive import check_gradient

Array = NDArray[np.float64]
# In these a neighbour that leaves the cutoff is not what an empty slot is.
JUMPING = {"se_e2_r_excluded", "mixed_padding"}
JUMPING |= {name for name, options in FAMILIES.items() if "keeps_all" in options}
CONTINUOUS = sorted(FAMILIES.keys() - JUMPING)


def run(model: Model, s: Structure, **options: Any) -> Evaluation:
    return evaluate(model, *s, **parameters(model, len(s.types)) | options)


def gap(a: Evaluation, b: Evaluation) -> float:
    return float(np.abs(a.atomic_energies - b.atomic_energies).max())


@pytest.mark.parametrize("kind", ["open", "tiny", "triclinic"])
@pytest.mark.parametrize("name", FAMILIES)
def test_forces_and_virial_are_the_gradient(name: str, kind: str) -> None:
    model = family(name)
    s = random_structure(kind, n_atoms=3 if kind == "tiny" else 9)
    cell = np.eye(3) if s.cell is None else s.cell
    p = parameters(model, len(s.types))

    # Images of an atom in a tiny cell are equally far: which is kept may change.
    overflow: Overflow = "all" if kind == "tiny" else "truncate"

    def energy(positions: Array, lattice: Array) -> Evaluation:
        return evaluate(model, positions, s.types, lattice, s.pbc, overflow, **p)

    check_gradient(energy, s.positions, cell)


@pytest.mark.parametrize("name", FAMILIES)
def test_rotation_translation_and_order_do_not_matter(name: str) -> None:
    model = family(name)
    s = random_structure("triclinic", n_atoms=12)
    p = parameters(model, len(s.types))
    rng = np.random.default_rng(2)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(len(s.types))
    found = run(model, s)
    moved = (s.positions @ turn + [0.3, -4.0, 2.0])[order]
    aparam = p["aparam"]
    other = evaluate(
        model,
        moved,
        s.types[order],
        s.cell @ turn,
        fparam=p["fparam"],
        aparam=None if aparam is None else aparam[order],
    )
    assert np.allclose(
        other.atomic_energies, found.atomic_energies[order], 0, 1e-11 * len(order)
    )
    assert np.allclose(other.forces, (found.forces @ turn)[order], 0, 1e-10)
    assert np.allclose(other.virial, turn.T @ found.virial @ turn, 0, 1e-9)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_energies_are_continuous_at_every_cutoff(name: str) -> None:
    model = family(name)
    reach = [d.rcut for d in model.descriptors]
    if model.pair_table is not None:
        reach.append(model.pair_table.end)
    for r in reach:
        at = np.array([[0, 0, 0], [r, 0, 0], [0, 1.2, 0]])
        near = Structure(at, np.array([0, 1, 1]), None, (False,) * 3)
        step = np.array([[0, 0, 0], [1e-9, 0, 0], [0, 0, 0]])
        inside = run(model, near._replace(positions=at - step))
        outside = run(model, near._replace(positions=at + step))
        assert gap(inside, outside) < 1e-7


@pytest.mark.parametrize("options", [{}, {"mixed": True}, {"kind": "se_e2_r"}])
def test_emptied_pairs_do_not_see_each_other(options: dict[str, Any]) -> None:
    model = random_model(**SMALL, **options, emptied=frozenset({(0, 1), (1, 0)}))
    s = random_structure("cubic", n_atoms=14)
    found = run(model, s).atomic_energies
    for t in (0, 1):
        mine = s.types == t
        alone = s._replace(positions=s.positions[mine], types=s.types[mine])
        assert np.allclose(found[mine], run(model, alone).atomic_energies, 0, 1e-12)


def test_an_atom_of_type_minus_one_does_not_exist() -> None:
    model = family("aparam")
    s = random_structure("cubic", n_atoms=8)
    gone = np.arange(8) % 3 == 1
    p = parameters(model, 8)
    aparam = p["aparam"]
    found = run(model, s._replace(types=np.where(gone, -1, s.types)))
    rest = s._replace(positions=s.positions[~gone], types=s.types[~gone])
    expected = run(model, rest, aparam=aparam[~gone])
    assert found.energy == expected.energy
    assert np.array_equal(found.forces[~gone], expected.forces)
    assert np.array_equal(found.atomic_virials[~gone], expected.atomic_virials)
    assert not found.forces[gone].any()
    assert not found.atomic_energies[gone].any()


def test_parameters_act_and_default() -> None:
    model = family("fparam", defaults=True)
    s = random_structure("open", n_atoms=6)
    default = run(model, s, fparam=None)
    assert gap(default, run(model, s, fparam=model.fparam.default)) == 0
    assert gap(default, run(model, s)) > 1e-3


def test_each_atom_has_its_own_parameter() -> None:
    model = random_model(**SMALL, aparam=1)
    s = random_structure("open", n_atoms=6)
    aparam = np.zeros((6, 1))
    before = run(model, s, aparam=aparam).atomic_energies
    aparam[2] = 1.5
    change = np.abs(run(model, s, aparam=aparam).atomic_energies - before)
    assert np.flatnonzero(change > 1e-3).tolist() == [2]
    assert change[[0, 1, 3, 4, 5]].max() == 0


def test_without_neighbours_and_vacuum_only_the_bias_is_left() -> None:
    model = family("aparam", mean=0.0)
    s = Structure(np.zeros((1, 3)), np.array([1]), None, (False,) * 3)
    assert run(model, s).energy == pytest.approx(model.bias[1], abs=1e-12)


def test_silent_types_have_their_bias() -> None:
    model = family("silent")
    s = random_structure("cubic", n_atoms=10)
    found = run(model, s).atomic_energies
    assert (found[s.types == 1] == model.bias[1]).all()
    assert np.ptp(found[s.types == 0]) > 1e-3


def test_gates_at_zero_leave_the_radial_net() -> None:
    model = family("mixed_gated")
    d = model.descriptors[0]
    shut = tuple(tuple(replace(g, gate=0 * g.gate) for g in row) for row in d.embedding)
    bare = tuple(tuple(g.radial for g in row) for row in d.embedding)
    s = random_structure("cubic", n_atoms=10)
    of = [
        run(replace(model, descriptors=(replace(d, embedding=rows),)), s)
        for rows in (d.embedding, shut, bare)
    ]
    assert gap(of[1], of[2]) < 1e-13
    assert gap(of[0], of[1]) > 1e-3


def test_shared_slots_of_one_type_are_the_slots_of_that_type() -> None:
    model = random_model(1, **SMALL, sel=(30,))
    d = model.descriptors[0]
    shared = replace(d, mixed=True, padding=(d.embedding[0][0],))
    s = random_structure("cubic", n_types=1, n_atoms=40)
    for overflow in ("truncate", "all"):
        found = run(model, s, sel_overflow=overflow)
        other = replace(model, descriptors=(shared,))
        assert gap(found, run(other, s, sel_overflow=overflow)) < 1e-13


def test_shared_slots_keep_the_nearest_of_all_types() -> None:
    model = random_model(**SMALL, mixed=True, sel=(2,))
    near = np.array([[0, 0, 0], [1.3, 0, 0], [0, 1.5, 0], [0, 0, 1.7]])
    types = np.array([0, 1, 0, 1])
    s = Structure(near, types, None, (False,) * 3)
    cut = s._replace(positions=near[:3], types=types[:3])
    assert run(model, s).atomic_energies[0] == run(model, cut).atomic_energies[0]


def test_only_the_nearest_of_sel_count_in_a_pair_table() -> None:
    model = family("pair_table")
    near = np.array([[0, 0, 0], [1.3, 0, 0], [0, 1.5, 0], [0, 0, 1.7]])
    s = Structure(near, np.array([0, 1, 1, 1]), None, (False,) * 3)

    def weights(sel: tuple[int, ...]) -> float:
        table = replace(model.pair_table, sel=sel)
        return float(run(replace(model, pair_table=table), s).atomic_energies[0])

    assert weights((3,)) == weights((0, 3)) == weights(())
    assert weights((2,)) == weights((0, 2)) != weights((3,))
    assert weights((9, 0)) == run(replace(model, pair_table=None), s).atomic_energies[0]


def test_a_pair_table_takes_over_at_short_distances() -> None:
    model = family("pair_table")
    table = model.pair_table
    deep = replace(model, pair_table=None)

    def pair(r: float) -> Structure:
        x = np.array([[0, 0, 0], [0, r, 0]])
        return Structure(x, np.array([0, 1]), None, (False,) * 3)

    row = int(np.searchsorted(table.start + table.step * np.arange(9), 0.9)) - 1
    t = (0.9 - table.start) / table.step - row
    u = np.polynomial.polynomial.polyval(t, table.coefficients[0, 1, row])
    expected = 0.5 * u + table.bias
    assert np.allclose(run(model, pair(0.9)).atomic_energies, expected, 0, 1e-12)
    assert gap(run(model, pair(1.95)), run(deep, pair(1.95))) == 0
    assert gap(run(model, pair(1.5)), run(deep, pair(1.5))) > 1e-3
