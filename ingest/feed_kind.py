"""What the beginning of a file shows it to be: a feed, a list of feeds, or neither. Loads nothing to find out."""

from __future__ import annotations

import re
from typing import Literal

FeedKind = Literal["feed", "json feed", "opml"]

HEAD_BYTES = 65_536

# The first tag, behind marks of encodings, comments, processing instructions and a document type. Atomic, since a file
# of many comments and no tag would otherwise be read in every possible way.
ROOT = re.compile(
    rb"(?>(?>\s|\xef\xbb\xbf|\0|\xff\xfe|\xfe\xff|<!--.*?-->|<\?.*?\?>|<!doctype[^>\[]*(?:\[.*?\]\s*)?>)*)"
    rb"<\s*([a-z][\w:.-]*)",
    re.DOTALL | re.IGNORECASE,
)
_FEED_ROOTS = frozenset({b"rss", b"feed", b"rdf:rdf", b"rdf", b"channel", b"atom:feed", b"a:feed"})
_JSON_FEED = re.compile(rb'"version"\s*:\s*"https?:\\?/\\?/jsonfeed\.org\\?/version\\?/')


def feed_kind(head: bytes) -> FeedKind | None:
    """What the beginning of a file shows it to be; None for neither a feed nor a list of feeds."""
    start = head[:HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"{"):
        return "json feed" if _JSON_FEED.search(start) else None
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.replace(b"\0", b"")  # UTF-16: enough to see the first tag
    found = ROOT.match(start)
    if not found:
        return None
    root = found[1].lower()
    return "opml" if root == b"opml" else "feed" if root in _FEED_ROOTS else None
