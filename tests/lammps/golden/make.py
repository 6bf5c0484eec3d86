"""Writes deepmd.npz and names.npz: what pair_style deepmd computes (deepmd-kit 3.2.0).

In an environment with ``deepmd-kit[cpu,lmp]``: python tests/lammps/golden/make.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from lammps_deepmd import CHANGING, SCRIPTS, write_data  # noqa: E402
from lammps_runs import frames, golden_script, numbers, tables  # noqa: E402

DEVIATIONS = {"plain": "", "atomic": "atomic relative 0.5 relative_v 0.01"}


def run(script: str, folder: Path) -> str:
    (folder / "in.golden").write_text(script)
    lmp = Path(sys.executable).parent / "lmp"
    done = subprocess.run(
        [str(lmp), "-in", "in.golden"],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


def deviations() -> None:
    found = {}
    for name, options in DEVIATIONS.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            log = run(golden_script("deepmd", f"deviation.out {options}"), folder)
            found["thermo"] = tables(log)[0]
            found["atoms"] = frames(folder / "atoms.dump")
            found[name] = numbers(folder / "deviation.out")
            head = (folder / "deviation.out").read_text().splitlines()[0]
            found[f"{name}_head"] = np.array(head.rstrip())
    np.savez_compressed(HERE / "deepmd.npz", **found)


def names() -> None:
    found = {}
    for name, script in (SCRIPTS | {"changing": CHANGING}).items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            write_data(folder)
            found[name] = np.concatenate(tables(run(script, folder)))
            file = folder / f"{name}.out"
            if file.exists():
                found[f"{name}.out"] = numbers(file)
    np.savez_compressed(HERE / "names.npz", **found)


if __name__ == "__main__":
    deviations()
    names()
