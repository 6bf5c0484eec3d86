"""The ``model`` section of the training input that deepmd-kit leaves in its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import hdf5
from .native_values import parse_json, parse_text
from .stored_bytes import open_regular

_NAME = "model_def_script"
_ZIP = b"PK"


def training_script(
    path: str | os.PathLike[str], head: str | None = None
) -> dict[str, Any] | None:
    """The options that the model of a file was made with; None if it has none.

    Parameters
    ----------
    path : a file that `formats.read_model` reads
    head : the branch of a checkpoint of several models

    Raises
    ------
    ModelFileError
        If the file is damaged.
    """
    place = Path(os.fsdecode(path))
    with open_regular(place) as (file, _):
        data: bytes = file.read()
    if data.startswith(hdf5.SIGNATURE):
        found = _of_hdf5(place)
    elif data.startswith(_ZIP):
        from .torchscript import training_script as of_archive

        found = of_archive(place, head)
    else:
        from . import tensorflow

        if tensorflow.looks_like_text(data) or tensorflow.looks_like_graph(data):
            return tensorflow.training_script(data)
        found = _member(parse_text(data))
    if isinstance(found, str):
        found = parse_json(found) if found.strip() else None
    return found if isinstance(found, dict) and found else None


def _of_hdf5(path: Path) -> Any:
    with hdf5.open_file(path) as file:
        text = file.root.attrs.get("json")
    return _member(parse_json(text)) if isinstance(text, str | bytes) else None


def _member(root: Any) -> Any:
    return root.get(_NAME) if isinstance(root, dict) else None
