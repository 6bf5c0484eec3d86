"""The engine against the naive oracle, over models, structures and backends."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import naive
import numpy as np
import pytest
from comparison import check, compare
from conftest import Backend
from random_model import KINDS, Structure, random_model, random_structure

import dpse_fast
from dpse_fast.cpu import blocks, neighbours
from dpse_fast.errors import InputError, SelOverflowWarning
from dpse_fast.inputs.structure import check_system
from dpse_fast.model import Net

MODELS: dict[str, dict[str, Any]] = {
    "two-sided": {},
    "one-sided": {"one_sided": True},
    "one type": {"n_types": 1},
    "three types": {"n_types": 3},
    "centred": {"mean": 0.0},
    "time step": {"idt": True},
    "excluded": {"excluded": frozenset({(0, 1), (1, 0)})},
    "excluded one way": {"excluded": frozenset({(0, 1)})},
    "dropped": {"dropped": frozenset({(0, 1), (1, 0)})},
    "protected": {"env_protection": 0.07},
    "TensorFlow switch": {"switch_float32": True},
    "odd width": {"embedding": (7, 13), "axis": 5},
    "wide axis": {"embedding": (9,), "axis": 9},
    "input skip": {"embedding": (4, 8), "axis": 3, "fitting": (24, 48, 10)},
    "no sel": {"sel": (60, 0), "embedding": (6, 12)},
    "float32 weights": {"dtype": np.float32},
    "smooth from zero": {"rcut_smth": 0.0},
}


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.parametrize("variant", MODELS)
def test_models(variant: str, backend: Backend) -> None:
    model = random_model(**MODELS[variant])
    check(model, random_structure("triclinic", model.n_types), backend)


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_structures(kind: str, backend: Backend) -> None:
    check(random_model(), random_structure(kind), backend)


@pytest.mark.parametrize(
    "activation",
    [
        *("tanh", "relu", "relu6", "softplus", "sigmoid", "gelu", "silu", "silut:0.7"),
        "linear",
    ],
)
def test_activations(activation: str, backend: Backend) -> None:
    model = random_model(activation=activation)
    check(model, random_structure("cubic"), backend)


@pytest.mark.parametrize("mode", ["truncate", "all"])
def test_sel_overflow(mode: Any, backend: Backend) -> None:
    model = random_model(sel=(6, 9))
    structure = random_structure("cubic")
    result = check(model, structure, backend, sel_overflow=mode)
    counts = neighbour_counts(structure, model.descriptors[0].rcut)
    over = counts > np.array(model.descriptors[0].sel)
    assert result.sel_overflow is not None
    assert result.sel_overflow.n_atoms == over.any(axis=1).sum() > 0
    assert result.sel_overflow.types == {"O": over[:, 0].sum(), "H": over[:, 1].sum()}


def neighbour_counts(structure: Structure, rcut: float) -> Any:
    shifts = np.array(np.meshgrid(*[range(-4, 5)] * 3)).reshape(3, -1).T
    d = structure.positions[None] - structure.positions[:, None]
    d = d[:, :, None] + shifts @ structure.cell
    r = np.linalg.norm(d, axis=-1)
    near = ((r > 0) & (r < rcut)).sum(axis=2)
    kinds = structure.types[:, None] == np.arange(2)
    return near @ kinds


def test_sel_overflow_is_reported() -> None:
    model, structure = random_model(sel=(6, 9)), random_structure("cubic")
    with pytest.warns(SelOverflowWarning, match=r"\d+ atoms .* \(\d+ of O, \d+ of H\)"):
        dpse_fast.load(model).compute(*structure[:3])
    with pytest.raises(InputError, match="more neighbours than sel"):
        dpse_fast.load(model, sel_overflow="error").compute(*structure[:3])


def test_all_is_continuous_where_a_neighbour_enters() -> None:
    """An overfull atom's energy must not jump when one more atom comes near."""
    model = random_model(n_types=1, sel=(3,))
    pot = dpse_fast.load(model, tol=0, sel_overflow="all")
    rcut = model.descriptors[0].rcut
    ring = [[0, 0, 0], [1.5, 0, 0], [0, 1.5, 0], [0, 0, 1.5], [-1.5, 0, 0]]
    energies = [
        pot.compute([*ring, [0, -rcut - step, 0]], [0] * 6).energy
        for step in (-1e-6, 1e-6)
    ]
    assert energies[0] == pytest.approx(energies[1], abs=1e-9)


def test_overlapping_atoms_are_exact_and_reported(backend: Backend) -> None:
    model = random_model(n_types=1)
    positions = [[0, 0, 0], [0, 0, 0.31], [1.2, 0.1, 0.2], [1.4, 0, 0.5]]
    pot = backend.load(model)
    with pytest.warns(dpse_fast.ShortDistanceWarning, match="2 pairs closer than 0.45"):
        result = pot.compute(positions, [0] * 4, atomic=True)
    assert result.short_pairs == 2
    compare(result, naive.evaluate(model, positions, [0] * 4, None), backend)


@pytest.mark.filterwarnings("ignore::dpse_fast.ShortDistanceWarning")
def test_below_the_tables_the_embedding_is_a_line() -> None:
    pot = dpse_fast.load(random_model(), tol=0)
    z = min(table.shortest for table in pot.plan.tables[0].values()) - 0.02
    step = 1e-5
    low, middle, high = (
        pot.compute([[0, 0, 0], [0, 0, z + dz]], ["O", "H"]) for dz in (-step, 0, step)
    )
    slope = (high.energy - low.energy) / (2 * step)
    assert middle.forces[1, 2] == pytest.approx(-slope, rel=1e-4)


def test_more_threads_than_atoms() -> None:
    model = random_model()
    one = dpse_fast.load(model, threads=1).compute([[0, 0, 0], [1, 0, 0]], [0, 1])
    many = dpse_fast.load(model, threads=7).compute([[0, 0, 0], [1, 0, 0]], [0, 1])
    np.testing.assert_allclose(many.forces, one.forces, atol=1e-13)


def test_an_atom_alone() -> None:
    model = random_model()
    result = dpse_fast.load(model, tol=0).compute([[3.0, 1.0, 2.0]], ["H"], atomic=True)
    expected = naive.evaluate(model, [[3.0, 1.0, 2.0]], [1], None)
    assert result.energy == pytest.approx(expected.energy, abs=1e-12)
    assert not result.forces.any()
    assert not result.virial.any()


def test_blocks_cover_every_atom(monkeypatch: pytest.MonkeyPatch) -> None:
    """With blocks of five atoms and list tasks of seven, nothing changes."""
    monkeypatch.setattr(blocks, "BLOCK", 5)
    monkeypatch.setattr(neighbours, "ROWS_PER_TASK", 7)
    model, structure = random_model(), random_structure("triclinic")
    expected = naive.evaluate(model, *structure)
    for threads in (1, 2, 3):
        pot = dpse_fast.load(model, tol=0, threads=threads)
        result = pot.compute(*structure[:3], atomic=True)
        np.testing.assert_allclose(result.forces, expected.forces, rtol=0, atol=1e-9)
        np.testing.assert_allclose(
            result.atomic_energies, expected.atomic_energies, rtol=0, atol=1e-11
        )


@pytest.mark.parametrize("precision", ["double", "mixed", "single"])
def test_results_are_bitwise_the_same_for_any_number_of_threads(
    precision: str,
) -> None:
    model, s = random_model(3), random_structure("cubic", 3)
    shifts = np.array(np.meshgrid(*[range(4)] * 3)).reshape(3, -1).T @ s.cell
    positions = (shifts[:, None] + s.positions).reshape(-1, 3)
    box = (positions, np.tile(s.types, len(shifts)), 4 * s.cell)
    first, *rest = (
        dpse_fast.load(model, threads=n, precision=precision).compute(*box, atomic=True)
        for n in (1, 2, 5)
    )
    for other in rest:
        for name in ("energy", "forces", "virial", "atomic_energies", "atomic_virials"):
            np.testing.assert_array_equal(getattr(first, name), getattr(other, name))


def test_blocks_hold_every_atom_once() -> None:
    model, structure = random_model(3), random_structure("triclinic", 3)
    lists = neighbours.NeighbourList(4.3)
    lists.update(check_system(*structure, type_map=model.type_map).system)
    found = blocks.blocks_of(lists.hood, 3)
    rows = np.concatenate([block.rows for block in found])
    assert sorted(rows) == list(range(len(structure.types)))
    assert [block.number for block in found] == list(range(len(found)))
    for block in found:
        types = lists.hood.types[lists.hood.centres[block.rows]]
        assert set(types) == {block.species}


def test_nothing_is_left_of_the_evaluation_before() -> None:
    pot = dpse_fast.load(random_model(), tol=0)
    first, second = random_structure("cubic"), random_structure("cubic", seed=9)
    pot.compute(*first[:3], atomic=True)
    again = pot.compute(*second[:3], atomic=True)
    fresh = dpse_fast.load(random_model(), tol=0).compute(*second[:3], atomic=True)
    for name in ("energy", "forces", "virial", "atomic_energies", "atomic_virials"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_coincident_atom_is_named(threads: int) -> None:
    structure = random_structure("cubic")
    positions = structure.positions.copy()
    positions[29] = positions[23] + structure.cell[0]
    pot = dpse_fast.load(random_model(), threads=threads)
    with pytest.raises(InputError, match=r"lies on atom (23|29);"):
        pot.compute(positions, structure.types, structure.cell)


def test_dropped_pairs_take_no_slots() -> None:
    dropped = frozenset({(0, 1), (1, 0)})
    model = random_model(dropped=dropped, sel=(40, 40))
    structure = random_structure("cubic")
    counts = neighbour_counts(structure, model.descriptors[0].rcut)
    assert counts.max() <= 40
    model = random_model(dropped=dropped, sel=(40, int(counts[:17:2, 1].min())))
    pot = dpse_fast.load(model, tol=0, sel_overflow="truncate")
    result = pot.compute(*structure[:3])
    over = (counts[1::2, 1] > model.descriptors[0].sel[1]).sum()
    assert (result.sel_overflow.n_atoms if result.sel_overflow else 0) == over


def test_a_large_energy_in_the_last_bias_survives_float32() -> None:
    """Old files keep the energy of the atom there."""
    model, structure = random_model(), random_structure("cubic")
    nets = tuple(
        replace(
            net,
            layers=(*net.layers[:-1], replace(net.layers[-1], bias=np.array([-2e4]))),
        )
        for net in model.fitting
    )
    model = replace(model, fitting=nets)
    result = dpse_fast.load(model, precision="mixed", tol=0).compute(*structure[:3])
    expected = naive.evaluate(model, *structure)
    n = len(structure.types)
    assert result.energy == pytest.approx(expected.energy, abs=2e-6 * n)


def test_layers_of_one_net_may_share_their_weights() -> None:
    """The first layer's inputs stand in another order than the second's."""
    model = random_model(1, embedding=(4,), axis=2, fitting=(8, 8))
    first, second, last = model.fitting[0].layers
    net = Net((first, replace(second, weight=first.weight), last))
    model = replace(model, fitting=(net,))
    s = random_structure("open", 1)
    expected = naive.evaluate(model, s.positions, s.types, None)
    found = dpse_fast.load(model, tol=0).compute(s.positions, s.types)
    assert found.energy == pytest.approx(expected.energy, abs=1e-9)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-9)


def test_a_session_warns_once_and_always_reports() -> None:
    structure = random_structure("cubic")
    session = dpse_fast.load(random_model(sel=(6, 9))).session()
    with pytest.warns(SelOverflowWarning) as caught:
        results = [session.compute(*structure[:3]) for _ in range(3)]
    assert len(caught) == 1
    assert all(result.sel_overflow for result in results)
    strict = dpse_fast.load(random_model(sel=(6, 9)), sel_overflow="error").session()
    for _ in range(2):
        with pytest.raises(InputError, match="more neighbours than sel"):
            strict.compute(*structure[:3])


def test_short_pairs_count_from_half_the_trained_distance() -> None:
    positions = [[0, 0, 0], [0, 0, 0.75]]
    quiet = dpse_fast.load(random_model()).compute(positions, [0, 1])
    assert quiet.short_pairs == 0
    metal = dpse_fast.load(replace(random_model(), min_distance=2.0))
    with pytest.warns(dpse_fast.ShortDistanceWarning, match="closer than 1.00 Å"):
        assert metal.compute(positions, [0, 1]).short_pairs == 1


def test_an_embedding_that_is_zero() -> None:
    model = random_model()
    silent = replace(model.descriptors[0].embedding[0][0].layers[0], activation="relu")
    layer = replace(silent, weight=0 * silent.weight, bias=silent.bias * 0 - 1)
    net = Net(
        (
            layer,
            *[
                replace(x, bias=0 * x.bias, activation="relu")
                for x in model.descriptors[0].embedding[0][0].layers[1:]
            ],
        )
    )
    rows = ((net, net), (net, net))
    silent_part = replace(model.descriptors[0], embedding=rows)
    model = replace(model, descriptors=(silent_part,))
    result = dpse_fast.load(model).compute([[0, 0, 0], [0, 0, 1]], [0, 1])
    assert not result.forces.any()


@pytest.mark.parametrize("make", ["session", "listed_session", "batch_session"])
def test_sessions_are_not_copied(make: str) -> None:
    session = getattr(dpse_fast.load(random_model(), threads=1), make)()
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"Session keeps memory .*make a new one"):
            copied(session)
