"""Type embeddings: a vector for each type, from a network on what names the type."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import ModelFileError
from ..tree import Tree, located
from .electrons import electron_vector
from .networks import network
from .supported import check_class

Array = NDArray[np.float64]


def type_embedding(tree: Tree, n_types: int) -> Array:
    """The embedding (n_types, k) of every type.

    The network's input is one number for each type, or the electrons of the element.
    """
    check_class(tree, 2, "TypeEmbedNet")
    net = network(tree["embedding"])
    inputs = np.eye(n_types)
    if tree.flag("use_econf_tebd", False):
        inputs = _electrons(tree)
    with located(tree.place):
        if inputs.shape != (n_types, net.n_in):
            raise ModelFileError(
                f"the network takes {net.n_in} inputs, expected {inputs.shape[1]} for "
                f"{n_types} types"
            )
        with np.errstate(all="ignore"):
            found = np.asarray(net(inputs), np.float64)
        if not np.isfinite(found).all():
            raise ModelFileError("holds NaN or infinite values")
    return found


def _electrons(tree: Tree) -> Array:
    if tree.has("econf_tebd"):
        found = tree.array("econf_tebd").astype(np.float64)
        if found.ndim != 2:
            tree.reject("econf_tebd", "a matrix", found)
        return found
    with located(tree.where("type_map")):
        return np.array([electron_vector(name) for name in tree.texts("type_map")])
