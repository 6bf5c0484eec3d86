"""deepmd-kit's environment, and our model in the files that it reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import click

from .progress import say
from .worker import SCRIPTS, last_words, peer_environment

MOST_SECONDS = 300.0
VERSIONS = """
import importlib.metadata as m
for n in ("deepmd-kit", "tensorflow", "tensorflow-cpu", "numpy"):
    try: print(n, m.version(n))
    except m.PackageNotFoundError: pass
"""
UNCOMPRESSED = "deepmd-kit, uncompressed"
COMPRESSED = "deepmd-kit, compressed"
COMPRESSED_SINGLE = "deepmd-kit, compressed, float32"


class PeerError(click.ClickException):
    """What the peer cannot do, in one sentence."""


def call(
    what: str,
    command: list[str],
    folder: Path | None = None,
    seconds: float = MOST_SECONDS,
    environment: Mapping[str, str] = peer_environment(1),
) -> str:
    """What a command prints, in a folder, within so many seconds; raises PeerError."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=max(seconds, 1.0),
        )
    except subprocess.TimeoutExpired:
        raise PeerError(f"{what} took more than {seconds:.0f} s") from None
    except OSError as error:
        raise PeerError(f"{what} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise PeerError(f"{what} failed: {last_words(done.stdout + done.stderr)}")
    return done.stdout


def versions_of(python: str) -> dict[str, str]:
    """Of deepmd-kit and its libraries in an environment.

    Raises
    ------
    PeerError
        If there is no such environment or no deepmd-kit in it.
    """
    said = call(Path(python).name, [python, "-c", VERSIONS], seconds=60)
    found = dict(line.split(" ", 1) for line in said.splitlines())
    if "deepmd-kit" not in found:
        raise PeerError("the peers' environment has no deepmd-kit")
    return found


def our_dp(model: str | None, folder: Path) -> str:
    """The model as deepmd-kit's ``.dp``, by our own converter."""
    packaged = resources.files("dpse_fast.data") / "water.h5"
    target = str(folder / "model.dp")
    with resources.as_file(packaged) as embedded:
        command = [sys.executable, "-m", "dpse_fast.cli", "convert"]
        call("convert", [*command, model or str(embedded), target], folder)
    return target


class Peers:
    """What there is to compare with; its files are made in a folder.

    Parameters
    ----------
    python : of an environment with deepmd-kit
    model : a ``.pb`` is used as it is, any other is converted; None: embedded water
    distance : Å, bounds the compressed tables if the model does not say itself
    compressed : a file to use instead of what ``dp compress`` makes

    Attributes
    ----------
    versions : of the packages
    models : files for deepmd-kit by the name of the contender
    notes : how the files were made and what is missing

    Raises
    ------
    PeerError
        If there is no deepmd-kit, or it cannot read the model.
    """

    def __init__(
        self,
        python: str,
        model: str | None,
        distance: float,
        folder: Path,
        compressed: str | None = None,
    ) -> None:
        self.python, self._distance, self._folder = python, distance, folder
        self.versions = versions_of(python)
        self.models: dict[str, str] = {}
        self.notes: list[str] = []
        say("the peer's models")
        frozen = model is not None and model.endswith(".pb")
        if not (frozen and model and self._use_given(model)):
            self._use_converted(model)
        if compressed:
            self.models[COMPRESSED] = compressed
            self.notes.append(f"compressed model: {Path(compressed).name}, given")

    def _frozen(self, source: str, precision: str) -> str:
        """A frozen graph that ``dp compress`` takes; gives its path."""
        target = str(self._folder / f"{precision}.pb")
        script = str(SCRIPTS / "to_tensorflow.py")
        command = [self.python, script, source, target, precision, repr(self._distance)]
        call("writing the TensorFlow model", command, self._folder)
        return target

    def _compressed(self, source: str) -> str:
        """What ``dp compress`` makes of a ``.pb``; gives its path."""
        target = str(self._folder / f"compressed-{Path(source).name}")
        command = [self.python, "-m", "deepmd", "--tf", "compress"]
        call("dp compress", [*command, "-i", source, "-o", target], self._folder)
        return target

    def _use_given(self, model: str) -> bool:
        """The user's ``.pb`` itself; False if it is too old for this deepmd-kit."""
        source = str(self._folder / "given.pb")
        shutil.copyfile(model, source)
        try:
            complete = self._frozen(source, "float64")
            self.models[COMPRESSED] = self._compressed(complete)
        except PeerError as error:
            if "already been compressed" in str(error):
                self.models[COMPRESSED] = source
                self.notes.append("the model file is a compressed one")
                return True
            if "no training script" in str(error):
                self.notes.append("the model file is too old for this deepmd-kit")
                return False
            self.notes.append(f"{COMPRESSED}: {error}")
        self.models = {UNCOMPRESSED: source, **self.models}
        self.notes.append("deepmd-kit reads the model file itself")
        return True

    def _use_converted(self, model: str | None) -> None:
        """Files that our converter and deepmd-kit's own writer make."""
        source = our_dp(model, self._folder)
        plain = self.models[UNCOMPRESSED] = self._frozen(source, "float64")
        self.notes.append(
            "deepmd-kit's files made from the model by dpse-fast convert (.dp) and "
            "deepmd-kit's own TensorFlow writer, nets in the precision named"
        )
        try:
            self.models[COMPRESSED] = self._compressed(plain)
            single = self._frozen(source, "float32")
            self.models[COMPRESSED_SINGLE] = self._compressed(single)
        except PeerError as error:
            self.notes.append(str(error))
