"""Real HTTP servers on loopback, in a thread of their own, with names, certificates and a count of every request.

A route is a `Page` or a coroutine that writes bytes itself, so that any fault of a server can be acted out. Names are
resolved by `Web.lookup`, to be given to what fetches. Knows nothing about newsquote.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """A well-behaved reply. `etag` and `last_modified` are sent, and answered with 304 when they come back."""

    body: bytes | str = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = ""
    last_modified: str = ""

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        body = self.body.encode() if isinstance(self.body, str) else self.body
        status = self.status
        is_known = (self.etag and request.headers.get("if-none-match") == self.etag) or (
            self.last_modified and request.headers.get("if-modified-since") == self.last_modified
        )
        if is_known:
            status, body = 304, b""
        headers = {"Content-Type": self.content_type, "ETag": self.etag, "Last-Modified": self.last_modified}
        head = [f"HTTP/1.1 {status} -"]
        head += [f"{name}: {value}" for name, value in {**headers, **self.headers}.items() if value]
        head.append(f"Content-Length: {len(body)}" if status != 304 else "X-Same: 1")
        writer.write("\r\n".join([*head, "", ""]).encode("utf-8") + body)
        await writer.drain()


Route = Page | Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
NOT_FOUND = Page("<html><body><p>Nothing here.</p></body></html>", status=404)


def redirect(to: str, status: int = 302) -> Page:
    return Page(status=status, headers={"Location": to})


class Server:
    """One host. `routes` may be changed at any time; a path that is not in it is a 404.

    Attributes:
        requests: Every request that came, in order.
        n_connections: How many connections were accepted.
        n_at_once: Most requests that were being answered at one moment.
    """

    def __init__(self, address: str, port: int) -> None:
        self.address = address
        self.port = port
        self.routes: dict[str, Route] = {}
        self.requests: list[Request] = []
        self.n_connections = 0
        self.n_at_once = 0
        self._n_now = 0

    def paths(self) -> list[str]:
        """Paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def n_of(self, path: str) -> int:
        """How often a path was asked for."""
        return self.paths().count(path)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side ends it."""
        self.n_connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while not writer.is_closing():
                    await self._answer(await self._request(reader), writer)
        finally:
            # Flushing to one who reads no more would hold the socket for ever.
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.requests.append(request)
        self._n_now += 1
        self.n_at_once = max(self.n_at_once, self._n_now)
        try:
            route = self.routes.get(request.path) or self.routes.get(request.path.split("?")[0])
            await (route or NOT_FOUND)(request, writer)
        finally:
            self._n_now -= 1

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        pairs = (line.partition(":") for line in head[1:] if line)
        return Request(method, path, {name.lower(): value.strip() for name, _, value in pairs})


class Web:
    """Servers under names, as a context manager.

    Attributes:
        servers: Those that were started, the last one of each name.
        names: What `lookup` answers for a host; a list of lists answers one list after the other, the last for ever.
        n_lookups: How often each name was looked up.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[str] | list[list[str]]] = {}
        self.n_lookups: dict[str, int] = {}
        self.servers: dict[str, Server] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._started: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def host(self, name: str, *, address: str = LOOPBACK, port: int = 0, tls: ssl.SSLContext | None = None) -> Server:
        """Start a server for a name that resolves to `address` where it listens."""
        server = Server(address, port)
        started = self._run(asyncio.start_server(server.serve, address, port, ssl=tls, limit=1_000_000))
        server.port = started.sockets[0].getsockname()[1]
        self._started.append(started)
        self.names.setdefault(name, [address])
        self.servers[name] = server
        return server

    async def lookup(self, host: str, port: int) -> list[str]:
        """The resolver for what fetches."""
        del port
        n = self.n_lookups[host] = self.n_lookups.get(host, 0) + 1
        found = self.names.get(host, [])
        turns = [one for one in found if isinstance(one, list)]
        return turns[min(n, len(turns)) - 1] if turns else [one for one in found if isinstance(one, str)]

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _stop(self) -> None:
        for server in self._started:
            server.close()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Transports close in the loop's next round.
        await asyncio.sleep(0)
        await asyncio.sleep(0)


class Clock:
    """Time that passes only by sleeping; `slept` has every pause."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now_s += seconds
        await asyncio.sleep(0)
