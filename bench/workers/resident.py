"""How much memory this process holds."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")


def resident(key: str) -> int | None:
    """Bytes of ``VmRSS`` (now) or ``VmHWM`` (largest) of this process, on Linux.

    ``ru_maxrss`` is of no use here: a child inherits its parent's.
    """
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(key + ":"):
            return 1024 * int(line.split()[1])
    return None
