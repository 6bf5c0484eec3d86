"""HDF5 model files that appear when they are complete; one error if they cannot.

They are made in memory and written as a whole: HDF5 crashes the process where a disk is
full.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from ..errors import InputError, reason
from ..runtime.atomic_file import complete_or_absent


@contextmanager
def new_file(path: Path) -> Iterator[h5py.File]:
    """A file to fill with a model; an existing one is replaced as a whole at the end.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with _replaced(path, b"") as file:
        yield file


@contextmanager
def changed_file(path: Path) -> Iterator[h5py.File]:
    """A file of ours to add to, replaced as a whole at the end.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with _replaced(path, path.read_bytes()) as file:
        yield file


@contextmanager
def _replaced(path: Path, content: bytes) -> Iterator[h5py.File]:
    image = io.BytesIO(content)
    try:
        with h5py.File(image, "r+" if content else "w") as file:
            yield file
        with complete_or_absent(path) as partial:
            partial.write_bytes(image.getbuffer())
    except InputError:
        raise
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number else reason(error)
        raise InputError(
            f"{path}: the model cannot be written ({why}); check the folder and the "
            "free space"
        ) from None
