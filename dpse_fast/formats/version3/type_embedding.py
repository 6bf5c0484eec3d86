"""Type embeddings: a vector for each type, from a network on what names the type."""

from __future__ import annotations

import numpy as np

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import Net
from ...model.activations import activation
from ..tree import Tree, located
from .electrons import electron_vector
from .networks import network
from .supported import check_class


def type_embedding(tree: Tree, n_types: int) -> Doubles:
    """The embedding (n_types, k) of every type.

    The network's input is one number for each type, or the electrons of the element.
    """
    check_class(tree, 2, "TypeEmbedNet")
    net = network(tree["embedding"])
    with located(tree.place), np.errstate(all="ignore"):
        if tree.flag("use_econf_tebd", False):
            inputs = _electrons(tree)
            _reject_other_inputs(inputs.shape, (n_types, net.n_in))
            found = np.asarray(net(inputs), np.float64)
        else:
            _reject_other_inputs((net.n_in,), (n_types,))
            found = _by_number(net)
        if not np.isfinite(found).all():
            raise ModelFileError("holds NaN or infinite values")
    return found


def _reject_other_inputs(found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise ModelFileError(
            f"the network of types takes inputs {found}, expected {expected}"
        )


def _by_number(net: Net) -> Doubles:
    """The net's output for each input that is one at one place and zero elsewhere."""
    first, *others = net.layers
    y = activation(first.activation)(first.weight.astype(np.float64) + first.bias)
    if first.idt is not None:
        y = y * first.idt
    if first.skip != "none":
        y = y + np.tile(np.eye(net.n_in), (1, 2 if first.skip == "double" else 1))
    return np.asarray(Net(tuple(others))(y) if others else y, np.float64)


def _electrons(tree: Tree) -> Doubles:
    if tree.has("econf_tebd"):
        found = tree.array("econf_tebd").astype(np.float64)
        if found.ndim != 2:
            tree.reject("econf_tebd", "a matrix", found)
        return found
    with located(tree.where("type_map")):
        return np.array([electron_vector(name) for name in tree.texts("type_map")])
