"""A model in the form of deepmd-kit's native dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import InputError
from ...model import Embedding, Model, Net
from ..version3.standard import list_size
from .descriptors import REFUSAL, descriptor_dict, switch_radii, unordered
from .fitting import excluded_types, fitting_dict

Dictionary = dict[str, Any]


def model_dict(model: Model) -> tuple[Dictionary, list[str]]:
    """The dictionary, with arrays, and a sentence for each difference.

    Raises
    ------
    InputError
        If deepmd-kit 3 cannot express the model.
    """
    if model.pair_table is not None:
        raise InputError(
            f"{REFUSAL}: deepmd-kit 3 combines a pair table with se_atten only; "
            "keep the model's own file for deepmd-kit"
        )
    parts = [descriptor_dict(d, model.type_map) for d in model.descriptors]
    descriptor = parts[0]
    if len(parts) > 1:
        descriptor = {
            "@class": "Descriptor",
            "@version": 1,
            "type": "hybrid",
            "list": parts,
        }
    found = {
        "@class": "Model",
        "@version": 2,
        "type": "standard",
        "type_map": list(model.type_map),
        "descriptor": descriptor,
        "fitting": fitting_dict(model),
        "pair_exclude_types": unordered(model.emptied, "emptied"),
        "atom_exclude_types": excluded_types(model),
        "rcond": None,
        "preset_out_bias": None,
        "@variables": {
            "out_bias": model.bias.astype(np.float64)[None, :, None],
            "out_std": np.ones((1, model.n_types, 1)),
        },
    }
    return found, _differences(model)


def _differences(model: Model) -> list[str]:
    found = []
    if not all(switch_radii(d)[2] for d in model.descriptors):
        found.append(
            "deepmd-kit will compute the switching function in double precision, the "
            "model's own program did so in single precision: energies differ by about "
            "1e-8 eV per atom"
        )
    nets: list[Embedding] = [*model.fitting]
    nets += [g for d in model.descriptors for g in d.distinct_embeddings()]
    if any(
        layer.activation == "gelu_float32"
        for net in nets
        if isinstance(net, Net)
        for layer in net.layers
    ):
        found.append(
            "deepmd-kit will compute gelu with a constant of double precision, the "
            "model's own program had it in single precision: outputs of a layer "
            "differ by about 1e-9"
        )
    size = list_size(model.descriptors)
    if model.n_types > 1 and any(
        d.list_size != size and not d.mixed for d in model.descriptors
    ):
        found.append(
            f"deepmd-kit will keep the nearest {size} neighbours of an atom before it "
            "picks those of each type, the model's own program did not: energies of "
            "atoms with more neighbours differ"
        )
    if model.aparam is not None and model.aparam.default is not None:
        found.append(
            "deepmd-kit has no default for atomic parameters: it will ask for them"
        )
    return found
