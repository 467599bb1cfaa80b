"""Questions that stand, through the real bot: set, told once and to whom they should be, stopped, forgotten."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.discord_bot import NewsBot
from bot.discord_send import send_once
from bot.discord_standing import stop_standing
from bot.memory import Memory
from bot.remembered import Standing
from bot.standin import Channel, StandIn
from bot.standin.entities import Interaction, Message
from bot.standing import AGAIN_S, MAX_OF_PERSON, REST_S
from bot.words import words_for
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
        self.embedder = embedder
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
            lambda: (self.embedder, DEFAULT_PASSAGE_TOKENS),
            "test",
            self.now_s,
        )
        return url


@pytest.fixture
def corpus(sample_data: Path, embedder: Embedder, tmp_path: Path) -> Corpus:
    shutil.copytree(sample_data, tmp_path / "data", symlinks=True)
    return Corpus(tmp_path / "data", embedder)


@asynccontextmanager
async def ready(corpus: Corpus) -> AsyncIterator[tuple[NewsBot, Town]]:
    """The bot over a corpus, with people to talk to."""
    async with (
        StandIn() as discord,
        bot_in(discord, corpus.folder, corpus.embedder, corpus.folder.parent, clock=corpus.clock) as bot,
    ):
        yield bot, town_in(discord)


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


def test_news_is_told_once_to_whoever_pressed_the_bell_with_quotes_of_new_articles_alone(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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


def test_after_news_it_rests_and_the_same_answer_is_not_told_again(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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


def test_what_was_shown_below_the_bell_is_no_news(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            said = await bell(town, DEADLINE)
            await corpus.add("Treasury Secretary Scott Bessent named April 26 as the deadline for the deal.")
            await looked(bot)
            assert town.from_bot(discord.dm(town.ann)) == [said]
            await corpus.add("Treasury Secretary Scott Bessent named May 3 as the new deadline for the deal.")
            news = await discord.wait_for_message(discord.dm(town.ann), after=said)
            assert "**May 3**" in news.text

    run(test())


def test_an_archive_that_is_ingested_later_is_no_news(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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


def test_managers_have_news_told_in_a_channel_and_nobody_else_does(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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
            assert refused.content == "Only whoever set it can stop it, or a member who manages the server."
            listed = await (await discord.slash(town.ben, town.channel, "standing list")).answered()
            assert listed.content.startswith("No question of yours stands.")
            cy = discord.add_user("Cy", manages=(town.guild,))
            await (await discord.slash(cy, town.channel, "standing add", question="Who won race number 1?")).answered()
            listed = await (await discord.slash(cy, town.channel, "standing list")).answered()
            own, managed = listed.content.split("\n")[1:]
            assert own.startswith("1. **Who won race number 1")
            assert managed.startswith(f"2. **{NOWHERE.replace('?', '')}") and f"<#{desk.id}>" in managed
            await (await discord.click(cy, listed, "Stop 2")).answered()
            assert bot.memory.n_standing() == bot.memory.n_standing(cy.id) == 1

    run(test())


@pytest.mark.parametrize(
    ("is_direct", "guild", "may_manage", "is_stopped"),
    [(False, 1, True, True), (False, 1, False, False), (False, 2, True, False), (True, 1, True, False)],
)
def test_a_manager_stops_what_is_told_in_channels_of_that_server_alone(
    is_direct: bool, guild: int, may_manage: bool, is_stopped: bool
) -> None:
    """No list and no message shows another person the other buttons; should one be pressed, the bot looks too."""
    said: list[str] = []

    async def whisper(interaction: object, sentence: str) -> None:
        said.append(sentence)

    words = words_for("en")
    with Memory(None) as memory:
        memory.stand(Standing("abcd1234", NOW_S, NOW_S + DAY_S, 1, 2, 3, is_direct, "who won?", (), "en", 0))
        interaction = SimpleNamespace(
            client=SimpleNamespace(memory=memory, words_of=lambda _: words, whisper=whisper),
            user=SimpleNamespace(id=4),
            guild_id=guild,
            permissions=SimpleNamespace(manage_guild=may_manage),
        )
        run(stop_standing(interaction, "abcd1234"))  # type: ignore[arg-type]
        assert (memory.standing("abcd1234") is None) == is_stopped
    assert said == [words.standing_stopped if is_stopped else words.standing_not_yours]


def test_a_channel_that_is_closed_to_it_is_tried_again_a_day_later(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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


def test_who_takes_no_direct_messages_is_told_so_and_later_nobody_is_written_to(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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


def test_a_failure_on_the_way_is_tried_again_and_told_once(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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


def test_what_is_forgotten_stopped_withdrawn_or_counted_anew_is_not_told(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            said = await bell(town)
            standing = bot.memory.standing_of(town.ann.id)[0]
            # As if the corpus had been larger before it was built anew.
            bot.memory.told(standing.id, 10_000, standing.due_s, standing.told)
            await until(lambda: bot.memory.standing_of(town.ann.id)[0].after_version == bot.asker.last_version)
            bot.memory.told(standing.id, bot.asker.last_version, corpus.now_s + REST_S, ())
            url = await corpus.add(MOVED)
            await bot.asker.switched_to("000002")
            await asyncio.to_thread(run_retract, corpus.folder, [url], corpus.now_s, dry_run=False)
            corpus.now_s += REST_S
            await until(lambda: bot.metrics.news["nothing"] == 2)
            forgot = await (await discord.slash(town.ann, town.channel, "forget-me")).answered()
            assert "1 standing questions" in forgot.content
            await corpus.add("Osaka have a new goalkeeper: Idris Vanterpool, who moved from Lisbon.")
            await bot.asker.switched_to("000003")
            await asyncio.sleep(0.3)
            assert town.from_bot(discord.dm(town.ann)) == [said]

    run(test())


def test_so_many_and_no_more_stand_for_one_person_and_in_all(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
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
            twice = await (
                await discord.slash(town.ben, discord.dm(town.ben), "standing add", question="Who won race number 0?")
            ).answered()
            assert "already" in twice.content
            monkeypatch.setattr("bot.discord_standing.MAX_OF_ALL", MAX_OF_PERSON)
            full = await (await discord.slash(town.ann, town.channel, "standing add", question=NOWHERE)).answered()
            assert full.content == "I take no more standing questions at this moment."
            assert bot.memory.n_standing() == MAX_OF_PERSON

    run(test())


def test_so_many_and_no_more_stand_however_fast_they_are_set(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            discord.slow(0.3, "*/@me/channels")

            async def add(n: int) -> str:
                asked = await discord.slash(town.ben, town.channel, "standing add", question=f"Who won race {n}?")
                return (await asked.answered()).content

            said = await asyncio.gather(*(add(n) for n in range(MAX_OF_PERSON + 3)))
            assert sum(one.startswith(f"You have {MAX_OF_PERSON} standing questions") for one in said) == 3
            assert bot.memory.n_standing() == MAX_OF_PERSON

    run(test())


def test_an_article_that_is_dated_a_day_ahead_is_told_when_it_comes_in(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            said = await bell(town)
            await corpus.add(MOVED, published="2025-05-01")  # a paper east of here
            news = await discord.wait_for_message(discord.dm(town.ann), after=said)
            assert "Idris Vanterpool" in news.text
            await until(lambda: bot.metrics.news["told"] == 1)
            kept = bot.memory.answer_of_message(news.id)
            assert kept is not None and kept.question is not None
            assert kept.question.asked_on == date(2025, 4, 30)  # what "yesterday" in a follow-up is counted from

    run(test())


def test_what_is_forgotten_while_its_news_is_sent_is_not_remembered_again(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            said = await bell(town)

            async def sent_meanwhile(*args: Any) -> Any:
                message = await send_once(*args)
                bot.memory.forget_person(town.ann.id)
                return message

            monkeypatch.setattr("bot.discord_standing.send_once", sent_meanwhile)
            await corpus.add(MOVED)
            await discord.wait_for_message(discord.dm(town.ann), after=said)
            await until(lambda: bot.metrics.news["told"] == 1)
            assert bot.memory.n_standing() == bot.memory.n_answers() == 0

    run(test())


def test_what_stands_by_another_persons_words_ends_when_they_forget_them_and_ones_own_stays(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord, memory = town.discord, bot.memory
            memory.set(town.guild.id, keep_days=30)
            asked = await discord.say(town.ann, town.channel, town.mention(NOWHERE))
            answer = await discord.wait_for_message(town.channel, after=asked)
            said = await stood(town, await discord.click(town.ben, answer, BELL))
            await stood(town, await discord.click(town.ann, answer, BELL))
            (theirs,), (own,) = memory.standing_of(town.ben.id), memory.standing_of(town.ann.id)
            assert (theirs.until_s - NOW_S, own.until_s - NOW_S) == (30 * DAY_S, 90 * DAY_S)
            assert theirs.answer is not None and own.answer is None
            await corpus.add(MOVED)
            news = await discord.wait_for_message(discord.dm(town.ben), after=said)
            await until(lambda: bot.metrics.news["told"] == 2)
            await discord.delete(asked)
            await until(lambda: memory.n_standing() == 1)
            assert memory.standing_of(town.ann.id)[0].id == own.id
            kept = memory.answer_of_message(news.id)
            assert kept is not None and kept.question is None
            await (await discord.slash(town.ann, town.channel, "forget-me")).answered()
            assert memory.n_standing() == 0
            held = b"".join(path.read_bytes() for path in corpus.folder.parent.glob("bot.db*"))
            assert b"goalkeeper" not in held

    run(test())


def test_what_stands_by_a_follow_up_of_ones_own_question_stands_on(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord, memory = town.discord, bot.memory
            memory.set(town.guild.id, keep_days=30)
            asked = await discord.say(town.ann, town.channel, town.mention(NOWHERE))
            answer = await discord.wait_for_message(town.channel, after=asked)
            asked = await discord.say(town.ann, town.channel, "and when?", reply_to=answer)
            answer = await discord.wait_for_message(town.channel, after=asked)
            await stood(town, await discord.click(town.ann, answer, BELL))
            await stood(town, await discord.click(town.ben, answer, BELL))
            (own,), (others,) = memory.standing_of(town.ann.id), memory.standing_of(town.ben.id)
            assert (own.until_s - NOW_S, own.answer) == (90 * DAY_S, None)
            assert (others.until_s - NOW_S, others.answer is None) == (30 * DAY_S, False)

    run(test())


def test_a_question_that_is_forgotten_while_it_is_set_does_not_stand(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord, set_up = town.discord, bot.desk.standing
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=NOWHERE)).answered()

            async def set_meanwhile(*args: Any, **named: Any) -> Standing:
                standing = await set_up(*args, **named)
                bot.memory.forget_person(town.ann.id)
                return standing

            monkeypatch.setattr(bot.desk, "standing", set_meanwhile)
            for pressed in (
                await discord.click(town.ben, answer, BELL),
                await discord.slash(town.ann, town.channel, "standing add", question=NOWHERE),
            ):
                assert (await pressed.answered()).content == "This answer is no longer stored; ask again."
            assert bot.memory.n_standing() == 0

    run(test())


def test_what_is_stopped_while_it_is_asked_is_not_told(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            said = await bell(town)
            news, found = bot.desk.news, []

            async def news_meanwhile(standing: Standing) -> Any:
                found.append(await news(standing))
                await (await discord.click(town.ann, said, "Stop")).answered()
                return found[0]

            monkeypatch.setattr(bot.desk, "news", news_meanwhile)
            await corpus.add(MOVED)
            await until(lambda: bot.memory.n_standing() == 0)
            await asyncio.sleep(0.2)
            assert found[0] is not None
            assert town.from_bot(discord.dm(town.ann)) == [said]

    run(test())


def test_a_kill_between_sending_and_noting_tells_nothing_twice_whatever_came_in_since(
    corpus: Corpus, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord:
            town = town_in(discord)
            here = discord.dm(town.ann)
            async with bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot:
                said = await bell(town)
                before = bot.memory.standing_of(town.ann.id)[0]
                await corpus.add(MOVED)
                news = await discord.wait_for_message(here, after=said)
                await until(lambda: bot.metrics.news["told"] == 1)
                bot.memory.stand(before)  # as if it had been killed then
            await corpus.add("The council of Veldt has voted on parking fees, and raised them by a tenth.")
            async with bot_in(discord, corpus.folder, embedder, tmp_path, clock=corpus.clock) as bot:
                await until(lambda: bot.metrics.news["told"] == 1)
                assert town.from_bot(here) == [said, news]

    run(test())


def test_what_comes_in_during_a_round_is_not_asked_of_twice(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            for n in range(2):
                await (
                    await discord.slash(town.ann, town.channel, "standing add", question=f"Who won race number {n}?")
                ).answered()
            asked: list[Standing] = []
            news = bot.desk.news

            async def slow_news(standing: Standing) -> Any:
                asked.append(standing)
                if len(asked) == 1:
                    await corpus.add("A second article on parking fees, which were raised by a tenth.")
                    await bot.asker.switched_to("000003")
                return await news(standing)

            monkeypatch.setattr(bot.desk, "news", slow_news)
            await corpus.add("The council of Veldt has voted on parking fees, and raised them by a tenth.")

            def are_up_to_date() -> bool:
                last = {one.after_version for one in bot.memory.standing_of(town.ann.id)}
                return bot.asker.snapshot == "000003" and last == {bot.asker.last_version}

            await until(are_up_to_date)
            assert len(asked) == 3  # the first of them once more

    run(test())


def test_no_news_is_told_in_a_channel_that_the_servers_settings_leave_out(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            desk = discord.add_channel(town.guild, "desk")

            async def add() -> str:
                asked = await discord.slash(town.ann, town.channel, "standing add", question=NOWHERE, channel=desk)
                return (await asked.answered()).content

            bot.memory.set(town.guild.id, channels=[town.channel.id])
            assert await add() == f"The managers of this server let me answer in <#{town.channel.id}> only."
            assert bot.memory.n_standing() == 0 and not town.from_bot(desk)
            bot.memory.set(town.guild.id, channels=[desk.id])
            assert f"<#{desk.id}>" in await add()
            bot.memory.set(town.guild.id, channels=[town.channel.id])
            await corpus.add(MOVED)
            await until(lambda: bot.memory.standing_of(town.ann.id)[0].due_s == corpus.now_s + DAY_S)
            assert len(town.from_bot(desk)) == 1

    run(test())


def test_people_who_ask_go_first_and_news_waits_for_them(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            said = await bell(town)
            max_waiting, bot.asker._max_waiting = bot.asker._max_waiting, 0
            await corpus.add(MOVED)
            await until(lambda: bot.asker.n_busy > 1)
            bot.asker._max_waiting = max_waiting
            assert "Idris Vanterpool" in (await discord.wait_for_message(discord.dm(town.ann), after=said)).text
            await until(lambda: bot.metrics.news == {"told": 1})

    run(test())


def test_a_channel_gets_what_it_takes_and_one_that_is_gone_ends_it(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            desk = discord.add_channel(town.guild, "desk")

            async def add() -> str:
                asked = await discord.slash(town.ann, town.channel, "standing add", question=NOWHERE, channel=desk)
                return (await asked.answered()).content

            discord.forbid(desk, "send_messages")
            assert await add() == "I lack a permission in that channel: Send Messages."
            discord.allow(desk, "send_messages")
            discord.fail_next("POST", "*/messages", 400)
            assert (await add()).startswith("Something failed on my side")
            assert bot.memory.n_standing() == 0
            assert f"<#{desk.id}>" in await add()
            said = town.from_bot(desk)[-1]
            discord.forbid(desk, "embed_links")
            await corpus.add(MOVED)
            news = await discord.wait_for_message(desk, after=said)
            assert "Idris Vanterpool" in news.content and not news.embeds
            await until(lambda: bot.metrics.news["told"] == 1)
            discord.fail_next("POST", "*/messages", 404, code=10003)
            corpus.now_s += REST_S
            await corpus.add("In a second deal, goalkeeper Abel Quist moved from Lisbon to Osaka, the club confirmed.")
            await until(lambda: bot.memory.n_standing() == 0)

    run(test())


def test_news_is_told_in_the_language_of_whoever_set_it(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (_, town):
            discord = town.discord
            dora = discord.add_user("Dora", locale="de")
            asked = await discord.slash(dora, town.channel, "standing add", question=NOWHERE)
            assert "`/dauerfragen liste`" in (await asked.answered()).content
            said = town.from_bot(discord.dm(dora))[0]
            await corpus.add(MOVED)
            news = await discord.wait_for_message(discord.dm(dora), after=said)
            assert news.content.startswith("🔔 Neues zu **Which goalkeeper")

    run(test())


def test_a_channel_that_the_bot_does_not_know_is_one_that_it_may_not_view(corpus: Corpus) -> None:
    async def test() -> None:
        async with ready(corpus) as (bot, town):
            discord = town.discord
            elsewhere = discord.add_guild("Elsewhere", bot_is_member=False)
            channel = discord.add_channel(elsewhere, "general")
            cy = discord.add_user("Cy", manages=(elsewhere,))
            asked = await discord.slash(cy, channel, "standing add", question=NOWHERE, channel=channel)
            answer = await asked.answered()
            assert answer.content == "I lack a permission in that channel: View Channel." and answer.is_ephemeral
            # Telling its user alone needs no place on the server.
            asked = await discord.slash(cy, channel, "standing add", question=NOWHERE)
            assert "in your direct messages" in (await asked.answered()).content
            assert bot.memory.n_standing(cy.id) == 1

    run(test())


async def until(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.02)
