"""A few mutations of every kind of file; ``tests/fuzz.py`` reads thousands."""

from __future__ import annotations

from pathlib import Path

import fuzz
import pytest
from formats.mutations import mutate

GOLDEN = Path(__file__).parents[1] / "golden"
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
    "checkpoint.pt": None,
    "checkpoint_heads.pt": "water",
    "matpl.pt": None,
}


@pytest.mark.parametrize("name", FILES)
def test_a_mutation_is_an_error_or_a_model(name: str, tmp_path: Path) -> None:
    data, head = (GOLDEN / name).read_bytes(), FILES[name]
    digest = fuzz.digest_of(GOLDEN / name, head)
    assert digest is not None
    found = set()
    for number in range(MUTATIONS):
        copy = tmp_path / "mutated"
        copy.write_bytes(mutate(data, 0, number))
        outcome = fuzz.outcome(copy, head, digest)
        assert outcome in ("error", "equal", "different"), f"{number}: {outcome}"
        found.add(outcome)
    assert "error" in found
    assert len(found) > 1


def test_a_mutation_is_repeated_by_its_number() -> None:
    data = (GOLDEN / "plain.pth").read_bytes()
    first = [mutate(data, 1, number) for number in range(20)]
    assert first == [mutate(data, 1, number) for number in range(20)]
    assert len(set(first)) == 20
    assert mutate(data, 2, 0) != first[0]


def test_the_harness_tells_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def long_message(path: Path, head: str | None) -> None:
        raise fuzz.ModelFileError(f"{path}: two\nlines")

    monkeypatch.setattr(fuzz, "read_model", long_message)
    assert fuzz.outcome(tmp_path / "a", None, None).startswith("FAILURE message")


@pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc"
)
def test_the_harness_measures_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plain.pth"
    file.write_bytes((GOLDEN / "plain.pth").read_bytes())
    monkeypatch.setattr(fuzz, "SLACK", -(2**40))
    counts = fuzz.run(file, None, 1, range(3))
    assert counts == {"FAILURE": 3}
    assert "--seed 1 --only 2: memory" in capsys.readouterr().out
    monkeypatch.undo()
    assert fuzz.run(file, None, 1, range(3))["FAILURE"] == 0
