"""deepmd-kit's environment, and our model in the files that it reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .progress import say
from .worker import NOISE, SCRIPTS, peer_environment

MOST_SECONDS = 300
VERSIONS = """
import importlib.metadata as m
for n in ("deepmd-kit", "tensorflow", "tensorflow-cpu", "numpy"):
    try: print(n, m.version(n))
    except m.PackageNotFoundError: pass
"""
UNCOMPRESSED = "deepmd-kit, uncompressed"
COMPRESSED = "deepmd-kit, compressed"
COMPRESSED_SINGLE = "deepmd-kit, compressed, float32"


class PeerError(Exception):
    """What the peer cannot do, in one sentence."""


@dataclass
class Peers:
    """What there is to compare with.

    Attributes
    ----------
    python : of deepmd-kit's environment
    versions : of its packages
    models : files for deepmd-kit by the name of the contender
    notes : how the files were made and what is missing
    """

    python: str
    versions: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str | None:
        """The contender that ours must agree with."""
        return next(iter(self.models), None)


def versions_of(python: str) -> dict[str, str]:
    """Of deepmd-kit and its libraries in an environment.

    Raises
    ------
    PeerError
        If there is no such environment or no deepmd-kit in it.
    """
    try:
        done = subprocess.run(
            [python, "-c", VERSIONS], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        raise PeerError(f"{Path(python).name}: cannot be run") from None
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    if "deepmd-kit" not in found:
        raise PeerError("the peers' environment has no deepmd-kit")
    return found


def _run(command: list[str], folder: Path, what: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | peer_environment(1),
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"{what} took more than {MOST_SECONDS} s") from None
    if done.returncode:
        said = [x for x in done.stderr.strip().splitlines() if NOISE not in x]
        raise PeerError(f"{what} failed: {said[-1].strip() if said else 'no message'}")


def our_dp(model: str | None, folder: Path) -> str:
    """The model as deepmd-kit's ``.dp``, by our own converter."""
    from importlib import resources

    packaged = resources.files("dpse_fast.data") / "water.h5"
    target = folder / "model.dp"
    with resources.as_file(packaged) as embedded:
        command = [sys.executable, "-m", "dpse_fast.cli", "convert"]
        _run([*command, model or str(embedded), str(target)], folder, "convert")
    return str(target)


def _frozen(
    peers: Peers, source: str, precision: str, distance: float, folder: Path
) -> str:
    """The source as a ``.pb`` that ``dp compress`` accepts; gives its path."""
    target = str(folder / f"{precision}.pb")
    script = str(SCRIPTS / "to_tensorflow.py")
    command = [peers.python, script, source, target, precision, repr(distance)]
    _run(command, folder, "writing the TensorFlow model")
    return target


def _compressed(peers: Peers, source: str, folder: Path) -> str:
    """What ``dp compress`` makes of a ``.pb``; gives its path."""
    target = str(folder / f"compressed-{Path(source).name}")
    command = [peers.python, "-m", "deepmd", "--tf", "compress"]
    _run([*command, "-i", source, "-o", target], folder, "dp compress")
    return target


def _use_given(peers: Peers, model: str, distance: float, folder: Path) -> bool:
    """The user's ``.pb`` itself; False if it is too old for this deepmd-kit."""
    source = str(folder / "given.pb")
    shutil.copyfile(model, source)
    try:
        complete = _frozen(peers, source, "float64", distance, folder)
        peers.models[COMPRESSED] = _compressed(peers, complete, folder)
    except PeerError as error:
        if "already been compressed" in str(error):
            peers.models[COMPRESSED] = source
            peers.notes.append("the model file is a compressed one")
            return True
        if "no training script" in str(error):
            peers.notes.append("the model file is too old for this deepmd-kit")
            return False
        peers.notes.append(f"{COMPRESSED}: {error}")
    peers.models = {UNCOMPRESSED: source, **peers.models}
    peers.notes.append("deepmd-kit reads the model file itself")
    return True


def _use_converted(
    peers: Peers, model: str | None, distance: float, folder: Path
) -> None:
    """Files that our converter and deepmd-kit's own writer make."""
    source = our_dp(model, folder)
    plain = peers.models[UNCOMPRESSED] = _frozen(
        peers, source, "float64", distance, folder
    )
    peers.notes.append(
        "deepmd-kit's files made from the model by dpse-fast convert (.dp) and "
        "deepmd-kit's own TensorFlow writer, nets in the precision named"
    )
    try:
        peers.models[COMPRESSED] = _compressed(peers, plain, folder)
        single = _frozen(peers, source, "float32", distance, folder)
        peers.models[COMPRESSED_SINGLE] = _compressed(peers, single, folder)
    except PeerError as error:
        peers.notes.append(str(error))


def prepare(
    python: str,
    model: str | None,
    distance: float,
    folder: Path,
    compressed: str | None = None,
) -> Peers:
    """Make the peer's files in a folder.

    Parameters
    ----------
    python : of an environment with deepmd-kit
    model : a ``.pb`` is used as it is, any other is converted; None: embedded water
    distance : Å, bounds the compressed tables if the model does not say itself
    compressed : a file to use instead of what ``dp compress`` makes

    Raises
    ------
    PeerError
        If there is no deepmd-kit, or it cannot read the model.
    """
    peers = Peers(python, versions_of(python))
    say("the peer's models")
    frozen = model is not None and model.endswith(".pb")
    if not (frozen and model and _use_given(peers, model, distance, folder)):
        _use_converted(peers, model, distance, folder)
    if compressed:
        peers.models[COMPRESSED] = compressed
        peers.notes.append(f"compressed model: {Path(compressed).name}, given")
    return peers
