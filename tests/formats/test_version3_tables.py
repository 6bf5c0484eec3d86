"""Compressed models of deepmd-kit v3: their tables count, with networks or without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.families import N_TYPES, WIDTH, mixed_model, se_atten
from formats.native_dict import native_dict, save, version3_model
from formats.refusal import assert_refused
from formats.scripted import save as save_scripted
from formats.scripted import scripted

from dpse_fast.formats import read_model
from dpse_fast.model import EmbeddingTable, Gated

BOUNDS = np.array([-1.0, 1.0, 5.0, 0.5, 2.0, -1.0])
ROWS = 6


def tables(count: int, width: int = 6) -> dict[str, Any]:
    rng = np.random.default_rng(4)
    data = [rng.normal(size=(ROWS, 6 * width)) for _ in range(count)]
    variables = {"compress_data": data, "compress_info": [BOUNDS] * count}
    return {"geo_compress": True, "@variables": variables}


def compressed(**options: Any) -> dict[str, Any]:
    root = native_dict(version3_model(**options))
    descriptor = root["model"]["descriptor"]
    networks = descriptor["embeddings"]["networks"]
    descriptor["@version"] = 3
    descriptor["compress"] = tables(len(networks))
    return root


@pytest.mark.parametrize("suffix", [".dp", ".yaml", ".pth"])
def test_the_tables_are_what_counts(suffix: str, tmp_path: Path) -> None:
    root = compressed()
    file = tmp_path / f"model{suffix}"
    if suffix == ".pth":
        save_scripted(scripted(root), file)
    else:
        save(root, file)
    found = read_model(file)
    part = found.descriptors[0]
    data = root["model"]["descriptor"]["compress"]["@variables"]["compress_data"]
    assert found.provenance["compressed"] == "yes"
    for c in range(2):
        for t in range(2):
            table = part.embedding[c][t]
            assert isinstance(table, EmbeddingTable)
            stored = data[c + 2 * t].reshape(ROWS, -1, 6)
            np.testing.assert_array_equal(table.coefficients, stored)


@pytest.mark.parametrize("options", [{}, {"kind": "se_e2_r", "one_sided": True}])
def test_tables_need_no_networks(options: dict[str, Any], tmp_path: Path) -> None:
    root = compressed(**options)
    descriptor = root["model"]["descriptor"]
    networks = descriptor["embeddings"]["networks"]
    networks[1] = None
    found = read_model(save(root, tmp_path / "model.dp")).descriptors[0].embedding
    table = found[0][1] if options else found[1][0]
    assert isinstance(table, EmbeddingTable)
    assert table.beyond == "linear"
    data = descriptor["compress"]["@variables"]["compress_data"][1]
    np.testing.assert_array_equal(table.coefficients, data.reshape(ROWS, -1, 6))
    assert [table.lower, table.upper, table.maximum] == [-1, 1, 5]
    assert isinstance(found[0][0], EmbeddingTable)


def test_an_empty_table_is_a_block_left_out(tmp_path: Path) -> None:
    root = compressed()
    descriptor = root["model"]["descriptor"]
    descriptor["embeddings"]["networks"][2] = None
    variables = descriptor["compress"]["@variables"]
    variables["compress_data"][2] = variables["compress_info"][2] = np.zeros(0)
    found = read_model(save(root, tmp_path / "model.dp")).descriptors[0].embedding
    assert found[0][1] is None
    assert found[1][0] is not None


def stripped_without_networks(one_sided: bool) -> tuple[dict[str, Any], Any]:
    descriptor = se_atten("strip", one_sided)
    gates = np.random.default_rng(6).normal(
        size=((N_TYPES + 1) ** (1 if one_sided else 2), WIDTH)
    )
    descriptor["embeddings"]["networks"] = [None]
    del descriptor["embeddings_strip"]
    descriptor |= {"@version": 3, "compress": tables(1)}
    descriptor["compress"]["@variables"]["type_embd_data"] = gates
    return mixed_model([descriptor]), gates


@pytest.mark.parametrize("one_sided", [False, True])
def test_tables_of_types_and_distances(one_sided: bool, tmp_path: Path) -> None:
    root, gates = stripped_without_networks(one_sided)
    d = read_model(save(root, tmp_path / "model.dp")).descriptors[0]
    for c in range(N_TYPES):
        for t in range(N_TYPES):
            g = d.embedding[c][t]
            assert isinstance(g, Gated)
            assert isinstance(g.radial, EmbeddingTable)
            row = t if one_sided else c * (N_TYPES + 1) + t
            np.testing.assert_array_equal(g.gate, gates[row])


def test_refused_tables(tmp_path: Path) -> None:
    def refused(root: Any, words: str) -> None:
        assert_refused(save(root, tmp_path / "model.dp"), words)

    root = compressed()
    networks = root["model"]["descriptor"]["embeddings"]["networks"]
    networks[0] = None
    variables = root["model"]["descriptor"]["compress"]["@variables"]
    kept = variables["compress_data"][0]
    variables["compress_data"][0] = kept[:, :-1]
    refused(root, "compress_data.0: expected rows of 6 coefficients")
    variables["compress_data"][0] = kept[:4]
    refused(root, "compress_data.0: embedding table: the range needs 6 rows")
    variables["compress_data"] = [kept]
    networks[1] = None
    refused(root, "compress_data.1: is missing")
    del root["model"]["descriptor"]["compress"]
    refused(root, "holds no network for some types")
    root, _ = stripped_without_networks(one_sided=False)
    variables = root["model"]["descriptor"]["compress"]["@variables"]
    variables["type_embd_data"] = np.zeros((4, WIDTH))
    refused(root, "type_embd_data: expected 9 rows")
