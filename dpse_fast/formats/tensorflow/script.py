"""The training script that deepmd-kit 2 and later leave in a frozen graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import ModelFileError
from ..native_values import parse_json
from .graph import Graph

_NODE = "train_attr/training_script"
_MAX_BYTES = 4 << 20
_MAX_DEPTH = 4


@dataclass(frozen=True)
class DescriptorScript:
    """One descriptor's section; None where the file does not say."""

    section: dict[str, Any] | None

    def get(self, key: str) -> Any:
        return None if self.section is None else self.section.get(key)

    def excluded(self, n_types: int) -> frozenset[tuple[int, int]] | None:
        """Both orders of every pair of ``exclude_types``; None without a script."""
        if self.section is None:
            return None
        pairs = self.get("exclude_types") or []
        found: set[tuple[int, int]] = set()
        for pair in pairs if isinstance(pairs, list) else [pairs]:
            if not (
                isinstance(pair, list)
                and len(pair) == 2
                and all(type(t) is int and 0 <= t < n_types for t in pair)
            ):
                raise ModelFileError(
                    f"the training script's exclude_types holds {str(pair)[:60]}, "
                    f"expected pairs of type indices below {n_types}"
                )
            found |= {(pair[0], pair[1]), (pair[1], pair[0])}
        return frozenset(found)


@dataclass(frozen=True)
class Script:
    """The ``model`` section; None where the file has no training script."""

    model: dict[str, Any] | None

    def get(self, *path: str) -> Any:
        """The value at this path of keys, or None."""
        value: Any = self.model
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def kind(self, section: str) -> str | None:
        """The ``type`` of a section, in lower case."""
        value = self.get(section, "type")
        return value.lower() if isinstance(value, str) else None

    def descriptor_kinds(self) -> list[str]:
        """The ``type`` of the descriptor and of all that a hybrid lists."""
        return list(_kinds(self.get("descriptor"), _MAX_DEPTH))

    def descriptor(self, suffix: str) -> DescriptorScript:
        """The section of the descriptor whose scopes end like this: ``_1``."""
        if self.model is None:
            return DescriptorScript(None)
        section = self.get("descriptor")
        for number in suffix.split("_")[1:]:
            parts = section.get("list") if isinstance(section, dict) else None
            if not (
                number.isdecimal()
                and isinstance(parts, list)
                and int(number) < len(parts)
            ):
                return DescriptorScript(None)
            section = parts[int(number)]
        return DescriptorScript(section if isinstance(section, dict) else {})


def _kinds(section: Any, depth: int) -> Iterator[str]:
    if not isinstance(section, dict) or not depth:
        return
    kind = section.get("type")
    if isinstance(kind, str):
        yield kind.lower()
    parts = section.get("list")
    for part in parts[:64] if isinstance(parts, list) else ():
        yield from _kinds(part, depth - 1)


def read_script(graph: Graph) -> Script:
    if _NODE not in graph:
        return Script(None)
    text = graph.string(_NODE)
    if len(text) > _MAX_BYTES:
        raise ModelFileError(
            f"the training script has {len(text)} bytes, expected at most {_MAX_BYTES}"
        )
    try:
        script = parse_json(text)
    except ModelFileError:
        raise ModelFileError(
            f"node {_NODE}: the training script is not JSON; freeze the model again"
        ) from None
    model = script.get("model") if isinstance(script, dict) else None
    return Script(model if isinstance(model, dict) else None)
