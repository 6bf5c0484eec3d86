"""Fitting nets in the form of deepmd-kit's native dictionary."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ...array_types import AnyArray
from ...errors import InputError
from ...model import Layer, Model, Net, Parameters
from ..constant_inputs import vacuum_net
from .descriptors import REFUSAL, slots_divisor
from .networks import (
    activation_of,
    arrays_of,
    collection,
    precision_of,
    uses_timestep,
)

Dictionary = dict[str, Any]


def fitting_dict(model: Model) -> Dictionary:
    """The dictionary of the fitting; scale and normalisation are in its nets.

    Raises
    ------
    InputError
        If deepmd-kit 3 cannot express it; the message says why and what to do.
    """
    nets = [_folded(model, t) for t in range(model.n_types)]
    parameters = {"fparam": model.fparam, "aparam": model.aparam}
    numbers = [p for p in parameters.values() if p is not None]
    precision = precision_of(
        chain(arrays_of(nets), (a for p in numbers for a in (p.mean, p.scale)))
    )
    variables: Dictionary = {"bias_atom_e": np.zeros((model.n_types, 1))}
    for name, found in parameters.items():
        variables.update(_statistics(name, found, precision))
    default = model.fparam.default if model.fparam else None
    return {
        "@class": "Fitting",
        "@version": 4,
        "type": "ener",
        "var_name": "energy",
        "ntypes": model.n_types,
        "dim_descrpt": model.n_descriptor,
        "dim_out": 1,
        "neuron": list(nets[0].widths[:-1]),
        "resnet_dt": uses_timestep(nets),
        "numb_fparam": model.fparam.count if model.fparam else 0,
        "numb_aparam": model.aparam.count if model.aparam else 0,
        "dim_case_embd": 0,
        "default_fparam": None if default is None else default.tolist(),
        "rcond": None,
        "activation_function": activation_of(nets[0]),
        "precision": precision,
        "mixed_types": False,
        "exclude_types": [],
        "atom_ener": _vacuum_energies(model),
        "nets": collection(nets, model.n_types, precision, fitting=True),
        "@variables": {**variables, "case_embd": None},
        "type_map": list(model.type_map),
        "tot_ener_zero": False,
        "trainable": [True] * len(nets[0].layers),
        "layer_name": None,
        "use_aparam_as_mask": False,
        "spin": None,
    }


def excluded_types(model: Model) -> list[int]:
    """Types without any energy."""
    return np.flatnonzero((model.scale == 0) & (model.bias == 0)).tolist()


def _statistics(name: str, found: Parameters | None, precision: str) -> Dictionary:
    mean, scale = (None, None) if found is None else (found.mean, found.scale)
    return {
        f"{name}_avg": None if mean is None else mean.astype(precision),
        f"{name}_inv_std": None if scale is None else scale.astype(precision),
    }


def _vacuum_energies(model: Model) -> list[float | None]:
    """Not None for types whose energy without neighbours is taken off."""
    removed = [net is not None for net in model.vacuum]
    for net, fitting in zip(model.vacuum, model.fitting, strict=False):
        own = vacuum_net(fitting, model.n_descriptor)
        if net is not None and not _equal(net, own):
            raise InputError(
                f"{REFUSAL}: the energy that it takes off an atom without neighbours "
                "is not that of the fitting net; write our HDF5 instead"
            )
    return [0.0 if off else None for off in removed] if any(removed) else []


def _equal(a: Net, b: Net) -> bool:
    return len(a.layers) == len(b.layers) and all(
        (x.activation, x.skip, x.idt is None) == (y.activation, y.skip, y.idt is None)
        and np.array_equal(x.weight, y.weight)
        and np.array_equal(x.bias, y.bias)
        and (x.idt is None or y.idt is None or np.array_equal(x.idt, y.idt))
        for x, y in zip(a.layers, b.layers, strict=True)
    )


def _folded(model: Model, t: int) -> Net:
    net = model.fitting[t]
    factors = _input_factors(model)
    if np.any(factors != 1):
        first = net.layers[0]
        if first.skip != "none":
            raise InputError(
                f"{REFUSAL}: its descriptor is not divided by the number of slots, "
                "and the first fitting layer adds the descriptor to its result; "
                "write our HDF5 instead"
            )
        scaled = replace(first, weight=first.weight * factors[:, None])
        net = Net((scaled, *net.layers[1:]))
    scale = float(model.scale[t])
    if scale == 1 or t in excluded_types(model):
        return net
    last = net.layers[-1]
    if last.activation != "linear" or last.skip != "none":
        scaled = Layer(np.array([[scale]]), np.zeros(1), "linear")
        return Net((*net.layers, scaled))
    scaled = replace(last, weight=last.weight * scale, bias=last.bias * scale)
    return Net((*net.layers[:-1], scaled))


def _input_factors(model: Model) -> AnyArray:
    """From the descriptor as deepmd-kit divides it to that of the model."""
    factors = []
    for d in model.descriptors:
        ratio = slots_divisor(d) / d.normalisation
        power = d.family.normalisation_power
        factors.append(np.full(d.n_out, ratio**power))
    return np.concatenate([*factors, np.ones(model.n_parameters)])
