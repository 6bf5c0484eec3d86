"""What a model shares is stored once and read back as one object."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from formats.exchange_models import small
from random_model import random_model, random_net

from dpse_fast.errors import ModelFileError
from dpse_fast.formats.constant_inputs import fix_inputs
from dpse_fast.formats.exchange import read, write
from dpse_fast.model import Gated, Layer, Model, Net

RNG = np.random.default_rng(11)


def many_types(n: int, **options: Any) -> Model:
    """A model of n types with one embedding net and one fitting net for all."""
    model = random_model(1, embedding=(3, 6), fitting=(5, 5), mixed=True, mean=0.0)
    (part,) = model.descriptors
    net = part.embedding[0][0]
    part = replace(
        part,
        davg=np.zeros((n, n, 4)),
        dstd=np.ones((n, n, 4)),
        embedding=((net,) * n,) * n,
    )
    fields = {
        "type_map": [f"T{t}" for t in range(n)],
        "descriptors": (part,),
        "fitting": model.fitting * n,
        "bias": np.zeros(n),
        "scale": None,
    }
    return replace(model, **fields | options)


def test_a_fitting_net_for_thirty_types_is_stored_once(tmp_path: Path) -> None:
    n, k = 30, 8
    shared = random_net(RNG, (18 + k, 1608, 240, 1), linear_last=True, dtype=np.float32)
    nets = tuple(fix_inputs(shared, 18, RNG.normal(size=k)) for _ in range(n))
    model = many_types(n, fitting=nets)
    write(model, tmp_path / "model.h5")
    size = sum(layer.weight.nbytes for layer in shared.layers)
    assert (tmp_path / "model.h5").stat().st_size < size + n * 1608 * 8 + 60_000
    found = read(tmp_path / "model.h5")
    assert found.digest() == model.digest()
    assert found.n_weights == model.n_weights
    for t in range(n):
        for k in range(3):
            weight = found.fitting[t].layers[k].weight
            assert np.shares_memory(weight, found.fitting[0].layers[k].weight)


def test_large_equal_arrays_are_stored_once(tmp_path: Path) -> None:
    """As type vectors in the middle of the inputs leave them: copies."""
    (layer, *others) = random_net(RNG, (18, 300, 1), linear_last=True).layers
    nets = tuple(
        Net((replace(layer, weight=layer.weight.copy()), *others)) for _ in range(20)
    )
    model = many_types(20, fitting=nets)
    write(model, tmp_path / "model.h5")
    assert (tmp_path / "model.h5").stat().st_size < 5 * layer.weight.nbytes
    found = read(tmp_path / "model.h5")
    assert found.digest() == model.digest()
    assert np.shares_memory(
        found.fitting[0].layers[0].weight, found.fitting[19].layers[0].weight
    )


def test_a_radial_net_for_900_pairs_is_stored_once(tmp_path: Path) -> None:
    n = 30
    model = many_types(n)
    (part,) = model.descriptors
    net = random_net(RNG, (1, 50, 100))
    rows = tuple(
        tuple(Gated(net, RNG.normal(size=100), smooth=True) for _ in range(n))
        for _ in range(n)
    )
    fitting = (random_net(RNG, (300, 10, 1), linear_last=True),) * n
    model = replace(
        model, descriptors=(replace(part, embedding=rows),), fitting=fitting
    )
    write(model, tmp_path / "model.h5")
    gates = n * n * 100 * 8
    assert (tmp_path / "model.h5").stat().st_size < gates + 200_000
    found = read(tmp_path / "model.h5")
    assert found.digest() == model.digest()
    radial = {
        id(item.radial)
        for item in found.descriptors[0].distinct_embeddings()
        if isinstance(item, Gated)
    }
    assert len(radial) == 1
    assert len(found.descriptors[0].distinct_embeddings()) == n * n


def test_links_made_by_hand_are_one_object(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    write(small(), path)
    with h5py.File(path, "r+") as file:
        blocks = file["descriptor/embedding"]
        del blocks["1_0"], blocks["0_1"]
        blocks["0_1"] = blocks["1_0"] = blocks["0_0"]
        del file["fitting/1/1"]
        file["fitting/1/1"] = file["fitting/0/1"]
    model = read(path)
    rows = model.descriptors[0].embedding
    assert rows[0][0] is rows[0][1] is rows[1][0]
    assert rows[1][1] is not rows[0][0]
    first, second = model.fitting
    assert first is not second
    assert first.layers[1] is second.layers[1]
    assert first.layers[0] is not second.layers[0]


N, K = 3, 4


def add_net(group: h5py.Group, net: Net) -> None:
    for k, layer in enumerate(net.layers):
        part = group.create_group(str(k))
        part["weight"], part["bias"] = layer.weight, layer.bias
        part.attrs["activation"], part.attrs["skip"] = layer.activation, layer.skip


def with_shared_nets(
    path: Path, embedding: Net, fitting: Net, vectors: Any = None
) -> Model:
    """A file of N types with parameters whose nets are shared, and what it was."""
    model = small(n_types=N, fparam=2, aparam=1)
    write(model, path)
    with h5py.File(path, "r+") as file:
        if vectors is not None:
            file["type_embedding"] = vectors
        for group, net in (("descriptor/embedding", embedding), ("fitting", fitting)):
            del file[group]
            add_net(file.create_group(f"{group}/shared"), net)
    return model


@pytest.mark.parametrize("sides", [0, 1, 2])
@pytest.mark.parametrize("skip", ["none", "identity"])
def test_shared_nets_take_the_types_as_inputs(
    sides: int, skip: Any, tmp_path: Path
) -> None:
    vectors = RNG.normal(size=(N, K))
    embedding = random_net(RNG, (1 + sides * K, 5, 6))
    n_in = 18 + K + 3
    head = Layer(RNG.normal(size=(n_in, n_in)) / n_in, np.zeros(n_in), skip=skip)
    fitting = Net((head, *random_net(RNG, (n_in, 5, 1), linear_last=True).layers))
    path = tmp_path / "model.h5"
    with_shared_nets(path, embedding, fitting, vectors)
    model = read(path)

    (part,) = model.descriptors
    x = RNG.normal(size=(7, 1))
    ones = np.ones((7, 1))
    for c, t in product(range(N), repeat=2):
        known = [x, ones * vectors[t], ones * vectors[c]][: 1 + sides]
        net = part.embedding[c][t]
        assert isinstance(net, Net)
        np.testing.assert_allclose(
            net(x), embedding(np.hstack(known)), rtol=1e-13, atol=1e-15
        )
    assert part.one_sided == (sides < 2)
    assert len(part.distinct_embeddings()) == (1, N, N * N)[sides]
    features, parameters = RNG.normal(size=(7, 18)), RNG.normal(size=(7, 3))
    for c, net in enumerate(model.fitting):
        inputs = np.hstack([features, ones * vectors[c], parameters])
        np.testing.assert_allclose(
            net(np.hstack([features, parameters])),
            fitting(inputs),
            rtol=1e-12,
            atol=1e-14,
        )
        first = model.fitting[0].layers[0].weight
        assert np.shares_memory(net.layers[0].weight, first)

    write(model, tmp_path / "again.h5")
    assert read(tmp_path / "again.h5").digest() == model.digest()


def test_shared_nets_without_type_embedding(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    embedding, fitting = random_net(RNG, (1, 5, 6)), random_net(RNG, (21, 5, 1))
    with_shared_nets(path, embedding, fitting)
    model = read(path)
    assert len(model.descriptors[0].distinct_embeddings()) == 1
    assert len({id(net) for net in model.fitting}) == 1


@pytest.mark.parametrize(
    ("embedding", "fitting", "vectors", "words"),
    [
        (1 + K, 21, None, "embedding/shared: the shared net takes 5 values, ex"),
        (3, 21 + K, (N, K), "shared net takes 3 values, expected 1 or 5 or 9"),
        (1, 22, (N, K), "/fitting/shared: the shared net takes 22 values, ex"),
        (1, 21, (N, K), "/type_embedding: no net takes it"),
        (1, 21 + K, (N + 1, K), "/type_embedding: expected shape (3, any), got (4, 4)"),
        (1, 21 + K, (N * K,), "/type_embedding: expected shape (3, any), got (12,)"),
        (1, 21, (N, 0), "/type_embedding: no net takes it"),
    ],
)  # fmt: skip
def test_shared_nets_that_do_not_fit(
    embedding: int, fitting: int, vectors: Any, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.h5"
    values = None if vectors is None else RNG.normal(size=vectors)
    nets = random_net(RNG, (embedding, 5, 6)), random_net(RNG, (fitting, 5, 1))
    with_shared_nets(path, *nets, values)
    with pytest.raises(ModelFileError) as caught:
        read(path)
    assert words in str(caught.value)


def test_a_small_file_cannot_ask_for_many_nets(tmp_path: Path) -> None:
    """2000 types would make four million nets out of a few kilobytes."""
    path = tmp_path / "model.h5"
    embedding, fitting = random_net(RNG, (3, 5, 6)), random_net(RNG, (22, 5, 1))
    with_shared_nets(path, embedding, fitting)
    with h5py.File(path, "r+") as file:
        n = 2000
        del file.attrs["type_map"]
        file.attrs["type_map"] = [f"T{t}" for t in range(n)]
        file["type_embedding"] = np.zeros((n, 1))
    with pytest.raises(ModelFileError, match=r"claim more than 2\.5 times"):
        read(path)
