"""TorchScript archives as PyTorch writes them, made without PyTorch."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from formats.native_dict import flat_networks, slots

from dpse_fast.model import Layer, Model


@dataclass
class Scripted:
    """An object of a scripted class."""

    kind: str
    members: dict[str, Any]


@dataclass
class Raw:
    """Bytes of a pickle, taken as they are."""

    code: bytes


@dataclass
class View:
    """A tensor that looks at an array's storage with an offset and strides."""

    array: Any
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


STORAGES = {"f8": "Double", "f4": "Float", "i4": "Int", "i8": "Long"}


class Pickler:
    def __init__(self, order: str = "<") -> None:
        self.order = order
        self.storages: list[bytes] = []

    def dump(self, value: Any) -> bytes:
        return b"\x80\x02" + self.code(value) + b"."

    def code(self, value: Any) -> bytes:
        match value:
            case Raw(code):
                return code
            case None:
                return b"N"
            case bool():
                return b"\x88" if value else b"\x89"
            case int():
                return b"J" + struct.pack("<i", value)
            case float():
                return b"G" + struct.pack(">d", value)
            case str():
                data = value.encode()
                return b"X" + struct.pack("<I", len(data)) + data
            case list():
                return b"](" + b"".join(map(self.code, value)) + b"e"
            case tuple():
                return b"(" + b"".join(map(self.code, value)) + b"t"
            case dict():
                items = [self.code(k) + self.code(v) for k, v in value.items()]
                return b"}(" + b"".join(items) + b"u"
            case Scripted(kind, members):
                module, _, name = f"__torch__.{kind}".rpartition(".")
                code = f"c{module}\n{name}\n".encode() + b")\x81"
                return code + self.code(members) + b"b"
            case View():
                return self.tensor(value)
        array = np.asarray(value)
        steps = tuple(s // array.itemsize for s in array.strides)
        return self.tensor(View(array, 0, array.shape, steps))

    def tensor(self, view: View) -> bytes:
        array = np.ascontiguousarray(view.array)
        key = str(len(self.storages))
        code = array.dtype.str[1:]
        self.storages.append(array.astype(self.order + code).tobytes())
        storage = b"".join(
            [
                b"(",
                self.code("storage"),
                f"ctorch\n{STORAGES[code]}Storage\n".encode(),
                *map(self.code, (key, "cuda:0", array.size)),
                b"tQ",
            ]
        )
        hooks = b"ccollections\nOrderedDict\n)R"
        rest = (Raw(storage), view.offset, view.size, view.stride, False, Raw(hooks))
        return b"ctorch._utils\n_rebuild_tensor_v2\n" + self.code(rest) + b"R"


def save(
    tree: Any, path: Path, order: str = "<", compression: int = zipfile.ZIP_STORED
) -> Path:
    """Write the archive of a scripted object."""
    pickler = Pickler(order)
    data = pickler.dump(tree)
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("model/data.pkl", data)
        file.writestr("model/byteorder", "big" if order == ">" else "little")
        file.writestr("model/code/__torch__/model.py", "raise SystemExit")
        file.writestr("model/constants.pkl", b"\x80\x02).")
        for key, storage in enumerate(pickler.storages):
            file.writestr(f"model/data/{key}", storage)
    return path


def _numbered(items: list[Any]) -> Scripted:
    members = {str(k): item for k, item in enumerate(items)}
    return Scripted("torch.nn.ModuleList", members)


def _activate(layer: Layer) -> Scripted:
    return Scripted("deepmd.pt.ActivationFn", {"activation": layer.activation})


def _networks(nets: list[Any]) -> Scripted:
    def layer(part: Layer) -> Scripted:
        members = {
            "matrix": part.weight,
            "bias": part.bias,
            "idt": part.idt,
            "resnet": part.skip != "none",
            "activate": _activate(part),
        }
        return Scripted("deepmd.pt.MLPLayer", members)

    return Scripted(
        "deepmd.pt.NetworkCollection",
        {
            "networks": _numbered(
                [
                    Scripted(
                        "deepmd.EN", {"layers": _numbered([*map(layer, net.layers)])}
                    )
                    for net in nets
                ]
            )
        },
    )


def current_tree(model: Model) -> Scripted:
    """The object that deepmd-kit v3 scripts."""
    sea, n = model.descriptors[0], model.n_types
    mask = np.ones((n + 1, n + 1), dtype=np.int32)
    for pair in sea.excluded:
        mask[pair] = 0
    block = {
        "rcut": sea.rcut,
        "rcut_smth": sea.rcut_smth,
        "sel": list(sea.sel),
        "axis_neuron": sea.axis_neuron,
        "type_one_side": sea.one_sided,
        "env_protection": sea.env_protection,
        "mean": slots(sea.davg, sea.sel),
        "stddev": slots(sea.dstd, sea.sel),
        "emask": Scripted("deepmd.PairExcludeMask", {"type_mask": mask.ravel()}),
        "filter_layers": _networks(flat_networks(model)),
    }
    fitting = {
        "bias_atom_e": model.bias[:, None] - 1.0,
        "numb_fparam": 0,
        "numb_aparam": 0,
        "mixed_types": False,
        "exclude_types": [],
        "remove_vaccum_contribution": None,
        "filter_layers": _networks(list(model.fitting)),
    }
    atomic = {
        "type_map": list(model.type_map),
        "out_bias": np.ones((1, n, 1)),
        "out_std": np.full((1, n, 1), 3.0),
        "atom_excl": None,
        "pair_excl": None,
        "descriptor": Scripted(
            "deepmd.DescrptSeA", {"sea": Scripted("deepmd.DescrptBlockSeA", block)}
        ),
        "fitting_net": Scripted("deepmd.EnergyFittingNet", fitting),
    }
    return Scripted(
        "deepmd.EnergyModel",
        {
            "min_nbor_dist": np.array(-1.0),
            "atomic_model": Scripted("deepmd.DPEnergyAtomicModel", atomic),
        },
    )


def early_tree(model: Model) -> Scripted:
    """The object of the PyTorch code before v3."""
    sea = model.descriptors[0]

    def layer(part: Layer) -> Scripted:
        members = {"matrix": part.weight, "bias": part.bias[None]}
        if part.idt is not None:
            members["idt"] = part.idt[None]
        return Scripted("Linear", {**members, "activate": _activate(part)})

    def fitting(net: Any) -> Scripted:
        *hidden, final = map(layer, net.layers)
        members = {"deep_layers": _numbered(hidden), "final_layer": final}
        return Scripted("ResidualDeep", members)

    def embedding(net: Any) -> Scripted:
        layers = _numbered([*map(layer, net.layers)])
        return Scripted("TypeFilter", {"tebd_dim": 0, "deep_layers": layers})

    descriptor = {
        "rcut": sea.rcut,
        "rcut_smth": sea.rcut_smth,
        "sel": list(sea.sel),
        "axis_neuron": sea.axis_neuron,
        "mean": slots(sea.davg, sea.sel),
        "stddev": slots(sea.dstd, sea.sel),
        "filter_layers": _numbered([*map(embedding, flat_networks(model))]),
    }
    nets = {
        "bias_atom_e": model.bias.astype(np.float32),
        "use_tebd": False,
        "filter_layers": _numbered([*map(fitting, model.fitting)]),
    }
    return Scripted(
        "deepmd_pt.EnergyModel",
        {
            "type_map": list(model.type_map),
            "has_type_embedding": False,
            "fitting_type": "ener",
            "descriptor": Scripted("deepmd_pt.DescrptSeA", descriptor),
            "fitting_net": Scripted("deepmd_pt.EnergyFittingNet", nets),
        },
    )
