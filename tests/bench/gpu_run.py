"""A run of bench/gpu on the processors, and stand-ins for CUDA's tools."""

from __future__ import annotations

import time
from pathlib import Path

from bench.gpu import steps
from bench.gpu.__main__ import main, options_of


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run_for(folder: Path, *arguments: str, device: str = "cpu") -> steps.Run:
    context = main.make_context("bench.gpu", ["--device", device, *arguments])
    return steps.Run(options_of(context.params), folder, time.monotonic() + 100)
