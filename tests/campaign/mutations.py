"""Damage that a model file of any kind may come with, each from one seed."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable

import numpy as np

Change = Callable[[bytearray, np.random.Generator], None]
_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_TELLING = [0, 1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1,
            2**40, 2**63 - 1, 2**64 - 1]  # fmt: skip
_TEXTS = [b"0", b"-1", b"1e308", b"NaN", b"1e-320", b"99999999999999999999", b"null",
          b"[]", b'"x"', b"2147483648"]  # fmt: skip


def mutate(data: bytes, seed: int, number: int) -> bytes:
    """The file with mutation `number` of this seed.

    In every other archive a member is changed and its checksum made to fit.
    """
    rng = np.random.default_rng([seed, number])
    if data.startswith(b"PK\x03\x04") and rng.random() < 0.6:
        return _member_changed(data, rng)
    return _changed(data, rng)


def _changed(data: bytes, rng: np.random.Generator) -> bytes:
    result = bytearray(data)
    text = b"\0" not in data[:4096]
    for _ in range(1 + int(rng.geometric(0.6) - 1)):
        if not result:
            break
        if text and rng.random() < 0.5:
            _text_number(result, rng)
        else:
            _CHANGES[int(rng.integers(len(_CHANGES)))](result, rng)
    return bytes(result)


def _member_changed(data: bytes, rng: np.random.Generator) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    pickles = [k for k, (name, _) in enumerate(members) if name.endswith(".pkl")]
    chosen = int(rng.integers(len(members)))
    if pickles and rng.random() < 0.8:
        chosen = pickles[0]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k, (name, content) in enumerate(members):
            # Without the time of day: a mutation is the same whenever it is made.
            member = zipfile.ZipInfo(name)
            archive.writestr(member, _changed(content, rng) if k == chosen else content)
    return buffer.getvalue()


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Anywhere, but every other time among the first bytes, where headers are."""
    end = len(data) if rng.random() < 0.5 else min(len(data), 4096)
    return int(rng.integers(end))


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 9))):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _run(data: bytearray, rng: np.random.Generator) -> None:
    start, length = _place(data, rng), int(rng.integers(1, 65))
    end = min(start + length, len(data))
    kind = int(rng.integers(3))
    if kind == 2:
        data[start:end] = rng.bytes(end - start)
    else:
        data[start:end] = bytes([(0, 255)[kind]]) * (end - start)


def _truncate(data: bytearray, rng: np.random.Generator) -> None:
    del data[int(rng.integers(len(data))) :]


def _splice(data: bytearray, rng: np.random.Generator) -> None:
    """A piece moved, repeated or taken out."""
    length = int(rng.integers(1, min(len(data), 512) + 1))
    start, target = _place(data, rng), _place(data, rng)
    piece = bytes(data[start : start + length])
    kind = int(rng.integers(3))
    if kind == 0:
        data[target : target + len(piece)] = piece
    elif kind == 1:
        data[target:target] = piece * int(rng.integers(1, 4))
    else:
        del data[start : start + length]


def _text_number(data: bytearray, rng: np.random.Generator) -> None:
    """Another number, or what is none, where a text has one."""
    start = int(rng.integers(len(data)))
    found = _NUMBER.search(data, start, start + 4096)
    if found:
        data[found.start() : found.end()] = _TEXTS[int(rng.integers(len(_TEXTS)))]


def _field(data: bytearray, rng: np.random.Generator) -> None:
    """A field of 1, 2, 4 or 8 bytes with a telling value."""
    start = _place(data, rng)
    size = int(rng.choice([1, 2, 4, 8]))
    value = _TELLING[int(rng.integers(len(_TELLING)))] % 256**size
    order = "little" if rng.random() < 0.7 else "big"
    data[start : start + size] = value.to_bytes(size, order)[: len(data) - start]


def _double(data: bytearray, rng: np.random.Generator) -> None:
    """A number of eight bytes that is none, or huge, or tiny."""
    value = float(rng.choice([np.nan, np.inf, -np.inf, 1e308, 1e-320, -1.0, 0.0]))
    start = _place(data, rng) // 8 * 8
    piece = np.float64(value).tobytes()
    data[start : start + 8] = piece[: len(data) - start]


_CHANGES: list[Change] = [
    _flip, _run, _truncate, _splice, _field, _field, _text_number, _double
]  # fmt: skip
