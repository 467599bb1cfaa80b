"""All that exists on the stand-in, and the steps that change it. Each step publishes a change and sends its events.

Knows no HTTP and no websocket: events go to whatever `emit` is. Permissions are checked by those who call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.standin import payloads
from bot.standin.entities import Channel, Guild, Interaction, Message, User, walk
from bot.standin.hub import Change, Hub
from bot.standin.mentions import pings
from bot.standin.rules import message_text
from bot.standin.wire import (
    COMPONENTS_V2,
    DEFAULT,
    DIRECT_MESSAGE_REACTIONS,
    DIRECT_MESSAGES,
    DM,
    GUILD_MESSAGE_REACTIONS,
    GUILD_MESSAGES,
    GUILDS,
    HAS_THREAD,
    LOADING,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    REPLY,
    SUPPRESS_EMBEDS,
    TEXT,
    THREAD_CREATED,
    THREAD_STARTER,
    USUAL_PERMISSIONS,
    Ids,
    Json,
)


@dataclass(frozen=True, slots=True)
class Event:
    """A gateway event before it is known who gets it.

    Attributes:
        name: Discord's name for it.
        needs: Intents of which a session must have one; 0 for an event that everyone gets.
        guild: Decides the shard; None for shard 0.
        payload: The event's body for a session's intents; asked for at once, while it is true.
    """

    name: str
    needs: int
    guild: Guild | None
    payload: Callable[[int], Json]


class World:
    """The state of one Discord with one bot in it."""

    def __init__(self, clock: Callable[[], float], bot_name: str) -> None:
        self.clock = clock
        self.ids = Ids(clock)
        self.hub = Hub()
        self.emit: Callable[[Event], None] = lambda event: None
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.interactions: dict[str, Interaction] = {}
        # Registered commands by server; None holds those that are known everywhere.
        self.commands: dict[int | None, list[Json]] = {}
        # The application's id is the bot's, as for every application made since 2016.
        self.bot = self.add_user(bot_name, bot=True)

    # People and places ------------------------------------------------------------------------------------

    def add_user(
        self,
        name: str,
        *,
        bot: bool = False,
        webhook: bool = False,
        locale: str = "en-US",
        manages: tuple[Guild, ...] = (),
    ) -> User:
        """A new user, a member of every server."""
        user = User(self.ids.next(), name, bot, webhook, locale, {guild.id for guild in manages})
        self.users[user.id] = user
        return user

    def add_guild(
        self, name: str, *, owner: User | None = None, locale: str = "en-US", bot_is_member: bool = True
    ) -> Guild:
        """A new server; without an owner a new user owns it."""
        owner = owner or self.add_user(f"Owner of {name}")
        guild = Guild(self.ids.next(), name, owner, locale, bot_is_member)
        guild.roles[guild.id] = "@everyone"
        self.guilds[guild.id] = guild
        if bot_is_member:
            self.emit(Event("GUILD_CREATE", GUILDS, guild, lambda _: self.guild_payload(guild)))
        return guild

    def add_channel(self, guild: Guild, name: str, permissions: frozenset[str] = USUAL_PERMISSIONS) -> Channel:
        """A new text channel in which the bot holds these permissions."""
        may = set(permissions) if guild.bot_is_member else {"view_channel", "use_application_commands"} & permissions
        channel = Channel(self.ids.next(), name, TEXT, guild, may=may)
        guild.channels.append(channel)
        self.channels[channel.id] = channel
        self._channel_event("CHANNEL_CREATE", channel)
        return channel

    def add_role(self, guild: Guild, name: str) -> int:
        """A new role that can be mentioned; its id."""
        role = self.ids.next()
        guild.roles[role] = name
        payload = {"guild_id": str(guild.id), "role": payloads.role_payload(role, name)}
        self.emit(Event("GUILD_ROLE_CREATE", GUILDS, guild, lambda _: payload))
        return role

    def set_permissions(self, channel: Channel, names: set[str]) -> None:
        """Changes what the bot may do in a channel."""
        channel.may = names
        self._channel_event("CHANNEL_UPDATE", channel)

    def direct(self, user: User) -> Channel:
        """The channel between a person and the bot, made where there is none."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.ids.next(), user.name, DM, recipient=user, may=set(USUAL_PERMISSIONS))
        self.channels[channel.id] = channel
        return channel

    def guild_payload(self, guild: Guild) -> Json:
        """A server as GUILD_CREATE carries it."""
        threads = [one for one in self.channels.values() if one.guild is guild and one.is_thread and not one.archived]
        return payloads.guild_payload(guild, self.bot, threads)

    # Messages ---------------------------------------------------------------------------------------------

    def post(
        self,
        channel: Channel,
        author: User,
        body: Json,
        *,
        kind: int = DEFAULT,
        flags: int = 0,
        reply_to: Message | None = None,
        interaction: Interaction | None = None,
        visible_to: User | None = None,
    ) -> Message:
        """A new message. The body has been checked; its flags count beside `flags`."""
        message = Message(
            self.ids.next(),
            channel,
            author,
            flags=flags | (int(body.get("flags") or 0) & (SUPPRESS_EMBEDS | COMPONENTS_V2)),
            type=REPLY if reply_to is not None else kind,
            reference=None if reply_to is None else reply_to.id,
            interaction=interaction,
            visible_to=visible_to,
            nonce=body.get("nonce"),
        )
        self._fill(message, body, reply_to)
        if channel.is_thread:
            channel.archived = False
            channel.members.add(author.id)
        channel.messages[message.id] = message
        self._message_event("MESSAGE_CREATE", message)
        self.hub.publish(Change("message", channel, message, interaction, author))
        return message

    def edit(self, message: Message, changes: Json) -> None:
        """Changes what a message says; keys that are absent stay as they are."""
        was_loading = message.is_loading
        if "flags" in changes:
            kept = message.flags & ~(SUPPRESS_EMBEDS | LOADING)
            message.flags = kept | (int(changes["flags"] or 0) & (SUPPRESS_EMBEDS | COMPONENTS_V2))
        message.flags &= ~LOADING
        body: Json = {
            "content": message.content,
            "embeds": message.embeds,
            "components": message.components,
            **{key: changes[key] for key in ("content", "embeds", "components") if key in changes},
            "allowed_mentions": changes.get("allowed_mentions"),
        }
        self._fill(message, body, message.channel.messages.get(message.reference or 0))
        # The first words of a deferred answer are no edit.
        message.edited_at = message.edited_at if was_loading else self.clock()
        self._message_event("MESSAGE_UPDATE", message)
        self.hub.publish(Change("message_edited", message.channel, message, message.interaction, message.author))

    def remove(self, message: Message) -> None:
        """Deletes a message."""
        message.deleted = True
        message.channel.messages.pop(message.id, None)
        gone = {"id": str(message.id), "channel_id": str(message.channel.id), **_guild_id(message.channel.guild)}
        if not message.is_ephemeral:
            needs = DIRECT_MESSAGES if message.channel.is_dm else GUILD_MESSAGES
            self._emit_in(message.channel, "MESSAGE_DELETE", needs, lambda _: gone)
        self.hub.publish(Change("message_deleted", message.channel, message, message.interaction, message.author))

    def _fill(self, message: Message, body: Json, reply_to: Message | None) -> None:
        guild = message.channel.guild
        message.content = (body.get("content") or "").strip()
        message.embeds = [{"type": "rich", **embed} for embed in body.get("embeds") or []]
        message.components = numbered(body.get("components") or [])
        message.versions.append(message.text)
        # A reply notifies the author of a regular message; an answer to an interaction has no one to notify.
        replied = None if reply_to is None or reply_to.interaction is not None else reply_to.author.id
        may_everyone = message.author is not self.bot or "mention_everyone" in message.channel.permissions
        message.pings = pings(
            message_text(body),
            body.get("allowed_mentions"),
            users=self.users,
            roles=guild.roles if guild else (),
            replied=replied,
            may_everyone=may_everyone,
        )
        message.mentioned = [self.users[user] for user in sorted(message.pings.users)]

    def react(self, message: Message, user: User, emoji: str, *, add: bool) -> None:
        """Adds or takes back one reaction."""
        users = message.reactions.setdefault(emoji, set())
        if (user.id in users) == add:
            return
        (users.add if add else users.discard)(user.id)
        name, _, emoji_id = emoji.partition(":")
        payload: Json = {
            "user_id": str(user.id),
            "channel_id": str(message.channel.id),
            "message_id": str(message.id),
            "emoji": {"id": emoji_id or None, "name": name},
            "burst": False,
            "type": 0,
            **_guild_id(message.channel.guild),
        }
        if add and message.channel.guild is not None:
            payload["member"] = payloads.member_payload(user, message.channel.guild)
        needs = DIRECT_MESSAGE_REACTIONS if message.channel.is_dm else GUILD_MESSAGE_REACTIONS
        event = f"MESSAGE_REACTION_{'ADD' if add else 'REMOVE'}"
        self._emit_in(message.channel, event, needs, lambda _: payload)
        self.hub.publish(Change("reaction", message.channel, message, user=user, note=emoji))

    def show_typing(self, channel: Channel, user: User) -> None:
        """Someone types."""
        if user is self.bot:
            channel.typing_at = self.clock()
        self.hub.publish(Change("typing", channel, user=user))

    # Threads ----------------------------------------------------------------------------------------------

    def start_thread(
        self,
        parent: Channel,
        owner: User,
        name: str,
        *,
        message: Message | None = None,
        private: bool = False,
        minutes: int = 1440,
    ) -> Channel:
        """A new thread, under a message or by itself."""
        kind = PRIVATE_THREAD if private else PUBLIC_THREAD
        thread = Channel(
            self.ids.next() if message is None else message.id,
            name,
            kind,
            parent.guild,
            parent,
            owner=owner,
            members={owner.id, self.bot.id},
            auto_archive_minutes=minutes,
        )
        self.channels[thread.id] = thread
        self._channel_event("THREAD_CREATE", thread)
        if message is not None:
            message.thread = thread
            message.flags |= HAS_THREAD
            self._message_event("MESSAGE_UPDATE", message)
            self.hub.publish(Change("message_edited", parent, message))
            self.post(thread, owner, {}, kind=THREAD_STARTER)
        elif not private:
            self.post(parent, owner, {"content": name}, kind=THREAD_CREATED)
        return thread

    def change_thread(self, thread: Channel, changes: Json) -> None:
        """Renames, archives or locks a thread."""
        thread.name = changes.get("name", thread.name)
        thread.archived = changes.get("archived", thread.archived)
        thread.locked = changes.get("locked", thread.locked)
        thread.auto_archive_minutes = changes.get("auto_archive_duration", thread.auto_archive_minutes)
        self._channel_event("THREAD_UPDATE", thread)

    def remove_channel(self, channel: Channel) -> None:
        """Deletes a channel or a thread with all that is in it."""
        channel.deleted = True
        del self.channels[channel.id]
        for thread in [one for one in self.channels.values() if one.parent is channel]:
            self.remove_channel(thread)
        self._channel_event("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)
        if channel.guild is not None and channel in channel.guild.channels:
            channel.guild.channels.remove(channel)

    # Interactions -----------------------------------------------------------------------------------------

    def interact(
        self,
        kind: int,
        user: User,
        channel: Channel,
        payload: Json,
        *,
        message: Message | None = None,
        name: str = "",
        command_type: int = 0,
    ) -> Interaction:
        """A person does something that the bot must respond to."""
        interaction = Interaction(
            self.ids.next(),
            secrets.token_urlsafe(48),
            kind,
            user,
            channel,
            payload,
            self.clock(),
            self.hub,
            self.clock,
            message,
            name,
            command_type,
        )
        self.interactions[interaction.token] = interaction
        body = payloads.interaction_payload(interaction, self.bot)
        guild = channel.guild if channel.guild is not None and channel.guild.bot_is_member else None
        self.emit(Event("INTERACTION_CREATE", 0, guild, lambda _: body))
        self.hub.publish(Change("interaction", channel, message, interaction, user, "asked"))
        return interaction

    # Events -----------------------------------------------------------------------------------------------

    def _message_event(self, name: str, message: Message) -> None:
        if message.is_ephemeral:
            return
        needs = DIRECT_MESSAGES if message.channel.is_dm else GUILD_MESSAGES
        self._emit_in(message.channel, name, needs, lambda intents: payloads.event_payload(message, self.bot, intents))

    def _channel_event(self, name: str, channel: Channel) -> None:
        body = payloads.channel_payload(channel, self.bot)
        if name == "THREAD_CREATE":
            body["newly_created"] = True
        self._emit_in(channel, name, GUILDS, lambda _: body)
        self.hub.publish(Change("channel", channel, note=name.lower()))

    def _emit_in(self, channel: Channel, name: str, needs: int, payload: Callable[[int], Json]) -> None:
        """Sends an event of a channel that the bot sees."""
        guild = channel.guild
        if guild is not None and not guild.bot_is_member:
            return
        if "view_channel" in channel.permissions or name.startswith("CHANNEL_"):
            self.emit(Event(name, needs, guild, payload))


def numbered(components: list[Json]) -> list[Json]:
    """Components as Discord gives them back: each with a number, those that were sent kept."""
    taken = {one["id"] for one in walk(components) if one.get("id")}
    free = (number for number in range(1, 10_000) if number not in taken)

    def with_id(component: Json) -> Json:
        filled = {**component, "id": component.get("id") or next(free)}
        if "components" in component:
            filled["components"] = [with_id(child) for child in component["components"]]
        for key in ("accessory", "component"):
            if component.get(key):
                filled[key] = with_id(component[key])
        return filled

    return [with_id(component) for component in components]


def _guild_id(guild: Guild | None) -> Json:
    return {} if guild is None else {"guild_id": str(guild.id)}
