"""Writes workflows.npz: what deepmd-kit computes for generated inputs of LAMMPS.

    PYTHONPATH=. python tests/lammps/golden/make_workflows.py PEER DPGEN DPTI APEX

with the interpreters of environments that have deepmd-kit[lmp], dpgen, dpti and
apex-flow; each may be the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.worker import peer_environment
from bench.workflow_runs import Runner, digest, generate, lammps_of

HERE = Path(__file__).parent


def main(peer: str, dpgen: str, dpti: str, apex: str) -> None:
    runner = Runner("deepmd-kit", lammps_of(peer), peer_environment(1))
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = runner.iteration(dpgen, folder / "dpgen")
        found["dpgen/deviations"] = run["deviations"]
        found["dpgen/judged"] = json.dumps(run["judged"])
        found["dpgen/chosen"] = json.dumps(run["chosen"])
        found["dpgen/inputs"] = digest(folder / "dpgen")
        for tool, python in (("dpti", dpti), ("apex", apex)):
            for task in generate(tool, python, folder / tool):
                place = folder / tool / task
                name = f"{tool}/{task}"
                found[f"{name}/inputs"] = digest(place)
                found[f"{name}/thermo"] = np.concatenate(runner.task(place)["thermo"])
    np.savez_compressed(HERE / "workflows.npz", **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
