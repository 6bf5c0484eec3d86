"""Small models of every family and option, by name, and what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal

import numpy as np
from random_model import random_model, random_net, random_pair_table

from dpse_fast.formats.constant_inputs import fix_inputs
from dpse_fast.model import Embedding, EmbeddingTable, Gated, Model, TypeEmbedding


def small(**options: Any) -> Model:
    return random_model(**{"embedding": (3, 6), "fitting": (5, 5), **options})


def re_embedded(model: Model, change: Callable[[Embedding], Embedding]) -> Model:
    """The model with each of its embeddings changed, shared ones once."""
    (part,) = model.descriptors
    done: dict[int, Embedding | None] = {id(None): None}
    for item in part.distinct_embeddings():
        done[id(item)] = change(item)
    rows = tuple(tuple(done[id(item)] for item in row) for row in part.embedding)
    return replace(model, descriptors=(replace(part, embedding=rows),))


def random_table(beyond: Literal["linear", "clamp"] = "linear") -> EmbeddingTable:
    rows = np.random.default_rng(3).normal(size=(7, 6, 6))
    return EmbeddingTable(rows, -1.0, 0.5, 3.5, 0.5, 1.0, beyond)


def type_embedded() -> Model:
    """Nets for each of three types made of shared ones by fixed inputs."""
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(3, 4))
    model = small(n_types=3)
    (part,) = model.descriptors
    net = random_net(rng, (9, 3, 6), idt=True)
    rows = tuple(
        tuple(fix_inputs(net, 1, [*vectors[t], *vectors[c]]) for t in range(3))
        for c in range(3)
    )
    fitting = random_net(rng, (part.n_out + 4, 5, 1), linear_last=True)
    return replace(
        model,
        descriptors=(replace(part, embedding=rows),),
        fitting=tuple(fix_inputs(fitting, part.n_out, e) for e in vectors),
    )


def gated_again(**changes: Any) -> Model:
    def change(item: Embedding) -> Embedding:
        assert isinstance(item, Gated)
        return replace(item, **changes)

    return re_embedded(small(gated="smooth"), change)


def padded_with_its_own() -> Model:
    model = small(mixed=True, gated="plain")
    (part,) = model.descriptors
    padding = tuple(row[0] for row in part.embedding)
    return replace(model, descriptors=(replace(part, padding=padding),))


VACUUM = small(fparam=1, vacuum=True)
MODELS = {
    "two-sided": small(),
    "one-sided": small(one_sided=True, idt=True),
    "one type": small(n_types=1),
    "three types": small(n_types=3, sel=(4, 0, 9), activation="gelu"),
    "float32": small(dtype=np.float32),
    "dropped": small(dropped=frozenset({(0, 1), (1, 0)})),
    "dropped, one-sided": small(one_sided=True, dropped=frozenset({(0, 1), (1, 1)})),
    "excluded": small(excluded=frozenset({(0, 1), (1, 0)}), env_protection=0.25),
    "TensorFlow": small(switch_float32=True),
    "PyTorch list": small(list_size=200),
    "graph of pairs": small(mixed=True, keeps_all=True),
    "graph of pairs, se_e2_r": small(kind="se_e2_r", keeps_all=True),
    "tables": re_embedded(
        small(dropped=frozenset({(1, 1)})), lambda _: random_table("clamp")
    ),
    "unknown distance": replace(small(), min_distance=None),
    "provenance": replace(
        small(), provenance={"format": "é\0\ud800", "description": "x" * 100_000}
    ),
    "se_e2_r": small(kind="se_e2_r"),
    "se_e2_r, options": small(
        kind="se_e2_r",
        one_sided=True,
        excluded=frozenset({(0, 1)}),
        env_protection=0.3,
        switch_float32=True,
        list_size=250,
    ),
    "hybrid": small(
        hybrid=({"kind": "se_e2_r", "rcut": 3.4}, {"axis": 2, "rcut": 5.0}), n_types=3
    ),
    "mixed": small(mixed=True, mean=0.0, n_types=3),
    "mixed, padding": small(mixed=True),
    "mixed, own padding": padded_with_its_own(),
    "mixed, gated": small(mixed=True, gated="smooth", one_sided=True),
    "gated": small(gated="plain", dropped=frozenset({(0, 1)})),
    "gated, cubic": gated_again(cubic=True),
    "gated, table": gated_again(radial=random_table()),
    "type embedding": type_embedded(),
    "vectors of types": replace(
        small(),
        type_embeddings=(
            TypeEmbedding(np.arange(6.0).reshape(2, 3), 0, padded=True),
            TypeEmbedding(np.eye(2)),
        ),
    ),
    "fparam": small(fparam=2, defaults=True),
    "aparam": small(fparam=1, aparam=3),
    "vacuum": small(aparam=1, fparam=1, vacuum=True),
    "vacuum of one type": replace(VACUUM, vacuum=(None, VACUUM.vacuum[1])),
    "vacuum of no type": replace(VACUUM, vacuum=(None, None)),
    "emptied": small(emptied=frozenset({(0, 1), (1, 0)})),
    "pair table": small(pair_table=True),
    "pair table, sel": small(pair_table=True, table_sel=(3, 2)),
    "pair table, least sum": replace(
        small(pair_table=True),
        pair_table=replace(random_pair_table(2), least_sum=1e-20),
    ),
    "pair table, excluded": small(
        pair_table=True, table_excluded=frozenset({(0, 1)}), seed=1
    ),
    "silent": small(silent=(1,)),
    "float32, gated": small(
        mixed=True, gated="smooth", fparam=1, vacuum=True, dtype=np.float32
    ),
}


def parts(item: Any) -> list[Any]:
    """The item's dataclasses and arrays, and theirs, in order."""
    found = [item] if is_dataclass(item) or isinstance(item, np.ndarray) else []
    inner: Any = item if isinstance(item, tuple) else ()
    if is_dataclass(item):
        inner = [getattr(item, f.name) for f in fields(item)]
    return found + [part for value in inner for part in parts(value)]


def sharing(model: Model) -> list[int]:
    """For every part of a model, which part it is the same as."""
    order: dict[Any, int] = {}

    def key(part: Any) -> Any:
        if isinstance(part, np.ndarray):
            return part.__array_interface__["data"][0], part.shape
        return id(part)

    return [order.setdefault(key(part), len(order)) for part in parts(model)]
