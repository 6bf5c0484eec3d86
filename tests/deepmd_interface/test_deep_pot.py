"""DeepPot: batches, other arguments, and what is refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from deepmd_interface.calls import ATOMS, FRAMES, MODELS, TYPES, cells, coordinates

import dpse_fast
from dpse_fast.deepmd import DeepEval, DeepPot, DeepPotential, other_kinds
from dpse_fast.errors import InputError, UnusedArgumentWarning

PLAIN = str(MODELS / "plain.pb")
X, BOX = coordinates(), cells()


@pytest.fixture(scope="module")
def pot():
    return dpse_fast.load(PLAIN, tol=0, threads=1)


@pytest.fixture(scope="module")
def dp(pot):
    return DeepPot(pot)


@pytest.mark.parametrize("size", [False, 1, ATOMS, 2 * ATOMS])
def test_results_do_not_depend_on_the_size_of_batches(pot, dp, size):
    whole = dp.eval(X, BOX, TYPES, atomic=True)
    parts = DeepPot(pot, auto_batch_size=size).eval(X, BOX, TYPES, atomic=True)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


def test_the_class_of_all_kinds_makes_a_deep_pot(pot):
    for made in (DeepEval(pot), DeepPotential(pot)):
        assert isinstance(made, DeepPot)
    with DeepPot(pot) as opened:
        assert opened.get_ntypes() == 2


def test_virtual_atoms_have_no_part_in_anything(dp):
    with_virtual = np.append(X, X[:, :1] + 0.1, axis=1)
    types = np.tile([*TYPES, -1], (FRAMES, 1))
    found = dp.eval(with_virtual, BOX, types, atomic=True, mixed_type=True)
    expected = dp.eval(X, BOX, TYPES, atomic=True)
    np.testing.assert_allclose(found[0], expected[0])
    np.testing.assert_allclose(found[1][:, :ATOMS], expected[1], atol=1e-12)
    for values in (found[1], found[3], found[4]):
        assert not values[:, ATOMS].any()


def test_embeddings_are_the_descriptors_and_last_layers(dp):
    found = dp.eval_embedding(X, BOX, TYPES)
    assert {values.dtype for values in found} == {np.dtype(np.float32)}
    descriptor, atomic, structural = dp.eval_embedding(X, BOX, TYPES, dtype="fp64")
    np.testing.assert_array_equal(descriptor, dp.eval_descriptor(X, BOX, TYPES))
    last_layer = dp.eval_fitting_last_layer(X, BOX, TYPES)
    np.testing.assert_array_equal(atomic, last_layer)
    np.testing.assert_allclose(structural, atomic.sum(axis=1), rtol=1e-12)
    assert atomic.shape[:2] == (FRAMES, ATOMS)
    assert structural.shape == (FRAMES, atomic.shape[2])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((X[0, 1:], BOX, TYPES), {}, r"^coords: expected shape \(nframes, 12, 3\)"),
        ((X, BOX[0], TYPES), {}, r"^cells: expected shape \(3, 9\) or \(3, 3, 3\)"),
        ((X, BOX, [0.5] * 12), {}, "^atom_types: expected indices .* with fractions"),
        ((X, BOX, ["O"] * 12), {}, "^atom_types: expected indices"),
        ((X, BOX, []), {}, "^atom_types: expected at least one atom"),
        ((X, BOX, [TYPES] * 3), {}, "^atom_types: .* mixed_type=True"),
        ((X, BOX, TYPES), {"mixed_type": True}, r"^atom_types: .*\(nframes, natoms\)"),
        ((X, BOX, [TYPES]), {"mixed_type": True}, r"^atom_types: expected .*\(3, 12\)"),
        ((X, BOX, TYPES, False, None, None, X), {}, "^mixed_type: expected True or"),
        ((X, BOX, TYPES, 1), {}, "^atomic: expected True or False"),
        ((X, BOX, TYPES), {"efield": X}, "^efield: .* electric field"),
        ((X, BOX, TYPES), {"spin": X}, "^spin: .* spin models"),
        ((X, BOX, TYPES), {"charge_spin": [0, 1]}, "^charge_spin: expected None"),
        ((X, BOX, TYPES), {"field": X}, "^field: not an argument"),
        ((X, BOX, TYPES), {"fparam": [1.0]}, "^fparam: expected none"),
        ((X[:0], BOX[:0], TYPES), {}, "^coords: expected at least one frame"),
        ((X, BOX, np.array(TYPES) + 1), {}, "^frame 0: types: atom 1 has type 2"),
    ],
)
def test_bad_arguments_are_named(dp, arguments, options, message):
    with pytest.raises(InputError, match=message):
        dp.eval(*arguments, **options)


def test_errors_name_the_frame(pot):
    bad = X.copy()
    bad[2, 5] = np.nan
    for size in (True, 1, 2 * ATOMS):
        dp = DeepPot(pot, auto_batch_size=size)
        with pytest.raises(InputError, match=r"^frame 2: positions: .* atom 5"):
            dp.eval(bad, BOX, TYPES)


def test_parameters_without_numbers_are_none(dp):
    expected = dp.eval(X, BOX, TYPES)
    empty = {"fparam": [], "aparam": np.zeros((FRAMES, ATOMS, 0))}
    for one, other in zip(dp.eval(X, BOX, TYPES, **empty), expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("model", ["fparam.pb", "lone_parameters.pb"])
def test_parameters_are_demanded_in_their_shapes(model):
    dp = DeepPot(str(MODELS / model), tol=0, threads=1)
    with pytest.raises(InputError, match="fparam: the model needs 2"):
        dp.eval(X, BOX, TYPES)
    with pytest.raises(InputError, match=r"^fparam: expected shape \(3, 2\) or \(2,\)"):
        dp.eval(X, BOX, TYPES, fparam=[1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auto_batch_size": 0}, "^auto_batch_size: expected True, False or a number"),
        ({"auto_batch_size": "big"}, "^auto_batch_size: "),
        ({"load_prefix": "other"}, "^load_prefix: expected 'load'"),
        ({"default_tf_graph": True}, "^default_tf_graph: expected False"),
        ({"precision": "half"}, "^precision: expected one of"),
        ({"sel_overflow": "drop"}, "^sel_overflow: expected one of"),
        ({"skin": 1.0}, "^skin: there is no such option; expected one of"),
        ({"model_branch": "A"}, "^model_branch: there is no such option"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        DeepPot(PLAIN, **options)


def test_options_that_say_nothing_are_taken():
    DeepPot(PLAIN, load_prefix="load", default_tf_graph=False, input_map=None)


@pytest.mark.parametrize(
    "options",
    [{"neighbor_list": object()}, {"nlist_backend": "vesin"}, {"no_jit": True}],
)
def test_what_changes_no_results_is_said(pot, options):
    (name,) = options
    with pytest.warns(UnusedArgumentWarning, match=f"^{name}: has no effect"):
        DeepPot(pot, **options)


@pytest.mark.parametrize("name", ["get_model", "serialize", "get_observed_types"])
def test_methods_without_a_counterpart_say_so(dp, name):
    with pytest.raises(InputError, match=f"^{name}: not available"):
        getattr(dp, name)()


def parameters(widths):
    return sum(a * b + b for a, b in pairwise(widths))


def test_sizes_are_numbers_of_weights(dp):
    # Nets for two types; 16 channels and 3 axes.
    descriptor = 2 * parameters([1, 4, 8, 16])
    fitting = 2 * parameters([16 * 3, 12, 24, 24, 1])
    assert dp.get_model_size() == {
        "descriptor": descriptor,
        "fitting-net": fitting,
        "total": descriptor + fitting,
    }


def test_types_that_have_an_energy_are_the_selected_ones(dp):
    assert dp.get_sel_type() == [0, 1]
    some = DeepPot(str(MODELS / "atom_exclude.dp"), tol=1e-3, threads=1)
    assert some.get_sel_type() == [0]


def test_a_model_without_a_type_embedding_says_so(dp):
    with pytest.raises(InputError, match=r"^type_embedding: "):
        dp.eval_typeebd()


@pytest.mark.parametrize("kind", other_kinds.KINDS)
def test_other_kinds_are_refused_by_name(kind):
    with pytest.raises(InputError, match=f"^{kind.__name__}: dpse-fast does not"):
        kind("graph.pb")


def test_the_script_is_that_of_the_file_or_made_of_the_model(pot):
    own = DeepPot(PLAIN).get_model_def_script()
    made = DeepPot(pot).get_model_def_script()
    assert own["descriptor"]["seed"] == 1
    assert "seed" not in made["descriptor"]
    for section, name in [("descriptor", "sel"), ("fitting_net", "neuron")]:
        assert own[section][name] == made[section][name]
