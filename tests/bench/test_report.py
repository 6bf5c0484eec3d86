"""The table, the picture and the files that bench/ makes of its measurements."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import comparison, machine, scaling, stages, threads
from bench.__main__ import write_all
from bench.peers import COMPRESSED
from bench.report_files import significant
from bench.table import markdown, neighbour_text, number, threads_table


def report() -> dict[str, object]:
    """Of a machine without peers where one precision was measured."""
    sizes = [(n, 1e-5 * n, 1e-5 * n, 10**8 + 800 * n) for n in (1000, 10_000)]
    names = ("atoms", "step_seconds", "step_cpu_seconds", "rss_peak_bytes")
    more = {"first_seconds": 1.0, "rss_before_load_bytes": 10**8}
    runs = [dict(zip(names, size, strict=True)) | more for size in sizes]
    rounds = {
        name: [{"wall": w, "cpu": w, "peak_bytes": 10**8} for w in (1.0, 2.0)]
        for name in (COMPRESSED, "dpse-fast, double")
    }
    shapes = {0: ((100, 10),)}
    stage = {
        "us_per_atom": {"neighbours": 1.5, "fitting": 30.0, "total": 31.5},
        "fitting": stages.fitting_rate(shapes, {0: 10}, 1e-6, {shapes[0]: 50.0}),
        "wall_over_cpu": 2.0,
    }
    off = comparison.differences(
        {"energy": 1.0, "forces": np.zeros((3, 3)), "virial": np.zeros((3, 3))},
        {"energy": 1.0, "forces": np.ones((3, 3)), "virial": np.zeros((3, 3))},
    )
    law = scaling.summarise(runs)
    return {
        "command": "python -m bench",
        "date": "2000-01-31",
        "quick": False,
        "model": "embedded water",
        "structure": "water",
        "machine": machine.describe_machine()
        | {"processor": "Some(R) CPU", "processors": 2},
        "peers": {"versions": {}, "notes": ["no peers: none"]},
        "comparison": {
            "atoms": 3,
            "reference": COMPRESSED,
            "agreement": {"dpse-fast, double": off},
            "contenders": comparison.summary(rounds, 3, [COMPRESSED]),
            "failed": {},
            "wall_over_cpu": comparison.wall_over_cpu(rounds),
            "rounds": rounds,
        },
        "stages": {
            "precisions": {"double": stage},
            "gemm_square_gflops": {"float64": 50.0},
        },
        "scaling": {"threads": 2, "precisions": {"double": law}, "notes": ["a note"]},
        "startup": {
            "other_work_cores": 1.3,
            "warm_seconds": {"x": 1.0},
            "first_ever_seconds": {"double": 9.0},
        },
    }


def test_table_has_a_section_for_all_that_was_measured() -> None:
    text = markdown(report())
    for words in (
        "no peers: none",
        "| dpse-fast, double | 500000 | 500000 | 1.00 (1.00–1.00) |",
        "N^1.000",
        "a note",
        "other work kept 1.3 of 2 processors busy",
        "first ever (compiles) | 9 |",
    ):
        assert words in text
    assert "Threads" not in text
    assert text.count("other work") == 1
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith(" |") for line in tables)


def test_threads_beside_what_the_machine_allows() -> None:
    """Threads of 0.6 s where one takes 1 s, and two processes at once 1.25 and 2 s."""
    one, many = [{"wall": 1.0, "cpu": 1.0}] * 3, [{"wall": 0.6, "cpu": 1.1}] * 3
    together = [[{"wall": wall, "cpu": 1.0} for wall in (1.25, 2.0)]] * 3
    entry = threads.summary(one, many, together, 2, 1000)
    assert entry["machine_allows"] == pytest.approx(1 / 1.25 + 1 / 2)
    text = threads_table({"threads": 2, "precisions": {"double": entry}})
    assert "| double | 1000 | 600 | 1.67 | 1.67 | 1.30 | 1.10 |" in text


def test_neighbour_list_in_the_table() -> None:
    entry = {"cpu_us_per_atom": 2.5, "times_faster": 3.0, "than": "vesin ij"}
    found = {"atoms": 192, "cutoff": 6.0, "pairs_equal": True}
    found["other_work_cores"] = 0.0
    text = neighbour_text({**found, "ours": entry, "vesin": {"cpu_us_per_atom": 7.5}})
    assert "Cutoff 6.0 Å; atoms 192, pairs equal True." in text
    assert "| ours | 2.5 | 3.00 | vesin ij |" in text
    assert "| vesin | 7.5 | – | – |" in text


def test_report_files(tmp_path: Path) -> None:
    paths = write_all(report(), str(tmp_path), None)
    assert [p.name for p in paths][:2] == [
        "some-cpu-2000-01-31.json",
        "some-cpu-2000-01-31.md",
    ]
    data = json.loads(paths[0].read_text())
    assert data["comparison"]["rounds"][COMPRESSED][1]["wall"] == 2.0
    for picture in paths[2:]:  # where matplotlib is installed
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 100_000
    other = write_all(report(), str(tmp_path), "/a/My model.pb")
    assert other[0].name == "some-cpu-2000-01-31-my-model.json"


def test_without_matplotlib_there_is_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert [p.suffix for p in write_all(report(), str(tmp_path), None)] == [
        ".json",
        ".md",
    ]


def test_rounding_keeps_the_structure() -> None:
    tree = {1: [1.23456789, (2, "x", None)], "b": {"c": True}}
    expected = {"1": [1.235, [2, "x", None]], "b": {"c": True}}
    assert significant(tree, 4) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (1234.5, "1230"),
        (0.0301, "0.0301"),
        (1.5e-6, "1.5e-06"),
    ],
)
def test_numbers_in_tables(value: float | None, text: str) -> None:
    assert number(value) == text
