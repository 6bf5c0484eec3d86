"""One iteration of DP-GEN after its training: exploration, selection, labels.

    python iteration.py FOLDER
    python iteration.py FOLDER --lmp "lmp -sf dpse" --no-labels
    python iteration.py FOLDER --lmp "mpirun -n 4 lmp -sf dpse" --beads 4

DP-GEN's own functions do everything, in its own order, from param.json and
machine.json beside this script, as ``dpgen run`` does after the models are trained.
The numbers that DP-GEN draws are the same in every run, so that runs with different
commands can be compared: outcome.json says what was selected.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import time
from functools import partialmethod
from pathlib import Path
from typing import Any

import numpy as np
from dpdispatcher import Submission
from dpgen.generator import run as dpgen
from dpgen.generator.arginfo import run_jdata_arginfo
from dpgen.remote.decide_machine import convert_mdata
from dpgen.util import normalize

HERE = Path(__file__).resolve().parent
ITERATION = Path("iter.000000")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="made if needed, and worked in")
    parser.add_argument("--lmp", help="LAMMPS, in place of machine.json's command")
    parser.add_argument("--no-labels", action="store_true", help="end after selecting")
    parser.add_argument("--beads", type=int, help="path integrals, a rank for each")
    parser.add_argument("--seconds", type=float, default=5, help="between two looks")
    options = parser.parse_args()
    prepare(options.folder)
    os.chdir(options.folder)
    labels = not options.no_labels
    found = iteration(options.lmp, options.beads, labels, options.seconds)
    Path("outcome.json").write_text(json.dumps(found, indent=1))
    frames = ", ".join(f"{len(rows)} {kind}" for kind, rows in found["judged"].items())
    print(f"{frames}; {len(found['chosen'])} chosen, {found['labelled']} labelled")


def prepare(folder: Path) -> None:
    """A folder of DP-GEN's as it is when the models are trained."""
    trained = folder / ITERATION / "00.train"
    trained.mkdir(parents=True)
    for model in sorted((HERE / "models").glob("graph.*.pb")):
        shutil.copy(model, trained)
    shutil.copytree(HERE / "confs", folder / "confs")
    for settings in ("param.json", "machine.json"):
        shutil.copy(HERE / settings, folder)


def iteration(
    lmp: str | None, beads: int | None, labels: bool, seconds: float
) -> dict[str, Any]:
    """Run DP-GEN's stages 3 to 8 in the present folder."""
    settings = json.loads(Path("param.json").read_text())
    if beads:
        settings["model_devi_jobs"][0]["nbeads"] = beads
    jobs = normalize(run_jdata_arginfo(), settings)
    dpgen.update_mass_map(jobs)
    machines = json.loads(Path("machine.json").read_text())
    if lmp:
        machines["model_devi"]["command"] = lmp
    machines = convert_mdata(machines)
    look = partialmethod(Submission.run_submission, check_interval=seconds)
    Submission.run_submission = look  # DP-GEN has no setting for it
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 (DP-GEN's)
    dpgen.make_model_devi(0, jobs, machines)
    started = time.perf_counter()
    dpgen.run_model_devi(0, jobs, machines)
    explored = time.perf_counter() - started
    dpgen.post_model_devi(0, jobs, machines)
    dpgen.make_fp(0, jobs, machines)
    if labels:
        dpgen.run_fp(0, jobs, machines)
        dpgen.post_fp(0, jobs)
    return {"seconds_of_exploration": explored} | outcome()


def outcome() -> dict[str, Any]:
    """What DP-GEN wrote: frames by its judgement, and those that it will label."""
    work = ITERATION / "02.fp"
    judged = {}
    for name in ("candidate", "rest_accurate", "rest_failed"):
        lines: list[str] = []
        for file in sorted(work.glob(f"{name}.shuffled.*.out")):
            lines += file.read_text().splitlines()
        judged[name] = sorted(
            [Path(task).name, int(step)] for task, step in map(str.split, lines)
        )
    chosen = [os.readlink(link) for link in sorted(work.glob("task.*/conf.dump"))]
    labelled = [
        len(np.load(energies)) for energies in work.glob("data.*/*/set.*/energy.npy")
    ]
    return {
        "judged": judged,
        "chosen": [[Path(c).parts[-3], int(Path(c).stem)] for c in chosen],
        "labelled": sum(labelled),
    }


if __name__ == "__main__":
    main()
