"""Plans on disk: choosing one takes seconds, reading it back milliseconds."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from ..errors import InputError, ModelFileError
from ..kernels._jit import private_directory, source_digest
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


def directory() -> Path | None:
    """Where plans are kept, or None if nowhere."""
    if os.environ.get(SWITCH) == "0":
        return None
    found: Path | None = private_directory("plans")
    return found


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
    folder = directory()
    if folder is None:
        return choose()
    names = (model.digest(), precision, repr(tolerance), repr(sorted(types)), _digest())
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()[:32]
    path = folder / f"{key}.h5"
    found = _read(path, model)
    if found is None:
        found = choose()
        if found.reached:
            _write(path, model, found)
            _tidy(folder)
    return found


def _read(path: Path, model: Model) -> StoredPlan | None:
    from ..formats.exchange.stored_plan import read_stored_plan
    from ..formats.hdf5 import open_file

    try:
        if not path.exists():
            return None
        with open_file(path) as file:
            found = read_stored_plan(file, model, "from the cache")
        path.touch()
    except (OSError, ModelFileError):
        return None
    return found


def _write(path: Path, model: Model, plan: StoredPlan) -> None:
    from ..formats.exchange.stored_plan import stored_plan_bytes
    from ..runtime.atomic_file import complete_or_absent

    with suppress(OSError, InputError), complete_or_absent(path) as partial:
        partial.write_bytes(stored_plan_bytes(model.digest(), plan))


def _tidy(folder: Path) -> None:
    with suppress(OSError):
        files = sorted(folder.glob("*.h5"), key=lambda p: -p.stat().st_mtime)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > MOST_BYTES:
                path.unlink(missing_ok=True)
