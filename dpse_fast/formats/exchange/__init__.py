"""Our own model file: a small, documented HDF5 layout for any trainer.

The layout is specified in docs/model-format.md.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import AccuracyWarning, ModelFileError, warn
from ...model import Model
from ..hdf5 import File, open_file
from ..model_file import ModelFile
from .layout import FORMAT, PLAN_GROUP, VERSION
from .read_model import is_exchange, read_open_model
from .writer import write

__all__ = [
    "FORMAT",
    "PLAN_GROUP",
    "VERSION",
    "is_exchange",
    "read",
    "read_file",
    "write",
]


def read(path: str | os.PathLike[str]) -> Model:
    """The model of a file that `write` (or any program, see the docs) wrote.

    Raises
    ------
    ModelFileError
        If the file is damaged or does not follow the layout; the message names
        the group, dataset or attribute.
    """
    with open_file(Path(path)) as file:
        if not is_exchange(file):
            raise ModelFileError(
                f"attribute format: expected {FORMAT!r}; open other model files with "
                "dpse_fast.formats.read_model"
            )
        return read_open_model(file)


def read_file(file: File, with_plan: bool) -> ModelFile:
    """What an open file of ours has.

    Parameters
    ----------
    with_plan : also read the plan, if there is one

    Raises
    ------
    ModelFileError
        If the layout is not followed, or a plan that is read is of another model;
        the message names the place.
    """
    model = read_open_model(file)
    if PLAN_GROUP not in file.root:
        return ModelFile(model)
    if not with_plan:
        return ModelFile(model, has_plan=True)
    from .stored_plan import OtherVersion, read_stored_plan

    try:
        plan = read_stored_plan(file, model, "from the file")
    except OtherVersion:
        warn(
            "the plan in the model file was made by another version of dpse-fast, and "
            "is chosen anew; dpse-fast compress puts it into the file",
            AccuracyWarning,
        )
        return ModelFile(model, has_plan=True)
    return ModelFile(model, has_plan=True, stored_plan=plan)
