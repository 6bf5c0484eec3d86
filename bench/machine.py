"""Where the numbers were measured: processor, memory, versions, load."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
from threadpoolctl import threadpool_info

import dpse_fast

CPUINFO = Path("/proc/cpuinfo")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
REGISTERS = ("avx2", "fma", "avx512f", "avx512vl", "asimd", "sve")


def processor_fields(text: str) -> dict[str, str]:
    """The first processor of ``/proc/cpuinfo``."""
    block = text.strip().split("\n\n")[0]
    pairs = (line.split(":", 1) for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def slug(name: str) -> str:
    """A processor's name for a file: ``Intel(R) Xeon(R) Gold`` is intel-xeon-gold."""
    plain = re.sub(r"\((r|tm|c)\)", " ", name.lower())
    words = re.sub(r"[^a-z0-9]+", " ", plain.split("@")[0]).split()
    return "-".join(words) or "unknown"


def without_folders(arguments: Sequence[str]) -> str:
    """A command line that names no folder of a machine: absolute paths lose theirs."""
    return " ".join(re.sub(r"(^|=)/\S*/", r"\1", argument) for argument in arguments)


def fields() -> dict[str, str]:
    return processor_fields(CPUINFO.read_text()) if CPUINFO.exists() else {}


def processor() -> str:
    return fields().get("model name") or platform.processor() or "unknown"


def available_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes that a new process may take, where the system tells."""
    info = Path("/proc/meminfo")
    if not info.exists():
        return None
    found = re.search(r"MemAvailable:\s+(\d+) kB", info.read_text())
    return 1024 * int(found[1]) if found else None


def _caches() -> dict[str, str]:
    """Their sizes by level, and by the first letter of what they are for."""
    found = {}
    for index in sorted(CACHES.glob("index*")):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        found[f"L{level}{'' if kind == 'Unified' else kind[0].lower()}"] = size
    return found


def _commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always"]
    command += ["--exclude=*", "--dirty= with changes"]
    try:
        said = subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.strip()


def describe_machine() -> dict[str, Any]:
    """The machine and the software of this process, ready for JSON."""
    known = fields()
    flags = known.get("flags", known.get("Features", "")).split()
    told = ("internal_api", "version", "architecture")
    blas = [x for x in threadpool_info() if x["user_api"] == "blas"]
    return {
        "processor": processor(),
        "family_model_stepping": [
            known.get(key) for key in ("cpu family", "model", "stepping")
        ],
        "virtual": "hypervisor" in flags,
        "registers": [name for name in REGISTERS if name in flags],
        "caches": _caches(),
        "cores": available_cores(),
        "memory_bytes": available_memory(),
        "system": platform.platform(),
        "load_average_at_start": [round(x, 2) for x in os.getloadavg()]
        if hasattr(os, "getloadavg")
        else None,
        "versions": {
            "dpse-fast": dpse_fast.__version__,
            "commit": _commit(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": numba.__version__,
            "blas": [{k: library.get(k) for k in told} for library in blas],
        },
    }
