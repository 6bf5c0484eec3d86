"""Rotations: exact at full rank, small where the rank is, measured, certified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import naive
import numpy as np
import pytest
from comparison import compute
from families import FAMILIES, family, parameters
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.model import Model, Net
from dpse_fast.plan import PRECISIONS
from dpse_fast.plan.pair_functions import functions_of, padding_of
from dpse_fast.planning import make_plan
from dpse_fast.planning.plan_summary import ROTATED, summarise
from dpse_fast.planning.rotation import CentreRotation
from dpse_fast.planning.sensitivity import sensitivity

WIDE = {"embedding": (6, 12, 24), "axis": 5, "fitting": (20, 20)}


def rotation(model: Model, species: int, norm: Any = None) -> CentreRotation:
    descriptor = model.descriptors[0]
    types = frozenset(range(model.n_types))
    functions = {
        t: f for (c, t), f in functions_of(descriptor, types).items() if c == species
    }
    weight = model.fitting[species].layers[0].weight[: descriptor.n_out]
    nodes = {t: np.linspace(0.5, descriptor.rcut, 60) for t in functions}
    return CentreRotation(
        descriptor,
        species,
        functions,
        np.full(model.n_types, 8.0),
        0.9,
        nodes,
        np.eye(descriptor.width) if norm is None else norm,
        weight,
        padding_of(descriptor, types)[species],
    )


@pytest.mark.parametrize("n_types", [1, 2])
def test_nothing_is_lost_at_full_rank(n_types: int) -> None:
    """Mixed tables give G again, of values and of what empty slots add."""
    model = random_model(n_types, **WIDE)
    descriptor = model.descriptors[0]
    rotated = rotation(model, 0).at(1e-15)
    functions = functions_of(descriptor, frozenset(range(n_types)))
    r = np.linspace(0.9, descriptor.rcut, 50)
    row = 0
    for t, matrix in rotated.tables.items():
        value = functions[0, t](r)[0]
        z = value @ matrix
        if rotated.form.mix is not None:
            z = z @ rotated.form.mix[row : row + matrix.shape[1]]
            row += matrix.shape[1]
        np.testing.assert_allclose(z @ rotated.form.basis.T, value, atol=1e-9)
    empty = padding_of(descriptor, frozenset(range(n_types)))[0]
    np.testing.assert_allclose(
        rotated.form.empty @ rotated.form.basis.T, empty, atol=1e-9
    )


def test_a_looser_cut_keeps_fewer_directions() -> None:
    model = random_model(2, **WIDE)
    turned = rotation(model, 1)
    sizes = [turned.at(cut).form.n_channels for cut in (1e-12, 1e-6, 1e-3, 1e-1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2] > 1


def test_an_embedding_of_low_rank_is_found() -> None:
    """Channels that repeat others, linearly, are free."""
    model = random_model(1, **WIDE)
    embedding = model.descriptors[0].embedding[0][0]
    assert isinstance(embedding, Net)
    last = embedding.layers[-1]
    weight = np.zeros_like(last.weight)
    bias = np.zeros_like(last.bias)
    weight[:, :4], bias[:4] = last.weight[:, :4], last.bias[:4]
    weight[:, 4:8], bias[4:8] = last.weight[:, :4], last.bias[:4]
    low = Net((*embedding.layers[:-1], replace(last, weight=weight, bias=bias,
                                               skip="none")))  # fmt: skip
    descriptor = replace(model.descriptors[0], embedding=((low,),))
    turned = rotation(replace(model, descriptors=(descriptor,)), 0)
    assert turned.at(1e-10).form.n_channels <= 5  # four, and the empty slots'


def test_products_fall_off() -> None:
    model = random_model(2, **WIDE)
    rotated = rotation(model, 0).at(1e-8)
    form, importance = rotated.form, rotated.importance
    assert form.starts.size == 5
    assert (importance >= 0).all()
    half = rotated.pruned(0.1 * importance.max())
    assert half.n_inputs < form.n_inputs
    assert (half.ends > half.starts).all()
    least = rotated.pruned(2 * importance.max())
    assert (least.starts.size, least.n_inputs) == (1, 1)  # without rows z would enter


def test_products_are_ordered_by_what_they_add() -> None:
    """First those of the axis channels, then the rest, each from large to small."""
    importance = rotation(random_model(2, **WIDE), 0).at(1e-6).importance
    rest = np.linalg.norm(importance[:, 5:], axis=0)
    assert (np.diff(rest) <= 1e-12 * rest[0]).all()
    assert rest[0] > 1.5 * rest[-1]


@pytest.mark.parametrize("n_types", [1, 2])
def test_empty_slots_count_for_the_rank(n_types: int) -> None:
    """As `EMPTY_WEIGHT` neighbours: many slots are empty."""
    model = random_model(n_types, **WIDE)
    exact = padding_of(model.descriptors[0], frozenset(range(n_types)))[0]
    form = rotation(model, 0).at(1e-2).form
    assert form.n_channels < model.descriptors[0].width / 2
    error = np.linalg.norm(form.empty @ form.basis.T - exact, axis=1)
    assert (error < 0.01 * np.linalg.norm(exact, axis=1)).all()


def test_the_sensitivity_is_the_first_layers() -> None:
    """Against a finite difference of the layer."""
    rng = np.random.default_rng(0)
    width, axis, n_out = 6, 3, 4
    weight = rng.normal(size=(width * axis, n_out))
    t = rng.normal(size=(1, 4, width))
    norm = sensitivity(t, weight, axis)

    def layer(moments: Any) -> Any:
        d = np.einsum("cm,ca->ma", moments, moments[:, :axis])
        return d.ravel() @ weight

    for _ in range(3):
        change = rng.normal(size=width)
        slopes = []
        for c in range(4):
            step = np.zeros((4, width))
            step[c] = 1e-5 * change
            rise = (layer(t[0] + step) - layer(t[0] - step)) / 2e-5
            slopes.append(np.sum(rise**2))
        found = np.sum((norm.T @ change) ** 2)
        assert found == pytest.approx(np.mean(slopes), rel=1e-6)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", FAMILIES)
def test_rotated_families_keep_the_tolerance(name: str, precision: str) -> None:
    """With channels enough that a rotation pays."""
    model = family(name, **WIDE)
    s = random_structure("triclinic")
    given = parameters(model, len(s.types))
    tol = 1e-4
    pot = dpse_fast.load(model, tol=tol, precision=precision, threads=1)
    result = compute(pot, s, **given)
    expected = naive.evaluate(model, *s, **given)
    limit = (tol if precision == "double" else 2 * tol) * max(
        1.0, np.abs(expected.forces).max() / 10
    )
    np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=limit)
    np.testing.assert_allclose(result.virial, expected.virial, rtol=0, atol=10 * limit)
    np.testing.assert_allclose(
        result.atomic_energies, expected.atomic_energies, rtol=0, atol=limit
    )


def test_the_plan_says_what_was_chosen_and_why() -> None:
    model = family("se_e2_a", **WIDE)
    loose = summarise(make_plan(model, tolerance=1e-2))["descriptors"]
    exact = summarise(make_plan(model, tolerance=0.0))["descriptors"]
    for row in loose:
        assert row["chosen"] == ROTATED
        assert "of the work" in row["because"]
        assert row["inputs"] < row["of_inputs"]
        assert row["flops"] < row["of_flops"]
    for row in exact:
        assert row["chosen"] == "as in the file, symmetric part once"
        assert row["because"] == "tolerance 0 rotates nothing"
    assert [row["centre"] for row in loose] == ["O", "H"]


def test_a_first_layer_with_a_skip_is_left_alone() -> None:
    """Its inputs are outputs too: they must stay what they are."""
    model = random_model(2, embedding=(4, 8), axis=3, fitting=(24, 24))
    assert model.fitting[0].layers[0].skip == "identity"
    for row in summarise(make_plan(model, tolerance=1e-2))["descriptors"]:
        assert row["chosen"] == "as in the file"
        assert row["because"] == "the first layer hands its inputs on"


@pytest.mark.parametrize("axis", [1, 4])
@pytest.mark.parametrize("fitting", [(), (2,), (3, 3)])
def test_a_first_layer_of_few_neurons(fitting: tuple[int, ...], axis: int) -> None:
    """Fewer numbers than the mixed channels: they do not order all directions."""
    model = random_model(2, embedding=(6, 12, 24), axis=axis, fitting=fitting)
    s = random_structure("triclinic")
    pot = dpse_fast.load(model, tol=1e-3, threads=1)
    assert pot.plan is not None
    forces = pot.compute(*s[:3], pbc=s.pbc).forces
    expected = naive.evaluate(model, *s).forces
    np.testing.assert_allclose(forces, expected, rtol=0, atol=1e-3)


def test_the_energy_does_not_step_at_the_cutoff() -> None:
    """What an empty slot adds is what a neighbour adds that just leaves."""
    model = random_model(2, **WIDE)
    pot = dpse_fast.load(model, tol=1e-2, threads=1)
    assert pot.plan is not None
    assert pot.plan.forms[0][0].mix is not None
    positions = np.array([[0.0, 0, 0], [1.1, 0.3, 0], [0, 1.4, 0.2], [0, 0, 0]])
    for types in ([0, 1, 1, 0], [0, 1, 1, 1]):
        energies = []
        for side in (-1e-10, 1e-10):
            positions[3, 0] = -(model.rcut + side)
            energies.append(pot.compute(positions, types).energy)
        assert abs(energies[1] - energies[0]) < 1e-13


def test_an_untrained_type_costs_the_others_nothing() -> None:
    """Its statistics are the file's defaults, and its forces huge."""
    model = random_model(3, **WIDE)
    descriptor = model.descriptors[0]
    mean, deviation = descriptor.davg.copy(), descriptor.dstd.copy()
    mean[2], deviation[2] = 0.0, 1e-2
    model = replace(
        model, descriptors=(replace(descriptor, davg=mean, dstd=deviation),)
    )
    plan = make_plan(model, tolerance=1e-2)
    (forms,) = plan.forms
    assert forms[2].n_channels == descriptor.width
    reasons = [row["because"] for row in summarise(plan)["descriptors"]]
    assert reasons[2] == "a type without training is left alone"
    assert all("of the work" in reason for reason in reasons[:2])
    for c in (0, 1):
        assert forms[c].n_inputs < 0.9 * forms[2].n_inputs
    assert plan.certificate is not None
    assert plan.certificate.force <= 1e-2
