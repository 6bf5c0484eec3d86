"""Forces of blocks that wait for one that is held up."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dpse_fast.cpu import force_sums as block_forces
from dpse_fast.cpu.force_sums import MOST_WAITING, OrderedSum


@pytest.fixture
def sums(monkeypatch: pytest.MonkeyPatch) -> OrderedSum:
    """Where all blocks but the first are done that may wait."""
    monkeypatch.setattr(block_forces, "merge_forces", lambda *arguments: None)
    found = OrderedSum()
    found.start(1, False)
    going = threading.Event()
    for block in range(1, MOST_WAITING + 1):
        add(found, block, going)
    return found


def add(sums: OrderedSum, block: int, stopped: threading.Event) -> None:
    room: Any = sums.room(block, stopped)
    room.touched = None
    sums.add(block, room)


def ahead(sums: OrderedSum, stopped: threading.Event) -> threading.Thread:
    """A thread with a block further on."""
    arguments = (sums, MOST_WAITING + 1, stopped)
    thread = threading.Thread(target=add, args=arguments, daemon=True)
    thread.start()
    return thread


def test_nobody_gets_too_far_ahead(sums: OrderedSum) -> None:
    going = threading.Event()
    thread = ahead(sums, going)
    thread.join(0.3)
    assert thread.is_alive()
    add(sums, 0, going)
    thread.join(10)
    assert not thread.is_alive()


def test_nobody_waits_for_work_that_was_stopped(sums: OrderedSum) -> None:
    stopped = threading.Event()
    thread = ahead(sums, stopped)
    stopped.set()
    thread.join(10)
    assert not thread.is_alive()
