"""What DP-GEN, dpti and APEX generate runs with -sf dpse and gives the same numbers.

deepmd-kit's numbers are in golden/workflows.npz, which ``python -m bench.workflows
--reference`` writes. The tools are tested where they are installed in this
environment.
"""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lammps_runs import ROOT, Lammps

from bench.workflow_runs import Runner, digest, generate

GOLDEN = Path(__file__).parent / "golden" / "workflows.npz"
PRINTED = 3e-6  # relative, of the digits of model_devi.out
DIGITS = 1e-7  # of the largest number of a column: what LAMMPS prints


def needed(module: str, package: str) -> Any:
    """Skips a test, before anything is built for it, where a tool is missing."""
    missing = find_spec(module) is None
    reason = f"{module} is not installed here: pip install {package}"
    return pytest.mark.skipif(missing, reason=reason)


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    with np.load(GOLDEN) as saved:
        return {name: saved[name] for name in saved}


@pytest.fixture
def runner(lammps: Lammps, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    environment = lammps.environment | {"DPSE_TOL": "0"}
    command = f"{lammps.binary} -sf dpse"
    return Runner("dpse-fast", command, environment, lammps.launcher)


def same_inputs(golden: dict[str, Any], name: str, folder: Path) -> None:
    """Skip unless the tool wrote what deepmd-kit's numbers are for."""
    if digest(folder) != golden[f"{name}/inputs"]:
        pytest.skip(f"{name}: this version writes other inputs than those tested")


@needed("dpgen", "dpgen")
@pytest.mark.parametrize(("name", "beads"), [("dpgen", None), ("dpgen-beads", 4)])
def test_dpgen_selects_the_same(
    runner: Runner,
    golden: dict[str, Any],
    tmp_path: Path,
    name: str,
    beads: int | None,
) -> None:
    run = runner.iteration(sys.executable, tmp_path / "dpgen", beads)
    same_inputs(golden, name, tmp_path / "dpgen")
    assert run["judged"] == json.loads(str(golden[f"{name}/judged"]))
    assert run["chosen"] == json.loads(str(golden[f"{name}/chosen"]))
    assert min(map(len, run["judged"].values())) > 0
    expected = golden[f"{name}/deviations"]
    np.testing.assert_allclose(run["deviations"], expected, rtol=PRINTED)


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param("dpti", marks=needed("dpti", "dpti")),
        pytest.param("apex", marks=needed("apex", "apex-flow")),
    ],
)
def test_tasks(
    tool: str, runner: Runner, golden: dict[str, Any], tmp_path: Path
) -> None:
    tasks = generate(tool, sys.executable, tmp_path / tool)
    assert len(tasks) > 4
    for task in tasks:
        same_inputs(golden, f"{tool}/{task}", tmp_path / tool / task)
        run = runner.task(tmp_path / tool / task)
        expected = golden[f"{tool}/{task}/thermo"]
        off = np.abs(np.concatenate(run["thermo"]) - expected)
        assert (off <= DIGITS * np.abs(expected).max(axis=0)).all(), task


def test_files_are_known_by_their_content(lammps: Lammps, tmp_path: Path) -> None:
    """DP-GEN names models graph.000.pb, whatever trained them."""
    native = ROOT / "tests" / "golden" / "plain.dp"
    for name in ("graph.000.pb", "graph.001.pb"):
        shutil.copy(native, tmp_path / name)
    script = f"""
units metal
atom_style atomic
box tilt large
if "${{restart}} > 0" then "read_restart dpgen.restart.*" &
    else "read_data {ROOT}/examples/lammps/water/water.data"
change_box all triclinic
pair_style      deepmd graph.000.pb graph.001.pb  out_freq 10 out_file model_devi.out 
pair_coeff      * * O H
run 0
"""
    (tmp_path / "in.lammps").write_text(script)
    command = [lammps.binary, "-sf", "dpse", "-i", "in.lammps", "-v", "restart", "0"]
    found = lammps.execute(command, tmp_path)
    assert not found.code, found.text
    row = np.loadtxt(tmp_path / "model_devi.out")
    assert row.shape == (7,)
    assert not row.any()  # the same model twice
