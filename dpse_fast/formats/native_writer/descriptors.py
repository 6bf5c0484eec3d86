"""Descriptors in the form of deepmd-kit's native dictionary."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from ...array_types import AnyArray
from ...errors import InputError
from ...model import Descriptor, EmbeddingTable, Gated, Net
from .networks import activation_of, arrays_of, collection, precision_of, silent
from .networks import uses_timestep as uses_timestep_of

Dictionary = dict[str, Any]
REFUSAL = "deepmd-kit's native file cannot hold this model"


def descriptor_dict(descriptor: Descriptor, type_map: tuple[str, ...]) -> Dictionary:
    """The dictionary of one descriptor, normalised by its number of slots.

    Raises
    ------
    InputError
        If deepmd-kit 3 cannot express it; the message says why and what to do.
    """
    d = descriptor
    _reject_inexpressible(d)
    two_sided = not d.one_sided
    nets = _flat(d, two_sided)
    davg, dstd = (_slots(values, d.sel) for values in (d.davg, d.dstd))
    precision = precision_of(chain(arrays_of(nets), (davg, dstd)))
    rcut, rcut_smth, _ = switch_radii(d)
    found: Dictionary = {
        "@class": "Descriptor",
        "@version": 2,
        "type": d.family.native_type,
        "rcut": rcut,
        "rcut_smth": rcut_smth,
        "sel": list(d.sel),
        "neuron": list(nets[0].widths),
        "resnet_dt": uses_timestep_of(nets),
        "trainable": True,
        "type_one_side": not two_sided,
        "exclude_types": unordered(d.excluded, "excluded"),
        "env_protection": d.env_protection,
        "set_davg_zero": not np.any(d.davg),
        "activation_function": activation_of(nets[0]),
        "precision": precision,
        "spin": None,
        "env_mat": {
            "rcut": rcut,
            "rcut_smth": rcut_smth,
            "protection": d.env_protection,
            "use_exp_switch": False,
        },
        "embeddings": collection(nets, d.n_types, precision),
        "@variables": {"davg": davg.astype(precision), "dstd": dstd.astype(precision)},
        "type_map": list(type_map),
    }
    return found | {name: getattr(d, name) for name in d.family.counts}


def switch_radii(d: Descriptor) -> tuple[float, float, bool]:
    """rcut and rcut_smth to write, and whether the switch is then exactly the model's.

    A switch of single precision (TensorFlow) has rounded radii and a rounded
    difference of them.
    """
    if not d.switch_float32:
        return d.rcut, d.rcut_smth, True
    rcut, rcut_smth = np.float32(d.rcut), np.float32(d.rcut_smth)
    exact = float(rcut - rcut_smth) == float(rcut) - float(rcut_smth)
    return float(rcut), float(rcut_smth), exact


def slots_divisor(d: Descriptor) -> float:
    """What deepmd-kit 3 divides the sum over neighbours by."""
    return float(sum(d.sel)) * d.family.native_divisor


def unordered(pairs: frozenset[tuple[int, int]], name: str) -> list[list[int]]:
    """Pairs once, whatever their order, which deepmd-kit always excludes both ways."""
    for c, t in pairs:
        if (t, c) not in pairs:
            raise InputError(
                f"{REFUSAL}: {name} holds types ({c}, {t}) and not ({t}, {c}), and "
                "deepmd-kit excludes both or none; write our HDF5 instead"
            )
    return [[c, t] for c, t in sorted(pairs) if c <= t]


def _reject_inexpressible(d: Descriptor) -> None:
    reason = ""
    if d.mixed:
        reason = (
            "its types were fixed in the embedding (se_atten), whose type embedding "
            "is no longer known; convert the model's own file with dp convert-backend"
        )
    elif d.keeps_all:
        reason = (
            "its program counts all neighbours within the cutoff, and deepmd-kit would "
            "keep the nearest sel; write our HDF5 instead"
        )
    elif d.padding:
        reason = "empty slots have an embedding of their own; write our HDF5 instead"
    elif any(isinstance(g, EmbeddingTable) for g in d.distinct_embeddings()):
        reason = (
            "the file holds tables (dp compress) in place of embedding nets; convert "
            "the model from before the compression"
        )
    elif any(isinstance(g, Gated) for g in d.distinct_embeddings()):
        reason = (
            "its embedding nets have gates of type pairs; convert the model's own "
            "file with dp convert-backend"
        )
    elif d.family.native_refusal is not None:
        reason = d.family.native_refusal(d)
    if reason:
        raise InputError(f"{REFUSAL}: {reason}")


def refusal_of_se_e2_r(d: Descriptor) -> str:
    """Why deepmd-kit 3 has no such se_e2_r, or nothing."""
    if not d.one_sided:
        return "se_e2_r with nets by centre type exists in TensorFlow files only"
    if not all(d.sel):
        return (
            "se_e2_r without slots for a type gives NaN in deepmd-kit 3; write our "
            "HDF5 instead"
        )
    return ""


def _flat(d: Descriptor, two_sided: bool) -> list[Net]:
    """Nets in deepmd-kit's order; a dropped block becomes a net that gives zeros."""
    types = range(d.n_types)
    grid: Iterable[Any] = d.embedding[0]
    if two_sided:
        grid = (d.embedding[c][t] for t in types for c in types)
    model = next(g for g in d.distinct_embeddings() if isinstance(g, Net))
    return [silent(model) if net is None else net for net in grid]


def _slots(pairs: AnyArray, sel: tuple[int, ...]) -> AnyArray:
    return np.repeat(pairs, sel, axis=1)
