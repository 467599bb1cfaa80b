"""Work begun ahead of what is made of it. Knows nothing about either."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def ahead(begun: Iterable[T], n: int) -> Iterator[T]:
    """Items in their order, each once `n` more have been taken of `begun`, or no more come: what is begun by taking
    them goes on meanwhile.
    """
    waiting: deque[T] = deque()
    for item in begun:
        waiting.append(item)
        if len(waiting) > n:
            yield waiting.popleft()
    yield from waiting
