"""A model in words and numbers, for people and for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model import Descriptor, Embedding, EmbeddingTable, Gated, Model
from ..plan.domain import absent_types


def describe_model(model: Model) -> dict[str, Any]:
    """Origin, types, descriptors, nets and options that change the energy."""
    found = {
        **model.provenance,
        "types": list(model.type_map),
        **describe_descriptor(model),
        "fitting": _once([list(net.widths) for net in model.fitting]),
        "weights": str(model.dtype),
        "parameters": model.n_weights,
        "min_distance_angstrom": model.min_distance,
    }
    names = model.type_map
    for name, parameters in (("fparam", model.fparam), ("aparam", model.aparam)):
        if parameters is not None:
            given = parameters.default
            default = "no default" if given is None else f"default {given.tolist()}"
            found[name] = f"{parameters.count} ({default})"
    if model.emptied:
        found["excluded_pairs"] = _pairs(names, model.emptied)
    silent = [names[t] for t in np.flatnonzero(model.scale == 0)]
    if silent:
        found["types_without_energy"] = silent
    if model.pair_table is not None:
        table = model.pair_table
        found["pair_table_angstrom"] = [table.start, table.end]
        found["pair_table_switch_angstrom"] = [table.inner, table.inner + table.width]
    absent = absent_types(model)
    if absent.any():
        found["untrained_types"] = [names[t] for t in np.flatnonzero(absent)]
    return {**found, "digest": model.digest()}


def describe_descriptor(model: Model) -> dict[str, Any]:
    """The descriptor, or the parts of a hybrid one."""
    parts = [_descriptor(model, d) for d in model.descriptors]
    return parts[0] if len(parts) == 1 else {"descriptor": "hybrid", "parts": parts}


def describe_fitting(model: Model) -> dict[str, Any]:
    """The fitting nets, and the parameters that they take."""
    hidden = {layer.activation for net in model.fitting for layer in net.layers[:-1]}
    return {
        "widths": _once([list(net.widths) for net in model.fitting]),
        "activation": sorted(hidden),
        "weights": str(model.dtype),
        **{
            f"numb_{name}": 0 if parameters is None else parameters.count
            for name, parameters in (("fparam", model.fparam), ("aparam", model.aparam))
        },
    }


def _descriptor(model: Model, descriptor: Descriptor) -> dict[str, Any]:
    found: dict[str, Any] = {
        "descriptor": "se_atten without attention"
        if descriptor.mixed
        else descriptor.kind,
        "rcut_angstrom": descriptor.rcut,
        "rcut_smth_angstrom": descriptor.rcut_smth,
        "sel": list(descriptor.sel),
        "embedding": _embedding(next(iter(descriptor.distinct_embeddings()))),
        "embedding_width": descriptor.width,
        "one_sided": descriptor.one_sided,
    }
    found |= {name: getattr(descriptor, name) for name in descriptor.family.counts}
    if descriptor.mixed:
        found["sel_of_all_types"] = True
    if descriptor.env_protection:
        found["env_protection_angstrom"] = descriptor.env_protection
    if descriptor.switch_float32:
        found["switch"] = "float32 radii (TensorFlow)"
    dropped = {
        (c, t)
        for c, row in enumerate(descriptor.embedding)
        for t, net in enumerate(row)
        if net is None
    }
    if descriptor.excluded or dropped:
        pairs = descriptor.excluded | dropped
        found["descriptor_excludes"] = _pairs(model.type_map, pairs)
    return found


def _embedding(embedding: Embedding) -> str:
    if isinstance(embedding, Gated):
        kind = "smooth " if embedding.smooth else ""
        return f"{_embedding(embedding.radial)}, {kind}gate by types"
    if isinstance(embedding, EmbeddingTable):
        return f"table of {embedding.n_rows} rows, {embedding.beyond} beyond its range"
    return "-".join(str(width) for width in embedding.widths)


def _once(shapes: list[list[int]]) -> list[list[int]]:
    """One entry where all types have the same."""
    return shapes[:1] if all(shape == shapes[0] for shape in shapes) else shapes


def _pairs(names: tuple[str, ...], pairs: Any) -> list[str]:
    return [f"{names[c]}-{names[t]}" for c, t in sorted(pairs)]
