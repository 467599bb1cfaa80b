"""What all REST routes share: the record of requests, authorisation, rate limits, faults, and the answer's bytes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.standin.faults import Fault, Faults
from bot.standin.hub import Change, Hub
from bot.standin.limits import Buckets, Limit
from bot.standin.rest import Call, Handler
from bot.standin.wire import ApiError, Json

API = "/api/v10"
# These prove who asks by the token in their address.
WITHOUT_AUTHORISATION = ("/interactions/", "/webhooks/", "/gateway")


@dataclass(slots=True, eq=False)
class Request:
    """One REST request, kept in the order in which they came.

    Attributes:
        method: HTTP method.
        path: Below the API's version, with real ids.
        route: The same with names for ids, as Discord's description writes it; "" for an unknown one.
        body: The JSON sent, or None.
        status: What was answered; 0 while it is not, or where the connection was cut.
        answer: The JSON answered, or None.
        at_s: When it came, monotonic seconds.
    """

    method: str
    path: str
    route: str
    body: Any
    at_s: float
    status: int = 0
    answer: Any = None

    def __repr__(self) -> str:
        return f"<{self.method} {self.path} {self.status}>"


class Serving:
    """Puts every handler behind the same door.

    Attributes:
        token: The one that is accepted.
        requests: All that came, in order.
        faults: What is to go wrong.
        defects: Errors of the stand-in itself.
    """

    def __init__(self, token: str, limits: Sequence[Limit], hub: Hub) -> None:
        self.requests: list[Request] = []
        self.faults = Faults()
        self.defects: list[Exception] = []
        self.token = token
        self._buckets = Buckets(limits)
        self._hub = hub

    def handle(self, route: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """What all routes share around one handler."""

        async def serve(request: web.Request) -> web.StreamResponse:
            path = request.path.removeprefix(API)
            entry = Request(request.method, path, route, None, time.monotonic())
            self.requests.append(entry)
            fault = self.faults.take(request.method, path) or Fault(request.method, path)
            await asyncio.sleep(self.faults.delay_s(path))
            if fault.cut == "before":
                return _cut(request)
            try:
                headers = await self._carry_out(request, entry, handler, fault)
            except ConnectionError:
                # The client left.
                raise
            except Exception as defect:
                self.defects.append(defect)
                raise
            self._hub.publish(Change("request", note=f"{entry.method} {entry.path} {entry.status}"))
            if fault.cut == "middle" and entry.status != 204:
                return await _half_sent(request, entry, headers)
            if fault.cut is not None:
                entry.status = 0
                return _cut(request)
            if entry.status == 204:
                return web.Response(status=204, headers=headers)
            # As bytes, so that no charset is added: discord.py compares the whole header.
            body = json.dumps(entry.answer).encode()
            return web.Response(status=entry.status, body=body, headers=headers, content_type="application/json")

        return serve

    async def _carry_out(self, request: web.Request, entry: Request, handler: Handler, fault: Fault) -> dict[str, str]:
        """Has the handler answer, or what stands in its way; fills the entry and gives the headers."""
        ids = dict(request.match_info)
        standing = self._buckets.take(request.method, entry.route, ids, time.monotonic(), time.time())
        headers = standing.headers
        try:
            entry.body = await _body(request)
            if fault.status is not None and not fault.done:
                raise _failure(fault)
            self._authorise(request, entry.path)
            if standing.retry_after_s is not None:
                raise _RateLimited(standing.retry_after_s)
            answer = await handler(Call(ids, dict(request.query), entry.body or {}))
            if fault.status is not None:
                raise _failure(fault)
            entry.status, entry.answer = (204 if answer is None else 200), answer
        except ApiError as error:
            entry.status, entry.answer = error.status, error.body
            headers = {**headers, **error.headers}
        return headers

    def _authorise(self, request: web.Request, path: str) -> None:
        if path.startswith(WITHOUT_AUTHORISATION) and path != "/gateway/bot":
            return
        if request.headers.get("Authorization") != f"Bot {self.token}":
            raise ApiError(401, 0, "401: Unauthorized")
        if not request.headers.get("User-Agent", "").startswith("DiscordBot ("):
            raise ApiError(403, 40333, "internal network error")


class _RateLimited(ApiError):
    """429 with the time to wait."""

    def __init__(self, retry_after_s: float, *, is_global: bool = False) -> None:
        super().__init__(429, 0, "You are being rate limited.")
        self._retry_after_s, self._is_global = retry_after_s, is_global

    @property
    def body(self) -> Json:
        return {"message": self.message, "retry_after": self._retry_after_s, "global": self._is_global}

    @property
    def headers(self) -> dict[str, str]:
        # discord.py takes a 429 without Via for one of Discord's shield and does not wait.
        common = {"Retry-After": f"{self._retry_after_s:.3f}", "Via": "1.1 stand-in"}
        if self._is_global:
            return {**common, "X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
        return {**common, "X-RateLimit-Scope": "user"}


def _failure(fault: Fault) -> ApiError:
    assert fault.status is not None
    if fault.status == 429:
        return _RateLimited(fault.retry_after_s, is_global=fault.is_global)
    return ApiError(fault.status, fault.code, f"{fault.status}: a fault of the stand-in")


async def _body(request: web.Request) -> Any:
    """The JSON sent; None for nothing.

    Raises:
        ApiError: It is no JSON, or a form with files.
    """
    if request.content_type.startswith("multipart/"):
        raise ApiError(415, 0, "The stand-in takes no files")
    text = await request.text()
    try:
        return json.loads(text) if text else None
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None


def _cut(request: web.Request) -> web.Response:
    """Ends the connection; the response never leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half_sent(request: web.Request, entry: Request, headers: Mapping[str, str]) -> web.StreamResponse:
    """Half of the answer, and the end of the connection."""
    body = json.dumps(entry.answer).encode()
    response = web.StreamResponse(status=entry.status, headers=headers)
    response.content_type = "application/json"
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    entry.status = 0
    if request.transport is not None:
        # Closed, not aborted, so that the half arrives.
        request.transport.close()
    return response
