"""Reading our own model file, with every rule of its layout checked."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...errors import ModelFileError
from ...model import Embedding, Model, Net, PairTable, Parameters
from ...model.descriptors import Descriptor, Rows
from ...model.families import FAMILIES
from ..hdf5 import File
from ..tree import Tree, located
from .layout import (
    DESCRIPTOR_COUNTS,
    DESCRIPTOR_FLAGS,
    DESCRIPTOR_MEMBERS,
    DESCRIPTOR_NUMBERS,
    FORMAT,
    HYBRID,
    MEMBERS,
    PAIR_TABLE_NUMBERS,
    ROOT,
    SHARED,
    VERSION,
)
from .place import Place
from .read_nets import embedding, embedding_or_dropped, net
from .read_shared import shared_embeddings, shared_fitting
from .type_embedding import TypeEmbedding, type_embeddings

_SHARED = {
    "type", "sel", *DESCRIPTOR_NUMBERS, *DESCRIPTOR_FLAGS, *DESCRIPTOR_COUNTS,
}  # fmt: skip
_DESCRIPTOR = _SHARED.union(*(family.counts for family in FAMILIES.values()))


def is_exchange(file: File) -> bool:
    """Whether an open HDF5 file says it is ours."""
    return "format" in file.root.attrs and file.attribute(file.root, "format") == FORMAT


def read_open_model(file: File) -> Model:
    """The model of an open file.

    Raises
    ------
    ModelFileError
        If the layout is not followed; the message names the place.
    """
    root = Place(file, file.root)
    attributes = root.attributes(ROOT)
    version = attributes.integer("version")
    if version != VERSION:
        raise ModelFileError(
            f"/ version: expected {VERSION}, got {version}; update dpse-fast"
        )
    root.only(MEMBERS)
    type_map = attributes.texts("type_map")
    types = TypeEmbedding(root, len(type_map))
    descriptors = _descriptors(root.inner("descriptor"), types)
    frame, atomic = _parameters(root, "fparam"), _parameters(root, "aparam")
    n_parameters = sum(p.count for p in (frame, atomic) if p is not None)
    fitting = _fitting(
        root.inner("fitting"), types, sum(d.n_out for d in descriptors), n_parameters
    )
    types.check_used()
    return Model(
        type_map=tuple(type_map),
        descriptors=descriptors,
        fitting=fitting,
        bias=root.array("bias"),
        scale=root.array("scale") if root.has("scale") else np.ones(types.n_types),
        fparam=frame,
        aparam=atomic,
        vacuum=_vacuum(root, types.n_types),
        emptied=root.pairs("emptied"),
        pair_table=_pair_table(root),
        min_distance=attributes.number("min_distance")
        if attributes.has("min_distance")
        else None,
        type_embeddings=type_embeddings(root),
        provenance=_provenance(attributes),
    )


def _descriptors(place: Place, types: TypeEmbedding) -> tuple[Descriptor, ...]:
    if place.attributes(_DESCRIPTOR).text("type") != HYBRID:
        return (_descriptor(place, types),)
    place.attributes(("type",))
    numbers = place.numbered()
    if not numbers:
        place.reject("0", "is missing; a hybrid descriptor has parts 0, 1, …")

    def part(inner: Place) -> Descriptor:
        return _descriptor(inner, types)

    return tuple(place.inner(k).once(part) for k in numbers)


def _descriptor(place: Place, types: TypeEmbedding) -> Descriptor:
    attributes = place.attributes(_DESCRIPTOR)
    kind = attributes.text("type")
    if kind not in FAMILIES:
        kinds = ", ".join(FAMILIES)
        attributes.reject("type", f"{kinds} or an outermost hybrid", kind)
    family = FAMILIES[kind]
    place.attributes(_SHARED | set(family.counts))
    place.only(DESCRIPTOR_MEMBERS)
    sel = attributes.integers("sel")
    common: dict[str, Any] = {
        "rcut": attributes.number("rcut"),
        "rcut_smth": attributes.number("rcut_smth"),
        "sel": tuple(sel),
        "davg": place.array("davg"),
        "dstd": place.array("dstd"),
        "embedding": _embedding(place.inner("embedding"), types),
        "padding": _padding(place, types.n_types),
        "excluded": place.pairs("excluded"),
        "env_protection": attributes.number("env_protection", 0.0),
        "switch_float32": attributes.flag("switch_float32", False),
        "mixed": attributes.flag("mixed", False),
        "list_size": attributes.integer("list_size", 0),
        "keeps_all": attributes.flag("keeps_all", False),
    }
    if family.states_normalisation:
        common["normalisation"] = attributes.number("normalisation")
    else:
        common["normalisation"] = attributes.number("normalisation", float(sum(sel)))
    for name in family.counts:
        common[name] = attributes.integer(name)
    with located(place.name):
        found: Descriptor = family.descriptor(**common)
    return found


def _embedding(place: Place, types: TypeEmbedding) -> Rows:
    all_types = range(types.n_types)
    if place.has(SHARED):
        place.only((SHARED,))
        return shared_embeddings(place.inner(SHARED), types)
    one_sided = [f"all_{t}" for t in all_types]
    if any(place.has(name) for name in one_sided):
        place.only(one_sided)
        row = tuple(embedding_or_dropped(place.inner(name)) for name in one_sided)
        return (row,) * types.n_types
    rows = tuple(
        tuple(embedding_or_dropped(place.inner(f"{c}_{t}")) for t in all_types)
        for c in all_types
    )
    place.only({f"{c}_{t}" for c in all_types for t in all_types})
    return rows


def _padding(place: Place, n_types: int) -> tuple[Embedding, ...]:
    if not place.has("padding"):
        return ()
    blocks = place.inner("padding")
    return tuple(embedding(blocks.inner(c)) for c in blocks.numbered(n_types))


def _fitting(
    place: Place, types: TypeEmbedding, n_descriptor: int, n_parameters: int
) -> tuple[Net, ...]:
    if place.has(SHARED):
        place.only((SHARED,))
        return shared_fitting(place.inner(SHARED), types, n_descriptor, n_parameters)
    return tuple(place.inner(c).once(net) for c in place.numbered(types.n_types))


def _vacuum(root: Place, n_types: int) -> tuple[Net | None, ...]:
    if not root.has("vacuum"):
        return ()
    place = root.inner("vacuum")
    return tuple(
        place.inner(c).once(net) if place.has(c) else None
        for c in place.numbered(n_types)
    )


def _parameters(root: Place, name: str) -> Parameters | None:
    if not root.has(name):
        return None
    place = root.inner(name)
    place.attributes(())
    place.only(("mean", "scale", "default"))
    with located(place.name):
        return Parameters(
            place.array("mean"), place.array("scale"), place.optional_array("default")
        )


def _pair_table(root: Place) -> PairTable | None:
    if not root.has("pair_table"):
        return None
    place = root.inner("pair_table")
    attributes = place.attributes((*PAIR_TABLE_NUMBERS, "least_sum", "sel"))
    place.only(("coefficients", "bias", "excluded"))
    numbers: dict[str, Any] = {
        name: attributes.number(name) for name in PAIR_TABLE_NUMBERS
    }
    coefficients = place.array("coefficients")
    bias: Any = place.optional_array("bias")
    excluded = place.pairs("excluded")
    sel = tuple(attributes.integers("sel")) if attributes.has("sel") else ()
    with located(place.name):
        return PairTable(
            coefficients=coefficients,
            bias=bias,
            excluded=excluded,
            sel=sel,
            least_sum=attributes.number("least_sum", 0.0),
            **numbers,
        )


def _provenance(attributes: Tree) -> dict[str, str]:
    text = attributes.raw("provenance", "{}")
    try:
        values = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        attributes.reject("provenance", "a JSON object", text)
    return {key: str(value) for key, value in values.items()}
