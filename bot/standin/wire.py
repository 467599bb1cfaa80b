"""Words of Discord's protocol: JSON, errors, flags, permissions, ids. Knows no state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

# What travels on the wire has no other type here: its shape is Discord's, and the rules check it where it comes in.
Json = dict[str, Any]

DISCORD_EPOCH_MS = 1_420_070_400_000

# Message flags.
SUPPRESS_EMBEDS = 1 << 2
HAS_THREAD = 1 << 5
EPHEMERAL = 1 << 6
LOADING = 1 << 7
COMPONENTS_V2 = 1 << 15

# Gateway intents.
GUILDS = 1 << 0
GUILD_MESSAGES = 1 << 9
GUILD_MESSAGE_REACTIONS = 1 << 10
DIRECT_MESSAGES = 1 << 12
DIRECT_MESSAGE_REACTIONS = 1 << 13
MESSAGE_CONTENT = 1 << 15
PRIVILEGED = (1 << 1) | (1 << 8) | MESSAGE_CONTENT

# Channel types.
TEXT, DM, PUBLIC_THREAD, PRIVATE_THREAD = 0, 1, 11, 12

# Message types.
DEFAULT, THREAD_CREATED, REPLY, CHAT_INPUT, THREAD_STARTER, CONTEXT_MENU = 0, 18, 19, 20, 21, 23

PERMISSIONS = {
    "add_reactions": 1 << 6,
    "manage_guild": 1 << 5,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "create_private_threads": 1 << 36,
    "send_messages_in_threads": 1 << 38,
}
USUAL_PERMISSIONS = frozenset(
    {
        "add_reactions",
        "view_channel",
        "send_messages",
        "embed_links",
        "attach_files",
        "read_message_history",
        "use_application_commands",
        "create_public_threads",
        "send_messages_in_threads",
    }
)


def bits(names: Iterable[str]) -> int:
    """The permission names as Discord's bit set; an unknown name is a KeyError."""
    return sum(PERMISSIONS[name] for name in set(names))


class ApiError(Exception):
    """An answer other than success.

    Args:
        status: HTTP status.
        code: Discord's own code, 0 where it has none.
        message: The sentence beside the code.
        errors: Discord's tree of field errors, for code 50035.
    """

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code} {message} {errors or ''}".strip())
        self.status, self.code, self.message, self.errors = status, code, message, errors

    @property
    def body(self) -> Json:
        """The error as it is sent."""
        tree = {} if self.errors is None else {"errors": self.errors}
        return {"message": self.message, "code": self.code, **tree}

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to it."""
        return {}


def unknown(what: str) -> ApiError:
    """404 for a thing that is not there (any more): "Channel", "Message", "Interaction", …"""
    codes = {
        "Application": 10002,
        "Channel": 10003,
        "Guild": 10004,
        "Member": 10007,
        "Message": 10008,
        "User": 10013,
        "Emoji": 10014,
        "Webhook": 10015,
        "Interaction": 10062,
        "application command": 10063,
    }
    return ApiError(404, codes[what], f"Unknown {what}")


def missing_access() -> ApiError:
    """The bot cannot see the channel."""
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    """The bot sees the channel and may not do this in it."""
    return ApiError(403, 50013, "Missing Permissions")


class FieldErrors:
    """Collects what is wrong with a body, field by field, as Discord's tree."""

    def __init__(self) -> None:
        self.tree: Json = {}

    def add(self, path: Iterable[str | int], code: str, message: str) -> None:
        """Records one fault at the field that `path` leads to."""
        at = self.tree
        for step in path:
            at = at.setdefault(str(step), {})
        at.setdefault("_errors", []).append({"code": code, "message": message})

    def raise_any(self) -> None:
        """Raises:
        ApiError: 400, code 50035, where anything was recorded.
        """
        if self.tree:
            raise ApiError(400, 50035, "Invalid Form Body", self.tree)


def invalid(path: Iterable[str | int], code: str, message: str) -> ApiError:
    """One fault in one field."""
    found = FieldErrors()
    found.add(path, code, message)
    return ApiError(400, 50035, "Invalid Form Body", found.tree)


class Ids:
    """Makes snowflakes: ascending, unique, and carrying the clock's time as Discord's do."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A new id, higher than every earlier one."""
        self._last = max(self._last + 1, (int(self._clock() * 1000) - DISCORD_EPOCH_MS) << 22)
        return self._last


def time_of(snowflake: int) -> str:
    """When an id was made, ISO 8601 in UTC."""
    return iso(((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000)


def iso(instant_s: float) -> str:
    """Seconds since 1970 as Discord writes them."""
    return datetime.fromtimestamp(instant_s, UTC).isoformat()
