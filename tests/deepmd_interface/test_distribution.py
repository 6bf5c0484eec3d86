"""plugins/deepmd: ``import deepmd`` and ``dp``, and beside another ``deepmd``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import other_process
import pytest
from deepmd_interface.calls import FRAMES, MODELS, TYPES, cells, coordinates
from other_process import users_environment

from dpse_fast.deepmd import DeepPot

PLUGIN = Path(__file__).parents[2] / "plugins" / "deepmd"
PLAIN = str(MODELS / "plain.pb")


def run(code: str, folder: Path, *first: Path) -> subprocess.CompletedProcess[str]:
    """Python with the plugin on its path, and other folders before it."""
    own = [PLUGIN, PLUGIN / "dpse_deepmd" / "provided", PLUGIN.parents[1]]
    path = os.pathsep.join(map(str, [*first, *own]))
    env = users_environment(PYTHONPATH=path)
    return other_process.run(sys.executable, "-c", code, env=env, cwd=folder)


@pytest.fixture
def other(tmp_path):
    """A folder of packages with what looks like deepmd-kit."""
    folder = tmp_path / "packages"
    (folder / "deepmd").mkdir(parents=True)
    (folder / "deepmd" / "__init__.py").write_text("whose = 'deepmd-kit'\n")
    info = folder / "deepmd_kit-3.2.0.dist-info"
    info.mkdir()
    text = "Metadata-Version: 2.1\nName: deepmd-kit\nVersion: 3.2.0\n"
    (info / "METADATA").write_text(text)
    (info / "RECORD").write_text("deepmd/__init__.py,,\n")
    return folder


@pytest.fixture
def dp(monkeypatch):
    """The function of the command ``dp``."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    from dpse_deepmd.command import main

    return main


def test_scripts_of_deepmd_kit_find_their_names(tmp_path):
    found = run(
        "import deepmd, sys\n"
        "assert not any(m.startswith('dpse_fast.') for m in sys.modules)\n"
        "from deepmd.infer import DeepPot, DeepPotential, calc_model_devi\n"
        "from deepmd.infer.deep_pot import DeepPot as same\n"
        "from deepmd.infer.deep_eval import DeepEval\n"
        "from deepmd.infer.deep_dipole import DeepDipole\n"
        "from deepmd.infer.deep_dos import DeepDOS\n"
        "from deepmd.infer.deep_polar import DeepPolar\n"
        "from deepmd.infer.deep_property import DeepProperty\n"
        "from deepmd.infer.deep_wfc import DeepWFC\n"
        "from deepmd.infer.model_devi import calc_model_devi_f, calc_model_devi\n"
        "from deepmd.calculator import DP\n"
        "import dpse_fast.deepmd as ours\n"
        "assert DeepPot is same is ours.DeepPot and DP is ours.DP\n"
        "print(deepmd.__version__.split('+')[0])\n"
        f"print(type(deepmd.DeepPotential({PLAIN!r})).__name__)\n"
        "try: import deepmd.tf.infer\n"
        "except ModuleNotFoundError as error: print(error)\n",
        tmp_path,
    )
    assert not found.returncode, found.stderr
    version, kind, message = found.stdout.splitlines()
    assert (version, kind) == ("3.2.0", "DeepPot")
    assert message.startswith("deepmd.tf is not provided by dpse-fast-deepmd, which")


def test_an_installed_deepmd_kit_is_not_shadowed(tmp_path, other):
    code = "import deepmd; print(deepmd.whose)"
    found = run(code, tmp_path, other)
    assert found.stdout == "deepmd-kit\n"
    # Where ours comes first, for whatever reason, it says so.
    found = run(code, tmp_path, PLUGIN / "dpse_deepmd" / "provided", other)
    assert found.returncode
    last = found.stderr.splitlines()[-1]
    assert last.startswith("ImportError: dpse-fast-deepmd: deepmd-kit 3.2.0 provides")


def test_the_package_is_the_command_too(tmp_path):
    main = "import runpy, sys; sys.argv = ['deepmd', 'freeze']\n"
    found = run(main + "runpy.run_module('deepmd', run_name='__main__')", tmp_path)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("dp freeze: dpse-fast has no ")


def test_dp_beside_deepmd_kit_refuses(dp, other, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(other))
    assert dp(["test"]) == 2
    assert "deepmd-kit 3.2.0 provides the package deepmd" in capsys.readouterr().err


def test_a_folder_called_deepmd_is_no_package(dp, tmp_path, monkeypatch):
    from dpse_deepmd.other_provider import other_provider

    (tmp_path / "deepmd").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert other_provider() is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("test -s data -n 3", "test --model frozen_model -s data -n 3"),
        ("test -m graph", "test --model graph.pb"),
        ("--pt test -m graph --model-branch A", "test --model graph.pth --head A"),
        ("-b pt test -m graph.pb", "test --model graph.pb"),
        (
            "model-devi -m graph graph.pb -o o",
            "model-devi -m graph.pb -m graph.pb -o o",
        ),
        (
            "model-devi --atomic",
            "model-devi -m graph.000 -m graph.001 -m graph.002 -m graph.003 --atomic",
        ),
        ("--pt show graph.pth type-map", "show graph.pth type-map"),
        ("convert-backend graph.pb x.dp", "convert graph.pb x.dp"),
        (
            "embed -m graph.pb --dtype native",
            "embed . --output embedding.hdf5 --model graph.pb --dtype float64",
        ),
    ],
)
def test_options_of_deepmd_kit_become_ours(dp, given, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("graph.pb", "graph.pth"):
        Path(name).touch()
    lines = []
    monkeypatch.setattr("dpse_fast.cli.main", lambda line: lines.append(line) or 0)
    assert dp(given.split()) == 0
    assert lines == [expected.split()]


def test_options_of_the_environment_are_ours_too(dp, monkeypatch, capsys):
    lines = []
    monkeypatch.setattr("dpse_fast.cli.main", lambda line: lines.append(line) or 3)
    monkeypatch.setenv("DPSE_TOL", "0")
    monkeypatch.setenv("DPSE_THREADS", "2")
    monkeypatch.setenv("DPSE_TYPE_MAP", "O,H")
    monkeypatch.setenv("DPSE_SKIN", "0")
    assert dp(["test", "-m", "m", "--threads", "1"]) == 3
    expected = "test --model m --tol 0.0 --type-map O,H --threads 1"
    assert lines == [expected.split()]
    assert capsys.readouterr().err == "dp test: DPSE_SKIN has no effect\n"


@pytest.mark.parametrize("command", ["train", "freeze", "compress", "gui"])
def test_commands_without_a_counterpart_say_so(dp, command, capsys):
    assert dp([command, "--anything"]) == 2
    assert capsys.readouterr().err.startswith(f"dp {command}: dpse-fast has no ")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("test --log-path x", "-l/--log-path is not available"),
        ("test -a", "-a/--atomic is not available"),
        ("embed -f x", "-f/--datafile is not available"),
        ("eval-desc -s nowhere", "no system in nowhere"),
        ("eval-desc -f nowhere", "-f/--datafile: "),
    ],
)
def test_options_without_a_counterpart_say_so(dp, given, message, capsys):
    with pytest.raises(SystemExit):
        dp(given.split())
    assert message in capsys.readouterr().err


def test_eval_desc_writes_a_file_for_each_system(dp, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        folder = tmp_path / "data" / name / "set.000"
        folder.mkdir(parents=True)
        (folder.parent / "type.raw").write_text("\n".join(map(str, TYPES)))
        (folder.parent / "type_map.raw").write_text("O\nH\n")
        np.save(folder / "coord.npy", coordinates().reshape(FRAMES, -1))
        np.save(folder / "box.npy", cells().reshape(FRAMES, -1))
    monkeypatch.setenv("DPSE_TOL", "0")
    assert dp(["eval-desc", "-m", PLAIN, "-s", "data", "-v", "ERROR"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said.count("dp eval-desc: DPSE_TOL has no effect") == 1
    expected = DeepPot(PLAIN).eval_descriptor(coordinates(), cells(), TYPES)
    for name in ("one", "two"):
        found = np.load(tmp_path / "desc" / f"{name}.npy")
        np.testing.assert_array_equal(found, expected)
