"""Any fault of the cache of kernels is a miss: no error, no wrong code."""

from __future__ import annotations

import errno
import os
import pickle
import random
import resource
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import pytest
from dpse_fast.kernels import _cache_folders, _kernel_cache
from dpse_fast.kernels._checked_file import read, write
from other_process import lines_of

from tests.kernels.tiny_kernels import exact, kernel, last, numbers, right, total

FOUND, COMPILED = [(1, 0), (1, 0)], [(0, 1), (0, 1)]
OTHER_PROCESS = "from tests.kernels.tiny_kernels import right; print(right())"
RACE = """
import os
import numba
from tests.kernels.tiny_kernels import kernel, last, numbers, total
numba.njit(last)(numbers("f8"))  # what Numba prepares for the first, once for all
def hits(kinds):
    compiled = kernel(total)
    assert [compiled(numbers(kind)) for kind in kinds] == [10, 10]
    return sum(compiled.stats.cache_hits.values())
kinds = ["f8", "i8"]
children = []
for child in range(16):
    pid = os.fork()
    if not pid:
        try:
            hits(kinds[:: 1 if child % 2 else -1])
            os._exit(0)
        finally:
            os._exit(1)
    children.append(pid)
print(sum(os.waitpid(pid, 0)[1] != 0 for pid in children), hits(kinds))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and nothing else to fall back on."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_cache_folders.tempfile, "gettempdir", lambda: "/dev/null")
    return tmp_path / "cache"


def files(place: Path) -> list[Path]:
    return sorted(p for p in place.rglob("*") if not p.is_dir())


def swap(one: Path) -> None:
    """The file of another kernel, sound in itself, under this name."""
    (other,) = (p for p in one.parent.iterdir() if p != one)
    one.write_bytes(other.read_bytes())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[random.Random(1).randrange(len(content))] ^= 0x10
    path.write_bytes(content)


def instead(make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def fault(path: Path) -> None:
        path.unlink()
        make(path)

    return fault


def bind(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def full_folder(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("a file")


FAULTS: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a byte short": lambda path: os.truncate(path, path.stat().st_size - 1),
    "a byte long": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a flipped bit": flip,
    "a pickle": lambda path: path.write_bytes(pickle.dumps({})),
    "huge and sparse": lambda path: os.truncate(path, 2**40),
    "another kernel": swap,
    "writable by others": lambda path: path.chmod(0o666),
    "a folder": instead(Path.mkdir),
    "a full folder": instead(full_folder),
    "a dangling link": instead(lambda path: path.symlink_to("nowhere")),
    "a link to itself": instead(lambda path: path.symlink_to(path.name)),
    "a device": instead(lambda path: path.symlink_to("/dev/zero")),
    "a pipe": instead(os.mkfifo),
    "a socket": instead(bind),
    "gone": Path.unlink,
    "no folder": lambda path: shutil.rmtree(path.parent),
    "no cache": lambda path: shutil.rmtree(path.parents[2]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_miss_and_mends_itself(place: Path, fault: str) -> None:
    assert right() == COMPILED
    assert right() == FOUND
    damaged, sound = files(place)
    assert damaged.name.startswith("last-")
    FAULTS[fault](damaged)
    gone = fault.startswith("no ")
    assert right() == [(0, 1) if gone else (1, 0), (0, 1)]
    assert right() == FOUND
    assert files(place) == [damaged, sound]


def test_no_byte_can_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content, key = bytes(range(20)), "a key"
    write(path, key, content)
    assert read(path, key) == content
    assert read(path, "another") is read(tmp_path / "none", key) is None
    stored = path.read_bytes()
    for place in range(len(stored)):
        path.write_bytes(stored[:place])
        assert read(path, key) is None
        changed = bytearray(stored)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        assert read(path, key) is None
    path.write_bytes(stored)
    assert read(path, key) == content


def test_another_machine_version_source_or_option_has_other_code(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hits(compiled: Any) -> int:
        compiled(numbers("f8"))
        return sum(compiled.stats.cache_hits.values())

    right()
    assert hits(kernel(total)) == 1
    assert hits(exact(total)) == 0, "compiled with fast-math"
    codegen = type(total_codegen())
    with monkeypatch.context() as patch:
        machine = ("x86_64-unknown-linux-gnu", "another", "+sse2")
        patch.setattr(codegen, "magic_tuple", lambda self: machine)
        assert hits(kernel(total)) == 0
    with monkeypatch.context() as patch:
        folders = _kernel_cache.kernel_folders()
        patch.setattr(_kernel_cache, "_digest", lambda: "another")
        patch.setattr(_kernel_cache, "kernel_folders", lambda: folders)
        assert hits(kernel(total)) == 0, "a folder renamed to another digest"
    assert hits(kernel(total)) == 1


def total_codegen() -> Any:
    compiled = kernel(last)
    return compiled.targetctx.codegen()


def test_code_that_cannot_be_loaded_is_a_miss(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right()
    for error in (MemoryError, EOFError, AttributeError, pickle.UnpicklingError):

        def fail(*args: Any, error: type[Exception] = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(_kernel_cache.CompileResultCacheImpl, "rebuild", fail)
            assert right() == COMPILED
    assert right() == FOUND


@pytest.mark.parametrize(
    "fault",
    [
        "mkdir EROFS",
        "mkdir EACCES",
        "open EMFILE",
        "open ENAMETOOLONG",
        "open EIO",
        "replace ENOSPC",
        "replace EDQUOT",
        "replace ENOENT",
    ],
)
def test_a_cache_that_cannot_be_written_to_costs_only_time(
    place: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    call, name = fault.split()
    number = getattr(errno, name)

    def fail(*args: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        assert right() == COMPILED
    assert files(place) == []
    assert right() == COMPILED
    assert right() == FOUND


def test_a_full_disk_costs_only_time(place: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    # Python ignores it; in a C program that uses the library it would end the process.
    before = signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        assert right() == COMPILED
    finally:
        signal.signal(signal.SIGXFSZ, before)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(place) == []


def test_no_folder_to_compile_in(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    compiled = kernel(total)
    with pytest.raises(FileNotFoundError, match="the current folder was deleted"):
        compiled(numbers("f8"))
    monkeypatch.chdir(tmp_path)
    assert compiled(numbers("f8")) == 10


def test_an_unknown_numba_compiles(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise AttributeError("_cache_file")

    monkeypatch.setattr(_kernel_cache.CheckedCache, "__init__", fail)
    assert right() == right() == COMPILED


def test_settings_of_numba_for_other_functions(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        numba.config, "CACHE_LOCATOR_CLASSES", "none.Such", raising=False
    )
    assert right() == COMPILED
    assert right() == FOUND


def test_another_process_finds_them(place: Path) -> None:
    assert lines_of(OTHER_PROCESS, place) == [str(COMPILED)]
    assert lines_of(OTHER_PROCESS, place) == [str(FOUND)]
    assert right() == FOUND


def test_sixteen_processes_start_at_once(place: Path) -> None:
    """Half compile the two signatures in the other order: Numba would number them."""
    assert lines_of(RACE, place) == ["0 2"]
    assert [path.suffix for path in files(place)] == [".nbc", ".nbc"]
