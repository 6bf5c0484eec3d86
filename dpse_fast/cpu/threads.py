"""Tasks spread over threads, of which the caller is one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Tasks = Iterable[tuple[Any, ...]]


class Workers:
    """The caller's thread and others that wait for work.

    Parameters
    ----------
    threads : how many, the caller's included
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def run(
        self,
        function: Callable[..., None],
        tasks: Tasks,
        stopped: threading.Event | None = None,
    ) -> None:
        """Call the function on each task: whoever is free takes the next one.

        After an error or an interrupt no task begins, ``stopped`` is set, and tasks
        that run are waited for.
        """
        some = list(tasks)
        others = min(self.threads, len(some)) - 1
        if others < 1:
            for task in some:
                function(*task)
            return
        team = _Team(function, some, stopped or threading.Event())
        try:
            for _ in range(others):
                self._threads().submit(team.help)
            team.work()
            team.end()
        except BaseException:
            team.stopped.set()
            team.end()
            raise
        if team.errors:
            raise team.errors[0]

    def _threads(self) -> ThreadPoolExecutor:
        """The others of this process: a fork does not take threads along."""
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.threads - 1, "dpse-fast")
            self._process = os.getpid()
        return self._pool


class _Team:
    """Threads that share tasks, counted by themselves.

    An interrupt can come between any two steps of the caller's thread: also when a
    thread was asked to help and the caller does not know it yet. Whoever helps counts,
    and `end` lets nobody begin any more. Only plain locks are used: a Condition or an
    Event that is interrupted while it is entered stays locked.
    """

    def __init__(
        self,
        function: Callable[..., None],
        tasks: Iterable[tuple[Any, ...]],
        stopped: threading.Event,
    ) -> None:
        self.stopped = stopped
        self.errors: list[BaseException] = []  # of those that help
        self._function, self._waiting = function, iter(tasks)
        self._lock = threading.Lock()
        self._helping, self._ended = 0, False
        self._idle = threading.Lock()  # free once nobody helps any more
        self._idle.acquire()

    def work(self) -> None:
        """Take tasks until there are no more."""
        while not self.stopped.is_set():
            with self._lock:
                task = next(self._waiting, None)
            if task is None:
                return
            try:
                self._function(*task)
            except BaseException:
                self.stopped.set()
                raise

    def help(self) -> None:
        """`work` of another thread, unless it is over."""
        with self._lock:
            if self._ended:
                return
            self._helping += 1
        try:
            self.work()
        except BaseException as error:
            self.errors.append(error)
        finally:
            with self._lock:
                self._helping -= 1
                if self._ended and not self._helping:
                    self._idle.release()

    def end(self) -> None:
        """Wait for those that help; nobody else begins. Interrupts come after that."""
        interrupt: BaseException | None = None
        while True:
            try:
                with self._lock:
                    self._ended = True
                    if not self._helping:
                        break
                self._idle.acquire()
            except BaseException as error:
                self.stopped.set()
                interrupt = error
        if interrupt is not None:
            raise interrupt
