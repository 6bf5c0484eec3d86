"""Tables in the model's file: read back, refused where they do not belong."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from families import family
from formats.hdf5_changes import attribute, dataset, no_attribute, without
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import ModelFileError
from dpse_fast.formats import exchange, read, read_model
from dpse_fast.formats.exchange.stored_plan import write_stored_plan
from dpse_fast.plan import StoredPlan
from dpse_fast.planning.choose_plan import choose

GOLDEN = Path(__file__).parents[1] / "golden"


def compressed(model: dpse_fast.Model, path: Path, tol: float = 1e-5) -> StoredPlan:
    types = frozenset(range(model.n_types))
    stored = choose(model, tol, types, "double", ("double", "mixed"))
    exchange.write(model, path)
    write_stored_plan(path, model.digest(), stored)
    return stored


@pytest.mark.parametrize("name", ["se_e2_a", "hybrid", "mixed_gated", "dropped"])
def test_round_trip(name: str, tmp_path: Path) -> None:
    model, path = family(name), tmp_path / "model.h5"
    stored = compressed(model, path)
    both, alone = read(path), read(path, with_plan=False)
    assert both.has_plan
    assert alone.has_plan
    assert alone.stored_plan is None
    assert both.model.digest() == alone.model.digest() == model.digest()
    found = both.stored_plan
    assert found is not None
    assert found.tolerance == stored.tolerance
    assert found.certificates == stored.certificates
    for ours, theirs in zip(found.forms, stored.forms, strict=True):
        assert ours.keys() == theirs.keys()
        for c, form in theirs.items():
            assert ours[c].key() == form.key()
            np.testing.assert_array_equal(ours[c].empty, form.empty)
            assert (ours[c].mix is None) == (form.mix is None)
            if form.mix is not None:
                np.testing.assert_array_equal(ours[c].mix, form.mix)
    for part, expected in zip(found.tables, stored.tables, strict=True):
        assert part.keys() == expected.keys()
        distinct = {id(t) for t in expected.values()}
        assert len({id(t) for t in part.values()}) == len(distinct)
        for pair, table in expected.items():
            np.testing.assert_array_equal(part[pair].origins, table.origins)
            np.testing.assert_array_equal(part[pair].coefficients, table.coefficients)


def test_stored_tables_serve_looser_tolerances_only(tmp_path: Path) -> None:
    model, path = random_model(), tmp_path / "model.h5"
    compressed(model, path)
    s = random_structure("open")
    for tol, from_file in ((1e-5, True), (1e-3, True), (1e-7, False), (0, False)):
        pot = dpse_fast.load(path, tol=tol)
        assert pot.plan is not None
        assert (pot.plan.made == "from the file") is from_file
        plain = dpse_fast.load(model, tol=min(tol, 1e-5))
        got, want = (p.compute(s.positions, s.types).energy for p in (pot, plain))
        assert got == want


def with_numbers(name: str, change: Any) -> Any:
    return lambda plan: dataset(name, change(plan[name][()]))(plan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (attribute("/plan", "digest", "0"), "made for another model"),
        (attribute("/plan", "new", 1), "not part of the format"),
        (without("0"), "0"),
        (without("0/tables/0_1"), "0_1"),
        (without("0/tables/0_1/origins"), "origins"),
        (with_numbers("0/tables/1_1/origins", lambda a: a[::-1]), "ascending"),
        (with_numbers("0/tables/1_1/origins", lambda a: a[:-1]), "expected shape"),
        (with_numbers("0/tables/0_1/coefficients", lambda a: a * np.nan), "NaN"),
        (with_numbers("0/tables/0_1/coefficients", lambda a: a[..., :1]), "do not fit"),
        (with_numbers("0/tables/0_1/coefficients", lambda a: a[:, :3]), "shape"),
        (with_numbers("0/forms/0/basis", lambda a: a[:, :0]), "expected shape"),
        (with_numbers("0/forms/0/basis", lambda a: a * np.nan), "NaN"),
        (with_numbers("0/forms/0/empty", lambda a: a[:, :1]), "expected shape"),
        (with_numbers("0/forms/1/rows", lambda a: a + 99), "ranges of the"),
        (with_numbers("0/forms/1/rows", lambda a: a[:0]), "ranges of the"),
        (with_numbers("0/forms/1/rows", lambda a: a * [0, 1]), "ranges of the"),
        (with_numbers("0/forms/1/rows", lambda a: a[:, ::-1].copy()), "ranges of the"),
        (without("0/forms/0/rows"), "rows"),
        (no_attribute("certificates/double", "force"), "force"),
    ],
)
def test_damaged_plans_are_refused(change: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    compressed(random_model(), path)
    with h5py.File(path, "r+") as file:
        change(file["plan"])
    with pytest.raises(ModelFileError, match=message) as error:
        dpse_fast.load(path)
    assert str(error.value).startswith(f"{path}: /plan")


def test_the_model_beside_a_damaged_plan_can_be_read(tmp_path: Path) -> None:
    """The remedy, `compress`, begins with it."""
    model, path = random_model(), tmp_path / "model.h5"
    compressed(model, path)
    with h5py.File(path, "r+") as file:
        file["plan"].attrs["digest"] = "0"
    assert read_model(path).digest() == model.digest()


def test_files_without_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    exchange.write(random_model(), path)
    for file in (path, GOLDEN / "plain.dp", GOLDEN / "checkpoint.pt"):
        found = read(file)
        assert not found.has_plan
        assert found.stored_plan is None


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The HDF5 files that were opened."""
    names: list[str] = []

    class Counted(h5py.File):
        def __init__(self, name: Any, *args: Any, **options: Any) -> None:
            in_memory = isinstance(name, io.BytesIO)
            names.append("in memory" if in_memory else Path(name).name)
            super().__init__(name, *args, **options)

    monkeypatch.setattr(h5py, "File", Counted)
    return names


def test_a_model_file_is_opened_once(tmp_path: Path, opened: list[str]) -> None:
    path = tmp_path / "model.h5"
    model = random_model()
    compressed(model, path)
    opened.clear()
    pot = dpse_fast.load(path, threads=1)
    assert pot.plan is not None
    assert pot.plan.made == "from the file"
    assert opened == ["model.h5"]
    opened.clear()
    dpse_fast.load(threads=1)
    assert opened == ["water.h5"]


def test_a_plan_of_the_cache_is_opened_once(opened: list[str]) -> None:
    model = random_model()
    dpse_fast.load(model, threads=1)
    opened.clear()
    pot = dpse_fast.load(model, threads=1)
    assert pot.plan is not None
    assert pot.plan.made == "from the cache"
    assert len(opened) == 1
