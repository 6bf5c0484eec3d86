"""deepmd-kit on the same GPU, in turns with ours, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import ratios
from ..comparison import PREFIX, check_agreement, differences, take_turns
from ..peers import PeerError, our_dp, versions_of
from ..progress import say
from ..worker import Worker
from .models import label_of

COMPRESSED, UNCOMPRESSED = "deepmd-kit, compressed", "deepmd-kit, uncompressed"
ROUNDS = 5
OURS = (("double", "float32"), ("mixed", "float32"), ("mixed", "tf32x3"))


def peer_python(given: str | None) -> str | None:
    """An interpreter that should have deepmd-kit, or None."""
    if given:
        return given
    return sys.executable if find_spec("deepmd") else None


def torch_model(
    python: str, model: str | None, folder: Path, seconds: float
) -> tuple[str, str, list[str]]:
    """Our model as deepmd-kit's PyTorch file: its name, path and what to say of it.

    Raises
    ------
    PeerError
        If deepmd-kit cannot read it.
    """
    source = our_dp(model, folder)
    plain, compressed = folder / "plain.pth", folder / "compressed.pth"
    notes = ["the model as .dp by dpse-fast convert, then dp convert-backend"]
    _call([python, "-m", "deepmd", "convert-backend", source, str(plain)], seconds)
    command = [python, "-m", "deepmd", "--pt", "compress"]
    try:
        _call([*command, "-i", str(plain), "-o", str(compressed)], seconds)
    except PeerError as error:
        return UNCOMPRESSED, str(plain), [*notes, f"not compressed: {error}"]
    return COMPRESSED, str(compressed), notes


def _call(command: Sequence[str], seconds: float) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=max(seconds, 1.0)
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerError(f"{command[3]}: {error}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise PeerError(f"{command[3]} failed: {said[-1].strip()}")


def compare_with_peer(
    python: str,
    model: str | None,
    given: str | None,
    structure: str,
    n_atoms: int,
    device: str,
    seconds: float,
    folder: Path,
) -> dict[str, Any]:
    """Agreement, then rounds; wall time from host arrays to host arrays.

    Parameters
    ----------
    model : ours; None: the embedded one
    given : a model file for deepmd-kit, in place of one made from ours
    structure : .npz file
    device : of ours
    seconds : that one answer may take

    Raises
    ------
    PeerError, WorkerError, Disagreement
    """
    versions = versions_of(python)
    if given:
        name, path, notes = COMPRESSED, given, [f"its file: {Path(given).name}, given"]
    else:
        name, path, notes = torch_model(python, model, folder, seconds)
    with ExitStack() as stack:
        options: dict[str, Any] = {"model": path, "structure": structure}
        peer = Worker(name, python, "deepmd_kit.py", options, folder)
        workers = [stack.enter_context(peer)]
        for precision, gemm in OURS:
            options = {"model": model, "structure": structure, "tol": 1e-5}
            options |= {"precision": precision, "threads": 1, "device": device}
            options["gemm"] = None if device == "cpu" else gemm
            label = PREFIX + label_of(precision, gemm)
            ours = Worker(label, sys.executable, "ours.py", options, folder)
            workers.append(stack.enter_context(ours))
        for worker in workers:
            say(f"first evaluation: {worker.name}")
            worker.evaluate(seconds)
        numbers = {w.name: w.numbers() for w in workers}
        agreement = {
            w.name: differences(numbers[w.name], numbers[name]) for w in workers[1:]
        }
        check_agreement(agreement, name)
        times = take_turns(workers, ROUNDS, "peer")
    return {
        "versions": versions,
        "notes": notes,
        "atoms": n_atoms,
        "reference": name,
        "agreement": agreement,
        "contenders": summary(times, n_atoms, name),
        "rounds": times,
    }


def summary(
    times: Mapping[str, Sequence[Mapping[str, float]]], n_atoms: int, base: str
) -> dict[str, dict[str, Any]]:
    """Wall time an atom of each contender, and ratios by round to the base."""
    walls = {name: [r["wall"] for r in rounds] for name, rounds in times.items()}
    return {
        name: {
            "wall_us_per_atom": ratios.per_atom(mine, n_atoms),
            "times_faster": ratios.ratio_by_round(walls[base], mine),
        }
        for name, mine in walls.items()
    }
