"""HDF5 model files that appear when they are complete; one error if they cannot."""

from __future__ import annotations

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
    try:
        with complete_or_absent(path) as partial, h5py.File(partial, "w") as file:
            yield file
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: the model cannot be written ({reason(error)}); check the folder "
            "and the free space"
        ) from None
