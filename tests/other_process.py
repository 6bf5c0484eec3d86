"""Code and tests in another Python process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def users_environment(**more: str) -> dict[str, str]:
    """Of a process that a user starts: these tests simulate CUDA, users do not."""
    found = {**os.environ, **more}
    if "NUMBA_ENABLE_CUDASIM" not in more:
        found.pop("NUMBA_ENABLE_CUDASIM", None)
    return found


def _output(arguments: list[str], **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=users_environment(PYTHONPATH=str(HERE), **environment),
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout + done.stderr
    return done.stdout


def lines_of(code: str, cache: Path, **environment: str) -> list[str]:
    """What code prints that ends well, with the caches in a folder of its own."""
    given = {"XDG_CACHE_HOME": str(cache), **environment}
    return _output(["-c", code], **given).splitlines()


def passes_without_a_compiler(file: str, selection: str) -> str:
    """What pytest says of the tests of a file, kernels being Python."""
    return _output(
        ["-m", "pytest", file, "-k", selection],
        NUMBA_DISABLE_JIT="1",
    )
