"""Types in another order, or fewer of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import ModelFileError
from ...model import Descriptor, Model


def order_of(names: Sequence[str], known: Sequence[str], place: str) -> list[int]:
    """Where the names stand among those known.

    Raises
    ------
    ModelFileError
        If one is not known.
    """
    absent = [name for name in names if name not in known]
    if absent:
        raise ModelFileError(
            f"{place}: lacks the types {', '.join(absent)} of the whole model"
        )
    return [list(known).index(name) for name in names]


def arranged(model: Model, names: Sequence[str], place: str) -> Model:
    """The model of these types only, in this order.

    Raises
    ------
    ModelFileError
        If a type is missing, or one left out has slots of its own, whose padding
        would be lost.
    """
    order = order_of(names, model.type_map, place)
    if order == list(range(model.n_types)):
        return model
    return replace(
        model,
        type_map=tuple(names),
        descriptors=tuple(_arranged(d, order, place) for d in model.descriptors),
        fitting=tuple(model.fitting[t] for t in order),
        vacuum=tuple(model.vacuum[t] for t in order) if model.vacuum else (),
        bias=model.bias[order],
        scale=model.scale[order],
        emptied=_pairs(model.emptied, order),
        type_embeddings=tuple(
            replace(one, vectors=one.vectors[order]) for one in model.type_embeddings
        ),
    )


def _arranged(d: Descriptor, order: list[int], place: str) -> Descriptor:
    if not d.mixed and len(order) != d.n_types:
        raise ModelFileError(
            f"{place}: has more types than the whole model, and a neighbour list by "
            "type; this is not supported"
        )
    return replace(
        d,
        sel=d.sel if d.mixed else tuple(d.sel[t] for t in order),
        davg=d.davg[np.ix_(order, order)],
        dstd=d.dstd[np.ix_(order, order)],
        embedding=tuple(tuple(d.embedding[c][t] for t in order) for c in order),
        excluded=_pairs(d.excluded, order),
        padding=tuple(d.padding[c] for c in order) if d.padding else (),
    )


def _pairs(
    pairs: frozenset[tuple[int, int]], order: list[int]
) -> frozenset[tuple[int, int]]:
    return frozenset(
        (c, t)
        for c, a in enumerate(order)
        for t, b in enumerate(order)
        if (a, b) in pairs
    )
