"""The shared library, made once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from other_process import run

from dpse_fast import library as of_c
from dpse_fast.cli.library_command import command


def needs(compiler: str, package: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed; on Debian it is in {package}")


def compiled(command: list[str], *arguments: object) -> None:
    done = run(*command, *arguments)
    assert not done.returncode, done.stderr
    assert not done.stderr


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with libdpse.so, dpse.h and dpse.f90."""
    needs("cc", "gcc")
    folder = tmp_path_factory.mktemp("library")
    assert of_c.build(folder) == folder / "libdpse.so"
    return folder


@pytest.fixture(scope="session")
def deepmd_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with libdeepmd_c.so."""
    needs("cc", "gcc")
    folder = tmp_path_factory.mktemp("deepmd")
    done = CliRunner().invoke(command, [str(folder), "--deepmd", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output) == {"library": str(folder / "libdeepmd_c.so")}
    return folder
