"""What became of a frame: its evaluation, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..trajectory import BadFrame, Frame
from .warning_summary import WarningSummary

Item = Frame | BadFrame
Evaluate = Callable[[Frame], Any]


@dataclass
class Outcome:
    """Of one frame.

    Parameters
    ----------
    value : what the evaluation gave
    error : why there is none
    warned : arguments of `WarningSummary.add` that are still to be counted
    """

    value: Any = None
    error: InputError | None = None
    warned: list[list[Any]] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take what the evaluation gave, and its warnings after those of reading."""
        self.value, self.error = other.value, other.error
        self.warned += other.warned

    def result(self) -> Any:
        """The value.

        Raises
        ------
        InputError
            If the frame could not be read or evaluated.
        """
        if self.error is not None:
            raise self.error
        return self.value


def outcome_of(evaluate: Evaluate, item: Item, warned: WarningSummary) -> Outcome:
    """Evaluates a frame; warnings of it are counted with its name."""
    if isinstance(item, BadFrame):
        return Outcome(error=item.error)
    warned.where = item.name
    try:
        return Outcome(evaluate(item))
    except InputError as error:
        return Outcome(error=error)
    finally:
        warned.where = ""  # what warns while it is read names the frame


def outcomes_here(
    evaluate: Evaluate, items: Iterator[Item], warned: WarningSummary
) -> Iterator[tuple[Item, Outcome]]:
    """The outcome of every frame, evaluated by this process when it is asked for."""
    for item in items:
        yield item, outcome_of(evaluate, item, warned)
