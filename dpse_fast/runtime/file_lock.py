"""One writer at a time: an open file that other processes cannot lock as well."""

from __future__ import annotations

import sys
from typing import Protocol

if sys.platform != "win32":
    import fcntl


class _Open(Protocol):
    def fileno(self) -> int: ...


def is_locked(file: _Open) -> bool:
    """Lock an open file until it is closed; returns whether another process has it.

    Where the system or the file system knows no locks, no process has it.
    """
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
