"""What tests need to run a real discord.py client against the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import discord

from bot.discord_address import discord_at
from bot.standin import StandIn

T = TypeVar("T")


def run(test: Coroutine[Any, Any, T], timeout_s: float = 60.0) -> T:
    """Runs one asynchronous test to its end.

    Raises:
        TimeoutError: It took longer than `timeout_s`.
    """

    async def limited() -> T:
        async with asyncio.timeout(timeout_s):
            return await test

    return asyncio.run(limited())


@asynccontextmanager
async def connected(standin: StandIn, client: discord.Client, timeout_s: float = 10.0) -> AsyncIterator[None]:
    """Runs a client against the stand-in, from its session's start to its orderly end.

    An error that ends the client while it runs is raised here.
    """
    with discord_at(standin.rest_url, standin.gateway_url):
        identified = standin.gateway.n_identified
        running = asyncio.create_task(client.start(standin.token))
        online = asyncio.create_task(
            standin.until(lambda: standin.gateway.n_identified > identified, timeout_s, "the client")
        )
        try:
            await asyncio.wait({running, online}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            await online
            yield
        finally:
            online.cancel()
            await client.close()
            await asyncio.wait_for(running, timeout_s)
