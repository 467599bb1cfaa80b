"""Points discord.py at another server than Discord. The one place that sets its addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import yarl
from discord.asset import Asset
from discord.gateway import DiscordWebSocket
from discord.http import Route


@contextmanager
def discord_at(rest_url: str, gateway_url: str) -> Iterator[None]:
    """Sends every client of this process there, and back to Discord at the end.

    Args:
        rest_url: REST API with its version: `http://127.0.0.1:4000/api/v10`.
        gateway_url: The gateway: `ws://127.0.0.1:4000/gateway`.
    """
    before = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, Asset.BASE
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, Asset.BASE = rest_url, yarl.URL(gateway_url), rest_url + "/cdn"
    try:
        yield
    finally:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, Asset.BASE = before
