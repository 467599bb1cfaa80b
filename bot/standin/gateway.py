"""The gateway: sessions over websockets, with replay for those that come back."""

from __future__ import annotations

import asyncio
import json
import secrets
import struct
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bot.standin.entities import Guild
from bot.standin.hub import Change
from bot.standin.payloads import user_payload
from bot.standin.wire import GUILDS, PRIVILEGED, Json
from bot.standin.world import Event, World

# What the gateway sends.
DISPATCH, RECONNECT, INVALID_SESSION, HELLO, ACK = 0, 7, 9, 10, 11
# What a client sends.
HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, REQUEST_MEMBERS = 1, 2, 3, 4, 6, 8

# discord.py notes when it sent a heartbeat only after the sending returned, in another thread: an earlier answer makes
# it count from the heartbeat before and warn that it lags.
ACK_AFTER_S = 0.02
REPLAYED = 10_000


def no_compression(payload: bytes) -> str:
    """A frame of text."""
    return payload.decode()


def zlib_stream() -> Callable[[bytes], bytes]:
    """One deflate stream for the whole connection, flushed after every payload."""
    stream = zlib.compressobj()
    return lambda payload: stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)


def zstd_stream() -> Callable[[bytes], bytes]:
    """One Zstandard frame for the whole connection, of raw blocks (RFC 8878): valid, and as long as its content.

    A client asks for it where it has the library; this side needs none.
    """
    # Magic number, a descriptor without extras, a window of 8 MiB.
    head = [b"\x28\xb5\x2f\xfd\x00\x68"]

    def frame(payload: bytes) -> bytes:
        blocks = [payload[at : at + 100_000] for at in range(0, len(payload), 100_000)]
        start = head.pop() if head else b""
        return start + b"".join(struct.pack("<I", len(block) << 3)[:3] + block for block in blocks)

    return frame


@dataclass(eq=False)
class Session:
    """One shard's session; it outlives its connection.

    Attributes:
        sent: Latest events with their numbers, for replay.
        connection: The live connection, or None while the client is away.
    """

    id: str
    intents: int
    shard: tuple[int, int]
    seq: int = 0
    sent: deque[Json] = field(default_factory=lambda: deque(maxlen=REPLAYED))
    connection: Connection | None = None

    def emit(self, name: str, payload: Json) -> None:
        """Numbers an event, keeps it, and sends it where the client is there."""
        self.seq += 1
        event = {"op": DISPATCH, "t": name, "s": self.seq, "d": payload}
        self.sent.append(event)
        if self.connection is not None:
            self.connection.send(event)

    def wants(self, event: Event) -> bool:
        """Whether an event is for this shard and its intents."""
        guild_id = 0 if event.guild is None else event.guild.id
        return (guild_id >> 22) % self.shard[1] == self.shard[0] and (
            not event.needs or bool(event.needs & self.intents)
        )


class Connection:
    """One websocket: a queue of payloads and the task that writes them, so that no sender waits."""

    def __init__(
        self, socket: web.WebSocketResponse, request: web.Request, encode: Callable[[bytes], bytes | str]
    ) -> None:
        self.socket = socket
        self._request = request
        self._encode = encode
        self._queue: asyncio.Queue[Json | int] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write())
        self.heard_at = time.monotonic()

    def send(self, payload: Json) -> None:
        """Queues one payload; in order, never waiting."""
        self._queue.put_nowait(payload)

    def close(self, code: int) -> None:
        """Closes with a code, after what is queued."""
        self._queue.put_nowait(code)

    async def _write(self) -> None:
        while True:
            item = await self._queue.get()
            try:
                if isinstance(item, int):
                    await self.socket.close(code=item)
                    return
                frame = self._encode(json.dumps(item).encode())
                await (self.socket.send_str(frame) if isinstance(frame, str) else self.socket.send_bytes(frame))
            except (ConnectionError, RuntimeError):
                # Closed under our hands. What was queued stays in the session, for a replay.
                return

    def cut(self) -> None:
        """Ends the connection without a word, as a cable does."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def stop(self) -> None:
        """Ends the writer."""
        self._writer.cancel()


class Gateway:
    """Accepts websockets, keeps sessions, sends events.

    Attributes:
        token: The one that is accepted.
        acknowledge: False lets heartbeats go unanswered.
        heartbeats: When each came, monotonic seconds.
        n_missed_heartbeats: How often a client stayed silent for two intervals; its connection was closed with 4009.
        n_identified: Sessions begun.
        n_resumed: Sessions taken up again.
    """

    def __init__(
        self, world: World, token: str, heartbeat_s: float, allowed_intents: int, url: Callable[[], str]
    ) -> None:
        self._world = world
        self.token = token
        self._heartbeat_s = heartbeat_s
        self._allowed_intents = allowed_intents
        self._url = url
        self._connections: set[Connection] = set()
        self.sessions: dict[str, Session] = {}
        self.acknowledge = True
        self.heartbeats: list[float] = []
        self.n_missed_heartbeats = 0
        self.n_identified = 0
        self.n_resumed = 0

    @property
    def is_connected(self) -> bool:
        """Whether any session has its client on the line."""
        return any(session.connection is not None for session in self.sessions.values())

    def emit(self, event: Event) -> None:
        """Sends an event to the sessions that are to have it, connected or away for a moment."""
        for session in self.sessions.values():
            if session.wants(event):
                session.emit(event.name, event.payload(session.intents))

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection from hello to close."""
        socket = web.WebSocketResponse(autoping=True, max_msg_size=0, compress=False, timeout=0.5)
        await socket.prepare(request)
        encodings: dict[str, Callable[[], Callable[[bytes], bytes | str]]] = {
            "": lambda: no_compression,
            "zlib-stream": zlib_stream,
            "zstd-stream": zstd_stream,
        }
        connection = Connection(socket, request, encodings[request.query.get("compress", "")]())
        self._connections.add(connection)
        connection.send(
            {"op": HELLO, "d": {"heartbeat_interval": round(self._heartbeat_s * 1000)}, "s": None, "t": None}
        )
        watch = asyncio.create_task(self._watch(connection))
        session: Session | None = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                session = self._hear(connection, json.loads(message.data), session)
        finally:
            watch.cancel()
            connection.stop()
            self._connections.discard(connection)
            if session is not None and session.connection is connection:
                session.connection = None
                if socket.close_code in (1000, 1001):
                    # Said goodbye: the bot is offline and the session is over.
                    self.sessions.pop(session.id, None)
            self._changed("closed")
        return socket

    def _hear(self, connection: Connection, payload: Json, session: Session | None) -> Session | None:
        body = payload.get("d")
        op = payload.get("op")
        if op == HEARTBEAT:
            now = connection.heard_at = time.monotonic()
            self.heartbeats.append(now)
            self._changed("heartbeat")
            if self.acknowledge:
                asyncio.get_running_loop().call_later(ACK_AFTER_S, connection.send, {"op": ACK, "d": None})
        elif op == IDENTIFY:
            return self._identify(connection, body or {})
        elif op == RESUME:
            return self._resume(connection, body or {})
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            connection.close(4001)
        return session

    def _identify(self, connection: Connection, body: Json) -> Session | None:
        intents = int(body.get("intents") or 0)
        if body.get("token") != self.token:
            connection.close(4004)
            return None
        if intents & PRIVILEGED & ~self._allowed_intents:
            connection.close(4014)
            return None
        shard, n_shards = body.get("shard") or (0, 1)
        # Who identifies has given up the session that lost its connection. One that is still connected stays, and gets
        # every event too, as with Discord: two bots with one token answer twice.
        for old in [one for one in self.sessions.values() if one.shard == (shard, n_shards) and one.connection is None]:
            del self.sessions[old.id]
        session = Session(secrets.token_hex(16), intents, (shard, n_shards))
        session.connection = connection
        self.sessions[session.id] = session
        self.n_identified += 1
        guilds = [guild for guild in self._world.guilds.values() if guild.bot_is_member and self._of(session, guild)]
        session.emit(
            "READY",
            {
                "v": 10,
                "user": {**user_payload(self._world.bot), "verified": True, "mfa_enabled": True, "flags": 0},
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self._url(),
                "shard": [shard, n_shards],
                "application": {"id": str(self._world.bot.id), "flags": 0},
                "session_type": "normal",
                "private_channels": [],
                "relationships": [],
            },
        )
        if intents & GUILDS:
            for guild in guilds:
                session.emit("GUILD_CREATE", self._world.guild_payload(guild))
        self._changed("identified")
        return session

    def _resume(self, connection: Connection, body: Json) -> Session | None:
        session = self.sessions.get(str(body.get("session_id")))
        if body.get("token") != self.token:
            connection.close(4004)
            return None
        seq = body.get("seq") or 0
        if session is None or (session.sent and seq < session.sent[0]["s"] - 1):
            connection.send({"op": INVALID_SESSION, "d": False})
            return None
        old, session.connection = session.connection, connection
        if old is not None and old is not connection:
            old.cut()
        for event in session.sent:
            if event["s"] > seq:
                connection.send(event)
        session.emit("RESUMED", {"_trace": []})
        self.n_resumed += 1
        self._changed("resumed")
        return session

    @staticmethod
    def _of(session: Session, guild: Guild) -> bool:
        return (guild.id >> 22) % session.shard[1] == session.shard[0]

    async def _watch(self, connection: Connection) -> None:
        """Closes a connection whose client has fallen silent."""
        while True:
            await asyncio.sleep(self._heartbeat_s / 4)
            if time.monotonic() - connection.heard_at > 2 * self._heartbeat_s:
                self.n_missed_heartbeats += 1
                connection.close(4009)
                return

    def _changed(self, step: str) -> None:
        self._world.hub.publish(Change("gateway", note=step))

    # Faults -----------------------------------------------------------------------------------------------

    def drop(self, code: int | None = None) -> None:
        """Ends every connection: cut without a word, or closed with a code. Sessions can be resumed."""
        for connection in list(self._connections):
            if code is None:
                connection.cut()
            else:
                connection.close(code)

    def ask_to_reconnect(self) -> None:
        """Tells every client to come back (op 7)."""
        for connection in list(self._connections):
            connection.send({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Tells every client that its session is invalid (op 9); one that is not resumable is forgotten."""
        for session in list(self.sessions.values()):
            if not resumable:
                del self.sessions[session.id]
            if session.connection is not None:
                session.connection.send({"op": INVALID_SESSION, "d": resumable})
