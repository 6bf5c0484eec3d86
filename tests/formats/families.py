"""Native dictionaries of the families that no Model keeps as the file has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from formats.native_dict import collection, layer_dict, native_dict, version3_model
from random_model import random_net

from dpse_fast.model import Net

Dictionary = dict[str, Any]
N_TYPES, TEBD, WIDTH, AXIS, SLOTS = 2, 2, 6, 2, 7


def lone(nets: list[Net]) -> Dictionary:
    return collection(nets, N_TYPES, "EmbeddingNetwork", 2)


def se_atten(
    mode: str = "concat",
    one_sided: bool = False,
    smooth: bool = True,
    concat_output: bool = True,
    mean: float = 0.0,
    seed: int = 0,
) -> Dictionary:
    """A descriptor of the kind dpa1."""
    rng = np.random.default_rng(seed)
    n_tebd = TEBD if one_sided else 2 * TEBD
    n_in = 1 + (n_tebd if mode == "concat" else 0)
    shape = (N_TYPES, SLOTS, 4)
    davg, dstd = np.zeros(shape), np.full(shape, 0.2)
    davg[..., 0] = mean
    types = random_net(rng, (N_TYPES, TEBD), "linear")
    found = {
        "@class": "Descriptor",
        "@version": 2,
        "type": "dpa1",
        "rcut": 4.0,
        "rcut_smth": 1.0,
        "sel": [SLOTS],
        "ntypes": N_TYPES,
        "axis_neuron": AXIS,
        "tebd_dim": TEBD,
        "tebd_input_mode": mode,
        "attn_layer": 0,
        "smooth_type_embedding": smooth,
        "type_one_side": one_sided,
        "concat_output_tebd": concat_output,
        "exclude_types": [],
        "env_protection": 0.0,
        "embeddings": lone([random_net(rng, (n_in, 3, WIDTH))]),
        "type_embedding": {
            "@class": "TypeEmbedNet",
            "@version": 2,
            "use_econf_tebd": False,
            "type_map": ["O", "H"],
            "embedding": {
                "@class": "EmbeddingNetwork",
                "@version": 2,
                "layers": [layer_dict(layer) for layer in types.layers],
            },
        },
        "@variables": {"davg": davg, "dstd": dstd},
    }
    if mode == "strip":
        found["embeddings_strip"] = lone([random_net(rng, (n_tebd, 3, WIDTH))])
    return found


def mixed_model(descriptors: list[Dictionary], **fitting: Any) -> Dictionary:
    """The whole dictionary: these descriptors and one fitting net for all types."""
    rng = np.random.default_rng(7)
    root = native_dict(version3_model())
    model = root["model"]
    behind = [TEBD * d["concat_output_tebd"] for d in descriptors]
    n_in = sum(WIDTH * AXIS + k for k in behind) + fitting.get("numb_fparam", 0)
    net = random_net(rng, (n_in, 8, 8, 1), linear_last=True)
    model["descriptor"] = descriptors[0]
    if len(descriptors) > 1:
        model["descriptor"] = {"type": "hybrid", "list": descriptors}
    model["fitting"] |= {
        "mixed_types": True,
        "nets": collection([net], N_TYPES, "FittingNetwork", 1),
        **fitting,
    }
    return root


def type_vectors(descriptor: Dictionary) -> Any:
    """The type embedding: (n_types, k), from its one linear layer."""
    (layer,) = descriptor["type_embedding"]["embedding"]["layers"]
    numbers = layer["@variables"]
    skip = np.eye(N_TYPES) if layer["resnet"] else 0
    return numbers["w"] + numbers["b"] + skip


def pair_table(names: list[str], sel: int, rcut: float, rows: int = 30) -> Dictionary:
    """A pair potential: cubic pieces, the highest power first."""
    rng = np.random.default_rng(5)
    n = len(names)
    variables = {
        "tab_info": np.array([0.01, 0.1, rows, n]),
        "tab_data": rng.normal(size=(n, n, rows, 4)),
    }
    return {
        "@class": "Model",
        "@version": 2,
        "type": "pairtab",
        "type_map": names,
        "pair_exclude_types": [],
        "atom_exclude_types": [],
        "rcut": rcut,
        "sel": sel,
        "tab": {"@class": "PairTab", "@version": 1, "@variables": variables},
        "@variables": {"out_bias": np.zeros((1, n, 1))},
    }


def zbl(names: list[str] | None = None, sel: int = SLOTS, rcut: float = 3.0) -> Any:
    """A dictionary of the model that blends se_atten with a pair table."""
    root = mixed_model([se_atten()])
    deep = root["model"]
    deep["@variables"]["out_bias"] = np.zeros((1, N_TYPES, 1))
    root["model"] = {
        "@class": "Model",
        "@version": 2,
        "type": "zbl",
        "type_map": names or ["O", "H"],
        "models": [deep, pair_table(["O", "H"], sel, rcut)],
        "sw_rmin": 0.9,
        "sw_rmax": 1.6,
        "smin_alpha": 0.1,
        "weights": "mean",
        "pair_exclude_types": [],
        "atom_exclude_types": [],
        "@variables": {"out_bias": np.array([[[0.5], [-0.25]]])},
    }
    return root
