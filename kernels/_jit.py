"""The one place that decides how kernels are compiled and cached."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

# NaN and inf keep their meaning: "nnan" and "ninf" are left out.
FASTMATH = frozenset({"nsz", "arcp", "contract", "reassoc"})


def source_digest() -> str:
    """A digest of every kernel source and of what compiles it."""
    stamp = hashlib.sha256()
    for version in (numba.__version__, llvmlite.__version__, np.__version__):
        stamp.update(version.encode())
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        stamp.update(path.relative_to(folder).as_posix().encode())
        stamp.update(path.read_bytes())
    return stamp.hexdigest()[:16]


def _roots() -> list[Path]:
    named = numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME")
    found = [Path(named)] if named else []
    if not named:
        # A container's user may have no home.
        with suppress(RuntimeError):
            found.append(Path.home() / ".cache")
    owner = os.getuid() if hasattr(os, "getuid") else "user"
    temporary = Path(tempfile.gettempdir()) / f"dpse-fast-{owner}"
    return [*(folder / "dpse-fast" for folder in found), temporary]


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can put machine code into a folder of the cache."""
    if not hasattr(os, "getuid"):
        return os.access(folder, os.W_OK)
    status = folder.lstat()
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o022
    return private and status.st_uid == os.getuid() and os.access(folder, os.W_OK)


def private_directory(*names: str) -> Path | None:
    """A folder of ours in the user's cache, or None if nowhere can be written."""
    for root in _roots():
        levels = [root]
        for name in names:
            levels.append(levels[-1] / name)
        try:
            root.parent.mkdir(parents=True, exist_ok=True)
            for level in levels:
                level.mkdir(mode=0o700, exist_ok=True)
            if all(_is_ours(level) for level in levels):
                return levels[-1]
        except OSError:
            continue
    return None


@cache
def cache_directory() -> Path | None:
    """Where compiled kernels are kept, or None if nowhere can be written.

    Numba checks only the file that holds a cached function, not the files of
    the functions it calls, so a change there would leave stale machine code.
    Here every source is part of the directory's name.
    """
    return private_directory("kernels", source_digest())


def _compile(function: Function, **options: Any) -> Function:
    folder = cache_directory()
    previous = numba.config.CACHE_DIR
    if folder is not None:
        numba.config.CACHE_DIR = str(folder)
    try:
        compiled: Function = numba.njit(
            function,
            cache=folder is not None,
            nogil=True,
            no_cfunc_wrapper=True,
            **options,
        )
    finally:
        numba.config.CACHE_DIR = previous
    return compiled


def kernel(function: Function) -> Function:
    """A cached kernel that releases the GIL, with value-safe fast-math."""
    return _compile(function, fastmath=set(FASTMATH), error_model="numpy")


def exact(function: Function) -> Function:
    """As `kernel`, with IEEE arithmetic: for decisions that must not depend
    on how the compiler orders a sum (cell indices, counts, comparisons)."""
    return _compile(function, error_model="numpy")


def inline(function: Function) -> Function:
    """Scalar physics that kernels call; Python cannot call it.

    Functions that C and Python could call were 1.9 of the 17.4 s that water's first
    plan took in double precision, compilation and all (AVX-512 Xeon).
    """
    compiled: Function = numba.njit(
        function,
        fastmath=set(FASTMATH),
        error_model="numpy",
        no_cfunc_wrapper=True,
        no_cpython_wrapper=True,
    )
    return compiled
