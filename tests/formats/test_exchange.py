"""Our own model file: what is written is read back exactly."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields, is_dataclass, replace
from importlib import resources
from pathlib import Path

import h5py
import numpy as np
import pytest
from formats.exchange_models import MODELS, parts, sharing, small

from dpse_fast.errors import InputError, ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.exchange import PLAN_GROUP, layout, read, write
from dpse_fast.model import Gated, Layer, Parameters


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_round_trip_is_exact(name: str, packed: bool, tmp_path: Path) -> None:
    model = MODELS[name]
    file = tmp_path / "model.txt"
    write(model, file, packed=packed)
    for found in (read(file), read_model(file)):
        assert found.digest() == model.digest()
        assert found.provenance == model.provenance
        assert found.dtype == model.dtype
        assert found.n_weights == model.n_weights
        assert sharing(found) == sharing(model)
    assert list(tmp_path.iterdir()) == [file]


def test_some_model_sets_every_optional_field() -> None:
    values: dict[str, set[str]] = {}
    for model in MODELS.values():
        for part in parts(model):
            for f in fields(part) if is_dataclass(part) else ():
                if f.default is not MISSING or f.default_factory is not MISSING:
                    where = f"{type(part).__name__}.{f.name}"
                    values.setdefault(where, set()).add(repr(getattr(part, f.name)))
    assert values.keys() >= {"Gated.cubic", "SeE2A.mixed", "Model.vacuum"}
    constant = {where for where, found in values.items() if len(found) == 1}
    assert constant == {"SeE2R.mixed", "SeE2R.padding"}  # which it cannot be


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


def test_the_first_files_of_version_1_open_unchanged() -> None:
    """The embedded model was written before the layout grew."""
    place = resources.files("dpse_fast.data") / "water.h5"
    with resources.as_file(place) as path:
        model = read(path)
        with h5py.File(path) as file:
            (part,) = model.descriptors
            group = file["descriptor"]
            assert set(group.attrs) < {"mixed", "type", *vars(part)}
            assert part.sel == tuple(group.attrs["sel"])
            assert part.rcut == group.attrs["rcut"]
            assert not part.mixed
            for name in ("davg", "dstd"):
                assert (getattr(part, name) == group[name][()]).all()
            for t in range(model.n_types):
                net = part.embedding[0][t]
                for stored, found in (
                    (group[f"embedding/all_{t}"], net),
                    (file[f"fitting/{t}"], model.fitting[t]),
                ):
                    for k, layer in enumerate(found.layers):
                        assert (layer.weight == stored[f"{k}/weight"][()]).all()
                        assert (layer.bias == stored[f"{k}/bias"][()]).all()
                        assert layer.skip == stored[str(k)].attrs["skip"]


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            *layout.ROOT,
            *layout.MEMBERS,
            *layout.DESCRIPTOR_NUMBERS,
            *layout.DESCRIPTOR_FLAGS,
            *layout.DESCRIPTOR_MEMBERS,
            *layout.TABLE_NUMBERS,
            *layout.PAIR_TABLE_NUMBERS,
            *(f.name for kind in (Gated, Layer, Parameters) for f in fields(kind)),
            layout.SHARED,
            layout.HYBRID,
        }
    ),
)
def test_the_documentation_has_every_name(name: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / "model-format.md").read_text()
    assert re.search(rf"`[^`]*\b{name}\b[^`]*`", text)


def test_a_plan_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    model = MODELS["hybrid"]
    write(model, file)
    with h5py.File(file, "r+") as opened:
        plan = opened.create_group(f"{PLAN_GROUP}/tables")
        plan.attrs["anything"] = "at all"
        plan["0"] = np.arange(6)
    assert read(file).digest() == model.digest()


def test_damaged_numbers_are_noticed(tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    model = small(embedding=(4, 64))
    write(model, file)
    weight = model.descriptors[0].embedding[0][0].layers[1].weight
    data = bytearray(file.read_bytes())
    at = data.index(weight.tobytes())
    data[at + 100] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelFileError, match="damaged HDF5 file"):
        read_model(file)
