"""``python -m bench.phonons``: the phonons of APEX on both engines.

Runs phonoLAMMPS on the task that APEX makes, as APEX does, with deepmd-kit's plugin for
LAMMPS and with ours under its name. Compares force constants. Writes JSON to
bench/results.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from .lammps import BUILDER
from .peers import call
from .report_files import RESULTS, report_of
from .worker import peer_environment
from .workflow_runs import EXAMPLES, MOST_SECONDS
from .workflows import difference, versions

PEER = "deepmd-kit"
LIBRARIES = "LD_LIBRARY_PATH"
PEER_FOLDERS = f"""
import json, os
from deepmd.lmp import get_op_dir
print(json.dumps(["LAMMPS_PLUGIN_PATH", get_op_dir(),
                  "{LIBRARIES}", os.environ["{LIBRARIES}"]]))
"""


def libraries(python: str) -> str:
    """The search path of libraries, with MPI's of an environment first."""
    own = str(Path(python).parents[1] / "lib")
    return os.pathsep.join([own, *filter(None, [os.environ.get(LIBRARIES)])])


def peer_variables(python: str) -> dict[str, str]:
    """What LAMMPS in Python needs to find deepmd-kit's plugin."""
    given = peer_environment(1) | {LIBRARIES: libraries(python)}
    said = call("deepmd-kit", [python, "-c", PEER_FOLDERS], environment=given)
    words = json.loads(said.splitlines()[-1])
    return given | dict(zip(words[::2], words[1::2], strict=True))


def force_constants(file: Path) -> NDArray[np.float64]:
    """(pairs of atoms, 9) eV/Å² of a file FORCE_CONSTANTS."""
    rows = [line.split() for line in file.read_text().splitlines()]
    numbers = [[float(word) for word in row] for row in rows if len(row) == 3]
    return np.array(numbers).reshape(-1, 9)


def run(
    name: str, python: str, made: Path, folder: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Force constants of a task, and how long its command took."""
    own = shutil.copytree(made, folder)
    program, *words = shlex.split((own / "run_command").read_text())
    command = [python, str(Path(python).parent / program), *words]
    start = time.perf_counter()
    call(name, command, own, MOST_SECONDS, environment)
    seconds = time.perf_counter() - start
    found = force_constants(own / "FORCE_CONSTANTS")
    return {"seconds": seconds, "force_constants": found}


@click.command(help=__doc__)
@click.option("--peer-python", required=True, help="Has deepmd-kit[lmp], phonolammps.")
@click.option("--lammps-python", default=sys.executable, help="Has phonolammps too.")
@click.option("--apex-python", required=True, help="Has apex-flow.")
@click.option("--output", default=str(RESULTS), show_default=True)
def main(peer_python: str, lammps_python: str, apex_python: str, output: str) -> None:
    ours, peer, apex = map(os.path.abspath, (lammps_python, peer_python, apex_python))
    pythons = {"ours": ours, "peer": peer, "apex": apex}
    with report_of("bench.phonons", output) as (report, folder):
        report["versions"] = versions(pythons)
        plugin = folder / "plugin"
        code = f"import build; print(build.build({str(plugin)!r}))"
        call("plugin", [ours, "-c", code], BUILDER, environment={})
        script = EXAMPLES / "apex" / "phonons.py"
        path = f"{Path(apex).parent}{os.pathsep}{os.environ['PATH']}"  # has phonopy
        command = [apex, str(script), str(folder / "made")]
        call("APEX", command, folder, environment={"PATH": path})
        made = folder / "made" / "phonon" / "task.000000"
        plugged = {
            "OMP_NUM_THREADS": "1",
            "LAMMPS_PLUGIN_PATH": str(plugin),
            "DPSE_LAMMPS_DEEPMD": "1",
            LIBRARIES: libraries(ours),
        }
        contenders = {
            PEER: (peer, peer_variables(peer)),
            "dpse-fast, tol 0": (ours, plugged | {"DPSE_TOL": "0"}),
            "dpse-fast": (ours, plugged),
        }
        found = {
            name: run(name, python, made, folder / name, environment)
            for name, (python, environment) in contenders.items()
        }
        reference = found[PEER]["force_constants"]
        report["largest_force_constant"] = float(np.abs(reference).max())
        report["force_constants"] = reference.size
        report["runs"] = {
            name: {
                "seconds": each["seconds"],
                "difference": difference(each["force_constants"], reference)["largest"],
            }
            for name, each in found.items()
        }


if __name__ == "__main__":
    main()
