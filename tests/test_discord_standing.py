"""Questions that stand, through the real bot: set, told once and to whom they should be, stopped, forgotten."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.discord_bot import NewsBot
from bot.standin import Channel, StandIn
from bot.standin.entities import Interaction, Message
from bot.standing import AGAIN_S, MAX_OF_PERSON, REST_S
from index.settings import DEFAULT_PASSAGE_TOKENS
from index.types import DAY_S, Embedder
from ingest.job import run_ingest, run_retract
from ingest.sources import open_source
from tests.bot_support import DEADLINE, NOW_S, NOWHERE, Town, bot_in, town_in
from tests.discord_support import run
from tests.test_discord_buttons import custom_id

MOVED = "Goalkeeper Idris Vanterpool has moved from Lisbon to Osaka, where he signed for three years."
BELL = "Keep me posted"


class Corpus:
    """A data folder of a test's own, and the time on its wall."""

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        self.folder = folder
        self._embedder = embedder
        self._n = 0
        self.now_s = NOW_S

    def clock(self) -> float:
        return self.now_s

    async def add(self, text: str, published: str = "2025-04-30T10:00:00Z", **fields: str) -> str:
        """Ingest an article; its address."""
        self._n += 1
        url = f"https://ledger.example/sport/{self._n}"
        record = {"url": url, "title": "Transfers", "source": "Ledger", "published": published, "text": text} | fields
        path = self.folder.parent / f"{self._n}.jsonl"
        path.write_text(json.dumps(record), encoding="utf-8")
        await asyncio.to_thread(
            run_ingest,
            [open_source(str(path))],
            self.folder,
            lambda: (self._embedder, DEFAULT_PASSAGE_TOKENS),
            "test",
            self.now_s,
        )
        return url


@pytest.fixture
def corpus(sample_data: Path, embedder: Embedder, tmp_path: Path) -> Corpus:
    shutil.copytree(sample_data, tmp_path / "data", symlinks=True)
    return Corpus(tmp_path / "data", embedder)


async def looked(bot: NewsBot, n: int = 1) -> None:
    """Wait until `n` standing questions more have been asked."""
    before = bot.metrics.news.total()
    async with asyncio.timeout(20):
        while bot.metrics.news.total() < before + n:
            await asyncio.sleep(0.02)


async def stood(town: Town, pressed: Interaction) -> Message:
    """The message that says where news will be told, after the one that says so to whoever set it."""
    answer = await pressed.answered()
    assert answer.is_ephemeral and "in your direct messages. `/standing list`" in answer.content
    said: Message = town.from_bot(town.discord.dm(pressed.user))[-1]
    assert "will be quoted here" in said.content
    return said


async def bell(town: Town, question: str = NOWHERE) -> Message:
    asked = await town.discord.slash(town.ann, town.channel, "ask", question=question)
    return await stood(town, await town.discord.click(town.ann, await asked.answered(), BELL))


def test_news_is_told_once_to_whoever_pressed_the_bell_with_quotes_of_new_articles_alone(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, watch_s=0.05, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            here = discord.dm(town.ann)
            said = await bell(town)
            assert NOWHERE.rstrip("?") in said.content
            await corpus.add("The council of Veldt has voted on parking fees, and raised them by a tenth.")
            await looked(bot)
            assert town.from_bot(here) == [said]
            url = await corpus.add(MOVED)
            news = await discord.wait_for_message(here, after=said)
            assert news.content.startswith("🔔 News on **Which goalkeeper")
            assert "Idris Vanterpool" in news.text and not news.pings
            assert [embed["url"].partition("#")[0] for embed in news.embeds] == [url]
            assert town.from_bot() == [one for one in town.from_bot() if NOWHERE in one.content]
            assert bot.asker.n_answered == 1  # the question that Ann asked herself
            # It is an answer like any other: it can be voted on and followed up.
            assert (
                "good answer" in (await (await discord.click(town.ann, news, custom_id(news, "up"))).answered()).content
            )
            follow = await discord.say(town.ann, here, "and for how many years did he sign?", news)
            answer = await discord.wait_for_message(here, after=follow)
            assert "three years" in answer.text

    run(test())


def test_after_news_it_rests_and_the_same_answer_is_not_told_again(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, watch_s=0.05, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            here = discord.dm(town.ann)
            said = await bell(town)
            await corpus.add(MOVED)
            first = await discord.wait_for_message(here, after=said)
            await corpus.add("Osaka have a new goalkeeper: Idris Vanterpool, who moved from Lisbon.")
            await bot.asker.switched_to("000003")
            await asyncio.sleep(0.3)
            assert bot.metrics.news == {"told": 1}  # it rests
            corpus.now_s += REST_S
            await looked(bot)
            assert bot.metrics.news == {"told": 1, "nothing": 1}
            text = "In a second deal, goalkeeper Abel Quist moved from Lisbon to Osaka, the club confirmed."
            await corpus.add(text)
            second = await discord.wait_for_message(here, after=first)
            assert "Abel Quist" in second.text and "Vanterpool" not in second.text

    run(test())


def test_what_was_shown_below_the_bell_is_no_news(corpus: Corpus, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, watch_s=0.05, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            said = await bell(town, DEADLINE)
            await corpus.add("Treasury Secretary Scott Bessent named April 26 as the deadline for the deal.")
            await looked(bot)
            assert town.from_bot(discord.dm(town.ann)) == [said]
            await corpus.add("Treasury Secretary Scott Bessent named May 3 as the new deadline for the deal.")
            news = await discord.wait_for_message(discord.dm(town.ann), after=said)
            assert "**May 3**" in news.text

    run(test())


def test_an_archive_that_is_ingested_later_is_no_news(corpus: Corpus, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, watch_s=0.05, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            said = await bell(town)
            await corpus.add(MOVED, published="2024-01-15")
            await looked(bot)
            assert bot.metrics.news == {"nothing": 1}
            assert town.from_bot(discord.dm(town.ann)) == [said]

    run(test())


def test_it_stands_over_a_restart_and_is_stopped_by_its_button(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord:
            town = town_in(discord)
            async with bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock):
                said = await bell(town)
            await corpus.add(MOVED)
            async with bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot:
                news = await discord.wait_for_message(discord.dm(town.ann), after=said)
                stopped = await (await discord.click(town.ann, news, "Stop")).answered()
                assert stopped.content == "Stopped: you will not be told of news on it any more."
                assert bot.memory.n_standing() == 0
                again = await (await discord.click(town.ann, said, "Stop")).answered()
                assert again.content == "That question does not stand any more."

    run(test())


def test_managers_have_news_told_in_a_channel_and_nobody_else_does(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            desk = discord.add_channel(town.guild, "desk")

            async def add(user: str, channel: Channel) -> Message:
                person = town.ann if user == "ann" else town.ben
                asked = await discord.slash(person, town.channel, "standing add", question=NOWHERE, channel=channel)
                return await asked.answered()

            assert "manage the server" in (await add("ben", desk)).content
            assert bot.memory.n_standing() == 0
            assert f"<#{desk.id}>" in (await add("ann", desk)).content
            assert "already" in (await add("ann", desk)).content
            await corpus.add(MOVED)
            said = town.from_bot(desk)[0]
            news = await discord.wait_for_message(desk, after=said)
            assert "Idris Vanterpool" in news.text and not news.pings
            refused = await (await discord.click(town.ben, news, "Stop")).answered()
            assert refused.content == "That answer was shown to another person alone."
            cy = discord.add_user("Cy", manages=(town.guild,))
            listed = await (await discord.slash(cy, town.channel, "standing list")).answered()
            assert f"1. **{NOWHERE.replace('?', '')}" in listed.content and f"<#{desk.id}>" in listed.content
            await (await discord.click(cy, listed, "Stop 1")).answered()
            assert bot.memory.n_standing() == 0

    run(test())


def test_a_channel_that_is_closed_to_it_is_tried_again_a_day_later(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            desk = discord.add_channel(town.guild, "desk")
            asked = await discord.slash(town.ann, town.channel, "standing add", question=NOWHERE, channel=desk)
            await asked.answered()
            said = town.from_bot(desk)[0]
            discord.forbid(desk, "send_messages")
            await corpus.add(MOVED)
            await bot.asker.switched_to("000002")
            await until(lambda: bot.memory.standing_of(town.ann.id)[0].due_s == corpus.now_s + DAY_S)
            discord.allow(desk, "send_messages")
            corpus.now_s += DAY_S
            assert "Idris Vanterpool" in (await discord.wait_for_message(desk, after=said)).text

    run(test())


def test_who_takes_no_direct_messages_is_told_so_and_later_nobody_is_written_to(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            town.ann.takes_direct_messages = False
            asked = await discord.slash(town.ann, town.channel, "standing add", question=NOWHERE)
            assert "allow direct messages" in (await asked.answered()).content
            assert bot.memory.n_standing() == 0
            town.ann.takes_direct_messages = True
            await bell(town)
            town.ann.takes_direct_messages = False
            await corpus.add(MOVED)
            await until(lambda: bot.memory.n_standing() == 0)

    run(test())


def test_a_failure_on_the_way_is_tried_again_and_told_once(corpus: Corpus, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            here = discord.dm(town.ann)
            said = await bell(town)
            discord.fail_next("POST", "*/messages", 400)
            await corpus.add(MOVED)
            await until(lambda: bot.metrics.news["failed"] == 1)
            discord.drop_connection_on("POST", "*/messages", "middle")
            corpus.now_s += AGAIN_S
            await discord.wait_for_message(here, after=said)
            await until(lambda: bot.metrics.news["told"] == 1)
            assert len(town.from_bot(here)) == 2

    run(test())


def test_what_is_forgotten_stopped_withdrawn_or_counted_anew_is_not_told(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            said = await bell(town)
            standing = bot.memory.standing_of(town.ann.id)[0]
            # As if the corpus had been larger before it was built anew.
            bot.memory.told(standing.id, 10_000, standing.due_s, standing.told)
            await until(lambda: bot.memory.standing_of(town.ann.id)[0].after_version == bot.asker.last_version)
            url = await corpus.add(MOVED, published="2025-05-02")  # answers from then on
            await bot.asker.switched_to("000002")
            await asyncio.to_thread(run_retract, corpus.folder, [url], corpus.now_s, dry_run=False)
            corpus.now_s += 3 * DAY_S
            await corpus.add("The council of Veldt has voted on parking fees, and raised them by a tenth.")
            await until(lambda: bot.metrics.news["nothing"] >= 2)
            forgot = await (await discord.slash(town.ann, town.channel, "forget-me")).answered()
            assert "1 standing questions" in forgot.content
            await corpus.add(MOVED, published="2025-05-03")
            await bot.asker.switched_to("000004")
            await asyncio.sleep(0.3)
            assert town.from_bot(discord.dm(town.ann)) == [said]

    run(test())


def test_so_many_and_no_more_stand_for_one_person(corpus: Corpus, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot,
        ):
            town = town_in(discord)
            for n in range(MAX_OF_PERSON + 1):
                asked = await discord.slash(
                    town.ben, discord.dm(town.ben), "standing add", question=f"Who won race number {n}?"
                )
                answer = await asked.answered()
            assert answer.content.startswith(f"You have {MAX_OF_PERSON} standing questions")
            assert bot.memory.n_standing() == bot.memory.n_standing(town.ben.id) == MAX_OF_PERSON
            listed = await (await discord.slash(town.ben, discord.dm(town.ben), "standing list")).answered()
            assert listed.content.count("your direct messages") == MAX_OF_PERSON
            empty = await (await discord.slash(town.ann, town.channel, "standing list")).answered()
            assert empty.content.startswith("No question of yours stands.")
            silent = await (await discord.slash(town.ann, town.channel, "standing add", question="???")).answered()
            assert "nothing in it" in silent.content

    run(test())


async def until(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.02)
