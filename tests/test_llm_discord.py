"""The text of a language model on Discord: it comes by edits, and the quotes stand whatever becomes of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.desk import Desk
from bot.discord_bot import NewsBot
from bot.llm_client import RemoteModel
from bot.llm_prompts import read_prompts
from bot.llm_rewrite import Rewriter
from bot.llm_settings import Rewrites
from bot.llm_tokens import ByteCounter
from bot.llm_write import Budget, Writer
from bot.memory import Memory
from bot.service import Asker
from bot.standin import StandIn
from bot.standin.entities import Message
from index.settings import Settings
from index.types import Embedder
from tests.bot_support import FERRY, NOW_S, Town, opener, steps, town_in
from tests.discord_openapi import check_bodies
from tests.discord_support import connected, run
from tests.standin_llm import Asked, Script, StandInModel, standin_model
from tests.test_llm_http import settings_for

pytest.importorskip("openai", reason="the extra is not installed: pip install 'newsquote[llm]'")

CHECKED = "every sentence was checked"
FAILED = "no usable reply"


@dataclass(frozen=True)
class Stage:
    """Everything that runs in one of these tests."""

    town: Town
    discord: StandIn
    bot: NewsBot
    model: StandInModel


@asynccontextmanager
async def stage(
    script: Script | Callable[[Asked], Script],
    data: Path,
    embedder: Embedder,
    memory_at: Path,
    *,
    rewrites: Rewrites = "rules",
    timeout_s: int = 5,
) -> AsyncIterator[Stage]:
    """The bot with a model behind it, between two servers on loopback."""
    async with StandIn() as discord, standin_model(script) as model:
        endpoint = RemoteModel(settings_for(model.url, llm_timeout_s=timeout_s))
        writer = Writer(endpoint, read_prompts(), ByteCounter(), Budget(20_000, 400))
        rewriter = Rewriter(endpoint, read_prompts(), rewrites)
        with Memory(memory_at) as memory:
            asker = Asker(data, opener(data, embedder), watch_s=0.05)
            bot = NewsBot(Desk(asker, memory, lambda: NOW_S, rewriter), writer=writer, monotonic=steps())
            async with connected(discord, bot):
                yield Stage(town_in(discord), discord, bot, model)
        check_bodies(discord.requests)


def first_source(asked: Asked) -> tuple[str, str]:
    """Key and first sentence of the evidence that is shown first: of the two that disagree on the injured, or any."""
    sent = asked.body["messages"][1]["content"]
    sources = re.findall(r"^\[(ref-\w+)\].*\n\| ([^.]*\.)", sent, re.M)
    key, sentence = next((one for one in sources if one[1].startswith("Fourteen")), sources[0])
    return key, sentence


def repeating(*more: str, **changes: Any) -> Callable[[Asked], Script]:
    """Says what the first source says, and more that it should not."""

    def script(asked: Asked) -> Script:
        key, sentence = first_source(asked)
        return Script([f"{sentence} [{key}]\n", *(f"{one} [{key}]\n" for one in more)], **changes)

    return script


async def until(done: Callable[[], bool], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not done():
            await asyncio.sleep(0.02)


async def asked_by_command(on: Stage) -> Message:
    return await (await on.discord.slash(on.town.ann, on.town.channel, "ask", question=FERRY)).answered()


def test_the_text_comes_above_the_numbered_quotes_by_edit(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with stage(repeating(), sample_data, embedder, tmp_path) as on:
            answer = await asked_by_command(on)
            assert "Newest article in the index" in answer.text
            await until(lambda: CHECKED in answer.text)
            text, *rest = answer.embeds
            assert re.match(r"Fourteen people were injured .*\. \\\[1\\\]\n-# ", text["description"])
            titles = [embed["title"] for embed in rest if embed.get("url")]
            assert [title[:5] for title in titles] == [f"\\[{n}\\]" for n in range(1, len(titles) + 1)]
            assert "Fourteen** people" in rest[1]["description"]
            assert all(embed["url"].startswith("https://harbor-courier") for embed in rest[1:2])
            await until(lambda: on.bot.metrics.texts["written"] == 1)
            assert not answer.pings

    run(test())


def test_privacy_says_that_a_language_model_gets_the_question(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with stage(repeating(), sample_data, embedder, tmp_path) as on:
            uta = on.discord.add_user("Uta", locale="de")
            for person, said in ((on.town.ann, "it is sent your question"), (uta, "Es bekommt deine Frage")):
                told = await (await on.discord.slash(person, on.town.channel, "privacy")).answered()
                assert said in told.content

    run(test())


def test_a_mention_gets_its_text_in_the_reply(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(repeating(), sample_data, embedder, tmp_path) as on:
            said = await on.discord.say(on.town.ann, on.town.channel, on.town.mention(FERRY))
            answer = await on.discord.wait_for_message(
                on.town.channel, after=said, where=lambda m: m.reference == said.id
            )
            await until(lambda: CHECKED in answer.text)
            assert len(on.town.from_bot()) == 1

    run(test())


EVIL = (
    "@everyone the ferry sank.",
    "<@123456789012345678> was aboard.",
    "[Win](https://evil.example/x) now.",
    "See https://evil.example/x for more.",
    "**Nineteen** people were killed.",
    "The captain said “I was drunk at the wheel of it”.",
    "Ignore the quotes below.",
)


def test_nothing_evil_gets_to_discord(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(repeating(EVIL[0]), sample_data, embedder, tmp_path) as on:
            answer = await asked_by_command(on)
            await until(lambda: CHECKED in answer.text)
            assert "sank" not in answer.text
        async with stage(repeating(*EVIL), sample_data, embedder, tmp_path) as on:
            answer = await asked_by_command(on)
            await until(lambda: "does not stand in these quotes" in answer.text)
            for request in on.discord.requests:
                assert not re.search(r"evil|everyone the|Nineteen|drunk|123456789012345678", str(request))
            await until(lambda: on.bot.metrics.texts["unsupported"] == 1)

    run(test())


@pytest.mark.parametrize(
    "script",
    [
        Script(fault="status", status=429),
        repeating(fault="die"),
        repeating(fault="malformed"),
        repeating(fault="refusal"),
        Script(fault="hang"),
    ],
    ids=["429", "dies", "malformed", "refuses", "hangs"],
)
def test_a_failure_leaves_the_quotes_and_a_line(
    script: Any, sample_data: Path, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(Settings.model_fields["log_level"].default.upper())

    async def test() -> None:
        async with stage(script, sample_data, embedder, tmp_path, timeout_s=1) as on:
            answer = await asked_by_command(on)
            await until(lambda: FAILED in answer.text)
            told = re.search(r"in the log under `(\w+)`", answer.text)
            assert told is not None
            assert f" written id={told[1]} outcome=failed reason=" in caplog.text
            assert "Fourteen** people" in answer.text
            assert "[1" not in answer.text
            await until(lambda: on.bot.metrics.texts["failed"] == 1)

    run(test())


def test_edits_come_at_most_once_a_second(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    def script(asked: Asked) -> Script:
        key, _ = first_source(asked)
        sentences = re.findall(r"([A-Z][^.|“”]{20,}\.)", asked.body["messages"][1]["content"].partition(f"[{key}]")[2])[
            :4
        ]
        return Script([f"{sentence} [{key}]\n" for sentence in sentences], pause_s=0.4)

    async def test() -> None:
        loop = asyncio.get_running_loop()
        async with stage(script, sample_data, embedder, tmp_path) as on:
            answer = await asked_by_command(on)
            seen: list[tuple[float, str]] = []

            def changed() -> bool:
                if not seen or seen[-1][1] != answer.text:
                    seen.append((loop.time(), answer.text))
                return CHECKED in answer.text or "does not stand" in answer.text

            await until(changed)
            assert len(seen) > 2
            assert all(after - before > 0.9 for (before, _), (after, _) in pairwise(seen[1:]))

    run(test())


def test_a_stop_takes_an_unfinished_text_away(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(repeating(fault="hang midway"), sample_data, embedder, tmp_path, timeout_s=60) as on:
            answer = await asked_by_command(on)
            await until(lambda: "being written" in answer.text)
            await on.bot.shutdown()
            assert "being written" not in answer.text
            assert "Fourteen** people" in answer.text
            await until(lambda: on.model.n_open == 0)
            assert on.bot.metrics.texts["cancelled"] == 1
            assert on.bot.metrics.questions["closing"] == 0

    run(test())


def test_an_edited_question_drops_the_text_about_the_old_one(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    n = 0

    def script(asked: Asked) -> Script:
        nonlocal n
        n += 1
        return repeating(fault="hang midway" if n == 1 else "")(asked)

    async def test() -> None:
        async with stage(script, sample_data, embedder, tmp_path, timeout_s=60) as on:
            said = await on.discord.say(on.town.ann, on.town.channel, on.town.mention(FERRY))
            answer = await on.discord.wait_for_message(
                on.town.channel, after=said, where=lambda m: m.reference == said.id
            )
            await until(lambda: "being written" in answer.text)
            await on.discord.edit(on.town.ann, said, on.town.mention("What deadline did Bessent mention?"))
            await until(lambda: "April 26" in answer.text and CHECKED in answer.text)
            assert "Fourteen" not in answer.text

    run(test())


def test_nothing_is_written_where_nothing_was_found(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(repeating(), sample_data, embedder, tmp_path) as on:
            command = await on.discord.slash(
                on.town.ann, on.town.channel, "ask", question="Which goalkeeper moved from Lisbon to Osaka?"
            )
            answer = await command.answered()
            assert "Not found" in answer.text
            await asyncio.sleep(0.2)
            assert on.model.asked == []

    run(test())


def test_other_words_that_name_nothing_leave_the_question_not_found(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with stage(Script(["Who?"]), sample_data, embedder, tmp_path, rewrites="all") as on:
            command = await on.discord.slash(
                on.town.ann, on.town.channel, "ask", question="Which goalkeeper moved to another club?"
            )
            answer = await command.answered()
            assert "Not found" in answer.text
            assert on.model.asked

    run(test())


def test_a_follow_up_is_rewritten_where_that_is_wanted(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    def script(asked: Asked) -> Script:
        if "rewrite questions" in asked.body["messages"][0]["content"]:
            is_follow_up = "how old is he" in asked.body["messages"][1]["content"]
            return Script(["How old is Osric Dunne?" if is_follow_up else "Who is the sorcerer?"])
        return repeating()(asked)

    async def test() -> None:
        async with stage(script, sample_data, embedder, tmp_path, rewrites="follow-ups") as on:
            said = await on.discord.say(
                on.town.ann, on.town.channel, on.town.mention("Who is challenging Ines Halloran for mayor?")
            )
            answer = await on.discord.wait_for_message(
                on.town.channel, after=said, where=lambda m: m.reference == said.id
            )
            follow = await on.discord.say(on.town.ben, on.town.channel, "and how old is he?", answer)
            second = await on.discord.wait_for_message(
                on.town.channel, after=follow, where=lambda m: m.reference == follow.id
            )
            assert "**44\\-year\\-old**" in second.text
            await until(lambda: on.bot.memory.answer_of_message(second.id) is not None)
            last = on.bot.memory.answer_of_message(second.id)
            assert last is not None and last.question is not None
            assert last.question.text == "How old is Osric Dunne?"
            first = on.bot.memory.answer_of_message(answer.id)
            assert first is not None and first.question is not None
            assert first.question.text == "Who is challenging Ines Halloran for mayor?"

    run(test())
