"""`test` and `model-devi` against what deepmd-kit's commands wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.command_systems import HERE, MIXED, MODELS, write_systems

Run = Callable[..., Any]

COMMANDS = HERE / "commands"
EXACT = ("--tol", 0, "--sel-overflow", "truncate", "--threads", 1)
DETAILS = ("e", "e_peratom", "f", "v", "v_peratom", "s")
OPTIONS = {
    "plain": ["-s", "a", "-f", 10],
    "atomic": ["-s", "b", "--atomic"],
    "open": ["-s", "deep/c"],
    "real_error": ["-s", "a", "--real_error"],
    "relative": ["-s", "b", "--relative", 0.5],
    "relative_error": ["-s", "a", "--real_error", "--relative", 1],
    "relative_v": ["-s", "one", "--relative_v", 0.1],
    "relative_v_error": ["-s", "one", "--relative_v", 0.1, "--real_error"],
}
SHUFFLED = ["-s", "a", "-n", 3, "--shuffle-test", "-r", 7]
TESTS: dict[str, list[Any]] = {
    "test": ["-m", HERE / MODELS[0], "-f", "list"],
    "shuffled": [
        "-m",
        HERE / MODELS[0],
        *["-s", "a", "-n", "3", "--shuffle-test", "-r", "7"],
    ],
    "mixed": ["-m", HERE / MIXED, "-s", "mixed"],
}
UNLABELLED = {"e": slice(8, None), "v": slice(5, None)}  # rows of the list of systems


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("systems")
    write_systems(folder)
    return folder


@pytest.fixture
def place(systems: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the command writes; it runs in the folder of the systems."""
    monkeypatch.chdir(systems)
    return tmp_path


@pytest.mark.parametrize("name", TESTS)
def test_errors_and_details_are_those_of_dp_test(
    run: Run, place: Path, name: str
) -> None:
    got = run("test", *TESTS[name], *EXACT, "-d", place / "details")
    assert got.code == 0
    expected = (COMMANDS / f"{name}.log").read_text()
    assert _errors(got.out) == _errors(expected)
    assert _systems(got.out) == _systems(expected)
    for kind in DETAILS:
        ours = place / f"details.{kind}.out"
        theirs = COMMANDS / f"{name}.{kind}.out"
        assert ours.open().readline() == theirs.open().readline()
        found, reference = np.loadtxt(ours), np.loadtxt(theirs)
        if name == "test" and kind[0] in UNLABELLED:  # where deepmd-kit writes 0
            width = found.shape[1] // 2
            assert np.isnan(found[UNLABELLED[kind[0]], :width]).all()
            assert not reference[UNLABELLED[kind[0]], :width].any()
            found[UNLABELLED[kind[0]], :width] = 0
        np.testing.assert_allclose(found, reference, rtol=1e-11, atol=1e-9)


def _errors(text: str) -> list[tuple[str, float]]:
    lines = re.findall(r"^(\w+ +R?MS?A?E\S*) +: (\S+) eV", text, re.M)
    return [(words, float(number)) for words, number in lines]


def _systems(text: str) -> list[str]:
    return re.findall(r"# (?:testing system|number of \w+ ?\w*) : .*", text)


@pytest.mark.parametrize("name", OPTIONS)
def test_deviations_are_those_of_dp_model_devi(
    run: Run, place: Path, name: str
) -> None:
    models = [HERE / model for model in MODELS]
    out = place / "model_devi.out"
    got = run("model-devi", "-m", *models, *OPTIONS[name], *EXACT, "-o", out)
    assert got.code == 0
    ours, theirs = out.read_text(), (COMMANDS / f"{name}.out").read_text()
    assert _words(ours) == _words(theirs)
    found, reference = np.loadtxt(out), np.loadtxt(COMMANDS / f"{name}.out")
    np.testing.assert_allclose(found, reference, rtol=2e-6)  # seven digits


def _words(text: str) -> list[list[int] | str]:
    """Comments as they are, and the lengths of lines of numbers."""
    return [
        line if line.startswith("#") else [len(word) for word in line.split()]
        for line in text.splitlines()
    ]


def test_a_deviation_tolerance_is_named(run: Run, place: Path) -> None:
    """In the last lines and in JSON, with what it means for the deviations."""
    models = [HERE / model for model in MODELS]
    given = ("model-devi", "-m", *models, *OPTIONS["plain"], "--deviation-tol", 0.01)
    said = run(*given, "-o", place / "some.out").out
    assert "all models but the first were planned for 0.01 eV/Å" in said
    found = json.loads(run(*given, "-o", place / "more.out", "--json").out)
    assert found["deviation_tolerance_ev_per_angstrom"] == 0.01
    most = found["deviation_certificate"]["force_max_ev_per_angstrom"]
    assert 0 < most < 0.02
    run("model-devi", "-m", *models, *OPTIONS["plain"], *EXACT, "-o", place / "x")
    exact, table = np.loadtxt(place / "x"), np.loadtxt(place / "some.out")
    assert np.abs(exact[:, 4:7] - table[:, 4:7]).max() < most
