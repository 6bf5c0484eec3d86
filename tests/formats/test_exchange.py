"""Our own model file: what is written is read back exactly."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_model import random_model

from dpse_fast.errors import InputError
from dpse_fast.formats import read_model
from dpse_fast.formats.exchange import read, write
from dpse_fast.model import EmbeddingTable, Model

ROOT = Path(__file__).parents[2]


def tabulated(model: Model, beyond: Any = "linear") -> Model:
    """The model with tables of random numbers in place of its embedding nets."""
    rng = np.random.default_rng(3)

    def table() -> EmbeddingTable:
        rows = rng.normal(size=(7, model.descriptors[0].width, 6))
        return EmbeddingTable(rows, -1.0, 0.5, 3.5, 0.5, 1.0, beyond)

    nets = tuple(
        tuple(None if net is None else table() for net in row)
        for row in model.descriptors[0].embedding
    )
    return replace(model, descriptors=(replace(model.descriptors[0], embedding=nets),))


def small(**options: Any) -> Model:
    return random_model(**{"embedding": (3, 6), "fitting": (5, 5), **options})


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
    "tables": tabulated(small(dropped=frozenset({(1, 1)})), "clamp"),
    "unknown distance": replace(small(), min_distance=None),
    "provenance": replace(
        small(), provenance={"format": "é\0\ud800", "description": "x" * 100_000}
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_round_trip_is_exact(name: str, packed: bool, tmp_path: Path) -> None:
    model = MODELS[name]
    file = tmp_path / "model.txt"
    write(model, file, packed=packed)
    for found in (read(file), read_model(file)):
        assert found.digest() == model.digest()
        assert found.provenance == model.provenance
        assert found.min_distance == model.min_distance
        assert found.dtype == model.dtype
        assert found.descriptors[0].one_sided == model.descriptors[0].one_sided
    assert list(tmp_path.iterdir()) == [file]


def test_packed_files_are_smaller(tmp_path: Path) -> None:
    model = small(n_types=1, fitting=(200, 200), dtype=np.float32)
    for packed in (False, True):
        write(model, tmp_path / str(packed), packed=packed)
    assert (tmp_path / "True").stat().st_size < (tmp_path / "False").stat().st_size


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    write(small(), file)
    before = file.read_bytes()
    odd = replace(small(), type_map=("O", "\0"))
    with pytest.raises(InputError, match="cannot be written"):
        write(odd, file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(InputError, match="cannot be written"):
        write(small(), tmp_path / "missing" / "model.h5")


def test_the_example_writes_a_model(tmp_path: Path) -> None:
    place = ROOT / "examples" / "write_model.py"
    spec = importlib.util.spec_from_file_location("write_model", place)
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    file = tmp_path / "random.h5"
    example.main(file)
    model = read_model(file)
    sea = model.descriptors[0]
    assert model.type_map == ("O", "H")
    assert (sea.sel, sea.axis_neuron, sea.width) == ((46, 92), 4, 16)
    assert sea.normalisation == 138
    assert sea.one_sided
    assert [layer.skip for layer in model.fitting[1].layers] == [
        "none",
        "identity",
        "none",
    ]
    assert not sea.switch_float32
    assert (model.scale == 1).all()
