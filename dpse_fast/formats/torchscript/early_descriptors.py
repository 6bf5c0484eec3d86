"""Descriptors of the PyTorch code that preceded deepmd-kit v3.

Embedding nets use tanh and skip as in v3. Those of se_e2_a are one-sided; the one of
se_atten takes (s, type of the neighbour, type of the centre), and an empty slot has
a type of its own.
"""

from __future__ import annotations

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...model import Descriptor, Net, SeE2A
from ..constant_inputs import fix_inputs, reject_many
from ..statistics import per_neighbour_type, shared_slots
from ..tree import Tree, located
from ..version3 import dense_layer, embedding_grid, reject_unsupported
from .classes import class_of, reject_class


def read_descriptors(
    tree: Tree, embedding: AnyArray | None, n_types: int
) -> tuple[Descriptor, ...]:
    """One descriptor, or those of a hybrid side by side.

    Parameters
    ----------
    tree : the scripted descriptor
    embedding : (n_types + 1, k) of the types and of an empty slot, or None
    n_types : number of types

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the descriptor is not supported.
    """
    reject_class(tree, "descriptor", ("DescrptSeA", "DescrptSeAtten", "DescrptHybrid"))
    if class_of(tree.value) == "DescrptSeA":
        return (_by_type(tree, n_types),)
    if embedding is None:
        raise ModelFileError(f"{tree.place}: the model has no type embedding")
    if class_of(tree.value) == "DescrptSeAtten":
        return (_mixed(tree, embedding, n_types),)
    if tree.text("hybrid_mode") != "concat":
        reject_unsupported(
            tree, "hybrid_mode", "descriptors that feed one another are not supported"
        )
    parts = tree.branches("descriptor_list")
    for part in parts:
        reject_class(part, "descriptor", ("DescrptSeAtten",))
    return tuple(_mixed(part, embedding, n_types) for part in parts)


def _by_type(tree: Tree, n_types: int) -> SeE2A:
    sel = tree.integers("sel")
    if len(sel) != n_types:
        tree.reject("sel", f"{n_types} counts", sel)
    nets = [_embedding_net(net) for net in tree.branches("filter_layers")]
    if any(net.raw("tebd_dim", 0) for net in tree.branches("filter_layers")):
        reject_unsupported(
            tree, "tebd_dim", "type embedding is not supported with se_e2_a"
        )
    with located(tree.place):
        return SeE2A(
            rcut=tree.number("rcut"),
            rcut_smth=tree.number("rcut_smth"),
            sel=tuple(sel),
            axis_neuron=tree.integer("axis_neuron"),
            davg=per_neighbour_type(tree.array("mean"), sel, "mean", empty=0.0),
            dstd=per_neighbour_type(tree.array("stddev"), sel, "stddev"),
            embedding=embedding_grid(nets, n_types, one_sided=True),
            normalisation=float(sum(sel)),
            list_size=sum(sel),
        )


def _mixed(tree: Tree, embedding: AnyArray, n_types: int) -> SeE2A:
    if tree.integer("attn_layer"):
        reject_unsupported(
            tree, "attn_layer", "attention between neighbours is not supported"
        )
    slots = sum(tree.integers("sel"))
    filters = tree.branches("filter_layers")
    net = _embedding_net(filters[0])
    if len(filters) != 1 or net.n_in != 1 + 2 * embedding.shape[1]:
        reject_unsupported(
            tree,
            "filter_layers",
            "expected one net that takes the distance and both types; another way "
            "is not supported",
        )

    with located(tree.where("filter_layers")):
        reject_many(net, n_types**2)

    def of(centre: int, neighbour: int) -> Net:
        types = np.concatenate([embedding[neighbour], embedding[centre]])
        return fix_inputs(net, 1, types)

    with located(tree.place):
        davg = shared_slots(tree.array("mean"), n_types, slots, "mean")
    every = range(n_types)
    with located(tree.place):
        return SeE2A(
            rcut=tree.number("rcut"),
            rcut_smth=tree.number("rcut_smth"),
            sel=(slots,),
            axis_neuron=tree.integer("axis_neuron"),
            davg=davg,
            dstd=shared_slots(tree.array("stddev"), n_types, slots, "stddev"),
            embedding=tuple(tuple(of(c, t) for t in every) for c in every),
            normalisation=float(slots),
            mixed=True,
            padding=tuple(of(c, n_types) for c in every) if davg.any() else (),
        )


def _embedding_net(net: Tree) -> Net:
    layers = []
    for layer in net.branches("deep_layers"):
        with located(layer.place):
            layers.append(
                dense_layer(
                    layer.array("matrix"),
                    layer.array("bias"),
                    layer.optional_array("idt"),
                    "tanh",
                    resnet=True,
                )
            )
    with located(net.place):
        return Net(tuple(layers))
