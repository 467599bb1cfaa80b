"""REST: one handler a route, with the checks Discord makes. interactions.py holds the routes of interactions.

A handler takes a `Call` and gives the answer's body, or None for 204. server.py does what all routes share:
authorisation, rate limits, faults, the record of requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.standin import payloads
from bot.standin.commands import check_commands
from bot.standin.entities import Channel, Guild, Message, User
from bot.standin.rules import check_message, check_thread, empty_message
from bot.standin.wire import COMPONENTS_V2, ApiError, Json, invalid, missing_access, missing_permissions, unknown
from bot.standin.world import World

Answer = Json | list[Json] | None


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read.

    Attributes:
        ids: Values of the names in the route.
        query: Of the address.
        body: The JSON sent; {} for none.
    """

    ids: dict[str, str]
    query: dict[str, str]
    body: Json | list[Json]

    def id(self, name: str) -> int:
        """A snowflake of the route.

        Raises:
            ApiError: 400 where it is none.
        """
        value = self.ids[name]
        if not value.isdigit():
            raise invalid((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
        return int(value)

    @property
    def fields(self) -> Json:
        """The body as an object.

        Raises:
            ApiError: 400 where it is a list.
        """
        if isinstance(self.body, dict):
            return self.body
        raise ApiError(400, 50109, "The request body contains invalid JSON.")


Handler = Callable[[Call], Awaitable[Answer]]


class Rest:
    """Handlers for everything but interactions."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Method, route, handler; in the order in which they are to be tried."""
        return [
            ("GET", "/users/@me", self.me),
            ("POST", "/users/@me/channels", self.open_direct),
            ("GET", "/users/{user_id}", self.user),
            ("GET", "/oauth2/applications/@me", self.application),
            ("GET", "/applications/@me", self.application),
            ("GET", "/applications/{application_id}/commands", self.commands),
            ("PUT", "/applications/{application_id}/commands", self.set_commands),
            ("GET", "/applications/{application_id}/guilds/{guild_id}/commands", self.commands),
            ("PUT", "/applications/{application_id}/guilds/{guild_id}/commands", self.set_commands),
            ("GET", "/guilds/{guild_id}", self.guild),
            ("GET", "/guilds/{guild_id}/channels", self.guild_channels),
            ("GET", "/guilds/{guild_id}/members/{user_id}", self.member),
            ("GET", "/channels/{channel_id}", self.channel),
            ("PATCH", "/channels/{channel_id}", self.change_channel),
            ("DELETE", "/channels/{channel_id}", self.delete_channel),
            ("POST", "/channels/{channel_id}/typing", self.typing),
            ("GET", "/channels/{channel_id}/messages", self.messages),
            ("POST", "/channels/{channel_id}/messages", self.send),
            ("GET", "/channels/{channel_id}/messages/{message_id}", self.message),
            ("PATCH", "/channels/{channel_id}/messages/{message_id}", self.edit),
            ("DELETE", "/channels/{channel_id}/messages/{message_id}", self.delete),
            ("POST", "/channels/{channel_id}/messages/{message_id}/threads", self.thread_from_message),
            ("POST", "/channels/{channel_id}/threads", self.thread),
            ("PUT", "/channels/{channel_id}/thread-members/@me", self.join_thread),
            ("PUT", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", self.react),
            ("DELETE", "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me", self.unreact),
        ]

    # The application and its commands -----------------------------------------------------------------------

    async def me(self, call: Call) -> Answer:
        """The bot's own user."""
        return {
            **payloads.user_payload(self._world.bot),
            "verified": True,
            "mfa_enabled": True,
            "flags": 0,
            "locale": "en-US",
        }

    async def user(self, call: Call) -> Answer:
        """Any user."""
        return payloads.user_payload(self._user(call.id("user_id")))

    async def application(self, call: Call) -> Answer:
        """The bot's application."""
        bot = self._world.bot
        return {
            "id": str(bot.id),
            "name": bot.name,
            "icon": None,
            "description": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": payloads.user_payload(next(iter(self._world.users.values()))),
            "team": None,
            "verify_key": "0" * 64,
            "flags": 0,
            "approximate_guild_count": sum(guild.bot_is_member for guild in self._world.guilds.values()),
            "approximate_user_install_count": 0,
        }

    def _command_scope(self, call: Call) -> int | None:
        if call.id("application_id") != self._world.bot.id:
            raise ApiError(403, 20012, "You are not authorized to perform this action on this application")
        return self._guild(call.id("guild_id")).id if "guild_id" in call.ids else None

    async def commands(self, call: Call) -> Answer:
        """Registered commands, everywhere or of one server."""
        return self._world.commands.get(self._command_scope(call), [])

    async def set_commands(self, call: Call) -> Answer:
        """Replaces all commands; one that keeps its name and type keeps its id."""
        scope = self._command_scope(call)
        if not isinstance(call.body, list):
            raise ApiError(400, 50109, "The request body contains invalid JSON.")
        check_commands(call.body)
        old = {(one["type"], one["name"]): one["id"] for one in self._world.commands.get(scope, [])}
        self._world.commands[scope] = [self._command(command, scope, old) for command in call.body]
        return self._world.commands[scope]

    def _command(self, command: Json, scope: int | None, old: dict[tuple[int, str], str]) -> Json:
        kind = command.get("type") or 1
        permissions = command.get("default_member_permissions")
        return {
            "description": "",
            "options": [],
            "nsfw": False,
            "dm_permission": True,
            "contexts": None,
            "integration_types": [0],
            **command,
            "default_member_permissions": None if permissions is None else str(permissions),
            "id": old.get((kind, command["name"])) or str(self._world.ids.next()),
            "application_id": str(self._world.bot.id),
            "version": str(self._world.ids.next()),
            "type": kind,
            **({} if scope is None else {"guild_id": str(scope)}),
        }

    # Servers and channels -----------------------------------------------------------------------------------

    async def guild(self, call: Call) -> Answer:
        """A server the bot is in."""
        return self._world.guild_payload(self._guild(call.id("guild_id")))

    async def guild_channels(self, call: Call) -> Answer:
        """Its channels, without threads."""
        guild = self._guild(call.id("guild_id"))
        return [payloads.channel_payload(channel, self._world.bot) for channel in guild.channels]

    async def member(self, call: Call) -> Answer:
        """A user as a member; every user is a member of every server here."""
        guild = self._guild(call.id("guild_id"))
        return payloads.member_payload(self._user(call.id("user_id")), guild)

    async def channel(self, call: Call) -> Answer:
        """A channel or a thread."""
        return payloads.channel_payload(self._channel(call), self._world.bot)

    async def change_channel(self, call: Call) -> Answer:
        """Renames, archives or locks a thread."""
        thread = self._channel(call)
        if not thread.is_thread:
            raise missing_permissions()
        owned = thread.owner is self._world.bot and not call.fields.get("locked") and not thread.locked
        if not owned and "manage_threads" not in thread.permissions:
            raise missing_permissions()
        check_thread({"name": thread.name, **call.fields})
        self._world.change_thread(thread, call.fields)
        return payloads.channel_payload(thread, self._world.bot)

    async def delete_channel(self, call: Call) -> Answer:
        """Deletes a thread."""
        thread = self._channel(call)
        if not thread.is_thread:
            raise missing_permissions()
        self._require(thread, "manage_threads")
        self._world.remove_channel(thread)
        return payloads.channel_payload(thread, self._world.bot)

    async def open_direct(self, call: Call) -> Answer:
        """The channel between a person and the bot."""
        user = self._user(int(call.fields["recipient_id"]))
        if user.bot or user.webhook:
            raise ApiError(400, 50007, "Cannot send messages to this user")
        return payloads.channel_payload(self._world.direct(user), self._world.bot)

    async def typing(self, call: Call) -> Answer:
        """Shows that the bot types."""
        channel = self._channel(call)
        self._require_sending(channel)
        self._world.show_typing(channel, self._world.bot)
        return None

    # Messages -----------------------------------------------------------------------------------------------

    async def messages(self, call: Call) -> Answer:
        """Messages of a channel, newest first; none without the permission to read the history."""
        channel = self._channel(call)
        if "read_message_history" not in channel.permissions:
            return []
        limit = int(call.query.get("limit", "50"))
        if not 1 <= limit <= 100:
            raise invalid(("limit",), "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
        found = [message for message in channel.messages.values() if not message.is_ephemeral]
        if "after" in call.query:
            found = [one for one in found if one.id > int(call.query["after"])][:limit]
        elif "around" in call.query:
            middle = int(call.query["around"])
            before = [one for one in found if one.id < middle][-(limit // 2) :]
            found = before + [one for one in found if one.id >= middle][: limit - len(before)]
        elif "before" in call.query:
            found = [one for one in found if one.id < int(call.query["before"])]
        return [self._shown(message) for message in reversed(found[-limit:])]

    async def send(self, call: Call) -> Answer:
        """A new message; with `enforce_nonce` the same nonce gives the message that was sent first."""
        channel, body = self._channel(call), call.fields
        self._require_sending(channel)
        if body.get("embeds"):
            self._require(channel, "embed_links")
        check_message(body)
        nonce = body.get("nonce")
        if nonce is not None and body.get("enforce_nonce"):
            for earlier in channel.messages.values():
                if earlier.author is self._world.bot and str(earlier.nonce) == str(nonce):
                    return self._shown(earlier)
        message = self._world.post(channel, self._world.bot, body, reply_to=self._replied(channel, body))
        return self._shown(message)

    def _replied(self, channel: Channel, body: Json) -> Message | None:
        reference = body.get("message_reference")
        if not reference:
            return None
        if "read_message_history" not in channel.permissions:
            raise ApiError(403, 160002, "Cannot reply without permission to read message history")
        if int(reference.get("channel_id") or channel.id) != channel.id:
            raise invalid(("message_reference",), "MESSAGE_REFERENCE_CHANNEL_ID_MISMATCH", "Channel id mismatch")
        target = channel.messages.get(int(reference["message_id"]))
        if (target is None or target.is_ephemeral) and reference.get("fail_if_not_exists", True):
            raise invalid(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return target

    async def message(self, call: Call) -> Answer:
        """One message."""
        channel = self._channel(call)
        self._require(channel, "read_message_history")
        return self._shown(self._message(call, channel))

    async def edit(self, call: Call) -> Answer:
        """Changes one of the bot's own messages."""
        channel = self._channel(call)
        message, body = self._message(call, channel), call.fields
        if message.author is not self._world.bot:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        if channel.archived:
            raise ApiError(400, 50083, "Thread is archived")
        edit_message(self._world, message, body)
        return self._shown(message)

    async def delete(self, call: Call) -> Answer:
        """Deletes a message: the bot's own, or with the permission anyone's."""
        channel = self._channel(call)
        message = self._message(call, channel)
        if message.author is not self._world.bot:
            self._require(channel, "manage_messages")
        self._world.remove(message)
        return None

    async def react(self, call: Call) -> Answer:
        """Adds the bot's reaction."""
        channel = self._channel(call)
        message = self._message(call, channel)
        self._require(channel, "read_message_history")
        if call.ids["emoji_name"] not in message.reactions:
            self._require(channel, "add_reactions")
        self._world.react(message, self._world.bot, call.ids["emoji_name"], add=True)
        return None

    async def unreact(self, call: Call) -> Answer:
        """Takes the bot's reaction back."""
        message = self._message(call, self._channel(call))
        self._world.react(message, self._world.bot, call.ids["emoji_name"], add=False)
        return None

    # Threads ------------------------------------------------------------------------------------------------

    async def thread_from_message(self, call: Call) -> Answer:
        """A public thread under a message."""
        parent = self._thread_parent(call)
        message = self._message(call, parent)
        self._require(parent, "create_public_threads")
        if message.thread is not None:
            raise ApiError(400, 160004, "A thread has already been created for this message")
        return self._started(parent, call.fields, message, private=False)

    async def thread(self, call: Call) -> Answer:
        """A thread by itself; private where no type is given."""
        parent = self._thread_parent(call)
        private = call.fields.get("type", 12) == 12
        self._require(parent, "create_private_threads" if private else "create_public_threads")
        return self._started(parent, call.fields, None, private=private)

    def _thread_parent(self, call: Call) -> Channel:
        parent = self._channel(call)
        if parent.is_thread or parent.is_dm:
            raise ApiError(400, 50024, "Cannot execute action on this channel type")
        return parent

    def _started(self, parent: Channel, body: Json, message: Message | None, *, private: bool) -> Json:
        check_thread(body)
        minutes = body.get("auto_archive_duration") or 1440
        name = body["name"].strip()
        thread = self._world.start_thread(
            parent, self._world.bot, name, message=message, private=private, minutes=minutes
        )
        return payloads.channel_payload(thread, self._world.bot)

    async def join_thread(self, call: Call) -> Answer:
        """The bot joins a thread."""
        self._channel(call).members.add(self._world.bot.id)
        return None

    # Looking things up --------------------------------------------------------------------------------------

    def _shown(self, message: Message) -> Json:
        # REST hides content by the same rule as the gateway; the application's own right to it is not modelled.
        reveal = payloads.reveals(message, self._world.bot, intents=0)
        return payloads.message_payload(message, self._world.bot, reveal=reveal)

    def _user(self, user_id: int) -> User:
        if user_id not in self._world.users:
            raise unknown("User")
        return self._world.users[user_id]

    def _guild(self, guild_id: int) -> Guild:
        guild = self._world.guilds.get(guild_id)
        if guild is None:
            raise unknown("Guild")
        if not guild.bot_is_member:
            raise missing_access()
        return guild

    def _channel(self, call: Call) -> Channel:
        channel = self._world.channels.get(call.id("channel_id"))
        if channel is None:
            raise unknown("Channel")
        if (channel.guild is not None and not channel.guild.bot_is_member) or "view_channel" not in channel.permissions:
            raise missing_access()
        return channel

    def _message(self, call: Call, channel: Channel) -> Message:
        message = channel.messages.get(call.id("message_id"))
        if message is None or message.is_ephemeral:
            raise unknown("Message")
        return message

    @staticmethod
    def _require(channel: Channel, *names: str) -> None:
        if not set(names) <= channel.permissions:
            raise missing_permissions()

    def _require_sending(self, channel: Channel) -> None:
        if channel.recipient is not None and not channel.recipient.takes_direct_messages:
            raise ApiError(403, 50007, "Cannot send messages to this user")
        self._require(channel, "send_messages_in_threads" if channel.is_thread else "send_messages")
        if channel.locked:
            raise ApiError(400, 50083, "Thread is archived")


def edit_message(world: World, message: Message, body: Json) -> None:
    """Changes a message, refused where what would come of it is refused.

    Raises:
        ApiError: As `check_message`; 400 where the layout flag would be taken away.
    """
    flags = int(body["flags"] or 0) if "flags" in body else message.flags
    if message.is_v2 and not flags & COMPONENTS_V2:
        raise invalid(("flags",), "MESSAGE_COMPONENTS_V2_FLAG", "The flag IS_COMPONENTS_V2 cannot be removed")
    kept: Json = {"content": message.content, "embeds": message.embeds, "components": message.components}
    after = {**kept, **body, "flags": flags}
    if message.is_loading and not any(after[key] for key in kept):
        raise empty_message()
    check_message(after)
    world.edit(message, body)
