"""What a `Source` hands over: an article as found, before cleaning, or why there is none.

Knows nothing about storage or the index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def encodable(text: str) -> str:
    """`text` with U+FFFD for each half of a pair of surrogates, which neither UTF-8 nor SQLite can hold."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as its source gives it; every string untrusted and not yet normalised.

    Attributes:
        origin: Where it was found, for messages (`news.jsonl:17`, `page.html`).
        text: Plain text; paragraphs end in line breaks.
        url: As written, or "".
        title: "" where unknown.
        published: As written ("", ISO, RFC 2822, prose, an epoch, …); read by `ingest.dates`.
        updated: The same for the last update.
        date_from: Which field the publication date came from (`json-ld`, `meta`, `record`, `url`, …).
        source: Outlet, or "" to take the URL's host.
        authors: In order.
        language: ISO 639-1 or "".
        is_stub: The source itself knows that the text is only a part (`isAccessibleForFree: false`, …).
        warnings: Short words for what was repaired on the way (`latin-1`, …); counted in the report.
        part: Which part of the page at `url` it is, where the page holds several articles (an update of a live blog);
            `url` then leads to the part, and the part has an identity of its own.
        extra: Unknown fields of the record as a JSON object, or "" for none; kept and exported.
    """

    origin: str
    text: str
    url: str = ""
    title: str = ""
    published: str = ""
    updated: str = ""
    date_from: str = ""
    source: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    is_stub: bool = False
    warnings: tuple[str, ...] = ()
    extra: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that was read and is no article.

    Attributes:
        origin: Where it was found.
        reason: One of a few fixed phrases, for counting (`not JSON`, `no text`, …).
        detail: One sentence for a person, or "".
    """

    origin: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Retracted(Reject):
    """What an export says of an article that was retracted: it is none, and is to stay none.

    Attributes:
        id: What the article, or a page of updates only, is called.
        url: As it was given, or "".
        retracted_s: When it was retracted.
    """

    id: str = ""
    url: str = ""
    retracted_s: int = 0


@dataclass(frozen=True, slots=True)
class Flush:
    """Asks that all a source has given so far be made durable before it is asked for more.

    A slow source gives one now and then, and remembers how far it has come when it is asked for more.
    """


FLUSH = Flush()


class Source(Protocol):
    """Somewhere articles come from."""

    def articles(self) -> Iterator[Draft | Reject | Flush]:
        """Every article once, in a stable order; `BadInput` if the source cannot be read at all."""
        ...

    def progress(self) -> tuple[int, int | None]:
        """Bytes read, and bytes in all where known."""
        ...
