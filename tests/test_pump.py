"""An asynchronous iterator read from another thread: order, bounds, errors, and an end that leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from ingest.pump import pumped


def n_threads() -> int:
    return sum(thread.name == "newsquote-fetch" for thread in threading.enumerate())


async def counting(n: int) -> AsyncIterator[int]:
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def test_items_come_in_order_and_the_thread_ends() -> None:
    assert list(pumped(lambda: counting(100), 3)) == list(range(100))
    assert n_threads() == 0


def test_no_more_is_made_than_may_wait() -> None:
    made: list[int] = []

    async def making() -> AsyncIterator[int]:
        for i in range(100):
            made.append(i)
            yield i

    items = pumped(making, 4)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    # Three were taken, four may wait, and one more is in the hand that waits for room.
    for _ in range(100):
        threading.Event().wait(0.001)
    assert len(made) <= 8
    items.close()
    assert n_threads() == 0


def test_an_error_comes_through_behind_what_came_before_it() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise KeyError("lost")

    items = pumped(failing, 4)
    assert next(items) == 1
    with pytest.raises(KeyError, match="lost"):
        next(items)
    assert n_threads() == 0


def test_closing_early_ends_what_is_under_way_in_order() -> None:
    closed: list[str] = []

    async def waiting() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.sleep(3_600)
            yield 2
        finally:
            closed.append("closed")

    items = pumped(waiting, 4)
    assert next(items) == 1
    items.close()
    assert closed == ["closed"]
    assert n_threads() == 0


def test_nothing_is_started_before_the_first_item_is_asked_for() -> None:
    items = pumped(lambda: counting(1), 1)
    assert n_threads() == 0
    items.close()
