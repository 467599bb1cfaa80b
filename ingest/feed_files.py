"""Files of the verbs on feeds: an OPML file to read or write, and whether a file is one. Knows nothing about feeds."""

from __future__ import annotations

import sys
from pathlib import Path

from index.errors import BadInput, FeedError
from ingest.feed_kind import HEAD_BYTES, feed_kind

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
    target = Path(path)
    temporary = target.with_name(f".{target.name}.part")
    try:
        temporary.write_bytes(body)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BadInput(f"{path} cannot be written ({error.strerror or error}); name another file.") from error


def listed_feeds(path: str) -> list[str]:
    """Addresses of the feeds that a file lists, if it is OPML by what it holds; none for any other file.

    Raises:
        BadInput: It is OPML and lists no feed.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, ValueError):
        return []  # whoever opens it as a source says so better
    if path == "-" or feed_kind(head) != "opml":
        return []
    from ingest.feeds import parse_opml

    try:
        return [one.url for one in parse_opml(read_file(path), path)]
    except FeedError as error:
        raise BadInput(str(error)) from error
