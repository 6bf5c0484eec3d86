"""What a target is: numbered executions that end in an outcome, or fail."""

from __future__ import annotations

import re
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

FOLDERS = re.compile(r"(?<![\w.])/(?:[^\s/'\":]+/)+")


class Skipped(Exception):
    """A target that cannot run here; says what is missing."""


class Outcome(NamedTuple):
    """What an execution found.

    Parameters
    ----------
    counts : how many of each kind; a kind is a word or two, such as "error"
    figures : measured numbers, of which the largest of all executions is stated
    """

    counts: Mapping[str, int]
    figures: Mapping[str, float] = {}


class Target(ABC):
    """Numbered executions of one kind.

    Anything that `execute` raises is a failure; so are the end of its process and
    more seconds than `time_limit`.

    Attributes
    ----------
    name : on the command line
    promise, tried : cells of the table in docs/reliability.md
    share : of the time of a campaign, compared with the others
    time_limit : seconds of an execution
    batch : executions that a worker is given at once
    full : executions of the full campaign
    most : executions that exist; None: any number
    """

    name: ClassVar[str]
    promise: ClassVar[str]
    tried: ClassVar[str]
    share: ClassVar[float] = 1.0
    time_limit: ClassVar[float] = 60.0
    batch: ClassVar[int] = 1
    full: ClassVar[int]
    most: int | None = None

    def __init__(self, seed: int = 1, is_full: bool = False) -> None:
        self.seed, self.is_full = seed, is_full

    def prepare(self, folder: Path) -> None:  # noqa: B027
        """What all executions share, once, before workers start.

        Raises
        ------
        Skipped
            If it cannot run here.
        """

    @abstractmethod
    def execute(self, number: int, folder: Path) -> Outcome | str:
        """Execute one number in a folder of the worker's own."""

    def rng(self, number: int, purpose: int = 0) -> np.random.Generator:
        """Of an execution, and of one purpose in it."""
        return np.random.default_rng([self.seed, number, purpose])


def check_message(error: BaseException, most: int = 1000, start: str = "") -> None:
    """An error is said on one line of some length, which names the file."""
    text = str(error)
    shown = f"message {text[:200]!r}"
    assert text.startswith(start), shown
    assert "\n" not in text, shown
    assert len(text) - len(start) <= most, shown


def outcome_of(target: Target, number: int, folder: Path) -> Outcome | BaseException:
    """What an execution found, or the exception that it failed with."""
    try:
        found = target.execute(number, folder)
    except BaseException as error:
        return error
    return Outcome({found: 1}) if isinstance(found, str) else found


def failure_text(error: BaseException) -> str:
    """An exception on one line, and the line of the code that it comes from."""
    # Whose machine it was is nobody's business: folders are left out.
    what = FOLDERS.sub("…/", " ".join(str(error).split()))[:300]
    frames = traceback.extract_tb(error.__traceback__)
    at = f" [{Path(frames[-1].filename).name}:{frames[-1].lineno}]" if frames else ""
    return f"{type(error).__name__}: {what}{at}"
