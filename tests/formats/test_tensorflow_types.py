"""Frozen graphs whose nets take types as vectors: se_a with types, se_atten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from formats.deep_graphs import WIDTH, Recipe, deep_potential, load, refusal
from traced_memory import traced_peak

from dpse_fast.formats.tensorflow import read
from dpse_fast.formats.tensorflow.graph import Graph
from dpse_fast.model import EmbeddingTable, Gated, Net, SeE2A
from dpse_fast.plan.pair_functions import padding_of

X = np.linspace(-0.7, 1.3, 5)
TYPED = Recipe(typed="concat")
STRIPPED = Recipe(typed="strip")
ATTENTIVE = Recipe(kind="mixed", sel=(5,), typed="concat")
SMOOTH = Recipe(kind="mixed", sel=(5,), typed="strip", smooth=True)


class Arrays:
    """The constants of a graph, and what nets make of them by the book."""

    def __init__(self, recipe: Recipe) -> None:
        self.graph = Graph(memoryview(deep_potential(recipe).data()))
        self.vectors = np.zeros((recipe.n_types + 1, WIDTH))
        self.vectors[:-1] = np.tanh(self.graph.array("type_embed_net/matrix_1"))

    def net(self, scope: str, ending: str, x: np.ndarray) -> np.ndarray:
        k = 1
        while f"{scope}/matrix_{k}{ending}" in self.graph:
            weight = self.graph.array(f"{scope}/matrix_{k}{ending}")
            y = np.tanh(x @ weight + self.graph.array(f"{scope}/bias_{k}{ending}"))
            repeats = {1: [x], 2: [x, x]}.get(y.shape[1] / x.shape[1])
            x = y if repeats is None else y + np.hstack(repeats)
            k += 1
        return x

    def pair(self, scope: str, neighbour: int, *centre: int) -> np.ndarray:
        """The concatenated net at X for a neighbour and, two-sided, a centre."""
        vectors = [self.vectors[t] for t in (neighbour, *centre)]
        fixed = np.tile(np.concatenate(vectors), (len(X), 1))
        return self.net(scope, "", np.hstack([X[:, None], fixed]))


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("recipe", [TYPED, ATTENTIVE], ids=["se_a", "se_atten"])
def test_concatenated_types_become_nets_of_pairs(
    recipe: Recipe, one_sided: bool
) -> None:
    recipe = replace(recipe, one_sided=one_sided)
    book, d = Arrays(recipe), load(recipe).descriptors[0]
    assert isinstance(d, SeE2A)
    for c in range(2):
        centre = () if one_sided else (c,)
        for t in range(2):
            net = d.embedding[c][t]
            assert isinstance(net, Net)
            expected = book.pair("filter_type_all", t, *centre)
            np.testing.assert_allclose(net(X[:, None]), expected, rtol=1e-12)
        if recipe.kind == "mixed":
            net = d.padding[c]
            assert isinstance(net, Net)
            expected = book.pair("filter_type_all", 2, *centre)
            np.testing.assert_allclose(net(X[:, None]), expected, rtol=1e-12)
    assert d.one_sided == one_sided
    assert d.mixed == (recipe.kind == "mixed")
    assert len(d.padding) == (2 if d.mixed else 0)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("recipe", [STRIPPED, SMOOTH], ids=["se_a", "se_atten"])
def test_stripped_types_become_gates(recipe: Recipe, one_sided: bool) -> None:
    recipe = replace(recipe, one_sided=one_sided)
    book, d = Arrays(recipe), load(recipe).descriptors[0]
    ending = "_one_side_ebd" if one_sided else "_two_side_ebd"
    for c in range(2):
        for t, gated in enumerate((*d.embedding[c], d.padding[c])):
            assert isinstance(gated, Gated)
            vectors = [book.vectors[t], *([] if one_sided else [book.vectors[c]])]
            gate = book.net("filter_type_all", ending, np.concatenate(vectors)[None])
            np.testing.assert_allclose(gated.gate, gate[0], rtol=1e-12)
            assert gated.smooth == gated.cubic == recipe.smooth
            assert gated.radial is d.embedding[0][0].radial
    expected = book.net("filter_type_all", "", X[:, None])
    np.testing.assert_allclose(gated.radial(X[:, None]), expected, rtol=1e-14)
    assert d.one_sided == one_sided


@pytest.mark.parametrize("recipe", [STRIPPED, SMOOTH], ids=["se_a", "se_atten"])
def test_tabulated_gates(recipe: Recipe) -> None:
    recipe = replace(recipe, tables="TabulateFusionSeAtten")
    graph = deep_potential(recipe)
    model = read(graph.data(), "m")
    gates = Graph(memoryview(graph.data())).array("filter_type_all/lookup/params_0")
    d = model.descriptors[0]
    gated = d.embedding[1][0]
    assert isinstance(gated, Gated)
    assert isinstance(gated.radial, EmbeddingTable)
    np.testing.assert_array_equal(gated.gate, gates[3])
    np.testing.assert_array_equal(d.padding[1].gate, gates[5])
    assert gated.smooth == recipe.smooth
    assert model.provenance["compressed"] == "yes"
    graph.const("filter_type_all/lookup/params_0", gates[:-1])
    assert "type gates" in refusal(graph)


def test_empty_slots_need_no_embedding_of_their_own_without_a_mean() -> None:
    for recipe in (STRIPPED, ATTENTIVE, SMOOTH):
        assert load(replace(recipe, centred=False)).descriptors[0].padding == ()


def test_mask_of_ordered_slots_drops_blocks() -> None:
    for recipe in (TYPED, STRIPPED):
        d = load(replace(recipe, excluded=((0, 1),))).descriptors[0]
        assert [[g is None for g in row] for row in d.embedding] == [[0, 1], [1, 0]]
        assert not d.excluded


@pytest.mark.parametrize("smooth", [False, True])
def test_mask_of_mixed_slots_leaves_padding(smooth: bool) -> None:
    recipe = replace(SMOOTH, smooth=smooth, excluded=((1, 1),), centred=False)
    d = load(recipe).descriptors[0]
    assert d.excluded == {(1, 1)}
    assert all(g is not None for row in d.embedding for g in row)


def test_dropped_blocks_have_no_empty_slots_either() -> None:
    d = load(replace(STRIPPED, excluded=((0, 1),))).descriptors[0]
    empty = padding_of(d, frozenset({0, 1}))
    assert empty.any(axis=2).tolist() == [[True, False], [False, True]]


def test_smooth_mask_with_a_mean_is_refused() -> None:
    graph = deep_potential(replace(SMOOTH, excluded=((0, 1),)))
    assert "set_davg_zero" in refusal(graph)


def test_exclusions_of_the_script_need_a_mask() -> None:
    script = {"descriptor": {"type": "se_atten", "exclude_types": [[0, 1]]}}
    graph = deep_potential(replace(ATTENTIVE, script=script))
    assert "mask of the pairs is not found" in refusal(graph)


def test_shared_fitting_net_takes_the_type_behind_the_descriptor() -> None:
    model, book = load(TYPED), Arrays(TYPED)
    assert model.fitting[0].n_in == 8
    rng = np.random.default_rng(4)
    features = rng.normal(size=(3, 8))
    for t in range(2):
        x = np.hstack([features, np.tile(book.vectors[t], (3, 1))])
        for k, name in enumerate(("layer_0", "layer_1")):
            weight, bias = (book.graph.array(f"{name}/{p}") for p in ("matrix", "bias"))
            y = np.tanh(x @ weight + bias)
            x = y + x if k else y
        last = book.graph.array("final_layer/matrix")
        expected = x @ last + book.graph.array("final_layer/bias")
        np.testing.assert_allclose(model.fitting[t](features), expected, rtol=1e-12)


def test_vacuum_of_a_shared_net_keeps_the_type() -> None:
    graph = deep_potential(TYPED)
    graph.op("zero", "MatMul", "D", "final_layer/matrix/read")
    graph.op("zero_out", "BiasAdd", "zero", "final_layer/bias/read")
    graph.op("sub", "Sub", "final_layer/BiasAdd", "zero_out")
    model = read(graph.data(), "m")
    expected = [-net(np.zeros((1, 8)))[0, 0] for net in model.fitting]
    np.testing.assert_array_equal(model.bias, expected)


def test_types_may_be_electronic_configurations() -> None:
    graph = deep_potential(TYPED)
    given = np.array([[1.0, 2.0, 0.5, -1.0], [0.0, 1.0, -2.0, 3.0]])
    weight = np.random.default_rng(5).normal(size=(4, WIDTH))
    graph.const("type_embed_net/matrix_1", weight)
    graph.const("one_hot", given)
    model = read(graph.data(), "m")
    graph.const("type_embed_net/matrix_1", np.arctanh(np.tanh(given @ weight)))
    del graph.nodes["one_hot"]
    graph.op("one_hot", "OneHot")
    same = read(graph.data(), "m")
    assert model.digest() != load(TYPED).digest()
    x = X[:, None]
    for one, other in zip(
        model.descriptors[0].embedding[1], same.descriptors[0].embedding[1], strict=True
    ):
        np.testing.assert_allclose(one(x), other(x), rtol=1e-9)


def test_hybrid_of_deepmd_kit_2_1_repeats_the_suffix() -> None:
    old = tuple(replace(ATTENTIVE, repeated=True, rcut=r) for r in (4.1, 3.1))
    new = tuple(replace(part, repeated=False) for part in old)
    assert load(Recipe(parts=old)).digest() == load(Recipe(parts=new)).digest()


def test_lost_type_embedding_is_named() -> None:
    graph = deep_potential(TYPED)
    for name in [n for n in graph.nodes if n.startswith("type_embed_net")]:
        del graph.nodes[name]
    assert "no type_embed_net" in refusal(graph)


def test_gates_of_many_types_may_not_need_far_more_room_than_the_file() -> None:
    names = b" ".join(b"t%d" % k for k in range(200))
    recipe = replace(SMOOTH, type_map=names, sel=(1,), neuron=(2000,))
    data = deep_potential(recipe).data()
    with traced_peak() as peak:
        assert "far larger than the file" in refusal(data)
    assert peak() < 4 * len(data) + (16 << 20)


def test_parameters_stand_behind_the_type_in_a_shared_net() -> None:
    extra = {"fitting_attr/dfparam": np.array(2, "i4")}
    recipe = replace(TYPED, n_parameters=2, extra=extra)
    model, book = load(recipe), Arrays(recipe)
    x = np.random.default_rng(4).normal(size=(3, 10))
    place = [*range(8), *range(8 + WIDTH, 10 + WIDTH)]
    weight = book.graph.array("layer_0/matrix")
    fixed = book.vectors[1] @ weight[8 : 8 + WIDTH]
    expected = x @ weight[place] + book.graph.array("layer_0/bias") + fixed
    layer = model.fitting[1].layers[0]
    np.testing.assert_allclose(x @ layer.weight + layer.bias, expected, rtol=1e-12)
