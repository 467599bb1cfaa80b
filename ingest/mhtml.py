"""A page that a browser saved in one file (MHTML, RFC 2557), or a mail with a page in it → the page's bytes.

Knows nothing about articles. The parts are told apart here, and only their headers and encodings left to `email`,
whose own reader takes ever longer on parts within parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from itertools import islice

_MAX_HEAD_BYTES = 16_384
_MAX_DEPTH = 4
_MAX_PARTS = 2_000
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_VERSION = re.compile(rb"^MIME-Version:", re.IGNORECASE | re.MULTILINE)
_MULTIPART = re.compile(rb"^Content-Type:\s*multipart/", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SavedPage:
    """The first page of HTML in a message.

    Attributes:
        html: Its bytes, decoded from base64 or quoted-printable.
        charset: As its header names it, or "".
        url: Where it was saved, or "".
    """

    html: bytes
    charset: str
    url: str


def is_mhtml(head: bytes) -> bool:
    """Whether the beginning of a file is the head of a message of several parts."""
    first = _head(head)
    return bool(_VERSION.search(first) and _MULTIPART.search(first))


def saved_page(message: bytes) -> SavedPage | None:
    """The page in a message; None where it holds none."""
    message = message.lstrip()
    top = _parsed(_head(message))
    for head, part in islice(_parts(message), _MAX_PARTS):
        if head.get_content_type() == "text/html":
            html = _parsed(part).get_payload(decode=True)
            url = _address(top, "Snapshot-Content-Location") or _address(head, "Content-Location")
            return SavedPage(html if isinstance(html, bytes) else b"", head.get_content_charset() or "", url)
    return None


def _parts(message: bytes, depth: int = 0) -> Iterator[tuple[Message, bytes]]:
    """A message and the parts in it, in order, each as its head and as a whole."""
    head = _parsed(_head(message))
    yield head, message
    boundary = head.get_boundary() if head.get_content_maintype() == "multipart" else None
    if boundary and depth < _MAX_DEPTH:
        for part in message.split(b"\n--" + boundary.encode("utf-8", "surrogateescape"))[1:]:
            yield from _parts(part.partition(b"\n")[2], depth + 1)


def _head(message: bytes) -> bytes:
    found = _END_OF_HEAD.search(message, 0, _MAX_HEAD_BYTES)
    return message[: found.end() if found else _MAX_HEAD_BYTES]


def _parsed(message: bytes) -> Message:
    return BytesHeaderParser().parsebytes(message)


def _address(message: Message, name: str) -> str:
    # A long address may be written on several lines.
    address = "".join(str(message.get(name, "")).split())
    return address if address.startswith(("http://", "https://")) else ""
