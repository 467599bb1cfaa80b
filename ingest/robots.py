"""What a site allows of whom: robots.txt, its crawl delay, and reservations of text and data mining.

Pure: bytes of the two files in, rules out. A reservation is one by the TDM Reservation Protocol
(`/.well-known/tdmrep.json`), and by the tags `noai`, `noindex`, `none` and `nosnippet` of replies and pages, for
every agent or for ours: what the bot shows is an excerpt from an index. Knows nothing about connections.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from urllib.parse import urlsplit

from protego import Protego

# RFC 9309 has at least 500 kibibytes read.
MAX_ROBOTS_BYTES = 512_000
MAX_TDM_BYTES = 512_000
# With longer pauses a watcher, whose batches end, would ask for redirects alone and never come to the pages behind.
MAX_CRAWL_DELAY_S = 30.0

_AI_TAGS = frozenset({"noai"})
_INDEX_TAGS = frozenset({"noindex", "none", "nosnippet", "max-snippet:0"})
_META = re.compile(rb"<meta\b[^<>]{0,2000}+>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""(?<![\w:-])([\w:-]++)\s*+=\s*+(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_NOT_MARKUP = re.compile(rb"<(?:!--|(script|style|title)\b)", re.IGNORECASE)
_HEAD_END = re.compile(rb"</head\s*>|<body\b", re.IGNORECASE)
_HEAD_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """A parsed robots.txt; None allows everything."""

    parsed: Protego | None = None

    def allows(self, url: str, agent: str) -> bool:
        """Whether `agent`, by its bare name, may ask for `url`."""
        return self.parsed is None or self.parsed.can_fetch(url, agent)

    def delay_s(self, agent: str) -> float:
        """Seconds between two requests that the site asks for, at most `MAX_CRAWL_DELAY_S`; 0 where it says nothing."""
        if self.parsed is None:
            return 0.0
        delay = self.parsed.crawl_delay(agent) or 0.0
        rate = self.parsed.request_rate(agent)
        if rate is not None and rate.requests:
            delay = max(delay, rate.seconds / rate.requests)
        return min(max(delay, 0.0), MAX_CRAWL_DELAY_S)

    def sitemaps(self) -> tuple[str, ...]:
        """Addresses of sitemaps that it names, in order."""
        return () if self.parsed is None else tuple(self.parsed.sitemaps)


def read_robots(body: bytes) -> RobotsRules:
    """Rules of a robots.txt; what is no rule in it is passed over."""
    return RobotsRules(Protego.parse(body[:MAX_ROBOTS_BYTES].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")))


@dataclass(frozen=True, slots=True)
class TdmRules:
    """Reservations of a tdmrep.json: patterns of paths, in order, and whether mining is reserved there."""

    rules: tuple[tuple[str, bool], ...] = ()

    def reserves(self, url: str) -> bool:
        """Whether text and data mining of `url` is reserved: what the first rule that matches says."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return next((is_reserved for pattern, is_reserved in self.rules if _matches(pattern, path)), False)


def read_tdm(body: bytes) -> TdmRules:
    """Rules of a tdmrep.json; none where it is no JSON or of another shape."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return TdmRules()
    entries = parsed if isinstance(parsed, list) else [parsed]
    return TdmRules(
        tuple(
            (entry["location"], str(entry.get("tdm-reservation", 0)).strip() == "1")
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("location"), str)
        )
    )


def _matches(pattern: str, path: str) -> bool:
    """Patterns are those of robots.txt (RFC 9309): a beginning, `*` for anything, `$` for the end."""
    is_anchored = pattern.endswith("$")
    first, *parts = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    # By hand: a hostile pattern of many stars would keep a regular expression busy for ever.
    last = parts.pop() if parts and is_anchored else None
    for part in parts:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    if last is not None:
        return len(path) - len(last) >= at and path.endswith(last)
    return not is_anchored or at == len(path)


def header_opt_out(headers: Mapping[str, str], agent: str, *, is_page: bool) -> str:
    """The opt-out that a reply's headers state (`X-Robots-Tag: noai`), or "".

    Args:
        headers: Names in lower case; several headers of a name joined by commas, but `x-robots-tag` by line breaks:
            the agent that one line names is not that of the next.
        agent: Our bare name.
        is_page: Whether the reply is a page; a feed with `noindex` only keeps the feed itself out of search results.
    """
    if headers.get("tdm-reservation", "").split(",")[0].strip() == "1":
        return "tdm-reservation: 1"
    tag = _refusing_tag(_directives(headers.get("x-robots-tag", ""), agent), is_page=is_page)
    return f"X-Robots-Tag: {tag}" if tag else ""


def _directives(value: str, agent: str) -> Iterator[str]:
    """Directives for everyone and for `agent` of X-Robots-Tag lines, in each of which `name:` begins one agent's."""
    for line in value.lower().split("\n"):
        is_ours = True
        for part in line.split(","):
            part = part.strip()
            found = re.match(r"(?!unavailable_after|max-)([\w.*-]+)\s*:\s*", part)
            if found:
                is_ours = found[1] in (agent.lower(), "*")
                part = part[found.end() :]
            if is_ours:
                yield part.replace(" ", "")


def _refusing_tag(directives: Iterator[str], *, is_page: bool) -> str:
    wanted = _AI_TAGS | _INDEX_TAGS if is_page else _AI_TAGS
    return next((tag for tag in directives if tag in wanted), "")


def page_opt_out(page: bytes, agent: str) -> str:
    """The opt-out that a page of HTML states in its head (`<meta name="robots" content="noai">`), or ""."""
    head = _markup(page[:_HEAD_BYTES])
    end = _HEAD_END.search(head)
    head = head[: end.start()] if end else head
    for meta in _META.finditer(head):
        fields = {
            name.decode("ascii", "replace").lower(): unescape((a or b or c).decode("utf-8", "replace"))
            for name, a, b, c in _ATTRIBUTE.findall(meta[0])
        }
        name = fields.get("name", "").strip().lower()
        content = fields.get("content", "").strip()
        if name == "tdm-reservation" and content == "1":
            return "tdm-reservation: 1"
        if name in ("robots", agent.lower()):
            tag = _refusing_tag((part.strip().replace(" ", "") for part in content.lower().split(",")), is_page=True)
            if tag:
                return f"{name}: {tag}"
    return ""


def _markup(html: bytes) -> bytes:
    """HTML without its comments, and without what stands in scripts, styles and titles: no tag there is one."""
    kept = []
    at = 0
    while found := _NOT_MARKUP.search(html, at):
        kept.append(html[at : found.start()])
        end = html.find(b"-->", found.start() + 2) if found[1] is None else _end_of(found[1].lower(), html, found.end())
        at = len(html) if end < 0 else end + 3
    return b"".join([*kept, html[at:]])


def _end_of(name: bytes, html: bytes, at: int) -> int:
    found = re.compile(rb"</" + name + rb"\b", re.IGNORECASE).search(html, at)
    return found.start() if found else -1
