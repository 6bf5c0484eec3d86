"""A run of bench/gpu on the processors, and stand-ins for CUDA's tools."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

from bench.gpu import steps
from bench.gpu.__main__ import main, options_of


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run_for(tmp_path: Path, **changed: Any) -> steps.Run:
    given = main.make_context("bench.gpu", []).params
    options = options_of({**given, "device": "cpu", **changed})
    environment = steps.environment_of(tmp_path, "cpu")
    return steps.Run(options, tmp_path, environment, time.monotonic() + 100)
