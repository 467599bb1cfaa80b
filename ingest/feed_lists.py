"""Where feeds are listed: bytes of an OPML file → its feeds, and back; bytes of a site's page → the feeds it names.

Pure. Knows nothing about feeds themselves, fetching or storage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from lxml import etree

from index.errors import FeedError
from ingest.identity import web_address
from ingest.page_blocks import parse_html
from ingest.page_bytes import decode_page

MAX_OUTLINES = 5_000
_FEED_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml", "text/xml"}
)
_FEED_LINK = re.compile(r"(?:^|[/._-])(?:rss|feed|atom)(?:s|\d)?(?:\.(?:xml|rdf|json))?/?(?:\?.*)?$", re.IGNORECASE)
# The attribute for an outlet, which OPML itself has no word for.
_SOURCE = "newsquoteSource"


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed as an OPML file lists it."""

    url: str
    title: str = ""
    site: str = ""
    source: str = ""


def parse_opml(body: bytes, origin: str) -> tuple[list[Outline], int]:
    """The feeds that an OPML file lists, at any depth, none twice.

    Returns:
        The feeds, and how many more entries for one there are that no feed can be at, or too many.

    Raises:
        FeedError: It is no OPML, or lists no feed.
    """
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedError(origin, f"cannot be read as OPML ({error}).") from error
    if root is None or etree.QName(root.tag).localname.lower() != "opml":
        raise FeedError(origin, "is no OPML.")
    found: dict[str, Outline] = {}
    n_left_out = 0
    for element in root.iter():
        if not isinstance(element.tag, str) or etree.QName(element.tag).localname.lower() != "outline":
            continue
        fields = {str(name).lower(): str(value).strip() for name, value in element.attrib.items()}
        given = fields.get("xmlurl", "")
        url = web_address(given if ":" in given.partition("/")[0] else f"https://{given}", "") if given else ""
        if url and (url in found or len(found) < MAX_OUTLINES):
            title = fields.get("title") or fields.get("text", "")
            site, source = web_address(fields.get("htmlurl", ""), ""), fields.get(_SOURCE.lower(), "")
            found.setdefault(url, Outline(url, " ".join(title.split()), site, source))
        elif given:
            n_left_out += 1
    if not found:
        raise FeedError(origin, "lists no feed: no outline in it has an xmlUrl that is an address.")
    return list(found.values()), n_left_out


def opml(outlines: Sequence[Outline], created: str) -> bytes:
    """An OPML 2.0 file.

    Args:
        outlines: In the order wanted.
        created: RFC 2822 date of its making.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = "Feeds of newsquote"
    etree.SubElement(head, "dateCreated").text = created
    body = etree.SubElement(root, "body")
    for one in outlines:
        title = _xml_text(one.title) or one.url
        element = etree.SubElement(body, "outline", text=title, title=title, type="rss", xmlUrl=_xml_text(one.url))
        if one.site:
            element.set("htmlUrl", _xml_text(one.site))
        if one.source:
            element.set(_SOURCE, _xml_text(one.source))
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _xml_text(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def linked_feeds(page: bytes, url: str, charset: str = "") -> list[Outline]:
    """The feeds that a page of HTML names, the main one first: `<link rel=alternate>`, else links that look like one.

    Feeds of comments come last.
    """
    root = parse_html(decode_page(page, charset)[0])
    if root is None:
        return []
    base = next((urljoin(url, str(one.get("href"))) for one in root.iter("base") if one.get("href")), url)
    found: dict[str, Outline] = {}
    for link in root.iter("link"):
        kinds = str(link.get("rel") or "").lower().split()
        media_type = str(link.get("type") or "").lower().split(";")[0].strip()
        address = web_address(str(link.get("href") or ""), base)
        if address and (("alternate" in kinds and media_type in _FEED_TYPES) or "feed" in kinds):
            found.setdefault(address, Outline(address, " ".join(str(link.get("title") or "").split()), url))
    if not found:
        for anchor in root.iter("a"):
            address = web_address(str(anchor.get("href") or ""), base)
            if address and _FEED_LINK.search(urlsplit(address)._replace(scheme="", netloc="", fragment="").geturl()):
                found.setdefault(address, Outline(address, "", url))
    return sorted(found.values(), key=lambda one: "comment" in f"{one.url} {one.title}".lower())
