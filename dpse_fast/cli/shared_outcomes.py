"""Frames that all ranks evaluate in turns, with the outcomes in order on the first.

Every rank reads the trajectory. Rank k evaluates every frame whose number, among those
that are left, is k modulo the number of ranks, and sends its outcome to the first rank.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from ..errors import DpseError
from ..runtime.interrupts import raise_swallowed
from ..trajectory import BadFrame
from .failures import message_of
from .mpi_ranks import Ranks, RanksError
from .outcomes import Evaluate, Item, Outcome, outcome_of
from .warning_summary import WarningSummary

BEGIN, OUTCOME, FAILED, END, ENDED = 1, 2, 3, 4, 5  # tags of messages
POLL = 0.001  # seconds between looks for messages
PATIENCE = 60.0  # seconds in which the first rank ends a run that another one left
AHEAD = 2  # frames of a rank that are evaluated and not yet taken


class FirstRank:
    """Takes what the other ranks evaluate, and ends them."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._others = range(1, ranks.size)
        self._sent: list[Any] = []
        self._failed: dict[int, DpseError] = {}  # other ranks, and what they met

    def outcomes(
        self,
        evaluate: Evaluate,
        items: Iterator[Item],
        warned: WarningSummary,
        n_done: int,
    ) -> Iterator[tuple[Item, Outcome]]:
        """The outcome of every frame, in order.

        Parameters
        ----------
        items : the frames that are left
        n_done : how many came before them

        Raises
        ------
        DpseError
            What another rank failed with, where its next frame is due, or what
            reading failed with: the frames before it come first.
        """
        self._send(n_done, BEGIN)
        size = self._ranks.size
        waiting: deque[tuple[int, Item, Outcome]] = deque()  # in order, not all known
        n_read, more = 0, True
        failure: DpseError | None = None
        while more or waiting:
            if waiting and self._is_known(waiting[0][0], waiting[0][2]):
                _, item, outcome = waiting.popleft()
                yield item, outcome
            elif more and len(waiting) < AHEAD * size:
                with warned.captured() as said:
                    read, failure = _next(items)
                if read is None:
                    warned.count(said)
                    more = False
                    continue
                owner = 0 if isinstance(read, BadFrame) else n_read % size
                outcome = Outcome(warned=said)
                if not owner:
                    outcome.add(_captured(evaluate, read, warned))
                waiting.append((owner, read, outcome))
                n_read += 1
            else:
                time.sleep(POLL)
        if failure is not None:
            raise failure

    def _is_known(self, owner: int, outcome: Outcome) -> bool:
        """Whether the outcome is there; that of another rank may have come."""
        if not owner:
            return True
        self._take_failure()  # first: what a rank sent before it failed is there then
        found = self._ranks.received(OUTCOME, owner)
        if found is not None:
            outcome.add(found[1])
        elif owner in self._failed:
            raise self._failed[owner]
        return found is not None

    def _take_failure(self) -> None:
        failed = self._ranks.received(FAILED)
        if failed is not None:
            rank, error = failed
            ours = isinstance(error, DpseError)
            self._failed[rank] = error if ours else RanksError(f"rank {rank}: {error}")

    def end(self, why: str) -> None:
        """Let the other ranks end; what they have still sent is thrown away.

        Parameters
        ----------
        why : what is said if they do not, and have to be aborted
        """
        self._send(None, END)
        left = set(self._others)
        until = time.monotonic() + PATIENCE
        while left or self._sent:
            self._sent = _under_way(self._sent)
            for tag in (OUTCOME, FAILED):
                self._ranks.received(tag)
            if (ended := self._ranks.received(ENDED)) is not None:
                left.remove(ended[0])
                continue
            if time.monotonic() > until:
                self._ranks.abort(f"{why}; other ranks did not end by themselves")
            time.sleep(POLL)

    def _send(self, value: Any, tag: int) -> None:
        self._sent += [self._ranks.send(value, other, tag) for other in self._others]


class OtherRank:
    """Evaluates its share of the frames, and sends what it finds to the first rank."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._sent: list[Any] = []
        self._is_over = False

    def serve(
        self,
        evaluate: Evaluate,
        read: Callable[[], Iterator[Item]],
        warned: WarningSummary,
    ) -> None:
        """Evaluate this rank's frames, or up to where the first rank ends the run.

        Parameters
        ----------
        read : gives all frames, those that were done before too
        """
        begun: Any = None
        while begun is None and not self._ends():
            begun = self._ranks.received(BEGIN)
            time.sleep(POLL)
        if begun is None:
            return
        rank, size, number = self._ranks.rank, self._ranks.size, -1
        for number, item in enumerate(islice(read(), begun[1], None)):
            raise_swallowed()
            if number % size == rank and not isinstance(item, BadFrame):
                outcome = _captured(evaluate, item, warned)
                self._send(outcome, OUTCOME)
            while len(self._sent) >= AHEAD and not self._ends():
                time.sleep(POLL)
            if self._ends():
                return
        n = begun[1] + number + 1
        missing = RanksError(f"rank {rank} reads only {n} frames of the same files")
        self._send(Outcome(error=missing), OUTCOME)  # taken if there should be more

    def fail(self, error: BaseException) -> None:
        """Tell the first rank, which raises it."""
        ours = isinstance(error, DpseError)
        self._send(error if ours else message_of(error), FAILED)

    def finish(self) -> None:
        """Wait until the first rank ends the run, and everything was sent."""
        while not self._ends() or self._sent:
            self._ranks.received(BEGIN)  # if it failed before
            time.sleep(POLL)
        self._send(None, ENDED)
        until = time.monotonic() + PATIENCE
        while self._sent and time.monotonic() < until:
            self._ends()
            time.sleep(POLL)

    def _send(self, value: Any, tag: int) -> None:
        self._sent.append(self._ranks.send(value, 0, tag))

    def _ends(self) -> bool:
        """Whether the first rank has ended the run; goes on with sending."""
        self._sent = _under_way(self._sent)
        self._is_over = self._is_over or self._ranks.received(END) is not None
        return self._is_over


def _under_way(sent: list[Any]) -> list[Any]:
    """The messages that have not been taken yet."""
    return [one for one in sent if not one.test()[0]]


def _next(items: Iterator[Item]) -> tuple[Item | None, DpseError | None]:
    """The next frame, or what reading fails with; neither at the end."""
    try:
        return next(items, None), None
    except DpseError as error:
        return None, error


def _captured(evaluate: Evaluate, item: Item, warned: WarningSummary) -> Outcome:
    with warned.captured() as said:
        outcome = outcome_of(evaluate, item, warned)
    outcome.warned = said
    return outcome
