"""What the driver says of the GPU, read and never set; CUDA's tools."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

QUERIED = (
    *("name", "driver_version", "pstate", "temperature.gpu", "power.draw"),
    *("power.limit", "clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem"),
    *("memory.total", "memory.free", "utilization.gpu", "ecc.mode.current"),
    *("mig.mode.current", "persistence_mode", "compute_mode"),
)
SECONDS = 20
FOLDERS = (
    *("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer"),
    *map(str, sorted(Path("/opt/nvidia/nsight-compute").glob("*"), reverse=True)),
)


def driver_says() -> dict[str, str] | None:
    """Of the first GPU by nvidia-smi, with units; None without it."""
    query = ["nvidia-smi", f"--query-gpu={','.join(QUERIED)}", "--format=csv,noheader"]
    try:
        said = subprocess.check_output(query, text=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    values = [value.strip() for value in said.partition("\n")[0].split(",")]
    return dict(zip(QUERIED, values, strict=False))


def cuda_tool(name: str) -> str | None:
    """Where a tool of the CUDA toolkit is, or None."""
    found = [shutil.which(name), *(shutil.which(name, path=f) for f in FOLDERS)]
    return next((path for path in found if path), None)
