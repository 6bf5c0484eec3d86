"""Plans on disk: choosing one takes seconds, reading it back milliseconds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..errors import ModelFileError
from ..kernels import _checked_file as checked_file
from ..kernels._cache_folders import Folders, cache_folders, tidy
from ..kernels._source_digest import source_digest
from ..model import Model
from ..plan import StoredPlan
from .sources import PACKAGE, plan_sources

MOST_BYTES = 512 * 2**20  # of all plans; those used longest ago go first
SWITCH = "DPSE_FAST_PLAN_CACHE"  # "0" in the environment: no plans on disk


@cache
def _digest() -> str:
    """Of all that a plan depends on besides the model and what is asked of it."""
    stamp = hashlib.sha256(source_digest().encode())
    for path in plan_sources():
        stamp.update(path.relative_to(PACKAGE).as_posix().encode())
        stamp.update(path.read_bytes())
    return stamp.hexdigest()[:16]


def folders() -> Folders:
    """Where plans are kept, or nowhere."""
    if os.environ.get(SWITCH) != "0":
        with suppress(OSError):  # a relative folder, where the process's own is gone
            return cache_folders("plans")
    return Folders((), None)


def planned(
    model: Model,
    precision: str,
    tolerance: float,
    types: frozenset[int],
    choose: Callable[[], StoredPlan],
) -> StoredPlan:
    """The plan on disk, or the one that ``choose`` makes, put on disk.

    A disk that is full or damaged costs the time of choosing, nothing else. A plan
    that came with a warning is not kept: each load must give the warning.
    """
    asked = (
        model.digest(),
        precision,
        repr(tolerance),
        repr(sorted(types)),
        _digest(),
    )
    key = "\n".join(asked)
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.h5"
    places = folders()
    for folder in places.read:
        found = _read(folder / name, key, model)
        if found is not None:
            return found
    found = choose()
    if found.reached and places.write is not None:
        _write(name, key, model, found)
    return found


def _read(path: Path, key: str, model: Model) -> StoredPlan | None:
    from ..formats.exchange.stored_plan import read_stored_plan
    from ..formats.hdf5 import open_file

    if checked_file.read(path, key) is None:
        return None
    try:
        # HDF5 does not look at what follows its own data.
        with open_file(path) as file:
            return read_stored_plan(file, model, "from the cache")
    except (OSError, ModelFileError):
        return None


def _write(name: str, key: str, model: Model, plan: StoredPlan) -> None:
    from ..formats.exchange.stored_plan import stored_plan_bytes

    with suppress(OSError, ValueError, MemoryError):
        content = stored_plan_bytes(model.digest(), plan)
        folder = checked_file.keep(folders, name, key, content)
        if folder is not None:
            tidy(folder, MOST_BYTES, folder)
