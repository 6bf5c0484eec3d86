"""Our own model file: a small, documented HDF5 layout for any trainer.

The layout is specified in docs/model-format.md.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import h5py

from ..errors import InputError, ModelFileError
from ..model import EmbeddingTable, Model, Net
from .exchange_reader import FORMAT, VERSION, is_exchange, read_file
from .hdf5 import open_file

__all__ = ["FORMAT", "VERSION", "is_exchange", "read", "read_file", "write"]

_TABLE_NUMBERS = ("lower", "upper", "maximum", "stride0", "stride1")
_WORTH_PACKING = 4096


def read(path: str | os.PathLike[str]) -> Model:
    """The model of a file that `write` (or any program, see the docs) wrote.

    Raises
    ------
    ModelFileError
        If the file is damaged or does not follow the layout; the message names
        the group, dataset or attribute.
    """
    with open_file(Path(path)) as file:
        if not is_exchange(file):
            raise ModelFileError(
                f"attribute format: expected {FORMAT!r}; open other model files with "
                "dpse_fast.formats.read_model"
            )
        return read_file(file)


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
    target = Path(path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with h5py.File(part, "w") as file:
            _write(file, model, packed)
        os.replace(part, target)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{target}: the model cannot be written ({reason}); check the folder "
            "and the free space"
        ) from None
    finally:
        part.unlink(missing_ok=True)


def _write(file: h5py.File, model: Model, packed: bool) -> None:
    file.attrs["format"] = FORMAT
    file.attrs["version"] = VERSION
    file.attrs["type_map"] = list(model.type_map)
    file.attrs["provenance"] = json.dumps(dict(model.provenance))
    if model.min_distance is not None:
        file.attrs["min_distance"] = float(model.min_distance)
    file["bias"] = model.bias
    file["scale"] = model.scale
    sea = model.descriptor
    group = file.create_group("descriptor")
    group.attrs["type"] = "se_e2_a"
    group.attrs["sel"] = list(sea.sel)
    group.attrs["axis_neuron"] = int(sea.axis_neuron)
    group.attrs["switch_float32"] = bool(sea.switch_float32)
    for name in ("rcut", "rcut_smth", "normalisation", "env_protection"):
        group.attrs[name] = float(getattr(sea, name))
    if sea.excluded:
        group["excluded"] = sorted(sea.excluded)
    group["davg"], group["dstd"] = sea.davg, sea.dstd
    nets = group.create_group("embedding")
    rows = sea.embedding[:1] if sea.one_sided else sea.embedding
    for centre, row in enumerate(rows):
        for neighbour, net in enumerate(row):
            name = f"{'all' if sea.one_sided else centre}_{neighbour}"
            _write_embedding(nets.create_group(name), net, packed)
    fitting = file.create_group("fitting")
    for centre, net in enumerate(model.fitting):
        _write_net(fitting.create_group(str(centre)), net, packed)


def _write_embedding(
    group: h5py.Group, net: Net | EmbeddingTable | None, packed: bool
) -> None:
    if net is None:
        group.attrs["kind"] = "dropped"
    elif isinstance(net, Net):
        group.attrs["kind"] = "net"
        _write_net(group, net, packed)
    else:
        group.attrs["kind"] = "table"
        for name in _TABLE_NUMBERS:
            group.attrs[name] = float(getattr(net, name))
        group.attrs["beyond"] = net.beyond
        _put(group, "coefficients", net.coefficients, packed)


def _write_net(group: h5py.Group, net: Net, packed: bool) -> None:
    for k, layer in enumerate(net.layers):
        part = group.create_group(str(k))
        part.attrs["activation"] = layer.activation
        part.attrs["skip"] = layer.skip
        _put(part, "weight", layer.weight, packed)
        part["bias"] = layer.bias
        if layer.idt is not None:
            part["idt"] = layer.idt


def _put(group: h5py.Group, name: str, values: Any, packed: bool) -> None:
    large = packed and values.size >= _WORTH_PACKING
    options = {"compression": "gzip", "shuffle": True} if large else {}
    group.create_dataset(name, data=values, **options)
