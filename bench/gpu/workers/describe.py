"""The device, what its driver says, and the versions of everything that drives it."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from collections.abc import Iterator
from typing import Any

PACKAGES = ("numba", "numba-cuda", "numpy", "h5py", "ase", "pytest", "matplotlib")
CUPY = ("cupy-cuda13x", "cupy-cuda12x", "cupy")
PROPERTIES = (
    *("multiProcessorCount", "clockRate", "memoryClockRate", "memoryBusWidth"),
    *("l2CacheSize", "sharedMemPerMultiprocessor", "regsPerMultiprocessor"),
    *("totalGlobalMem", "ECCEnabled"),
)

QUERIED = (
    *("name", "driver_version", "pstate", "temperature.gpu", "power.draw"),
    *("power.limit", "clocks.sm", "clocks.mem", "clocks.max.sm", "clocks.max.mem"),
    *("memory.total", "memory.free", "utilization.gpu", "ecc.mode.current"),
    *("mig.mode.current", "persistence_mode", "compute_mode"),
)
SECONDS = 20


def driver_says() -> dict[str, str] | None:
    """Of the first GPU by nvidia-smi, with units; None without it."""
    query = ["nvidia-smi", f"--query-gpu={','.join(QUERIED)}", "--format=csv,noheader"]
    try:
        said = subprocess.check_output(query, text=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    values = [value.strip() for value in said.partition("\n")[0].split(",")]
    return dict(zip(QUERIED, values, strict=False))


def versions() -> dict[str, str | None]:
    """Of packages; None where there is none."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in (*PACKAGES, *CUPY):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name not in CUPY:
                found[name] = None
    return found


def device() -> dict[str, Any]:
    """The current GPU, through CuPy."""
    import cupy

    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(cupy.cuda.Device().id)
    free, total = runtime.memGetInfo()
    return {
        "name": properties["name"].decode(),
        "compute_capability": cupy.cuda.Device().compute_capability,
        "driver_version": runtime.driverGetVersion(),
        "runtime_version": runtime.runtimeGetVersion(),
        "free_bytes": free,
        "bytes": total,
        **{key: properties[key] for key in PROPERTIES if key in properties},
    }


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"nvidia_smi": driver_says(), "versions": versions()}
    if options["device"] != "cpu":
        yield {"device": device()}
    # Last: what is missing for it should not hide the device.
    import dpse_fast

    yield {"dpse_fast": dpse_fast.__version__}
