"""The drift of the energy, from logs of LAMMPS."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import pytest

from bench.nve import BLOCKS, DRIFT, ERROR, TIMESTEP, draw, drift_of, energies_of


def log_of(energies: np.ndarray, path: Path) -> Path:
    rows = [f"{20 * k} {e - 1:.12f} 1 {e:.12f} 300" for k, e in enumerate(energies)]
    text = ["  192 atoms", "Step PotEng KinEng TotEng Temp", *rows]
    path.write_text("\n".join([*text, "Loop time of 1.5 on 1 procs", "7 8 9 10 11"]))
    return path


def test_a_known_drift_is_found(tmp_path: Path) -> None:
    t = 20 * TIMESTEP * np.arange(2001)
    rng = np.random.default_rng(0)
    energies = 192 * (-155.0 + 3e-6 * t + rng.normal(scale=2e-5, size=t.size))
    times, total, about = energies_of(log_of(energies, tmp_path / "a.log"), 40000)
    assert about == {"atoms": 192, "steps": 40000}
    np.testing.assert_allclose(times, t)
    found = drift_of(times, total / 192)
    assert abs(found[DRIFT] - 3e-6) < 4 * found[ERROR]
    # Of a line through so many independent points.
    assert found[ERROR] == pytest.approx(2e-5 / np.sqrt(t.size) / t.std(), rel=0.5)
    assert found["rms_around_the_line_ev_per_atom"] == pytest.approx(2e-5, rel=0.1)
    draw({"a": (times, total / 192)}, {"a": found}, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size


def test_a_log_is_cut_or_refused(tmp_path: Path) -> None:
    log = log_of(np.ones(3 * BLOCKS), tmp_path / "a.log")
    _, energies, about = energies_of(log, 20 * (2 * BLOCKS - 1))
    assert about["steps"] == 20 * (2 * BLOCKS - 1)
    assert len(energies) == 2 * BLOCKS
    with pytest.raises(click.ClickException, match="rows or more, got 3"):
        energies_of(log, 40)
