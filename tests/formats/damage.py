"""Damaged copies of a file: cut short, or with some bytes changed."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
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
