"""`dpse-fast test` and `model-devi`: what is read, refused, and left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.conftest import ENERGY_OFFSET, FORCE_OFFSET
from engines import needs
from golden.command_systems import HERE, MODELS, write_systems

Run = Callable[..., Any]

MODEL = HERE / MODELS[0]
QUIET = ("--sel-overflow", "truncate", "--threads", 1, "--tol", 0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the systems, in which commands run."""
    write_systems(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_trajectory_is_a_system(run: Run, trajectory: Path, model_file: Path) -> None:
    got = run("test", "-m", model_file, "-s", trajectory, "--json", "--by-type")
    assert got.code == 0
    overall = got.json["overall"]["errors"]
    assert overall["energy_per_atom"]["mae"] == pytest.approx(ENERGY_OFFSET)
    assert overall["force"]["rmse"] == pytest.approx(FORCE_OFFSET)
    of_types = [v for k, v in overall.items() if k.startswith("force (")]
    assert [one["mae"] for one in of_types] == pytest.approx([FORCE_OFFSET] * 2)
    assert sum(one["values"] for one in of_types) == overall["force"]["values"]
    assert got.json["systems"][0]["frames"] == 4
    assert got.json["error"] is None
    assert "virial" not in overall


def test_systems_are_found_recursively(run: Run, here: Path) -> None:
    command = ("test", "-m", MODEL, *QUIET, "-n", 2, "--json")
    found = run(*command, "-s", here).json["systems"]
    names = ["a", "b", "deep/c", "mixed", "one"]
    assert [one["system"] for one in found] == [str(here / name) for name in names]
    assert [one["frames"] for one in found] == [2, 2, 2, 2, 1]
    assert "energy" not in found[2]["errors"]


def test_a_list_may_have_comments_and_linked_systems(run: Run, here: Path) -> None:
    """deepmd-kit finds links to systems too."""
    (here / "links").mkdir()
    (here / "links/tilted").symlink_to(here / "b")
    (here / "list").write_text("# of water\nlinks\n\n  # and\n one\n")
    command = ("test", "-m", MODEL, *QUIET, "-f", "list", "-n", 1, "--json")
    found = run(*command).json["systems"]
    assert [one["system"] for one in found] == ["links/tilted", "one"]


def test_systems_of_a_training_input(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "train").mkdir()
    training: dict[str, Any] = {
        "training_data": {"systems": ["../deep", "../one"]},
        "validation_data": {"systems": "../b"},
    }
    path = here / "train/input.json"
    path.write_text(json.dumps({"training": training}))
    monkeypatch.chdir(here / "train")
    for option, expected in (("--train", ["deep/c", "one"]), ("--valid", ["b"])):
        command = ("test", "-m", MODEL, *QUIET, f"{option}-data", "input.json")
        found = run(*command, "--json").json["systems"]
        assert [one["system"] for one in found] == [str(here / x) for x in expected]
    training["validation_data"]["rglob_patterns"] = ["*"]
    path.write_text(json.dumps({"training": training}))
    assert "rglob_patterns" in run(*command).error
    training["validation_data"] = {"systems": []}
    path.write_text(json.dumps({"training": training}))
    assert "expected paths as training/validation_data" in run(*command).error
    path.write_text("{}")
    assert "expected training/validation_data/systems" in run(*command).error


def test_without_labels_nothing_is_compared(run: Run, here: Path) -> None:
    for label in (here / "one/set.000").glob("[efv]*.npy"):
        label.unlink()
    got = run("test", "-m", MODEL, *QUIET, "-s", "one")
    assert got.code == 0
    assert "no labels: nothing was compared" in got.out
    devi = ("model-devi", "-m", MODEL, MODEL, "-s", "one", "--real_error")
    assert "real_error: expected labels, got none" in run(*devi, *QUIET).error


def test_missing_labels_give_nan(run: Run, here: Path) -> None:
    devi = ("model-devi", "-m", MODEL, "-s", "b", "--real_error", "-o", "out")
    got = run(*devi, *QUIET)
    assert got.code == 0
    assert "no label of virial; its columns are nan (3 times)" in got.err
    assert "3 frames, 1 model, largest error of a force 2." in got.out
    columns = np.loadtxt(here / "out")
    assert np.isnan(columns[:, 1:4]).all()
    assert np.isfinite(columns[:, 4:]).all()
    (here / "b/set.000/force.npy").unlink()
    assert "largest error of a force nan" in run(*devi, *QUIET).out


def test_labels_that_are_not_needed_are_not_read(run: Run, here: Path) -> None:
    np.save(here / "deep/c/set.000/virial.npy", np.ones((2, 9)))
    told = "label 'virial': has no meaning"
    devi = ("model-devi", "-m", MODEL, MODEL, *QUIET, "-s", "deep/c")
    assert told not in run(*devi).err
    assert told in run(*devi, "--real_error").err
    embed = ("embed", "deep/c", "-m", MODEL, "--threads", 1, "-o")
    got = run(*embed, "out.npy")
    assert (got.code, got.err) == (0, "")
    before = (here / "deep/c/set.000/coord.npy").read_bytes()
    assert "no file of a npy system" in run(*embed, "deep/c/set.000/coord.npy").error
    assert (here / "deep/c/set.000/coord.npy").read_bytes() == before


def test_bad_frames_are_skipped_or_end_the_run(run: Run, here: Path) -> None:
    path = here / "a/set.001/coord.npy"
    coordinates = np.load(path)
    coordinates[0, 0] = np.nan
    np.save(path, coordinates)
    test = ("test", "-m", MODEL, *QUIET, "-f", "list", "-d", "x")
    devi = ("model-devi", "-m", MODEL, MODEL, *QUIET, "-s", "a", "-f", 5)
    got = run(*test)
    assert got.code == 1
    assert "a/set.001, frame 0" in got.error
    assert not (here / "x.e.out").exists()
    assert len(np.loadtxt(here / "x.e.partial.out")) == 3
    assert "note: 3 finished frames are in x.e.partial.out" in got.err
    (here / "model_devi.out").touch()
    got = run(*devi)
    assert (got.code, "replaced" in got.err) == (1, False)
    assert len(np.loadtxt(here / "model_devi.partial.out")) == 3
    got = run(*test, "--skip-bad", "--json")
    assert "of an earlier run that did not end are now in x.e.partial-1.out" in got.err
    assert len(np.loadtxt(here / "x.e.partial-1.out")) == 3
    assert got.json["systems"][0]["frames"] == 4
    assert got.json["skipped"][0]["frame"] == 3
    assert len(np.loadtxt(here / "x.e.out")) == 4 + 3 + 2
    got = run(*devi, "--skip-bad")
    assert got.code == 0
    assert f"are now in {here / 'model_devi.partial-1.out'}" in got.err
    assert list(np.loadtxt(here / "model_devi.out")[:, 0]) == [0, 5, 10, 20]
    assert not list(here.glob("*.partial.*"))
    assert "model_devi.out was replaced" in run(*devi, "--skip-bad").err


def test_details_of_a_system_without_labels(run: Run, here: Path) -> None:
    """As of one in which a quantity is labelled later on."""
    (here / "list").write_text("deep/c\none\n")
    assert run("test", "-m", MODEL, *QUIET, "-f", "list", "-d", "x.y").code == 0
    energies = np.loadtxt(here / "x.e.out")
    assert np.isnan(energies[:, 0]).tolist() == [True, True, False]
    assert np.loadtxt(here / "x.s.out").shape == (18,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["test", "-s", "a", "-f", "list"], "cannot be used together"),
        (["test", "-r", 3], "--rand-seed: has no effect without --shuffle"),
        (
            ["test", "-s", "x.hdf5#/a"],
            "is not read; x.hdf5 with --format",
        ),
        (["test", "-s", "a", "-a"], "energies of atoms are not compared"),
        (["test", "--train-data", "list"], "list: expected JSON"),
        (["test", "-s", "nowhere"], "nowhere: no such file"),
        (["test", "-s", "empty"], "there is no type.raw in or below it"),
        (["test", "-f", "empty/list"], "expected a path of a system a line"),
        (["test", "-S", "group"], "expected set, since sets are called"),
        (["test", "-s", "a", "-d", "no/x"], "the folder no does not exist"),
        (["test", "-s", "a", "-d", "deep/"], "expected a prefix"),
        (["model-devi", MODEL, "--energy-key", "e"], "no effect without --real_error"),
        (["model-devi"], "--models: expected two or more, got 1"),
        (
            ["model-devi", MODEL, "--real_error", "--deviation-tol", 1e-3],
            "--deviation-tol: has no effect with --real_error",
        ),
        (["model-devi", MODEL, "-s", "a", "-o", "no/x"], "no does not exist"),
        (["model-devi", MODEL, "-s", "a", "-o", MODEL], "another file than the model"),
        (
            ["model-devi", MODEL, "-s", "a", "-o", "a/type.raw"],
            "no file of a npy system",
        ),
        (["test", "-f", "y.e.out", "-d", "y"], "another file than the datafile"),
    ],
)
def test_refused(run: Run, here: Path, options: list[Any], message: str) -> None:
    (here / "empty").mkdir()
    (here / "empty/list").write_text("\n")
    (here / "y.e.out").write_text("a\n")
    command, *rest = options
    got = run(command, "-m", MODEL, *rest, *QUIET)
    assert got.code
    assert message in got.error


def test_lmdb_is_tested_through_dpdata(run: Run, here: Path) -> None:
    dpdata = needs("dpdata", "dpdata")
    system = dpdata.LabeledSystem(str(here / "a"), fmt="deepmd/npy")
    dpdata.MultiSystems(system).to("deepmd/lmdb", str(here / "data.lmdb"))
    command = ("test", "-m", MODEL, *QUIET, "--json")
    expected = run(*command, "-s", "a").json["overall"]
    read = ("-s", "data.lmdb", "--format", "dpdata:deepmd/lmdb")
    found = run(*command, *read).json["overall"]
    assert found["frames"] == expected["frames"] == 5
    for name, errors in expected["errors"].items():
        rmse = found["errors"][name]["rmse"]
        assert rmse == pytest.approx(errors["rmse"], rel=1e-6)
    assert "--format dpdata:deepmd/lmdb" in run(*command, "-s", "data.lmdb").error


def test_what_cannot_be_shuffled(run: Run, here: Path, trajectory: Path) -> None:
    np.save(here / "a/set.000/numb_copy.npy", np.ones((3, 1)))
    command = ("test", "-m", MODEL, "--shuffle")
    assert "numb_copy.npy: frames that count" in run(*command, "-s", "a").error
    assert "only the frames of npy" in run(*command, "-s", trajectory).error


def test_weights_of_forces_are_said_not_to_count(run: Run, here: Path) -> None:
    np.save(here / "one/set.000/atom_pref.npy", np.ones((1, 14)))
    got = run("test", "-m", MODEL, *QUIET, "-s", "one")
    assert "forces are compared without these weights" in got.err


def test_models_of_a_committee_may_follow_their_option(run: Run, here: Path) -> None:
    once = ("model-devi", "-m", MODEL, HERE / MODELS[1], "-s", "a", "-o", "1.out")
    twice = (
        "model-devi",
        "-m",
        MODEL,
        "-s",
        "a",
        "-o",
        "2.out",
        "-m",
        HERE / MODELS[1],
    )
    found = run(*once, *QUIET, "--atomic", "--json").json
    assert run(*twice, *QUIET, "--atomic").code == 0
    assert (here / "1.out").read_bytes() == (here / "2.out").read_bytes()
    assert len(found["models"]) == 2
    assert len(found["frames"]) == 5
    assert len(found["frames"][0]["atm_devi_f"]) == 20
    assert found["frames"][0]["max_devi_f"] == max(found["frames"][0]["atm_devi_f"])
