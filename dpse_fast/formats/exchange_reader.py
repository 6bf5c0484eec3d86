"""Reading our own model file, with every rule of its layout checked."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFileError
from ..model import Embedding, EmbeddingTable, Layer, Model, Net, SeE2A
from .hdf5 import File, member, names
from .tree import Tree, describe, located

Array = NDArray[np.floating]

FORMAT = "dpse-fast model"
VERSION = 1

_ROOT = {"format", "version", "type_map", "provenance", "min_distance"}
_DESCRIPTOR = {
    "type", "rcut", "rcut_smth", "sel", "axis_neuron", "normalisation",
    "env_protection", "switch_float32",
}  # fmt: skip
_TABLE = {"kind", "lower", "upper", "maximum", "stride0", "stride1", "beyond"}


def is_exchange(file: File) -> bool:
    """Whether an open HDF5 file says it is ours."""
    return "format" in file.root.attrs and file.attribute(file.root, "format") == FORMAT


def read_file(file: File) -> Model:
    """The model of an open file.

    Raises
    ------
    ModelFileError
        If the layout is not followed; the message names the place.
    """
    root = file.root
    attributes = _attributes(file, root, _ROOT)
    version = attributes.integer("version")
    if version != VERSION:
        raise ModelFileError(
            f"/ version: expected {VERSION}, got {version}; update dpse-fast"
        )
    _only(root, ("bias", "scale", "descriptor", "fitting"))
    type_map = attributes.texts("type_map")
    n_types = len(type_map)
    descriptor = _descriptor(file, _group(root, "descriptor"), n_types)
    return Model(
        type_map=tuple(type_map),
        descriptor=descriptor,
        fitting=_fitting(file, _group(root, "fitting"), n_types),
        bias=_array(file, root, "bias"),
        scale=_array(file, root, "scale") if "scale" in root else np.ones(n_types),
        min_distance=attributes.number("min_distance")
        if attributes.has("min_distance")
        else None,
        provenance=_provenance(attributes),
    )


def _descriptor(file: File, group: h5py.Group, n_types: int) -> SeE2A:
    attributes = _attributes(file, group, _DESCRIPTOR)
    _only(group, ("davg", "dstd", "excluded", "embedding"))
    kind = attributes.text("type")
    if kind != "se_e2_a":
        attributes.reject("type", "se_e2_a", kind)
    sel = attributes.integers("sel")
    if len(sel) != n_types:
        attributes.reject("sel", f"{n_types} counts, one a type", sel)
    embedding = _embedding(file, _group(group, "embedding"), n_types)
    with located(group.name):
        return SeE2A(
            rcut=attributes.number("rcut"),
            rcut_smth=attributes.number("rcut_smth"),
            sel=tuple(sel),
            axis_neuron=attributes.integer("axis_neuron"),
            davg=_array(file, group, "davg"),
            dstd=_array(file, group, "dstd"),
            embedding=embedding,
            normalisation=attributes.number("normalisation", float(sum(sel))),
            excluded=_excluded(file, group),
            env_protection=attributes.number("env_protection", 0.0),
            switch_float32=attributes.flag("switch_float32", False),
        )


def _excluded(file: File, group: h5py.Group) -> frozenset[tuple[int, int]]:
    if "excluded" not in group:
        return frozenset()
    pairs = file.array(group, "excluded")
    if pairs.dtype.kind not in "iu" or pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ModelFileError(
            f"{group.name}/excluded: expected (n, 2) integers, got {pairs.dtype} of "
            f"shape {pairs.shape}"
        )
    return frozenset((int(c), int(t)) for c, t in pairs)


def _embedding(
    file: File, group: h5py.Group, n_types: int
) -> tuple[tuple[Embedding | None, ...], ...]:
    types = range(n_types)
    one_sided = {f"all_{t}" for t in types}
    if one_sided & set(names(group)):
        _only(group, one_sided)
        return (tuple(_block(file, group, f"all_{t}") for t in types),) * n_types
    _only(group, {f"{c}_{t}" for c in types for t in types})
    return tuple(tuple(_block(file, group, f"{c}_{t}") for t in types) for c in types)


def _block(file: File, parent: h5py.Group, name: str) -> Embedding | None:
    group = _group(parent, name)
    kind = _attributes(file, group, _TABLE).text("kind", "net")
    if kind == "dropped":
        _only(group, ())
        return None
    if kind == "net":
        return _net(file, group, {"kind"})
    attributes = _attributes(file, group, _TABLE)
    if kind != "table":
        attributes.reject("kind", "net, table or dropped", kind)
    _only(group, ("coefficients",))
    beyond: Any = attributes.text("beyond", "linear")
    with located(group.name):
        return EmbeddingTable(
            _array(file, group, "coefficients"),
            attributes.number("lower"),
            attributes.number("upper"),
            attributes.number("maximum"),
            attributes.number("stride0"),
            attributes.number("stride1"),
            beyond,
        )


def _fitting(file: File, group: h5py.Group, n_types: int) -> tuple[Net, ...]:
    _only(group, [str(t) for t in range(n_types)])
    return tuple(_net(file, _group(group, str(t)), frozenset()) for t in range(n_types))


def _net(file: File, group: h5py.Group, known: Collection[str]) -> Net:
    _attributes(file, group, known)
    count = len(names(group))
    _only(group, [str(k) for k in range(count)])
    layers = [_layer(file, _group(group, str(k))) for k in range(count)]
    with located(group.name):
        return Net(tuple(layers))


def _layer(file: File, group: h5py.Group) -> Layer:
    attributes = _attributes(file, group, ("activation", "skip"))
    _only(group, ("weight", "bias", "idt"))
    skip: Any = attributes.text("skip", "none")
    weight, bias = _array(file, group, "weight"), _array(file, group, "bias")
    idt = _array(file, group, "idt") if "idt" in group else None
    with located(group.name):
        return Layer(weight, bias, attributes.text("activation", "tanh"), idt, skip)


def _array(file: File, group: h5py.Group, name: str) -> Array:
    values: Array = file.array(group, name)
    if values.dtype not in (np.float32, np.float64):
        raise ModelFileError(
            f"{group.name.rstrip('/')}/{name}: expected float32 or float64, "
            f"got {values.dtype}"
        )
    return values


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    group = member(parent, name)
    if not isinstance(group, h5py.Group):
        raise ModelFileError(
            f"{parent.name.rstrip('/')}/{name}: expected a group, got a dataset"
        )
    return group


def _only(group: h5py.Group, known: Collection[str]) -> None:
    for name in names(group):
        if name not in known:
            shown = ", ".join(sorted(known)[:8]) or "nothing"
            raise ModelFileError(
                f"{group.name.rstrip('/')}/{ascii(name)[1:-1]}: is not part of the "
                f"format; expected {shown}"
            )


def _attributes(file: File, group: h5py.Group, known: Collection[str]) -> Tree:
    found = {}
    for name in group.attrs:
        if name not in known:
            raise ModelFileError(
                f"{group.name} attribute {name!a}: is not part of the format; "
                f"expected {', '.join(sorted(known)) or 'none'}"
            )
        found[name] = file.attribute(group, name)
    return Tree(found, f"{group.name} attribute ", _no_array)


def _no_array(value: Any, where: str) -> Any:
    raise ModelFileError(f"{where}: expected no array, got {describe(value)}")


def _provenance(attributes: Tree) -> dict[str, str]:
    text = attributes.raw("provenance", "{}")
    try:
        values = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        attributes.reject("provenance", "a JSON object", text)
    return {key: str(value) for key, value in values.items()}
