"""What goes wrong between the bot and Discord: every question is answered once, not twice and not never."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from discord import RawBulkMessageDeleteEvent

from bot.desk import Desk
from bot.discord_address import discord_at
from bot.discord_bot import NewsBot, run_bot
from bot.memory import Memory
from bot.service import Asker, Opened
from bot.standin import StandIn
from bot.standin.entities import Interaction, Message
from index.errors import BadInput, NewsquoteError, StoreError
from index.snapshot import current_name
from index.types import Embedder, Vectors
from ingest.job import run_ingest, run_reindex
from ingest.sources import open_source
from tests.bot_support import DEADLINE, FERRY, NOW_S, Town, bot_in, opener, town_in
from tests.conftest import SAMPLE
from tests.discord_support import run
from tests.fakes import HashingEmbedder

BUSY = "Too many people are asking at this moment; please ask again in a minute."
CLOSING = "I am being restarted; please ask again in a minute."


@pytest.fixture(scope="module")
def quick_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample corpus with vectors that take no time."""
    folder = tmp_path_factory.mktemp("quick")
    assert run_ingest([open_source(str(SAMPLE))], folder, lambda: (HashingEmbedder(), 160), "test", NOW_S) == []
    return folder


class HeldEmbedder(HashingEmbedder):
    """Lets no question through while it is held."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.go.set()

    def embed_query(self, text: str) -> Vectors:
        assert text == "warm" or self.go.wait(30)
        return super().embed_query(text)


@contextlib.contextmanager
def held(embedder: HeldEmbedder) -> Iterator[None]:
    embedder.go.clear()
    try:
        yield
    finally:
        embedder.go.set()


async def typing_shown(discord: StandIn) -> None:
    """Wait until the bot shows that it is at work on a message."""
    await discord.until(lambda: any(request.path.endswith("/typing") for request in discord.requests), 5, "typing")


async def mentioned(town: Town, text: str = FERRY) -> Message:
    return await town.discord.say(town.ann, town.channel, town.mention(text))


async def answer_to(town: Town, said: Message, timeout_s: float = 10.0) -> Message:
    return await town.discord.wait_for_message(
        town.channel, after=said, where=lambda one: one.reference == said.id, timeout_s=timeout_s
    )


def ids_of(message: Message) -> list[str]:
    """The custom ids of a message's buttons."""
    return [button["custom_id"] for row in message.components for button in row["components"]]


def answers_to(town: Town, said: Message) -> list[Message]:
    return [one for one in town.from_bot() if one.reference == said.id]


async def is_answered_once_more(town: Town, said: Message) -> None:
    """A question asked later is answered, and the one before has one answer still."""
    later = await mentioned(town, DEADLINE)
    await answer_to(town, later)
    assert len(answers_to(town, said)) == 1


async def until(done: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Waits for what the stand-in does not see."""
    async with asyncio.timeout(timeout_s):
        while not done():
            await asyncio.sleep(0.01)


async def tried_again(discord: StandIn, ending: str) -> None:
    """Waits until a request whose connection broke has been made a second time: only then can there be two answers."""

    def found() -> bool:
        tries = [request.status for request in discord.requests if request.path.endswith(ending)]
        return 0 in tries and tries[-1] != 0

    await discord.until(found, 10, "the second try")


# The gateway ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("MESSAGE_CREATE", {"channel_id": "1", "content": "x"}),
        ("MESSAGE_UPDATE", {}),
        ("INTERACTION_CREATE", {"type": 2}),
        ("GUILD_CREATE", {"unavailable": False}),
        ("CHANNEL_DELETE", None),
    ],
)
def test_a_malformed_event_is_logged_and_passed_over(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, payload: dict[str, Any] | None
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            for session in discord.gateway.sessions.values():
                session.emit(name, payload)  # type: ignore[arg-type]
            await answer_to(town, await mentioned(town))
            assert re.search(rf"ERROR .* failed id=[0-9a-f]{{8}} what=gateway event {name}\n", caplog.text)
            assert discord.gateway.n_identified == 1

    run(test())


def test_a_dropped_gateway_is_resumed_and_what_was_asked_meanwhile_is_answered_once(
    quick_data: Path, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            await answer_to(town, await mentioned(town))
            await discord.drop_gateway()
            said = await mentioned(town)
            await answer_to(town, said, 20)
            assert (discord.gateway.n_resumed, discord.gateway.n_identified) == (1, 1)
            await is_answered_once_more(town, said)

    run(test())


@pytest.mark.parametrize("resumable", [True, False])
def test_an_invalid_session_is_begun_anew(quick_data: Path, tmp_path: Path, resumable: bool) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            await answer_to(town, await mentioned(town))
            before = discord.gateway.n_identified + discord.gateway.n_resumed
            discord.invalidate_session(resumable)
            await discord.until(
                lambda: discord.gateway.n_identified + discord.gateway.n_resumed > before, 20, "a new session"
            )
            said = await mentioned(town)
            await answer_to(town, said)
            await is_answered_once_more(town, said)

    run(test())


def test_a_server_that_was_killed_and_started_again_is_found_again(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            await answer_to(town, await mentioned(town))
            await discord.restart(forget_sessions=True)
            await discord.until(lambda: discord.gateway.n_identified == 2, 30, "a new session")
            said = await mentioned(town)
            await answer_to(town, said)
            await is_answered_once_more(town, said)

    run(test())


def test_servers_that_took_the_bot_off_while_it_was_down_are_forgotten_and_no_others(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async with StandIn() as discord:
            town = town_in(discord)
            guilds = [
                discord.add_guild(name, bot_is_member=name != "Elsewhere") for name in ("Left", "Down", "Elsewhere")
            ]
            left, down, elsewhere = guilds
            async with bot_in(discord, quick_data, HashingEmbedder(), tmp_path) as bot:
                await until(bot.is_ready)
                joined = discord.add_guild("Joined")
                guilds.append(joined)
                await until(lambda: bot.get_guild(joined.id) is not None)
                for guild in (*guilds, town.guild):
                    channel = discord.add_channel(guild, "general")
                    await (await discord.slash(town.ann, channel, "ask", question=FERRY)).answered()
                    bot.memory.set(guild.id, keep_days=3_650)
            left.bot_is_member = joined.bot_is_member = False
            # Discord names it among the bot's servers, and then no more of it.
            payload = discord.world.guild_payload
            monkeypatch.setattr(
                discord.world,
                "guild_payload",
                lambda guild: {"id": str(guild.id), "unavailable": True} if guild is down else payload(guild),
            )
            async with bot_in(discord, quick_data, HashingEmbedder(), tmp_path) as bot:
                await until(bot.is_ready)
                await until(lambda: bot.memory.n_answers() == 3)
                await asyncio.sleep(0.1)
                kept = [guild.id for guild in (*guilds, town.guild) if bot.memory.settings(guild.id).keep_days == 3_650]
                assert kept == [down.id, elsewhere.id, town.guild.id]
                assert bot.memory.n_answers() == 3
                other = discord.add_guild("Other application's")
                bot.memory.set(other.id, keep_days=7)
                bot.memory.set_note("guilds:7", f"[{other.id}]")
                await bot.on_ready()
                assert bot.memory.settings(other.id).keep_days == 7

    run(test())


# Sending --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("path", ["/channels/*/messages", "/webhooks/*/messages/@original", "/interactions/*"])
def test_a_refusal_for_a_moment_costs_no_answer(quick_data: Path, tmp_path: Path, status: int, path: str) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            discord.fail_next("*", path, status)
            if "channels" in path:
                said = await mentioned(town)
                await answer_to(town, said, 20)
                await is_answered_once_more(town, said)
            else:
                asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
                assert "ferry" in (await asked.answered(20)).text

    run(test())


@pytest.mark.parametrize("when", ["before", "middle", "after"])
def test_a_connection_that_breaks_while_replying_leaves_one_reply(quick_data: Path, tmp_path: Path, when: str) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            discord.drop_connection_on("POST", "/channels/*/messages", when)  # type: ignore[arg-type]
            said = await mentioned(town)
            await answer_to(town, said, 20)
            await tried_again(discord, "/messages")
            await is_answered_once_more(town, said)

    run(test())


@pytest.mark.parametrize("when", ["before", "middle", "after"])
@pytest.mark.parametrize("path", ["/interactions/*", "/webhooks/*/messages/@original"])
def test_a_connection_that_breaks_while_answering_a_command_leaves_one_answer(
    quick_data: Path, tmp_path: Path, when: str, path: str
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            discord.drop_connection_on("*", path, when)  # type: ignore[arg-type]
            asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
            answer = await asked.answered(20)
            await tried_again(discord, "/callback" if "interactions" in path else "/@original")
            assert answer.embeds
            assert town.from_bot() == [answer]
            assert asked.followups == []

    run(test())


def test_an_answer_slower_than_the_time_to_respond_arrives(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn(respond_s=0.3) as discord, bot_in(discord, quick_data, embedder, tmp_path):
            town = town_in(discord)
            with held(embedder):
                asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
                with pytest.raises(TimeoutError):
                    await asked.expired(0.5)
                assert asked.state == "deferred"
            assert (await asked.answered()).embeds

    run(test())


def test_an_answer_later_than_its_token_goes_into_the_channel(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn(token_s=0.3) as discord, bot_in(discord, quick_data, embedder, tmp_path):
            town = town_in(discord)
            with held(embedder):
                asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
                await asked.responded()
                with pytest.raises(TimeoutError):
                    await asked.expired(0.5)
            late = await discord.wait_for_message(town.channel, where=lambda one: bool(one.embeds))
            assert late.interaction is None
            assert late.content == f"**{FERRY}**"

    run(test())


def test_a_deleted_question_is_let_go(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn() as discord, bot_in(discord, quick_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            with held(embedder):
                said = await mentioned(town)
                await typing_shown(discord)
                await discord.delete(said)
            answered = await mentioned(town)
            await answer_to(town, answered)
            assert answers_to(town, said) == []
            assert bot.memory.n_answers() == 1
            await discord.delete(answered)
            last = await mentioned(town)
            await answer_to(town, last)
            assert bot.memory.answer_to_prompt(answered.id) is None

    run(test())


def test_questions_deleted_many_at_a_time_are_let_go(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path) as bot:
            town = town_in(discord)
            first, second, kept = await mentioned(town), await mentioned(town, DEADLINE), await mentioned(town)
            for said in (first, second, kept):
                await answer_to(town, said)
            await until(lambda: bot.memory.answer_to_prompt(kept.id) is not None)
            gone = {"ids": [str(first.id), str(second.id)], "channel_id": str(town.channel.id)}
            bot.dispatch("raw_bulk_message_delete", RawBulkMessageDeleteEvent(gone))  # type: ignore[arg-type]
            await until(lambda: bot.memory.n_answers() == 1)
            assert bot.memory.answer_to_prompt(kept.id) is not None

    run(test())


def test_of_two_edits_under_way_the_later_one_stands(quick_data: Path, tmp_path: Path) -> None:
    class Slow(HashingEmbedder):
        def embed_query(self, text: str) -> Vectors:
            asked.append(text)
            if text == DEADLINE:
                time.sleep(0.4)
            return super().embed_query(text)

    asked: list[str] = []

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, Slow(), tmp_path) as bot:
            town = town_in(discord)
            said = await mentioned(town)
            answer = await answer_to(town, said)
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await until(lambda: DEADLINE in asked)
            for text in ("Who saw the heron?", "Who is challenging Ines Halloran for mayor?"):
                await discord.edit(town.ann, said, town.mention(text))
            await until(lambda: "Halloran" in answer.text)
            await asyncio.sleep(0.6)
            assert "Halloran" in answer.text
            assert "Who saw the heron?" not in asked
            found = bot.memory.answer_to_prompt(said.id)
            assert found is not None and found[0].said == "Who is challenging Ines Halloran for mayor?"

    run(test())


def test_an_edit_that_cannot_be_shown_leaves_what_is_remembered_as_it_was(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path) as bot:
            town = town_in(discord)
            said = await mentioned(town)
            answer = await answer_to(town, said)
            await until(lambda: bot.memory.answer_of_message(answer.id) is not None)
            found = bot.memory.answer_to_prompt(said.id)
            discord.fail_next("PATCH", "/channels/*/messages/*", 403, times=2)  # the answer, and that it failed
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await until(lambda: bot.metrics.questions["failed"] == 1)
            await until(lambda: [request.status for request in discord.requests].count(403) == 2)
            assert bot.memory.answer_to_prompt(said.id) == found

    run(test())


def test_forgetting_goes_on_after_a_fault_of_the_database(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bot.discord_bot.FORGET_EVERY_S", 0.01)
    tries: list[int] = []

    def forget_old(self: Memory, now_s: int) -> int:
        tries.append(now_s)
        if len(tries) == 1:
            raise StoreError("the disk is full")
        return 0

    monkeypatch.setattr(Memory, "forget_old", forget_old)

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            await until(lambda: len(tries) > 2)
            assert "what=forgetting reason='the disk is full'" in caplog.text

    run(test())


def test_no_token_is_in_the_log_at_any_level(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path):
            town = town_in(discord)
            asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
            await asked.answered()
            assert f"question text={FERRY!r}" in caplog.text
            assert discord.token not in caplog.text
            assert asked.token not in caplog.text

    with caplog.at_level(logging.DEBUG):
        run(test())


def test_a_failure_is_told_in_one_sentence_with_the_id_that_is_in_the_log(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(HashingEmbedder):
        def embed_query(self, text: str) -> Vectors:
            if text != "warm":
                raise RuntimeError("the model fell over")
            return super().embed_query(text)

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, Broken(), tmp_path):
            town = town_in(discord)
            asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
            sentence = (await asked.answered()).content
            assert sentence.startswith("Something failed on my side; the operator finds it in the log under `")
            failure = sentence.split("`")[1]
            assert any(failure in record.getMessage() and record.exc_info for record in caplog.records)
            assert FERRY not in caplog.text
            assert discord.token not in caplog.text

    with caplog.at_level(logging.INFO):
        run(test())


def test_permissions_lost_while_it_searches_end_in_the_log_and_nowhere_else(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn() as discord, bot_in(discord, quick_data, embedder, tmp_path):
            town = town_in(discord)
            other = discord.add_channel(town.guild, "other")
            with held(embedder):
                await mentioned(town)
                await typing_shown(discord)
                discord.forbid(town.channel, "send_messages")
            said = await discord.say(town.ann, other, town.mention(DEADLINE))
            await discord.wait_for_message(other, after=said)
            await discord.until(lambda: "forbidden id=" in caplog.text, 5, "the log")
            assert town.from_bot() == []

    with caplog.at_level(logging.INFO):
        run(test())


@pytest.mark.parametrize("is_thread", [False, True])
def test_a_channel_that_is_gone_before_the_answer_lets_its_question_go(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, is_thread: bool
) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn() as discord, bot_in(discord, quick_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            place = await discord.open_thread(town.ann, town.channel, "Ferries") if is_thread else town.channel
            with held(embedder):
                await discord.say(town.ann, place, town.mention(FERRY))
                await typing_shown(discord)
                discord.world.remove_channel(town.channel)
                await until(lambda: bot.get_channel(town.channel.id) is None)
            await until(lambda: "question deleted before its answer" in caplog.text)
            assert bot.memory.n_answers() == 0
            assert bot.metrics.questions["failed"] == 0
            assert not any(record.exc_info for record in caplog.records)

    with caplog.at_level(logging.INFO):
        run(test())


def test_an_answer_that_was_deleted_while_it_was_thought_about_is_no_failure(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn() as discord, bot_in(discord, quick_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            with held(embedder):
                asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
                await asked.responded()
                await discord.delete(discord.messages(town.channel)[-1])
            await until(lambda: sum(bot.metrics.questions.values()) == 1)
            assert bot.metrics.questions["failed"] == 0
            assert not any(record.exc_info for record in caplog.records)

    run(test())


# Load -----------------------------------------------------------------------------------------------------


async def outcomes(asked: Sequence[Interaction], timeout_s: float) -> list[Message]:
    return list(await asyncio.gather(*(one.answered(timeout_s) for one in asked)))


def test_a_hundred_people_at_once_are_answered_or_told_and_no_heartbeat_is_missed(
    sample_data: Path, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with (
            StandIn(heartbeat_s=1.0) as discord,
            bot_in(discord, sample_data, embedder, tmp_path, max_waiting=60) as bot,
        ):
            town = town_in(discord)
            bot.memory.set(town.guild.id, guild_per_minute=0)
            people = [discord.add_user(f"Person {n}") for n in range(100)]
            asked = [await discord.slash(person, town.channel, "ask", question=FERRY) for person in people]
            answers = await outcomes(asked, 90)
            n_busy = sum(answer.content == BUSY for answer in answers)
            assert sum("**17** people" in answer.text for answer in answers) == 100 - n_busy >= 60
            assert {one.state for one in asked} == {"answered"}
            assert discord.gateway.n_missed_heartbeats == 0
            assert "heartbeat blocked" not in caplog.text

    run(test(), 120)


def test_a_full_queue_holds_up_neither_the_status_nor_more_quotes_and_only_questions_are_counted(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        embedder = HeldEmbedder()
        async with (
            StandIn() as discord,
            bot_in(discord, quick_data, embedder, tmp_path, n_workers=1, max_waiting=1) as bot,
        ):
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            with held(embedder):
                asked = await discord.slash(town.ann, town.channel, "ask", question=DEADLINE)
                await until(lambda: bot.asker.n_waiting == 1)
                busy = await discord.slash(town.ben, town.channel, "ask", question=FERRY)
                assert (await busy.answered()).content == BUSY
                status = await (await discord.slash(town.ben, town.channel, "status")).answered()
                assert "59 articles" in status.content and "1 questions are waiting" in status.content
                more = await (await discord.click(town.ben, answer, "More quotes")).answered()
                assert more.content.startswith("-# quotes 4 to ")
                standing = await discord.slash(town.ben, town.channel, "standing add", question=FERRY)
                assert (await standing.answered()).content == BUSY
            await asked.answered()

            async def broken(*_: object) -> None:
                raise StoreError("the disk is tired")

            monkeypatch.setattr(bot.asker, "status", broken)
            monkeypatch.setattr(bot.asker, "quotes", broken)
            for pressed in (
                await discord.slash(town.ben, town.channel, "status"),
                await discord.click(town.ben, answer, "More quotes"),
            ):
                assert (await pressed.answered()).content.startswith("Something failed on my side")
            await until(lambda: bot.metrics.questions.total() == 3)
            assert bot.metrics.questions["busy"] == 1
            monkeypatch.setattr(bot.asker, "ask", broken)
            failed = await (await discord.slash(town.ben, town.channel, "ask", question=FERRY)).answered()
            assert failed.content.startswith("Something failed on my side")
            assert bot.metrics.questions["failed"] == 1

    run(test())


def test_a_snapshot_switched_during_two_hundred_questions_fails_none(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(quick_data, data)
        embedder = HashingEmbedder()
        async with StandIn() as discord, bot_in(discord, data, embedder, tmp_path, watch_s=0.01) as bot:
            town = town_in(discord)
            bot.memory.set(town.guild.id, guild_per_minute=0)
            people = [discord.add_user(f"Person {n}") for n in range(20)]
            answers: list[Message] = []
            for turn in range(10):
                asked = [await discord.slash(person, town.channel, "ask", question=FERRY) for person in people]
                if turn in (2, 6):
                    await asyncio.to_thread(run_reindex, data, embedder, 80 + turn, "test", NOW_S, dry_run=False)
                    await asyncio.wait_for(bot.asker.switched_to(current_name(data) or ""), 10)
                answers += await outcomes(asked, 30)
            assert len(answers) == 200
            assert all(answer.embeds for answer in answers)
            assert bot.asker.snapshot == "000003"
            assert bot.metrics.questions["failed"] == 0
            assert sum(bot.metrics.took_s) == 200

    run(test(), 120)


def test_a_bot_without_an_index_says_so_and_answers_once_there_is_one(tmp_path: Path) -> None:
    async def test() -> None:
        embedder = HashingEmbedder()
        async with StandIn() as discord, bot_in(discord, tmp_path, embedder, tmp_path, watch_s=0.01) as bot:
            town = town_in(discord)
            refused = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            assert refused.content.startswith("There is nothing to search yet")
            await bot.wait_until_ready()
            assert "no index" in bot.health().problem
            await asyncio.to_thread(
                run_ingest, [open_source(str(SAMPLE))], tmp_path, lambda: (embedder, 160), "test", NOW_S
            )
            await asyncio.wait_for(bot.asker.switched_to("000001"), 10)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            assert answer.embeds

    run(test())


def test_a_broken_new_snapshot_leaves_the_old_one_answering(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(quick_data, data)
        embedder = HashingEmbedder()
        open_whole = opener(data, embedder)

        def open_index(before: Opened | None) -> Opened:
            if before is not None:
                raise OSError("the disk is tired")
            return open_whole(before)

        async with (
            StandIn() as discord,
            bot_in(discord, data, embedder, tmp_path, watch_s=0.01, open_index=open_index) as bot,
        ):
            town = town_in(discord)
            await asyncio.to_thread(run_reindex, data, embedder, 80, "test", NOW_S, dry_run=False)
            while not bot.asker.problem:
                await asyncio.sleep(0)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            assert answer.embeds
            assert bot.asker.snapshot == "000001"

    run(test())


# The end --------------------------------------------------------------------------------------------------


def test_closing_tells_those_whose_answer_is_not_ready_and_takes_no_more(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_bot.FINISH_S", 0.2)

    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn() as discord, bot_in(discord, quick_data, embedder, tmp_path, n_workers=1) as bot:
            town = town_in(discord)
            bot.memory.set(town.guild.id, guild_per_minute=0)
            with held(embedder):
                asked = [
                    await discord.slash(discord.add_user(f"P{n}"), town.channel, "ask", question=FERRY)
                    for n in range(19)
                ]
                for one in asked:
                    await one.responded()
                said = await mentioned(town)
                await typing_shown(discord)
                closing = bot.shutdown()
                late = await discord.slash(town.ben, town.channel, "ask", question=FERRY)
                assert (await late.answered()).content == CLOSING
                answers = await outcomes(asked, 8)
                assert [answer.content for answer in answers] == [CLOSING] * 19
                assert (await answer_to(town, said)).content == CLOSING
            await asyncio.wait_for(closing, 10)

    run(test())


def test_whatever_is_under_way_when_it_closes_is_told(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_bot.FINISH_S", 0.2)

    async def test() -> None:
        embedder = HeldEmbedder()
        async with StandIn() as discord, bot_in(discord, quick_data, embedder, tmp_path, n_workers=1) as bot:
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()

            async def never(*_: object) -> None:
                await asyncio.Event().wait()

            monkeypatch.setattr(bot.asker, "quotes", never)
            monkeypatch.setattr(bot.asker, "status", never)
            with held(embedder):
                asked = [
                    await discord.slash(town.ben, town.channel, "ask", question=FERRY),
                    await discord.click(town.ann, answer, "More quotes"),
                    await discord.slash(town.ann, town.channel, "status"),
                ]
                for one in asked:
                    await one.responded()
                closing = bot.shutdown()
                assert [one.content for one in await outcomes(asked, 5)] == [CLOSING] * 3
            await asyncio.wait_for(closing, 10)

    run(test())


def test_closing_waits_until_those_it_refuses_have_heard_it(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path) as bot:
            town = town_in(discord)
            discord.slow(0.3)
            said = await mentioned(town, "")
            asked = await discord.slash(town.ben, town.channel, "ask", question="??")
            await until(lambda: bot.metrics.questions["refused"] == 2)
            closing = bot.shutdown()
            late = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
            await asyncio.wait_for(closing, 10)
            assert (await answer_to(town, said, 1)).content.startswith("Ask me something")
            assert (await asked.answered(1)).content
            assert (await late.answered(1)).content == CLOSING
            assert not any(record.exc_info for record in caplog.records)

    run(test())


def test_what_its_own_closing_breaks_off_is_no_failure(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, quick_data, HashingEmbedder(), tmp_path) as bot:
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            discord.slow(0.5)
            await mentioned(town)
            await discord.click(town.ben, answer, next(one for one in ids_of(answer) if ":up:" in one))
            await discord.slash(town.ben, town.channel, "sources")
            await until(lambda: sum(r.path.endswith("/callback") for r in discord.requests) >= 3)
            await bot.close()
            gc.collect()  # what a task raised and nobody heard is logged when the task goes
            # The stand-in logs that its client left.
            assert not any(one.exc_info for one in caplog.records if one.name != "aiohttp.server")

    run(test())


async def started(discord: StandIn, data: Path) -> None:
    """The bot as its command runs it, until it ends."""
    with Memory(None) as memory, discord_at(discord.rest_url, discord.gateway_url):
        asker = Asker(data, opener(data, HashingEmbedder()))
        await run_bot(NewsBot(Desk(asker, memory, lambda: NOW_S)), "stand-in.token")


@pytest.mark.parametrize("code", [4004, None])
def test_a_token_that_is_revoked_while_it_runs_ends_it_with_a_sentence(quick_data: Path, code: int | None) -> None:
    async def test() -> None:
        async with StandIn() as discord:
            running = asyncio.create_task(started(discord, quick_data))
            await discord.wait_until_connected()
            discord.revoke_token()
            await discord.drop_gateway(code)
            with pytest.raises(BadInput, match="does not accept the token"):
                await asyncio.wait_for(running, 20)

    run(test())


@pytest.mark.parametrize(
    ("path", "status"), [("/users/@me", 403), ("/applications/*/commands", 400), ("/gateway/bot", 404)]
)
def test_a_start_that_discord_refuses_ends_with_a_sentence(quick_data: Path, path: str, status: int) -> None:
    async def test() -> None:
        async with StandIn() as discord:
            discord.fail_next("*", path, status)
            with pytest.raises(NewsquoteError, match="Discord does not let the bot work"):
                await asyncio.wait_for(started(discord, quick_data), 20)

    run(test())


@pytest.mark.parametrize(
    "moment",
    [
        "before",
        "/users/@me",
        "/oauth2/applications/@me",
        "opening",
        "warming",
        "/applications/*/commands",
        "/gateway/bot",
    ],
)
def test_a_bot_that_is_shut_down_while_it_starts_ends_as_one_that_runs(
    quick_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, moment: str
) -> None:
    reached = threading.Event()

    def pause(at: str) -> None:
        if at == moment:
            reached.set()
            time.sleep(0.5)

    class Slow(HashingEmbedder):
        def embed_query(self, text: str) -> Vectors:
            pause("warming")
            return super().embed_query(text)

    open_whole = opener(quick_data, Slow())

    def open_index(before: Opened | None) -> Opened:
        pause("opening")
        return open_whole(before)

    async def test() -> None:
        async with StandIn() as discord:
            with Memory(None) as memory, discord_at(discord.rest_url, discord.gateway_url):
                bot = NewsBot(Desk(Asker(quick_data, open_index), memory, lambda: NOW_S))
                async with bot:
                    if "/" in moment:
                        discord.slow(0.5, moment)
                    if moment == "before":
                        bot.shutdown()
                    running = asyncio.create_task(run_bot(bot, discord.token))
                    if moment in ("opening", "warming"):
                        await until(reached.is_set)
                    elif "/" in moment:
                        await until(lambda: any(fnmatch(request.path, moment) for request in discord.requests))
                    bot.shutdown()
                    await asyncio.wait_for(running, 5)
                    assert not discord.gateway.is_connected
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []

    run(test())


CHILD = """
import sys
from bot.discord_address import discord_at
import bot.discord_bot, newsquote
with discord_at(sys.argv.pop(1), sys.argv.pop(1)):
    newsquote.main()
"""


def test_sigterm_with_twenty_questions_pending_ends_in_time_and_leaves_nobody_waiting(
    sample_data: Path, tmp_path: Path
) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(sample_data, data, symlinks=True)
        async with StandIn() as discord:
            town = town_in(discord)
            environment = {name: value for name, value in os.environ.items() if not name.startswith("NEWSQUOTE_")}
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-W",
                "ignore",
                "-c",
                CHILD,
                discord.rest_url,
                discord.gateway_url,
                "--data",
                str(data),
                "bot",
                env=environment | {"NEWSQUOTE_DISCORD_TOKEN": discord.token, "NEWSQUOTE_LOG_LEVEL": "info"},
                stderr=asyncio.subprocess.PIPE,
            )
            await discord.wait_until_connected(60)
            people = [discord.add_user(f"Person {n}") for n in range(20)]
            asked = [await discord.slash(person, town.channel, "ask", question=FERRY) for person in people]
            for one in asked:
                await one.responded(10)
            child.send_signal(signal.SIGTERM)
            started = time.monotonic()
            _, log = await asyncio.wait_for(child.communicate(), 15)
            assert time.monotonic() - started < 10
            assert child.returncode == 0, log.decode()
            answers = await outcomes(asked, 1)
            assert all("**17** people" in answer.text or answer.content == CLOSING for answer in answers)
            assert discord.token.encode() not in log
            assert FERRY.encode() not in log
            assert b"Traceback" not in log, log.decode()

    run(test(), 90)
