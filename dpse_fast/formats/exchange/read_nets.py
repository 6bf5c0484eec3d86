"""Reading embeddings and nets of our own model file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from ...array_types import Floats
from ...model import Embedding, EmbeddingTable, Gated, Layer, Net
from ..tree import located
from .layout import TABLE_NUMBERS
from .place import Place

EMBEDDINGS = ("net", "table", "gated")
_TABLE = ("kind", "beyond", *TABLE_NUMBERS)
_GATED = ("kind", "smooth", "cubic")
_ANY = {*_TABLE, *_GATED}


def embedding(place: Place, kinds: tuple[str, ...] = EMBEDDINGS) -> Embedding:
    """A net, a table or a gated embedding, as its attribute ``kind`` says."""
    readers: dict[str, Callable[[Place], Embedding]] = {
        "net": net,
        "table": _table,
        "gated": _gated,
    }
    return place.once(readers[kind_of(place, kinds)])


def embedding_or_dropped(place: Place) -> Embedding | None:
    """The same, or None for a block that does not count."""
    if kind_of(place, (*EMBEDDINGS, "dropped")) != "dropped":
        return embedding(place)
    place.attributes(("kind",))
    place.only(())
    return None


def kind_of(place: Place, kinds: tuple[str, ...] = EMBEDDINGS) -> str:
    """The attribute ``kind``, one of these."""
    attributes = place.attributes(_ANY)
    kind = attributes.text("kind", "net")
    if kind not in kinds:
        attributes.reject("kind", f"{', '.join(kinds[:-1])} or {kinds[-1]}", kind)
    return kind


def net(place: Place) -> Net:
    """A chain of the layers 0, 1, …"""
    layers = [layer.once(_layer) for layer in _layers(place)]
    with located(place.name):
        return Net(tuple(layers))


def nets_by_type(place: Place, n_types: int, sides: int = 1) -> tuple[Net, ...]:
    """The nets of a group whose first bias has leading axes of types, or the one."""
    layers = _layers(place)
    if not layers or layers[0].array("bias").ndim < 2:
        return (place.once(net),)
    biases = layers[0].by_type("bias", n_types, sides)
    others = [layer.once(_layer) for layer in layers[1:]]
    first = _layer(layers[0], biases[0])
    with located(place.name):
        return tuple(Net((replace(first, bias=bias), *others)) for bias in biases)


def gated_by_type(place: Place, n_types: int, sides: int) -> tuple[Gated, ...]:
    """The embeddings of a group whose gate has leading axes of types, or the one."""
    if place.array("gate").ndim < 2:
        return (place.once(_gated),)
    return _all_gated(place, place.by_type("gate", n_types, sides))


def _gated(place: Place) -> Gated:
    return _all_gated(place, [place.array("gate")])[0]


def _all_gated(place: Place, gates: Iterable[Floats]) -> tuple[Gated, ...]:
    attributes = place.attributes(_GATED)
    place.only(("radial", "gate"))
    radial: Any = embedding(place.inner("radial"), ("net", "table"))
    smooth, cubic = attributes.flag("smooth"), attributes.flag("cubic", False)
    with located(place.name):
        return tuple(Gated(radial, gate, smooth, cubic) for gate in gates)


def _table(place: Place) -> EmbeddingTable:
    attributes = place.attributes(_TABLE)
    place.only(("coefficients",))
    beyond: Any = attributes.text("beyond", "linear")
    numbers: dict[str, Any] = {name: attributes.number(name) for name in TABLE_NUMBERS}
    coefficients = place.array("coefficients")
    with located(place.name):
        return EmbeddingTable(coefficients, beyond=beyond, **numbers)


def _layers(place: Place) -> list[Place]:
    attributes = place.attributes(("kind",))
    if attributes.text("kind", "net") != "net":
        attributes.reject("kind", "net", attributes.raw("kind"))
    return [place.inner(k) for k in place.numbered()]


def _layer(place: Place, bias: Floats | None = None) -> Layer:
    attributes = place.attributes(("activation", "skip"))
    place.only(("weight", "bias", "idt"))
    skip: Any = attributes.text("skip", "none")
    weight = place.array("weight")
    bias = place.array("bias") if bias is None else bias
    idt = place.optional_array("idt")
    with located(place.name):
        return Layer(weight, bias, attributes.text("activation", "tanh"), idt, skip)
