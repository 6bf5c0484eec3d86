"""Code and tests in another Python process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def users_environment(**more: str) -> dict[str, str]:
    """Of a process that a user starts: these tests simulate CUDA, users do not."""
    found = {**os.environ, **more}
    if "NUMBA_ENABLE_CUDASIM" not in more:
        found.pop("NUMBA_ENABLE_CUDASIM", None)
    return found


def run(
    *command: object,
    env: Mapping[str, str] | None = None,
    cwd: Path = HERE.parent,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """A process as a user starts it, and what it says."""
    return subprocess.run(
        [str(word) for word in command],
        env=users_environment() if env is None else env,
        cwd=cwd,
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )


def output(*command: object, **options: Any) -> str:
    """What such a process prints, which ends well."""
    done = run(*command, **options)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def lines_of(code: str, cache: Path, **environment: str) -> list[str]:
    """What code prints that ends well, with the caches in a folder of its own."""
    given = {"PYTHONPATH": str(HERE), "XDG_CACHE_HOME": str(cache), **environment}
    said = output(sys.executable, "-c", code, env=users_environment(**given))
    return said.splitlines()


def passes_without_a_compiler(file: str, selection: str) -> str:
    """What pytest says of the tests of a file, kernels being Python."""
    given = users_environment(PYTHONPATH=str(HERE), NUMBA_DISABLE_JIT="1")
    return output(sys.executable, "-m", "pytest", file, "-k", selection, env=given)
