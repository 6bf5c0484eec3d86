"""A GraphDef's bytes as protobuf's text format writes them, for tests only."""

from __future__ import annotations

import struct

from dpse_fast.formats.tensorflow import wire

NAMES = (
    "INVALID FLOAT DOUBLE INT32 UINT8 INT16 INT8 STRING COMPLEX64 INT64 BOOL QINT8 "
    "QUINT8 QINT32 BFLOAT16 QINT16 QUINT16 UINT16 COMPLEX128 HALF"
)
TYPES = NAMES.split()
SHORT = {9: "t", 10: "n", 13: "r"}
VALUE = {
    **{2: ("s", "bytes"), 3: ("i", "int"), 4: ("f", "float"), 5: ("b", "bool")},
    **{6: ("type", "type"), 7: ("shape", "shape"), 8: ("tensor", "tensor")},
}
# Field number: name and kind; other fields are left out.
MESSAGES = {
    "graph": {1: ("node", "node"), 4: ("versions", "versions")},
    "versions": {1: ("producer", "int")},
    "node": {
        **{1: ("name", "bytes"), 2: ("op", "bytes"), 3: ("input", "bytes")},
        5: ("attr", "entry"),
    },
    "entry": {1: ("key", "bytes"), 2: ("value", "value")},
    "value": {1: ("list", "list"), **VALUE},
    "list": VALUE,
    "shape": {2: ("dim", "dim")},
    "dim": {1: ("size", "int")},
    "tensor": {
        **{1: ("dtype", "type"), 2: ("tensor_shape", "shape")},
        **{4: ("tensor_content", "bytes"), 5: ("float_val", "float")},
        **{6: ("double_val", "double"), 7: ("int_val", "int")},
        **{8: ("string_val", "bytes"), 10: ("int64_val", "int")},
        13: ("half_val", "int"),
    },
}


def graph_text(data: bytes) -> bytes:
    """The text of a GraphDef, with octal and C escapes."""
    return "\n".join(_lines(memoryview(data), "graph", "")).encode()


def _lines(data: memoryview, message: str, indent: str) -> list[str]:
    found: list[str] = []
    for number, kind, value in wire.fields(data):
        name, form = MESSAGES[message].get(number, ("", ""))
        if not name:
            continue
        if form in MESSAGES:
            inside = _lines(value, form, indent + "  ")
            found += [f"{indent}{name} {{", *inside, f"{indent}}}"]
            continue
        numbers = [value]
        if kind == wire.BYTES and form in ("int", "float", "double"):
            numbers = _unpacked(value, form)
        found += [f"{indent}{name}: {_scalar(v, form)}" for v in numbers]
    return found


def _unpacked(value: memoryview, form: str) -> list[int | memoryview]:
    if form == "int":
        return list(wire.integers(b"\x0a" + _size(value) + bytes(value), 1, 1 << 20))
    size = 4 if form == "float" else 8
    return [value[k : k + size] for k in range(0, len(value), size)]


def _size(value: memoryview) -> bytes:
    assert len(value) < 128
    return bytes([len(value)])


def _scalar(value: int | memoryview, form: str) -> str:
    if form == "bytes":
        return '"' + "".join(map(_escaped, bytes(value))) + '"'
    if form == "int":
        return str(wire.signed(value) if value >= 0 else value)
    if form == "bool":
        return "true" if value else "false"
    if form == "type":
        return f"DT_{TYPES[value]}"
    return repr(struct.unpack("<f" if form == "float" else "<d", value)[0])


def _escaped(byte: int) -> str:
    if byte in SHORT:
        return "\\" + SHORT[byte]
    if byte in b"\"'\\":
        return "\\" + chr(byte)
    return chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}"
