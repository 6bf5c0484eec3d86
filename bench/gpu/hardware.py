"""What the driver says of the GPU; read, never set."""

from __future__ import annotations

import shutil
import subprocess

QUERIED = (
    *("name", "driver_version", "pstate", "temperature.gpu", "power.draw"),
    *("power.limit", "clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem"),
    *("memory.total", "memory.free", "utilization.gpu", "ecc.mode.current"),
    *("mig.mode.current", "persistence_mode", "compute_mode"),
)
SECONDS = 20
FOLDERS = ("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer")


def driver_says() -> dict[str, str] | None:
    """Of the first GPU by nvidia-smi, with units; None without it."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    command = [tool, f"--query-gpu={','.join(QUERIED)}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return None
    values = [value.strip() for value in lines[0].split(",")]
    return dict(zip(QUERIED, values, strict=False))


def sanitizer() -> str | None:
    """Where compute-sanitizer is, or None."""
    places = [shutil.which("compute-sanitizer")]
    places += [shutil.which("compute-sanitizer", path=folder) for folder in FOLDERS]
    return next((place for place in places if place), None)
