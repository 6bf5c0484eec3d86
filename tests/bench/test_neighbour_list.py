"""The benchmark of the neighbour list runs, and compares what it says it does."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from bench.neighbour_list import equal, main


def test_without_vesin_only_ours_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vesin", None)
    done = CliRunner().invoke(main, ["--atoms", "192", "--steps", "1"])
    assert not done.exit_code, done.output
    assert "pip install vesin" in done.stderr
    report = json.loads(done.stdout)
    assert report["atoms"] == 192
    assert report["ours ijd"]["cpu_us_per_atom"] > 0
    assert not [name for name in report if "vesin" in name or name == "pairs_equal"]


def test_lists_are_equal_in_any_order_and_differ_by_one_pair() -> None:
    rng = np.random.default_rng(0)
    i, j, d = rng.integers(0, 9, 99), rng.integers(0, 9, 99), rng.uniform(1, 6, 99)
    order = rng.permutation(99)
    assert equal((i, j, d), (i[order], j[order], d[order]), 9)
    assert not equal((i, j, d), (i[1:], j[1:], d[1:]), 9)
    assert not equal((i, j, d), (i, j, d + 1e-6 * (order == 3)), 9)
    assert not equal((i, j, d), (i, (j + (order == 3)) % 9, d), 9)
