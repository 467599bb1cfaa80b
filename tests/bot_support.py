"""What tests need to run the real bot against the stand-in for Discord, over the sample corpus."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.desk import Desk
from bot.discord_bot import NewsBot
from bot.memory import Memory
from bot.service import Asker, OneAtATime, Opened
from bot.standin import Channel, Guild, StandIn, User
from bot.standin.entities import Message
from index.rerank import load_reranker
from index.snapshot import open_snapshot
from index.types import Embedder
from tests.discord_openapi import check_bodies
from tests.discord_support import connected
from tests.fakes import HashingEmbedder

# 2025-04-30, noon: the last day of the sample corpus.
NOW_S = 1_746_014_400

FERRY = "How many people were injured in the ferry accident?"
DEADLINE = "What deadline did Bessent mention?"
NOWHERE = "Which goalkeeper moved from Lisbon to Osaka?"


def opener(data: Path, embedder: Embedder) -> Callable[[Opened | None], Opened]:
    """Opens the live snapshot of a data folder with an embedder that is there already."""
    shared = OneAtATime(embedder)
    # Hashed words find something quickly; reading it would take longer than all else together.
    reranker = None if isinstance(embedder, HashingEmbedder) else load_reranker()
    return lambda before: Opened(open_snapshot(data), shared, reranker)


@dataclass(frozen=True)
class Town:
    """A server with a channel and two people."""

    discord: StandIn
    guild: Guild
    channel: Channel
    ann: User
    ben: User

    def mention(self, text: str) -> str:
        return f"<@{self.discord.bot.id}> {text}"

    def from_bot(self, channel: Channel | None = None) -> list[Message]:
        """What the bot has written that all can see."""
        messages = self.discord.messages(channel or self.channel)
        return [one for one in messages if one.author is self.discord.bot and not one.is_ephemeral]


def town_in(discord: StandIn) -> Town:
    guild = discord.add_guild("Newsroom")
    channel = discord.add_channel(guild, "general")
    ann = discord.add_user("Ann", manages=(guild,))
    return Town(discord, guild, channel, ann, discord.add_user("Ben"))


def steps() -> Callable[[], float]:
    """A clock on which cooldowns are over at every look."""
    return itertools.count(0.0, 100.0).__next__


@asynccontextmanager
async def bot_in(
    discord: StandIn,
    data: Path,
    embedder: Embedder,
    memory_at: Path,
    *,
    n_workers: int = 2,
    max_waiting: int = 100,
    watch_s: float = 0.05,
    monotonic: Callable[[], float] | None = None,
    clock: Callable[[], float] = lambda: NOW_S,
    open_index: Callable[[Opened | None], Opened] | None = None,
) -> AsyncIterator[NewsBot]:
    """The bot, connected; its memory is kept in a folder, so that a second one goes on where the first ended.

    All that it sent is held against Discord's own description at the end, where that is at hand.
    """
    with Memory(memory_at) as memory:
        asker = Asker(
            data,
            open_index or opener(data, embedder),
            n_workers=n_workers,
            max_waiting=max_waiting,
            watch_s=watch_s,
        )
        bot = NewsBot(Desk(asker, memory, clock), monotonic=monotonic or steps(), look_s=watch_s)
        async with connected(discord, bot):
            yield bot
    check_bodies(discord.requests)
