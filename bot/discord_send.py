"""Sending to Discord: cards as its objects, a broken connection tried again without a second message, what was refused.

discord.py tries again after 429 and some 5xx by itself, and not after others, nor after a connection that broke: then
nobody knows whether the request was carried out. Everything repeated here is of a kind that may be: an edit, a message
with a nonce that Discord enforces, a first response that it refuses the second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import discord

from bot.cards import Card
from bot.discord_views import view_of

log = logging.getLogger(__name__)

T = TypeVar("T")

N_TRIES = 4
PAUSE_S = 0.5
# What discord.py has tried again, five times, before it says so.
TRIED_BY_LIBRARY = frozenset({500, 502, 504, 524})
DROPPED = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, asyncio.TimeoutError, ConnectionError)

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
UNKNOWN_INTERACTION = 10062
ALREADY_RESPONDED = 40060
INVALID_FORM = 50035
INVALID_WEBHOOK_TOKEN = 50027
NO_HISTORY = 160002
HAS_THREAD = 160004

# The interaction can no longer be answered: its token is old, or it was not responded to in time.
TOO_LATE = frozenset({UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_WEBHOOK_TOKEN})


async def again(call: Callable[[], Awaitable[T]]) -> T:
    """The result of a call that may be repeated, tried again while the connection breaks or Discord is down.

    Raises:
        Whatever the last try raised.
    """
    for left in range(N_TRIES - 1, -1, -1):
        try:
            return await call()
        except (*DROPPED, discord.DiscordServerError) as error:
            if not left or getattr(error, "status", 0) in TRIED_BY_LIBRARY:
                raise
            log.warning("not carried out error=%r tries_left=%d", error, left)
            await asyncio.sleep(PAUSE_S * (N_TRIES - left))
    raise AssertionError("unreachable")


async def respond(call: Callable[[], Awaitable[object]]) -> bool:
    """Make the first response to an interaction; False where it came too late.

    A second try after a broken connection may hear that the first was carried out, which is just as well.

    Raises:
        discord.HTTPException: Any other refusal.
    """
    try:
        await again(call)
    except discord.HTTPException as error:
        if error.code == ALREADY_RESPONDED:
            return True
        if error.code in TOO_LATE:
            log.warning("interaction expired code=%d", error.code)
            return False
        raise
    except discord.InteractionResponded:
        return True
    return True


def embeds_of(card: Card) -> list[discord.Embed]:
    """A card's blocks as embeds."""
    return [
        discord.Embed(
            title=block.title or None, url=block.url, description=block.description, colour=discord.Colour(block.colour)
        )
        for block in card.blocks
    ]


def edit_of(card: Card) -> dict[str, Any]:
    """What an edit puts in place of whatever a message shows."""
    return {"content": card.content or None, "embeds": embeds_of(card), "view": view_of(card)}


async def send_once(
    channel: Any, card: Card, nonce: int, reference: discord.MessageReference | None = None
) -> discord.Message:
    """Send once, however often it is tried: Discord gives the first message back for the same nonce."""
    view = view_of(card)
    extra: dict[str, Any] = {} if view is None else {"view": view}
    if reference is not None:
        extra |= {"reference": reference, "mention_author": False}
    sent: discord.Message = await channel.send(card.content or None, embeds=embeds_of(card), nonce=nonce, **extra)
    return sent


def permissions_in(channel: Any, guild: discord.Guild) -> discord.Permissions:
    """What the bot may do in a channel of a server."""
    try:
        permissions: discord.Permissions = channel.permissions_for(guild.me)
    except discord.ClientException:
        return discord.Permissions.none()  # a thread whose channel is gone
    return permissions


def may_send(permissions: discord.Permissions, channel: Any) -> bool:
    """Whether the bot may write there with these permissions."""
    if getattr(channel, "guild", None) is None:
        return True
    is_thread = isinstance(channel, discord.Thread)
    return permissions.view_channel and (
        permissions.send_messages_in_threads if is_thread else permissions.send_messages
    )


def places_of(channel: Any, channel_id: int | None = None) -> tuple[int, ...]:
    """A channel's number, and its parent's for a thread."""
    found = (getattr(channel, "id", channel_id), getattr(channel, "parent_id", None))
    return tuple(number for number in found if number)


def can_thread(interaction: discord.Interaction[Any]) -> bool:
    """Whether a thread could be opened here: in a text channel of a server that the bot is on."""
    is_member = interaction.client.get_guild(interaction.guild_id or 0) is not None
    return is_member and isinstance(interaction.channel, discord.TextChannel)


def is_gone(error: discord.HTTPException) -> bool:
    """Whether what was to be replied to or edited is gone, be it the message alone or its channel."""
    return error.code in (UNKNOWN_CHANNEL, UNKNOWN_MESSAGE) or (
        error.code == INVALID_FORM and "message_reference" in error.text
    )
