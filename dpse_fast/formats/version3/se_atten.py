"""se_atten (dpa1) without attention layers: one embedding for each pair of types.

Neighbours of all types share the slots. What an empty slot adds is only defined if
the mean of the environment is zero, or where its type has no effect (stripped,
smooth): elsewhere deepmd-kit gives it the type of the frame's first atom.
"""

from __future__ import annotations

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...model import Embedding, EmbeddingTable, Gated, Net, SeE2A
from ..constant_inputs import fix_inputs, reject_many
from ..statistics import shared_slots
from ..tree import Tree, located
from .arrays import excluded_pairs, reject_many_types
from .networks import embeddings, networks
from .parts import Part
from .supported import check_class, reject_unsupported
from .type_embedding import type_embedding

Rows = tuple[tuple[Embedding, ...], ...]


def se_atten(tree: Tree) -> Part:
    """The descriptor, with the type embedding of the centre if it is put behind it."""
    _reject_unsupported(tree)
    n_types = tree.integer("ntypes")
    reject_many_types(tree, "ntypes", n_types)
    types = type_embedding(tree["type_embedding"], n_types)
    sel = tree.integers("sel") if isinstance(tree.raw("sel"), list | tuple) else None
    n_slots = sum(sel) if sel else tree.integer("sel")
    davg = shared_slots(tree.array("davg"), n_types, n_slots, "davg")
    rows, padding = _embedding(tree, types, centred=not np.any(davg[..., 0]))
    with located(tree.place):
        descriptor = SeE2A(
            rcut=tree.number("rcut"),
            rcut_smth=tree.number("rcut_smth"),
            sel=(n_slots,),
            axis_neuron=tree.integer("axis_neuron"),
            davg=davg,
            dstd=shared_slots(tree.array("dstd"), n_types, n_slots, "dstd"),
            embedding=rows,
            normalisation=float(n_slots),
            excluded=excluded_pairs(tree, "exclude_types", n_types),
            env_protection=tree.number("env_protection", 0.0),
            mixed=True,
            padding=padding,
        )
    behind = tree.flag("concat_output_tebd", True)
    return Part(descriptor, types, behind)


def _reject_unsupported(tree: Tree) -> None:
    if tree.integer("attn_layer") > 0:
        reject_unsupported(
            tree,
            "attn_layer",
            "se_atten with attention layers is not supported, only with attn_layer 0",
        )
    if tree.integer("lmax", 1) != 1:
        reject_unsupported(tree, "lmax", "se_atten with lmax above 1 is not supported")
    check_class(tree, 4, "Descriptor")


def _embedding(
    tree: Tree, types: AnyArray, centred: bool
) -> tuple[Rows, tuple[Embedding, ...]]:
    """Embeddings by centre and neighbour, and those of empty slots by centre."""
    mode = tree.text("tebd_input_mode", "strip")
    if mode not in ("concat", "strip"):
        tree.reject("tebd_input_mode", "concat or strip", mode)
    smooth = mode == "strip" and tree.flag("smooth_type_embedding", True)
    if not centred and not smooth:
        raise ModelFileError(
            f"{tree.where('davg')}: with a mean other than zero the energy of this "
            "se_atten model depends on the order of the atoms (an empty neighbour "
            "slot takes the type of the first atom), so it is not read; train it with "
            "set_davg_zero, or in tebd_input_mode strip with smooth_type_embedding"
        )
    found = embeddings(tree)
    if len(found) != 1:
        tree.reject("embeddings", "one network", found)
    one_sided = tree.flag("type_one_side", _takes_one_vector(found[0], types))
    with located(tree.where("embeddings")):
        if mode == "concat":
            return _concatenated(found[0], types, one_sided), ()
        return _stripped(tree, found[0], types, one_sided, smooth, centred)


def _takes_one_vector(net: Net | EmbeddingTable | None, types: AnyArray) -> bool:
    """Whether the net takes the neighbour's vector only, where no option says so."""
    return isinstance(net, Net) and net.n_in == 1 + types.shape[1]


def _concatenated(
    net: Net | EmbeddingTable | None, types: AnyArray, one_sided: bool
) -> Rows:
    if not isinstance(net, Net):
        raise ModelFileError("expected a network, the file has a table")
    n = len(types)
    reject_many(net, n if one_sided else n * n)
    if one_sided:
        return (tuple(fix_inputs(net, 1, types[t]) for t in range(n)),) * n
    return tuple(
        tuple(fix_inputs(net, 1, np.r_[types[t], types[c]]) for t in range(n))
        for c in range(n)
    )


def _stripped(
    tree: Tree,
    radial: Net | EmbeddingTable | None,
    types: AnyArray,
    one_sided: bool,
    smooth: bool,
    centred: bool,
) -> tuple[Rows, tuple[Embedding, ...]]:
    if radial is None:
        raise ModelFileError("the table is empty")
    n = len(types)
    gates = _gates(tree, types, one_sided)
    if one_sided:
        rows: Rows = (tuple(Gated(radial, gates[t], smooth) for t in range(n)),) * n
    else:
        rows = tuple(
            tuple(Gated(radial, gates[c * n + t], smooth) for t in range(n))
            for c in range(n)
        )
    return rows, () if centred else (radial,) * n


def _gates(tree: Tree, types: AnyArray, one_sided: bool) -> AnyArray:
    """(n, M) by neighbour or (n·n, M) by centre and neighbour."""
    n = len(types)
    if tree.has("embeddings_strip"):
        (net,) = networks(tree["embeddings_strip"])[:1]
        reject_many(net, n if one_sided else n * n)
        inputs = types
        if not one_sided:
            neighbours = np.tile(types, (n, 1))
            inputs = np.concatenate([neighbours, np.repeat(types, n, axis=0)], axis=1)
        if net.n_in != inputs.shape[1]:
            raise ModelFileError(
                f"the network of types takes {net.n_in} inputs, expected "
                f"{inputs.shape[1]}"
            )
        with np.errstate(all="ignore"):
            return net(inputs)
    table = tree["compress"].array("type_embd_data")
    side = n + 1  # the last type is that of an empty slot
    rows = side if one_sided else side**2
    if table.ndim != 2 or len(table) != rows:
        raise ModelFileError(
            f"type_embd_data: expected {rows} rows, got shape {table.shape}"
        )
    if one_sided:
        return table[:n]
    return table.reshape(side, side, -1)[:n, :n].reshape(n * n, -1)
