"""What bench.workflows reads from the runs of generated inputs."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest

from bench.phonons import force_constants
from bench.workflow_runs import digest, loops, tables
from bench.workflows import difference

LOG = """
   Step          Temp           PotEng
         0   330           -100.5
         5   329.5         -100.25
Loop time of 0.5 on 1 procs for 5 steps with 4 atoms
Last command: run 5
   Step          Temp           PotEng
         5   329.5         -100.25
WARNING: an atom is far away
        10   331           -1.5e+02
Loop time of 0.25 on 1 procs for 5 steps with 4 atoms
"""


def test_each_run_of_a_log_has_a_table() -> None:
    first, second = tables(LOG)
    np.testing.assert_array_equal(first, [[0, 330, -100.5], [5, 329.5, -100.25]])
    np.testing.assert_array_equal(second, [[5, 329.5, -100.25], [10, 331, -150]])
    assert loops(LOG) == [0.5, 0.25]


def test_differences_are_relative_to_their_columns() -> None:
    reference = np.array([[0.0, 100.0, 1.0], [0.0, -200.0, 4.0]])
    found = reference + np.array([[0, 0.5, 0], [0, 0, 0.1]])
    off = difference(found, reference)
    assert off == pytest.approx({"largest": 0.5, "of_the_column": 0.025})
    with pytest.raises(click.ClickException, match=r"\(1, 3\) numbers, not \(2, 3\)"):
        difference(found[:1], reference)


def test_digest_is_of_all_inputs(tmp_path: Path) -> None:
    for name in ("task.0/in.lammps", "task.1/input.lammps", "task.1/conf.lmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    before = digest(tmp_path)
    (tmp_path / "task.1/conf.lmp").write_text("other")
    assert digest(tmp_path) == before
    (tmp_path / "task.1/input.lammps").write_text("other")
    assert digest(tmp_path) != before


def test_force_constants_of_a_file(tmp_path: Path) -> None:
    pairs = np.random.default_rng(0).normal(size=(4, 3, 3)).round(6)
    rows = [
        f"{k // 2 + 1} {k % 2 + 1}\n" + "\n".join(" ".join(map(str, r)) for r in pair)
        for k, pair in enumerate(pairs)
    ]
    (tmp_path / "FORCE_CONSTANTS").write_text("\n".join(["2 2", *rows]) + "\n")
    found = force_constants(tmp_path / "FORCE_CONSTANTS")
    np.testing.assert_array_equal(found, pairs.reshape(4, 9))
