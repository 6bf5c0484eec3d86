"""Seeded random numbers for every weight and statistic of a serialized model."""

from __future__ import annotations

from typing import Any

import numpy as np

Tree = dict[str, Any]


def fill(model: Tree, rng: np.random.Generator, centred: bool, gain: float) -> None:
    """Fill one model of deepmd-kit's serializers in place.

    With `centred` the descriptors keep davg = 0, which some of them need. `gain`
    scales the first layer of the fitting nets, so that forces are about 1 eV/Å.
    """
    for part in model.get("models", []):
        if "descriptor" in part:
            fill(part, rng, centred, gain)
        else:
            _fill_constants(part, rng)
    if "descriptor" in model:
        descriptor = model["descriptor"]
        for d in descriptor.get("list", [descriptor]):
            _fill_descriptor(d, rng, centred)
        _fill_fitting(model["fitting"], rng, gain)
    _fill_constants(model, rng)


def _fill_constants(model: Tree, rng: np.random.Generator) -> None:
    values = model["@variables"]
    n = values["out_bias"].shape[1]
    values["out_bias"] = rng.uniform(-3, 3, (1, n, 1))


def _fill_descriptor(d: Tree, rng: np.random.Generator, centred: bool) -> None:
    real = np.dtype(d["precision"])
    for key in ("type_embedding", "embeddings", "embeddings_strip"):
        for net in _networks(d.get(key)):
            randomise(net, rng, real)
    values = d["@variables"]
    n, slots, components = values["davg"].shape
    # Neighbours of all types share the slots of dpa1, and then the statistics.
    counts = [slots] if d["type"] in ("dpa1", "se_atten_v2") else d["sel"]
    mean = np.zeros((n, len(counts), components))
    deviation = np.empty_like(mean)
    if not centred:
        mean[..., 0] = rng.uniform(0.05, 0.3, mean.shape[:2])
    deviation[..., 0] = rng.uniform(0.15, 0.3, mean.shape[:2])
    deviation[..., 1:] = rng.uniform(0.15, 0.3, (n, len(counts), 1))
    values["davg"] = np.repeat(mean, counts, axis=1).astype(real)
    values["dstd"] = np.repeat(deviation, counts, axis=1).astype(real)


def _fill_fitting(fitting: Tree, rng: np.random.Generator, gain: float) -> None:
    real = np.dtype(fitting["precision"])
    for net in _networks(fitting["nets"]):
        randomise(net, rng, real, first=gain, last=3.0)
    values = fitting["@variables"]
    bias = rng.uniform(-5, -1, (fitting["ntypes"], 1))
    for t, energy in enumerate(fitting.get("atom_ener") or []):
        bias[t] = bias[t] if energy is None else energy
    values["bias_atom_e"] = bias.astype(real)
    for key in ("fparam", "aparam"):
        if values.get(f"{key}_avg") is not None:
            n = values[f"{key}_avg"].size
            values[f"{key}_avg"] = rng.uniform(0.5, 1.5, n).astype(real)
            values[f"{key}_inv_std"] = rng.uniform(1.0, 2.0, n).astype(real)


def _networks(item: Any) -> list[Tree]:
    """Every net with layers inside a part of a model."""
    if isinstance(item, list):
        return [net for part in item for net in _networks(part)]
    if not isinstance(item, dict):
        return []
    if "layers" in item:
        return [item]
    return [net for part in item.values() for net in _networks(part)]


def randomise(
    net: Tree,
    rng: np.random.Generator,
    real: np.dtype[Any],
    first: float = 1.0,
    last: float = 1.0,
) -> None:
    """Weights of about unit gain; `first` and `last` scale the layers at the ends."""
    gains = [1.0] * len(net["layers"])
    gains[0], gains[-1] = first, last
    for layer, gain in zip(net["layers"], gains, strict=True):
        values = layer["@variables"]
        n_in, n_out = values["w"].shape
        weight = rng.normal(scale=gain / np.sqrt(n_in), size=(n_in, n_out))
        values["w"] = weight.astype(real)
        if values["b"] is not None:
            values["b"] = rng.normal(scale=0.4, size=n_out).astype(real)
        if values["idt"] is not None:
            values["idt"] = rng.uniform(0.2, 0.6, n_out).astype(real)
