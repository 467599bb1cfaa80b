"""Every button and form below an answer, before and after a restart of the bot and on a newer index."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.discord_bot import NewsBot
from bot.standin import StandIn, payloads
from bot.standin.entities import Message
from bot.standin.wire import bits
from index.snapshot import current_name
from index.types import Embedder
from ingest.job import run_reindex
from tests.bot_support import FERRY, NOW_S, NOWHERE, Town, bot_in, town_in
from tests.discord_support import run


def custom_id(message: Message, action: str) -> str:
    ids = (str(button["custom_id"]) for button in message.buttons)
    return next(one for one in ids if one.startswith(f"nq:{action}:"))


async def press_everything(town: Town, answer: Message, bot: NewsBot) -> None:
    """Use every button of an answer to FERRY with a filter, as Ben, and look at what it does."""
    discord = town.discord

    async def pressed(action: str) -> Message:
        return await (await discord.click(town.ben, answer, custom_id(answer, action))).answered()

    more = await pressed("more")
    assert more.is_ephemeral
    assert more.content.startswith("-# quotes 4 to ")
    assert "“" in more.embeds[0]["description"]
    assert not {e["description"] for e in more.embeds} & {e["description"] for e in answer.embeds}

    answer_id = custom_id(answer, "up").split(":")[2]
    up, down = bot.memory.votes(answer_id)
    assert (await pressed("up")).content.startswith("Thank you: counted as a good answer")
    assert (await pressed("down")).content.startswith("Thank you: counted as a bad answer")
    assert bot.memory.votes(answer_id) == (0, 1)
    assert up + down <= 1

    opened = await (await discord.click(town.ben, answer, custom_id(answer, "report"))).responded()
    done = await (await discord.submit_modal(town.ben, opened, {"text": "the wrong number"})).answered()
    assert done.content.startswith("Thank you: reported under number ")

    opened = await (await discord.click(town.ben, answer, custom_id(answer, "follow"))).responded()
    follow = await (await discord.submit_modal(town.ben, opened, {"text": "and when?"})).answered()
    assert "ferry accident" in follow.content
    assert "Wednesday" in follow.text

    unfiltered = await pressed("unfilter")
    assert "Understood" not in unfiltered.content

    threaded = await pressed("thread")
    assert answer.thread is not None
    assert f"<#{answer.thread.id}>" in threaded.content


@asynccontextmanager
async def asked(town: Town) -> AsyncIterator[Message]:
    given = await town.discord.slash(town.ann, town.channel, "ask", question=FERRY, since="2025-04-01")
    yield await given.answered()


def test_every_button_works(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            async with asked(town) as answer:
                await press_everything(town, answer, bot)

    run(test())


def test_every_button_works_after_a_restart_and_on_a_newer_index(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(sample_data, data, symlinks=True)
        async with StandIn() as discord:
            town = town_in(discord)
            async with bot_in(discord, data, embedder, tmp_path), asked(town) as answer:
                forms = [
                    await (await discord.click(town.ben, answer, custom_id(answer, action))).responded()
                    for action in ("follow", "report")
                ]
            run_reindex(data, embedder, 90, "test", NOW_S, dry_run=False)
            async with bot_in(discord, data, embedder, tmp_path) as bot:
                assert bot.asker.snapshot == current_name(data) == "000002"
                await press_everything(town, answer, bot)
                # A form that was opened before the restart, too.
                follow = await (await discord.submit_modal(town.ben, forms[0], {"text": "and when?"})).answered()
                assert "Wednesday" in follow.text
                done = await (await discord.submit_modal(town.ben, forms[1], {"text": "wrong"})).answered()
                assert done.content.startswith("Thank you: reported")

    run(test())


def test_a_private_answers_pages_stay_private_and_it_opens_no_thread(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            given = await discord.slash(town.ann, town.channel, "ask", question=FERRY, private=True)
            answer = await given.answered()
            assert answer.is_ephemeral
            with pytest.raises(StopIteration):
                custom_id(answer, "thread")
            opened = await (await discord.click(town.ann, answer, custom_id(answer, "follow"))).responded()
            follow = await (await discord.submit_modal(town.ann, opened, {"text": "and when?"})).answered()
            assert follow.is_ephemeral
            assert town.from_bot() == []

    run(test())


def test_a_button_of_a_private_answer_does_nothing_for_another_person(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            # Discord shows a private one to nobody else; should its button come all the same, the bot looks too.
            bot.memory._db.execute("UPDATE answers SET is_private = 1")
            for action in ("more", "up", "follow"):
                told = await (await discord.click(town.ben, answer, custom_id(answer, action))).answered()
                assert told.content == "That answer was shown to another person alone."
            voted = await (await discord.click(town.ann, answer, custom_id(answer, "up"))).answered()
            assert voted.content.startswith("Thank you")

    run(test())


def test_a_person_has_one_vote_and_two_people_have_two(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            async with asked(town) as answer:
                for user, action in ((town.ann, "up"), (town.ann, "up"), (town.ben, "up"), (town.ann, "down")):
                    await (await discord.click(user, answer, custom_id(answer, action))).answered()
                (row,) = bot.memory.feedback()
                assert (row.n_up, row.n_down, row.remembered.snapshot) == (1, 1, "000001")

    run(test())


def test_a_question_without_an_answer_can_be_followed_up_and_counts_as_a_gap(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=NOWHERE)).answered()
            labels = [button["custom_id"].split(":")[1] for button in answer.buttons]
            assert labels == ["follow", "thread", "up", "down", "stand"]
            assert [row.remembered.said for row in bot.memory.feedback()] == [NOWHERE]

    run(test())


def test_lacking_permissions_are_named_and_a_card_without_embeds_is_text(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            discord.forbid(town.channel, "embed_links", "create_public_threads")
            said = await discord.say(town.ann, town.channel, town.mention(FERRY))
            answer = await discord.wait_for_message(town.channel, after=said)
            assert answer.embeds == []
            assert "**17** people" in answer.content
            refused = await (await discord.click(town.ann, answer, custom_id(answer, "thread"))).answered()
            assert refused.content == "I lack a permission in that channel: Create Public Threads."
            discord.forbid(town.channel, "send_messages")
            await discord.say(town.ann, town.channel, town.mention(FERRY))
            private = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            assert "**17** people" in private.content
            assert len(town.from_bot()) == 2
            assert discord.n_invalid_requests == 0

    run(test())


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [
        ("en-US", "You may not create public threads in this channel."),
        ("de", "Du darfst in diesem Kanal keine öffentlichen Threads erstellen."),
    ],
)
def test_a_thread_is_opened_for_those_alone_who_may_and_shown_to_all(
    sample_data: Path, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, sentence: str
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            eve = discord.add_user("Eve", locale=locale)
            of_all, denied = payloads.member_permissions, bits({"create_public_threads"})
            monkeypatch.setattr(
                payloads,
                "member_permissions",
                lambda user, guild: of_all(user, guild) & ~(denied if user is eve else 0),
            )
            async with asked(town) as answer:
                refused = await (await discord.click(eve, answer, "Continue in a thread")).answered()
                assert (refused.content, refused.is_ephemeral, answer.thread) == (sentence, True, None)
                await (await discord.click(town.ben, answer, "Continue in a thread")).answered()
                assert answer.thread is not None
                shown = await (await discord.click(eve, answer, "Continue in a thread")).answered()
                assert shown.content.endswith(f": <#{answer.thread.id}>")

    run(test())


def test_no_thread_is_offered_on_a_server_that_the_bot_is_not_on(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            channel = discord.add_channel(discord.add_guild("Elsewhere", bot_is_member=False), "general")
            answer = await (await discord.slash(town.ann, channel, "ask", question=FERRY)).answered()
            actions = [button["custom_id"].split(":")[1] for button in answer.buttons]
            assert actions == ["more", "follow", "up", "down", "report", "stand"]

    run(test())
