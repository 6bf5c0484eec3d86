"""JSON and aligned text for people and programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import click

from ..errors import in_escapes

UNITS = {
    "_ev_per_angstrom": "eV/Å",
    "_ev_per_atom": "eV/atom",
    "_angstrom": "Å",
}


def plain(value: Any) -> Any:
    """The value made of what JSON knows; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {in_escapes(str(key)): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # of NumPy
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return in_escapes(str(value))


def print_json(value: Mapping[str, Any]) -> None:
    """The one object of a command's standard output."""
    click.echo(json.dumps(plain(value), allow_nan=False))


def print_tree(value: Mapping[str, Any]) -> None:
    """Nested mappings as indented lines, values aligned."""
    for line in tree_lines(value):
        click.echo(line)


def tree_lines(value: Mapping[str, Any], indent: int = 0) -> Iterator[str]:
    leaves = [key for key, item in value.items() if not _nested(item)]
    width = max((len(label_of(str(key))) for key in leaves), default=0)
    for key, item in value.items():
        label = label_of(str(key))
        if isinstance(item, Mapping) and item:
            yield f"{' ' * indent}{label}"
            yield from tree_lines(item, indent + 2)
        elif _nested(item):
            yield f"{' ' * indent}{label}"
            for entry in item:
                yield f"{' ' * (indent + 2)}" + "  ".join(
                    f"{label_of(str(k))} {text_of(v)}" for k, v in entry.items()
                )
        else:
            yield f"{' ' * indent}{label:<{width}}  {text_of(item)}".rstrip()


def label_of(key: str) -> str:
    """``rcut_angstrom`` as ``rcut (Å)``."""
    for suffix, unit in UNITS.items():
        if key.endswith(suffix):
            return f"{key.removesuffix(suffix).replace('_', ' ')} ({unit})"
    return key.replace("_", " ")


def text_of(value: Any) -> str:
    """A leaf: short numbers, lists with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Real) and not isinstance(value, Integral):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {text_of(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        texts = [
            "-".join(map(text_of, item))
            if isinstance(item, list | tuple)
            else text_of(item)
            for item in value
        ]
        return ", ".join(texts) or "none"
    return "none" if value is None else str(value)


def _nested(item: Any) -> bool:
    if isinstance(item, Mapping):
        return bool(item)
    return (
        isinstance(item, list | tuple)
        and bool(item)
        and all(isinstance(entry, Mapping) for entry in item)
    )
