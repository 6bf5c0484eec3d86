"""Kernel and plan caches with damaged, missing or unreadable files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from other_process import HERE, users_environment
from random_model import random_model

from dpse_fast.formats import exchange

from .target import Target

PROGRAM = """
import hashlib, sys
import dpse_fast
from random_model import random_structure
s = random_structure("cubic")
found = dpse_fast.load(sys.argv[1], threads=1).compute(*s[:3], atomic=True)
numbers = (found.forces, found.virial, found.atomic_energies)
print(hashlib.sha256(b"".join(a.tobytes() for a in numbers)).hexdigest())
"""
MOST_SECONDS = 600
DAMAGES = (
    "truncated", "flipped", "emptied", "removed", "exchanged", "folder", "read-only",
    "no folder", "other version",
)  # fmt: skip


def program(model: Path, cache: Path) -> str:
    """What a new process prints with a cache; a traceback or another code fails."""
    environment = users_environment(
        PYTHONPATH=str(HERE), XDG_CACHE_HOME=str(cache), DPSE_FAST_PLAN_CACHE="1"
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(model)], env=environment,
        capture_output=True, text=True, timeout=MOST_SECONDS,
    )  # fmt: skip
    said = done.stderr.strip()[-300:]
    assert done.returncode == 0, f"exit code {done.returncode}: {said}"
    assert "Traceback" not in done.stderr, said
    return done.stdout


class DamagedCaches(Target):
    name = "caches"
    promise = (
        "A damaged, missing or read-only cache costs time and nothing else: the "
        "numbers are bitwise those of a good cache"
    )
    tried = (
        "files of the caches of kernels and plans cut, emptied, exchanged, removed, "
        "replaced by folders, with one byte changed, in folders without permissions; "
        "each read by a new process"
    )
    time_limit = MOST_SECONDS + 100.0
    full = 300

    def prepare(self, folder: Path) -> None:
        self.model = folder / "model.h5"
        exchange.write(random_model(), self.model)
        self.cache = folder / "cache"
        self.cache.mkdir(mode=0o700)
        self.expected = program(self.model, self.cache)
        assert program(self.model, self.cache) == self.expected

    def execute(self, number: int, folder: Path) -> str:
        rng = self.rng(number)
        cache = folder / "cache"
        writable(cache)
        shutil.rmtree(cache, ignore_errors=True)
        shutil.copytree(self.cache, cache)
        kind = DAMAGES[number % len(DAMAGES)]
        damage(cache, kind, rng)
        found = program(self.model, cache)
        assert found == self.expected, f"{kind}: other numbers"
        writable(cache)
        found = program(self.model, cache)
        assert found == self.expected, f"{kind}: other numbers the second time"
        return kind


def damage(cache: Path, kind: str, rng: np.random.Generator) -> None:
    """Damage some of the files of a cache."""
    if kind == "no folder":
        shutil.rmtree(cache / "dpse-fast")
        (cache / "dpse-fast").write_text("")
        return
    if kind == "read-only":
        for path in sorted(cache.rglob("*"), reverse=True):
            path.chmod(0o400 if path.is_file() else 0o500)
        return
    files = sorted(p for p in cache.rglob("*") if p.is_file())
    for k in rng.permutation(len(files))[: int(rng.integers(1, 4))]:
        path = files[k]
        data = bytearray(path.read_bytes())
        if kind == "truncated":
            path.write_bytes(data[: int(rng.integers(len(data) + 1))])
        elif kind == "flipped" and data:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(data)
        elif kind == "emptied":
            path.write_bytes(b"")
        elif kind == "removed":
            path.unlink()
        elif kind == "exchanged":
            same = [p for p in files if p.suffix == path.suffix]
            other = same[int(rng.integers(len(same)))]
            if other.is_file():
                path.write_bytes(other.read_bytes())
        elif kind == "folder":
            path.unlink()
            path.mkdir()
        elif kind == "other version":
            path.write_bytes(b"\x80\x05N." + bytes(data))


def writable(folder: Path) -> None:
    """Give permissions back."""
    if not folder.exists():
        return
    folder.chmod(0o700)
    for root, folders, files in os.walk(folder):
        for name in folders:
            (Path(root) / name).chmod(0o700)
        for name in files:
            (Path(root) / name).chmod(0o600)
