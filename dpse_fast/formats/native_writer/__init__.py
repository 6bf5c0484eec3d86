"""Writing deepmd-kit's native file (``.dp``), so that its users can go back."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...model import Model
from ..hdf5_output import new_file
from .dictionary import model_dict

__all__ = ["training_options", "write"]


def write(model: Model, path: str | os.PathLike[str]) -> list[str]:
    """Write a model so that deepmd-kit 3 loads it.

    Parameters
    ----------
    model : the model; lengths in Å, energies in eV, as in deepmd-kit
    path : the file to write, ``.dp``; an existing one is replaced as a whole

    Returns
    -------
    a sentence for each way in which deepmd-kit's results will differ

    Raises
    ------
    InputError
        If deepmd-kit 3 cannot express the model, or the file cannot be written.
    """
    found, differences = model_dict(model)
    distance = model.min_distance
    root = {
        "software": "dpse-fast",
        "version": version("dpse-fast"),
        "backend": "DPModel",
        "model": found,
        "model_def_script": _script(found),
        "@variables": {} if distance is None else {"min_nbor_dist": distance},
    }
    with new_file(Path(path)) as file:
        file.attrs["json"] = json.dumps(_stored(root, file))
    return differences


def training_options(model: Model) -> dict[str, Any]:
    """The ``model`` section of a training input of deepmd-kit 3 for such a model.

    Raises
    ------
    InputError
        If deepmd-kit 3 cannot express the model.
    """
    return _script(model_dict(model)[0])


def _stored(root: dict[str, Any], file: h5py.File) -> Any:
    """The dictionary with every array replaced by the name of its dataset."""
    number = count()

    def stored(value: Any, variable: bool) -> Any:
        if isinstance(value, dict):
            return {
                k: stored(v, variable or k == "@variables") for k, v in value.items()
            }
        if isinstance(value, list) and not variable:
            return [stored(item, variable) for item in value]
        if value is None or not variable:
            return value
        name = f"variable_{next(number):04d}"
        file.create_dataset(name, data=np.asarray(value))
        return f"/{name}"

    return stored(root, variable=False)


def _script(model: dict[str, Any]) -> dict[str, Any]:
    """The training input from which deepmd-kit would make a model of this form."""
    return {
        "type_map": model["type_map"],
        "descriptor": _options(model["descriptor"]),
        "fitting_net": _options(model["fitting"]),
        "pair_exclude_types": model["pair_exclude_types"],
        "atom_exclude_types": model["atom_exclude_types"],
    }


def _options(part: dict[str, Any]) -> dict[str, Any]:
    if "list" in part:
        return {"type": "hybrid", "list": [_options(item) for item in part["list"]]}
    known = (
        "type", "sel", "rcut", "rcut_smth", "neuron", "axis_neuron", "resnet_dt",
        "type_one_side", "exclude_types", "env_protection", "activation_function",
        "precision", "numb_fparam", "numb_aparam", "default_fparam", "atom_ener",
    )  # fmt: skip
    options = {key: part[key] for key in known if key in part}
    if part["@class"] == "Fitting":
        del options["exclude_types"]
    return options
