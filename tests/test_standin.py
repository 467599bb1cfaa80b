"""The stand-in for Discord, used as bots use it: by a real discord.py client, sharded, without privileged intents."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
from discord import app_commands
from discord.asset import Asset
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.discord_address import discord_at
from bot.standin import Channel, Guild, Limit, Message, NotOffered, StandIn, User
from tests.discord_openapi import check_bodies
from tests.discord_support import connected, run

Interaction = discord.Interaction[discord.Client]


class Field(discord.ui.Modal, title="Follow up"):
    question: discord.ui.TextInput[Field] = discord.ui.TextInput(label="Question", min_length=2, max_length=20)

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        await interaction.response.send_message(f"follow-up: {self.question.value}")


class Buttons(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="More", custom_id="more")
    async def more(self, interaction: Interaction, button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.edit_message(content="more quotes")

    @discord.ui.button(label="Follow up", custom_id="follow-up")
    async def follow_up(self, interaction: Interaction, button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.send_modal(Field())

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: Interaction, button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.defer()
        await interaction.followup.send("a followup", ephemeral=True)

    @discord.ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, interaction: Interaction, button: discord.ui.Button[Buttons]) -> None:
        raise AssertionError("nobody can press this")


class Card(discord.ui.LayoutView):
    box: discord.ui.Container[Card] = discord.ui.Container(
        discord.ui.TextDisplay("> a **quote** <@1> @everyone"),
        discord.ui.ActionRow(discord.ui.Button(label="Open", url="https://news.example/1")),
    )


class Echo(commands.AutoShardedBot):
    """Answers in every way there is; keeps what it was told."""

    def __init__(self, **options: Any) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.dm_messages = True
        super().__init__(
            command_prefix=(),
            intents=options.pop("intents", intents),
            allowed_mentions=options.pop("allowed_mentions", discord.AllowedMentions.none()),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.05,
            **options,
        )
        self.heard: list[str] = []
        self.seen: list[discord.Message] = []
        self.gone: list[int] = []
        self.errors: list[Exception] = []
        self.on_ask: Callable[[Interaction, str], Awaitable[None]] | None = None

    async def setup_hook(self) -> None:
        self.add_view(Buttons())

        @self.tree.command(description="Ask")
        async def ask(interaction: Interaction, question: str, source: str | None = None) -> None:
            if self.on_ask is not None:
                await self.on_ask(interaction, question)
                return
            await interaction.response.defer(thinking=True)
            await interaction.edit_original_response(content=f"{question} by {source}", view=Buttons())

        @ask.autocomplete("source")
        async def sources(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
            known = ["apnews.com", "arstechnica.com", "bbc.com"]
            return [app_commands.Choice(name=name, value=name) for name in known if name.startswith(typed)]

        @self.tree.context_menu(name="Find sources")
        async def find(interaction: Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(f"about {message.content!r}")

        managing = discord.Permissions(manage_guild=True)
        settings = app_commands.Group(name="settings", description="Settings", default_permissions=managing)

        @settings.command(description="A place")
        async def place(interaction: Interaction, channel: discord.TextChannel, user: discord.Member) -> None:
            await interaction.response.send_message(f"{channel.name} {user.display_name}", ephemeral=True)

        self.tree.add_command(settings)
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        self.seen.append(message)
        if message.author.bot:
            return
        self.heard.append(message.content)
        assert self.user is not None
        if message.guild is None or self.user in message.mentions:
            await message.reply(f"re {message.content}", mention_author=False)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.gone.append(event.message_id)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        if not event.message.author.bot:
            self.heard.append(f"edited: {event.message.content}")


class Room:
    """A stand-in with one server, one channel, two people, and the bot online."""

    def __init__(self, standin: StandIn, bot: Echo) -> None:
        self.standin, self.bot = standin, bot
        self.guild: Guild = standin.add_guild("Newsroom")
        self.channel: Channel = standin.add_channel(self.guild, "general")
        self.ann: User = standin.add_user("Ann")
        self.ben: User = standin.add_user("Ben", locale="de", manages=(self.guild,))

    def discord_channel(self, channel: Channel | None = None) -> discord.TextChannel:
        found = self.bot.get_channel((channel or self.channel).id)
        assert isinstance(found, discord.TextChannel)
        return found

    async def mention(self, text: str) -> Message:
        return await self.standin.say(self.ann, self.channel, f"{self.standin.bot.mention} {text}")


@asynccontextmanager
async def room(bot: Echo | None = None, **options: Any) -> AsyncIterator[Room]:
    async with StandIn(**options) as standin:
        place = Room(standin, bot or Echo())
        async with connected(standin, place.bot):
            await place.bot.wait_until_ready()
            yield place
    assert place.bot.errors == []
    check_bodies(standin.requests)


# The gateway's first steps and commands ----------------------------------------------------------------------


def test_a_sharded_client_connects_and_sees_its_server() -> None:
    async def test() -> None:
        async with room(shards=2) as here:
            assert set(here.bot.shards) == {0, 1}
            assert [guild.name for guild in here.bot.guilds] == ["Newsroom"]
            await here.standin.wait_for_message(here.channel, after=await here.mention("told once"))
            assert len(here.bot.heard) == 1
            assert here.discord_channel().permissions_for(here.bot.guilds[0].me).embed_links

    run(test())


def test_a_wrong_token_is_refused() -> None:
    async def test() -> None:
        async with StandIn() as standin, aiohttp.ClientSession() as session:
            headers = {"Authorization": "Bot other", "User-Agent": "DiscordBot (x, 1)"}
            async with session.get(f"{standin.rest_url}/users/@me", headers=headers) as answer:
                assert answer.status == 401
            headers = {"Authorization": f"Bot {standin.token}"}
            async with session.get(f"{standin.rest_url}/users/@me", headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (403, 40333)

    run(test())


def test_a_privileged_intent_ends_the_client() -> None:
    async def test() -> None:
        async with StandIn() as standin:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                async with connected(standin, Echo(intents=discord.Intents.all())):
                    raise AssertionError("connected")

    run(test())


def test_a_slash_command_is_deferred_then_edited() -> None:
    async def test() -> None:
        async with room() as here:
            asked = await here.standin.slash(here.ann, here.channel, "ask", question="why?", source="bbc.com")
            answer = await asked.answered()
            assert (answer.content, answer.author) == ("why? by bbc.com", here.standin.bot)
            assert asked.callbacks == [5]
            assert [button["label"] for button in answer.buttons] == ["More", "Follow up", "Later", "Off"]
            assert answer.edited_at is None

    run(test())


def test_autocompletion_offers_choices_and_takes_no_other_response() -> None:
    async def test() -> None:
        async with room() as here:
            typed = await here.standin.autocomplete(here.ann, here.channel, "ask", "source", "a", question="x")
            await typed.responded()
            assert [choice["value"] for choice in typed.choices or ()] == ["apnews.com", "arstechnica.com"]

    run(test())


def test_commands_for_managers_are_offered_to_managers_alone() -> None:
    async def test() -> None:
        async with room() as here:
            standin = here.standin
            assert [one["name"] for one in standin.offered(here.ann, here.channel)] == ["ask"]
            with pytest.raises(NotOffered):
                await standin.slash(here.ann, here.channel, "settings place", channel=here.channel, user=here.ann)
            asked = await standin.slash(here.ben, here.channel, "settings place", channel=here.channel, user=here.ann)
            answer = await asked.answered()
            assert (answer.content, answer.visible_to) == ("general Ann", here.ben)
            assert answer not in standin.messages(here.channel, here.ann)
            await standin.wait_for_message(here.channel, after=await here.mention("later"))
            assert answer.id not in [message.id for message in here.bot.seen]

    run(test())


def test_options_are_checked_as_discords_program_checks_them() -> None:
    async def test() -> None:
        async with room() as here:
            for options in ({}, {"question": 7}, {"question": "x", "colour": "red"}):
                with pytest.raises(ValueError):
                    await here.standin.slash(here.ann, here.channel, "ask", **options)
            with pytest.raises(NotOffered):
                await here.standin.slash(here.ann, here.channel, "tell", question="x")

    run(test())


def test_the_context_menu_carries_a_message_that_the_bot_could_not_read() -> None:
    async def test() -> None:
        async with room() as here:
            message = await here.standin.say(here.ann, here.channel, "a secret")
            asked = await here.standin.context_menu(here.ben, here.channel, "Find sources", message)
            assert (await asked.answered()).content == "about 'a secret'"

    run(test())


def test_discord_py_is_pointed_back_at_discord_at_the_end() -> None:
    def addresses() -> list[str]:
        return [Route.BASE, str(DiscordWebSocket.DEFAULT_GATEWAY), Asset.BASE]

    before = addresses()
    with pytest.raises(KeyError), discord_at("http://127.0.0.1:1/api/v10", "ws://127.0.0.1:1/gateway"):
        assert all("//127.0.0.1:1/" in address for address in addresses())
        raise KeyError
    assert addresses() == before
    assert all("discord" in address for address in before)


def test_a_command_given_while_the_bot_is_offline_is_never_answered() -> None:
    async def test() -> None:
        async with StandIn(respond_s=0.1) as standin:
            bot = Echo()
            here = Room(standin, bot)
            async with connected(standin, bot):
                await bot.wait_until_ready()
            await standin.until(lambda: not standin.gateway.sessions)
            asked = await standin.slash(here.ann, here.channel, "ask", question="anyone?")
            await asked.expired()
            again = Echo()
            async with connected(standin, again):
                await again.wait_until_ready()
                await standin.wait_for_message(here.channel, after=await here.mention("back"))
            assert (asked.callbacks, len(again.heard)) == ([], 1)

    run(test())


# Messages and intents ----------------------------------------------------------------------------------------


def test_content_is_hidden_unless_the_bot_is_addressed() -> None:
    async def test() -> None:
        async with room() as here:
            standin, bot = here.standin, here.bot
            await standin.say(here.ann, here.channel, "not for you")
            await standin.say(here.ann, here.channel, "@everyone neither")
            answer = await standin.wait_for_message(here.channel, after=await here.mention("one"))
            await standin.say(here.ann, here.channel, "two", reply_to=answer)
            await standin.say(here.ann, here.channel, "three", reply_to=answer, ping=False)
            slashed = await (await standin.slash(here.ann, here.channel, "ask", question="x")).answered()
            await standin.say(here.ann, here.channel, "four", reply_to=slashed)
            await standin.say(here.ann, standin.dm(here.ann), "five")
            await standin.wait_for_message(standin.dm(here.ann))
            mention = standin.bot.mention
            assert bot.heard == ["", "", f"{mention} one", "two", "", "", "five"]

    run(test())


def test_with_the_content_intent_everything_is_read() -> None:
    async def test() -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=True)
        async with room(Echo(intents=intents), allowed_intents=intents.value) as here:
            await here.standin.say(here.ann, here.channel, "all of it")
            await here.standin.say(here.ann, here.standin.dm(here.ann), "not identified for this")
            await here.standin.wait_for_message(here.channel, after=await here.mention("done"))
            assert here.bot.heard == ["all of it", f"{here.standin.bot.mention} done"]

    run(test())


def test_a_reply_refers_to_its_message_and_notifies_nobody() -> None:
    async def test() -> None:
        async with room() as here:
            question = await here.mention("hello @everyone")
            answer = await here.standin.wait_for_message(here.channel, after=question)
            assert (answer.reference, bool(answer.pings), answer.mentioned) == (question.id, False, [])
            assert (here.standin.bot.id in question.pings.users, question.pings.everyone) == (True, True)

    run(test())


def test_pings_are_recorded_where_a_bot_forgets_to_forbid_them() -> None:
    async def test() -> None:
        async with room(Echo(allowed_mentions=None)) as here:
            answer = await here.standin.wait_for_message(here.channel, after=await here.mention("x"))
            assert set(answer.pings.users) == {here.standin.bot.id}
            await here.discord_channel().send(f"@everyone {here.ann.mention}")
            loud = here.standin.messages(here.channel)[-1]
            # Without the permission, @everyone is text.
            assert (set(loud.pings.users), loud.pings.everyone) == ({here.ann.id}, False)
            here.standin.allow(here.channel, "mention_everyone")
            await here.discord_channel().send("@everyone")
            assert here.standin.messages(here.channel)[-1].pings.everyone

    run(test())


def test_webhooks_and_other_bots_are_told_apart_from_people() -> None:
    async def test() -> None:
        async with room() as here:
            standin = here.standin
            feed, other = standin.add_user("Feed", webhook=True), standin.add_user("Other", bot=True)
            for author in (feed, other):
                await standin.say(author, here.channel, f"{standin.bot.mention} hello")
            await standin.wait_for_message(here.channel, after=await here.mention("me"))
            by_feed, by_other, by_ann = here.bot.seen[:3]
            assert [one.webhook_id for one in (by_feed, by_other, by_ann)] == [feed.id, None, None]
            assert [one.author.bot for one in (by_feed, by_other, by_ann)] == [True, True, False]
            assert isinstance(by_ann.author, discord.Member)

    run(test())


def test_two_clients_with_one_token_both_hear() -> None:
    async def test() -> None:
        second = Echo()
        async with room() as here, connected(here.standin, second):
            await second.wait_until_ready()
            message = await here.mention("which of you?")
            first = await here.standin.wait_for_message(here.channel, after=message)
            await here.standin.wait_for_message(here.channel, after=first)
            assert len(here.channel.messages) == 3

    run(test(), timeout_s=30)


def test_edits_and_deletions_reach_the_bot() -> None:
    async def test() -> None:
        async with room() as here:
            message = await here.mention("one")
            await here.standin.wait_for_message(here.channel, after=message)
            await here.standin.edit(here.ann, message, f"{here.standin.bot.mention} two")
            await here.standin.delete(message)
            last = await here.mention("three")
            await here.standin.wait_for_message(here.channel, after=last)
            mention = here.standin.bot.mention
            assert here.bot.heard[1:] == [f"edited: {mention} two", f"{mention} three"]
            assert here.bot.gone == [message.id]
            with pytest.raises(discord.NotFound) as caught:
                await here.discord_channel().fetch_message(message.id)
            assert caught.value.code == 10008

    run(test())


def test_the_bot_edits_reacts_types_reads_and_deletes() -> None:
    async def test() -> None:
        async with room() as here:
            channel = here.discord_channel()
            async with channel.typing():
                sent = await channel.send(embed=discord.Embed(title="T", description="D"))
            assert here.channel.typing_at > 0
            await sent.edit(content="edited")
            await sent.add_reaction("👍")
            message = here.channel.messages[sent.id]
            assert (message.text, message.reactions) == ("edited\nT\nD", {"👍": {here.standin.bot.id}})
            assert message.versions == ["T\nD", "edited\nT\nD"]
            assert [one.content async for one in channel.history()] == ["edited"]
            await sent.delete()
            assert here.channel.messages == {}

    run(test())


def test_the_same_nonce_is_sent_once() -> None:
    async def test() -> None:
        async with room() as here:
            path = Route("POST", "/channels/{channel_id}/messages", channel_id=here.channel.id)
            body = {"content": "once", "nonce": "7", "enforce_nonce": True}
            ids = [(await here.bot.http.request(path, json=body))["id"] for _ in range(2)]
            assert len(here.channel.messages) == 1
            assert len(set(ids)) == 1

    run(test())


# Components, modals, threads ---------------------------------------------------------------------------------


def test_buttons_update_open_a_modal_and_follow_up() -> None:
    async def test() -> None:
        async with room() as here:
            standin = here.standin
            answer = await (await standin.slash(here.ann, here.channel, "ask", question="x")).answered()
            pressed = await standin.click(here.ben, answer, "More")
            assert (await pressed.answered()) is answer
            assert answer.content == "more quotes"
            pressed = await standin.click(here.ben, answer, "follow-up")
            await pressed.responded()
            with pytest.raises(ValueError):
                await standin.submit_modal(here.ben, pressed, {"Question": "x" * 21})
            with pytest.raises(NotOffered):
                await standin.submit_modal(here.ann, pressed, {"Question": "not hers"})
            sent = await standin.submit_modal(here.ben, pressed, {"Question": "and when?"})
            assert (await sent.answered()).content == "follow-up: and when?"
            with pytest.raises(NotOffered, match="submitted before"):
                await standin.submit_modal(here.ben, pressed, {"Question": "and when?"})
            pressed = await standin.click(here.ben, answer, "later")
            await standin.until(lambda: pressed.followups)
            assert (pressed.callbacks, pressed.followups[0].visible_to) == ([6], here.ben)
            with pytest.raises(NotOffered):
                await standin.click(here.ben, answer, "off")

    run(test())


def test_values_are_chosen_in_a_select() -> None:
    class Sources(discord.ui.View):
        @discord.ui.select(custom_id="source", options=[discord.SelectOption(label=name) for name in ("ap", "bbc")])
        async def source(self, interaction: Interaction, select: discord.ui.Select[Sources]) -> None:
            await interaction.response.edit_message(content=f"from {select.values}", view=None)

    async def test() -> None:
        async with room() as here:
            await here.discord_channel().send("which?", view=Sources())
            (message,) = here.standin.messages(here.channel)
            with pytest.raises(NotOffered):
                await here.standin.choose(here.ann, message, "source", "cnn")
            await (await here.standin.choose(here.ann, message, "source", "bbc")).answered()
            assert (message.content, message.components) == ("from ['bbc']", [])

    run(test())


def test_the_first_followup_ends_thinking_and_stays_as_private_as_the_deferral() -> None:
    async def think(interaction: Interaction, question: str) -> None:
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.followup.send("first", ephemeral=False)
        await interaction.followup.send("second", ephemeral=False)

    async def test() -> None:
        async with room() as here:
            here.bot.on_ask = think
            asked = await here.standin.slash(here.ann, here.standin.dm(here.ann), "ask", question="x")
            first = await asked.answered()
            await here.standin.until(lambda: asked.followups)
            assert (first.content, first.visible_to) == ("first", here.ann)
            assert [(one.content, one.visible_to) for one in asked.followups] == [("second", None)]

    run(test())


def test_a_layout_is_shown_without_content_and_pings_nobody() -> None:
    async def test() -> None:
        async with room() as here:
            await here.discord_channel().send(view=Card())
            (message,) = here.standin.messages(here.channel)
            assert message.is_v2
            assert message.text == "> a **quote** <@1> @everyone"
            assert not message.pings
            assert [button["url"] for button in message.buttons] == ["https://news.example/1"]
            with pytest.raises(NotOffered):
                await here.standin.click(here.ann, message, "Open")

    run(test())


def test_threads_are_opened_from_a_message_and_by_themselves() -> None:
    async def test() -> None:
        async with room() as here:
            standin, channel = here.standin, here.discord_channel()
            question = await here.mention("x")
            thread = await (await channel.fetch_message(question.id)).create_thread(name="About x")
            assert thread.id == question.id
            assert question.thread is not None
            inside = standin.world.channels[thread.id]
            await standin.say(here.ann, inside, f"{standin.bot.mention} and when?")
            assert (await standin.wait_for_message(inside)).content.endswith("when?")
            with pytest.raises(discord.HTTPException) as caught:
                await (await channel.fetch_message(question.id)).create_thread(name="again")
            assert caught.value.code == 160004
            other = await channel.create_thread(name="Alone", type=discord.ChannelType.public_thread)
            await other.send("here")
            await other.edit(archived=True)
            assert standin.world.channels[other.id].archived
            standin.forbid(here.channel, "create_public_threads")
            with pytest.raises(discord.Forbidden) as refused:
                await channel.create_thread(name="No", type=discord.ChannelType.public_thread)
            assert refused.value.code == 50013

    run(test())


# Time and refusals -------------------------------------------------------------------------------------------


def caught_code(error: BaseException) -> int:
    assert isinstance(error, discord.HTTPException)
    return error.code


def test_an_interaction_ends_after_its_seconds() -> None:
    async def test() -> None:
        codes: list[int] = []

        async def late(interaction: Interaction, question: str) -> None:
            await asyncio.wait_for(interaction_ended.wait(), 5)
            with pytest.raises(discord.NotFound) as caught:
                await interaction.response.defer()
            codes.append(caught_code(caught.value))
            done.set()

        interaction_ended, done = asyncio.Event(), asyncio.Event()
        async with room(respond_s=0.2) as here:
            here.bot.on_ask = late
            asked = await here.standin.slash(here.ann, here.channel, "ask", question="x")
            await asked.expired()
            interaction_ended.set()
            await asyncio.wait_for(done.wait(), 5)
            assert codes == [10062]
            assert asked.callbacks == []

    run(test())


def test_a_second_response_and_an_early_edit_are_refused() -> None:
    async def test() -> None:
        codes: list[int] = []

        async def twice(interaction: Interaction, question: str) -> None:
            for early in (interaction.edit_original_response(content="early"), interaction.followup.send("early")):
                with pytest.raises(discord.HTTPException) as caught:
                    await early
                codes.append(caught_code(caught.value))
            await interaction.response.send_message("first")
            again = type(interaction.response)(interaction)
            with pytest.raises(discord.HTTPException) as second:
                await again.send_message("second")
            codes.append(caught_code(second.value))
            done.set()

        done = asyncio.Event()
        async with room() as here:
            here.bot.on_ask = twice
            asked = await here.standin.slash(here.ann, here.channel, "ask", question="x")
            await asyncio.wait_for(done.wait(), 5)
            assert codes == [10015, 10015, 40060]
            assert [message.content for message in here.standin.messages(here.channel)] == ["first"]
            assert (await asked.answered()).content == "first"

    run(test())


def test_a_token_is_good_for_fifteen_minutes() -> None:
    async def test() -> None:
        shift = 0.0
        async with room(clock=lambda: time.time() + shift) as here:
            kept: list[Interaction] = []

            async def keep(interaction: Interaction, question: str) -> None:
                kept.append(interaction)
                await interaction.response.send_message("now")

            here.bot.on_ask = keep
            await (await here.standin.slash(here.ann, here.channel, "ask", question="x")).answered()
            shift = 899.0
            await kept[0].edit_original_response(content="just in time")
            shift = 901.0
            with pytest.raises(discord.HTTPException) as caught:
                await kept[0].edit_original_response(content="too late")
            assert (caught.value.status, caught.value.code) == (401, 50027)

    run(test())


def test_a_command_elsewhere_has_five_followups() -> None:
    async def test() -> None:
        codes: list[int] = []

        async def many(interaction: Interaction, question: str) -> None:
            await interaction.response.send_message("first")
            for at in range(6):
                try:
                    await interaction.followup.send(str(at))
                except discord.HTTPException as error:
                    codes.append(error.code)
            done.set()

        done = asyncio.Event()
        async with room() as here:
            elsewhere = here.standin.add_guild("Elsewhere", bot_is_member=False)
            channel = here.standin.add_channel(elsewhere, "lobby")
            with pytest.raises(NotOffered):
                await here.standin.slash(here.ann, channel, "ask", question="x")
            for command in here.standin.world.commands[None]:
                command["integration_types"] = [0, 1]
            here.bot.on_ask = many
            asked = await here.standin.slash(here.ann, channel, "ask", question="x")
            await asyncio.wait_for(done.wait(), 10)
            assert (len(asked.followups), codes) == (5, [40094])

    run(test())


def test_lost_permissions_are_refused_with_discords_codes() -> None:
    async def test() -> None:
        async with room() as here:
            channel = here.discord_channel()

            async def code() -> tuple[int, int]:
                with pytest.raises(discord.Forbidden) as caught:
                    await channel.send("x", embed=discord.Embed(title="t"))
                return caught.value.status, caught.value.code

            for name in ("embed_links", "send_messages"):
                here.standin.forbid(here.channel, name)
                assert await code() == (403, 50013)
                here.standin.allow(here.channel, name)
            here.standin.forbid(here.channel, "view_channel")
            assert await code() == (403, 50001)
            assert here.standin.n_invalid_requests == 3
            here.ann.takes_direct_messages = False
            with pytest.raises(discord.Forbidden) as caught:
                await (await here.bot.fetch_user(here.ann.id)).send("x")
            assert caught.value.code == 50007

    run(test())


def test_other_peoples_messages_and_closed_threads_are_not_the_bots_to_change() -> None:
    async def test() -> None:
        async with room() as here:
            question = await here.mention("x")
            channel = here.discord_channel()
            by_ann = channel.get_partial_message(question.id)
            with pytest.raises(discord.Forbidden) as caught:
                await by_ann.edit(content="y")
            assert caught.value.code == 50005
            with pytest.raises(discord.Forbidden) as caught:
                await by_ann.delete()
            assert caught.value.code == 50013
            thread = await here.standin.open_thread(here.ann, here.channel, "Hers", question)
            here.standin.world.change_thread(thread, {"locked": True})
            with pytest.raises(discord.HTTPException) as locked:
                await here.bot.get_partial_messageable(thread.id).send("x")
            assert locked.value.code == 50083
            await here.standin.delete(question)
            with pytest.raises(discord.HTTPException) as gone:
                await next(one for one in here.bot.seen if one.id == question.id).reply("too late")
            assert gone.value.code == 50035

    run(test())


# Faults ------------------------------------------------------------------------------------------------------


def test_a_cut_gateway_is_resumed_and_loses_nothing() -> None:
    async def test() -> None:
        async with room() as here:
            gateway = here.standin.gateway
            await here.standin.drop_gateway()
            await here.standin.until(lambda: not gateway.is_connected)
            message = await here.mention("while you were away")
            await here.standin.wait_for_message(here.channel, after=message)
            assert (gateway.n_identified, gateway.n_resumed) == (1, 1)
            assert len(here.bot.heard) == 1

    run(test())


def test_a_request_to_reconnect_and_a_resumable_session_are_resumed() -> None:
    async def test() -> None:
        async with room() as here:
            gateway = here.standin.gateway
            here.standin.ask_to_reconnect()
            await here.standin.until(lambda: gateway.n_resumed == 1)
            here.standin.invalidate_session(resumable=True)
            await here.standin.until(lambda: gateway.n_resumed == 2)
            await here.standin.wait_for_message(here.channel, after=await here.mention("still here"))
            assert gateway.n_identified == 1

    run(test())


def test_an_invalid_session_identifies_anew() -> None:
    async def test() -> None:
        async with room() as here:
            here.standin.invalidate_session()
            # discord.py waits five seconds before it identifies again.
            await here.standin.until(lambda: here.standin.gateway.n_identified == 2, 15)
            await here.standin.wait_for_message(here.channel, after=await here.mention("back"))
            assert here.standin.gateway.n_resumed == 0

    run(test())


def test_a_restarted_server_is_found_again() -> None:
    async def test() -> None:
        async with room() as here:
            port, gateway = here.standin.port, here.standin.gateway
            await here.standin.restart()
            assert here.standin.port == port
            # A client that finds the server gone identifies anew; one that is quicker resumes.
            await here.standin.until(lambda: gateway.n_identified + gateway.n_resumed == 2, 20)
            await here.standin.wait_for_message(here.channel, after=await here.mention("after the restart"))

    run(test())


def test_heartbeats_are_answered_and_a_silent_server_is_left() -> None:
    async def test() -> None:
        async with room(Echo(heartbeat_timeout=0.5), heartbeat_s=0.2) as here:
            gateway = here.standin.gateway
            await here.standin.until(lambda: len(gateway.heartbeats) >= 4)
            assert gateway.n_missed_heartbeats == 0
            assert 0 < here.bot.latency < 0.2
            gateway.acknowledge = False
            await here.standin.until(lambda: gateway.n_resumed, 10)

    run(test())


@pytest.fixture
def warnings_logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    return lambda: [
        one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING and "voice" not in one.msg
    ]


def test_a_429_is_obeyed(warnings_logged: Callable[[], list[str]]) -> None:
    async def test() -> None:
        async with room() as here:
            here.standin.fail_next("POST", "/channels/*/messages", 429, retry_after_s=0.3)
            await here.discord_channel().send("patient")
            first, second = (one for one in here.standin.requests if one.route == "/channels/{channel_id}/messages")
            assert (first.status, second.status) == (429, 200)
            assert second.at_s - first.at_s >= 0.3
            assert [one.content for one in here.standin.messages(here.channel)] == ["patient"]

    run(test())
    assert ["rate limited" in line for line in warnings_logged()] == [True]


def test_a_small_bucket_announces_itself_so_that_the_client_never_exceeds_it(
    warnings_logged: Callable[[], list[str]],
) -> None:
    async def test() -> None:
        limit = Limit("POST", "/channels/*/messages", 2, 0.3)
        async with room(limits=[limit]) as here:
            await asyncio.gather(*(here.discord_channel().send(str(at)) for at in range(5)))
            times = [one.at_s for one in here.standin.requests if one.route == "/channels/{channel_id}/messages"]
            assert len(here.channel.messages) == 5
            assert here.standin.n_invalid_requests == 0
            assert times[4] - times[0] >= 0.55

    run(test())
    assert warnings_logged() == []


def test_a_full_bucket_is_refused_until_its_window_ends() -> None:
    async def test() -> None:
        async with StandIn(limits=[Limit("GET", "/users/@me", 1, 0.2)]) as standin, aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bot {standin.token}", "User-Agent": "DiscordBot (x, 1)"}
            url = f"{standin.rest_url}/users/@me"
            async with session.get(url, headers=headers) as answer:
                assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "0")
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 429
                wait_s = float(answer.headers["Retry-After"])
                assert 0 < wait_s <= 0.2
                assert (await answer.json())["retry_after"] == wait_s
            await asyncio.sleep(wait_s)
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 200

    run(test())


def test_a_500_is_retried_and_the_nonce_keeps_the_message_single() -> None:
    async def test() -> None:
        async with room() as here:
            here.standin.fail_next("POST", "/channels/*/messages", 500, done=True)
            await here.discord_channel().send("once")
            sent = [one for one in here.standin.requests if one.route == "/channels/{channel_id}/messages"]
            assert [one.status for one in sent] == [500, 200]
            assert len({one.body["nonce"] for one in sent}) == 1
            assert [one.content for one in here.standin.messages(here.channel)] == ["once"]

    run(test())


@pytest.mark.parametrize(("when", "n_messages"), [("before", 0), ("after", 1), ("middle", 1)])
def test_a_connection_can_be_cut_before_after_or_amid_a_reply(when: Any, n_messages: int) -> None:
    async def test() -> None:
        async with room() as here:
            here.standin.drop_connection_on("POST", "/channels/*/messages", when)
            with pytest.raises((aiohttp.ClientError, ConnectionError)):
                await here.discord_channel().send("x")
            assert len(here.channel.messages) == n_messages
            assert here.standin.requests[-1].status == 0
            await here.discord_channel().send("y")
            assert len(here.channel.messages) == n_messages + 1

    run(test())


def test_slow_requests_take_their_time_and_then_pass() -> None:
    async def test() -> None:
        async with room() as here:
            here.standin.slow(0.3, "/channels/*")
            started = time.monotonic()
            await here.discord_channel().send("x")
            assert time.monotonic() - started >= 0.3
            here.standin.slow(0)

    run(test())


def test_changes_are_told_in_order_from_the_moment_of_asking() -> None:
    async def test() -> None:
        async with room() as here:
            await here.standin.say(here.ann, here.channel, "before")
            changes = here.standin.changes()
            asked = await here.standin.slash(here.ann, here.channel, "ask", question="x")
            seen = []
            async for change in changes:
                if change.kind != "request":
                    seen.append((change.kind, change.note))
                if change.kind == "interaction" and change.note == "answered":
                    break
            assert seen == [
                ("interaction", "asked"),
                ("message", ""),
                ("interaction", "deferred"),
                ("message_edited", ""),
                ("interaction", "answered"),
            ]
            assert asked.state == "answered"

    run(test())


def test_waiting_for_what_does_not_come_says_what_did_not() -> None:
    async def test() -> None:
        async with StandIn() as standin:
            channel = standin.add_channel(standin.add_guild("G"), "quiet")
            with pytest.raises(TimeoutError, match="a message by <User newsquote> in <Channel quiet>"):
                await standin.wait_for_message(channel, timeout_s=0.05)

    run(test())
