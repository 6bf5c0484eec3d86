"""Inputs that DP-GEN, dpti and APEX generate, run by one LAMMPS."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .peers import call
from .worker import peer_environment

EXAMPLES = Path(__file__).parents[1] / "examples"
MOST_SECONDS = 1200
LOOP = re.compile(r"Loop time of (\S+) on ")


@dataclass
class Runner:
    """A LAMMPS, its options and what it needs of the environment.

    Parameters
    ----------
    name : for the report
    command : without the input, as it stands in a machine.json
    environment : added to ours
    launcher : the mpirun of its MPI
    """

    name: str
    command: str
    environment: dict[str, str]
    launcher: str = "mpirun"

    def iteration(
        self, python: str, folder: Path, beads: int | None = None
    ) -> dict[str, Any]:
        """One iteration of DP-GEN in a new folder: what it wrote, and times.

        ``python`` has dpgen. The deviations are those of all tasks, one below the
        other, in the columns of model_devi.out; those of all beads, if there are any,
        which DP-GEN puts into one file. Times are those of the last bead.
        """
        script = EXAMPLES / "dpgen" / "iteration.py"
        lmp = self.command
        if beads:
            lmp = f"{self.launcher} -n {beads} {lmp}"
        command = [python, str(script), str(folder), "--lmp", lmp]
        command += ["--beads", str(beads)] if beads else []
        call(
            f"dpgen with {self.name}",
            [*command, "--no-labels", "--seconds", "1"],
            folder.parent,  # dpgen writes its log where it is imported
            MOST_SECONDS,
            environment=self.environment,
        )
        tasks = sorted((folder / "iter.000000" / "01.model_devi").glob("task.*"))
        logs = [max(task.glob("log.lammps*")).read_text() for task in tasks]
        deviations = [np.loadtxt(task / "model_devi.out") for task in tasks]
        found: dict[str, Any] = json.loads((folder / "outcome.json").read_text())
        return found | {
            "loop": [seconds for log in logs for seconds in loops(log)],
            "deviations": np.concatenate(deviations),
        }

    def task(self, folder: Path) -> dict[str, Any]:
        """A task with an in.lammps: thermodynamic output of all runs, and times."""
        command = [*shlex.split(self.command), "-i", "in.lammps"]
        what = f"{folder.name} with {self.name}"
        call(what, command, folder, MOST_SECONDS, self.environment)
        log = (folder / "log.lammps").read_text()
        return {"loop": loops(log), "thermo": tables(log)}


def loops(log: str) -> list[float]:
    """Seconds of the runs in a log."""
    return [float(seconds) for seconds in LOOP.findall(log)]


def tables(log: str) -> list[NDArray[np.float64]]:
    """Of each run in a log the rows of thermodynamic output."""
    found: list[NDArray[np.float64]] = []
    rows: list[list[float]] | None = None
    for line in log.splitlines():
        words = line.split()
        if words[:1] == ["Step"]:
            rows = []
        elif line.startswith("Loop time"):
            found.append(np.array(rows))
            rows = None
        elif rows is not None and words and re.fullmatch(r"\d+", words[0]):
            rows.append([float(word) for word in words])
    return found


def generate(tool: str, python: str, folder: Path) -> list[Path]:
    """Folders of tasks that run a model, made by a tool's own functions.

    Relative to ``folder``.
    """
    script = EXAMPLES / tool / "tasks.py"
    call(tool, [python, str(script), str(folder)], folder.parent, environment={})
    scripts = sorted(folder.rglob("in.lammps"))
    # APEX links the input of a task to one beside the task's folder.
    scripts = [s for s in scripts if not any(map(Path.is_dir, s.parent.iterdir()))]
    with_model = [s for s in scripts if "deepmd" in s.read_text()]
    return [script.parent.relative_to(folder) for script in with_model]


def digest(folder: Path) -> str:
    """Of all inputs in a folder: numbers are those of the same inputs only."""
    scripts = sorted([*folder.rglob("in.lammps"), *folder.rglob("input.lammps")])
    text = "".join(script.read_text() for script in scripts)
    return hashlib.sha256(text.encode()).hexdigest()


def runners(ours: str, peer: str, plugin: Path, library: Path) -> list[Runner]:
    """deepmd-kit first; then our plugin, and deepmd-kit's on our library.

    Parameters
    ----------
    ours, peer : interpreters of environments with LAMMPS
    plugin : folder of dpseplugin.so
    library : libdeepmd_c.so of ours
    """
    plugged = {"OMP_NUM_THREADS": "1", "LAMMPS_PLUGIN_PATH": str(plugin)}
    preloaded = peer_environment(1) | {"LD_PRELOAD": str(library)}
    ours_in, peer_in = Path(ours).parent, Path(peer).parent
    theirs, command = str(peer_in / "lmp"), f"{ours_in / 'lmp'} -sf dpse"
    launcher, peer_launcher = str(ours_in / "mpirun"), str(peer_in / "mpirun")
    exact = {"DPSE_TOL": "0"}
    return [
        Runner("deepmd-kit", theirs, peer_environment(1), peer_launcher),
        Runner("-sf dpse, tol 0", command, plugged | exact, launcher),
        Runner("-sf dpse", command, plugged, launcher),
        Runner("library, tol 0", theirs, preloaded | exact, peer_launcher),
    ]
