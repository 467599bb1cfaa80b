"""The stand-in itself: starts and stops the server, and is what tests and the harness hold in their hands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from aiohttp import web

from bot.standin.entities import Channel, Guild, Interaction, Message, User
from bot.standin.faults import Cut, Fault
from bot.standin.gateway import Gateway
from bot.standin.hub import Changes
from bot.standin.interactions import InteractionRest
from bot.standin.limits import Limit
from bot.standin.people import People
from bot.standin.rest import Answer, Call, Handler, Rest
from bot.standin.serving import API, Serving
from bot.standin.wire import CHAT_INPUT, CONTEXT_MENU, DEFAULT, REPLY, USUAL_PERMISSIONS, ApiError, Json
from bot.standin.world import World

T = TypeVar("T")

# Kinds of messages that someone wrote; the others say that something happened.
WRITTEN = (DEFAULT, REPLY, CHAT_INPUT, CONTEXT_MENU)


class StandIn:
    """A Discord on loopback with one bot registered: `async with StandIn() as discord: …`.

    A defect of the stand-in itself is raised at the end of the block, so that no test passes over it.

    Args:
        token: The bot's token.
        bot_name: Its user name.
        heartbeat_s: The interval that the gateway asks for.
        respond_s: How long an interaction waits for its first response.
        token_s: How long an interaction's token is valid.
        limits: Rate limits beside the usual 50 a second for every route; the first that matches holds.
        shards: How many shards the bot is told to run.
        allowed_intents: Privileged intents that the bot may ask for; identifying with others closes with 4014.
        clock: Seconds since 1970, for ids and for the age of interactions.
        port: 0 takes any free one.
    """

    def __init__(
        self,
        *,
        token: str = "stand-in.token",
        bot_name: str = "newsquote",
        heartbeat_s: float = 41.25,
        respond_s: float = 3.0,
        token_s: float = 900.0,
        limits: Sequence[Limit] = (),
        shards: int = 1,
        allowed_intents: int = 0,
        clock: Callable[[], float] = time.time,
        port: int = 0,
    ) -> None:
        self.token = token
        self.shards = shards
        self.port = port
        self.world = World(clock, bot_name)
        self.gateway = Gateway(self.world, token, heartbeat_s, allowed_intents, lambda: self.gateway_url)
        self.world.emit = self.gateway.emit
        self.serving = Serving(token, limits, self.world.hub)
        self.requests = self.serving.requests
        self.faults = self.serving.faults
        self._respond_s = respond_s
        self._people = People(self.world)
        self._interactions = InteractionRest(self.world, respond_s, token_s)
        self._runner: web.AppRunner | None = None

    # Life ---------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        self.world.hub.close()
        if self.serving.defects and error is None:
            raise ExceptionGroup("the stand-in itself failed", self.serving.defects)

    async def start(self) -> None:
        """Listens on loopback; on the same port again after a stop."""
        app = web.Application()
        app.router.add_get("/gateway", self.gateway.serve)
        for method, route, handler in self._routes():
            app.router.add_route(method, API + route, self.serving.handle(route, handler))
        app.router.add_route("*", "/{path:.*}", self.serving.handle("", _not_found))
        self._runner = web.AppRunner(app, shutdown_timeout=0.05, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def _routes(self) -> list[tuple[str, str, Handler]]:
        own = [("GET", "/gateway", self._gateway), ("GET", "/gateway/bot", self._gateway)]
        return [*own, *Rest(self.world).routes(), *self._interactions.routes()]

    def routes(self) -> list[tuple[str, str]]:
        """Method and route of everything that is served, ids by the names of Discord's description."""
        return [(method, route) for method, route, _ in self._routes()]

    async def stop(self) -> None:
        """Cuts every connection and stops listening; everything that exists is kept for another start."""
        self.gateway.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def restart(self, *, down_s: float = 0.0, forget_sessions: bool = False) -> None:
        """Stops, waits, and starts on the same port; sessions can be resumed unless they are forgotten."""
        await self.stop()
        if forget_sessions:
            self.gateway.sessions.clear()
        await asyncio.sleep(down_s)
        await self.start()

    @property
    def rest_url(self) -> str:
        """Address of the REST API, with its version."""
        return f"http://127.0.0.1:{self.port}{API}"

    @property
    def gateway_url(self) -> str:
        """Address of the gateway."""
        return f"ws://127.0.0.1:{self.port}/gateway"

    # Places and people --------------------------------------------------------------------------------------

    @property
    def bot(self) -> User:
        """The bot's user; its id is the application's too."""
        return self.world.bot

    def add_user(
        self,
        name: str,
        *,
        bot: bool = False,
        webhook: bool = False,
        locale: str = "en-US",
        manages: tuple[Guild, ...] = (),
    ) -> User:
        """A new user, a member of every server, who may manage those named."""
        return self.world.add_user(name, bot=bot, webhook=webhook, locale=locale, manages=manages)

    def add_guild(
        self, name: str, *, owner: User | None = None, locale: str = "en-US", bot_is_member: bool = True
    ) -> Guild:
        """A new server; the bot joins it unless it is only installed by its users there."""
        return self.world.add_guild(name, owner=owner, locale=locale, bot_is_member=bot_is_member)

    def add_channel(self, guild: Guild, name: str, permissions: frozenset[str] = USUAL_PERMISSIONS) -> Channel:
        """A new text channel in which the bot holds these permissions."""
        return self.world.add_channel(guild, name, permissions)

    def add_role(self, guild: Guild, name: str) -> int:
        """A new role that can be mentioned; its id."""
        return self.world.add_role(guild, name)

    def allow(self, channel: Channel, *names: str) -> None:
        """Gives the bot permissions in a channel."""
        self.world.set_permissions(channel, channel.may | set(names))

    def forbid(self, channel: Channel, *names: str) -> None:
        """Takes permissions from the bot in a channel; its threads follow."""
        self.world.set_permissions(channel, channel.may - set(names))

    def dm(self, user: User) -> Channel:
        """The channel between a person and the bot."""
        return self.world.direct(user)

    def messages(self, channel: Channel, user: User | None = None) -> list[Message]:
        """Messages of a channel, oldest first; with a user, those that this one sees."""
        seen = channel.messages.values()
        return [one for one in seen if user is None or one.visible_to in (None, user)]

    # What people do -----------------------------------------------------------------------------------------

    async def say(
        self, user: User, channel: Channel, text: str, reply_to: Message | None = None, *, ping: bool = True
    ) -> Message:
        """Writes a message; a reply notifies its author unless `ping` is off."""
        return self._people.say(user, channel, text, reply_to, ping=ping)

    async def edit(self, user: User, message: Message, text: str) -> None:
        """Changes one's own message."""
        self._people.edit(user, message, text)

    async def delete(self, message: Message) -> None:
        """Deletes a message."""
        self._people.delete(message)

    async def react(self, user: User, message: Message, emoji: str) -> None:
        """Reacts to a message."""
        self.world.react(message, user, emoji, add=True)

    async def open_thread(self, user: User, channel: Channel, name: str, message: Message | None = None) -> Channel:
        """Opens a thread oneself."""
        return self.world.start_thread(channel, user, name, message=message)

    def offered(self, user: User, channel: Channel, kind: int = 1) -> list[Json]:
        """Commands that a person is shown, as registered: 1 slash, 3 message menu."""
        return self._people.offered(user, channel, kind)

    async def slash(self, user: User, channel: Channel, name: str, /, **options: object) -> Interaction:
        """Runs a slash command; a subcommand's name follows after a space. Raises `NotOffered` or ValueError."""
        return self._asked(self._people.slash(user, channel, name, options))

    async def autocomplete(
        self, user: User, channel: Channel, name: str, focused: str, text: str = "", /, **options: object
    ) -> Interaction:
        """Types `text` into the option `focused`, the others filled in as given; see `Interaction.choices`."""
        return self._asked(self._people.slash(user, channel, name, {**options, focused: text}, focused))

    async def context_menu(self, user: User, channel: Channel, name: str, message: Message) -> Interaction:
        """Runs a command from a message's menu. Raises `NotOffered`."""
        return self._asked(self._people.context_menu(user, channel, name, message))

    async def click(self, user: User, message: Message, custom_id: str) -> Interaction:
        """Presses a button, named by its custom id or its label. Raises `NotOffered`."""
        return self._asked(self._people.press(user, message, custom_id))

    async def choose(self, user: User, message: Message, custom_id: str, *values: str) -> Interaction:
        """Chooses values in a select. Raises `NotOffered`."""
        return self._asked(self._people.press(user, message, custom_id, list(values)))

    async def submit_modal(self, user: User, opened: Interaction, values: Mapping[str, str]) -> Interaction:
        """Fills in the modal that an interaction opened, by custom id or label. Raises `NotOffered` or ValueError."""
        return self._asked(self._people.submit(user, opened, values))

    def _asked(self, interaction: Interaction) -> Interaction:
        # A little later than the limit, so that a response in the last moment is judged by the clock alone.
        asyncio.get_running_loop().call_later(self._respond_s + 0.05, self._interactions.expire, interaction)
        return interaction

    # Waiting ------------------------------------------------------------------------------------------------

    async def until(self, found: Callable[[], T | None], timeout_s: float = 5.0, what: str = "it") -> T:
        """The first value of `found` that is neither None nor false; looked for after every change."""
        return await self.world.hub.until(found, timeout_s, what)

    async def wait_for_message(
        self,
        channel: Channel,
        author: User | None = None,
        after: Message | None = None,
        timeout_s: float = 10.0,
        where: Callable[[Message], bool] = lambda message: True,
    ) -> Message:
        """The first message by `author` (the bot, where None) after another one that is no longer "thinking"."""
        author = author or self.bot
        since = 0 if after is None else after.id

        def found() -> Message | None:
            for one in channel.messages.values():
                if (
                    one.author is author
                    and one.id > since
                    and one.type in WRITTEN
                    and not one.is_loading
                    and where(one)
                ):
                    return one
            return None

        return await self.until(found, timeout_s, f"a message by {author} in {channel}")

    async def wait_until_connected(self, timeout_s: float = 10.0) -> None:
        """Waits until the bot is on the line."""
        await self.until(lambda: self.gateway.is_connected, timeout_s, "the bot")

    def changes(self) -> Changes:
        """Everything that happens from here on, to be read with `async for`."""
        return self.world.hub.changes()

    # Faults -------------------------------------------------------------------------------------------------

    async def drop_gateway(self, code: int | None = None) -> None:
        """Cuts every gateway connection, or closes it with a code; sessions can be resumed."""
        self.gateway.drop(code)

    def ask_to_reconnect(self) -> None:
        """Has the gateway ask every client to come back (op 7)."""
        self.gateway.ask_to_reconnect()

    def invalidate_session(self, resumable: bool = False) -> None:
        """Has the gateway tell every client that its session is invalid (op 9)."""
        self.gateway.invalidate(resumable=resumable)

    def revoke_token(self) -> None:
        """Accepts the bot's token no longer; who is connected stays so until the gateway is dropped."""
        self.gateway.token = self.serving.token = ""

    def fail_next(
        self,
        method: str,
        path: str,
        status: int,
        times: int = 1,
        *,
        code: int = 0,
        retry_after_s: float = 0.2,
        is_global: bool = False,
        done: bool = False,
    ) -> None:
        """Answers the next matching requests with a status; with `done` they are carried out all the same."""
        self.faults.waiting.append(Fault(method, path, times, status, code, retry_after_s, is_global, done=done))

    def drop_connection_on(self, method: str, path: str, when: Cut = "middle", times: int = 1) -> None:
        """Ends the connection of the next matching requests: before or after they are done, or amid the answer."""
        self.faults.waiting.append(Fault(method, path, times, cut=when))

    def slow(self, seconds: float, path: str = "*") -> None:
        """Holds up every request to matching paths from here on; 0 for no longer."""
        self.faults.slow_s, self.faults.slow_path = seconds, path

    @property
    def n_invalid_requests(self) -> int:
        """Answers that count towards Discord's ban at 10,000 in ten minutes: 401, 403, 429."""
        return sum(request.status in (401, 403, 429) for request in self.requests)

    # Serving ------------------------------------------------------------------------------------------------

    async def _gateway(self, call: Call) -> Answer:
        left = max(0, 1000 - self.gateway.n_identified)
        start = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.gateway_url, "shards": self.shards, "session_start_limit": start}


async def _not_found(call: Call) -> Answer:
    raise ApiError(404, 0, "404: Not Found")
