"""Dense layers of a graph, with the activation that the graph really computes."""

from __future__ import annotations

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...model import Layer, Net, Skip
from .graph import Graph, Node

PASS_ON = ("Identity", "Cast")
_ADDITIONS = ("BiasAdd", "Add", "AddV2")
_SINGLE_OPS = {
    "Tanh": "tanh",
    "Relu": "relu",
    "Relu6": "relu6",
    "Softplus": "softplus",
    "Gelu": "gelu",
    "GeluCustom": "gelu",
}
_LINEAR_OPS = {*_ADDITIONS, *PASS_ON, "Reshape", "Mul", "Sub", "ConcatV2", "MatMul"}


def layer(
    graph: Graph, matrix: str, bias: str, idt: str, skip: Skip, last: bool = False
) -> Layer:
    """The layer whose constants have these names; ``idt`` need not exist.

    Nor need the bias where the product goes straight into the activation.
    """
    weight = graph.array(matrix)
    if weight.ndim != 2:
        raise ModelFileError(
            f"node {matrix}: expected a matrix, got shape {weight.shape}"
        )
    n_in, n_out = weight.shape
    if skip == "double" and n_out != 2 * n_in:
        skip = "identity"
    if skip == "identity" and n_out != n_in:
        skip = "none"
    step = graph.array(idt) if idt in graph and graph.readers.get(idt) else None
    unbiased = bias not in graph and not _sums(graph, matrix)
    return Layer(
        weight,
        np.zeros(n_out, weight.dtype) if unbiased else _row(graph, bias, n_out),
        "linear" if last else _activation(graph, matrix, unbiased),
        None if step is None else step.reshape(-1),
        skip,
    )


def numbered_net(graph: Graph, scope: str, ending: str) -> Net | None:
    """The net of ``scope/matrix_1ending``, ``matrix_2ending``…, if there is one.

    Every layer has the skip of an embedding net that its shape allows.
    """
    layers: list[Layer] = []
    while True:
        names = [
            f"{scope}/{part}_{len(layers) + 1}{ending}"
            for part in ("matrix", "bias", "idt")
        ]
        if names[0] not in graph:
            return Net(tuple(layers)) if layers else None
        layers.append(layer(graph, names[0], names[1], names[2], "double"))


def products(graph: Graph, matrix: str) -> list[Node]:
    """The matrix products that use this weight."""
    found = graph.after(matrix, PASS_ON)
    if not found or any(node.op != "MatMul" for node in found):
        raise ModelFileError(
            f"node {matrix} is not the weight of a matrix product; expected a "
            "graph of deepmd-kit, freeze the model again with dp freeze"
        )
    return found


def _row(graph: Graph, name: str, size: int) -> AnyArray:
    values = graph.array(name)
    if values.size != size:
        raise ModelFileError(
            f"node {name}: expected {size} values, got shape {values.shape}"
        )
    return values.reshape(-1)


def _sums(graph: Graph, matrix: str) -> list[Node]:
    """What adds a bias of its own to the first product."""
    product = products(graph, matrix)[0]
    return [
        node
        for node in graph.after(product.name, PASS_ON)
        if node.op in _ADDITIONS and graph.is_constant(node.input(1))
    ]


def _activation(graph: Graph, matrix: str, unbiased: bool) -> str:
    product = products(graph, matrix)[0]
    sums = [product] if unbiased else _sums(graph, matrix)
    if not sums:
        raise ModelFileError(
            f"node {product.name} ({product.op}) is not followed by a bias; expected "
            "a graph of deepmd-kit"
        )
    readers = graph.after(sums[0].name, PASS_ON)
    ops = {node.op for node in readers}
    if "Less" in ops:
        bound = next(node for node in readers if node.op == "Less")
        return f"silut:{graph.scalar(bound.input(1))!r}"
    if "Sigmoid" in ops:
        return "silu" if "Mul" in ops else "sigmoid"
    if "Pow" in ops:
        return _gelu(graph, next(node for node in readers if node.op == "Pow"))
    for op, name in _SINGLE_OPS.items():
        if op in ops:
            return name
    if readers and ops <= _LINEAR_OPS:
        return "linear"
    raise ModelFileError(
        f"the activation behind {matrix} is not known (operations "
        f"{', '.join(sorted(ops)) or 'none'}); train with tanh, gelu, silu, relu, "
        "relu6, softplus or sigmoid"
    )


def _gelu(graph: Graph, cube: Node) -> str:
    """Which gelu: TensorFlow's own rounds the coefficient 0.044715 to float32."""
    for product in graph.after(cube.name, PASS_ON):
        for name in product.inputs:
            if name != cube.name and graph.is_constant(name):
                return "gelu" if graph.scalar(name) == 0.044715 else "gelu_float32"
    raise ModelFileError(
        f"the activation at {cube.name} is not known; train with tanh or gelu"
    )
