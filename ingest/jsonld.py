"""What a page says about its article in JSON-LD (schema.org), tolerant of how sites really write it.

Knows nothing about HTML trees or the network: text of the `<script>` elements in, a frozen value out.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from itertools import islice
from urllib.parse import urljoin

from ingest.draft import encodable
from ingest.identity import canonical_url

# fmt: off
_ARTICLE_TYPES = frozenset({
    "Article", "NewsArticle", "ReportageNewsArticle", "AnalysisNewsArticle", "OpinionNewsArticle",
    "BackgroundNewsArticle", "AskPublicNewsArticle", "ReviewNewsArticle", "AdvertiserContentArticle",
    "SatiricalArticle", "ScholarlyArticle", "LiveBlogPosting", "BlogPosting", "Report", "TechArticle",
})
# fmt: on
_LISTING_TYPES = frozenset({"CollectionPage", "ItemList", "SearchResultsPage"})
_DENIALS = frozenset({"false", "no", "0"})
_MAX_DEPTH = 12
_MAX_NODES = 5_000
_MAX_NAMES = 200
_MAX_UPDATES = 5_000
# What closes it stands behind the JSON, where nothing is read.
_CDATA = re.compile(r"^\s*(?://\s*)?<!(?:\[CDATA\[|--)")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
# One string property, for JSON that cannot be parsed at all.
_LOOSE = r'"%s"\s*:\s*"((?:[^"\\]|\\.)*)"'


@dataclass(frozen=True, slots=True)
class Update:
    """One entry of a live blog; every field may be empty, dates and body are as written.

    `url` may be no more than a fragment (`#block-7`).
    """

    published: str
    headline: str
    body: str
    updated: str = ""
    url: str = ""
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkedArticle:
    """The article that a page describes; strings unescaped and as written, "" where not given.

    Attributes:
        body: `articleBody` as written; may hold HTML, may be a teaser.
        is_free: False only where the page says so.
        is_listing: The page calls itself a list of articles and describes none.
        updates: Entries of a live blog, in page order.
    """

    kind: str = ""
    headline: str = ""
    description: str = ""
    published: str = ""
    updated: str = ""
    authors: tuple[str, ...] = ()
    publisher: str = ""
    url: str = ""
    language: str = ""
    body: str = ""
    correction: str = ""
    is_free: bool = True
    is_listing: bool = False
    updates: tuple[Update, ...] = ()


def linked_article(scripts: Sequence[str], *urls: str) -> LinkedArticle:
    """The article described by the JSON-LD `scripts` of one page; empty fields if there is none.

    Where several are described (related stories, a list), a live blog that may be this page wins, then the one
    whose address is one of `urls`, then one without an address, then the one with the most said about it, then
    the first.

    Args:
        scripts: Their text.
        urls: Where the page was found and what it calls its own address, as far as known.
    """
    nodes: list[dict[str, object]] = []
    loose: list[str] = []
    for script in scripts:
        parsed = _parse(script)
        if parsed is None:
            loose.append(script)
        else:
            nodes.extend(_walk(parsed))
    by_id = {_id(node): node for node in nodes if _id(node) and not _is_reference(node)}
    entries = {id(node): _entries(node["liveBlogUpdate"], by_id) for node in nodes if node.get("liveBlogUpdate")}
    # An update's address is that of its live blog, of which it is only a part.
    parts = {id(entry) for found in entries.values() for entry in found}
    articles = [node for node in nodes if _types(node) & _ARTICLE_TYPES and id(node) not in parts]

    known = [(url, canonical_url(url)) for url in dict.fromkeys(urls) if url]

    def likeness(node: dict[str, object]) -> int:
        return max((_likeness(node, url, page) for url, page in known), default=_NAMES_NONE)

    def rank(node: dict[str, object]) -> tuple[bool, int, tuple[int, int]]:
        likely = likeness(node)
        # Beside it, many sites describe the same page once more as an article without its updates.
        is_live = likely > _NAMES_ANOTHER and len(entries.get(id(node), ())) > 1
        return is_live, likely, _richness(node)

    if articles:
        pages = [node for node in nodes if "WebPage" in _types(node) and likeness(node) > _NAMES_ANOTHER]
        return _article(max(articles, key=rank), by_id, pages)
    for script in loose:
        found = _loose_article(script)
        if found.headline or found.published:
            return found
    return LinkedArticle(is_listing=any(_types(node) & _LISTING_TYPES for node in nodes))


def _parse(script: str) -> object | None:
    """The JSON of one script element; None if it cannot be repaired."""
    text = _CDATA.sub("", script).strip()
    for attempt in (text, _TRAILING_COMMA.sub(r"\1", text)):
        try:
            # strict=False: raw line breaks inside strings are the commonest mistake.
            parsed: object = json.JSONDecoder(strict=False).raw_decode(attempt)[0]
        except (ValueError, RecursionError):
            continue
        return parsed
    return None


def _walk(value: object) -> Iterator[dict[str, object]]:
    """Every object inside `value`, outermost first, without descending for ever."""
    queue: deque[tuple[object, int]] = deque([(value, 0)])
    n_seen = 0
    while queue and n_seen < _MAX_NODES:
        current, depth = queue.popleft()
        n_seen += 1
        if depth > _MAX_DEPTH:
            continue
        if isinstance(current, list):
            queue.extend((item, depth + 1) for item in current)
        elif isinstance(current, dict):
            yield current
            queue.extend((item, depth + 1) for item in current.values() if isinstance(item, dict | list))


def _types(node: dict[str, object]) -> set[str]:
    kinds = node.get("@type")
    names = kinds if isinstance(kinds, list) else [kinds]
    return {name.rsplit("/", 1)[-1].removeprefix("schema:") for name in names if isinstance(name, str)}


def _id(node: dict[str, object]) -> str:
    """The name by which others refer to a node; "" where it has none."""
    name = node.get("@id")
    return name if isinstance(name, str) else ""


def _is_reference(node: dict[str, object]) -> bool:
    return node.keys() <= {"@id", "@type"}


# A description is held against each address of the page in turn.
_identity = lru_cache(maxsize=16)(canonical_url)
# How sure it is that a description is of the page at an address.
_NAMES_ANOTHER, _NAMES_NONE, _NAMES_NEARLY, _NAMES_IT = range(4)


def _likeness(node: dict[str, object], url: str, page: str | None) -> int:
    """Whether a description names `url` as its page: for sure, but for the query, no page at all, or another.

    `page` is the identity of `url`.
    """
    try:
        named, names = (
            [urljoin(url, address) for key in keys if (address := _address(node.get(key)))]
            for keys in (("url", "mainEntityOfPage"), ("@id",))
        )
    except ValueError:
        return _NAMES_NONE
    found = [*named, *names]
    if page is not None and page in map(_identity, found):
        return _NAMES_IT
    if _bare(url) in map(_bare, found):
        return _NAMES_NEARLY
    # An `@id` may be any name, and the site's root is where a lazy template points: they name no other page.
    return _NAMES_ANOTHER if any("/" in _bare(address) for address in named) else _NAMES_NONE


def _bare(url: str) -> str:
    return re.sub(r"^https?://(?:www\.)?|[?#](?s:.*)|/$", "", url)


def _richness(node: dict[str, object]) -> tuple[int, int]:
    wanted = "headline datePublished author articleBody liveBlogUpdate mainEntityOfPage dateModified"
    body = node.get("articleBody")
    return sum(bool(node.get(key)) for key in wanted.split()), len(body) if isinstance(body, str) else 0


def _article(
    node: dict[str, object], by_id: dict[str, dict[str, object]], pages: Sequence[dict[str, object]]
) -> LinkedArticle:
    kinds = sorted(_types(node) & _ARTICLE_TYPES)
    publishers = _names(node.get("publisher"), by_id)
    return LinkedArticle(
        kind="LiveBlogPosting" if "LiveBlogPosting" in kinds else kinds[0],
        headline=_plain(node.get("headline")) or _plain(node.get("name")),
        description=_plain(node.get("description")),
        published=_plain(node.get("datePublished")),
        updated=_plain(node.get("dateModified")),
        authors=_names(node.get("author") or node.get("creator"), by_id),
        publisher=publishers[0] if publishers else "",
        url=_address(node.get("mainEntityOfPage")) or _address(node.get("url")),
        language=_language(node.get("inLanguage")),
        body=_text(node.get("articleBody")),
        correction=_correction(node.get("correction")),
        is_free=_is_free(node, pages),
        updates=_updates(_entries(node.get("liveBlogUpdate"), by_id), by_id),
    )


def _is_free(node: dict[str, object], pages: Sequence[dict[str, object]]) -> bool:
    """Whether the article is for free; where it does not say, whether no part of it and no page of it denies it."""
    parts = [part for part in _listed(node.get("hasPart")) if isinstance(part, dict)]
    said = _free(node)
    return said not in _DENIALS if said else all(_free(one) not in _DENIALS for one in (*parts, *pages))


def _free(node: dict[str, object]) -> str:
    return _plain(node.get("isAccessibleForFree")).rsplit("/", 1)[-1].casefold()


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _entries(value: object, by_id: dict[str, dict[str, object]]) -> list[dict[str, object]]:
    """A live blog's entries, also where they are wrapped in an `ItemList` or stand elsewhere on the page."""
    listed = (one for item in _listed(value) for one in _listed(_inside(item, "itemListElement")))
    items = islice((_inside(one, "item") for one in listed), _MAX_UPDATES)
    found = [item for item in items if isinstance(item, dict)]
    return [by_id.get(_id(entry), entry) if _is_reference(entry) else entry for entry in found]


def _inside(value: object, name: str) -> object:
    """What an object wraps under `name`; itself where it wraps nothing."""
    return value.get(name, value) if isinstance(value, dict) else value


def _updates(entries: Sequence[dict[str, object]], by_id: dict[str, dict[str, object]]) -> tuple[Update, ...]:
    return tuple(
        Update(
            _plain(entry.get("datePublished")),
            _plain(entry.get("headline")),
            next(filter(None, (_text(entry.get(key)) for key in ("articleBody", "text", "description"))), ""),
            _plain(entry.get("dateModified")),
            _place(entry),
            _names(entry.get("author"), by_id),
        )
        for entry in entries
    )


def _place(entry: dict[str, object]) -> str:
    """An update's address, rather one with a fragment than the whole page's."""
    found = [_address(entry.get(key), ("http://", "https://", "/", "#")) for key in ("url", "@id", "mainEntityOfPage")]
    return next((one for one in found if "#" in one), "") or next(filter(None, found), "")


def _loose_article(script: str) -> LinkedArticle:
    """The few fields that can be read from broken JSON; only if an article is its first subject."""
    if not any(f'"{kind}"' in script for kind in ("NewsArticle", "Article", "ReportageNewsArticle", "LiveBlogPosting")):
        return LinkedArticle()

    def field(name: str) -> str:
        found = re.search(_LOOSE % name, script)
        if not found:
            return ""
        try:
            return _plain(json.loads(f'"{found.group(1)}"', strict=False))
        except ValueError:
            return _plain(found.group(1))

    return LinkedArticle(
        kind="NewsArticle",
        headline=field("headline"),
        published=field("datePublished"),
        updated=field("dateModified"),
        language=field("inLanguage")[:2].lower(),
        is_free=not re.search(r'"isAccessibleForFree"\s*:\s*"?false', script, re.IGNORECASE),
    )


def _text(value: object, depth: int = 0) -> str:
    """A string with its line breaks; lists are joined as paragraphs, as deep as anybody writes them."""
    if isinstance(value, list):
        return "\n\n".join(filter(None, (_text(item, depth + 1) for item in value))) if depth < _MAX_DEPTH else ""
    if isinstance(value, dict):
        value = value.get("@value") or value.get("text")
    return encodable(value).strip() if isinstance(value, str) else ""


def _plain(value: object) -> str:
    """One line: unescaped (twice, since many templates escape twice), white space collapsed."""
    if isinstance(value, list):
        value = next((item for item in value if item), "")
    if isinstance(value, dict):
        value = value.get("@value", "")
    if isinstance(value, bool | int | float):
        return str(value)
    return " ".join(encodable(unescape(unescape(value))).split()) if isinstance(value, str) else ""


def _address(value: object, beginnings: tuple[str, ...] = ("http://", "https://", "/")) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url") or ""
    text = encodable(value).strip() if isinstance(value, str) else ""
    return text if text.startswith(beginnings) else ""


def _names(value: object, by_id: dict[str, dict[str, object]]) -> tuple[str, ...]:
    """Names of people or bodies, in order, none twice; references by `@id` are followed once."""
    names: dict[str, None] = {}
    for item in _listed(value):
        if isinstance(item, dict) and "name" not in item:
            item = by_id.get(_id(item), item)
        name = item.get("name") if isinstance(item, dict) else item
        for one in name if isinstance(name, list) else [name]:
            text = _plain(one)
            if text and "://" not in text:
                names[text] = None
            if len(names) >= _MAX_NAMES:
                return tuple(names)
    return tuple(names)


def _language(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("alternateName") or value.get("name")
    text = _plain(value)
    return text[:2].lower() if re.match(r"[A-Za-z]{2}(?:[-_]|$)", text) else ""


def _correction(value: object, depth: int = 0) -> str:
    if isinstance(value, list):
        return "\n".join(filter(None, (_correction(item, depth + 1) for item in value))) if depth < _MAX_DEPTH else ""
    if isinstance(value, dict):
        value = value.get("text")
    return _plain(value)
