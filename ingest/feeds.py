"""Bytes of a feed → its entries and what it says of its rhythm.

RSS and Atom of every age go through feedparser, which is given bytes and nothing to open; JSON Feed is read here.
Entries keep their text as it came, to be made plain only where it is used (`entry_text`).
Knows nothing about fetching, schedules or storage, and not what time it is.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from calendar import timegm
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from index.errors import FeedError
from index.scripts import count_words
from ingest.dates import read_date
from ingest.draft import Draft, encodable
from ingest.feed_kind import HEAD_BYTES, ROOT, feed_kind
from ingest.identity import canonical_url, digest_of, web_address
from ingest.page_blocks import page_blocks, parse_html
from ingest.page_bytes import known_charset

# Media types to ask for where a feed is wanted.
FEED_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
MAX_FEED_BYTES = 20_000_000
# feedparser takes 0.3 ms an entry on a free core. Of a longer feed both ends are read, as it may be in either order.
MAX_ENTRIES = 1_000
MAX_TEXT_CHARS = 500_000
# feedparser takes up to 0.08 ms a tag, and time that grows with the square of a tag's attributes and of prefixes.
_MAX_TAGS = 200_000
_MAX_PREFIXES = 200
_MAX_TITLE_CHARS = 1_000
_MAX_KEY_CHARS = 2_000
# A description with fewer words than this is taken for a summary.
_FULL_WORDS = 150

_ENTRY_START = re.compile(rb"<(?:[\w-]+:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_NOT_TAGS = re.compile(rb"<!(?:\[CDATA\[.*?(?:\]\]>|\Z)|--.*?(?:-->|\Z))", re.DOTALL)
_CROWDED_TAG = re.compile(rb"""<[^\s<>!?/]+(?>\s+[^\s<>=/"']+\s*=\s*(?:"[^"<]*"|'[^'<]*')){200}""")
_PREFIX = re.compile(rb"\sxmlns:([^\s=]+)")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARATION = re.compile(rb"<\?xml\s[^<>]*\?>", re.IGNORECASE)
_DECLARED = re.compile(rb"""\sencoding\s*=\s*["']([\w.:-]{2,40})""", re.IGNORECASE)
# Half of a pair of surrogates, as a reference: no character, whatever made it.
_HALF_PAIR = re.compile(
    rb"&#(?:x0*d[89a-f][\da-f]{2}(?![\da-f])|0*5(?:529[6-9]|5[3-9]\d\d|6\d{3}|7[0-2]\d\d|73[0-3]\d|734[0-3])(?!\d));?",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>|&(?:#\d+|#x[0-9a-fA-F]+|\w+);")
_CUT_SHORT = re.compile(r"(?:(?:…|\.\.\.)\]?\s*+|(?:read|continue) (?:more|reading|on)\W*+)\Z", re.IGNORECASE)
_SKIPPED_HOURS = re.compile(rb"<skiphours\s*>", re.IGNORECASE)
_SKIPPED_DAYS = re.compile(rb"<skipdays\s*>", re.IGNORECASE)
_SKIPPED_END = re.compile(rb"</skip(?:hours|days)\s*>", re.IGNORECASE)
_SKIPPED_BYTES = 2_000
_WITHDRAWN = re.compile(rb"<(?:[\w-]+:)?deleted-entry\s[^<>]{0,4000}?\bref\s*=\s*(?:\"([^\"<>]+)\"|'([^'<>]+)')")
_PERIODS_S = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Later than any date that a feed can mean, for reading dates whose future is judged elsewhere.
_FAR_S = 253_402_300_799


class Entry(BaseModel):
    """One entry of a feed; every string untrusted. Its JSON is what waits in the queue.

    Attributes:
        guid: The feed's own name for it (guid, Atom id), or "".
        url: Absolute http(s) address of its article, or "".
        title: Plain text, or "".
        published: ISO 8601, or as written where that cannot be read; "" where the feed says nothing.
        updated: The same.
        authors: In order.
        language: ISO 639-1, or "".
        content: Text or HTML as it came.
        is_html: Which of the two.
        is_full: The feed gives it as the whole content, not as a summary.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    guid: str = ""
    url: str = ""
    title: str = ""
    published: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    content: str = ""
    is_html: bool = False
    is_full: bool = False

    @property
    def canonical(self) -> str:
        """The canonical URL of its article, or ""."""
        return (canonical_url(self.url) or "") if self.url else ""

    @property
    def page(self) -> str:
        """The address that is asked for, or ""; what comes after `#` names a place on it."""
        return self.url if "#!" in self.url else self.url.partition("#")[0]

    @property
    def key(self) -> bytes:
        """16 bytes that identify it within its feed: guid and canonical URL, or its words where it has neither.

        A guid that is used again for another address names another entry, and one address may carry several guids.
        """
        own = (self.guid, self.canonical) if self.guid or self.url else ("", "", self.title, self.content)
        return digest_of(own, 16)

    @property
    def stamp(self) -> bytes:
        """8 bytes over what changes when the publisher updates it: title and dates, not the text's small print."""
        return digest_of((self.title, self.published, self.updated), 8)

    def without_text(self) -> Entry:
        """What is worth keeping once its article is stored."""
        return self.model_copy(update={"content": ""})


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What a feed says about when to come back; all of it advice.

    Attributes:
        ttl_s: Seconds for which it may be kept (`ttl`, or `sy:updatePeriod` by `sy:updateFrequency`), or 0.
        skip_hours: Hours (UTC) in which it does not change.
        skip_days: Days of the week (0 for Monday) on which it does not change.
    """

    ttl_s: int = 0
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()

    def written(self) -> str:
        """In one word for the store; "" where it says nothing."""
        parts = [f"t{self.ttl_s}"] if self.ttl_s else []
        parts += [f"h{hour}" for hour in sorted(self.skip_hours)] + [f"d{day}" for day in sorted(self.skip_days)]
        return ",".join(parts)

    @classmethod
    def read(cls, written: str) -> Rhythm:
        """What `written` wrote."""
        numbers: dict[str, list[int]] = {"t": [0], "h": [], "d": []}
        for kind, number in re.findall(r"([thd])(\d+)", written):
            numbers[kind].append(int(number))
        return cls(numbers["t"][-1], frozenset(numbers["h"]), frozenset(numbers["d"]))


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed, read.

    Attributes:
        title: Plain text, or "".
        site: Address of the site it belongs to, or "".
        entries: In the feed's order; none twice.
        rhythm: When to come back.
        warnings: What was wrong with it and read nevertheless (`malformed`, `long`).
        withdrawn: Ids of entries that the publisher says were deleted (RFC 6721), and that it does not list again.
    """

    title: str
    site: str
    entries: tuple[Entry, ...]
    rhythm: Rhythm
    warnings: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def parse_feed(body: bytes, url: str, charset: str = "") -> Feed:
    """A feed's entries.

    Args:
        body: As fetched.
        url: Where it came from; relative addresses are read against it.
        charset: From the HTTP header; counts only where the feed itself names none.

    Raises:
        FeedError: It is no feed.
    """
    kind = feed_kind(body)
    if kind == "json feed":
        return _json_feed(body, url)
    if kind == "opml":
        raise FeedError(url, "is a list of feeds (OPML) and no feed; use `newsquote feeds import`.")
    if kind is None:
        raise FeedError(url, f"is {_what(body)} and no feed; name the feed's own address.")
    return _xml_feed(body, url, charset)


def _what(body: bytes) -> str:
    start = body[:HEAD_BYTES].lstrip()
    if not start:
        return "empty"
    found = ROOT.match(start)
    if found and found[1].lower() in (b"html", b"head", b"body"):
        return "a page of HTML"
    if start[:1] in (b"{", b"["):
        return "JSON"
    return f"markup that begins with <{found[1].decode('latin-1')[:40]}>" if found else "no markup"


# RSS and Atom -------------------------------------------------------------------------------------------------


def _xml_feed(body: bytes, url: str, charset: str) -> Feed:
    import feedparser

    body, charset = _from_first_tag(body, url, charset)
    body, is_cut = _readable(_HALF_PAIR.sub(b"&#65533;", body), url)
    headers = {"content-location": url}
    if charset:
        headers["content-type"] = f"application/xml; charset={charset}"
    try:
        # A stream: given a string, it would open what looks like an address or a file's name.
        found = feedparser.parse(
            io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError, AssertionError) as error:
        raise FeedError(url, f"cannot be read as a feed ({type(error).__name__}).") from error
    if not found.version and not found.entries:
        raise FeedError(url, "has the tags of a feed but nothing that belongs into one.")
    head = found.feed
    language = _language(_text(head, "language"))
    warnings = ("malformed",) * bool(found.bozo and not _is_harmless(found)) + ("long",) * is_cut
    entries = _distinct(_entry(raw, url, language, found.version) for raw in found.entries)
    return Feed(
        title=_plain(_text(head, "title"), is_html=True)[:_MAX_TITLE_CHARS],
        site=web_address(_text(head, "link"), url),
        entries=entries,
        rhythm=_rhythm(head, body),
        warnings=warnings,
        withdrawn=_withdrawn(body, entries),
    )


def _from_first_tag(body: bytes, url: str, charset: str) -> tuple[bytes, str]:
    """A feed from its first tag on, behind the XML declaration at most, and the charset where it names none itself.

    A document type would stand between: its entities let a short feed be of any length.
    """
    marked = next((name for bom, name in _BOMS if body.startswith(bom)), "")
    if marked:
        body, charset = body.decode(marked, "replace").encode("utf-8", "replace"), "utf-8"
    body = body.lstrip()
    root = ROOT.match(body)
    if root is None:
        raise FeedError(url, "has no tag of a feed.")
    start = body[body.rindex(b"<", 0, root.start(1)) :]
    declaration = _DECLARATION.match(body)
    declared = declaration and _DECLARED.search(declaration[0])
    if declaration and declared and not marked and known_charset(declared[1].decode("ascii")):
        return declaration[0] + start, ""
    return start, known_charset(charset)


def _withdrawn(body: bytes, entries: Sequence[Entry]) -> tuple[str, ...]:
    listed = {entry.guid for entry in entries}
    ids = (unescape((found[1] or found[2]).decode("utf-8", "replace")).strip() for found in _WITHDRAWN.finditer(body))
    return tuple(dict.fromkeys(one for one in ids if one and one not in listed))


def _readable(body: bytes, url: str) -> tuple[bytes, bool]:
    """A feed without the entries in its middle that are too many, or that would take minutes to read, and whether there
    were any.

    Raises:
        FeedError: What is left would take minutes too; real feeds have some fifty tags an entry.
    """
    markup = _NOT_TAGS.sub(lambda found: b" " * len(found[0]), body)
    # By their starts: not every one has an end.
    starts = [found.start() for found in _ENTRY_START.finditer(markup)]
    half = MAX_ENTRIES // 2
    while _n_tags(markup, middle := _middle(starts, half)) > _MAX_TAGS:
        half //= 2
        if half == 0:
            raise FeedError(url, "has more markup than any feed.")
    left = markup[: middle.start] + markup[middle.stop :]
    if _CROWDED_TAG.search(left) or len(set(_PREFIX.findall(left))) > _MAX_PREFIXES:
        raise FeedError(url, "has more markup than any feed.")
    return body[: middle.start] + body[middle.stop :], middle.stop > 0


def _middle(starts: Sequence[int], half: int) -> slice:
    """What stands between the first `half` of the entries that begin there and the last; nothing where so few do."""
    return slice(starts[half], starts[-half]) if len(starts) > 2 * half else slice(0, 0)


def _n_tags(markup: bytes, left_out: slice) -> int:
    return markup.count(b"<") - markup.count(b"<", left_out.start, left_out.stop)


def _is_harmless(found: Any) -> bool:
    """feedparser also complains of an encoding that is other than declared, and of a media type."""
    import feedparser

    harmless = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)
    return isinstance(found.get("bozo_exception"), harmless)


def _text(raw: dict[str, Any], name: str) -> str:
    # Not `raw.get`: feedparser's own reads other fields for a missing date, with a warning.
    value = dict.get(raw, name)
    return value.strip() if isinstance(value, str) else ""


def _entry(raw: Any, base: str, language: str, version: str) -> Entry:
    content, is_html, is_full = _content(raw)
    published = _date(raw, "published") or _date(raw, "created")
    updated = _date(raw, "updated")
    if not published:
        # `dc:date` in RSS is the day of publication; an Atom entry that has only one date has it in `updated`.
        published, updated = updated, "" if version.startswith("rss") else updated
    title = dict.get(raw, "title_detail") or {}
    return Entry(
        guid=_text(raw, "id")[:_MAX_KEY_CHARS],
        url=_entry_url(raw, base),
        title=_plain(_text(raw, "title"), is_html=title.get("type") != "text/plain")[:_MAX_TITLE_CHARS],
        published=published,
        updated=updated if updated != published else "",
        authors=_authors(raw),
        language=_language(str((dict.get(raw, "content") or [{}])[0].get("language") or "")) or language,
        content=content[:MAX_TEXT_CHARS],
        is_html=is_html,
        is_full=is_full,
    )


def _entry_url(raw: Any, base: str) -> str:
    """The address of the article, not of an enclosure, of comments or of a proxy that counts readers."""
    links = [link for link in dict.get(raw, "links") or [] if isinstance(link, dict) and link.get("href")]
    pages = [
        str(link["href"])
        for link in links
        if link.get("rel", "alternate") == "alternate" and "html" in str(link.get("type", "html"))
    ]
    for candidate in (_text(raw, "feedburner_origlink"), *pages, _text(raw, "link")):
        found = web_address(candidate, base)
        if found:
            return found
    return ""


def _content(raw: Any) -> tuple[str, bool, bool]:
    """An entry's text, whether it is HTML, and whether the feed gives it as the whole."""
    parts = [
        part
        for part in dict.get(raw, "content") or []
        if isinstance(part, dict) and str(part.get("value", "")).strip() and _is_text(str(part.get("type", "")))
    ]
    summary = _text(raw, "summary")
    detail = dict.get(raw, "summary_detail") or {}
    if parts:
        best = max(parts, key=lambda part: len(part["value"]))
        if len(best["value"]) >= len(summary) or not summary:
            return str(best["value"]).strip(), best.get("type") != "text/plain", True
    return summary, detail.get("type") != "text/plain", False


def _is_text(media_type: str) -> bool:
    return media_type.startswith("text/") or "html" in media_type or not media_type


def _authors(raw: Any) -> tuple[str, ...]:
    names = [str(one.get("name", "")) for one in dict.get(raw, "authors") or [] if isinstance(one, dict)]
    return tuple(dict.fromkeys(" ".join(_plain(name, is_html=True).split())[:200] for name in names if name.strip()))


def _date(raw: Any, name: str) -> str:
    """A date as ISO 8601 where it can be read, else as written."""
    written = _text(raw, name)
    if not written:
        return ""
    found, problem = read_date(written, _FAR_S)
    if found:
        return found
    parsed = dict.get(raw, f"{name}_parsed")
    if parsed is not None and problem == "unreadable":
        try:
            return datetime.fromtimestamp(timegm(parsed), UTC).isoformat(timespec="seconds")
        except (ValueError, TypeError, OverflowError, OSError):
            pass
    return written[:80]


def _rhythm(head: Any, body: bytes) -> Rhythm:
    ttl = _text(head, "ttl")
    ttl_s = int(ttl) * 60 if re.fullmatch(r"\d{1,6}", ttl) else 0
    period_s = _PERIODS_S.get(_text(head, "sy_updateperiod").lower(), 0)
    if period_s:
        frequency = _text(head, "sy_updatefrequency")
        times = max(1, int(frequency)) if re.fullmatch(r"\d{1,4}", frequency) else 1
        ttl_s = max(ttl_s, period_s // times)
    hours = {int(word) % 24 for word in re.findall(rb"\d{1,2}", _between(_SKIPPED_HOURS, body))}
    names = re.findall(r"[a-z]+", _between(_SKIPPED_DAYS, body).decode("latin-1").lower())
    days = {_DAYS.index(name) for name in names if name in _DAYS}
    return Rhythm(ttl_s, frozenset(hours), frozenset(days))


def _between(tags: re.Pattern[bytes], body: bytes) -> bytes:
    # feedparser keeps only the last one of several.
    found = tags.search(body)
    end = _SKIPPED_END.search(body, found.end(), found.end() + _SKIPPED_BYTES) if found else None
    return body[found.end() : end.start()] if found and end else b""


# JSON Feed ----------------------------------------------------------------------------------------------------


def _json_feed(body: bytes, url: str) -> Feed:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedError(url, "begins like a JSON feed but is no JSON.") from error
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        raise FeedError(url, "is a JSON feed without items.")
    language = _language(_string(found, "language"))
    items = [item for item in found["items"] if isinstance(item, dict)]
    half = MAX_ENTRIES // 2
    is_cut = len(items) > MAX_ENTRIES
    kept = items[:half] + items[-half:] if is_cut else items
    return Feed(
        title=" ".join(_string(found, "title").split())[:_MAX_TITLE_CHARS],
        site=web_address(_string(found, "home_page_url"), url),
        entries=_distinct(_json_entry(item, url, language) for item in kept),
        rhythm=Rhythm(),
        warnings=("long",) * is_cut,
    )


def _string(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    return encodable(value).strip() if isinstance(value, str) else str(value) if type(value) is int else ""


def _json_entry(item: Mapping[str, object], base: str, language: str) -> Entry:
    html, plain = _string(item, "content_html"), _string(item, "content_text")
    named = [item.get("author"), *_list(item.get("authors"))]
    names = (_string(one, "name")[:200] for one in named if isinstance(one, dict))
    return Entry(
        guid=_string(item, "id")[:_MAX_KEY_CHARS],
        url=web_address(_string(item, "url"), base) or web_address(_string(item, "external_url"), base),
        title=" ".join(_string(item, "title").split())[:_MAX_TITLE_CHARS],
        published=_string(item, "date_published")[:80],
        updated=_string(item, "date_modified")[:80],
        authors=tuple(dict.fromkeys(name for name in names if name)),
        language=_language(_string(item, "language")) or language,
        content=(html or plain or _string(item, "summary"))[:MAX_TEXT_CHARS],
        is_html=bool(html),
        is_full=bool(html or plain),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


# Text ---------------------------------------------------------------------------------------------------------


def entry_text(entry: Entry) -> str:
    """An entry's text, paragraphs separated by blank lines."""
    if not entry.is_html or not _MARKUP.search(entry.content):
        return entry.content.strip()
    root = parse_html(entry.content)
    return "" if root is None else "\n\n".join(block.text for block in page_blocks(root))


def is_whole(entry: Entry, text: str) -> bool:
    """Whether `text`, which is the entry's, seems to be all of the article."""
    return not _CUT_SHORT.search(text) and (entry.is_full or count_words(text) >= _FULL_WORDS)


def entry_draft(entry: Entry, feed_url: str, *, origin: str, source: str = "", text: str | None = None) -> Draft:
    """The article as the feed itself gives it.

    Args:
        entry: Of the feed.
        feed_url: The feed's address, which the draft remembers.
        origin: For messages.
        source: The outlet, or "".
        text: `entry_text(entry)`, where it is known already.
    """
    text = entry_text(entry) if text is None else text
    whole = is_whole(entry, text)
    return Draft(
        origin=origin,
        text=text,
        url=entry.url,
        title=entry.title,
        published=entry.published,
        updated=entry.updated,
        date_from="feed" if entry.published else "",
        source=source,
        authors=entry.authors,
        language=entry.language,
        is_stub=not whole,
        extra=provenance(feed_url, "feed content" if entry.is_full else "feed summary"),
    )


def provenance(feed_url: str, text_from: str, extra: str = "") -> str:
    """`Draft.extra` with a note by which feed an article came, and whether its text is the page's or the feed's."""
    fields = json.loads(extra) if extra else {}
    return json.dumps({**fields, "feed": {"url": feed_url, "text_from": text_from}}, ensure_ascii=False)


def read_entry(text: str) -> Entry:
    """An entry from its JSON; an empty one where it cannot be read."""
    try:
        return Entry.model_validate_json(text)
    except ValidationError:
        return Entry()


def _plain(text: str, *, is_html: bool) -> str:
    """A title in one line, without tags and entities where it may have any."""
    if is_html and _MARKUP.search(text):
        root = parse_html(f"<div>{text}</div>")
        text = text if root is None else "".join(root.itertext())
    return " ".join(text.split())


def _language(code: str) -> str:
    found = re.match(r"([A-Za-z]{2})(?:[-_]|\Z)", code.strip())
    return found[1].lower() if found else ""


def _distinct(entries: Iterator[Entry]) -> tuple[Entry, ...]:
    """Entries that say something, the first of each key."""
    found: dict[bytes, Entry] = {}
    for entry in entries:
        if entry.url or entry.content or entry.title:
            found.setdefault(entry.key, entry)
    return tuple(found.values())
