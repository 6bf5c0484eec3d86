"""Damaged copies of a file: cut short, or with some bytes changed."""

from __future__ import annotations

import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.tensorflow import read as read_graph
from dpse_fast.model import Model

Change = tuple[float, int]
CHANGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6
)
LENGTHS = st.floats(0, 1) | st.just(1.0)
quickly = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def read_damaged(file: Path, length: float, changes: list[Change]) -> None:
    """Read a damaged copy: a model, or one error of one line that names the file."""
    data = bytearray(file.read_bytes())
    data = data[: round(length * len(data))]
    for place, byte in changes:
        if data:
            data[int(place * len(data))] = byte
    copy = file.with_name("damaged")
    copy.write_bytes(data)
    try:
        assert isinstance(read_model(copy), Model)
    except ModelFileError as error:
        message = str(error)
        assert message.startswith(f"{copy}: ")
        assert "\n" not in message
        assert len(message) < len(str(copy)) + 500


def read_damaged_graphs(data: bytes, seed: int, n: int, odd: bytes) -> list[str]:
    """Graphs cut short, with other bytes, or without a piece: one error or a model.

    Parameters
    ----------
    odd : bytes that stand in place of others
    """
    draw, models, messages = random.Random(seed), 0, []
    for _ in range(n):
        damaged = bytearray(data)
        kind = draw.randrange(4)
        at = draw.randrange(len(data))
        if kind == 0:
            del damaged[at:]
        for _ in range(draw.choice((1, 1, 3, 20)) if kind in (1, 2) else 0):
            at = draw.randrange(len(data))
            damaged[at] = draw.choice(odd) if kind == 1 else damaged[at] ^ 1
        if kind == 3:
            del damaged[at : at + draw.randrange(1, 40)]
        try:
            read_graph(bytes(damaged), "m")
            models += 1
        except ModelFileError as error:
            messages.append(str(error))
    assert models > 10
    assert len(messages) > 100
    assert all(message.startswith("m: ") for message in messages)
    return messages


def read_many_damaged(file: Path) -> None:
    """Copies of every length, with changes anywhere."""

    @quickly
    @given(LENGTHS, CHANGES)
    def check(length: float, changes: list[Change]) -> None:
        read_damaged(file, length, changes)

    check()
