"""`/settings`, for members who may manage the server: Discord hides it from others, and it is checked here again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.discord_commands import keyed, unknown_outlet
from bot.markdown import plain
from bot.remembered import GuildSettings
from bot.words import languages
from bot.words.base import Words

if TYPE_CHECKING:
    from bot.discord_bot import Interaction

MAX_SOURCES = 30
# Of one name between its commas.
MAX_PARTS = 4
# Of either list: 20 names of 40 characters and 20 channels leave a third of a message for the rest.
N_SHOWN = 20


def settings_lines(settings: GuildSettings, words: Words) -> str:
    """A server's settings for a person."""
    names = languages()
    return words.settings.format(
        channels=_listed([f"<#{channel}>" for channel in settings.channels]) or words.all_channels,
        sources=_listed([plain(name, 40) for name in settings.sources]) or words.all_sources,
        person=settings.person_cooldown_s,
        server=settings.guild_per_minute,
        private=words.yes if settings.is_private else words.no,
        language=names[settings.language].name if settings.language in names else words.each_reader,
        keep=settings.keep_days,
    )


def _listed(names: Sequence[str]) -> str:
    more = len(names) - N_SHOWN
    return ", ".join(names[:N_SHOWN]) + (f", +{more}" if more > 0 else "")


def _names_in(typed: str, is_outlet: Callable[[str], bool]) -> list[str]:
    """Names that are separated by commas; one that has commas itself is an outlet's, and the longest such one."""
    parts = [part for part in typed.split(",") if part.strip()]
    found: list[str] = []
    while parts and len(found) < MAX_SOURCES:
        several = range(min(len(parts), MAX_PARTS), 1, -1)
        n = next((n for n in several if is_outlet(",".join(parts[:n]))), 1)
        found.append(",".join(parts[:n]).strip())
        del parts[:n]
    return found


class SettingsGroup(app_commands.Group):
    """The settings of one server."""

    def __init__(self) -> None:
        super().__init__(
            name=keyed("settings.name"),
            description=keyed("settings.description"),
            default_permissions=discord.Permissions(manage_guild=True),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False),
        )

    async def interaction_check(self, interaction: Interaction, /) -> bool:  # type: ignore[override]
        return interaction.guild_id is not None and interaction.permissions.manage_guild

    async def _set(self, interaction: Interaction, **values: object) -> None:
        assert interaction.guild_id is not None
        changed = interaction.client.memory.set(interaction.guild_id, **values)
        words = interaction.client.words_of(interaction)  # in the language that may just have been chosen
        await interaction.client.whisper(interaction, f"{words.settings_saved}\n{settings_lines(changed, words)}")

    @app_commands.command(name=keyed("settings.show.name"), description=keyed("settings.show.description"))
    async def show(self, interaction: Interaction) -> None:
        settings = interaction.client.memory.settings(interaction.guild_id or 0)
        await interaction.client.whisper(
            interaction, settings_lines(settings, interaction.client.words_of(interaction))
        )

    @app_commands.command(name=keyed("settings.channel.name"), description=keyed("settings.channel.description"))
    @app_commands.describe(channel=keyed("settings.channel.option"), allowed=keyed("settings.channel.allowed"))
    async def channel(
        self, interaction: Interaction, channel: discord.TextChannel | None = None, allowed: bool = True
    ) -> None:
        if channel is None and not allowed:
            client = interaction.client
            await client.whisper(interaction, client.words_of(interaction).no_channel)
            return
        if channel is None:
            await self._set(interaction, channels=())
            return
        before = interaction.client.memory.settings(interaction.guild_id or 0).channels
        others = tuple(number for number in before if number != channel.id)
        if not allowed and not others:  # none would mean all, this one among them
            client = interaction.client
            await client.whisper(interaction, client.words_of(interaction).last_channel)
            return
        await self._set(interaction, channels=(*others, channel.id) if allowed else others)

    @app_commands.command(name=keyed("settings.sources.name"), description=keyed("settings.sources.description"))
    @app_commands.describe(names=keyed("settings.sources.option"))
    async def sources(self, interaction: Interaction, names: str | None = None) -> None:
        desk, words = interaction.client.desk, interaction.client.words_of(interaction)
        found = []
        for name in _names_in(names or "", lambda one: desk.outlet(one) is not None):
            outlet = desk.outlet(name)
            if outlet is None:
                await interaction.client.whisper(interaction, unknown_outlet(interaction.client, name, words))
                return
            found.append(outlet)
        await self._set(interaction, sources=tuple(dict.fromkeys(found)))

    @app_commands.command(name=keyed("settings.cooldown.name"), description=keyed("settings.cooldown.description"))
    @app_commands.describe(person=keyed("settings.cooldown.person"), server=keyed("settings.cooldown.server"))
    async def cooldown(
        self,
        interaction: Interaction,
        person: app_commands.Range[int, 0, 3600],
        server: app_commands.Range[int, 0, 1000],
    ) -> None:
        await self._set(interaction, person_cooldown_s=person, guild_per_minute=server)

    @app_commands.command(name=keyed("settings.private.name"), description=keyed("settings.private.description"))
    @app_commands.describe(private=keyed("settings.private.option"))
    async def private(self, interaction: Interaction, private: bool) -> None:
        await self._set(interaction, is_private=private)

    @app_commands.command(name=keyed("settings.language.name"), description=keyed("settings.language.description"))
    @app_commands.describe(language=keyed("settings.language.option"))
    @app_commands.choices(
        language=[app_commands.Choice(name=words.name, value=code) for code, words in languages().items()]
    )
    async def language(self, interaction: Interaction, language: str | None = None) -> None:
        await self._set(interaction, language=language or "")

    @app_commands.command(name=keyed("settings.keep.name"), description=keyed("settings.keep.description"))
    @app_commands.describe(days=keyed("settings.keep.option"))
    async def keep(self, interaction: Interaction, days: app_commands.Range[int, 1, 3650]) -> None:
        await self._set(interaction, keep_days=days)
