"""Plans on disk are read back, never trusted blindly, and do not pile up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import AccuracyWarning
from dpse_fast.planning import cache
from dpse_fast.planning.cache import directory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "directory", lambda: tmp_path)
    return tmp_path


def load(seed: int = 0, **options: object) -> dpse_fast.Potential:
    return dpse_fast.load(random_model(seed=seed), threads=1, **options)


def made(potential: dpse_fast.Potential) -> str:
    assert potential.plan is not None
    return potential.plan.made


def test_the_second_load_reads_the_plan(folder: Path) -> None:
    first, second = load(), load()
    assert (made(first), made(second)) == ("at load", "from the cache")
    assert first.plan is not None
    assert second.plan is not None
    assert first.plan.certificate == second.plan.certificate
    s = random_structure("cubic")
    one, two = (p.compute(*s[:3], pbc=s.pbc) for p in (first, second))
    np.testing.assert_array_equal(one.forces, two.forces)
    assert len(list(folder.glob("*.h5"))) == 1


def test_each_question_has_its_own_plan(folder: Path) -> None:
    asked = [{}, {"tol": 1e-4}, {"precision": "mixed"}, {"tol": 0}, {"seed": 1}]
    for options in asked:
        assert made(load(**options)) == "at load"
    assert len(list(folder.glob("*.h5"))) == len(asked)


def test_a_damaged_plan_is_made_again(folder: Path) -> None:
    load()
    (path,) = folder.glob("*.h5")
    for content in (b"", path.read_bytes()[:2000], os.urandom(3000)):
        path.write_bytes(content)
        assert made(load()) == "at load"
        assert made(load()) == "from the cache"


def test_a_change_of_the_code_makes_plans_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    monkeypatch.setattr(cache, "_digest", lambda: "other")
    assert made(load()) == "at load"


def test_the_code_of_nets_and_engine_counts() -> None:
    """Tables are made by the one and measured by the other."""
    names = {path.name for path in cache._sources()}
    assert names > {"nets.py", "activations.py", "pipeline.py", "tables.py", "forms.py"}


def test_a_plan_with_a_warning_is_not_kept(folder: Path) -> None:
    for _ in range(2):
        with pytest.warns(AccuracyWarning):
            assert made(load(tol=1e-30)) == "at load"
    assert not list(folder.glob("*.h5"))


def test_plans_used_longest_ago_go_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    (first,) = folder.glob("*.h5")
    os.utime(first, (1, 1))
    monkeypatch.setattr(cache, "MOST_BYTES", first.stat().st_size * 3 // 2)
    load(seed=1)
    assert not first.exists()
    assert len(list(folder.glob("*.h5"))) == 1


def test_a_folder_that_cannot_be_written_to_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "directory", lambda: tmp_path / "none")
    assert made(load()) == "at load"


def test_a_full_disk_costs_only_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path, content: bytes) -> None:
        with path.open("wb") as stream:
            stream.write(content[:1000])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert made(load()) == "at load"
    assert not list(folder.iterdir())
    assert capfd.readouterr().err == ""


def test_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.SWITCH, "0")
    assert directory() is None
    monkeypatch.delenv(cache.SWITCH)
    found = directory()
    assert found is None or found.name == "plans"
