"""Untrusted text made harmless in Discord's markdown, and the few pieces of markdown that a card is made of.

Text comes out as one line that reads as it was written: what would be markup stands behind a backslash, which the
reader does not see. What people typed loses what is no word of theirs. Sizes are UTF-16 code units, what Discord's
clients count; the server counts no more than that.
Knows nothing about answers or Discord's objects.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit

from index.terminal import safe
from index.types import instant_s

# Escaped one by one: emphasis, code, spoilers, quotes, headings, lists, links, mentions, emoji, timestamps. The colon
# too: a bare "https://" would become a link, and the slash, which makes "discord.gg/…" an invitation.
_MARKUP = re.compile(r"[\\*_~`|<>\[\]()#@:/+-]")
_EVERYBODY = re.compile(r"@(?=everyone|here)", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b\u2060-\u2064\ufeff\u00ad\u115f\u1160\u3164\uffa0]")
# A list's number: "1. " at the beginning of a line; the bracket of "1) " is escaped in any case.
_NUMBERED = re.compile(r"^(\d+)\.(?=\s|$)")
# People, roles, channels, commands, emoji of a server, instants, and the places of a server that have no number; and
# what calls everybody.
_TAG = re.compile(
    r"<(?:@[!&]?\d{1,20}|#\d{1,20}|a?:\w{1,32}:\d{1,20}|t:-?\d{1,20}(?::[a-zA-Z])?|/[^<>:]{1,100}:\d{1,20}"
    r"|id:[\w-]{1,40})>"
    r"|(?<!\w)@(?:everyone|here)\b"
)
_MAX_INSTANT_S = 8_640_000_000_000
MAX_URL = 2048
NOON_S = 43_200


def size(text: str) -> int:
    """Length as Discord's clients count it."""
    return len(text) + sum(char > "\uffff" for char in text)


def without_tags(text: str) -> str:
    """What somebody typed as one line, without what Discord puts there: mentions, emoji, instants, calls to everybody.

    Their names and numbers stand in no article. A link in brackets stays.
    """
    left, n = _TAG.subn(" ", text)
    line = " ".join(left.split())
    return re.sub(r" (?=[?!.,;:])", "", line) if n else line


def plain(text: str, max_size: int | None = None) -> str:
    """One line of escaped text, cut with an ellipsis between characters where it would be longer than `max_size`.

    The cut counts what the text takes after escaping, and never leaves half an escape.
    """
    line = " ".join(safe(text).split())
    whole = _escaped(line)
    if max_size is None or size(whole) <= max_size:
        return whole
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        if size(_escaped(line[:middle])) + 2 <= max_size:
            low = middle
        else:
            high = middle - 1
    while 0 < low < len(line) and unicodedata.category(line[low])[0] == "M":
        low -= 1
    return _escaped(line[:low].rstrip()) + " …" if low else "…"


def _escaped(line: str) -> str:
    line = _MARKUP.sub(r"\\\g<0>", _INVISIBLE.sub("", line))
    # A mention of everybody is read from the source, backslash or not; an invisible joint takes it apart.
    return _EVERYBODY.sub("@\u200b", _NUMBERED.sub(r"\1\\.", line))


def bold(escaped: str) -> str:
    """Escaped text in bold; nothing for nothing."""
    return f"**{escaped}**" if escaped.strip() else escaped


def small(line: str) -> str:
    """A line of small print."""
    return f"-# {line}"


def web_url(url: str | None) -> str | None:
    """A URL that is safe as a link's target: http(s), ASCII, nothing that ends a link early; None where it is not."""
    if url is None:
        return None
    encoded = quote(safe(url).strip(), safe="!#$%&'*+,-./:;=?@_~")
    try:
        parts = urlsplit(encoded)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme.lower() not in ("http", "https") or not host or "\N{REPLACEMENT CHARACTER}" in url:
        return None
    return encoded if len(encoded) <= MAX_URL else None


def link(label: str, url: str | None) -> str:
    """Escaped text that opens a URL; the text alone where there is nothing safe to open."""
    target = web_url(url)
    return f"[{label}](<{target}>)" if target and label.strip() else label


def day(published: str | None, undated: str) -> str:
    """A day that every reader sees in the own calendar, from an ISO date.

    A bare day is taken at noon, UTC, so that it is the same day nearly everywhere.
    """
    instant = instant_s(published)
    if instant is None or published is None:
        return undated
    return stamp(instant + (NOON_S if len(published) == 10 else 0))


def stamp(instant: int, style: str = "D") -> str:
    """An instant in the reader's own time; `R` counts from now."""
    return f"<t:{max(-_MAX_INSTANT_S, min(_MAX_INSTANT_S, instant))}:{style}>"
