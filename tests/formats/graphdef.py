"""A small writer of TensorFlow GraphDefs in deepmd-kit's layout, for tests only."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

DTYPES = {"f4": 1, "f8": 2, "i4": 3, "i8": 9, "f2": 19}


def varint(n: int) -> bytes:
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes([*out, n])


def item(number: int, value: bytes | str | int) -> bytes:
    """A varint or a length-delimited field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def shape_proto(shape: tuple[int, ...]) -> bytes:
    return b"".join(item(2, item(1, n)) for n in shape)


def tensor_proto(value: object) -> bytes:
    """A TensorProto with its numbers in tensor_content, or one string."""
    if isinstance(value, bytes):
        return item(1, 7) + item(2, b"") + item(8, value)
    array = np.asarray(value)
    code = DTYPES[array.dtype.str[1:]]
    return item(1, code) + item(2, shape_proto(array.shape)) + item(4, array.tobytes())


def attribute(key: str, value: bytes) -> bytes:
    return item(5, item(1, key) + item(2, value))


def node_def(
    name: str, op: str, inputs: tuple[str, ...] = (), attrs: bytes = b""
) -> bytes:
    body = item(1, name) + item(2, op) + b"".join(item(3, i) for i in inputs) + attrs
    return item(1, body)


def const_def(name: str, tensor: bytes) -> bytes:
    return node_def(name, "Const", attrs=attribute("value", item(8, tensor)))


@dataclass
class Graph:
    nodes: dict[str, bytes] = field(default_factory=dict)

    def const(self, name: str, value: object) -> str:
        self.nodes[name] = const_def(name, tensor_proto(value))
        return name

    def variable(self, name: str, value: object) -> str:
        return self.op(f"{name}/read", "Identity", self.const(name, value))

    def op(self, name: str, op: str, *inputs: str, attrs: bytes = b"") -> str:
        while name in self.nodes:
            name += "x"
        self.nodes[name] = node_def(name, op, inputs, attrs)
        return name

    def data(self) -> bytes:
        return b"".join(self.nodes.values()) + item(4, item(1, 987))

    def layer(self, scope: str, x: str, layer: Dense, suffix: str = "") -> str:
        """A dense layer whose variables are ``scope`` + part + ``suffix``."""
        read = [f"{scope}{part}{suffix}/read" for part in ("matrix", "bias", "idt")]
        if read[0] not in self.nodes:
            self.variable(read[0][:-5], layer.weight)
            self.variable(read[1][:-5], layer.bias)
            if layer.idt is not None:
                self.variable(read[2][:-5], layer.idt)
        y = self.op(f"{scope}MatMul{suffix}", "MatMul", x, read[0])
        y = self.op(f"{scope}BiasAdd{suffix}", "BiasAdd", y, read[1])
        if layer.activation == "silu":
            gate = self.op(f"{scope}Sigmoid{suffix}", "Sigmoid", y)
            y = self.op(f"{scope}silu{suffix}", "Mul", y, gate)
        elif layer.activation != "linear":
            y = self.op(f"{scope}act{suffix}", layer.activation, y)
        if layer.idt is not None:
            y = self.op(f"{scope}mul{suffix}", "Mul", y, read[2])
        return self.op(f"{scope}out{suffix}", "AddV2", x, y)


@dataclass
class Dense:
    weight: np.ndarray
    bias: np.ndarray
    idt: np.ndarray | None = None
    activation: str = "Tanh"


@dataclass
class Recipe:
    """What `deep_potential` builds; the arrays come from the seed."""

    sel: tuple[int, ...] = (3, 2)
    neuron: tuple[int, ...] = (2, 4, 4)
    fitting: tuple[int, ...] = (5, 5)
    axis: int = 2
    type_map: bytes = b"O H"
    one_sided: bool = False
    excluded: tuple[tuple[int, int], ...] = ()
    environment: str = "ProdEnvMatA"
    activation: str = "Tanh"
    dtype: str = "f8"
    idt: bool = False
    tables: str = ""
    script: dict | None = None
    extra: dict[str, object] = field(default_factory=dict)


def deep_potential(recipe: Recipe, seed: int = 0) -> Graph:
    rng = np.random.default_rng(seed)
    graph, n = Graph(), len(recipe.sel)
    if recipe.script is not None:
        text = json.dumps({"model": recipe.script}).encode()
        graph.const("train_attr/training_script", text)
    graph.const("model_attr/tmap", recipe.type_map)
    graph.const("model_attr/model_type", b"ener")
    for name, value in recipe.extra.items():
        graph.const(name, value)
    rows = _environment(graph, recipe, rng)
    for scope in ["all"] if recipe.one_sided else [str(c) for c in range(n)]:
        _filter(graph, recipe, scope, rows, rng)
    for t in range(n):
        widths = (recipe.neuron[-1] * recipe.axis, *recipe.fitting)
        x = "D"
        for k in range(len(recipe.fitting)):
            same = k > 0 and widths[k] == widths[k + 1]
            dense = _dense(recipe, widths[k], widths[k + 1], recipe.idt and same, rng)
            x = graph.layer(f"layer_{k}_type_{t}/", x, dense)
        last = _dense(recipe, widths[-1], 1, False, rng)
        last.activation = "linear"
        graph.layer(f"final_layer_type_{t}/", x, last)
    return graph


def _environment(graph: Graph, recipe: Recipe, rng: Generator) -> str:
    n, slots = len(recipe.sel), recipe.sel
    avg = np.zeros((n, n, 4), recipe.dtype)
    avg[..., 0] = rng.uniform(0.01, 0.1, (n, n))
    std = np.repeat(rng.uniform(0.1, 0.2, (n, n, 2)), [1, 3], axis=2)
    for name, values in (("t_avg", avg), ("t_std", std.astype(recipe.dtype))):
        flat = np.repeat(values, slots, axis=1).reshape(n, -1)
        graph.variable(f"descrpt_attr/{name}", flat)
    graph.op("t_coord", "Placeholder")
    graph.op("D", "Placeholder")
    numbers = struct.pack("<f", 4.1), struct.pack("<f", 1.8)
    attrs = b"".join(
        attribute(key, varint(4 << 3 | 5) + value)
        for key, value in zip(("rcut_r", "rcut_r_smth"), numbers, strict=True)
    )
    packed = item(3, b"".join(map(varint, slots)))
    attrs += attribute("sel_a", item(1, packed))
    attrs += attribute("sel_r", item(1, b"".join(item(3, 0) for _ in slots)))
    inputs = ("t_coord", "descrpt_attr/t_avg/read", "descrpt_attr/t_std/read")
    rows = graph.op(recipe.environment, recipe.environment, *inputs, attrs=attrs)
    if recipe.one_sided and recipe.excluded:
        mask = np.ones((n, n), recipe.dtype)
        for pair in recipe.excluded:
            mask[pair] = mask[pair[::-1]] = 0
        look_up = graph.op("embedding_lookup", "GatherV2", graph.const("mask", mask))
        rows = graph.op("mul_mask", "Mul", rows, look_up)
    return rows


def _filter(
    graph: Graph, recipe: Recipe, scope: str, rows: str, rng: Generator
) -> None:
    name, start = f"filter_type_{scope}/", 0
    total = graph.op(f"{name}AddN", "AddN")
    for t, count in enumerate(recipe.sel):
        pairs = ((t, int(scope)), (int(scope), t)) if scope != "all" else ()
        first, start = start, start + count
        if any(pair in recipe.excluded for pair in pairs):
            continue
        begin = graph.const(f"{name}begin_{t}", np.array([0, 4 * first], "i4"))
        size = graph.const(f"{name}size_{t}", np.array([-1, 4 * count], "i4"))
        label = f"{name}Slice_{t}" if t else f"{name}Slice"
        x = graph.op(label, "Slice", rows, begin, size)
        if recipe.tables:
            _table(graph, recipe, f"{name}t{t}", x, rng)
            continue
        width = 1
        for k, wider in enumerate(recipe.neuron, start=1):
            idt = recipe.idt and wider in (width, 2 * width)
            dense = _dense(recipe, width, wider, idt, rng)
            x = graph.layer(name, x, dense, f"_{k}_{t}")
            width = wider
    divisor = graph.const(f"{name}truediv/y", np.array(sum(recipe.sel), recipe.dtype))
    mean = graph.op(f"{name}truediv", "RealDiv", total, divisor)
    begin = graph.const(f"{name}axis/begin", np.zeros(3, "i4"))
    size = graph.const(f"{name}axis/size", np.array([-1, -1, recipe.axis], "i4"))
    graph.op(f"{name}Slice_axis", "Slice", mean, begin, size)


def _table(graph: Graph, recipe: Recipe, name: str, piece: str, rng: Generator) -> None:
    values = rng.normal(size=(14, 6 * recipe.neuron[-1])).astype(recipe.dtype)
    info = np.array([-1.0, 0.0, 2.0, 0.1, 0.5, -1.0], recipe.dtype)
    rows = graph.op(f"{name}/Reshape", "Reshape", piece)
    constants = graph.const(f"{name}/data", values), graph.const(f"{name}/info", info)
    graph.op(name, recipe.tables, *constants, rows, rows)


def _dense(recipe: Recipe, n_in: int, n_out: int, idt: bool, rng: Generator) -> Dense:
    weight = rng.normal(size=(n_in, n_out)).astype(recipe.dtype)
    bias = rng.normal(size=n_out).astype(recipe.dtype)
    step = rng.normal(size=(1, n_out)).astype(recipe.dtype) if idt else None
    return Dense(weight, bias, step, recipe.activation)
