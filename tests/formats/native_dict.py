"""deepmd-kit's native dictionary of a model, and the files it is kept in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from random_model import random_model

from dpse_fast.model import Layer, Model, Net


def version3_model(n_types: int = 2, **options: Any) -> Model:
    """A small model that deepmd-kit v3 can express, with its provenance removed."""
    options = {"sel": (5, 3, 4)[:n_types], "embedding": (3, 6), "axis": 2, **options}
    model = random_model(n_types, **options)
    sea = replace(model.descriptors[0], normalisation=float(sum(model.descriptors[0].sel)))
    bias = 0.5 * np.arange(n_types) - 3.0
    return replace(model, descriptors=(sea,), bias=bias, scale=np.ones(n_types))


def layer_dict(layer: Layer) -> dict[str, Any]:
    return {
        "@class": "Layer",
        "@version": 2,
        "bias": True,
        "use_timestep": layer.idt is not None,
        "activation_function": layer.activation,
        "resnet": layer.skip != "none",
        "precision": layer.weight.dtype.name,
        "@variables": {"w": layer.weight, "b": layer.bias, "idt": layer.idt},
    }


def collection(nets: list[Net], n_types: int, kind: str, version: int) -> Any:
    return {
        "@class": "NetworkCollection",
        "@version": 1,
        "ndim": 1 if len(nets) == n_types else 2,
        "ntypes": n_types,
        "networks": [
            {
                "@class": kind,
                "@version": version,
                "layers": [layer_dict(layer) for layer in net.layers],
            }
            for net in nets
        ],
    }


def slots(pairs: Any, sel: tuple[int, ...]) -> Any:
    """Statistics of every neighbour slot: (n, sum(sel), 4)."""
    return np.repeat(pairs, sel, axis=1)


def flat_networks(model: Model) -> list[Any]:
    """Embedding nets in the order of deepmd-kit v3: centre + n·neighbour."""
    sea, types = model.descriptors[0], range(model.n_types)
    if sea.one_sided:
        return list(sea.embedding[0])
    return [sea.embedding[c][t] for t in types for c in types]


def native_dict(model: Model) -> dict[str, Any]:
    sea, n = model.descriptors[0], model.n_types
    return {
        "software": "deepmd-kit",
        "version": "3.2.0",
        "backend": "PyTorch",
        "model": {
            "@class": "Model",
            "@version": 2,
            "type": "standard",
            "type_map": list(model.type_map),
            "descriptor": {
                "@class": "Descriptor",
                "@version": 2,
                "type": "se_e2_a",
                "rcut": sea.rcut,
                "rcut_smth": sea.rcut_smth,
                "sel": list(sea.sel),
                "axis_neuron": sea.axis_neuron,
                "type_one_side": sea.one_sided,
                "exclude_types": [list(p) for p in sea.excluded if p[0] <= p[1]],
                "env_protection": sea.env_protection,
                "spin": None,
                "embeddings": collection(
                    flat_networks(model), n, "EmbeddingNetwork", 2
                ),
                "env_mat": {"protection": 0.0, "use_exp_switch": False},
                "@variables": {
                    "davg": slots(sea.davg, sea.sel),
                    "dstd": slots(sea.dstd, sea.sel),
                },
            },
            "fitting": {
                "@class": "Fitting",
                "@version": 4,
                "type": "ener",
                "numb_fparam": 0,
                "numb_aparam": 0,
                "mixed_types": False,
                "atom_ener": [],
                "exclude_types": [],
                "nets": collection(list(model.fitting), n, "FittingNetwork", 1),
                "@variables": {"bias_atom_e": model.bias[:, None] - 1.0},
            },
            "pair_exclude_types": [],
            "atom_exclude_types": [],
            "@variables": {
                "out_bias": np.ones((1, n, 1)),
                "out_std": np.full((1, n, 1), 3.0),
            },
        },
        "@variables": {"min_nbor_dist": np.array(0.9)},
    }


def mapped(value: Any, change: Any) -> Any:
    """The tree with every array replaced."""
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    return change(value) if isinstance(value, np.ndarray) else value


def as_lists(tree: Any) -> Any:
    return mapped(
        tree,
        lambda array: {
            "@class": "np.ndarray",
            "@is_variable": True,
            "@version": 1,
            "dtype": array.dtype.name,
            "value": array.tolist(),
        },
    )


def save(tree: Any, path: Path) -> Path:
    """Write as deepmd-kit does; the suffix chooses .dp, .yaml or .json."""
    if path.suffix == ".yaml":
        path.write_text(yaml.safe_dump(as_lists(tree)))
    elif path.suffix == ".json":
        path.write_text(json.dumps(as_lists(tree)))
    else:
        with h5py.File(path, "w") as file:
            count = iter(range(10**6))

            def store(array: Any) -> str:
                name = f"variable_{next(count):04d}"
                file[name] = array
                return f"/{name}"

            text = json.dumps(mapped(tree, store))
            file.attrs["json"] = text
    return path
