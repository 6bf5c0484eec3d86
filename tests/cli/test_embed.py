"""`dpse-fast embed`: what is written, and that a run can be continued."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from cli.eval_frames import N_FRAMES, gas
from random_model import random_model

import dpse_fast
from dpse_fast.formats import exchange

Run = Callable[..., Any]


@pytest.fixture
def potential(model_file: Path) -> dpse_fast.Potential:
    return dpse_fast.load(model_file, device="cpu", tol=0)


def features_of(potential: dpse_fast.Potential, atoms: Atoms) -> dpse_fast.Features:
    symbols = atoms.get_chemical_symbols()
    return potential.features(atoms.positions, symbols, atoms.cell[:])


def test_hdf5_has_every_frame(
    run: Run, place: Path, model_file: Path, potential: dpse_fast.Potential
) -> None:
    out = place / "out.h5"
    got = run("embed", place / "good.xyz", "-m", model_file, "-o", out, "--json")
    assert got.code == 0
    assert got.json["output"] == str(out)
    assert got.json["summary"]["frames"] == N_FRAMES
    assert got.json["descriptor"] == potential.model.n_features
    with h5py.File(out) as file:
        assert file.attrs["format"] == "dpse-fast features"
        assert list(file.attrs["type_map"]) == list(potential.type_map)
        assert file.attrs["model_digest"] == potential.model.digest()
        ends = [0, *file["frames/end"]]
        for f, atoms in enumerate(read(place / "good.xyz", ":")):
            part = slice(ends[f], ends[f + 1])
            expected = features_of(potential, atoms)
            for name in ("descriptor", "atomic_feature"):
                stored = file[f"atoms/{name}"][part]
                np.testing.assert_array_equal(stored, getattr(expected, name))
            pooled = file["frames/structural_feature"][f]
            np.testing.assert_array_equal(pooled, expected.structural_feature)
            names = np.array(potential.type_map)[file["atoms/type"][part]]
            assert list(names) == atoms.get_chemical_symbols()


@pytest.mark.parametrize(
    ("wanted", "present", "absent"),
    [
        ("descriptor", {"atoms/descriptor"}, {"atoms/atomic_feature"}),
        ("last-layer", {"atoms/atomic_feature"}, {"atoms/descriptor"}),
    ],
)
def test_only_what_is_wanted_in_float32(
    run: Run,
    place: Path,
    model_file: Path,
    wanted: str,
    present: set[str],
    absent: set[str],
) -> None:
    out = place / "out.h5"
    options = ("--features", wanted, "--dtype", "float32", "--index", ":2")
    got = run("embed", place / "good.xyz", "-m", model_file, "-o", out, *options)
    assert got.code == 0
    assert f"written to {out}" in got.out
    with h5py.File(out) as file:
        assert len(file["frames/index"]) == 2
        assert all(file[name].dtype == np.float32 for name in present)
        assert not any(name in file for name in absent)


def test_npy_is_one_array(
    run: Run, place: Path, model_file: Path, potential: dpse_fast.Potential
) -> None:
    frames = [gas(seed) for seed in range(4)]
    write(place / "t.xyz", frames)
    out = place / "out.npy"
    assert run("embed", place / "t.xyz", "-m", model_file, "-o", out).code == 0
    found = np.load(out)
    assert found.shape == (4, len(frames[0]), potential.model.n_features)
    expected = np.stack([features_of(potential, a).descriptor for a in frames])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)  # rounded positions
    got = run("embed", place / "good.xyz", "-m", model_file, "-o", out)
    assert got.code == 1
    assert "write to .h5" in got.error
    np.testing.assert_array_equal(np.load(out), found)


@pytest.mark.parametrize("name", ["out.h5", "out.npy"])
def test_resumed_run_gives_the_same_file(
    run: Run, place: Path, model_file: Path, name: str
) -> None:
    frames = [gas(seed) for seed in range(4)]
    write(place / "t.xyz", frames)
    good = (place / "t.xyz").read_text()
    command = ("embed", place / "t.xyz", "-m", model_file, "-o", place / name)
    assert run(*command).code == 0
    expected = (place / name).read_bytes()
    (place / name).unlink()
    frames[2].positions[1] = np.nan
    write(place / "t.xyz", frames)
    failed = run(*command)
    assert failed.code == 1
    assert "--resume continues" in failed.err
    partial = place / name.replace(".", ".partial.")
    if name == "out.npy":
        assert len(np.load(partial)) == 2
    (place / "t.xyz").write_text(good)
    got = run(*command, "--resume", "--json")
    assert got.code == 0
    assert [frame["frame"] for frame in got.json["frames"]] == list(range(4))
    assert (place / name).read_bytes() == expected
    assert not partial.exists()


def test_bad_frames_are_skipped(run: Run, place: Path, model_file: Path) -> None:
    out = place / "out.h5"
    options = ("-m", model_file, "-o", out, "--skip-bad", "--json")
    got = run("embed", place / "bad.xyz", *options)
    assert got.code == 0
    assert [one["frame"] for one in got.json["skipped"]] == [3]
    with h5py.File(out) as file:
        assert list(file["frames/index"]) == [0, 1, 2, 4, 5]


def test_parameters_count_for_last_layers_only(run: Run, place: Path) -> None:
    exchange.write(random_model(fparam=1), place / "model.h5")
    command = ("embed", place / "good.xyz", "-m", place / "model.h5", "-o")
    assert run(*command, place / "d.h5", "--features", "descriptor").code == 0
    assert "fparam" in run(*command, place / "l.h5").error
    assert run(*command, place / "l.h5", "--fparam", "0.5").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("-o", "out.xyz"), 1, ".h5, .hdf5, .npy"),
        (("-o", "out.npy", "--features", "both"), 2, "one array"),
        (("-o", "good.h5", "--tol", "1"), 2, "--tol"),
        ((), 2, "--output"),
    ],
)
def test_refusals(
    run: Run, place: Path, model_file: Path, arguments: Any, code: int, words: str
) -> None:
    given = [place / a if "." in a else a for a in arguments]
    got = run("embed", place / "good.xyz", "-m", model_file, *given)
    assert got.code == code
    assert words in got.err
