"""deepmd-kit's native dictionary of a model, and the files it is kept in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from random_model import random_model

from dpse_fast.model import Descriptor, Layer, Model, Net, SeE2A


def version3_model(n_types: int = 2, **options: Any) -> Model:
    """A small model that deepmd-kit v3 can express, with its provenance removed."""
    options = {"sel": (5, 3, 4)[:n_types], "embedding": (3, 6), "axis": 2, **options}
    model = random_model(n_types, **options)
    listed = max(d.n_slots for d in model.descriptors)
    if not any(d.mixed for d in model.descriptors):
        listed = np.max([d.sel for d in model.descriptors], axis=0).sum()
    parts = [
        replace(
            d,
            normalisation=sum(d.sel) * (5.0 if d.kind == "se_e2_r" else 1.0),
            list_size=0 if d.mixed else listed,
        )
        for d in model.descriptors
    ]
    spoken = np.sign(model.scale)
    bias = np.where(spoken, 0.5 * np.arange(n_types) - 3.0, 0.0)
    return replace(model, descriptors=parts, bias=bias, scale=spoken)


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
    """Embedding nets of the first descriptor in the order of deepmd-kit v3."""
    return flat(model.descriptors[0])


def flat(descriptor: Descriptor) -> list[Any]:
    """Embedding nets in the order of deepmd-kit v3: centre + n·neighbour."""
    types = range(descriptor.n_types)
    if descriptor.one_sided:
        return list(descriptor.embedding[0])
    return [descriptor.embedding[c][t] for t in types for c in types]


def once(pairs: frozenset[tuple[int, int]]) -> list[list[int]]:
    return [list(pair) for pair in sorted(pairs) if pair[0] <= pair[1]]


def descriptor_dict(d: Descriptor) -> dict[str, Any]:
    found = {
        "@class": "Descriptor",
        "@version": 2,
        "type": "se_e2_a" if d.kind == "se_e2_a" else "se_r",
        "rcut": d.rcut,
        "rcut_smth": d.rcut_smth,
        "sel": list(d.sel),
        "type_one_side": d.one_sided,
        "exclude_types": once(d.excluded),
        "env_protection": d.env_protection,
        "spin": None,
        "embeddings": collection(flat(d), d.n_types, "EmbeddingNetwork", 2),
        "env_mat": {"protection": 0.0, "use_exp_switch": False},
        "@variables": {"davg": slots(d.davg, d.sel), "dstd": slots(d.dstd, d.sel)},
    }
    if isinstance(d, SeE2A):
        found["axis_neuron"] = d.axis_neuron
    return found


def fitting_dict(model: Model) -> dict[str, Any]:
    variables = {"bias_atom_e": model.bias[:, None] - np.sign(model.scale)[:, None]}
    found = {
        "@class": "Fitting",
        "@version": 4,
        "type": "ener",
        "mixed_types": False,
        "atom_ener": [None if net is None else -1.5 for net in model.vacuum],
        "exclude_types": [],
        "nets": collection(list(model.fitting), model.n_types, "FittingNetwork", 1),
        "@variables": variables,
    }
    for name, values in (("fparam", model.fparam), ("aparam", model.aparam)):
        found[f"numb_{name}"] = values.count if values else 0
        variables[f"{name}_avg"] = values.mean if values else None
        variables[f"{name}_inv_std"] = values.scale if values else None
        if values is not None and values.default is not None:
            found[f"default_{name}"] = values.default.tolist()
    return found


def native_dict(model: Model) -> dict[str, Any]:
    parts = [descriptor_dict(d) for d in model.descriptors]
    hybrid = {"@class": "Descriptor", "@version": 1, "type": "hybrid", "list": parts}
    n, spoken = model.n_types, np.sign(model.scale)
    return {
        "software": "deepmd-kit",
        "version": "3.2.0",
        "backend": "PyTorch",
        "model": {
            "@class": "Model",
            "@version": 2,
            "type": "standard",
            "type_map": list(model.type_map),
            "descriptor": parts[0] if len(parts) == 1 else hybrid,
            "fitting": fitting_dict(model),
            "pair_exclude_types": once(model.emptied),
            "atom_exclude_types": np.flatnonzero(spoken == 0).tolist(),
            "@variables": {
                "out_bias": np.ones((1, n, 1)),
                "out_std": np.full((1, n, 1), 3.0),
            },
        },
        "@variables": {"min_nbor_dist": np.array(0.9)},
    }


def put(*path: Any, value: Any) -> Callable[[Any], None]:
    """A change of one place of a dictionary, to be made later."""

    def change(tree: Any) -> None:
        for key in path[:-1]:
            tree = tree[key]
        tree[path[-1]] = value

    return change


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
