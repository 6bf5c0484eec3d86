"""Descriptors and last layers against the oracle, and what they must obey."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import naive
import numpy as np
import pytest
from evaluation.test_symmetry import rotation
from families import FAMILIES, family, parameters
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.formats import exchange
from dpse_fast.model import Net, TypeEmbedding

pytestmark = pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
CLOSE: dict[str, Any] = {"rtol": 0, "atol": 1e-10}


def load(model: Any, **options: Any) -> dpse_fast.Potential:
    return dpse_fast.load(model, device="cpu", tol=0, **options)


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str) -> None:
    model = family(name)
    s = random_structure("triclinic", model.n_types)
    given = parameters(model, len(s.positions))
    expected = naive.features(model, *s, **given)
    pot = load(model)
    found = pot.features(s.positions, s.types, s.cell, pbc=s.pbc, **given)
    assert found.atomic_feature is not None
    np.testing.assert_allclose(found.descriptor, expected[0], **CLOSE)
    np.testing.assert_allclose(found.atomic_feature, expected[1], **CLOSE)
    counted = model.scale[s.types] != 0
    pooled = expected[1][counted].sum(axis=0)
    np.testing.assert_allclose(found.structural_feature, pooled, **CLOSE)
    assert counted.all() == (name != "silent")


def test_descriptors_are_invariant_and_energies_follow_from_last_layers() -> None:
    model, s, turn = random_model(), random_structure("triclinic"), rotation()
    assert s.cell is not None
    pot = load(model)
    found = pot.last_layer(s.positions, s.types, s.cell)
    turned = pot.last_layer(s.positions @ turn.T, s.types, s.cell @ turn.T)
    np.testing.assert_allclose(turned, found, **CLOSE)
    energies = pot.compute(s.positions, s.types, s.cell, atomic=True).atomic_energies
    assert energies is not None
    for kind, net in enumerate(model.fitting):
        mine = s.types == kind
        output = Net(net.layers[-1:])(found[mine])[:, 0]
        by_hand = output * model.scale[kind] + model.bias[kind]
        np.testing.assert_allclose(by_hand, energies[mine], **CLOSE)


def test_neither_threads_nor_precision_nor_tolerance_matter() -> None:
    s, model = random_structure("cubic", n_atoms=80), random_model()
    reduced = dpse_fast.load(
        model, device="cpu", threads=3, precision="single", tol=1e-3
    )
    expected = load(model).descriptors(*s[:3])
    np.testing.assert_array_equal(reduced.descriptors(*s[:3]), expected)


def test_sel_overflow_is_told_and_all_can_be_counted() -> None:
    model, s = random_model(sel=(6, 9)), random_structure("cubic")
    pot = load(model)
    with pytest.warns(dpse_fast.SelOverflowWarning):
        found = pot.features(*s[:3])
    assert found.report.sel_overflow is not None
    np.testing.assert_allclose(found.descriptor, naive.features(model, *s)[0], **CLOSE)
    every = load(model, sel_overflow="all").descriptors(*s[:3])
    counted = naive.features(model, *s, sel_overflow="all")[0]
    np.testing.assert_allclose(every, counted, **CLOSE)
    with pytest.raises(InputError, match="sel"):
        load(model, sel_overflow="error").descriptors(*s[:3])


def test_virtual_atoms_have_rows_of_zeros() -> None:
    model, s = family("aparam"), random_structure("cubic")
    given = parameters(model, len(s.types))
    types = s.types.copy()
    types[[0, 5]] = -1
    real = types >= 0
    pot = load(model)
    found = pot.features(s.positions, types, s.cell, **given)
    assert found.atomic_feature is not None
    assert not found.descriptor[~real].any()
    assert not found.atomic_feature[~real].any()
    assert found.report.virtual_atoms == 2
    given["aparam"] = given["aparam"][real]
    alone = pot.features(s.positions[real], types[real], s.cell, **given)
    np.testing.assert_allclose(found.descriptor[real], alone.descriptor, **CLOSE)
    nothing = pot.features(s.positions[:2], [-1, -1], last_layer=False)
    assert nothing.descriptor.shape == (2, model.n_descriptor)
    assert not nothing.descriptor.any()


def test_descriptors_need_no_parameters_and_last_layers_do() -> None:
    model, s = family("aparam"), random_structure("cubic")
    pot = load(model)
    given = parameters(model, len(s.types))
    found = pot.features(*s[:3], **given).descriptor
    np.testing.assert_array_equal(pot.descriptors(*s[:3]), found)
    with pytest.raises(InputError, match="fparam"):
        pot.last_layer(*s[:3])
    with pytest.raises(InputError, match="aparam"):
        pot.features(*s[:3], aparam=np.zeros((3, 7)), last_layer=False)


def test_nets_without_one_last_width_have_descriptors_only() -> None:
    s, model = random_structure("cubic"), random_model(fitting=(6, 6))
    wide, bare = random_model(fitting=(6, 7)), random_model(fitting=())
    for nets, words in (
        ((model.fitting[0], wide.fitting[1]), "6, 7"),
        (bare.fitting, "hidden layer"),
    ):
        odd = replace(model, fitting=nets)
        pot = load(odd)
        with pytest.raises(InputError, match=words):
            pot.last_layer(*s[:3])
        expected = naive.features(replace(odd, fitting=model.fitting), *s)[0]
        np.testing.assert_allclose(pot.descriptors(*s[:3]), expected, **CLOSE)


def test_vectors_of_types_stand_behind_their_descriptor(tmp_path: Path) -> None:
    plain = family("hybrid")
    vectors = np.array([[1.0, 2.0], [3.0, 4.0]])
    shown = (
        TypeEmbedding(vectors, 0, padded=True),
        TypeEmbedding(-vectors, padded=True),
    )
    model = replace(plain, type_embeddings=shown)
    assert model.digest() == plain.digest()
    exchange.write(model, tmp_path / "model.h5")
    pot = load(tmp_path / "model.h5")
    s = random_structure("cubic")
    first = plain.descriptors[0].n_out
    found = pot.descriptors(*s[:3])
    np.testing.assert_array_equal(found[:, first : first + 2], vectors[s.types])
    rest = np.delete(found, [first, first + 1], axis=1)
    np.testing.assert_allclose(rest, naive.features(plain, *s)[0], **CLOSE)
    rows = np.vstack([np.hstack([vectors, -vectors]), np.zeros((1, 4))])
    np.testing.assert_array_equal(pot.type_embedding(), rows)
    with pytest.raises(InputError, match="type_embedding"):
        load(plain).type_embedding()


def test_a_renamed_potential_takes_the_new_names() -> None:
    s = random_structure("cubic")
    pot = load(random_model())
    names = np.array(["Xe", "Kr"])
    expected = pot.descriptors(*s[:3])
    other = pot.renamed(["Xe", "Kr"])
    found = other.descriptors(s.positions, list(names[s.types]), s.cell)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(InputError, match="Xe"):
        pot.descriptors(s.positions, list(names[s.types]), s.cell)
