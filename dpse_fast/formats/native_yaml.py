"""YAML without surprises: mappings, lists and plain scalars, nothing constructed.

Built on the parser's events, so depth costs no recursion, an alias shares its
list, and merge keys, tags and time stamps have no effect.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ..errors import ModelFileError, reason

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d{1,30}", re.ASCII)
DEEPEST = 100
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip


def parse(text: str) -> Any:
    """The value of the one document in `text`.

    Raises
    ------
    ModelFileError
        If `text` is not valid YAML.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"not valid YAML ({reason(error)})") from None
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[tuple[Any, list[Any]]] = []
        self._anchors: dict[str, Any] = {}

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style and event.implicit[0]
            self._add(_scalar(event.value) if plain else event.value, event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin({}, event.anchor)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._open.pop()
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise ModelFileError(f"YAML alias {event.anchor!r} has no anchor")
            self._add(self._anchors[event.anchor], None)

    def _begin(self, container: Any, anchor: str | None) -> None:
        if len(self._open) == DEEPEST:
            raise ModelFileError(f"YAML nested more than {DEEPEST} levels deep")
        self._add(container, anchor)
        self._open.append((container, []))

    def _add(self, value: Any, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value
        if not self._open:
            self.root = value
            return
        container, pending = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        elif pending:
            container[pending.pop()] = value
        else:
            pending.append(_key(value))


def _key(value: Any) -> str:
    if isinstance(value, list | dict):
        raise ModelFileError("a YAML mapping has a key that is no name")
    return str(value)


def _scalar(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
