"""A small writer of TensorFlow GraphDefs, for tests only."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

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


def float_attribute(key: str, value: float) -> bytes:
    return attribute(key, varint(4 << 3 | 5) + struct.pack("<f", value))


def list_attribute(key: str, values: tuple[int, ...], packed: bool = True) -> bytes:
    numbers = item(3, b"".join(map(varint, values)))
    if not packed:
        numbers = b"".join(item(3, value) for value in values)
    return attribute(key, item(1, numbers))


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
            if layer.biased:
                self.variable(read[1][:-5], layer.bias)
            if layer.idt is not None:
                self.variable(read[2][:-5], layer.idt)
        y = self.op(f"{scope}MatMul{suffix}", "MatMul", x, read[0])
        if layer.biased:
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
    biased: bool = True
