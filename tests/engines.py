"""Structures for the tests of engines, and what is skipped without one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import other_process
import pytest
from other_process import users_environment

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def needs(module: str, install: str, load: bool = True) -> Any:
    """A module of an engine; the test is skipped, and says why, where there is none.

    With ``load=False`` it is not imported: some act on the whole process.
    """
    top = module.partition(".")[0]
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:  # a folder of that name is no package
        pytest.skip(
            f"{top} is not installed here: pip install {install!r}",
            allow_module_level=True,
        )
    if not load:
        return None
    with warnings.catch_warnings():  # of their own importing
        warnings.simplefilter("ignore")
        return importlib.import_module(module)


def module_at(file: Path) -> Any:
    """A module that is in no package."""
    spec = importlib.util.spec_from_file_location(
        f"{file.parent.name}_{file.stem}", file
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    *arguments: Any, ranks: int = 1, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """A Python process, or several under mpirun, as a user starts it."""
    launcher = []
    if ranks > 1:
        launcher = [str(Path(sys.executable).parent / "mpirun"), "-n", str(ranks)]
    environment = users_environment(OMP_NUM_THREADS="1")
    command = (*launcher, sys.executable, *arguments)
    return other_process.run(*command, env=environment, cwd=cwd, timeout=300)
