"""The harness without a browser: who may steer it, what it says to nonsense, and that it ends as it began."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import discord
import pytest
from discord.http import Route

from bot.harness import content_policy, page_served, run_harness
from bot.harness_page import set_stage
from bot.standin import StandIn
from tests.discord_support import run


def test_a_bot_connects_to_the_stand_in_and_when_it_ends_so_does_the_harness() -> None:
    async def test() -> None:
        before = Route.BASE
        told: list[str] = []

        async def start_bot(token: str) -> None:
            client = discord.AutoShardedClient(intents=discord.Intents(guilds=True))

            @client.event
            async def on_ready() -> None:
                async with aiohttp.ClientSession() as session, session.get(told[0]) as answer:
                    told.append(await answer.text())
                told.extend(guild.name for guild in client.guilds)
                await client.close()

            await client.start(token)

        await run_harness(start_bot, 0, told.append)
        url, html, guild = told
        assert html.startswith("<!doctype html>")
        assert guild == "Newsroom"
        assert before == Route.BASE
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(url)

    run(test())


@pytest.mark.parametrize(
    ("delay_s", "number"),
    [
        (0.0, signal.SIGINT),
        (0.0, signal.SIGTERM),
        (0.3, signal.SIGINT),
        (0.6, signal.SIGTERM),
        (0.9, signal.SIGINT),
        (1.2, signal.SIGTERM),
        (1.5, signal.SIGINT),
    ],
)
def test_the_harness_ends_in_good_order_however_far_it_has_come(
    sample_data: Path, tmp_path: Path, delay_s: float, number: signal.Signals
) -> None:
    """Whatever a moment hits on the machine at hand, the bot's start or its running: the end is the same."""

    async def test() -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSQUOTE_")}
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from newsquote import main; main()"),
            *("--data", str(sample_data), "harness", "--port", "0"),
            env=kept | {"TMPDIR": str(tmp_path)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            assert child.stdout is not None
            assert await asyncio.wait_for(child.stdout.readline(), 60), await child.communicate()
            await asyncio.sleep(delay_s)
            child.send_signal(number)
            _, errors = await asyncio.wait_for(child.communicate(), 30)
            assert (child.returncode, errors) == (0, b"")
            assert list(tmp_path.iterdir()) == []
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()

    run(test(), timeout_s=120)


def test_a_page_that_is_open_does_not_keep_the_harness_from_ending() -> None:
    async def test() -> None:
        async with StandIn() as standin, aiohttp.ClientSession() as session:
            async with page_served(set_stage(standin)) as url:
                socket = await session.ws_connect(url + "wire")
                assert (await socket.receive_json())["event"] == "state"
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
            await socket.close()

    run(test(), timeout_s=10)


def test_only_its_own_page_may_steer_it() -> None:
    """Another site in the same browser, also one whose name leads to loopback, gets nothing."""

    async def test() -> None:
        async with StandIn() as standin, page_served(set_stage(standin)) as url, aiohttp.ClientSession() as client:
            async with client.get(url) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Security-Policy"] == content_policy(await answer.text())
            async with client.get(url, headers={"Host": "evil.example"}) as answer:
                assert answer.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await client.ws_connect(url + "wire", headers={"Origin": "https://evil.example"})
            async with client.ws_connect(url + "wire") as socket:
                assert (await socket.receive_json())["event"] == "state"

    run(test())


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"do": "say", "as": 1, "text": "x"}, "This person is not here."),
        ({"do": "say", "channel": 1, "text": "x"}, "This channel is gone."),
        ({"do": "delete", "message": 1}, "This message is gone."),
        ({"do": "dance"}, "The page cannot do 'dance'."),
        ({"do": "fault", "name": "fire"}, "There is no fault 'fire'."),
        ({"do": "modal", "interaction": "x"}, "This form is gone."),
    ],
)
def test_what_cannot_be_done_comes_back_as_a_sentence(wish: dict[str, object], sentence: str) -> None:
    async def test() -> None:
        async with StandIn() as standin, aiohttp.ClientSession() as client:
            stage = set_stage(standin)
            usual = {"n": 7, "as": stage.people[0].id, "channel": stage.channels[0].id}
            async with page_served(stage) as url, client.ws_connect(url + "wire") as socket:
                await socket.receive_json()
                await socket.send_str("nonsense")
                await socket.send_json(usual | wish)
                assert await socket.receive_json() == {"re": 7, "error": sentence}

    run(test())
