"""Where the machine code of a kernel is found again: Numba's cache in checked files.

Numba's own files are trusted as they are: a damaged one ends every process with an
error, or with a segmentation fault. Two processes that write at once may put the code
for one signature where its index names another. Here each compiled signature is a
file of its own, and any fault of a file is a miss.
"""

from __future__ import annotations

import os
import pickle
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
from numba.core.caching import CompileResultCacheImpl, FunctionCache

from . import _checked_file
from ._cache_folders import Folders, cache_folders, tidy
from ._source_digest import SOURCES, source_digest

MOST_BYTES = 2**30  # of all kernels of all versions; those used longest ago go first
PLAIN = (bool, int, float, str, type(None), np.generic, np.dtype)

_digest = cache(source_digest)


def kernel_folders() -> Folders:
    """Where compiled kernels are; the folders are named by their sources.

    Numba checks only the file that holds a cached function, not the files of
    the functions it calls, so a change there would leave stale machine code.
    Here every source is part of the folder's name.
    """
    return cache_folders("kernels", _digest())


@cache
def _tidy_once(folder: Path) -> None:
    tidy(folder.parent, MOST_BYTES, folder)


class _Nowhere:
    """Tells Numba's caches where files are, if they ask; they need not know."""

    def ensure_cache_path(self) -> None:
        """`_checked_file.keep` makes the folder when it is needed."""

    def get_cache_path(self) -> str:
        return str(kernel_folders().write or os.devnull)

    def get_source_stamp(self) -> str:
        return _digest()


class Unlocated:
    """Numba's way to pickle code, the other base of a class, looks for no folder."""

    def __init__(self, function: FunctionType) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Nowhere()
        self._filename_base = function.__name__


class _Files:
    """The compiled signatures of a function, in the place of Numba's index and data.

    Keys are a text that tells one from all others of all functions, and a signature.

    Parameters
    ----------
    dump : pickles what is compiled
    """

    def __init__(self, name: str, dump: Callable[[Any], bytes]) -> None:
        self._name = re.sub(r"\W+", "-", name)[:40]
        self._dump = dump

    def _file(self, text: str) -> str:
        return f"{self._name}-{blake2b(text.encode(), digest_size=16).hexdigest()}.nbc"

    def load(self, key: tuple[str, Any]) -> Any:
        text, signature = key
        content = _checked_file.find(kernel_folders(), self._file(text), text)
        if content is None:
            return None
        stored, data = pickle.loads(content)
        return data if stored == signature else None

    def save(self, key: tuple[str, Any], data: Any) -> None:
        text, signature = key
        content = self._dump((signature, data))
        folder = _checked_file.keep(kernel_folders, self._file(text), text, content)
        if folder is not None:
            _tidy_once(folder)

    def flush(self) -> None:
        """Nothing is stale here."""


class CheckedCache:
    """What a cache of Numba, the other base of a class, does in checked files.

    Parameters
    ----------
    what : tells compiled code of this function from others, by options and closures
    """

    def __init__(self, function: FunctionType, what: str) -> None:
        self._what = f"{_digest()} {sys.implementation.cache_tag} {what}"
        file = Path(function.__code__.co_filename)
        if SOURCES not in file.parents:
            self._what += f" {blake2b(file.read_bytes()).hexdigest()}"
        super().__init__(function)
        self._cache_file = _Files(function.__qualname__, self._cache_file._dump)

    def _index_key(self, signature: Any, codegen: Any) -> tuple[str, Any]:
        machine = codegen.magic_tuple()
        return f"{self._what} {signature!r} {machine!r}", signature

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled code, or None: no fault of the cache is an error.

        Raises
        ------
        FileNotFoundError
            If the function has to be compiled where Numba cannot.
        """
        found = None
        with suppress(Exception):
            found = super().load_overload(signature, target_context)
        if found is None:
            _check_current_folder()
        return found

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep the compiled code, if that can be."""
        with suppress(Exception):
            super().save_overload(signature, compiled)


def _check_current_folder() -> None:
    try:
        Path.cwd()
    except OSError:
        raise FileNotFoundError(
            "the current folder was deleted, and Numba needs one to compile in; change "
            "to another"
        ) from None


class _CompileResults(Unlocated, CompileResultCacheImpl):
    pass


class KernelCache(CheckedCache, FunctionCache):
    """Of a kernel for the CPU.

    Parameters
    ----------
    options : of the compiler
    """

    _impl_class = _CompileResults

    def __init__(self, function: FunctionType, options: dict[str, Any]) -> None:
        named = sorted((name, sorted_if_set(value)) for name, value in options.items())
        super().__init__(function, f"{named} {described(function)}")


def sorted_if_set(value: Any) -> Any:
    """The same for equal sets in every process."""
    return sorted(value) if isinstance(value, set | frozenset) else value


def described(value: Any) -> str:
    """What tells a value in a closure from others, the same in every process.

    The sources are not in it: they are in the name of the folder, see `_source_digest`.

    Raises
    ------
    TypeError
        For a value that a name or a number does not tell from others.
    """
    function = getattr(value, "py_func", value)
    if isinstance(function, FunctionType):
        cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
        line = function.__code__.co_firstlineno
        name = f"{function.__module__}.{function.__qualname__}:{line}"
        return name + described(cells)
    if isinstance(value, tuple):
        return f"({', '.join(described(part) for part in value)})"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    raise TypeError(f"a kernel closes over {value!r}: expected functions and numbers")
