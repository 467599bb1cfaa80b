"""Standing questions on Discord: setting, listing and stopping them, and telling what is new.

The bot speaks here without a question just asked, and only to those who wanted that: in direct messages, or in a
channel whose server's managers set it up. It pings nobody there either.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.cards import news_card, short_form, standing_card, standing_list_card
from bot.desk import Reply, Where
from bot.discord_commands import keyed, only_in, outlet_choices, unknown_outlet
from bot.discord_send import again, is_gone, may_send, permissions_in, respond, send_once
from bot.discord_views import view_of
from bot.markdown import without_tags
from bot.remembered import Asked, Remembered, Standing
from bot.standing import AGAIN_S, MAX_OF_ALL, MAX_OF_PERSON, N_TOLD, REST_S, marks_of
from bot.understand import MAX_QUESTION_CHARS
from bot.words import words_for
from index.errors import Busy, Closing, IndexMissing
from index.types import DAY_S, day_of

if TYPE_CHECKING:
    from bot.discord_bot import Interaction, NewsBot

log = logging.getLogger(__name__)

LOOK_S = 20.0


class StandingGroup(app_commands.Group):
    """`/standing add` and `/standing list`."""

    def __init__(self) -> None:
        super().__init__(
            name=keyed("standing.name"),
            description=keyed("standing.description"),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        )

    @app_commands.command(name=keyed("standing.add.name"), description=keyed("standing.add.description"))
    @app_commands.describe(
        question=keyed("standing.add.question"),
        source=keyed("standing.add.source"),
        channel=keyed("standing.add.channel"),
    )
    @app_commands.autocomplete(source=outlet_choices)
    async def add(
        self,
        interaction: Interaction,
        question: app_commands.Range[str, 1, MAX_QUESTION_CHARS],
        source: str | None = None,
        channel: discord.TextChannel | None = None,
    ) -> None:
        bot, words = interaction.client, interaction.client.words_of(interaction)
        outlet = bot.desk.outlet(source) if source else None
        if source and outlet is None:
            await bot.whisper(interaction, unknown_outlet(bot, source, words))
            return
        if channel is not None and not interaction.permissions.manage_guild:
            await bot.whisper(interaction, words.managers_only)
            return
        asked = Asked(without_tags(question), day_of(bot.desk.now_s()), sources=(outlet,) if outlet else ())
        await set_standing(interaction, asked, channel)

    @app_commands.command(name=keyed("standing.list.name"), description=keyed("standing.list.description"))
    async def list(self, interaction: Interaction) -> None:
        guild = interaction.guild_id or 0
        listed = interaction.client.memory.standing_of(
            interaction.user.id, guild if interaction.permissions.manage_guild else 0
        )
        listed.sort(key=lambda one: one.asker != interaction.user.id)  # what is left out is not the reader's own
        card = standing_list_card(listed, interaction.client.words_of(interaction))
        extra: dict[str, Any] = {} if not card.buttons else {"view": view_of(card)}
        await respond(lambda: interaction.response.send_message(card.content, ephemeral=True, **extra))


async def set_standing(
    interaction: Interaction,
    asked: Asked,
    channel: discord.TextChannel | None = None,
    remembered: Remembered | None = None,
) -> None:
    """Have a question stand, and say where its news will be told: there, and to whoever set it.

    Args:
        interaction: Not responded to yet.
        asked: The question.
        channel: Where news is told; None for direct messages.
        remembered: The answer it was set below, whose quotes are no news.
    """
    bot, words = interaction.client, interaction.client.words_of(interaction)
    memory, person, guild = bot.memory, interaction.user.id, interaction.guild_id or 0
    n_forgettings = memory.n_forgettings(person, guild)
    async with bot.taken(interaction):
        await respond(lambda: interaction.response.defer(thinking=True, ephemeral=True))

        async def say(sentence: str) -> None:
            await again(lambda: interaction.edit_original_response(content=sentence))

        settings = memory.settings(guild)
        if channel is not None and settings.channels and channel.id not in settings.channels:
            await say(only_in(settings.channels, words))
            return
        if channel is not None and not may_send(permissions_in(channel, channel.guild), channel):
            await say(words.missing_permission.format(permission="Send Messages"))
            return
        place: Any = channel or await again(lambda: bot.create_dm(discord.Object(person)))
        shown = await bot.asker.quotes(remembered.places) if remembered else []
        locale = interaction.locale if channel is None else interaction.guild_locale or interaction.locale
        standing = await bot.desk.standing(
            asked,
            Where(guild, place.id, person),
            is_direct=channel is None,
            language=settings.language or str(locale),
            below=remembered,
            shown=[quote for quote in shown if quote is not None],
        )
        known = {(one.text, one.sources, one.channel) for one in memory.standing_of(person)}
        if (standing.text, standing.sources, place.id) in known:
            await say(words.standing_exists)
            return
        # Not before: others may have been set while this one waited.
        if memory.n_standing(person) >= MAX_OF_PERSON:
            await say(words.standing_too_many.format(n=MAX_OF_PERSON))
            return
        if memory.n_standing() >= MAX_OF_ALL:
            await say(words.standing_full)
            return
        kept = memory.answer(standing.answer) if standing.answer else None
        is_forgotten = standing.answer is not None and (kept is None or kept.question is None)
        if is_forgotten or memory.n_forgettings(person, guild) != n_forgettings:
            await say(words.expired)
            return
        memory.stand(standing)  # before it is said: its button is to work
        card = standing_card(standing, words_for(standing.language))
        try:
            await again(lambda: send_once(place, card, interaction.id))
        except discord.Forbidden:
            memory.stop_standing(standing.id)
            await say(words.standing_unreachable)
            return
        except BaseException:
            memory.stop_standing(standing.id)
            raise
        await say(words.standing_set.format(channel=f"<#{place.id}>" if channel else words.standing_direct))


async def stop_standing(interaction: Interaction, standing_id: str) -> None:
    """Stop a standing question for whoever set it; one that is told in a channel for its server's managers too."""
    bot, words = interaction.client, interaction.client.words_of(interaction)
    standing = bot.memory.standing(standing_id)
    if standing is None:
        await bot.whisper(interaction, words.standing_gone)
        return
    is_managed = not standing.is_direct and interaction.guild_id == standing.guild
    if interaction.user.id != standing.asker and not (is_managed and interaction.permissions.manage_guild):
        await bot.whisper(interaction, words.standing_not_yours)
        return
    bot.memory.stop_standing(standing_id)
    await bot.whisper(interaction, words.standing_stopped)


class Teller:
    """Asks what stands of whatever has come in, one question after the other, and tells what is new.

    Args:
        bot: Has the desk, and the line to Discord.
    """

    def __init__(self, bot: NewsBot, look_s: float = LOOK_S) -> None:
        self._bot = bot
        self._look_s = look_s

    async def run(self) -> None:
        """Look, again and again, until it is cancelled."""
        await self._bot.wait_until_ready()
        while True:
            try:
                await self._round()
            except Exception as error:  # noqa: BLE001, the next round may go well
                self._bot.log_failure("standing questions", error)
            await asyncio.sleep(self._look_s)

    async def _round(self) -> None:
        last = self._bot.asker.last_version
        if not last:
            return
        for standing in self._bot.memory.standing_due(self._bot.desk.now_s(), last):
            try:
                await self._ask(standing)
            except (Busy, Closing, IndexMissing):
                return  # people who ask come first
            except Exception as error:  # noqa: BLE001, one that fails keeps no other waiting
                self._bot.metrics.news["failed"] += 1
                self._bot.log_failure("standing question", error)
                self._put_off(standing, AGAIN_S)

    def _put_off(self, standing: Standing, seconds: int) -> None:
        due_s = self._bot.desk.now_s() + seconds
        self._bot.memory.told(standing.id, standing.after_version, due_s, standing.told)

    async def _ask(self, standing: Standing) -> None:
        memory, metrics = self._bot.memory, self._bot.metrics
        last = self._bot.asker.last_version  # anew for each: a round may take minutes
        # A corpus that was built anew counts its versions anew: what is in it now is where news begins.
        reply = None if last < standing.after_version else await self._bot.desk.news(standing)
        if memory.standing(standing.id) is None:
            return  # stopped or forgotten meanwhile
        if reply is None:
            metrics.news["nothing"] += 1
            memory.told(standing.id, last, standing.due_s, standing.told)
            return
        try:
            sent = await self._tell(standing, reply)
        except discord.HTTPException as error:
            if is_gone(error) or (isinstance(error, discord.Forbidden) and standing.is_direct):
                log.info("standing question ended: nobody can be told code=%d", error.code)
                memory.stop_standing(standing.id)
                return
            if not isinstance(error, discord.Forbidden):
                raise
            sent = None
        if sent is None:  # a permission that is missing may come back
            self._put_off(standing, DAY_S)
            return
        metrics.news["told"] += 1
        if memory.standing(standing.id) is None:
            return  # meanwhile again: what was to be forgotten is not remembered
        now_s = self._bot.desk.now_s()
        told = (*standing.told, *marks_of(reply.answer.quotes, day_of(now_s)))[-N_TOLD:]
        memory.told(standing.id, last, now_s + REST_S, told)
        memory.remember(reply.remembered, [sent.id])

    async def _tell(self, standing: Standing, reply: Reply) -> discord.Message | None:
        """The message that tells it; None where the bot may not write there now."""
        bot, words = self._bot, words_for(standing.language)
        card = news_card(reply.answer, reply.remembered.id, standing, words)
        place: Any = bot.get_partial_messageable(standing.channel)
        if not standing.is_direct:
            channel = bot.get_channel(standing.channel)
            allowed = bot.memory.settings(standing.guild).channels
            if allowed and standing.channel not in allowed:
                return None
            if isinstance(channel, discord.TextChannel):
                permissions = permissions_in(channel, channel.guild)
                if not may_send(permissions, channel):
                    return None
                card = card if permissions.embed_links else short_form(card, words)
                place = channel
        # The same number for the same news: told twice after a kill, Discord shows it once.
        news = " ".join([standing.id, *(place.digest for place in reply.remembered.places)])
        nonce = int.from_bytes(hashlib.sha256(news.encode()).digest()[:7])
        return await again(lambda: send_once(place, card, nonce))
