"""Path-integral MD of water in i-PI, all beads of a step in one batch.

    pip install dpse-fast ipi
    python run.py --folder pimd        # writes start.xyz there, and runs i-PI

is the same as, in that folder, with dpse.py and input.xml::

    i-pi input.xml
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from ase.io import read, write

HERE = Path(__file__).parent
WATER = HERE.parent / "water.xyz"


def main(steps: int = 20, beads: int = 8, folder: str | Path = "pimd") -> np.ndarray:
    """Run, and give i-PI's output: a row a step, columns as input.xml names them."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "start.xyz", read(WATER, index=0))
    shutil.copy(HERE / "dpse.py", folder)
    text = (HERE / "input.xml").read_text()
    text = text.replace("<total_steps>20<", f"<total_steps>{steps}<")
    text = text.replace("nbeads='8'", f"nbeads='{beads}'")
    text = text.replace("<batch_size>8<", f"<batch_size>{beads}<")
    (folder / "input.xml").write_text(text)
    program = Path(sys.executable).parent / "i-pi"
    subprocess.run([sys.executable, program, "input.xml"], cwd=folder, check=True)
    return np.loadtxt(folder / "water.out", ndmin=2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--beads", type=int, default=8)
    parser.add_argument("--folder", default="pimd")
    given = parser.parse_args()
    print(main(given.steps, given.beads, given.folder))
