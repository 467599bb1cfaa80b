"""Every way to ask, through the real bot and the real discord.py."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from bot.service import Asker
from bot.standin import Channel, NotOffered, StandIn, payloads
from bot.standin.entities import Message
from index.types import Embedder
from tests.bot_support import DEADLINE, FERRY, NOWHERE, Town, bot_in, steps, town_in
from tests.discord_support import run


async def reply_to(town: Town, message: Message, channel: Channel | None = None) -> Message:
    return await town.discord.wait_for_message(
        channel or town.channel, after=message, where=lambda one: one.reference == message.id
    )


def test_the_command_shows_the_question_both_sides_and_their_sources(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY)
            answer = await asked.answered()
            assert answer.content == f"**{FERRY}**"
            assert answer.embeds[0]["description"].startswith(
                "**The sources disagree.**\n**Fourteen** — Harbor Courier"
            )
            assert "**17** — Valley Wire" in answer.embeds[0]["description"]
            assert "**Fourteen** people were injured" in answer.text
            assert "<t:" in answer.text and "Newest article in the index" in answer.text
            assert all(embed["url"].startswith("https://") for embed in answer.embeds[1:3])
            assert asked.callbacks == [5]
            assert not answer.is_ephemeral

    run(test())


def test_a_mention_a_direct_message_and_a_reply_are_answered_and_keep_the_subject(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            said = await discord.say(
                town.ann, town.channel, town.mention("Who is challenging Ines Halloran for mayor?")
            )
            first = await reply_to(town, said)
            assert "Osric Dunne" in first.text
            assert first.content == ""
            follow = await discord.say(town.ben, town.channel, "and how old is he?", first)
            assert "**44\\-year\\-old**" in (await reply_to(town, follow)).text
            direct = await discord.say(town.ben, discord.dm(town.ben), DEADLINE)
            answer = await reply_to(town, direct, discord.dm(town.ben))
            assert "**April 26**" in answer.text
            later = await discord.say(town.ben, discord.dm(town.ben), "and who else?")
            await reply_to(town, later, discord.dm(town.ben))
            last = bot.memory.last_in(discord.dm(town.ben).id, 0)
            assert last is not None and last.question is not None
            assert "Bessent" in last.question.text
            assert not any(message.pings for message in (first, answer))

    run(test())


def test_it_never_speaks_unasked(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            robot = discord.add_user("Robot", bot=True)
            hook = discord.add_user("Hook", webhook=True)
            for user, text in (
                (town.ann, FERRY),
                (town.ann, f"@everyone {FERRY}"),
                (robot, town.mention(FERRY)),
                (hook, town.mention(FERRY)),
                (town.ann, f"<@{town.ben.id}> {FERRY}"),
            ):
                await discord.say(user, town.channel, text)
            last = await discord.say(town.ann, town.channel, town.mention(DEADLINE))
            await reply_to(town, last)
            assert [message.reference for message in town.from_bot()] == [last.id]

    run(test())


def test_a_thread_opens_below_an_answer_and_goes_on_with_its_subject(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            asked = await discord.slash(
                town.ann, town.channel, "ask", question="Who is challenging Ines Halloran for mayor?"
            )
            answer = await asked.answered()
            pressed = await (await discord.click(town.ben, answer, "Continue in a thread")).answered()
            assert answer.thread is not None
            assert pressed.is_ephemeral and f"<#{answer.thread.id}>" in pressed.content
            again = await (await discord.click(town.ann, answer, "Continue in a thread")).answered()
            assert again.content == f"There is a thread already: <#{answer.thread.id}>"
            silent = await discord.say(town.ben, answer.thread, "and how old is he?")
            said = await discord.say(town.ben, answer.thread, town.mention("and how old is he?"))
            assert "**44\\-year\\-old**" in (await reply_to(town, said, answer.thread)).text
            assert silent.id not in {message.reference for message in town.from_bot(answer.thread)}
            other = await discord.say(town.ann, answer.thread, town.mention("what about her?"))
            await reply_to(town, other, answer.thread)

    run(test())


def test_the_menu_finds_sources_for_a_message_and_shows_them_to_the_asker_alone(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            said = await discord.say(town.ben, town.channel, "Did you hear? The Orla Bridge repairs cost $38 million!")
            asked = await discord.context_menu(town.ann, town.channel, "Find sources", said)
            answer = await asked.answered()
            assert answer.is_ephemeral
            assert "Orla Bridge" in answer.embeds[0]["description"] + answer.text

    run(test())


@pytest.mark.parametrize(
    "forwarded", [{"content": DEADLINE}, {"embeds": [{"title": DEADLINE[:4], "description": DEADLINE[5:]}]}]
)
def test_the_menu_finds_sources_for_a_message_that_was_forwarded(
    sample_data: Path, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forwarded: dict[str, Any]
) -> None:
    whole = payloads.message_payload

    def payload(message: Message, *of: Any, **named: Any) -> dict[str, Any]:
        shown = whole(message, *of, **named)
        inner = {key: shown[key] for key in ("type", "timestamp", "edited_timestamp", "flags", "attachments")}
        inner |= {"content": "", "embeds": [], "mentions": [], "mention_roles": [], "components": []}
        reference = {"type": 1, "message_id": "5", "channel_id": str(message.channel.id)}
        return shown | {"message_reference": reference, "message_snapshots": [{"message": inner | forwarded}]}

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            said = await discord.say(town.ben, town.channel, "")
            monkeypatch.setattr(payloads, "message_payload", payload)
            asked = await discord.context_menu(town.ann, town.channel, "Find sources", said)
            monkeypatch.undo()
            assert "**April 26**" in (await asked.answered()).text

    run(test())


def test_the_message_that_sources_are_found_for_is_not_kept_and_every_button_offered_works(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            said = await discord.say(town.ben, town.channel, FERRY)
            asked = await discord.context_menu(town.ann, town.channel, "Find sources", said)
            answer = await asked.answered()
            ids = [button["custom_id"] for button in answer.buttons]
            assert [one.split(":")[1] for one in ids] == ["more", "up", "down", "report"]
            more = await (await discord.click(town.ann, answer, ids[0])).answered()
            assert more.content.startswith("-# quotes 4 to ")
            opened = await (await discord.click(town.ann, answer, ids[3])).responded()
            await (await discord.submit_modal(town.ann, opened, {"text": "the wrong number"})).answered()
            assert [row.remembered.question for row in bot.memory.feedback()] == [None]
            held = b"".join(path.read_bytes() for path in tmp_path.glob("bot.db*"))
            assert b"injured" not in held

    run(test())


def test_the_options_filter_and_the_outlets_complete(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            typed = await discord.autocomplete(town.ann, town.channel, "ask", "source", "har", question="x")
            await typed.responded()
            assert [choice["value"] for choice in typed.choices or ()] == ["Harbor Courier"]
            asked = await discord.slash(
                town.ann,
                town.channel,
                "ask",
                question=FERRY,
                source="harbor courier",
                since="2025-04-01",
                private=True,
            )
            answer = await asked.answered()
            assert answer.is_ephemeral
            assert re.search(r"-# Understood: since <t:\d+:D>; only Harbor Courier", answer.content)
            assert "Northgate" not in answer.text

    run(test())


@pytest.mark.parametrize("tags", ["<:thonk:123456789012345678>", "<a:wave:987654321098765432> <@&111111111111111111>"])
def test_emoji_and_mentions_are_not_searched_for_however_it_is_asked(
    sample_data: Path, embedder: Embedder, tmp_path: Path, tags: str
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(f"{town.ben.mention} {DEADLINE} {tags}"))
            assert "**April 26**" in (await reply_to(town, said)).text
            asked = await (await discord.slash(town.ann, town.channel, "ask", question=f"{DEADLINE} {tags}")).answered()
            assert "**April 26**" in asked.text
            found = await (await discord.context_menu(town.ben, town.channel, "Find sources", said)).answered()
            assert "**April 26**" in found.text
            opened = await (await discord.click(town.ben, asked, "Follow up")).responded()
            form = await (await discord.submit_modal(town.ben, opened, {"text": f"{FERRY} {tags}"})).answered()
            assert "**17** people" in form.text
            await (await discord.slash(town.ann, town.channel, "standing add", question=f"{FERRY} {tags}")).answered()
            assert [one.text for one in bot.memory.standing_of(town.ann.id)] == [FERRY]
            said = await discord.say(town.ann, town.channel, town.mention(f"{tags} ?"))
            assert (await reply_to(town, said)).content == NOTHING_IN_IT
            said = await discord.say(town.ann, town.channel, tags)
            empty = await (await discord.context_menu(town.ben, town.channel, "Find sources", said)).answered()
            assert empty.content == "That message has no text to search for."

    run(test())


def test_an_outlet_that_is_not_in_the_corpus_is_told_above_the_quotes(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            question = f"according to Reuters, {FERRY[0].lower()}{FERRY[1:]}"
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=question)).answered()
            assert "-# No articles from Reuters in this corpus; all outlets were searched." in answer.content
            assert "injured" in answer.text

    run(test())


NOTHING_IN_IT = "There is nothing in it that I could search for; ask about the news, for example: Who won the election?"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"question": "x?", "since": "soon"}, "soon is not a day; write it as 2025-04-18."),
        ({"question": "x?", "since": "2025-04-02", "until": "2025-04-01"}, "2025-04-02 is after 2025-04-01."),
        ({"question": "x?", "source": "Harbour Courier"}, "There is no outlet Harbour Courier here; Harbor Courier?"),
        ({"question": "?!"}, NOTHING_IN_IT),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_in_one_sentence_to_the_asker(
    sample_data: Path, embedder: Embedder, tmp_path: Path, options: dict[str, str], sentence: str
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", **options)).answered()
            assert (answer.content, answer.is_ephemeral) == (sentence, True)

    run(test())


def test_small_talk_is_told_what_to_ask(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question="what can you do?")).answered()
            assert answer.content == NOTHING_IN_IT

    run(test())


def test_a_question_that_only_turns_out_to_be_too_long_is_told_so(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            # Each is two code points in NFC.
            asked = await discord.slash(town.ann, town.channel, "ask", question="\N{DEVANAGARI LETTER QA}" * 1_500)
            answer = await asked.answered()
            assert answer.content == "That is too long for a question: at most 2,000 characters are read."

    run(test())


def test_what_is_not_in_the_corpus_is_not_found_and_says_what_was_searched(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(NOWHERE))
            answer = await reply_to(town, said)
            assert answer.text.startswith("**Not found** in ")
            assert "The nearest article, which does not seem to answer:" in answer.text

    run(test())


def test_an_edited_question_is_answered_anew_in_place(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(FERRY))
            answer = await reply_to(town, said)
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await discord.until(lambda: "April 26" in answer.text, 10, "the new answer")
            assert len(town.from_bot()) == 1

    run(test())


def test_an_edit_is_answered_in_place_after_somebody_asked_for_more_quotes(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(FERRY))
            answer = await reply_to(town, said)
            await (await discord.click(town.ben, answer, "More quotes")).answered()
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await discord.until(lambda: "April 26" in answer.text, 10, "the new answer")
            assert len(town.from_bot()) == 1

    run(test())


def test_a_slip_put_right_at_once_is_answered_and_nobody_waits_for_it(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path, monotonic=lambda: 50.0):
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(FERRY))
            answer = await reply_to(town, said)
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await discord.until(lambda: "April 26" in answer.text, 10, "the new answer")
            assert answer.content == ""

    run(test())


def test_an_edit_that_is_refused_leaves_a_sentence_alone_and_the_next_one_is_answered(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, sample_data, embedder, tmp_path, monotonic=lambda: 50.0) as bot,
        ):
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(FERRY))
            answer = await reply_to(town, said)
            bot.memory.set(town.guild.id, guild_per_minute=1)
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await discord.until(lambda: "This server has asked a lot" in answer.content, 10, "the refusal")
            assert (answer.embeds, answer.buttons) == ([], [])
            bot.memory.set(town.guild.id, guild_per_minute=0)
            await discord.edit(town.ann, said, town.mention(FERRY))
            await discord.until(lambda: "**17** people" in answer.text, 10, "the answer to the old words")
            assert answer.content == ""

    run(test())


@pytest.mark.parametrize(
    ("slip", "refusal"),
    [
        ("x " * 1_001, "That is too long for a question"),
        ("", "Ask me something"),
        ("?!", NOTHING_IN_IT),
        ("thanks!", NOTHING_IN_IT),
    ],
)
def test_a_refused_question_that_is_put_right_is_answered_in_place_of_the_refusal(
    sample_data: Path, embedder: Embedder, tmp_path: Path, slip: str, refusal: str
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(slip))
            answer = await reply_to(town, said)
            assert answer.content.startswith(refusal)
            await discord.edit(town.ann, said, town.mention("?" * 3))
            await discord.until(lambda: answer.content == NOTHING_IN_IT, 10, "another refusal")
            await discord.edit(town.ann, said, town.mention(FERRY))
            await discord.until(lambda: "**17** people" in answer.text, 10, "the answer")
            assert answer.content == ""
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await discord.until(lambda: "April 26" in answer.text, 10, "the answer to the next edit")
            kept = bot.memory.answer_to_prompt(said.id)
            assert kept is not None and (kept[0].asker, kept[1]) == (town.ann.id, answer.id)
            assert (len(town.from_bot()), bot.memory.n_answers()) == (1, 1)

    run(test())


def test_a_question_refused_for_its_persons_pause_is_answered_after_it_and_not_by_an_edit_before(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        now = 50.0
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path, monotonic=lambda: now):
            town = town_in(discord)
            await reply_to(town, await discord.say(town.ann, town.channel, town.mention(FERRY)))
            said = await discord.say(town.ann, town.channel, town.mention(FERRY))
            answer = await reply_to(town, said)
            assert answer.content.startswith("One question at a time")
            await discord.edit(town.ann, said, town.mention(f"{DEADLINE} Please!"))
            await discord.until(lambda: len(answer.versions) == 2, 10, "the same refusal")
            assert answer.content.startswith("One question at a time")
            now += 10
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            await discord.until(lambda: "April 26" in answer.text, 10, "the answer")

    run(test())


@pytest.mark.parametrize("first", [FERRY, "?"])
def test_an_answer_that_was_deleted_is_not_given_again_by_an_edit_and_that_is_no_failure(
    sample_data: Path, embedder: Embedder, tmp_path: Path, caplog: pytest.LogCaptureFixture, first: str
) -> None:
    caplog.set_level(logging.INFO)

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(first))
            await discord.delete(await reply_to(town, said))
            await discord.edit(town.ann, said, town.mention(DEADLINE))
            async with asyncio.timeout(10):
                while "answer deleted before its question" not in caplog.text:
                    await asyncio.sleep(0.01)
            assert (bot.metrics.questions["failed"], bot.memory.n_answers(), town.from_bot()) == (0, 0, [])
            assert [one for one in caplog.records if one.levelno > logging.INFO] == []

    run(test())


def test_a_refusal_stays_where_only_a_preview_came_or_it_is_long_ago(
    sample_data: Path, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.discord_messages.MAX_REFUSALS", 2)

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            asked = [await discord.say(town.ann, town.channel, town.mention("?")) for _ in range(3)]
            old, _, new = [await reply_to(town, said) for said in asked]
            discord.world._message_event("MESSAGE_UPDATE", asked[2])  # as for a link's preview
            await discord.edit(town.ann, asked[0], town.mention(FERRY))
            await discord.edit(town.ann, asked[1], town.mention(FERRY))
            await discord.until(lambda: "**17** people" in town.from_bot()[1].text, 10, "the answer")
            assert [one.versions for one in (old, new)] == [[NOTHING_IN_IT]] * 2

    run(test())


def test_a_question_without_its_filter_is_not_taken_for_the_words_of_whoever_pressed(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            asked = await discord.slash(town.ann, town.channel, "ask", question=FERRY, since="2025-04-01")
            answer = await asked.answered()
            again = await (await discord.click(town.ben, answer, "Without the filter")).answered()
            assert again.content == f"**{FERRY}**"
            await (await discord.slash(town.ann, town.channel, "forget-me")).answered()
            assert bot.memory.n_answers() == 1
            held = b"".join(path.read_bytes() for path in tmp_path.glob("bot.db*"))
            assert FERRY.encode() not in held
            expired = await (await discord.click(town.ben, again, "Follow up")).answered()
            assert expired.content == "This answer is no longer stored; ask again."

    run(test())


def test_a_mention_without_words_is_told_how_to_ask(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            said = await discord.say(town.ann, town.channel, town.mention(""))
            assert (await reply_to(town, said)).content.startswith("Ask me something")

    run(test())


def test_each_person_waits_and_the_sentence_says_how_long(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with (
            StandIn() as discord,
            bot_in(discord, sample_data, embedder, tmp_path, monotonic=lambda: 50.0) as bot,
        ):
            town = town_in(discord)
            await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            refused = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            assert refused.is_ephemeral
            # A relative time stamp would count on: "you can ask again 55 seconds ago".
            assert refused.content == "One question at a time: you can ask again in 3 s."
            bot.memory.set(town.guild.id, guild_per_minute=1)
            refused = await (await discord.slash(town.ben, town.channel, "ask", question=FERRY)).answered()
            assert refused.content == "This server has asked a lot just now; it can go on in 60 s."

    run(test())


def test_managers_set_up_a_server_and_nobody_else_can(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            other = discord.add_channel(town.guild, "other")
            with pytest.raises(NotOffered):
                await discord.slash(town.ben, town.channel, "settings show")

            async def settings(name: str, **options: object) -> str:
                done = await (await discord.slash(town.ann, town.channel, f"settings {name}", **options)).answered()
                assert done.is_ephemeral
                return done.content

            assert "Channels: all" in await settings("show")
            assert f"Channels: <#{town.channel.id}>" in await settings("channel", channel=town.channel, allowed=True)
            assert "Outlets: Valley Wire" in await settings("sources", names="valley wire")
            assert "no outlet nowhere here" in await settings("sources", names="nowhere")
            assert "person: 9" in await settings("cooldown", person=9, server=20)
            assert "alone: yes" in await settings("private", private=True)
            assert "keep questions: 30" in await settings("keep", days=30)
            assert "Sprache: Deutsch" in await settings("language", language="de")
            saved = bot.memory.settings(town.guild.id)
            assert (saved.channels, saved.sources, saved.keep_days) == ((town.channel.id,), ("Valley Wire",), 30)
            refused = await (await discord.slash(town.ben, other, "ask", question=FERRY)).answered()
            assert refused.content == f"Auf diesem Server darf ich nur in <#{town.channel.id}> antworten."
            answer = await (await discord.slash(town.ben, town.channel, "ask", question=FERRY)).answered()
            assert answer.is_ephemeral
            assert "Verstanden: nur Valley Wire" in answer.content

    run(test())


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("the times, seattle", "The Times, Seattle"),
        ("Harbor Courier,The Times, Seattle, Valley Wire,", "Harbor Courier, The Times, Seattle, Valley Wire"),
        ("harbor courier, nowhere, seattle", "There is no outlet nowhere here"),
        (" , ", "all"),
    ],
)
def test_an_outlet_with_a_comma_in_its_name_can_be_set(
    sample_data: Path, embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, shown: str
) -> None:
    outlets = ["Harbor Courier", "Valley Wire", "The Times, Seattle"]
    monkeypatch.setattr(Asker, "outlets", property(lambda _: outlets))

    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            town = town_in(discord)
            done = await (await discord.slash(town.ann, town.channel, "settings sources", names=names)).answered()
            assert f"Outlets: {shown}\n" in done.content or done.content.startswith(shown)

    run(test())


def test_a_channel_that_is_deleted_leaves_the_settings_unless_it_is_the_last_and_all_can_be_allowed_again(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            news, sport = discord.add_channel(town.guild, "news"), discord.add_channel(town.guild, "sport")

            async def allowed(**options: object) -> str:
                done = await discord.slash(town.ann, town.channel, "settings channel", **options)
                return (await done.answered()).content.split("\n")[1]

            assert await allowed(channel=news) == f"Channels: <#{news.id}>"
            assert await allowed(channel=sport, allowed=True) == f"Channels: <#{news.id}>, <#{sport.id}>"
            for gone in (sport, news):
                discord.world.remove_channel(gone)
                refused = await (await discord.slash(town.ben, town.channel, "ask", question=FERRY)).answered()
                assert refused.content == f"The managers of this server let me answer in <#{news.id}> only."
            refused = await (await discord.slash(town.ann, town.channel, "settings channel", allowed=False)).answered()
            assert refused.content == "Name the channel in which I am not to answer."
            assert await allowed() == "Channels: all"
            last = "No other channel is named, and with none named I answer in all: allow the ones I am to answer in."
            for before in (False, True):  # nothing is set, and this channel alone
                if before:
                    assert await allowed(channel=town.channel) == f"Channels: <#{town.channel.id}>"
                done = await discord.slash(
                    town.ann, town.channel, "settings channel", channel=town.channel, allowed=False
                )
                assert (await done.answered()).content == last
                assert bot.memory.settings(town.guild.id).channels == ((town.channel.id,) if before else ())
            assert await allowed() == "Channels: all"
            answer = await (await discord.slash(town.ben, town.channel, "ask", question=FERRY)).answered()
            assert "**17** people" in answer.text

    run(test())


def test_where_the_corpus_has_lost_all_of_a_servers_outlets_no_other_answers(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            bot.memory.set(town.guild.id, sources=("Gone Gazette",))
            answer = await (await discord.slash(town.ben, town.channel, "ask", question=FERRY)).answered()
            assert "only Gone Gazette\n**Not found:**" in answer.text
            bot.memory.set(town.guild.id, sources=("Gone Gazette", "Harbor Courier"))
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            assert "only Harbor Courier\n" in answer.text and answer.buttons

    run(test())


def test_standing_questions_of_a_channel_end_with_it(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            news = discord.add_channel(town.guild, "news")
            await (await discord.slash(town.ann, town.channel, "standing add", question=FERRY, channel=news)).answered()
            assert bot.memory.n_standing() == 1
            discord.world.remove_channel(news)
            async with asyncio.timeout(10):
                while bot.memory.n_standing():
                    await asyncio.sleep(0.01)

    run(test())


def test_status_sources_privacy_and_forget_me_answer_the_asker_alone(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path) as bot:
            town = town_in(discord)
            answer = await (await discord.slash(town.ann, town.channel, "ask", question=FERRY)).answered()
            await (
                await discord.click(
                    town.ben, answer, next(b["custom_id"] for b in answer.buttons if ":up:" in b["custom_id"])
                )
            ).answered()

            async def told(name: str) -> str:
                message = await (await discord.slash(town.ann, town.channel, name)).answered()
                assert message.is_ephemeral
                return message.content

            assert "59 articles from" in await told("status")
            assert "- Harbor Courier" in await told("sources")
            assert "deleted after 90 days" in await told("privacy")
            assert "A language model" not in await told("privacy")
            assert (
                await told("forget-me") == "Deleted: 1 questions, 0 standing questions, 0 votes and 0 reports of yours."
            )
            assert bot.memory.n_answers() == 0
            expired = await (await discord.click(town.ben, answer, "More quotes")).answered()
            assert expired.content == "This answer is no longer stored; ask again."

    run(test())


def test_a_german_reader_and_a_german_server_are_spoken_to_in_german(
    sample_data: Path, embedder: Embedder, tmp_path: Path
) -> None:
    async def test() -> None:
        async with StandIn() as discord, bot_in(discord, sample_data, embedder, tmp_path):
            guild = discord.add_guild("Redaktion", locale="de")
            channel = discord.add_channel(guild, "allgemein")
            uta = discord.add_user("Uta", locale="de")
            said = await discord.say(uta, channel, f"<@{discord.bot.id}> {NOWHERE}")
            answer = await discord.wait_for_message(channel, after=said)
            assert answer.text.startswith("**Nicht gefunden** in ")
            offered = {one["name"]: one for one in discord.offered(uta, channel)}
            assert offered["ask"]["name_localizations"]["de"] == "frage"
            direct = await (await discord.slash(uta, channel, "sources")).answered()
            assert direct.content.startswith("Aus ")

    run(test())


def test_commands_are_synced_only_when_they_changed(sample_data: Path, embedder: Embedder, tmp_path: Path) -> None:
    async def test() -> None:
        async with StandIn() as discord:
            for _ in range(2):
                async with bot_in(discord, sample_data, embedder, tmp_path, monotonic=steps()):
                    pass
            assert [r.method for r in discord.requests if r.path.endswith("/commands")] == ["PUT"]

    run(test())
