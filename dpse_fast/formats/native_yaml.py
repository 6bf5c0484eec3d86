"""YAML without surprises: mappings, lists and plain scalars, nothing constructed.

Built on the parser's events, so depth costs no recursion, an alias shares its
list, and merge keys, tags and time stamps have no effect.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ..errors import ModelFileError, reason
from .number_lists import Budget, Skeleton, yaml_skeleton

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?\d{1,30}", re.ASCII)
DEEPEST = 100
FEWEST_VALUES = 100_000
BYTES_OF_A_VALUE = 48
LONGEST_TEXT = 1 << 20
_BLOCK = 1 << 16
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "true": True, "false": False,
    ".inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan"),
}  # fmt: skip


def parse(text: bytes) -> Any:
    """The value of the one document in `text`; its long lists of numbers are arrays.

    Raises
    ------
    ModelFileError
        If `text` is not valid YAML, or has more short values than a model of its
        size, or a name or text of more than 1 MiB.
    """
    budget = Budget(len(text))
    found = yaml_skeleton(text, budget)
    pieces = _Pieces(found)
    builder = _Builder(found, budget)
    most = FEWEST_VALUES + len(text) // BYTES_OF_A_VALUE
    try:
        for count, event in enumerate(yaml.parse(pieces, Loader=_Loader)):
            if count > most:
                raise ModelFileError(
                    f"the text has more than {most} short values, more than a model "
                    "of its size; copy the file again"
                )
            pieces.since_value = 0
            builder.take(event)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"not valid YAML ({reason(error)})") from None
    found.check_all_taken()
    return builder.root


class _Pieces:
    """The text as the parser reads it, little by little."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._pieces = skeleton.pieces
        self._at = 0
        self._next = 0
        self.since_value = 0

    def read(self, size: int = _BLOCK, /) -> bytes:
        """The next bytes, none at the end."""
        while self._next < len(self._pieces):
            piece = self._pieces[self._next][self._at : self._at + size]
            if piece:
                self._at += len(piece)
                self.since_value += len(piece)
                if self.since_value > LONGEST_TEXT:
                    raise ModelFileError(
                        f"a name, a text or a remark of more than {LONGEST_TEXT} bytes"
                    )
                return bytes(piece)
            self._next, self._at = self._next + 1, 0
        return b""


class _Builder:
    def __init__(self, skeleton: Skeleton, budget: Budget) -> None:
        self.root: Any = None
        self._skeleton = skeleton
        self._budget = budget
        self._open: list[tuple[Any, list[Any]]] = []
        self._anchors: dict[str, Any] = {}

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style and event.implicit[0]
            if not event.value.isascii():
                self._budget.take(4 * len(event.value))
            value = self._plain(event.value) if plain else event.value
            self._add(value, event.anchor)
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

    def _plain(self, text: str) -> Any:
        array = self._skeleton.array(text)
        return _scalar(text) if array is None else array

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
