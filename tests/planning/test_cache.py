"""Plans on disk are read back, never trusted blindly, and do not pile up."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import numpy as np
import pytest
from dpse_fast.kernels._cache_folders import PARTIAL, Folders
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import AccuracyWarning
from dpse_fast.planning import cache

USERS_FOLDERS = cache.folders  # the tests have others


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "folders", lambda: Folders((tmp_path,), tmp_path))
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
    sound = path.read_bytes()
    place = sound.index(b"tolerance")  # HDF5 has no checksum of attributes
    changed = sound[:place] + b"T" + sound[place + 1 :]
    for content in (b"", sound[:2000], sound[:-1], os.urandom(3000), changed):
        path.write_bytes(content)
        assert made(load()) == "at load"
        assert made(load()) == "from the cache"
    path.unlink()
    path.mkdir()
    assert made(load()) == "at load"
    assert made(load()) == "from the cache"


def test_the_plan_of_another_question_is_not_taken(folder: Path) -> None:
    load()
    (path,) = folder.glob("*.h5")
    load(tol=1e-4)
    (other,) = set(folder.glob("*.h5")) - {path}
    path.write_bytes(other.read_bytes())
    assert made(load()) == "at load"
    assert made(load()) == "from the cache"


def test_a_change_of_the_code_makes_plans_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    monkeypatch.setattr(cache, "_digest", lambda: "other")
    assert made(load()) == "at load"


def test_the_digest_is_of_names_and_contents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "nets.py"
    monkeypatch.setattr(cache, "PACKAGE", tmp_path)
    monkeypatch.setattr(cache, "plan_sources", lambda: list(tmp_path.iterdir()))
    digest = cache._digest.__wrapped__
    file.write_text("one")
    one = digest()
    assert digest() == one
    file.write_text("two")
    two = digest()
    file.rename(tmp_path / "other.py")
    assert len({one, two, digest()}) == 3


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


def test_a_folder_that_cannot_be_written_to_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    monkeypatch.setattr(cache, "folders", lambda: Folders((folder,), None))
    assert made(load()) == "from the cache"
    assert made(load(seed=1)) == made(load(seed=1)) == "at load"
    other = folder / "other"
    other.mkdir()
    monkeypatch.setattr(cache, "folders", lambda: Folders((folder, other), other))
    assert made(load(seed=1)) == "at load"
    assert made(load(seed=1)) == made(load()) == "from the cache"


def test_a_folder_that_is_gone_costs_only_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = tmp_path / "none"
    monkeypatch.setattr(cache, "folders", lambda: Folders((none,), none))
    assert made(load()) == "at load"


def test_a_full_disk_costs_only_time(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        assert made(load()) == "at load"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(folder.iterdir())
    assert capfd.readouterr().err == ""


def test_what_a_killed_process_leaves_goes_after_a_day(folder: Path) -> None:
    old, new = folder / f".1{PARTIAL}", folder / f".2{PARTIAL}"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    load()
    assert not old.exists()
    assert new.exists()


def test_the_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(cache.SWITCH, "0")
    assert USERS_FOLDERS() == Folders((), None)
    assert not list(tmp_path.iterdir())
    monkeypatch.delenv(cache.SWITCH)
    plans = tmp_path / "dpse-fast" / "plans"
    assert USERS_FOLDERS() == Folders((plans,), plans)


def test_a_relative_folder_in_one_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load()  # Numba cannot compile in a folder that is gone
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    monkeypatch.setattr(cache, "folders", USERS_FOLDERS)
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert USERS_FOLDERS() == Folders((), None)
    assert made(load()) == "at load"
