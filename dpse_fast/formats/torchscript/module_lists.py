"""Nets that scripted objects of 2023 and early 2024 keep as lists of layers.

The embedding nets (TypeFilter) stand in ``deep_layers``; all use tanh, and skip as in
v3. Fitting nets (ResidualDeep) have a ``final_layer`` besides, and skip only from the
second layer on and only between equal widths.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ModelFileError
from ..tree import members_of
from .records import Tensor

Members = Mapping[str, Any]


def collection(value: Any) -> Members | None:
    """The nets of such a list as a collection of v3; None if it is no such list."""
    if value is None:
        return None
    members = members_of(value)
    nets = [members[key] for key in map(str, range(len(members))) if key in members]
    if not nets or any("deep_layers" not in members_of(net) for net in nets):
        return None
    return {"networks": [{"layers": _layers(members_of(net))} for net in nets]}


def types_without_padding(embedding: Members) -> Members | None:
    """The network on one-hot types that a table of vectors stands for.

    The last row of the table is that of no type, which nothing takes. None if there
    is no table.
    """
    table = embedding.get("weight")
    if not isinstance(table, Tensor) or len(table.size) != 2 or not table.size[0]:
        return None
    rows, width = table.size
    weight = Tensor(table.storage, table.offset, (rows - 1, width), table.stride)
    layer = {"w": weight, "activation_function": "linear", "resnet": False}
    return {"embedding": {"layers": [layer]}, "use_econf_tebd": False}


def _layers(net: Members) -> list[Members]:
    hidden = _numbered(net["deep_layers"])
    last = net.get("final_layer")
    if last is None:
        return [_layer(layer, resnet=True) for layer in hidden]
    layers = [_layer(layer, k > 0 and _square(layer)) for k, layer in enumerate(hidden)]
    return [*layers, _layer(last, resnet=False)]


def _numbered(value: Any) -> list[Any]:
    members = members_of(value)
    count = sum(str(key).isdecimal() for key in members)
    try:
        return [members[str(k)] for k in range(count)]
    except KeyError:
        raise ModelFileError("its layers are not numbered from 0") from None


def _layer(value: Any, resnet: bool) -> Members:
    own = members_of(value)
    activate = own.get("activate")
    name = "tanh"
    if activate is not None:
        name = members_of(activate).get("activation", name)
    return {
        "w": own.get("matrix"),
        "b": own.get("bias"),
        "idt": own.get("idt"),
        "activation_function": name,
        "resnet": resnet,
    }


def _square(layer: Any) -> bool:
    weight = members_of(layer).get("matrix")
    return isinstance(weight, Tensor) and len(set(weight.size)) == 1
