"""deepmd-kit on the same GPU, in turns with ours, each in a process of its own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ..comparison import PREFIX, Contest, agree_and_take_turns
from ..peers import COMPRESSED, UNCOMPRESSED, PeerError, call, our_dp, versions_of
from ..progress import say
from .models import Kind

ROUNDS = 5
OURS = (Kind("double"), Kind("mixed"), Kind("mixed", "tf32x3"))


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
    plain, compressed = str(folder / "plain.pth"), str(folder / "compressed.pth")
    notes = ["the model as .dp by dpse-fast convert, then dp convert-backend"]
    deepmd = [python, "-m", "deepmd"]
    command = [*deepmd, "convert-backend", source, plain]
    call("convert-backend", command, folder, seconds, {})
    command = [*deepmd, "--pt", "compress", "-i", plain, "-o", compressed]
    try:
        call("compress", command, folder, seconds, {})
    except PeerError as error:
        return UNCOMPRESSED, plain, [*notes, f"not compressed: {error}"]
    return COMPRESSED, compressed, notes


def compare_with_peer(
    contest: Contest, python: str, given: str | None, device: str, seconds: float
) -> dict[str, Any]:
    """Agreement, then rounds; wall time from host arrays to host arrays.

    Parameters
    ----------
    python : of an environment with deepmd-kit
    given : a model file for deepmd-kit, in place of one made from ours
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
        name, path, notes = torch_model(python, contest.model, contest.folder, seconds)
    workers = [contest.worker(name, "deepmd_kit.py", python, model=path)]
    for kind in OURS:
        options: dict[str, Any] = {"precision": kind.precision, "threads": 1}
        options |= {"device": device, "gemm": None if device == "cpu" else kind.gemm}
        workers.append(contest.worker(PREFIX + kind.label, **options))
    with ExitStack() as stack:
        for worker in workers:
            stack.enter_context(worker)
        for worker in workers:
            say(f"first evaluation: {worker.name}")
            worker.evaluate(seconds)
        found = agree_and_take_turns(workers, name, contest.n_atoms, ROUNDS)
    return {"versions": versions, "notes": notes, **found}
