"""Structures for the tests of engines, and what is skipped without one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

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


def run(
    *arguments: Any, ranks: int = 1, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """A Python process, or several under mpirun, as a user starts it."""
    launcher = []
    if ranks > 1:
        launcher = [str(Path(sys.executable).parent / "mpirun"), "-n", str(ranks)]
    return subprocess.run(
        [*launcher, sys.executable, *map(str, arguments)],
        env=users_environment(OMP_NUM_THREADS="1"),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def output(*arguments: Any, ranks: int = 1, cwd: Path = ROOT) -> str:
    """What such a process prints, which ends well."""
    done = run(*arguments, ranks=ranks, cwd=cwd)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
