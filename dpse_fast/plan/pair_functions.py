"""The embedding of each pair of types in r, and what an empty slot adds."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats
from ..model import Descriptor, Embedding
from .jets import RadialEmbedding, empty_channels, switch_of

Pair = tuple[int, int]


def functions_of(
    descriptor: Descriptor, types: frozenset[int]
) -> dict[Pair, RadialEmbedding]:
    """The embedding of each pair of these types that counts.

    Equal functions are one object.
    """
    switch = switch_of(descriptor)
    known: dict[tuple[int, float, float], RadialEmbedding] = {}
    found = {}
    for c in sorted(types):
        for t in sorted(types):
            net = descriptor.embedding[c][t]
            if net is None:
                continue
            mean = float(descriptor.davg[c, t, 0])
            scale = 1.0 / float(descriptor.dstd[c, t, 0])
            if (c, t) in descriptor.excluded - descriptor.adding_nothing:
                mean = scale = 0.0
            start = descriptor.rcut_smth
            function = RadialEmbedding(net, switch, mean, scale, start)
            found[c, t] = known.setdefault((id(net), mean, scale), function)
    return found


def padding_of(descriptor: Descriptor, types: frozenset[int]) -> Floats:
    """What an empty slot adds to the sum, (T, G, M) by centre and group of slots.

    The centres are of these types; an absent neighbour type leaves its slots empty.

    G(x) times its `empty_weight` with x = −davg/dstd; nothing where the pair is
    dropped, and in a descriptor without empty slots.
    """
    n, groups = descriptor.n_types, descriptor.slot_group
    padding = np.zeros((n, len(descriptor.sel), descriptor.width))
    if descriptor.keeps_all:
        return padding
    for c in sorted(types):
        for g in range(len(descriptor.sel)):
            t = groups.index(g)
            embedding: Embedding | None = descriptor.embedding[c][t]
            if descriptor.padding and (descriptor.mixed or embedding is not None):
                embedding = descriptor.padding[c]
            if embedding is None:
                continue
            x = -float(descriptor.davg[c, t, 0]) / float(descriptor.dstd[c, t, 0])
            weight = descriptor.empty_weight(x)
            if weight:
                padding[c, g] = empty_channels(embedding, x) * weight
    return padding
