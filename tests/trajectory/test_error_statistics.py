"""Running errors equal those of all values at once."""

from __future__ import annotations

import numpy as np
import pytest

from dpse_fast.trajectory import Labels
from dpse_fast.trajectory.error_statistics import (
    ErrorStatistics,
    ErrorSum,
    frame_errors,
)


def test_errors_of_frames_of_different_sizes() -> None:
    rng = np.random.default_rng(0)
    statistics = ErrorStatistics()
    energies, forces, virials = [], [], []
    for n in (1, 4, 7):
        energy, force = rng.normal(), rng.normal(size=(n, 3))
        virial = rng.normal(size=(3, 3))
        labels = Labels(rng.normal(), rng.normal(size=(n, 3)), rng.normal(size=(3, 3)))
        of_frame = frame_errors(energy, force, virial, labels)
        statistics.add(of_frame)
        energies.append(abs(energy - labels.energy) / n)
        forces.append(np.abs(force - labels.forces).ravel())
        virials.append(np.abs(virial - labels.virial).ravel() / n)
        assert of_frame["forces"].mae == pytest.approx(forces[-1].mean())
        assert of_frame["energy_per_atom"].rmse == pytest.approx(energies[-1])
    summary = statistics.summary()
    every = {
        "energy_per_atom": np.array(energies),
        "forces": np.concatenate(forces),
        "virial_per_atom": np.concatenate(virials),
    }
    assert set(summary) == set(every)
    for name, errors in every.items():
        assert summary[name]["mae"] == pytest.approx(errors.mean())
        assert summary[name]["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
        assert summary[name]["max"] == errors.max()
        assert summary[name]["values"] == errors.size


def test_no_labels() -> None:
    statistics = ErrorStatistics()
    errors = frame_errors(1.0, np.ones((2, 3)), np.eye(3), Labels())
    statistics.add(errors)
    assert errors == {}
    assert statistics.summary() == {}
    assert ErrorSum().summary() == {"mae": 0.0, "rmse": 0.0, "max": 0.0, "values": 0}


def test_what_is_not_a_number_stays_the_largest_error() -> None:
    bad, total = ErrorSum(), ErrorSum()
    bad.add([1.0, np.nan], [0.0, 0.0])
    for one in (bad, ErrorSum(1, 2.0, 4.0, 2.0)):
        total.merge(one)
    assert np.isnan([bad.largest, total.largest, total.rmse]).all()
