"""Tasks spread over threads, of which the caller is one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
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
        lock, waiting = threading.Lock(), iter(some)
        stopped = stopped or threading.Event()

        def work() -> None:
            while not stopped.is_set():
                with lock:
                    task = next(waiting, None)
                if task is None:
                    return
                try:
                    function(*task)
                except BaseException:
                    stopped.set()
                    raise

        helping: list[Future[None]] = []
        try:
            helping += [self._threads().submit(work) for _ in range(others)]
            work()
            for future in helping:
                # Nothing is left for those that have not begun.
                future.cancel()
            wait(helping)
        except BaseException:
            stopped.set()
            for future in helping:
                future.cancel()
            wait(helping)
            raise
        for future in helping:
            if not future.cancelled():
                future.result()

    def _threads(self) -> ThreadPoolExecutor:
        """The others of this process: a fork does not take threads along."""
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.threads - 1, "dpse-fast")
            self._process = os.getpid()
        return self._pool
