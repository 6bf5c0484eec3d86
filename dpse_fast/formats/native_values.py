"""How the native dictionary keeps its numbers: datasets, or nested lists."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..array_types import AnyArray
from ..errors import ModelFileError
from . import native_yaml
from .hdf5 import File
from .tree import ToArray, describe

_PRECISIONS = ("float64", "float32", "float16", "int64", "int32")


def parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ModelFileError("JSON nested too deeply for a model file") from None
    except ValueError as error:
        raise ModelFileError(f"not valid JSON ({str(error)[:120]})") from None


def parse_text(text: str) -> Any:
    """The value of a JSON or YAML text."""
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return parse_json(text.lstrip("\ufeff"))
    return native_yaml.parse(text)


def dataset_values(file: File) -> ToArray:
    """Arrays of a ``.dp`` file: the tree names datasets."""

    def to_array(value: Any, where: str) -> AnyArray:
        if isinstance(value, int | float):
            return np.asarray(float(value))
        if not isinstance(value, str) or not value.strip("/"):
            raise ModelFileError(
                f"{where}: expected the name of a dataset, got {describe(value)}"
            )
        name = value.strip("/")
        if "/" in name or "\0" in name or not name.isprintable():
            raise ModelFileError(f"{where}: no dataset can be called {name!a}")
        return file.array(file.root, name)

    return to_array


def list_values(n_bytes: int) -> ToArray:
    """Arrays of a text file of `n_bytes`: {@class: np.ndarray, dtype, value}."""
    left = n_bytes

    def to_array(value: Any, where: str) -> AnyArray:
        nonlocal left
        found = _from_lists(value, where, left)
        left -= found.size
        return found

    return to_array


def _from_lists(value: Any, where: str, limit: int) -> AnyArray:
    precision = "float64"
    if isinstance(value, dict) and "value" in value:
        precision = value.get("dtype", precision)
        value = value["value"]
    if precision not in _PRECISIONS:
        raise ModelFileError(
            f"{where}: expected a dtype of {', '.join(_PRECISIONS)}, "
            f"got {describe(precision)}"
        )
    shape: list[int] = []
    level = [value]
    while level and isinstance(level[0], list):
        width = len(level[0])
        if any(not isinstance(row, list) or len(row) != width for row in level):
            raise ModelFileError(f"{where}: its lists have different lengths")
        shape.append(width)
        if len(level) * width > limit or len(shape) > 8:
            raise ModelFileError(f"{where}: holds more numbers than the file has bytes")
        level = [item for row in level for item in row]
    if len(level) > limit:
        raise ModelFileError(f"{where}: holds more numbers than the file has bytes")
    if not {type(item) for item in level} <= {int, float}:
        raise ModelFileError(f"{where}: expected numbers, got {describe(level[0])}")
    try:
        with np.errstate(all="ignore"):
            return np.array(level, dtype=np.float64).reshape(shape).astype(precision)
    except (OverflowError, ValueError):
        raise ModelFileError(f"{where}: a number beyond double precision") from None
