"""What the harness' page is told, and what it may ask for: the stand-in's state and people as the page's JSON.

Knows the stand-in and nothing of HTTP, discord.py or how answers are found.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from bot.standin import Change, Channel, Interaction, Message, StandIn, User
from bot.standin.payloads import message_payload
from bot.standin.wire import Json

SLOW_S = 2.0
DOWN_S = 3.0
# Sending and editing messages, an interaction's answer included; not the gateway, not the first response.
SENDING = "/*/messages*"
# A request after which other commands may be offered.
SYNCED = re.compile(r"(?:PUT|POST|PATCH|DELETE) /applications/.*commands.* 20\d")
RESPOND_S = 5.0


class Option(BaseModel):
    """One option of a slash command, as it was filled in."""

    name: str
    type: int
    value: str | bool | int | float


class Wish(BaseModel):
    """One thing that a person does on the page; each `do` reads the fields it needs."""

    model_config = ConfigDict(extra="forbid")

    n: int
    do: str
    who: int = Field(alias="as")
    channel: int
    message: int = 0
    reply_to: int | None = None
    text: str = ""
    name: str = ""
    focused: str = ""
    options: list[Option] = Field(default_factory=list)
    custom: str = ""
    values: list[str] = Field(default_factory=list)
    interaction: str = ""
    fields: dict[str, str] = Field(default_factory=dict)
    on: bool = True


@dataclass(slots=True)
class Fault:
    """A switch of the page.

    Attributes:
        label: On the button.
        title: What it does, in a sentence.
        act: Does it; gets whether it is to be on.
        on: Whether it is on; None for one that happens once.
    """

    label: str
    title: str
    act: Callable[[bool], Awaitable[None]]
    on: bool | None = None


@dataclass(slots=True)
class Stage:
    """Who and where: what the page shows of one stand-in.

    Attributes:
        standin: The Discord.
        people: Who can be written as; the first is shown first.
        channels: Of the one server.
    """

    standin: StandIn
    people: list[User]
    channels: list[Channel]
    faults: dict[str, Fault] = field(init=False)

    def __post_init__(self) -> None:
        self.faults = _faults(self)

    # What the page is told ----------------------------------------------------------------------------------

    def state(self) -> Json:
        """Everything, for a page that has just connected."""
        places = list(self.standin.world.channels.values())
        return {
            "event": "state",
            "bot": _person(self.standin.bot),
            "people": [_person(person) for person in self.people],
            "channels": [channel_json(place) for place in places],
            "messages": [self._message(one) for place in places for one in place.messages.values()],
            "online": self.standin.gateway.is_connected,
            "faults": self.faults_json(),
        }

    def told(self, change: Change) -> Json | None:
        """A change as the page hears of it; None for one that nobody would see."""
        match change:
            case Change(kind="message" | "message_edited" | "reaction", message=Message() as message):
                return {"event": "message", "message": self._message(message)}
            case Change(kind="message_deleted", message=Message() as message):
                return {"event": "gone", "id": str(message.id)}
            case Change(kind="typing", channel=Channel() as channel, user=User() as user):
                return {"event": "typing", "channel": str(channel.id), "user": str(user.id)}
            case Change(kind="channel", channel=Channel() as channel):
                return {"event": "channel", "channel": channel_json(channel), "gone": channel.deleted}
            case Change(kind="interaction", interaction=Interaction() as interaction):
                return _interaction_event(interaction, change.note)
            case Change(kind="gateway"):
                return {"event": "online", "online": self.standin.gateway.is_connected}
            case Change(kind="request") if SYNCED.fullmatch(change.note):
                return {"event": "commands"}
        return None

    def faults_json(self) -> list[Json]:
        """The switches as they stand."""
        return [
            {"name": name, "label": fault.label, "title": fault.title, "on": fault.on}
            for name, fault in self.faults.items()
        ]

    def _message(self, message: Message) -> Json:
        shown = message_payload(message, self.standin.bot)
        asked = message.interaction
        return {
            **shown,
            "for": None if message.visible_to is None else str(message.visible_to.id),
            "used": None
            if asked is None
            else {"by": str(asked.user.id), "what": asked.name if asked.type == 2 else "", "kind": asked.command_type},
        }

    # What it may ask for ------------------------------------------------------------------------------------

    async def granted(self, wish: Wish) -> Json:
        """Does it, and gives the page's reply.

        Raises:
            LookupError: Something it names is not there, or not offered to this person.
            ValueError: Something was filled in wrongly.
            TimeoutError: The bot did not offer choices in time.
        """
        standin, user, channel = self.standin, self._user(wish.who), self._channel(wish.channel)
        match wish.do:
            case "say":
                reply_to = None if wish.reply_to is None else self._message_of(wish.reply_to)
                await standin.say(user, channel, wish.text, reply_to)
            case "edit":
                await standin.edit(user, self._message_of(wish.message), wish.text)
            case "delete":
                await standin.delete(self._message_of(wish.message))
            case "commands":
                return {"slash": standin.offered(user, channel, 1), "menu": standin.offered(user, channel, 3)}
            case "slash":
                await standin.slash(user, channel, wish.name, **self._options(wish.options))
            case "autocomplete":
                options = self._options(one for one in wish.options if one.name != wish.focused)
                typed = await standin.autocomplete(user, channel, wish.name, wish.focused, wish.text, **options)
                await typed.responded(RESPOND_S)
                return {"choices": typed.choices or []}
            case "menu":
                await standin.context_menu(user, channel, wish.name, self._message_of(wish.message))
            case "click":
                message = self._message_of(wish.message)
                pressed = await (
                    standin.choose(user, message, wish.custom, *wish.values)
                    if wish.values
                    else standin.click(user, message, wish.custom)
                )
                # The button stays down until something came of it; why nothing did is told as an event.
                await standin.until(lambda: pressed.state != "pending", RESPOND_S, "the end of a press")
            case "modal":
                opened = standin.world.interactions.get(wish.interaction)
                if opened is None:
                    raise LookupError("This form is gone.")
                await standin.submit_modal(user, opened, wish.fields)
            case "fault":
                await self._break(wish.name, on=wish.on)
                return {"faults": self.faults_json()}
            case _:
                raise LookupError(f"The page cannot do {wish.do!r}.")
        return {}

    def _options(self, options: Iterable[Option]) -> dict[str, object]:
        return {option.name: self._value(option) for option in options}

    def _value(self, option: Option) -> object:
        match option.type:
            case 7:  # a channel
                return self._channel(int(option.value))
            case 6:  # a person
                return self._user(int(option.value))
        return option.value

    async def _break(self, name: str, *, on: bool) -> None:
        fault = self.faults.get(name)
        if fault is None:
            raise LookupError(f"There is no fault {name!r}.")
        await fault.act(on)
        if fault.on is not None:
            fault.on = on

    def _user(self, user_id: int) -> User:
        for person in self.people:
            if person.id == user_id:
                return person
        raise LookupError("This person is not here.")

    def _channel(self, channel_id: int) -> Channel:
        channel = self.standin.world.channels.get(channel_id)
        if channel is None:
            raise LookupError("This channel is gone.")
        return channel

    def _message_of(self, message_id: int) -> Message:
        for channel in self.standin.world.channels.values():
            if message_id in channel.messages:
                return channel.messages[message_id]
        raise LookupError("This message is gone.")


def set_stage(standin: StandIn) -> Stage:
    """A server with two channels; Ann, who manages it and reads English, and Ben, who does not and reads German."""
    ann = standin.add_user("Ann")
    guild = standin.add_guild("Newsroom", owner=ann)
    ben = standin.add_user("Ben", locale="de")
    channels = [standin.add_channel(guild, name) for name in ("ask", "lunch")]
    people = [ann, ben]
    for person in people:
        standin.dm(person)
    return Stage(standin, people, channels)


def channel_json(channel: Channel) -> Json:
    """A channel as the page lists it; `of` is the one person who sees a direct message channel."""
    kind = "dm" if channel.is_dm else "thread" if channel.is_thread else "text"
    return {
        "id": str(channel.id),
        "name": channel.name if channel.recipient is None else "newsquote",
        "kind": kind,
        "parent": None if channel.parent is None else str(channel.parent.id),
        "of": None if channel.recipient is None else str(channel.recipient.id),
    }


def _person(user: User) -> Json:
    return {"id": str(user.id), "name": user.name, "note": f"reads {user.locale}"}


def _interaction_event(interaction: Interaction, step: str) -> Json | None:
    """A form to fill in, or that nothing came; other steps show as messages."""
    about = {"for": str(interaction.user.id), "interaction": interaction.token}
    if step == "expired" and interaction.type != 4:
        message = interaction.message
        text = "The application did not respond" if message is None else "This interaction failed"
        return {"event": "failed", **about, "message": None if message is None else str(message.id), "text": text}
    if step == "answered" and interaction.modal is not None:
        return {"event": "modal", **about, "modal": interaction.modal}
    return None


def _faults(stage: Stage) -> dict[str, Fault]:
    standin = stage.standin

    async def drop(on: bool) -> None:
        await standin.drop_gateway()

    async def invalidate(on: bool) -> None:
        standin.invalidate_session()

    async def down(on: bool) -> None:
        await standin.restart(down_s=DOWN_S)

    async def limit(on: bool) -> None:
        standin.fail_next("*", SENDING, 429, retry_after_s=1.5)

    async def fail(on: bool) -> None:
        standin.fail_next("*", SENDING, 500)

    async def cut(on: bool) -> None:
        standin.drop_connection_on("*", SENDING)

    async def slow(on: bool) -> None:
        standin.slow(SLOW_S if on else 0)

    async def forbid(on: bool) -> None:
        for channel in stage.channels:
            (standin.forbid if on else standin.allow)(channel, "send_messages")

    return {
        "drop": Fault("Drop gateway", "Cuts the bot's gateway connection; it resumes.", drop),
        "invalidate": Fault("End session", "Tells the bot that its session is invalid.", invalidate),
        "down": Fault("Restart", f"Discord is away for {DOWN_S:g} seconds.", down),
        "429": Fault("429", "The next message sent or edited is refused: too many requests.", limit),
        "500": Fault("500", "The next message sent or edited fails: internal server error.", fail),
        "cut": Fault("Cut reply", "The connection ends in the middle of the next reply from Discord.", cut),
        "slow": Fault("Slow", f"Every request takes {SLOW_S:g} seconds longer.", slow, on=False),
        "forbid": Fault("Mute bot", "Takes the bot's right to write in the channels.", forbid, on=False),
    }
