"""A few mutations of every kind of model file; ``make fuzz`` reads thousands."""

from __future__ import annotations

from pathlib import Path

import pytest
from golden_frames import GOLDEN

from . import model_files
from .model_files import original, read_outcome
from .mutations import mutate
from .workers import execute_all

MUTATIONS = 60
FILES: dict[str, str | None] = {
    "plain.pb": None,
    "trained-compressed.pb": None,
    "plain.dp": None,
    "zbl.dp": None,
    "one_type.yaml": None,
    "hybrid.json": None,
    "fparam.pt2": None,
    "hybrid.pte": None,
    "plain.pth": None,
    "dpa1_strip.pth": None,
    "hybrid.pth": None,
    "early_atten.pth": None,
    "version_0.pb": None,
    "prerelease_hybrid.pth": None,
    "prerelease_january.pth": None,
    "se_r_two_sided_excluded.yaml": None,
    "checkpoint.pt": None,
    "checkpoint_heads.pt": "water",
    "matpl.pt": None,
}


@pytest.mark.parametrize("name", FILES)
def test_a_mutation_is_an_error_or_a_model(name: str, tmp_path: Path) -> None:
    one = original(GOLDEN / name, FILES[name])
    found = set()
    for number in range(MUTATIONS):
        copy = tmp_path / "mutated"
        copy.write_bytes(mutate(one.data, 0, number))
        found.add(read_outcome(copy, one)[0])
    assert "error" in found
    assert len(found) > 1


def test_a_mutation_is_repeated_by_its_number() -> None:
    data = (GOLDEN / "plain.pth").read_bytes()
    first = [mutate(data, 1, number) for number in range(20)]
    assert first == [mutate(data, 1, number) for number in range(20)]
    assert len(set(first)) == 20
    assert mutate(data, 2, 0) != first[0]


def test_the_harness_tells_unclear_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long_message(path: Path, head: str | None) -> None:
        raise model_files.ModelFileError(f"{path}: two\nlines")

    one = original(GOLDEN / "plain.dp")
    monkeypatch.setattr(model_files, "read", long_message)
    with pytest.raises(AssertionError, match="message"):
        read_outcome(tmp_path / "a", one)


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc"
)
@pytest.mark.parametrize(
    ("slack", "n_failures"), [(-(2**40), 3), (model_files.SLACK, 0)]
)
def test_the_harness_measures_memory(
    tmp_path: Path, slack: int, n_failures: int
) -> None:
    target = model_files.ModelFiles()
    target.originals, target.slack = [original(GOLDEN / "plain.pth")], slack
    said: dict[int, str] = {}
    found = execute_all(target, tmp_path, 1, 3, float("inf"), said.__setitem__)
    assert found.counts["FAILURE"] == n_failures
    assert found.executions == 3
    assert len(said) == (n_failures > 0)
    assert all(text.startswith("AssertionError: memory") for text in said.values())
