"""Tasks spread over threads, of which the caller is one."""

from __future__ import annotations

import os
import threading
import weakref
from _thread import start_new_thread
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

Tasks = Iterable[tuple[Any, ...]]


class Workers:
    """The caller's thread and others that wait for work.

    The others are started and called by functions of C, which an interrupt comes
    before or after. A ThreadPoolExecutor has a semaphore of Python, which stays locked
    where an interrupt comes while it is entered: the next call would wait forever.

    Parameters
    ----------
    threads : how many, the caller's included
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._calls: _Calls = SimpleQueue()
        self._started = self._process = 0

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
            calls = self._calls_of(others)
            for _ in range(others):
                calls.put(team.help)
            team.work()
            team.end()
        except BaseException:
            team.stopped.set()
            team.end()
            raise
        if team.errors:
            raise team.errors[0]

    def _calls_of(self, others: int) -> _Calls:
        """What at least so many other threads take calls from.

        They are of this process: a fork takes none along.
        """
        if self._process != os.getpid():
            self._calls, self._started = SimpleQueue(), 0
            self._process = os.getpid()
        while self._started < others:
            ended = weakref.ref(self, self._calls.put)  # and so gives itself
            start_new_thread(_serve, (self._calls, ended))
            self._started += 1
        return self._calls


_Calls = SimpleQueue[Any]


def _serve(calls: _Calls, ended: Any) -> None:
    """Make calls until the workers are gone.

    Parameters
    ----------
    ended : kept alive, as it is what tells that they are gone
    """
    while not isinstance(call := calls.get(), weakref.ref):
        with suppress(BaseException):  # a team keeps its errors
            call()
        del call


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
