"""The table, the picture and the files that bench/ makes of its measurements."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import threads
from bench.__main__ import write_all
from bench.report_files import RESULTS, significant
from bench.table import markdown, number

STORED = RESULTS / "intel-xeon-processor-2026-11-25-water.json"


@pytest.fixture
def report() -> dict[str, Any]:
    """Threads of 0.6 s where one takes 1 s, and two processes at once 1.25 and 2 s."""
    one, many = [{"wall": 1.0, "cpu": 1.0}] * 3, [{"wall": 0.6, "cpu": 1.1}] * 3
    together = [[{"wall": wall, "cpu": 1.0} for wall in (1.25, 2.0)]] * 3
    entry = threads.summary(one, many, together, 2, 1000)
    found: dict[str, Any] = json.loads(STORED.read_text())
    found["threads"] = {"threads": 2, "precisions": {"double": entry}}
    found["threads"]["other_work_cores"] = 1.3
    found["machine"]["processors"] = 2
    return found


def test_tables_of_a_stored_report(report: dict[str, Any]) -> None:
    text = markdown(report)
    for section in STORED.with_suffix(".md").read_text().split("\n## "):
        assert section.startswith("Threads") or section.strip() in text
    assert report["threads"]["precisions"]["double"]["machine_allows"] == (
        pytest.approx(1 / 1.25 + 1 / 2)
    )
    assert "| double | 1000 | 600 | 1.67 | 1.67 | 1.30 | 1.10 |" in text
    assert "other work kept 1.3 of 2 processors busy" in text
    del report["threads"]
    assert "Threads" not in markdown(report)


def test_report_files(tmp_path: Path, report: dict[str, Any]) -> None:
    paths = write_all(report, str(tmp_path), None)
    assert [p.name for p in paths] == [
        f"intel-xeon-processor-2026-11-25.{kind}" for kind in ("json", "md", "png")
    ]
    rounds = json.loads(paths[0].read_text())["comparison"]["rounds"]
    assert rounds == report["comparison"]["rounds"]
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    assert paths[2].stat().st_size < 100_000
    other = write_all(report, str(tmp_path), "/a/My model.pb")
    assert other[0].name == "intel-xeon-processor-2026-11-25-my-model.json"


def test_without_matplotlib_there_is_no_picture(
    tmp_path: Path, report: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    paths = write_all(report, str(tmp_path), None)
    assert [p.suffix for p in paths] == [".json", ".md"]


def test_rounding_keeps_the_structure() -> None:
    tree = {1: [1.23456789, (2, "x", None)], "b": {"c": True}}
    expected = {"1": [1.235, [2, "x", None]], "b": {"c": True}}
    assert significant(tree, 4) == expected


def test_numbers_in_tables() -> None:
    values = (None, 0.0, 1234.5, 0.0301, 1.5e-6)
    assert [*map(number, values)] == ["–", "0", "1230", "0.0301", "1.5e-06"]
