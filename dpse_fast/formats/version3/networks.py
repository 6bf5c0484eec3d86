"""Networks of v3, and the tables that stand for them in compressed files."""

from __future__ import annotations

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...model import EmbeddingTable, Layer, Net, Skip
from ..tree import Tree, located
from .supported import check_class


def dense_layer(
    weight: AnyArray,
    bias: AnyArray | None,
    idt: AnyArray | None,
    activation: str,
    resnet: bool,
) -> Layer:
    """A layer of a v3 network, hidden layers of the fitting net included.

    With ``resnet`` the input is added if the widths agree, and added twice side
    by side if the output is twice as wide.
    """
    if weight.ndim != 2:
        raise ModelFileError(f"expected a matrix of weights, got shape {weight.shape}")
    n_in, n_out = weight.shape
    skip: Skip = "none"
    if resnet and n_out == n_in:
        skip = "identity"
    elif resnet and n_out == 2 * n_in:
        skip = "double"
    if bias is None:
        bias = np.zeros(n_out, dtype=weight.dtype)
    return Layer(weight, bias, activation, idt, skip)


def network(tree: Tree) -> Net:
    """An embedding or fitting network."""
    check_class(tree, 2, "EmbeddingNetwork", "FittingNetwork")
    layers = tree.each("layers", _layer)
    with located(tree.place):
        return Net(tuple(layers))


def _layer(tree: Tree) -> Layer:
    check_class(tree, 2, "Layer")
    with located(tree.place):
        return dense_layer(
            tree.array("w"),
            tree.optional_array("b"),
            tree.optional_array("idt"),
            tree.text("activation_function"),
            tree.flag("resnet"),
        )


def networks(collection: Tree) -> tuple[Net, ...]:
    """Every network of a collection."""
    check_class(collection, 1, "NetworkCollection")
    _reject_absent(collection)
    return tuple(collection.each("networks", network))


def embeddings(descriptor: Tree) -> tuple[Net | EmbeddingTable | None, ...]:
    """The embedding networks, or the tables of a compressed file.

    The tables are what deepmd-kit evaluates, whether or not the file keeps the
    networks beside them. None stands for an excluded pair, whose table is empty.
    """
    collection = descriptor["embeddings"]
    if not descriptor.has("compress"):
        return networks(collection)
    check_class(collection, 1, "NetworkCollection")
    count = sum(name.isdecimal() for name in collection["networks"].names())
    return tuple(_table(descriptor["compress"], k) for k in range(count))


def _reject_absent(collection: Tree) -> None:
    values = collection["networks"]
    if any(name.isdecimal() and not values.has(name) for name in values.names()):
        raise ModelFileError(
            f"{collection.where('networks')}: holds no network for some types, as in "
            "a file converted from a compressed .pb; open that .pb itself, or convert "
            "the model from before dp compress"
        )


def _table(compress: Tree, k: int) -> EmbeddingTable | None:
    data = compress["compress_data"].array(str(k))
    if not data.size:
        return None
    bounds = compress["compress_info"].array(str(k)).reshape(-1)
    place = compress["compress_data"].where(str(k))
    with located(place):
        if data.ndim != 2 or data.shape[1] % 6 or bounds.size != 6:
            raise ModelFileError(
                "expected rows of 6 coefficients for each channel and 6 bounds, "
                f"got shapes {data.shape} and {bounds.shape}"
            )
        lower, upper, maximum, fine, coarse, _ = (float(value) for value in bounds)
        return EmbeddingTable(
            data.reshape(len(data), -1, 6), lower, upper, maximum, fine, coarse
        )
