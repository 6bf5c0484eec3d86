"""Graphs as text: the same models, every way to write a value, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from formats.damage import read_damaged_graphs
from formats.deep_graphs import Recipe, deep_potential
from formats.graph_text import graph_text
from formats.graphdef import const_def, tensor_proto
from traced_memory import traced_peak

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.tensorflow import looks_like_text, read
from dpse_fast.formats.tensorflow.graph import Graph
from dpse_fast.formats.tensorflow.text import graph_from_text

GRAPHS = sorted((Path(__file__).parents[1] / "golden").glob("*.pb"))


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda path: path.stem)
def test_golden_graph_as_text_is_the_same_model(graph: Path, tmp_path: Path) -> None:
    data = graph.read_bytes()
    file = tmp_path / "graph.pbtxt"
    file.write_bytes(graph_text(data))
    found, expected = read_model(file), read(data, graph.name)
    assert found.digest() == expected.digest()
    assert found.type_map == expected.type_map
    assert found.provenance["format"] == "TensorFlow frozen graph as text"
    assert found.provenance["trainer"] == expected.provenance["trainer"]


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "f2"])
def test_every_byte_survives(dtype: str) -> None:
    every = np.arange(256, dtype="u1").repeat(8)
    value = np.nan_to_num(np.random.default_rng(1).permutation(every).view(dtype))
    text = graph_text(const_def("c", tensor_proto(value)))
    found = Graph(memoryview(graph_from_text(text))).array("c")
    np.testing.assert_array_equal(found, value)


def tensor(text: str) -> np.ndarray:
    node = (
        f'node {{ name: "c" op: "Const" attr {{ key: "value" value {{ {text} }} }} }}'
    )
    assert looks_like_text(node.encode())
    return Graph(memoryview(graph_from_text(node.encode()))).array("c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tensor { dtype: DT_DOUBLE double_val: 1.5 }", 1.5),
        ("tensor { dtype: 2 double_val: -2.5e-3 }", -2.5e-3),
        ("tensor < dtype: DT_FLOAT, float_val: 3.f; >", 3.0),
        ("tensor: { dtype: DT_FLOAT float_val: inf }", np.inf),
        ("tensor { dtype: DT_DOUBLE double_val: -infinity }", -np.inf),
        ("tensor { dtype: DT_INT32 int_val: -7 }", -7),
        ("tensor { dtype: DT_INT64 int64_val: 0x1F }", 31),
        ("tensor { dtype: DT_HALF half_val: 15872 }", 1.5),
        ('tensor { dtype: DT_INT32 tensor_content: "\\001\\0" "\\000" \'\\x00\' }', 1),
        ("tensor { # a comment }\n dtype: DT_INT32 int_val: 4 }", 4),
        ("tensor { unknown { int_val: 3 } dtype: DT_INT32 int_val: 4 }", 4),
        ("tensor { other: 'a' \"b\" dtype: DT_INT32 int_val: 4 }", 4),
        ("tensor { other: [1, x, 'y'] dtype: DT_INT32 int_val: 4 }", 4),
    ],
)
def test_ways_to_write_a_scalar(text: str, expected: float) -> None:
    assert tensor(text) == expected


def test_lists_and_shapes() -> None:
    shape = "tensor_shape { dim { size: 2 } dim { size: 2 } }"
    found = tensor(f"tensor {{ dtype: DT_INT32 {shape} int_val: [1, 2, 3] }}")
    assert found.tolist() == [[1, 2], [3, 3]]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("node {", "name is missing"),
        ("node { name: }", "value is missing"),
        ('node { name: "a', "neither a name"),
        ('node { name: "\\q" }', "neither a name"),
        ('node { name: "\\777" }', "neither a name"),
        ('node { name: "\\xg" }', "no known way"),
        ("node { name: a }", "text in quotes"),
        ('node { name: "a" } }', "name is missing"),
        ("node { 'a' }", "name is missing"),
        ("node {" + "a {" * 100, "nested too deeply"),
        ("node { " + "n" * 100 + ": 1 }", "too long"),
        ("node { attr { value { i: 1.5 } } }", "no integer"),
        ("node { attr { value { f: x } } }", "no float"),
        ("node { attr { value { f: 1e39 } } }", "no float"),
        ("node { attr { value { b: 2 } } }", "no bool"),
        ("node { attr { value { i: 'a' } } }", "number is missing"),
        ("node { } ~", "neither a name"),
        ("node { }", "no name or no operation"),
    ],
)
def test_broken_text(text: str, what: str) -> None:
    with pytest.raises(ModelFileError, match=what) as caught:
        read(text.encode(), "m")
    assert str(caught.value).startswith("m: ")


def test_numbers_may_not_need_far_more_room_than_their_text() -> None:
    numbers = ",".join("0" * 200_000)
    text = f"node {{ attr {{ value {{ tensor {{ double_val: [{numbers}] }} }} }} }}"
    with pytest.raises(ModelFileError, match="more room"):
        graph_from_text(text.encode())


def test_memory_stays_near_the_size_of_the_text() -> None:
    recipe = Recipe(neuron=(16, 32, 64), fitting=(120, 120), axis=8)
    text = graph_text(deep_potential(recipe).data())
    with traced_peak() as peak:
        model = read(text, "m")
    assert model.n_weights * 8 > 0.3 * len(text)
    assert peak() < 3 * len(text)


def test_damage_gives_one_error_or_a_model() -> None:
    text = graph_text(deep_potential(Recipe(idt=True)).data())
    messages = read_damaged_graphs(text, 3, 400, b'0"{}\\: a\xff\n')
    assert not [message for message in messages if "\n" in message]
