"""The commands that run the bot: `bot` on Discord, `harness` on a page of its own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import reranker_of, threshold_of, writers_of
from index.cli import DataOption, settings_for, snapshot_embedder
from index.errors import BadInput, NewsquoteError

if TYPE_CHECKING:
    from bot.bot_settings import BotSettings
    from bot.discord_bot import NewsBot
    from bot.service import Opened
    from index.settings import Settings


def bot(
    context: typer.Context,
    sync: Annotated[
        bool, typer.Option("--sync", help="Tell Discord the commands even if they did not change.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Answer on Discord, until SIGTERM.

    The token is read from NEWSQUOTE_DISCORD_TOKEN.

    Example: newsquote bot
    """
    import asyncio

    from bot.bot_settings import read_bot_settings

    settings, own = settings_for(context, data), read_bot_settings()
    token = own.discord_token.get_secret_value()
    if not token:
        raise BadInput("There is no token; set NEWSQUOTE_DISCORD_TOKEN (docs/discord-setup.md says where to find it).")
    _check_folder(settings.data)
    asyncio.run(_run_bot(settings, own, token, sync=sync))


async def _run_bot(settings: Settings, own: BotSettings, token: str, *, sync: bool) -> None:
    from bot.discord_bot import closed_by_signals, run_bot
    from bot.metrics import MetricsServer

    with _bot(settings, own, sync=sync) as made:
        server = MetricsServer(made.metrics, made.health, own.metrics_port) if own.metrics_port else None
        try:
            async with closed_by_signals(made):
                if server is not None:
                    await server.start()
                await run_bot(made, token)
        except OSError as error:
            port = f", and that port {own.metrics_port} is free" if own.metrics_port else ""
            raise NewsquoteError(f"The connection failed ({error}); check the network{port}.") from error
        finally:
            if server is not None:
                await server.close()


def harness(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Loopback port of the page; 0 for any free one.", min=0, max=65535)] = 8765,
    data: DataOption = None,
) -> None:
    """Run the bot without Discord, on a page of its own.

    The page looks like a channel. Votes and conversations are forgotten when it ends.

    Example: newsquote harness
    """
    import asyncio

    from bot.bot_settings import BotSettings
    from bot.discord_bot import closed_by_signals, run_bot
    from bot.harness import run_harness

    settings = settings_for(context, data)
    _check_folder(settings.data)

    async def run() -> None:
        with _bot(settings, BotSettings(), is_remembered=False) as made:
            async with closed_by_signals(made):
                await run_harness(lambda token: run_bot(made, token), port, lambda url: print(url, flush=True))

    try:
        asyncio.run(run())
    except OSError as error:
        raise NewsquoteError(f"The page cannot be served on port {port} ({error}); name another --port.") from error


@contextlib.contextmanager
def _bot(settings: Settings, own: BotSettings, *, sync: bool = False, is_remembered: bool = True) -> Iterator[NewsBot]:
    """The bot with all that it needs, not yet connected; make it inside a running event loop."""
    from bot.desk import Desk
    from bot.discord_bot import NewsBot
    from bot.llm_settings import read_llm_settings
    from bot.memory import Memory
    from bot.service import Asker

    llm = read_llm_settings()
    writer, rewriter = writers_of(llm, settings.data) if llm.is_on else (None, None)
    with Memory(settings.data if is_remembered else None) as memory:
        asker = Asker(
            settings.data,
            lambda opened: _opened(settings, opened),
            n_workers=own.bot_workers,
            max_waiting=own.bot_queue,
        )
        yield NewsBot(Desk(asker, memory, time.time, rewriter), writer=writer, sync=sync)


def _opened(settings: Settings, before: Opened | None) -> Opened:
    """The live snapshot and its embedder, kept where the snapshot before was made with the same."""
    from bot.service import OneAtATime, Opened
    from index.snapshot import open_snapshot

    snapshot = open_snapshot(settings.data)
    if before is not None and before.snapshot.manifest.model == snapshot.manifest.model:
        return replace(before, snapshot=snapshot)
    embedder = OneAtATime(snapshot_embedder(settings, snapshot.manifest.model))
    return Opened(snapshot, embedder, reranker_of(settings), threshold_of(settings))


def _check_folder(folder: Path) -> None:
    """Raise `BadInput` where there is no such folder; one without a corpus may yet get it from an ingest."""
    if not folder.is_dir():
        raise BadInput(
            f"There is no folder {folder}; run `newsquote ingest SOURCE` first, or name another folder with --data."
        )
