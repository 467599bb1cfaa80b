"""Whom a message would notify. Pure: text and Discord's `allowed_mentions` in, ids out.

Stricter than Discord on purpose: a mention counts inside code and after a backslash too, where Discord's own parser
lets some of them pass, so that "nothing pings" here is never more than Discord would say.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from bot.standin.wire import FieldErrors, Json

USER = re.compile(r"<@!?(\d{1,20})>")
ROLE = re.compile(r"<@&(\d{1,20})>")
EVERYONE = re.compile(r"@(?:everyone|here)\b")


@dataclass(frozen=True, slots=True)
class Pings:
    """Who is notified; false where nobody is."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


def pings(
    text: str,
    allowed: Json | None,
    *,
    users: Collection[int],
    roles: Collection[int],
    replied: int | None = None,
    may_everyone: bool = True,
) -> Pings:
    """Whom a message notifies.

    Args:
        text: Content, or the text displays together; embeds notify nobody.
        allowed: `allowed_mentions` as sent, None where absent: then all that is named is notified.
        users: Ids that exist; others are plain text.
        roles: The same for roles.
        replied: Author of the message replied to.
        may_everyone: Whether the sender holds the permission to notify everyone.
    """
    if allowed is None:
        allowed = {"parse": ["users", "roles", "everyone"], "replied_user": True}
    parse = allowed.get("parse") or ()
    named_users = {int(found) for found in USER.findall(text)} & set(users)
    named_roles = {int(found) for found in ROLE.findall(text)} & set(roles)
    if "users" not in parse:
        named_users &= {int(user) for user in allowed.get("users") or ()}
    if "roles" not in parse:
        named_roles &= {int(role) for role in allowed.get("roles") or ()}
    if replied is not None and allowed.get("replied_user"):
        named_users.add(replied)
    everyone = may_everyone and "everyone" in parse and EVERYONE.search(text) is not None
    return Pings(frozenset(named_users), frozenset(named_roles), everyone)


def check_allowed_mentions(allowed: Json | None, errors: FieldErrors) -> None:
    """Records what Discord refuses in `allowed_mentions`."""
    if allowed is None:
        return
    parse = allowed.get("parse") or ()
    for at, word in enumerate(parse):
        if word not in ("users", "roles", "everyone"):
            errors.add(
                ("allowed_mentions", "parse", at),
                "BASE_TYPE_CHOICES",
                "Value must be one of ('users', 'roles', 'everyone').",
            )
    for kind in ("users", "roles"):
        listed = allowed.get(kind) or ()
        if len(listed) > 100:
            errors.add(("allowed_mentions", kind), "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
        if listed and kind in parse:
            errors.add(
                ("allowed_mentions",),
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )
