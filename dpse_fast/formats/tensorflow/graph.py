"""GraphDef: nodes, their attributes, and who reads whose output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...runtime.cached_property import cached_property
from . import tensor, wire

_NODE = 1
_NAME, _OP, _INPUT, _ATTRIBUTE = 1, 2, 3, 5
_LIST, _FLOAT, _TYPE, _TENSOR = 1, 4, 6, 8
_FEWEST_NODES = 1 << 15
_BYTES_OF_A_NODE = 256
_LARGEST_INTEGER = 2.0**53
_SPARE_BYTES = 16 << 20
_DERIVED_BYTES = 128 << 20
_MAX_LIST = 1 << 12
_MAX_NAME = 1024
_MAX_BRANCHES = 1 << 10
_GRADIENTS = "gradients"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation; everything but its name and kind is decoded on demand."""

    name: str
    op: str
    _graph: memoryview
    _start: int
    _end: int

    @property
    def body(self) -> memoryview:
        return self._graph[self._start : self._end]

    @property
    def inputs(self) -> Iterator[str]:
        """Names of the nodes whose values it takes, in order."""
        for value in wire.submessages(self.body, _INPUT):
            name = wire.text(value)
            if not name.startswith("^"):
                yield name.partition(":")[0]

    @property
    def sources(self) -> list[tuple[str, int]]:
        """The name of each input's node, and which of its outputs is taken."""
        found: list[tuple[str, int]] = []
        for value in wire.submessages(self.body, _INPUT):
            name, _, port = wire.text(value).partition(":")
            found.append((name, int(port) if re.fullmatch("[0-9]{1,6}", port) else 0))
        return found

    def input(self, k: int) -> str:
        """The name of input k, which may count from the end."""
        names = list(self.inputs if k < 0 else islice(self.inputs, k + 1))
        if not -len(names) <= k < len(names):
            raise ModelFileError(
                f"node {self.name} ({self.op}) has only {len(names)} inputs, expected "
                "a graph of deepmd-kit"
            )
        return names[k]

    def _attribute(self, key: str, number: int) -> wire.Value | None:
        found: wire.Value | None = None
        for entry in wire.submessages(self.body, _ATTRIBUTE):
            parts = {n: v for n, _, v in wire.fields(entry)}
            name = parts.get(1)
            if not isinstance(name, memoryview) or name != key.encode():
                continue
            value = parts.get(2)
            if isinstance(value, memoryview):
                for n, _, v in wire.fields(value):
                    found = v if n == number else found
        return found

    def _required(self, key: str, number: int) -> wire.Value:
        value = self._attribute(key, number)
        if value is None:
            raise ModelFileError(
                f"node {self.name} ({self.op}) has no attribute {key}; expected a "
                "model frozen by deepmd-kit 1.0 or later"
            )
        return value

    def number(self, key: str) -> float:
        return wire.float32(self._required(key, _FLOAT))

    def integers(self, key: str) -> list[int]:
        value = self._required(key, _LIST)
        if not isinstance(value, memoryview):
            raise wire.damaged(f"attribute {key} is not a list")
        return wire.integers(value, 3, _MAX_LIST)

    def dtype(self, key: str) -> np.dtype[Any] | None:
        code = self._attribute(key, _TYPE)
        return tensor.float_dtype(code) if isinstance(code, int) else None

    def tensor(self) -> memoryview:
        value = self._required("value", _TENSOR)
        if not isinstance(value, memoryview):
            raise wire.damaged(f"node {self.name} holds no tensor")
        return value


class Graph:
    """The nodes of a GraphDef by name.

    Raises
    ------
    ModelFileError
        If the bytes are not a GraphDef.
    """

    def __init__(self, data: memoryview) -> None:
        self.nodes: dict[str, Node] = {}
        self._allowance = tensor.Allowance(len(data) + _SPARE_BYTES)
        self._derived = tensor.Allowance(4 * len(data) + _DERIVED_BYTES)
        self._arrays: dict[tuple[str, ...], AnyArray] = {}
        most = _FEWEST_NODES + len(data) // _BYTES_OF_A_NODE
        self._inputs = 4 * most
        fields = 10 * most
        ops: dict[str, str] = {}
        for number, kind, start, end in wire.spans(data):
            if number != _NODE or kind != wire.BYTES:
                continue
            name, op, count = _names(data[start:end])
            fields -= count
            if name in self.nodes:
                raise wire.damaged(f"two nodes are called {name!r}")
            if len(self.nodes) >= most or fields < 0:
                raise wire.damaged("too many nodes for its size")
            self.nodes[name] = Node(name, ops.setdefault(op, op), data, start, end)

    def __contains__(self, name: str) -> bool:
        return name in self.nodes

    def __getitem__(self, name: str) -> Node:
        try:
            return self.nodes[name]
        except KeyError:
            raise missing(name) from None

    def with_op(self, *ops: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.op in ops]

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """Who takes each node's value, gradients apart."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            if node.name.startswith(_GRADIENTS):
                continue
            for name in node.inputs:
                if name not in self.nodes:
                    raise missing(name, node.name)
                self._inputs -= 1
                if self._inputs < 0:
                    raise wire.damaged("too many inputs for its size")
                readers.setdefault(self.nodes[name].name, []).append(node)
        return readers

    def after(self, start: str, through: Iterable[str], steps: int = 8) -> list[Node]:
        """The first readers downstream that are not one of the ops ``through``."""
        front, found = [start], dict[str, Node]()
        for _ in range(steps):
            reached = [node for name in front for node in self.readers.get(name, [])]
            if len(reached) > _MAX_BRANCHES:
                raise wire.damaged(f"node {start} has too many readers")
            found.update((n.name, n) for n in reached if n.op not in through)
            front = list(dict.fromkeys(n.name for n in reached if n.op in through))
        return list(found.values())

    def before(self, name: str, through: Iterable[str], steps: int = 8) -> Node:
        """The first node upstream, along first inputs, of none of these ops."""
        node = self[name]
        for _ in range(steps):
            if node.op not in through:
                break
            node = self[node.input(0)]
        return node

    def is_constant(self, name: str) -> bool:
        return self.before(name, ("Identity", "Cast")).op == "Const"

    def array(self, name: str) -> AnyArray:
        """The numbers of a constant, behind any Identity or Cast; read-only."""
        node, casts = self[name], list[np.dtype[Any]]()
        for _ in range(8):
            if node.op not in ("Identity", "Cast"):
                break
            kind = node.dtype("DstT") if node.op == "Cast" else None
            casts += [kind] if kind is not None else []
            node = self[node.input(0)]
        if node.op != "Const":
            raise ModelFileError(
                f"node {name} is computed ({node.op}), expected a constant; freeze "
                "the model with dp freeze"
            )
        key = (node.name, *(kind.str for kind in casts))
        if key not in self._arrays:
            self._arrays[key] = self._decoded(node, casts)
        return self._arrays[key]

    def _decoded(self, node: Node, casts: list[np.dtype[Any]]) -> AnyArray:
        try:
            values = tensor.array(node.tensor(), self._allowance)
        except ModelFileError as error:
            raise ModelFileError(f"node {node.name}: {error}") from None
        with np.errstate(all="ignore"):
            for kind in reversed(casts):
                values = values.astype(kind)
        values.flags.writeable = False
        return values

    def reserve(self, numbers: int) -> None:
        """Ask for room for so many numbers that follow from the constants.

        Raises
        ------
        ModelFileError
            If the file's own size does not justify it.
        """
        self._derived.take(8 * numbers)

    def integers(self, name: str) -> list[int]:
        """The numbers of a constant, one after another, which are whole."""
        values = self.array(name).reshape(-1)
        whole = values.dtype.kind in "iu" or (
            values.dtype.kind == "f" and (np.abs(values) < _LARGEST_INTEGER).all()
        )
        if not whole or (values != np.trunc(values)).any():
            raise ModelFileError(f"node {name}: expected whole numbers")
        return [int(value) for value in values]

    def scalar(self, name: str) -> float:
        values = self.array(name)
        if values.size != 1:
            raise ModelFileError(
                f"node {name}: expected one number, got shape {values.shape}"
            )
        return float(values.reshape(()))

    def string(self, name: str) -> bytes:
        try:
            return tensor.string(self.before(name, ("Identity",)).tensor())
        except ModelFileError as error:
            raise ModelFileError(f"node {name}: {error}") from None


def missing(name: str, reader: str = "") -> ModelFileError:
    needs = f", which {reader} needs," if reader else ""
    return ModelFileError(
        f"node {name}{needs} is missing; expected a complete Deep Potential graph, "
        "freeze the model again with dp freeze"
    )


def _names(body: memoryview) -> tuple[str, str, int]:
    """The name of a node, its operation, and how many fields it has."""
    name = op = ""
    count = 0
    for number, kind, start, end in wire.spans(body):
        count += 1
        if kind == wire.BYTES and number in (_NAME, _OP):
            word = wire.text(body[start : min(end, start + _MAX_NAME + 1)])
            name, op = (word, op) if number == _NAME else (name, word)
    if not name or not op:
        raise wire.damaged("a node has no name or no operation")
    if max(len(name), len(op)) > _MAX_NAME:
        raise wire.damaged(f"a node's name has more than {_MAX_NAME} characters")
    if not name.isascii() or not op.isascii():
        raise wire.damaged(f"a node is called {name[:40]!a}")
    return name, op, count
