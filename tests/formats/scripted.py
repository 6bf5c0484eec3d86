"""TorchScript archives as PyTorch writes them, made without PyTorch."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from formats.native_dict import flat_networks, native_dict, slots

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


def _networks(collection: dict[str, Any]) -> Scripted:
    nets = _numbered([*map(_network, collection["networks"])])
    return Scripted("deepmd.pt.NetworkCollection", {"networks": nets})


def _network(net: dict[str, Any]) -> Scripted:
    def layer(part: dict[str, Any]) -> Scripted:
        numbers = part["@variables"]
        activate = {"activation": part["activation_function"]}
        members = {
            "matrix": numbers["w"],
            "bias": numbers["b"],
            "idt": numbers["idt"],
            "resnet": part["resnet"],
            "activate": Scripted("deepmd.pt.ActivationFn", activate),
        }
        return Scripted("deepmd.pt.MLPLayer", members)

    return Scripted("deepmd.EN", {"layers": _numbered([*map(layer, net["layers"])])})


def current_tree(model: Model) -> Scripted:
    """The object that deepmd-kit v3 scripts."""
    return scripted(native_dict(replace(model, min_distance=None)))


def scripted(root: dict[str, Any]) -> Scripted:
    """The object of the model in a native dictionary."""
    members = {"min_nbor_dist": np.array(-1.0), "atomic_model": _atomic(root["model"])}
    kind = "DPZBLModel" if root["model"]["type"] == "zbl" else "EnergyModel"
    return Scripted(f"deepmd.{kind}", members)


_KINDS = {
    "standard": "DPEnergyAtomicModel",
    "zbl": "DPZBLLinearEnergyAtomicModel",
    "pairtab": "PairTabAtomicModel",
    "se_e2_a": "DescrptSeA",
    "se_r": "DescrptSeR",
    "dpa1": "DescrptDPA1",
    "se_atten_v2": "DescrptSeAttenV2",
    "hybrid": "DescrptHybrid",
    "ener": "EnergyFittingNet",
}
_PLACES = {
    "davg": "mean",
    "dstd": "stddev",
    "embeddings": "filter_layers",
    "embeddings_strip": "filter_layers_strip",
    "smooth_type_embedding": "smooth",
    "nets": "filter_layers",
}


def _atomic(model: dict[str, Any]) -> Scripted:
    n = len(model["type_map"])
    pairs, atoms = model["pair_exclude_types"], model["atom_exclude_types"]
    members = {
        **_plain(model),
        "pair_excl": _pair_mask(pairs, n) if pairs else None,
        "atom_excl": _atom_mask(atoms, n) if atoms else None,
    }
    if "descriptor" in model:
        members["descriptor"] = _descriptor(model["descriptor"], n)
        members["fitting_net"] = _fitting(model["fitting"], n)
    if "models" in model:
        members["models"] = _numbered([*map(_atomic, model["models"])])
    if "tab" in model:
        members.update(model["tab"]["@variables"])
    return Scripted(f"deepmd.{_KINDS[model['type']]}", members)


def _plain(tree: dict[str, Any]) -> dict[str, Any]:
    """Numbers, names and arrays, each under its scripted name."""
    found = {**tree, **tree.get("@variables", {})}
    return {
        _PLACES.get(key, key): _networks(value)
        if isinstance(value, dict) and value.get("@class") == "NetworkCollection"
        else value
        for key, value in found.items()
        if not key.startswith("@") and key != "type"
        and (not isinstance(value, dict) or "@class" in value)
        and key not in ("exclude_types", "descriptor", "fitting", "models", "tab",
                        "pair_exclude_types", "atom_exclude_types", "list",
                        "type_embedding", "atom_ener")
    }  # fmt: skip


def _descriptor(tree: dict[str, Any], n: int) -> Scripted:
    kind = tree["type"]
    if kind == "hybrid":
        parts = [_descriptor(part, n) for part in tree["list"]]
        return Scripted("deepmd.DescrptHybrid", {"descrpt_list": _numbered(parts)})
    members = {**_plain(tree), "emask": _pair_mask(tree["exclude_types"], n)}
    tables = tree.get("compress", {}).get("@variables", {})
    for key, value in tables.items():
        listed = isinstance(value, list)
        members[key] = _numbered(value) if listed else value
    members["compress"] = bool(tables)
    if kind == "se_e2_a":
        block = Scripted("deepmd.DescrptBlockSeA", members)
        return Scripted("deepmd.DescrptSeA", {"sea": block})
    if kind == "se_r":
        return Scripted("deepmd.DescrptSeR", members)
    types = tree["type_embedding"]
    inner = Scripted(
        "deepmd.TypeEmbedNetConsistent",
        {
            "use_econf_tebd": types["use_econf_tebd"],
            "type_map": types["type_map"],
            "econf_tebd": None,
            "embedding_net": _network(types["embedding"]),
        },
    )
    own = {"concat_output_tebd": members.pop("concat_output_tebd")}
    return Scripted(
        f"deepmd.{_KINDS[kind]}",
        {
            **own,
            "se_atten": Scripted("deepmd.DescrptBlockSeAtten", members),
            "type_embedding": Scripted("deepmd.TypeEmbedNet", {"embedding": inner}),
        },
    )


def _fitting(tree: dict[str, Any], n: int) -> Scripted:
    flags = [energy is not None for energy in tree["atom_ener"] or []]
    members = {
        **_plain(tree),
        "emask": _atom_mask(tree["exclude_types"], n),
        "remove_vaccum_contribution": flags if any(flags) else None,
    }
    return Scripted(f"deepmd.{_KINDS[tree['type']]}", members)


def _pair_mask(pairs: list[list[int]], n: int) -> Scripted:
    mask = np.ones((n + 1, n + 1), dtype=np.int32)
    for c, t in pairs:
        mask[c, t] = mask[t, c] = 0
    return Scripted("deepmd.PairExcludeMask", {"type_mask": mask.ravel()})


def _atom_mask(types: list[int], n: int) -> Scripted:
    mask = np.ones(n, dtype=np.int32)
    mask[types] = 0
    return Scripted("deepmd.AtomExcludeMask", {"type_mask": mask})


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
