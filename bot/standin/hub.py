"""Tells whoever listens that something changed, and waits for what is to come without polling."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from bot.standin.entities import Channel, Interaction, Message, User

T = TypeVar("T")

Kind = Literal[
    "message",
    "message_edited",
    "message_deleted",
    "reaction",
    "typing",
    "channel",
    "interaction",
    "commands",
    "gateway",
    "request",
]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that a person looking at the screen would see, or a test would wait for.

    Attributes:
        kind: What happened. `interaction` covers every step of one: asked, deferred, answered, refused, expired.
        channel: Where, if anywhere.
        message: The message it is about.
        interaction: The interaction it is about.
        user: Who did it: who is typing, who reacted.
        note: A word more: the gateway's step, or a request's method and path.
    """

    kind: Kind
    channel: Channel | None = None
    message: Message | None = None
    interaction: Interaction | None = None
    user: User | None = None
    note: str = ""


class Changes(AsyncIterator[Change]):
    """Changes from the moment this was made, in order; ends when the stand-in closes."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue()

    def push(self, change: Change | None) -> None:
        """Adds one; None ends the iteration."""
        self._queue.put_nowait(change)

    async def __anext__(self) -> Change:
        change = await self._queue.get()
        if change is None:
            raise StopAsyncIteration
        return change


class Hub:
    """Where changes are published."""

    def __init__(self) -> None:
        # Weak: a listener that nobody reads any more takes no memory.
        self._listeners: weakref.WeakSet[Changes] = weakref.WeakSet()
        self._waiting: set[asyncio.Event] = set()

    def publish(self, change: Change) -> None:
        """Tells every listener, and has every waiter look again."""
        for listener in list(self._listeners):
            listener.push(change)
        for event in self._waiting:
            event.set()

    def changes(self) -> Changes:
        """A new listener; it misses nothing from here on."""
        listener = Changes()
        self._listeners.add(listener)
        return listener

    def close(self) -> None:
        """Ends every listener."""
        for listener in list(self._listeners):
            listener.push(None)

    async def until(self, found: Callable[[], T | None], timeout_s: float, what: str) -> T:
        """The first value that `found` gives which is neither None nor false, looked for after every change.

        Raises:
            TimeoutError: `what` did not come within `timeout_s`.
        """
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := found()):
                    event.clear()
                    await event.wait()
                return value
        except TimeoutError:
            raise TimeoutError(f"{what} did not come within {timeout_s:g} s") from None
        finally:
            self._waiting.discard(event)
