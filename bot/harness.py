"""`newsquote harness`: a stand-in for Discord, the real bot connected to it, and a page that looks like a channel.

All of it listens on loopback alone, and answers only to pages that it served itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import WSMsgType, web
from pydantic import ValidationError

from bot.discord_address import discord_at
from bot.harness_page import Stage, Wish, set_stage
from bot.standin import StandIn
from bot.standin.hub import Changes
from bot.standin.wire import Json

log = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("harness.html")
HOST = "127.0.0.1"
TOKEN = "harness.token"


async def run_harness(start_bot: Callable[[str], Awaitable[None]], port: int, said: Callable[[str], None]) -> None:
    """Runs until the bot ends or this is cancelled.

    Args:
        start_bot: Connects the bot with a token and runs it to its end; it is cancelled when the harness ends.
            discord.py's addresses are the stand-in's by then.
        port: Of the page; 0 takes any free one.
        said: Told the page's address once it can be opened.

    Raises:
        OSError: The port is taken.
    """
    async with StandIn(token=TOKEN) as standin, page_served(set_stage(standin), port) as url:
        said(url)
        with discord_at(standin.rest_url, standin.gateway_url):
            await start_bot(standin.token)


@asynccontextmanager
async def page_served(stage: Stage, port: int = 0) -> AsyncIterator[str]:
    """Serves the page of a stage; the value is its address."""
    html = PAGE.read_text(encoding="utf-8")
    policy = content_policy(html)
    origins: set[str] = set()
    live: set[web.WebSocketResponse] = set()

    def check(request: web.Request) -> None:
        # Another site's page, also one whose name resolves to loopback, must not steer this one.
        if (
            f"http://{request.host}" not in origins
            or request.headers.get("Origin", f"http://{request.host}") not in origins
        ):
            raise web.HTTPForbidden(text="This page is for its own address alone.")

    async def page(request: web.Request) -> web.Response:
        check(request)
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def wire(request: web.Request) -> web.WebSocketResponse:
        check(request)
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        live.add(socket)
        try:
            await _serve(stage, socket)
        finally:
            live.discard(socket)
        return socket

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/wire", wire)
    runner = web.AppRunner(app, shutdown_timeout=1.0, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        port = runner.addresses[0][1]
        origins |= {f"http://{name}:{port}" for name in (HOST, "localhost")}
        yield f"http://{HOST}:{port}/"
    finally:
        for socket in list(live):
            await socket.close(code=1001)
        await runner.cleanup()


def content_policy(html: str) -> str:
    """What a browser may run and load on the page: its own script, its own styles, its own websocket."""
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


async def _serve(stage: Stage, socket: web.WebSocketResponse) -> None:
    """One page: what happens flows out, wishes come in, until either side goes."""
    changes = stage.standin.changes()
    await socket.send_json(stage.state())
    telling = asyncio.create_task(_tell(stage, socket, changes))
    granting: set[asyncio.Task[None]] = set()
    try:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            # Each by itself: a form can be filled in while completion is awaited.
            task = asyncio.create_task(_grant(stage, socket, message.data))
            granting.add(task)
            task.add_done_callback(granting.discard)
    finally:
        for task in (telling, *granting):
            task.cancel()
        await asyncio.gather(telling, *granting, return_exceptions=True)


async def _tell(stage: Stage, socket: web.WebSocketResponse, changes: Changes) -> None:
    async for change in changes:
        event = stage.told(change)
        if event is not None:
            await socket.send_json(event)


async def _grant(stage: Stage, socket: web.WebSocketResponse, text: str) -> None:
    try:
        wish = Wish.model_validate_json(text)
    except ValidationError as error:
        log.warning("page said nonsense: %s", error)
        return
    reply: Json
    try:
        reply = await stage.granted(wish)
    except (LookupError, ValueError, TimeoutError) as error:
        reply = {"error": str(error)}
    await socket.send_json({"re": wish.n, **reply})
