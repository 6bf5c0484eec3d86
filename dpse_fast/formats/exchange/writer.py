"""Writing our own model file; what a model shares is stored once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py

from ...array_types import Floats
from ...model import (
    Embedding,
    EmbeddingTable,
    Gated,
    Layer,
    Model,
    Net,
    PairTable,
    Parameters,
)
from ...model.descriptors import Descriptor
from ..hdf5_output import new_file
from . import datasets
from .layout import (
    DESCRIPTOR_COUNTS,
    DESCRIPTOR_FLAGS,
    DESCRIPTOR_NUMBERS,
    FORMAT,
    HYBRID,
    PAIR_TABLE_NUMBERS,
    SHARED,
    TABLE_NUMBERS,
    VERSION,
)
from .stacking import stacked_biases, stacked_gates

_LARGE = 4096


def write(model: Model, path: str | os.PathLike[str], *, packed: bool = False) -> None:
    """Write a model so that reading gives an equal one, digest included.

    Parameters
    ----------
    model : the model
    path : the file to write; an existing one is replaced as a whole
    packed : compress large arrays with gzip

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with new_file(Path(path)) as file:
        _Writer(packed).model(file, model)


class _Writer:
    """Writes parts of a model; the second time, only a hard link to the first."""

    def __init__(self, packed: bool) -> None:
        self._packed = packed
        self._written: dict[Any, h5py.Group | h5py.Dataset] = {}

    def model(self, file: h5py.File, model: Model) -> None:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        file.attrs["type_map"] = list(model.type_map)
        file.attrs["provenance"] = json.dumps(dict(model.provenance))
        if model.min_distance is not None:
            file.attrs["min_distance"] = float(model.min_distance)
        self._array(file, "bias", model.bias)
        self._array(file, "scale", model.scale)
        self._descriptors(file, model.descriptors)
        fitting = file.create_group("fitting")
        if not self._by_type(fitting, model.fitting, model.n_types):
            self._nets(fitting, model.fitting)
        if model.vacuum:
            self._nets(file.create_group("vacuum"), model.vacuum)
        for name, parameters in (("fparam", model.fparam), ("aparam", model.aparam)):
            if parameters is not None:
                self._group(file, name, parameters, self._parameters)
        for k, embedding in enumerate(model.type_embeddings):
            group = file.require_group("type_vectors").create_group(str(k))
            group.attrs["behind"] = embedding.behind
            group.attrs["padded"] = embedding.padded
            self._array(group, "vectors", embedding.vectors)
        _pairs(file, "emptied", model.emptied)
        if model.pair_table is not None:
            self._pair_table(file.create_group("pair_table"), model.pair_table)

    def _descriptors(self, file: h5py.File, parts: tuple[Descriptor, ...]) -> None:
        if len(parts) == 1:
            self._group(file, "descriptor", parts[0], self._descriptor)
            return
        group = file.create_group("descriptor")
        group.attrs["type"] = HYBRID
        for k, part in enumerate(parts):
            self._group(group, str(k), part, self._descriptor)

    def _descriptor(self, group: h5py.Group, part: Descriptor) -> None:
        group.attrs["type"] = part.kind
        group.attrs["sel"] = list(part.sel)
        for name in (*part.family.counts, *DESCRIPTOR_FLAGS, *DESCRIPTOR_COUNTS):
            group.attrs[name] = getattr(part, name)
        _numbers(group, part, DESCRIPTOR_NUMBERS)
        _pairs(group, "excluded", part.excluded)
        self._array(group, "davg", part.davg)
        self._array(group, "dstd", part.dstd)
        for c, padding in enumerate(part.padding):
            self._group(
                group.require_group("padding"), str(c), padding, self._embedding
            )
        blocks = group.create_group("embedding")
        rows = part.embedding[:1] if part.one_sided else part.embedding
        items = {
            f"all_{t}" if part.one_sided else f"{c}_{t}": item
            for c, row in enumerate(rows)
            for t, item in enumerate(row)
        }
        if not self._by_type(blocks, list(items.values()), part.n_types):
            for name, item in items.items():
                self._group(blocks, name, item, self._embedding)

    def _embedding(self, group: h5py.Group, item: Embedding | None) -> None:
        if isinstance(item, Net):
            self._net(group, item)
        elif isinstance(item, EmbeddingTable):
            group.attrs["kind"] = "table"
            group.attrs["beyond"] = item.beyond
            _numbers(group, item, TABLE_NUMBERS)
            self._array(group, "coefficients", item.coefficients)
        elif isinstance(item, Gated):
            self._gated(group, item, item.gate)
        else:
            group.attrs["kind"] = "dropped"

    def _by_type(
        self, parent: h5py.Group, items: Sequence[Embedding | None], n_types: int
    ) -> bool:
        """Write items that differ in one array alone as one, or tell that they do not.

        Their array gets the leading axes of types.
        """
        first, lead = items[0], (n_types,) if len(items) == n_types else (n_types,) * 2
        if any(id(item) in self._written for item in items):
            return False
        biases, gates = stacked_biases(items), stacked_gates(items)
        if isinstance(first, Net) and biases is not None:
            group = parent.create_group(SHARED)
            self._net(group, first, biases.reshape(*lead, -1))
            return True
        if isinstance(first, Gated) and gates is not None:
            group = parent.create_group(SHARED)
            self._gated(group, first, gates.reshape(*lead, -1))
            return True
        return False

    def _nets(self, group: h5py.Group, nets: Sequence[Net | None]) -> None:
        for c, net in enumerate(nets):
            if net is not None:
                self._group(group, str(c), net, self._net)

    def _gated(self, group: h5py.Group, item: Gated, gate: Floats) -> None:
        group.attrs["kind"] = "gated"
        group.attrs["smooth"] = item.smooth
        group.attrs["cubic"] = item.cubic
        self._array(group, "gate", gate)
        self._group(group, "radial", item.radial, self._embedding)

    def _net(self, group: h5py.Group, net: Net, bias: Floats | None = None) -> None:
        for k, layer in enumerate(net.layers):
            if k == 0 and bias is not None:
                self._layer(group.create_group("0"), layer, bias)
            else:
                self._group(group, str(k), layer, self._layer)

    def _layer(
        self, group: h5py.Group, layer: Layer, bias: Floats | None = None
    ) -> None:
        group.attrs["activation"] = layer.activation
        group.attrs["skip"] = layer.skip
        self._array(group, "weight", layer.weight)
        self._array(group, "bias", layer.bias if bias is None else bias)
        if layer.idt is not None:
            self._array(group, "idt", layer.idt)

    def _parameters(self, group: h5py.Group, parameters: Parameters) -> None:
        self._array(group, "mean", parameters.mean)
        self._array(group, "scale", parameters.scale)
        if parameters.default is not None:
            self._array(group, "default", parameters.default)

    def _pair_table(self, group: h5py.Group, table: PairTable) -> None:
        _numbers(group, table, PAIR_TABLE_NUMBERS)
        if table.least_sum:
            group.attrs["least_sum"] = table.least_sum
        if table.sel:
            group.attrs["sel"] = list(table.sel)
        _pairs(group, "excluded", table.excluded)
        self._array(group, "coefficients", table.coefficients)
        self._array(group, "bias", table.bias)

    def _group(
        self, parent: h5py.Group, name: str, item: Any, fill: Callable[..., None]
    ) -> None:
        """The group of an item, or a link to it."""
        if id(item) in self._written:
            parent[name] = self._written[id(item)]
            return
        group = self._written[id(item)] = parent.create_group(name)
        fill(group, item)

    def _array(self, group: h5py.Group, name: str, values: Floats) -> None:
        """The dataset of an array, or a link to it.

        Small arrays are linked if they are the same memory, large ones if equal.
        """
        large = values.size >= _LARGE
        memory = values.__array_interface__["data"][0]
        same = hashlib.sha256(values.tobytes()).digest() if large else memory
        key = (same, values.shape, values.dtype)
        if key in self._written:
            group[name] = self._written[key]
            return
        self._written[key] = datasets.create(group, name, values, self._packed)


def _pairs(group: h5py.Group, name: str, pairs: frozenset[tuple[int, int]]) -> None:
    if pairs:
        group[name] = sorted(pairs)


def _numbers(group: h5py.Group, item: Any, names: tuple[str, ...]) -> None:
    for name in names:
        group.attrs[name] = float(getattr(item, name))
