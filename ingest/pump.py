"""An asynchronous iterator that runs in a thread of its own, read as an ordinary one.

The storing of what came does not hold up the network, nor the network's timeouts run out while something is stored.
Knows nothing about what is pumped.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def pumped(make: Callable[[], AsyncIterator[T]], n_ahead: int) -> Generator[T, None, None]:
    """The items of `make()`, in order.

    The thread is started by the first item asked for. Closing the iterator cancels it and waits for its end.

    Args:
        make: Called in the thread, inside its event loop.
        n_ahead: How many items may wait to be taken.

    Raises:
        BaseException: What the asynchronous iterator raised.
    """
    pump = _Pump(make, n_ahead)
    pump.thread.start()
    try:
        yield from pump.items()
    finally:
        pump.stop()


class _Pump(Generic[T]):
    def __init__(self, make: Callable[[], AsyncIterator[T]], n_ahead: int) -> None:
        self._make = make
        self._n_ahead = n_ahead
        self._ready: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Semaphore | None = None
        self._started = threading.Event()
        # A daemon: a process that ends in the middle must not wait for the network.
        self.thread = threading.Thread(target=self._run, name="newsquote-fetch", daemon=True)

    def items(self) -> Iterator[T]:
        while True:
            item = self._ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            self._call(lambda: self._room.release() if self._room else None)
            yield item

    def stop(self) -> None:
        self._started.wait()
        self._call(lambda: self._task.cancel() if self._task else None)
        self.thread.join()

    def _call(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        end = _End(None)
        try:
            asyncio.run(self._pump())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where the items are read
            end = _End(error)
        finally:
            self._started.set()
            self._ready.put(end)

    async def _pump(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._room = asyncio.Semaphore(self._n_ahead)
        self._started.set()
        made = self._make()
        try:
            async for item in made:
                await self._room.acquire()
                self._ready.put(item)
        finally:
            close = getattr(made, "aclose", None)
            if close is not None:
                await close()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
