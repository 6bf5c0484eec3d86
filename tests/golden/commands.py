"""What deepmd-kit's commands write of small systems, stored in ``commands/``.

deepmd-kit 3.2.0 with TensorFlow (README.md), found beside the Python that runs this:

    TENSORFLOW/bin/python commands.py
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from command_systems import HERE, MIXED, MODELS, write_systems

DP = Path(sys.executable).parent / "dp"
INTO = HERE / "commands"
FILES = [str(HERE / name) for name in MODELS]
TESTS = {
    "test": ["-m", FILES[0], "-f", "list"],
    "shuffled": ["-m", FILES[0], "-s", "a", "-n", "3", "--shuffle-test", "-r", "7"],
    "mixed": ["-m", str(HERE / MIXED), "-s", "mixed"],
}  # with dp test -d
DEVIATIONS = {
    "plain": ["-s", "a", "-f", "10"],
    "atomic": ["-s", "b", "--atomic"],
    "open": ["-s", "deep/c"],
    "real_error": ["-s", "a", "--real_error"],
    "relative": ["-s", "b", "--relative", "0.5"],
    "relative_error": ["-s", "a", "--real_error", "--relative", "1"],
    "relative_v": ["-s", "one", "--relative_v", "0.1"],  # fails with more frames
    "relative_v_error": ["-s", "one", "--relative_v", "0.1", "--real_error"],
}  # with dp model-devi -o


def dp(*arguments: str, cwd: Path) -> str:
    """Runs a command; gives what it says, without times."""
    done = subprocess.run(
        [str(DP), *arguments],
        cwd=cwd,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = re.findall(r"DEEPMD INFO    (.*)", done.stdout)
    return "".join(f"{line.rstrip()}\n" for line in said)


def main() -> None:
    INTO.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_systems(folder)
        for name, options in TESTS.items():
            said = dp("test", *options, "-d", name, cwd=folder)
            lines = said[said.index("# ---------------output") :]
            (INTO / f"{name}.log").write_text(lines)
        for name, options in DEVIATIONS.items():
            dp("model-devi", "-m", *FILES, *options, "-o", f"{name}.out", cwd=folder)
        for file in folder.glob("*.out"):
            (INTO / file.name).write_bytes(file.read_bytes())


if __name__ == "__main__":
    main()
