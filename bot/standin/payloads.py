"""The state as Discord's JSON. Pure: entities in, payloads out."""

from __future__ import annotations

from collections.abc import Iterable

from bot.standin.entities import Channel, Guild, Interaction, Message, User
from bot.standin.wire import MESSAGE_CONTENT, PERMISSIONS, USUAL_PERMISSIONS, Json, bits, iso, time_of

ALL_PERMISSIONS = bits(PERMISSIONS)
JOINED = "2026-01-01T00:00:00+00:00"


def user_payload(user: User) -> Json:
    """A user as anyone sees it."""
    return {
        "id": str(user.id),
        "username": user.name.lower().replace(" ", "_"),
        "global_name": None if user.bot or user.webhook else user.name,
        "discriminator": "0000",
        "avatar": None,
        "bot": user.bot or user.webhook,
        "public_flags": 0,
    }


def member_payload(user: User, guild: Guild, *, within: bool = False) -> Json:
    """A user as a member of a server; with the user and its permissions where `within` is false."""
    member: Json = {
        "roles": [],
        "nick": None,
        "avatar": None,
        "joined_at": JOINED,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    if within:
        return member
    return {**member, "user": user_payload(user), "permissions": str(member_permissions(user, guild))}


def member_permissions(user: User, guild: Guild) -> int:
    """What a person may do in a server, as a bit set."""
    if user is guild.owner:
        return ALL_PERMISSIONS
    manager = {"manage_guild", "manage_messages", "manage_threads"} if guild.id in user.manages else set()
    return bits(USUAL_PERMISSIONS | {"mention_everyone"} | manager)


def role_payload(role_id: int, name: str) -> Json:
    """A role; everyone's carries the usual permissions, others none."""
    return {
        "id": str(role_id),
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": 0,
        "permissions": str(bits(USUAL_PERMISSIONS) if name == "@everyone" else 0),
        "managed": False,
        "mentionable": True,
        "flags": 0,
    }


def guild_payload(guild: Guild, bot: User, threads: Iterable[Channel]) -> Json:
    """A server as GUILD_CREATE carries it: with the bot as its one named member."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "owner_id": str(guild.owner.id),
        "preferred_locale": guild.locale,
        "roles": [role_payload(role, name) for role, name in guild.roles.items()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "nsfw_level": 0,
        "mfa_level": 0,
        "afk_timeout": 300,
        "premium_tier": 0,
        "system_channel_flags": 0,
        "joined_at": JOINED,
        "large": False,
        "unavailable": False,
        "member_count": 3,
        "members": [member_payload(bot, guild)],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "channels": [
            channel_payload(channel, bot) for channel in guild.channels if "view_channel" in channel.permissions
        ],
        "threads": [channel_payload(thread, bot) for thread in threads],
    }


def channel_payload(channel: Channel, bot: User) -> Json:
    """A channel, a thread, or a direct message channel."""
    last = str(max(channel.messages)) if channel.messages else None
    common: Json = {"id": str(channel.id), "type": channel.type, "last_message_id": last, "flags": 0}
    if channel.recipient is not None:
        return {**common, "recipients": [user_payload(channel.recipient)]}
    assert channel.guild is not None
    common |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0}
    if channel.parent is None:
        allow = bits(channel.may)
        return {
            **common,
            "position": channel.guild.channels.index(channel) if channel in channel.guild.channels else 0,
            "parent_id": None,
            "topic": None,
            "nsfw": False,
            "permission_overwrites": [
                {"id": str(bot.id), "type": 1, "allow": str(allow), "deny": str(ALL_PERMISSIONS & ~allow)}
            ],
        }
    owner = channel.owner or bot
    return {
        **common,
        "parent_id": str(channel.parent.id),
        "owner_id": str(owner.id),
        "message_count": len(channel.messages),
        "member_count": len(channel.members),
        "total_message_sent": len(channel.messages),
        "thread_metadata": {
            "archived": channel.archived,
            "auto_archive_duration": channel.auto_archive_minutes,
            "archive_timestamp": time_of(channel.id),
            "locked": channel.locked,
            "create_timestamp": time_of(channel.id),
        },
    }


def message_payload(message: Message, bot: User, *, reveal: bool = True, nested: bool = False) -> Json:
    """A message.

    Args:
        message: As it stands.
        bot: The bot that reads it.
        reveal: Whether its content is shown; without the right to it Discord empties these fields.
        nested: Whether it stands inside another one, where it carries no referenced message.
    """
    channel = message.channel
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(channel.id),
        "type": message.type,
        "author": user_payload(message.author),
        "content": message.content if reveal else "",
        "embeds": message.embeds if reveal else [],
        "components": message.components if reveal else [],
        "attachments": [],
        "timestamp": time_of(message.id),
        "edited_timestamp": None if message.edited_at is None else iso(message.edited_at),
        "tts": False,
        "mention_everyone": message.pings.everyone,
        "mentions": [user_payload(user) for user in message.mentioned],
        "mention_roles": [str(role) for role in message.pings.roles],
        "pinned": False,
        "flags": message.flags,
        "reactions": [_reaction(emoji, users, bot) for emoji, users in message.reactions.items() if users],
    }
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.author.webhook:
        payload["webhook_id"] = str(message.author.id)
    if message.interaction is not None:
        payload |= {
            "webhook_id": str(bot.id),
            "application_id": str(bot.id),
            "interaction_metadata": _metadata(message.interaction),
        }
    if message.thread is not None:
        payload["thread"] = channel_payload(message.thread, bot)
    if message.reference is not None:
        where = {"message_id": str(message.reference), "channel_id": str(channel.id), "type": 0}
        payload["message_reference"] = where | ({"guild_id": str(channel.guild.id)} if channel.guild else {})
        if not nested:
            target = channel.messages.get(message.reference)
            payload["referenced_message"] = (
                None
                if target is None
                else message_payload(target, bot, reveal=reveals(target, bot, intents=0), nested=True)
            )
    return payload


def event_payload(message: Message, bot: User, intents: int) -> Json:
    """A message as a gateway event carries it to a session with these intents."""
    payload = message_payload(message, bot, reveal=reveals(message, bot, intents))
    guild = message.channel.guild
    if guild is not None:
        payload["guild_id"] = str(guild.id)
        if not message.author.webhook:
            payload["member"] = member_payload(message.author, guild, within=True)
        for user, entry in zip(message.mentioned, payload["mentions"], strict=True):
            entry["member"] = member_payload(user, guild, within=True)
    return payload


def reveals(message: Message, bot: User, intents: int) -> bool:
    """Whether the bot may read a message: its own, a direct one, one that notifies it, or all with the intent."""
    return bool(
        message.author is bot or message.channel.is_dm or bot.id in message.pings.users or intents & MESSAGE_CONTENT
    )


def interaction_payload(interaction: Interaction, bot: User) -> Json:
    """An interaction as INTERACTION_CREATE carries it."""
    channel, user, guild = interaction.channel, interaction.user, interaction.channel.guild
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(bot.id),
        "type": interaction.type,
        "token": interaction.token,
        "version": 1,
        "data": interaction.payload,
        "channel_id": str(channel.id),
        "channel": channel_payload(channel, bot),
        "locale": user.locale,
        "app_permissions": str(bits(channel.permissions)),
        "attachment_size_limit": 10_485_760,
        "entitlements": [],
        "authorizing_integration_owners": {"0": "0", "1": str(user.id)},
        "context": 1,
    }
    if guild is None:
        payload["user"] = user_payload(user)
    else:
        payload |= {
            "guild_id": str(guild.id),
            "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
            "guild_locale": guild.locale,
            "member": member_payload(user, guild),
            "context": 0,
            "authorizing_integration_owners": {"0": str(guild.id)} if guild.bot_is_member else {"1": str(user.id)},
        }
    if interaction.message is not None:
        payload["message"] = message_payload(interaction.message, bot)
    return payload


def _metadata(interaction: Interaction) -> Json:
    return {
        "id": str(interaction.id),
        "type": interaction.type,
        "user": user_payload(interaction.user),
        "authorizing_integration_owners": {},
    }


def _reaction(emoji: str, users: set[int], bot: User) -> Json:
    name, _, emoji_id = emoji.partition(":")
    return {
        "emoji": {"id": emoji_id or None, "name": name},
        "count": len(users),
        "count_details": {"normal": len(users), "burst": 0},
        "me": bot.id in users,
        "me_burst": False,
        "burst_colors": [],
    }
