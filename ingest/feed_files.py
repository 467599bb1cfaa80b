"""Files that list addresses: an OPML file to read or write, a sitemap, and whether a file is one of them.

Knows nothing about feeds.
"""

from __future__ import annotations

import sys
from pathlib import Path

from index.errors import BadInput, FeedError
from index.files import whole_file
from ingest.feed_kind import HEAD_BYTES, feed_kind
from ingest.sitemaps import MAX_SITEMAP_BYTES, is_sitemap_file

MAX_BYTES = 20_000_000


def read_file(path: str) -> bytes:
    """All of a file, or of standard input for `-`.

    Raises:
        BadInput: It cannot be read, or is too long for a list of feeds.
    """
    try:
        if path == "-":
            body = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({(error.strerror or str(error)).lower()}); name an OPML file."
        ) from error
    if len(body) > MAX_BYTES:
        raise BadInput(f"{path} has more than {MAX_BYTES:,} bytes, which is no list of feeds; name an OPML file.")
    return body


def write_file(path: str, body: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        BadInput: It cannot be written.
    """
    try:
        with whole_file(Path(path)) as file:
            file.write(body)
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror or error}); name another file.") from error


def listed_feeds(path: str) -> list[str]:
    """Addresses of the feeds that a file lists, if it is OPML by what it holds; none for any other file.

    Raises:
        BadInput: It is OPML and lists no feed.
    """
    if path == "-" or feed_kind(_head(path)) != "opml":
        return []
    from ingest.feed_lists import parse_opml

    try:
        listed, n_left_out = parse_opml(read_file(path), path)
    except FeedError as error:
        raise BadInput(str(error)) from error
    if n_left_out:
        print(left_out(path, n_left_out), file=sys.stderr)
    return [one.url for one in listed]


def left_out(path: str, n: int) -> str:
    """A line on what was passed over in a list of feeds."""
    return f"{path}: {n:,} {'entry was' if n == 1 else 'entries were'} left out: no http or https address of a feed"


def sitemap_file(path: str) -> bytes | None:
    """A sitemap, if a file is one by what it holds; zipped where the file is.

    Raises:
        BadInput: It is longer than a sitemap may be.
    """
    if path == "-" or not is_sitemap_file(_head(path)):
        return None
    with Path(path).open("rb") as file:
        body = file.read(MAX_SITEMAP_BYTES + 1)
    if len(body) > MAX_SITEMAP_BYTES:
        raise BadInput(f"{path} has more than {MAX_SITEMAP_BYTES:,} bytes, the most for a sitemap; split it.")
    return body


def _head(path: str) -> bytes:
    """The first bytes of a file, or none where it cannot be read: whoever opens it as a source says so better.

    Of a pipe none either: what is read from it now would be missing in its articles.
    """
    try:
        if not Path(path).is_file():
            return b""
        with Path(path).open("rb") as file:
            return file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return b""
