"""Reading embeddings and nets of our own model file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...model import Embedding, EmbeddingTable, Gated, Layer, Net
from ..tree import located
from .layout import TABLE_NUMBERS
from .place import Place

_EMBEDDINGS = ("net", "table", "gated")
_TABLE = ("kind", "beyond", *TABLE_NUMBERS)
_GATED = ("kind", "smooth", "cubic")
_ANY = {*_TABLE, *_GATED}


def embedding(place: Place, kinds: tuple[str, ...] = _EMBEDDINGS) -> Embedding:
    """A net, a table or a gated embedding, as its attribute ``kind`` says."""
    attributes = place.attributes(_ANY)
    kind = attributes.text("kind", "net")
    if kind not in kinds:
        attributes.reject("kind", f"{', '.join(kinds[:-1])} or {kinds[-1]}", kind)
    readers: dict[str, Callable[[Place], Embedding]] = {
        "net": net,
        "table": _table,
        "gated": _gated,
    }
    return place.once(readers[kind])


def embedding_or_dropped(place: Place) -> Embedding | None:
    """The same, or None for a block that does not count."""
    if place.attributes(_ANY).text("kind", "net") != "dropped":
        return embedding(place, (*_EMBEDDINGS, "dropped"))
    place.attributes(("kind",))
    place.only(())
    return None


def net(place: Place) -> Net:
    """A chain of the layers 0, 1, …"""
    attributes = place.attributes(("kind",))
    if attributes.text("kind", "net") != "net":
        attributes.reject("kind", "net", attributes.raw("kind"))
    count = len(place.names())
    place.only([str(k) for k in range(count)])
    layers = [place.inner(str(k)).once(_layer) for k in range(count)]
    with located(place.name):
        return Net(tuple(layers))


def _gated(place: Place) -> Gated:
    attributes = place.attributes(_GATED)
    place.only(("radial", "gate"))
    radial: Any = embedding(place.inner("radial"), ("net", "table"))
    gate = place.array("gate")
    smooth, cubic = attributes.flag("smooth"), attributes.flag("cubic", False)
    with located(place.name):
        return Gated(radial, gate, smooth, cubic)


def _table(place: Place) -> EmbeddingTable:
    attributes = place.attributes(_TABLE)
    place.only(("coefficients",))
    beyond: Any = attributes.text("beyond", "linear")
    numbers: dict[str, Any] = {name: attributes.number(name) for name in TABLE_NUMBERS}
    coefficients = place.array("coefficients")
    with located(place.name):
        return EmbeddingTable(coefficients, beyond=beyond, **numbers)


def _layer(place: Place) -> Layer:
    attributes = place.attributes(("activation", "skip"))
    place.only(("weight", "bias", "idt"))
    skip: Any = attributes.text("skip", "none")
    weight, bias = place.array("weight"), place.array("bias")
    idt = place.optional_array("idt")
    with located(place.name):
        return Layer(weight, bias, attributes.text("activation", "tanh"), idt, skip)
