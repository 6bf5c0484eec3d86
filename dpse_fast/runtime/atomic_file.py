"""A file that appears under its name only when it is complete."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError


@contextmanager
def complete_or_absent(path: Path) -> Iterator[Path]:
    """A path beside `path`, renamed to it if the block ends without an error.

    If the block fails, what it wrote is removed and an existing file is kept; an
    InputError that names the path beside names `path` instead.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    partial = _new_file(path)
    try:
        partial.chmod(0o666 & ~_umask())
        yield partial
        partial.replace(path)
    except InputError as error:
        named = str(error).replace(str(partial), str(path))
        raise InputError(named) from None
    finally:
        partial.unlink(missing_ok=True)


def _new_file(path: Path) -> Path:
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=f".partial{path.suffix}", dir=path.parent
        )
    except OSError as error:
        raise InputError(
            f"output {path}: the folder {path.parent} cannot be written to "
            f"({error.strerror}); choose another"
        ) from None
    os.close(handle)
    return Path(name)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
