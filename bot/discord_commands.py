"""The commands that everybody may use, and their words in other languages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.desk import Bounds
from bot.markdown import day, plain, stamp, without_tags
from bot.words import languages, words_for
from bot.words.base import Words

if TYPE_CHECKING:
    from bot.discord_bot import Interaction, NewsBot

_ENGLISH = words_for("en").commands
N_SHOWN_SOURCES = 40
N_CHOICES = 25
CHOICE_CHARS = 100


def keyed(key: str) -> locale_str:
    """A command's word, in English, that the translator finds by its key."""
    return locale_str(_ENGLISH[key], key=key)


class Translator(app_commands.Translator):
    """Names and descriptions of commands, from the languages in `bot.words`."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        words = languages().get(locale.value[:2].lower())
        key = string.extras.get("key")
        return None if words is None or key is None or locale.value[:2] == "en" else words.commands.get(str(key))


def _anywhere(command: Any) -> Any:
    """Installed by servers or by people, used in servers and in private."""
    command.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
    command.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
    return command


@app_commands.command(name=keyed("ask.name"), description=keyed("ask.description"))
@app_commands.describe(
    question=keyed("ask.question"),
    since=keyed("ask.since"),
    until=keyed("ask.until"),
    source=keyed("ask.source"),
    private=keyed("ask.private"),
)
async def ask(
    interaction: Interaction,
    question: app_commands.Range[str, 1, 2000],
    since: str | None = None,
    until: str | None = None,
    source: str | None = None,
    private: bool | None = None,
) -> None:
    bot, words = interaction.client, interaction.client.words_of(interaction)
    days: list[date | None] = []
    for text in (since, until):
        try:
            days.append(date.fromisoformat(text.strip()) if text else None)
        except ValueError:
            await bot.whisper(interaction, words.bad_day.format(text=plain(text or "", 60)))
            return
    first, last = days
    if first and last and first > last:
        await bot.whisper(interaction, words.day_order.format(since=first, until=last))
        return
    outlet = bot.desk.outlet(source) if source else None
    if source and outlet is None:
        await bot.whisper(interaction, unknown_outlet(bot, source, words))
        return
    bounds = Bounds(first, last, (outlet,) if outlet else ())
    await bot.answer_interaction(interaction, question, bounds, is_private=private)


def unknown_outlet(bot: NewsBot, name: str, words: Words) -> str:
    """The sentence on an outlet that the corpus does not have, with those that it may have been."""
    near = [plain(one, 60) for one in bot.desk.near_outlets(name, 3)]
    hint = f"{', '.join(near)}?" if near else "`/sources`"
    return words.unknown_source.format(name=plain(name, 60), near=hint)


def only_in(channels: Sequence[int], words: Words) -> str:
    """The sentence on a channel that is not among those of a server's settings."""
    return words.channel_not_allowed.format(channels=", ".join(f"<#{channel}>" for channel in channels[:10]))


@ask.autocomplete("source")
async def outlet_choices(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    names = interaction.client.desk.near_outlets(typed, N_CHOICES)
    return [app_commands.Choice(name=name, value=name) for name in names if len(name) <= CHOICE_CHARS]


async def find_sources(interaction: Interaction, message: discord.Message) -> None:
    """What the corpus says about a message, for whoever asks alone: the message is not theirs, nor is it kept."""
    said = _said_in(message)
    words = interaction.client.words_of(interaction)
    if not any(char.isalnum() for char in said):
        await interaction.client.whisper(interaction, words.nothing_in_message)
        return
    await interaction.client.answer_interaction(interaction, said[:500], is_private=True, is_kept=False)


def _said_in(message: discord.Message) -> str:
    """A message's text, or what its embeds say; of a message that was forwarded where it has none of its own."""
    shown: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots[:1]]
    for one in shown:
        embeds = " ".join(" ".join(filter(None, (embed.title, embed.description))) for embed in one.embeds)
        if said := without_tags(one.content) or without_tags(embeds):
            return said
    return ""


@app_commands.command(name=keyed("status.name"), description=keyed("status.description"))
async def status(interaction: Interaction) -> None:
    bot, words = interaction.client, interaction.client.words_of(interaction)
    async with bot.taken(interaction):
        await interaction.response.defer(thinking=True, ephemeral=True)
        held = await bot.asker.status()
        lines = [
            words.status.format(
                articles=f"{held.n_articles:,}",
                sources=f"{held.n_sources:,}",
                first=day(held.oldest, words.undated),
                last=day(held.newest, words.undated),
                index=f"{plain(held.snapshot)} ({stamp(held.created_s, 'R')})",
                passages=f"{held.n_passages:,}",
            ),
            words.status_queue.format(
                waiting=bot.asker.n_waiting, answered=f"{bot.asker.n_answered:,}", since=stamp(bot.started_s, "R")
            ),
        ]
        await interaction.edit_original_response(content="\n".join(lines))


@app_commands.command(name=keyed("sources.name"), description=keyed("sources.description"))
async def sources(interaction: Interaction) -> None:
    words, names = interaction.client.words_of(interaction), interaction.client.asker.outlets
    lines = [words.sources.format(n=f"{len(names):,}"), *(f"- {plain(name, 40)}" for name in names[:N_SHOWN_SOURCES])]
    if len(names) > N_SHOWN_SOURCES:
        lines.append(words.sources_more.format(n=f"{len(names) - N_SHOWN_SOURCES:,}"))
    await interaction.client.whisper(interaction, "\n".join(lines))


@app_commands.command(name=keyed("privacy.name"), description=keyed("privacy.description"))
async def privacy(interaction: Interaction) -> None:
    days = interaction.client.memory.settings(interaction.guild_id or 0).keep_days
    words = interaction.client.words_of(interaction)
    lines = [words.privacy.format(days=days)]
    if interaction.client.writer is not None:
        lines.append(words.privacy_model)
    await interaction.client.whisper(interaction, "\n".join(lines))


@app_commands.command(name=keyed("forget.name"), description=keyed("forget.description"))
async def forget(interaction: Interaction) -> None:
    done = interaction.client.memory.forget_person(interaction.user.id)
    words: Words = interaction.client.words_of(interaction)
    await interaction.client.whisper(
        interaction,
        words.forgotten.format(
            questions=done.n_questions, standing=done.n_standing, votes=done.n_votes, reports=done.n_reports
        ),
    )


def add_commands(bot: NewsBot) -> None:
    """Put them all into the bot's tree."""
    menu = app_commands.ContextMenu(name=keyed("find.name"), callback=find_sources)
    listed: list[Any] = [ask, status, sources, privacy, forget, menu]
    for command in listed:
        bot.tree.add_command(_anywhere(command))
