"""What reading a hostile file may take: four times the file, and what any file may."""

from __future__ import annotations

from pathlib import Path

from formats.refusal import assert_refused
from traced_memory import traced_peak

GOLDEN = Path(__file__).parents[1] / "golden"
SIZE = 2_000_000
ANY_FILE = 32 * 2**20
EXPANSION = 4


def assert_refused_within_bounds(
    file: Path, words: str, any_file: int = ANY_FILE
) -> None:
    with traced_peak() as peak:
        assert_refused(file, words)
    assert peak() < EXPANSION * file.stat().st_size + any_file


def repeated(start: bytes, unit: bytes, end: bytes, size: int = 2 * SIZE) -> bytes:
    return start + unit * (size // len(unit)) + end
