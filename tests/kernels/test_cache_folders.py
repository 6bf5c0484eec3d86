"""Where the cache is, whom it may belong to, and that it does not grow for ever."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import numba
import pytest
from dpse_fast.kernels import _cache_folders, _kernel_cache
from dpse_fast.kernels._cache_folders import (
    DAY,
    PARTIAL,
    Folders,
    cache_folders,
    only_we_write,
    tidy,
)

from tests.kernels.tiny_kernels import right


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of a user with a home and a temporary folder."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(_cache_folders.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path / ".cache" / "dpse-fast"


def spare(home: Path) -> Path:
    """The folder for those who cannot write to their home."""
    return home.parents[1] / f"dpse-fast-{os.getuid()}"


def one(folder: Path) -> Folders:
    return Folders((folder,), folder)


def cannot_write(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Also root cannot, as in a file system mounted to be read."""
    may, make = os.access, os.mkdir

    def access(path: os.PathLike[str], mode: int) -> bool:
        return folder not in (Path(path), *Path(path).parents) and may(path, mode)

    def mkdir(path: os.PathLike[str], mode: int = 0o777) -> None:
        if folder in Path(path).parents:
            raise OSError("Read-only file system")
        make(path, mode)

    monkeypatch.setattr(os, "access", access)
    monkeypatch.setattr(os, "mkdir", mkdir)


def test_it_is_made_for_the_user_alone(home: Path) -> None:
    assert cache_folders("a", "b") == one(home / "a" / "b")
    for folder in (home, home / "a", home / "a" / "b"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not spare(home).exists()


def test_named_folders(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folders("a") == one(tmp_path / "xdg" / "dpse-fast" / "a")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "here")
    assert cache_folders("a") == one(tmp_path / "here" / "dpse-fast" / "a")
    assert not home.exists()


@pytest.mark.parametrize("fault", ["file", "link", "others write", "group writes"])
def test_a_folder_that_is_not_ours_is_passed_over(home: Path, fault: str) -> None:
    home.parent.mkdir()
    if fault == "file":
        home.write_text("not a folder")
    elif fault == "link":
        (home.parent / "other").mkdir(mode=0o700)
        home.symlink_to("other")
    else:
        home.mkdir()
        home.chmod(0o777 if fault == "others write" else 0o770)
    assert cache_folders("a") == one(spare(home) / "a")


@pytest.mark.parametrize(
    ("uid", "mode", "trusted"),
    [
        (1000, 0o700, True),
        (1000, 0o755, True),
        (1000, 0o775, False),
        (1000, 0o702, False),
        (0, 0o755, True),
        (0, 0o777, False),
        (1001, 0o700, False),
        (1001, 0o755, False),
    ],
)
def test_owners(
    uid: int, mode: int, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's folders and the administrator's are read, if nobody else writes."""
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    status = os.stat_result((stat.S_IFDIR | mode, 0, 0, 2, uid, 0, 0, 0, 0, 0))
    assert only_we_write(status) is trusted


def test_a_home_that_cannot_be_written_to_is_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert right() == [(0, 1), (0, 1)]
    kept = sorted(home.rglob("*"))
    cannot_write(monkeypatch, home)
    assert right() == [(1, 0), (1, 0)]
    assert sorted(home.rglob("*")) == kept
    kept[-1].unlink()
    assert right() == [(0, 1), (1, 0)]
    assert right() == [(1, 0), (1, 0)], "the new one is in the other folder"
    assert len(list(spare(home).rglob("*.nbc"))) == 1


def test_nowhere_at_all(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    def none() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(Path, "home", fail)
    assert cache_folders("a") == one(spare(home) / "a")
    monkeypatch.setattr(_cache_folders.tempfile, "gettempdir", none)
    assert cache_folders("a") == Folders((), None)
    assert right() == right() == [(0, 1), (0, 1)]


def put(path: Path, days: float, size: int = 100) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(bytes(size))
    used = time.time() - days * DAY
    os.utime(path, (used, used))
    return path


def test_what_stays(tmp_path: Path) -> None:
    current = tmp_path / "current"
    stays = [
        put(current / "old", 300),
        put(current / f".new{PARTIAL}", 0.9),
        put(tmp_path / "older" / "used", 29),
        put(tmp_path / "older" / f".new{PARTIAL}", 0.9),
    ]
    goes = [
        put(current / f".old{PARTIAL}", 1.1),
        put(tmp_path / "older" / "unused", 31),
        put(tmp_path / "oldest" / "unused", 31),
    ]
    tidy(tmp_path, 1000, current)
    assert [path for path in stays if not path.exists()] == []
    assert [path for path in goes if path.exists()] == []
    assert not (tmp_path / "oldest").exists()
    tidy(tmp_path, 350, current)
    assert [path.exists() for path in stays] == [False, True, True, True]
    put(current / "large", 0, 1000)
    tidy(tmp_path, 350, current)
    assert [path.exists() for path in stays] == [False, True, True, True]
    tidy(tmp_path, 0, current)
    assert list(current.iterdir()) == [stays[1]]


def test_used_files_stay(home: Path) -> None:
    right()
    used, other = home.rglob("*.nbc")
    for path in (used, other):
        long_ago = time.time() - 40 * DAY
        os.utime(path, (long_ago, long_ago))
    assert right() == [(1, 0), (1, 0)]
    assert all(time.time() - path.stat().st_mtime < DAY for path in (used, other))


def test_a_process_that_compiles_tidies_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = cache_folders("kernels", "old").write
    assert old is not None
    put(old / "f.nbi", 31)
    _kernel_cache._tidy_once.cache_clear()
    assert right() == [(0, 1), (0, 1)]
    assert not old.exists()
    old.mkdir()
    assert right() == [(1, 0), (1, 0)]
    assert old.exists()


def test_others_may_tidy_what_is_in_use(home: Path) -> None:
    right()
    newer = home / "kernels" / "newer"
    newer.mkdir()
    tidy(home / "kernels", 0, newer)
    assert [path.name for path in (home / "kernels").iterdir()] == ["newer"]
    assert right() == [(0, 1), (0, 1)]
    assert right() == [(1, 0), (1, 0)]
