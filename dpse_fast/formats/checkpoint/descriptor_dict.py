"""Descriptors of a checkpoint in the form of the native dictionary.

The defaults are those of deepmd-kit's training input.
"""

from __future__ import annotations

from typing import Any

from ..tree import Tree
from .networks import count_nets, embedding_net, embedding_nets

Dictionary = dict[str, Any]


def descriptor_dict(options: Tree, tensors: Tree, type_map: list[str]) -> Dictionary:
    """The dictionary of a descriptor.

    Parameters
    ----------
    options : the descriptor's part of the training input
    tensors : its attributes
    type_map : names of the types

    Returns
    -------
    the dictionary; of an unknown kind no more than its name
    """
    match options.text("type", "se_e2_a"):
        case "hybrid":
            return _hybrid(options, tensors, type_map)
        case "se_e2_a" | "se_a":
            return _two_sided(options, tensors["sea"], len(type_map))
        case "se_e2_r" | "se_r":
            return {
                **_shared(options, tensors),
                "type": "se_r",
                "type_one_side": True,
            }
        case "dpa1" | "se_atten" | "se_atten_v2" as kind:
            return _mixed(options, tensors, kind, type_map)
        case kind:
            return {"@class": "Descriptor", "@version": 1, "type": kind}


def _hybrid(options: Tree, tensors: Tree, type_map: list[str]) -> Dictionary:
    parts = zip(
        options.branches("list"), tensors.branches("descrpt_list"), strict=False
    )
    return {
        "@class": "Descriptor",
        "@version": 1,
        "type": "hybrid",
        "list": [descriptor_dict(option, part, type_map) for option, part in parts],
    }


def _two_sided(options: Tree, tensors: Tree, n_types: int) -> Dictionary:
    two_sided = count_nets(tensors["filter_layers"]) == n_types**2
    return {
        **_shared(options, tensors),
        "type": "se_e2_a",
        "axis_neuron": options.integer("axis_neuron", 4),
        "type_one_side": not two_sided or options.flag("type_one_side", False),
    }


def _mixed(options: Tree, tensors: Tree, kind: str, type_map: list[str]) -> Dictionary:
    block, embedding = tensors["se_atten"], tensors["type_embedding"]["embedding"]
    stripped = options.raw("stripped_type_embedding", None)
    mode = options.text("tebd_input_mode", "concat")
    if stripped is not None:
        mode = "strip" if stripped else "concat"
    smooth = options.flag("smooth_type_embedding", False)
    if kind == "se_atten_v2":
        mode, smooth = "strip", True
    activation = options.text("activation_function", "tanh")
    found = {
        **_shared(options, block),
        "type": "dpa1",
        "ntypes": len(type_map),
        "axis_neuron": options.integer("axis_neuron", 4),
        "tebd_dim": options.integer("tebd_dim", 8),
        "tebd_input_mode": mode,
        "smooth_type_embedding": smooth,
        "attn_layer": options.integer("attn_layer", 2),
        "lmax": options.integer("lmax", 1),
        "type_one_side": options.flag("type_one_side", False),
        "concat_output_tebd": options.flag("concat_output_tebd", True),
        "use_econf_tebd": options.flag("use_econf_tebd", False),
        "use_tebd_bias": options.flag("use_tebd_bias", False),
        "type_map": type_map,
        "type_embedding": {
            "@class": "TypeEmbedNet",
            "@version": 2,
            "ntypes": len(type_map),
            "padding": True,
            "use_econf_tebd": options.flag("use_econf_tebd", False),
            "use_tebd_bias": options.flag("use_tebd_bias", False),
            "type_map": type_map,
            "activation_function": "Linear",
            "embedding": embedding_net(embedding["embedding_net"], "Linear"),
        },
    }
    if mode == "strip":
        nets = embedding_nets(block["filter_layers_strip"], activation)
        found["embeddings_strip"] = nets
    return found


def _shared(options: Tree, tensors: Tree) -> Dictionary:
    protection = options.number("env_protection", 0.0)
    activation = options.text("activation_function", "tanh")
    return {
        "@class": "Descriptor",
        "@version": 2,
        "rcut": options.number("rcut", 6.0),
        "rcut_smth": options.number("rcut_smth", 0.5),
        "sel": _counts(options),
        "exclude_types": options.raw("exclude_types", []),
        "env_protection": protection,
        "env_mat": {
            "protection": protection,
            "use_exp_switch": options.flag("use_exp_switch", False),
        },
        "embeddings": embedding_nets(tensors["filter_layers"], activation),
        "@variables": {"davg": tensors.raw("mean"), "dstd": tensors.raw("stddev")},
    }


def _counts(options: Tree) -> list[int]:
    if isinstance(options.raw("sel"), int):
        return [options.integer("sel")]
    return options.integers("sel")
