"""A server on loopback that speaks OpenAI's chat completions, over real HTTP, and misbehaves as it is told.

It writes whatever its script says, and never reads what it is asked but to record it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

Fault = Literal[
    "",
    "status",  # `status` and an error in JSON that repeats the request's key
    "hang",  # accepts, and never answers
    "hang midway",
    "die",  # the connection breaks after the pieces
    "no end",  # the stream ends in order, without a reason to finish
    "malformed",  # an event that is no JSON
    "wrong shape",  # JSON of another kind
    "not a stream",  # a page of HTML
    "error event",  # an error inside the stream
    "refusal",
]


@dataclass(frozen=True)
class Script:
    """What one request gets.

    Attributes:
        pieces: Of the reply, an event each.
        finish: Reason to finish.
        fault: How it misbehaves.
        status: For the fault "status".
        pause_s: Before each piece.
    """

    pieces: Sequence[str] = ()
    finish: str = "stop"
    fault: Fault = ""
    status: int = 500
    pause_s: float = 0.0


@dataclass
class Asked:
    """A request as it came."""

    body: dict[str, Any]
    headers: dict[str, str]


@dataclass
class StandInModel:
    """The running server."""

    script: Callable[[Asked], Script]
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    n_open: int = 0

    async def complete(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(await request.json(), dict(request.headers))
        self.asked.append(asked)
        script = self.script(asked)
        self.n_open += 1
        try:
            return await self._reply(request, script)
        finally:
            self.n_open -= 1

    async def _reply(self, request: web.Request, script: Script) -> web.StreamResponse:
        if script.fault == "status":
            message = f"no: {request.headers.get('Authorization')}"
            return web.json_response({"error": {"message": message, "type": "x"}}, status=script.status)
        if script.fault == "not a stream":
            return web.Response(
                text="<html><body>Welcome to the captive portal</body></html>", content_type="text/html"
            )
        if script.fault == "hang":
            await asyncio.sleep(3600)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await _send(response, {"role": "assistant", "content": ""})
        for piece in script.pieces:
            if script.pause_s:
                await asyncio.sleep(script.pause_s)
            await _send(response, {"content": piece})
        match script.fault:
            case "hang midway":
                await asyncio.sleep(3600)
            case "die":
                assert request.transport is not None
                request.transport.abort()
                return response
            case "malformed":
                await response.write(b'data: {"choices": [{"delta": {"content": "half an\n\n')
            case "wrong shape":
                await response.write(b'data: {"choices": [{"delta": {"content": {"text": 17}}}]}\n\n')
            case "error event":
                await response.write(b'data: {"error": {"message": "out of memory"}}\n\n')
            case "refusal":
                await _send(response, {"refusal": "I cannot help with that."}, "stop")
            case "":
                await _send(response, {}, script.finish)
        await response.write(b"data: [DONE]\n\n" if script.fault != "no end" else b"")
        return response


async def _send(response: web.StreamResponse, delta: dict[str, Any], finish: str | None = None) -> None:
    event = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "stand-in",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    await response.write(f"data: {json.dumps(event)}\n\n".encode())


@asynccontextmanager
async def standin_model(script: Script | Callable[[Asked], Script]) -> AsyncIterator[StandInModel]:
    """The server, until the block ends; it then drops whoever still waits."""
    model = StandInModel(script if callable(script) else lambda asked: script)
    app = web.Application()
    app.router.add_post("/v1/chat/completions", model.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    model.url = f"http://127.0.0.1:{port}/v1"
    try:
        yield model
    finally:
        await runner.cleanup()
