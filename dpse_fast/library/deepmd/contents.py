"""Models that a program has in memory, as it has read them from a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import ModelFileError


@contextmanager
def file_with(name: str, content: memoryview) -> Iterator[str]:
    """A file with this content: the one of this name if it is the same, else another.

    Errors of model files name the one that the program has named.
    """
    if _same(name, content):
        yield name
        return
    with TemporaryDirectory(prefix="dpse-fast-") as folder:
        other = os.path.join(folder, os.path.basename(name) or "model")
        Path(other).write_bytes(content)
        try:
            yield other
        except ModelFileError as error:
            shown = f"{name} (in memory)"
            raise ModelFileError(str(error).replace(other, shown)) from None


def _same(name: str, content: memoryview) -> bool:
    try:
        if os.path.getsize(name) != len(content):
            return False
        return Path(name).read_bytes() == content
    except OSError:
        return False
