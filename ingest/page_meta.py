"""Title, dates, authors, address and language of a parsed page, each from the most trustworthy place.

Pure functions of the tree and of what JSON-LD said; they know nothing about the body text or the network,
and read no clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml.etree import _Element

from ingest.dates import read_date
from ingest.identity import is_same_site
from ingest.jsonld import LinkedArticle
from ingest.page_blocks import shown, words

_PUBLISHED_METAS = (
    "article:published_time", "article:published:time", "article:published", "og:article:published_time",
    "og:published_time", "og:pubdate", "datepublished", "parsely-pub-date", "publishdate", "publish_date",
    "publish-date", "published_at", "pubdate", "date", "dc.date", "dc.date.issued", "dcterms.date",
    "dcterms.created", "dc.date.created", "sailthru.date", "date.created", "date.available",
    "article.published", "cxenseparse:recs:publishtime", "cxenseparse:publishtime",
)  # fmt: skip
_UPDATED_METAS = (
    "article:modified_time", "article:modified:time", "article:modified", "og:updated_time",
    "og:article:modified_time", "datemodified", "dcterms.modified", "date.updated", "article.updated",
)  # fmt: skip
_AUTHOR_METAS = ("author", "article:author_name", "parsely-author", "byl", "sailthru.author", "dc.creator")
_URL_DAY = re.compile(r"(?<!\d)(20\d\d|19\d\d)([/_.-]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_URL_NAMED_DAY = re.compile(r"/(20\d\d)/(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*/(\d{1,2})(?!\d)", re.I)
# Longer ones are no headlines, and every separator costs a look at the rest.
_MAX_TITLE = 500
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?)?"
)
_NO_FUTURE_S = 2**40
_SEPARATOR = re.compile(r"\s+(?:[|·•»*–—-]+|::|[/~«‹⋆★])\s+|\s*[|»]\s*|(?<=\w):\s+")
# These stand inside headlines too: a title ends at one only before the site's name, not where a known headline does.
_IN_HEADLINES = frozenset({":", "::", "/", "~", "«", "‹", "⋆", "★"})
_QUOTES = tuple("\"'“”„‘’")
# Of a page with more headings and titles the first say what it is.
_MAX_HEADS = 10
_ENTITY = re.compile(r"&#?\w{2,8};")
_BYLINE = re.compile(r"^(?:by|von|par|por|di|door|av|af|od)\s+(?=[A-Z\u00c0-\u024f])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageMeta:
    """What a page says about itself; "" where it says nothing. Dates are ISO 8601.

    `is_locked`: It says that it is for subscribers only.
    """

    title: str
    published: str
    date_from: str
    updated: str
    authors: tuple[str, ...]
    url: str
    language: str
    is_locked: bool


def page_meta(root: _Element, linked: LinkedArticle, url: str, *, search_text: bool = True) -> PageMeta:
    """Reads everything.

    Args:
        root: The page's tree; not changed.
        linked: What its JSON-LD said.
        url: Where the page was found, or "".
        search_text: Whether a page that names no date is searched for one, which takes long on a large page.
    """
    metas = meta_values(root)
    address = page_address(root, metas, linked, url)
    published, date_from = _published(root, metas, linked, address or url)
    if not published and search_text:
        published = _htmldate(root, address or url)
        date_from = "text" if published else ""
    updated = next(filter(None, map(iso_date, [linked.updated, *_of(metas, _UPDATED_METAS)])), "")
    return PageMeta(
        title=page_title(root, metas, linked, address or url),
        published=published,
        date_from=date_from,
        updated=updated,
        authors=_authors(root, metas, linked),
        url=address,
        language=_language(root, metas, linked),
        # "metered" pages are shown whole to most readers.
        is_locked="locked" in map(str.lower, metas.get("article:content_tier", [])),
    )


def meta_values(root: _Element) -> dict[str, list[str]]:
    """Contents of the `<meta>` elements by lower-case name, property or itemprop, in page order."""
    found: dict[str, list[str]] = {}
    for element in root.iter("meta"):
        content = shown(element.get("content") or "")
        for key in ("property", "name", "itemprop", "http-equiv"):
            name = (element.get(key) or "").strip().lower()
            if name and content:
                found.setdefault(name, []).append(content)
    return found


def is_json_ld(script: _Element) -> bool:
    """Whether a `<script>` holds JSON-LD."""
    return "ld+json" in (script.get("type") or "").lower()


def _of(metas: dict[str, list[str]], names: Iterable[str]) -> list[str]:
    return [value for name in names for value in metas.get(name, [])]


def iso_date(written: str) -> str:
    """What sites write as a date, in ISO 8601 with a zone only where one is written; "" if unreadable.

    Reads what `read_date` does, and the beginning of what only begins in ISO (`2025-04-18T09:30:00+02:00[Berlin]`).
    The epoch is no date; the future is one here, as only the clock knows it.
    """
    date, problem = read_date(written, _NO_FUTURE_S)
    if date is None and problem == "unreadable" and (found := _ISO.match(written.strip())):
        date, _ = read_date(found.group(), _NO_FUTURE_S)
    return date or ""


def _published(root: _Element, metas: dict[str, list[str]], linked: LinkedArticle, url: str) -> tuple[str, str]:
    """When it was published and which field said so; the first readable one in order of trust."""
    from_metas = list(filter(None, map(iso_date, _of(metas, _PUBLISHED_METAS))))
    from_times = list(filter(None, map(iso_date, _times(root))))
    ranked = (("json-ld", [iso_date(linked.published)]), ("meta", from_metas), ("time", from_times))
    for name, dates in ranked:
        if dates and dates[0]:
            return _with_zone(dates[0], [*dates, *from_metas, *from_times]), name
    from_url = url_day(url)
    return (from_url, "url") if from_url else ("", "")


def _with_zone(date: str, others: Sequence[str]) -> str:
    """`date`, or the same wall-clock time with a zone where another field gives one."""
    if "T" not in date or datetime.fromisoformat(date).tzinfo:
        return date
    return next((other for other in others if other.startswith(date) and len(other) > len(date)), date)


def _times(root: _Element) -> list[str]:
    """`datetime` of `<time>` elements outside asides: marked as publication first, then in page order."""
    marked: list[str] = []
    plain: list[str] = []
    for element in root.iter("time", "span", "div", "p", "abbr"):
        role = f"{element.get('itemprop', '')} {element.get('class', '')} {element.get('pubdate', '')}".lower()
        value = element.get("datetime") or (element.get("content") if "datepublished" in role else None)
        if not value or any(parent.tag in ("aside", "nav", "footer") for parent in element.iterancestors()):
            continue
        if "modif" in role or "update" in role:
            continue
        (marked if "publi" in role or "pubdate" in role else plain).append(value)
    return marked + plain


def url_day(url: str) -> str:
    """The day written in an address (`/2025/04/18/`, `20250418`, `/2025/apr/18`), or ""."""
    path = urlsplit(url).path
    found = _URL_DAY.search(path)
    named = _URL_NAMED_DAY.search(path)
    try:
        if found:
            return datetime(int(found[1]), int(found[3]), int(found[4])).date().isoformat()
        if named:
            month = _MONTHS.index(named[2].lower()) + 1
            return datetime(int(named[1]), month, int(named[3])).date().isoformat()
    except ValueError:
        pass
    return ""


def _htmldate(root: _Element, url: str) -> str:
    """A day that htmldate finds where pages write theirs, or "". It gives no zone, hence its place at the end.

    Its search of all text is left out: that makes a date of a copyright line, of the address of a picture, of a
    year or a day in the story.
    """
    from copy import deepcopy

    from htmldate import find_date

    tree = deepcopy(root)  # it edits the tree
    # The day of a build, or of the picture for social networks, is not the article's.
    for script in tree.iter("script"):
        if not is_json_ld(script):
            script.text = None
    for meta in tree.iter("meta"):
        if (meta.get("property") or "").lower().startswith("og:image"):
            meta.attrib.clear()
    try:
        # Its default for the latest date is the clock's; the caller judges the future.
        found = find_date(tree, extensive_search=False, original_date=True, url=url or None, max_date="2100-01-01")
    except (ValueError, TypeError, AttributeError, OverflowError):
        return ""
    return found or ""


def page_title(root: _Element, metas: dict[str, list[str]], linked: LinkedArticle, url: str) -> str:
    """The headline without the site's name: what most places agree on, JSON-LD first among equals."""
    sites = [
        *metas.get("og:site_name", []),
        *metas.get("application-name", []),
        linked.publisher,
        _site_label(url),
    ]
    brands = _brands(sites)
    shown_heads = [shown("".join(element.itertext())) for element in islice(root.iter("h1"), _MAX_HEADS)]
    # Some templates make a heading of their logo.
    heads = [head for head in shown_heads if head and _brand(head) not in brands]
    document = [shown("".join(element.itertext())) for element in islice(root.iter("title"), 1)]
    og, twitter = (
        [_unescaped(title) for title in metas.get(name, [])[:_MAX_HEADS] if not _is_cut(title, [*heads, *document])]
        for name in ("og:title", "twitter:title")
    )
    candidates = [
        ([linked.headline], 1.0),
        (og[:1], 1.0),
        (heads[:1], 0.9),
        (twitter[:1], 0.4),
        (document, 0.5),
    ]
    known = [_fold(head) for head in [linked.headline, *og, *heads] if head]
    plain = [(without_site(title, sites, known), weight) for found, weight in candidates for title in found if title]
    votes: dict[str, float] = {}
    for title, weight in plain:
        votes[_fold(title)] = votes.get(_fold(title), 0.0) + weight
    # max keeps the first of equals, so the order above decides.
    return max(plain, key=lambda one: votes[_fold(one[0])], default=("", 0.0))[0]


def _unescaped(title: str) -> str:
    """An attribute that was escaped twice, as many templates do, escaped no more."""
    return _ENTITY.sub(lambda entity: unescape(entity[0]), title)


def _is_cut(title: str, wholes: Sequence[str]) -> bool:
    """Whether an attribute ends where a quotation mark of the headline was not escaped."""
    return any(whole.startswith(title) and whole[len(title) :].lstrip()[:1] in _QUOTES for whole in wholes)


def without_site(title: str, sites: Sequence[str], headlines: Sequence[str]) -> str:
    """`title` up to the separator behind which only the site's name follows, or a known folded headline ends.

    A separator inside a headline stays: a part is cut off only where it names one of `sites`, or where
    what is left is one of `headlines`.
    """
    if len(title) > _MAX_TITLE:
        return title
    names = _brands(sites)
    for found in _SEPARATOR.finditer(title):
        left, right, separator = title[: found.start()], title[found.end() :], found.group().strip()
        if not left:
            continue
        is_site = _brand(right) in names
        # "Headline | Section | Site": more parts may stand before the name.
        last_part = _brand(_SEPARATOR.split(right)[-1])
        ends_in_site = separator not in ("", ":") and last_part in names and len(words(right)) <= 5
        if is_site or ends_in_site or (_fold(left) in headlines and separator not in _IN_HEADLINES):
            return left.strip()
    return title


def _brands(sites: Iterable[str]) -> set[str]:
    return {brand for site in sites if (brand := _brand(site))}


def _brand(name: str) -> str:
    """What is equal of a site's name in titles, logos and domains: no spaces, no article in front."""
    return "".join(words(name)).removeprefix("the")


def _fold(title: str) -> str:
    return " ".join(words(title))


def _site_label(url: str) -> str:
    """`example` of `https://news.example.co.uk/…`, as sites call themselves in titles."""
    from courlan import extract_domain

    host = urlsplit(url).hostname or ""
    domain = extract_domain(url) if host else None
    return (domain or host).split(".")[0]


def page_address(root: _Element, metas: dict[str, list[str]], linked: LinkedArticle, url: str) -> str:
    """The address that the page calls its own, if it is on the registrable domain of `url`; else `url`.

    Args:
        url: Where it was found; "" takes the page's word.
    """
    links = [
        element.get("href") or ""
        for element in root.iter("link")
        if "canonical" in (element.get("rel") or "").lower().split()
    ]
    for written in [*links, *_of(metas, ("og:url",)), linked.url]:
        if not written.strip():
            continue
        try:
            address: str = urljoin(url, written.strip())
            parts = urlsplit(address)
            _ = parts.port
        except ValueError:
            continue
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            continue
        # A front page is nobody's article: careless templates name it on every page.
        if parts.path in ("", "/") and not parts.query:
            continue
        if not url or is_same_site(address, url):
            return address.split("#")[0]
    return url


def _authors(root: _Element, metas: dict[str, list[str]], linked: LinkedArticle) -> tuple[str, ...]:
    """Names of the byline in order, none twice: JSON-LD, meta, `rel=author` links."""
    links = [shown("".join(element.itertext())) for element in root.iter("a") if element.get("rel") == "author"]
    for names in (linked.authors, _of(metas, _AUTHOR_METAS), links):
        plain = [_BYLINE.sub("", shown(name)) for name in names if "://" not in name and len(name) < 200]
        plain = [name for name in dict.fromkeys(plain) if re.search(r"[^\W\d_]", name)]
        if plain:
            return tuple(plain)
    return ()


def _language(root: _Element, metas: dict[str, list[str]], linked: LinkedArticle) -> str:
    """What the page calls its language; "" where it names several, as a template left unset does: the text tells."""
    html = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    named = [html, linked.language, *_of(metas, ("content-language", "og:locale", "language"))]
    languages = {one.strip()[:2].lower() for one in named if re.match(r"[A-Za-z]{2}(?:[-_]|$)", one.strip())}
    return languages.pop() if len(languages) == 1 else ""
