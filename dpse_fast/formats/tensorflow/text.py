"""GraphDef in protobuf's text format (``.pbtxt``), put into the wire format.

https://protobuf.dev/reference/protobuf/textformat-spec/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from struct import error as PackError
from struct import pack
from typing import Literal, NamedTuple

from ...errors import ModelFileError

Kind = Literal["message", "bytes", "integer", "float", "double", "bool", "type"]


class _Field(NamedTuple):
    number: int
    kind: Kind
    message: str = ""


_VALUES = {
    "s": _Field(2, "bytes"),
    "i": _Field(3, "integer"),
    "f": _Field(4, "float"),
    "b": _Field(5, "bool"),
    "type": _Field(6, "type"),
    "shape": _Field(7, "message", "shape"),
    "tensor": _Field(8, "message", "tensor"),
}
# What readers of models look at, and versions for TensorFlow; others are skipped.
_MESSAGES: dict[str, dict[str, _Field]] = {
    "graph": {
        "node": _Field(1, "message", "node"),
        "versions": _Field(4, "message", "versions"),
    },
    "versions": {
        "producer": _Field(1, "integer"),
        "min_consumer": _Field(2, "integer"),
    },
    "node": {
        "name": _Field(1, "bytes"),
        "op": _Field(2, "bytes"),
        "input": _Field(3, "bytes"),
        "attr": _Field(5, "message", "entry"),
    },
    "entry": {"key": _Field(1, "bytes"), "value": _Field(2, "message", "value")},
    "value": {"list": _Field(1, "message", "list"), **_VALUES},
    "list": _VALUES,
    "shape": {"dim": _Field(2, "message", "dim")},
    "dim": {"size": _Field(1, "integer")},
    "tensor": {
        "dtype": _Field(1, "type"),
        "tensor_shape": _Field(2, "message", "shape"),
        "tensor_content": _Field(4, "bytes"),
        "float_val": _Field(5, "float"),
        "double_val": _Field(6, "double"),
        "int_val": _Field(7, "integer"),
        "string_val": _Field(8, "bytes"),
        "int64_val": _Field(10, "integer"),
        "half_val": _Field(13, "integer"),
    },
    "skipped": {},
}
# Lists of numbers, which are packed.
_REPEATED = {
    "list": tuple(_VALUES.values()),
    "tensor": tuple(f for name, f in _MESSAGES["tensor"].items() if "_val" in name),
}
_WIRE_TYPES = {"integer": 0, "bool": 0, "type": 0, "float": 5, "double": 1}
_TYPES = (
    "INVALID FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 "
    "QUINT8 QINT32 BFLOAT16 QINT16 QUINT16 UINT16 COMPLEX128 HALF"
)
_TYPE_CODES = {f"DT_{name}": code for code, name in enumerate(_TYPES.split())}
_BOOLS = {"true": 1, "t": 1, "1": 1, "True": 1, "false": 0, "f": 0, "0": 0, "False": 0}

_START = re.compile(rb"(?:\s|#[^\n]*+\n)*+node\s*+:?\s*+[{<]")
_TOKEN = re.compile(
    rb"(?:\s++|#[^\n]*+)*+(?:"
    rb"(?P<word>[A-Za-z0-9_.+-]++)"
    rb'|(?P<string>"(?:[^"\\\n]++|\\(?![4-7][0-7][0-7])[0-7abfnrtvx\\\'"])*+"'
    rb"|'(?:[^'\\\n]++|\\(?![4-7][0-7][0-7])[0-7abfnrtvx\\'\"])*+')"
    rb"|(?P<mark>[{}<>\[\]:,;])"
    rb"|(?P<end>\Z))"
)
# A field with its short value, or the start of a message: one match instead of three.
_FIELD = re.compile(
    rb"(?:\s++|#[^\n]*+)*+(?P<name>[A-Za-z_][A-Za-z0-9_]*+)\s*+"
    rb"(?::\s*+(?P<value>[A-Za-z0-9_.+-]++)|:?\s*+(?P<open>[{<]))"
)
_PIECE = re.compile(rb"(?:[^\\]|\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)){1,16384}+", re.S)
_MAX_DEPTH = 16
_FEWEST_STEPS = 250_000
_BYTES_OF_A_STEP = 32
_MAX_WORD = 64
_SPARE_BYTES = 1 << 16


def looks_like_text(data: memoryview | bytes) -> bool:
    """Whether the first bytes are those of a graph as text."""
    return _START.match(bytes(memoryview(data)[:4096])) is not None


def graph_from_text(data: memoryview | bytes) -> bytearray:
    """The same graph in the wire format, without what no reader of models needs.

    Raises
    ------
    ModelFileError
        If the text is not a GraphDef, or claims far more room than it takes.
    """
    return _Parser(memoryview(data).cast("B")).graph()


@dataclass
class _Frame:
    """A message on the way: its fields, its bytes so far, its place in the parent."""

    message: str
    closing: bytes
    number: int = 0
    body: bytearray = field(default_factory=bytearray)
    packed: dict[int, bytearray] = field(default_factory=dict)


class _Parser:
    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.at = 0
        self.span = (0, 0)
        self.allowance = len(data) + _SPARE_BYTES
        self.steps = _FEWEST_STEPS + len(data) // _BYTES_OF_A_STEP

    def graph(self) -> bytearray:
        stack = [_Frame("graph", b"")]
        while True:
            match = _FIELD.match(self.data, self.at)
            if match is not None:
                self._quick_field(stack, match)
                continue
            kind, token = self._next()
            if kind == "mark" and token in b",;":
                continue
            if token == stack[-1].closing and kind in ("mark", "end"):
                frame = stack.pop()
                for number, values in frame.packed.items():
                    self._put(frame, number, values)
                if not stack:
                    return frame.body
                self._put(stack[-1], frame.number, frame.body)
            elif kind == "word":
                self._field(stack, token.decode())
            else:
                raise self._damaged("a field's name is missing")

    def _quick_field(self, stack: list[_Frame], match: re.Match[bytes]) -> None:
        self._step()
        if match.end("name") - match.start("name") > _MAX_WORD:
            raise self._damaged("a name or number is too long")
        self.at = match.end()
        frame = stack[-1]
        found = _MESSAGES[frame.message].get(bytes(match["name"]).decode())
        if match["open"] is not None:
            self._open(stack, found, bytes(match["open"]))
        elif match.end("value") - match.start("value") > _MAX_WORD:
            raise self._damaged("a name or number is too long")
        else:
            self._scalar(frame, found, "word", bytes(match["value"]))

    def _open(self, stack: list[_Frame], found: _Field | None, mark: bytes) -> None:
        if len(stack) >= _MAX_DEPTH:
            raise self._damaged("its messages are nested too deeply")
        message = found.message if found and found.message else "skipped"
        number = found.number if found and found.message else 0
        stack.append(_Frame(message, b"}" if mark == b"{" else b">", number))

    def _field(self, stack: list[_Frame], name: str) -> None:
        frame = stack[-1]
        found = _MESSAGES[frame.message].get(name)
        kind, token = self._next()
        if (kind, token) == ("mark", b":"):
            kind, token = self._next()
        if kind == "mark" and token in b"{<":
            self._open(stack, found, token)
        elif (kind, token) == ("mark", b"["):
            self._list(frame, found)
        else:
            self._scalar(frame, found, kind, token)

    def _list(self, frame: _Frame, found: _Field | None) -> None:
        while True:
            kind, token = self._next()
            if (kind, token) == ("mark", b"]"):
                return
            if (kind, token) != ("mark", b","):
                self._scalar(frame, found, kind, token)

    def _scalar(
        self, frame: _Frame, found: _Field | None, kind: str, token: bytes
    ) -> None:
        if kind not in ("word", "string"):
            raise self._damaged("a value is missing")
        text = self._string() if kind == "string" else None
        if found is None or found.kind == "message":
            return
        if found.kind == "bytes":
            if text is None:
                raise self._damaged("a text in quotes is missing")
            self._spend(len(text))
            self._put(frame, found.number, text)
            return
        if text is not None:
            raise self._damaged("a number is missing")
        word = token.decode()
        try:
            value = _number(word, found)
        except (ValueError, KeyError, OverflowError, PackError):
            raise self._damaged(f"{word[:24]!r} is no {found.kind}") from None
        self._spend(len(value))
        if found in _REPEATED.get(frame.message, ()):
            frame.packed.setdefault(found.number, bytearray()).extend(value)
        else:
            frame.body += _varint(found.number << 3 | _WIRE_TYPES[found.kind]) + value

    def _string(self) -> bytearray:
        """The text in quotes that was read last, with those that follow it."""
        text = bytearray()
        start, end = self.span
        while True:
            for piece in _PIECE.finditer(self.data, start + 1, end - 1):
                text += _unescape(bytes(piece[0]))
            match = self._match()
            if match is None or match.lastgroup != "string":
                return text
            self._step()
            self.at = match.end()
            start, end = match.span("string")

    def _put(self, frame: _Frame, number: int, body: bytes | bytearray) -> None:
        if number:
            frame.body += _varint(number << 3 | 2) + _varint(len(body))
            frame.body += body

    def _spend(self, n_bytes: int) -> None:
        self.allowance -= n_bytes
        if self.allowance < 0:
            raise self._damaged("its numbers need more room than the text")

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise self._damaged("too many names and values for its size")

    def _match(self) -> re.Match[bytes] | None:
        return _TOKEN.match(self.data, self.at)

    def _next(self) -> tuple[str, bytes]:
        """The kind of the next token, and the token if it is not in quotes."""
        self._step()
        match = self._match()
        if match is None:
            raise self._damaged("neither a name nor a value")
        self.at = match.end()
        kind = match.lastgroup or "end"
        self.span = match.span(kind)
        if kind == "string":
            return kind, b""
        if kind == "word" and self.span[1] - self.span[0] > _MAX_WORD:
            raise self._damaged("a name or number is too long")
        return kind, bytes(match[kind])

    def _damaged(self, what: str) -> ModelFileError:
        return ModelFileError(
            f"the graph as text is damaged or cut short near byte {self.at} ({what}); "
            "copy the file again"
        )


def _unescape(inside: bytes) -> bytes:
    """The bytes that a piece of a text means: octal, hexadecimal and C's escapes."""
    if b"\\" not in inside:
        return inside
    try:
        return inside.decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        raise ModelFileError(
            "the graph as text is damaged (a byte in a text is written in no known "
            "way); copy the file again"
        ) from None


def _number(word: str, found: _Field) -> bytes:
    """The value of a field that is not of bytes."""
    if found.kind in ("float", "double"):
        text = word if word.endswith("nf") else word.removesuffix("f")
        return pack("<f" if found.kind == "float" else "<d", float(text))
    if found.kind == "bool":
        value = _BOOLS[word]
    elif found.kind == "type" and not word.isdecimal():
        value = _TYPE_CODES.get(word, 0)
    else:
        value = int(word, 0) & 0xFFFF_FFFF_FFFF_FFFF
    return _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
