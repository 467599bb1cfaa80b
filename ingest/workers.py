"""Pure work on many texts, done beside the caller in processes of their own: patterns hold the interpreter, so that
threads would only wait for each other.

Knows nothing about what is computed.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Self, TypeVar

from index.session import n_cores

T = TypeVar("T")
R = TypeVar("R")

log = logging.getLogger(__name__)

# Fewer are computed where they are: starting a process takes as long as preparing a hundred articles.
MIN_ITEMS = 128
_TOGETHER = 16


class Workers:
    """As many processes as this one may use cores, started when there is enough to do; each takes some 60 MB.

    What a process that is killed was to compute is computed here, and so is all that follows. None of them outlives
    this process, however it ends.

    Args:
        n: How many instead; with fewer than two all is computed here.
    """

    def __init__(self, n: int | None = None) -> None:
        self._n = n_cores() if n is None else n
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """What `work` makes of each item, in their order.

        Many are begun at once; few are computed here, one after the other as they are asked for.

        Args:
            work: Pure, and like its arguments and results something that can be sent: a module's function, or a
                `partial` of one.
            items: What for.
        """
        parts = [items[at : at + _TOGETHER] for at in range(0, len(items), _TOGETHER)]
        is_enough = len(items) >= MIN_ITEMS
        return self._results(work, [(part, self._sent(work, part) if is_enough else None) for part in parts])

    def _results(
        self, work: Callable[[T], R], parts: Sequence[tuple[Sequence[T], Future[list[R]] | None]]
    ) -> Iterator[R]:
        for part, sent in parts:
            received = None if sent is None else self._received(sent)
            yield from map(work, part) if received is None else received

    def _sent(self, work: Callable[[T], R], part: Sequence[T]) -> Future[list[R]] | None:
        if self._n < 2:
            return None
        try:
            if self._pool is None:
                # A copy of this process, as forking makes one, would have its locks and not the threads that hold them.
                self._pool = ProcessPoolExecutor(self._n, multiprocessing.get_context("spawn"), _begin)
            return self._pool.submit(_each, work, part)
        except (BrokenProcessPool, OSError, ImportError) as error:  # as where a container may start no process
            self._give_up(error)
            return None

    def _received(self, found: Future[list[R]]) -> list[R] | None:
        try:
            return found.result()
        except BrokenProcessPool as error:
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        if self._n:
            log.warning("working on without further processes reason=%r", str(error))
        self._n = 0


def _begin() -> None:
    """In a process that has just been started: it leaves ^C to the one that started it, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _each(work: Callable[[T], R], part: Sequence[T]) -> list[R]:
    return [work(item) for item in part]
