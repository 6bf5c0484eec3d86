"""What the README and the documentation show is run here, as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from documented import (
    DOCUMENTS,
    LAMMPS_SYSTEM,
    ROOT,
    Block,
    blocks,
    names,
    taken_for_granted,
    write_for_dpdata,
)
from other_process import output, users_environment

from dpse_fast.cli import main
from dpse_fast.formats import read_model
from dpse_fast.formats.exchange.writer import write

PYTHON = blocks("python")
COMMANDS = blocks("sh")
# Installs, needs a GPU, takes minutes, or runs this test.
NOT_HERE = (
    "pip ",
    "make ",
    "dpse-fast bench --device cuda",
    "python -m bench",
    "python examples/",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where there are model.pb (files are known by their content) and traj.xyz."""
    write(read_model(ROOT / "dpse_fast/data/water.h5"), tmp_path / "model.pb")
    (tmp_path / "traj.xyz").write_bytes((ROOT / "examples/water.xyz").read_bytes())
    for program in ("examples/c/md.c", "examples/fortran/md.f90"):
        (tmp_path / Path(program).name).write_bytes((ROOT / program).read_bytes())
    (tmp_path / "in.system").write_text(LAMMPS_SYSTEM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", PYTHON, ids=names)
def test_python(block: Block, folder: Path) -> None:
    if "dpdata" in block.text:
        write_for_dpdata(folder)
    if 'device="cuda"' in block.text:
        pytest.skip(f"{names(block)} needs a GPU")
    for package in re.findall(r"^(?:import|from) (\w+)", block.text, re.MULTILINE):
        pytest.importorskip(package, reason=f"{names(block)} needs {package}")
    if '"out.h5"' in block.text:
        assert main(["embed", "traj.xyz", "-o", "out.h5", "--index", "0"]) == 0
    if "mpi4py" in block.text:  # which changes what else a process does
        shorter = block.text.replace("run 1000", "run 2")
        output(sys.executable, "-c", shorter, cwd=folder)
        return
    exec(compile(block.text, names(block), "exec"), taken_for_granted())


def lines(block: Block) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", block.text)
    commands = [re.sub(r"\s+#.*", "", line) for line in joined.splitlines()]
    return [c for c in commands if c.strip() and not c.startswith(("#", *NOT_HERE))]


@pytest.mark.parametrize("block", [b for b in COMMANDS if lines(b)], ids=names)
def test_commands(block: Block, folder: Path) -> None:
    environment = users_environment()
    bin_folder = Path(sys.executable).parent
    environment["PATH"] = f"{bin_folder}{os.pathsep}{environment['PATH']}"
    if "dpdata:" in block.text:
        pytest.importorskip("dpdata", reason=f"{names(block)} needs dpdata")
        write_for_dpdata(folder)
    for command in lines(block):
        words = shlex.split(command)
        if shutil.which(words[0], path=environment["PATH"]) is None:
            pytest.skip(f"{names(block)} needs {words[0]}, which is not installed")
        if words[0] == "dpse-fast" and "bench" in words:
            command = command.replace("1e5", "200")
        output("sh", "-c", command, cwd=folder, env=environment)


@pytest.mark.parametrize(
    "name", [*DOCUMENTS, "docs/workflows.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
)
def test_links_lead_somewhere(name: str) -> None:
    document = ROOT / name
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
        assert (document.parent / link).exists(), link
