"""How the native dictionary keeps its numbers: datasets, or nested lists."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from ..array_types import AnyArray
from ..errors import ModelFileError
from . import native_yaml
from .hdf5 import File
from .number_lists import Budget, json_skeleton
from .tree import ToArray, describe

# What Python takes for a list, a dictionary, a number or a name that one of these
# characters begins or ends, measured on lists of millions.
_BYTES_OF = {b"[": 72, b"{": 130, b",": 40, b":": 64, b'"': 16}
_FOUR_BYTES = re.compile(rb"[\xf0-\xf4]|\\u[dD][89abAB]")
_LONGEST_START = 2**20
# Names of NumPy, in its own and in the short form that its files have.
_PRECISIONS = {
    "float64": "float64", "double": "float64", "f8": "float64",
    "float32": "float32", "single": "float32", "f4": "float32",
    "float16": "float16", "half": "float16", "f2": "float16",
    "int64": "int64", "i8": "int64", "int32": "int32", "i4": "int32",
}  # fmt: skip


def parse_json(text: bytes | str) -> Any:
    """The value of a JSON text; its long lists of numbers are arrays.

    Raises
    ------
    ModelFileError
        If the text is no JSON, or has more short values than a model of its size.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    budget = Budget(len(data))
    found = json_skeleton(data, budget)
    rest = b"".join(found.pieces) if found.arrays else data
    budget.take(_cost(rest))

    def with_arrays(value: dict[str, Any]) -> dict[str, Any]:
        for key, item in value.items():
            if type(item) is str and item in found.arrays:
                value[key] = found.array(item)
        return value

    hook = with_arrays if found.arrays else None
    try:
        value = json.loads(rest.decode("utf-8-sig"), object_hook=hook)
    except UnicodeDecodeError:
        raise ModelFileError("the text is not UTF-8; copy the file again") from None
    except RecursionError:
        raise ModelFileError("JSON nested too deeply for a model file") from None
    except ValueError as error:
        raise ModelFileError(f"not valid JSON ({str(error)[:120]})") from None
    found.check_all_taken()
    return value


def _cost(text: bytes) -> int:
    """Bytes that the parsed value takes at most, and its text on the way."""
    marks = sum(n * text.count(mark) for mark, n in _BYTES_OF.items())
    return marks + len(text) * (1 + 2 * _width(text))


def _width(text: bytes) -> int:
    """Bytes of a character in Python's text: 1, 2 or 4."""
    if _FOUR_BYTES.search(text):
        return 4
    return 1 if text.isascii() and b"\\u" not in text else 2


def parse_text(text: bytes) -> Any:
    """The value of a JSON or YAML text."""
    start = text[:_LONGEST_START].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if start.startswith(b"{"):
        return parse_json(text)
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
        precision = _precision(value.get("dtype", precision), where)
        value = value["value"]
    if isinstance(value, np.ndarray):
        if value.size > limit:
            raise ModelFileError(f"{where}: holds more numbers than the file has bytes")
        return _cast(value.astype(np.float64, copy=False), precision)
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
        return _cast(np.array(level, dtype=np.float64).reshape(shape), precision)
    except (OverflowError, ValueError):
        raise ModelFileError(f"{where}: a number beyond double precision") from None


def _precision(name: Any, where: str) -> str:
    found = _PRECISIONS.get(name.lstrip("<>=|")) if isinstance(name, str) else None
    if found is None:
        raise ModelFileError(
            f"{where}: expected a dtype of {', '.join(_PRECISIONS)}, "
            f"got {describe(name)}"
        )
    return found


def _cast(values: AnyArray, precision: str) -> AnyArray:
    with np.errstate(all="ignore"):
        return values.astype(precision, copy=False)
