"""What there is on the stand-in: people, servers, channels, messages, interactions.

Mutable on purpose: this is the state of a server under test. Fields are Discord's, under plain names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bot.standin.mentions import Pings
from bot.standin.wire import COMPONENTS_V2, DM, EPHEMERAL, LOADING, PRIVATE_THREAD, PUBLIC_THREAD, Json

if TYPE_CHECKING:
    from bot.standin.hub import Hub


@dataclass(slots=True, eq=False)
class User:
    """A person, a bot, or a webhook."""

    id: int
    name: str
    bot: bool = False
    webhook: bool = False
    locale: str = "en-US"
    manages: set[int] = field(default_factory=set)
    takes_direct_messages: bool = True

    def __repr__(self) -> str:
        return f"<User {self.name}>"

    @property
    def mention(self) -> str:
        """Text that names this user."""
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Guild:
    """A server.

    Attributes:
        bot_is_member: False where the bot is only installed by its users: it sees and reads nothing there.
        roles: Names by id; the one with the guild's own id is everyone's.
    """

    id: int
    name: str
    owner: User
    locale: str = "en-US"
    bot_is_member: bool = True
    channels: list[Channel] = field(default_factory=list)
    roles: dict[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Guild {self.name}>"


@dataclass(slots=True, eq=False)
class Channel:
    """A text channel, a thread, or a direct message channel.

    Attributes:
        may: What the bot may do here; read it through `permissions`, which a thread takes from its parent.
        parent: The channel that a thread hangs under.
        recipient: The person, in a direct message channel.
        messages: By id, oldest first, ephemeral ones too; a deleted one is gone.
        typing_at: When the bot last showed that it types, seconds of the stand-in's clock; 0 for never.
    """

    id: int
    name: str
    type: int
    guild: Guild | None = None
    parent: Channel | None = None
    recipient: User | None = None
    owner: User | None = None
    may: set[str] = field(default_factory=set)
    messages: dict[int, Message] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)
    archived: bool = False
    locked: bool = False
    auto_archive_minutes: int = 1440
    deleted: bool = False
    typing_at: float = 0.0

    def __repr__(self) -> str:
        return f"<Channel {self.name}>"

    @property
    def is_thread(self) -> bool:
        """Whether it hangs under another channel."""
        return self.type in (PUBLIC_THREAD, PRIVATE_THREAD)

    @property
    def is_dm(self) -> bool:
        """Whether it is one person's channel with the bot."""
        return self.type == DM

    @property
    def permissions(self) -> set[str]:
        """What the bot may do here."""
        return self.parent.may if self.parent is not None else self.may


@dataclass(slots=True, eq=False)
class Message:
    """A message as it stands now.

    Attributes:
        interaction: The interaction that it answers, or None for a regular message.
        visible_to: The one person who sees an ephemeral message.
        pings: Whom the latest sending or edit would notify.
        mentioned: The users among them.
        reactions: Ids of users by emoji.
        versions: Every content it had, oldest first.
    """

    id: int
    channel: Channel
    author: User
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    flags: int = 0
    type: int = 0
    reference: int | None = None
    interaction: Interaction | None = None
    visible_to: User | None = None
    pings: Pings = field(default_factory=Pings)
    mentioned: list[User] = field(default_factory=list)
    nonce: str | int | None = None
    edited_at: float | None = None
    thread: Channel | None = None
    reactions: dict[str, set[int]] = field(default_factory=dict)
    deleted: bool = False
    versions: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Message {self.id} by {self.author.name}: {self.text[:60]!r}>"

    @property
    def is_ephemeral(self) -> bool:
        """Whether one person alone sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        """Whether it still shows that the bot is thinking."""
        return bool(self.flags & LOADING)

    @property
    def is_v2(self) -> bool:
        """Whether it is made of components alone."""
        return bool(self.flags & COMPONENTS_V2)

    @property
    def text(self) -> str:
        """All that a person can read in it: content, embeds and text displays, a line each."""
        parts = [self.content]
        for embed in self.embeds:
            parts += [embed.get("author", {}).get("name", ""), embed.get("title", ""), embed.get("description", "")]
            for entry in embed.get("fields", ()):
                parts += [entry["name"], entry["value"]]
            parts.append(embed.get("footer", {}).get("text", ""))
        parts += [component["content"] for component in walk(self.components) if component["type"] == 10]
        return "\n".join(filter(None, parts))

    @property
    def buttons(self) -> list[Json]:
        """Its buttons in the order they are shown, links included."""
        return [component for component in walk(self.components) if component["type"] == 2]

    def component(self, custom_id: str) -> Json:
        """The component with this custom id, or whose label is this.

        Raises:
            LookupError: There is none.
        """
        for component in walk(self.components):
            if custom_id in (component.get("custom_id"), component.get("label")):
                return component
        raise LookupError(f"{self} has no component {custom_id!r}")


def walk(components: list[Json]) -> list[Json]:
    """Components and all that they hold, in reading order."""
    found = []
    for component in components:
        found.append(component)
        found += walk(component.get("components") or [])
        found += walk([component[key] for key in ("accessory", "component") if component.get(key)])
    return found


State = Literal["pending", "deferred", "answered", "expired"]


@dataclass(slots=True, eq=False)
class Interaction:
    """Something a person did with the bot, and what came back.

    Attributes:
        type: 2 command, 3 component, 4 autocomplete, 5 modal submit.
        message: The message that a component or its modal belongs to, or None.
        state: `expired` where no response came in time.
        callbacks: Types of the responses that were accepted; there is at most one.
        original: The message that answers, or that was updated.
        followups: Messages sent after the response.
        modal: The modal that was opened.
        is_submitted: Whether it was filled in; Discord closes it then.
        choices: What autocompletion offered.
    """

    id: int
    token: str
    type: int
    user: User
    channel: Channel
    payload: Json
    created_at: float
    hub: Hub
    clock: Callable[[], float]
    message: Message | None = None
    name: str = ""
    command_type: int = 0
    state: State = "pending"
    callbacks: list[int] = field(default_factory=list)
    responded_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: Json | None = None
    is_submitted: bool = False
    choices: list[Json] | None = None

    def __repr__(self) -> str:
        return f"<Interaction {self.name or self.type} {self.state}>"

    async def responded(self, timeout_s: float = 5.0) -> Interaction:
        """Waits for the first response of any kind; `deferred` counts."""
        return await self.hub.until(lambda: self if self.callbacks else None, timeout_s, f"a response to {self}")

    async def answered(self, timeout_s: float = 10.0) -> Message:
        """Waits for a message to read: an answer that is no longer thinking, or the message that was updated."""

        def found() -> Message | None:
            message = self.original
            if self.state != "answered" or message is None or message.is_loading:
                return None
            return message

        return await self.hub.until(found, timeout_s, f"an answer to {self}")

    async def expired(self, timeout_s: float = 5.0) -> None:
        """Waits for "The application did not respond"."""
        await self.hub.until(lambda: self.state == "expired", timeout_s, f"the end of {self}")
