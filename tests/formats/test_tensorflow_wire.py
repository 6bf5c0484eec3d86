"""The wire format: every way to write a tensor, and every way to break one."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from formats.damage import read_damaged_graphs
from formats.deep_graphs import Recipe, deep_potential
from formats.graphdef import const_def, item, shape_proto, tensor_proto, varint
from traced_memory import traced_peak

from dpse_fast.errors import ModelFileError
from dpse_fast.formats.tensorflow import read
from dpse_fast.formats.tensorflow.graph import Graph


def tensor(code: int, shape: tuple[int, ...], values: bytes) -> bytes:
    return item(1, code) + item(2, shape_proto(shape)) + values


def array(proto: bytes) -> np.ndarray:
    return Graph(memoryview(const_def("c", proto))).array("c")


def unpacked(number: int, values: list[float]) -> bytes:
    wire, kind = ("<f", 5) if number == 5 else ("<d", 1)
    key = varint(number << 3 | kind)
    return b"".join(key + struct.pack(wire, v) for v in values)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8", "f2"])
def test_content(dtype: str) -> None:
    value = np.arange(-3, 3).reshape(2, 3).astype(dtype)
    found = array(tensor_proto(value))
    np.testing.assert_array_equal(found, value)
    assert found.dtype == (np.float32 if dtype == "f2" else dtype)


@pytest.mark.parametrize(("code", "number", "kind"), [(1, 5, "<f4"), (2, 6, "<f8")])
def test_floats_packed_and_unpacked(code: int, number: int, kind: str) -> None:
    values = [1.5, -2.25, 1e30]
    packed = item(number, np.array(values, kind).tobytes())
    split = item(number, np.array(values[:1], kind).tobytes())
    split += unpacked(number, values[1:])
    expected = np.array(values, kind)
    for written in (packed, unpacked(number, values), split):
        np.testing.assert_array_equal(array(tensor(code, (3,), written)), expected)


@pytest.mark.parametrize(("code", "number"), [(3, 7), (9, 10)])
def test_integers_packed_and_unpacked(code: int, number: int) -> None:
    values = [-1, 300, 0]
    packed = item(number, b"".join(map(varint, values)))
    single = b"".join(varint(number << 3) + varint(v) for v in values)
    for written in (packed, single):
        assert array(tensor(code, (3, 1), written)).tolist() == [[-1], [300], [0]]


def test_half_and_bfloat16_bits() -> None:
    half = item(13, varint(0x3E00) + varint(0xC000))
    assert array(tensor(19, (2,), half)).tolist() == [1.5, -2.0]
    bfloat = item(13, varint(0x3FC0) + varint(0xC000))
    found = array(tensor(14, (2,), bfloat))
    assert found.tolist() == [1.5, -2.0]
    assert found.dtype == np.float32


def test_short_list_repeats_its_last_value() -> None:
    assert array(tensor(2, (2, 2), unpacked(6, [1.0, 7.0]))).tolist() == [
        [1, 7],
        [7, 7],
    ]
    assert array(tensor(3, (3,), item(7, varint(4)))).tolist() == [4, 4, 4]
    assert array(tensor(1, (2,), b"")).tolist() == [0, 0]
    assert array(tensor(2, (0, 5), b"")).shape == (0, 5)


def test_scalar_without_a_shape() -> None:
    assert array(item(1, 2) + unpacked(6, [2.5])).shape == ()


@pytest.mark.parametrize(
    ("proto", "what"),
    [
        (tensor(2, (1 << 40,), unpacked(6, [1.0])), "larger than the file"),
        (tensor(2, (1 << 20, 1 << 20), unpacked(6, [1.0])), "larger than the file"),
        (tensor(2, (1 << 40,), item(4, bytes(16))), "16 bytes"),
        (tensor(2, (3,), item(4, bytes(16))), "16 bytes, expected 24"),
        (tensor(2, (1,), unpacked(6, [1.0, 2.0])), "2 values, expected 1"),
        (tensor(2, (2,), item(6, bytes(12))), "broken length"),
        (
            tensor(2, (2,), unpacked(5, [1.0]).replace(b"\x2d", b"\x35")),
            "broken length",
        ),
        (tensor(2, (-1,), unpacked(6, [1.0])), r"shape \(-1,\)"),
        (tensor(2, (1,) * 9, unpacked(6, [1.0])), "dimensions"),
        (tensor(3, (9000,), item(7, bytes(9000))), "integers"),
        (tensor(8, (1,), b""), "data type 8"),
        (tensor(7, (), item(8, b"text")), "data type 7"),
        (b"\x08", "does not end"),
        (b"\x08" + b"\xff" * 11, "does not end"),
        (b"\x00\x00", "number 0"),
        (b"\x0b\x00", "wire type 3"),
        (b"\x22\x7fabc", "claims 127 bytes where 3 are left"),
    ],
)
def test_broken_tensor(proto: bytes, what: str) -> None:
    with pytest.raises(ModelFileError, match=what):
        array(proto)


def test_circular_identities_end() -> None:
    graph = deep_potential(Recipe())
    graph.nodes.pop("layer_0_type_0/matrix/read")
    graph.nodes.pop("layer_0_type_0/matrix")
    graph.op("layer_0_type_0/matrix", "Identity", "layer_0_type_0/matrix/read")
    graph.op("layer_0_type_0/matrix/read", "Identity", "layer_0_type_0/matrix")
    with pytest.raises(ModelFileError, match="expected a constant"):
        read(graph.data(), "m")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (const_def("a", b"") * 2, "two nodes"),
        (const_def("a", b"") + item(1, b""), "no name"),
        (const_def("a", b"") + item(1, b"") * 10**6, "no name"),
        (const_def("a", b"") + const_def("b" * 5000, b""), "1024 characters"),
        (
            b"".join(item(1, item(1, str(n)) + item(2, "X")) for n in range(9999)),
            "too many fields",
        ),
    ],
    ids=["twice", "nameless", "million", "long", "dense"],
)
def test_broken_graph(data: bytes, what: str) -> None:
    with traced_peak() as peak, pytest.raises(ModelFileError, match=what):
        read(data, "m")
    assert peak() < 4 * len(data) + (1 << 20)


def test_memory_stays_near_the_size_of_the_file() -> None:
    recipe = Recipe(neuron=(16, 32, 64), fitting=(120, 120), axis=8)
    data = deep_potential(recipe).data()
    with traced_peak() as peak:
        model = read(data, "m")
    assert model.n_weights * 8 > 0.8 * len(data)
    assert peak() < 4 * len(data)


RECIPES = (
    Recipe(script={"descriptor": {"type": "se_e2_a"}}, idt=True, activation="silu"),
    Recipe(one_sided=True, excluded=((0, 1),), tables="TabulateFusionSeA"),
)


@pytest.mark.parametrize("recipe", RECIPES, ids=["nets", "tables"])
def test_damage_gives_one_error_or_a_model(recipe: Recipe) -> None:
    read_damaged_graphs(deep_potential(recipe).data(), 11, 400, bytes(range(256)))
