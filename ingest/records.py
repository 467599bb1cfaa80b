"""Records of loosely named fields, and of JSON lines and JSON arrays, read one at a time into drafts.

Field names are matched without regard to case, spaces, dashes and underscores, so `publishedAt`,
`published_at` and `Published at` are one. Of several names for one field the first in `FIELDS` that is not
blank is taken. Every field that is not used is kept in `Draft.extra`. Of keys that stand twice in one
object the last counts, as the standard library has it.

Reasons given: `not JSON`, `no JSON object`, `nested too deeply`, `number too long`, `no text`,
`text is no string`, `line too long`, `record too long`, `array not closed`.
Warnings given: `latin-1`, `NUL`, `lone surrogate`, `odd FIELD`.

Knows nothing about files, HTML, dates or storage.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

from ingest.draft import Draft, Reject, Retracted, encodable
from ingest.folders import MAX_LINE_BYTES, ByteStream
from ingest.identity import is_identity

FIELDS: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "link", "article url", "canonical url", "web url", "permalink", "href"),
    "title": ("title", "headline", "web title", "article title"),
    "published": (
        *("published", "published at", "published on", "published date", "date published", "publish date"),
        *("date publish", "publication date", "web publication date", "pub date", "date", "datetime", "timestamp"),
    ),
    "updated": ("updated", "updated at", "modified", "modified at", "date modified", "date modify", "last modified"),
    "source": ("source", "source name", "outlet", "publisher", "publication", "newspaper", "site name", "site"),
    "authors": ("authors", "author", "byline", "creator"),
    "text": ("text", "body", "content", "article body", "main text", "maintext", "full text", "article"),
    "language": ("language", "lang", "in language"),
}

# Under this key an export says what no other source does.
EXPORTED = "newsquote"
_LAST_S = 253_402_300_799  # the last second of the last year that is written with four digits

_RANKS = {name.replace(" ", ""): (field, rank) for field, names in FIELDS.items() for rank, name in enumerate(names)}
_LONGEST_NAME = max(map(len, _RANKS)) * 2

# News APIs cut the text of unpaid answers and say so in this way.
_CUT_NOTE = re.compile(r"\[\+\d+ chars\]\s*\Z")
# What Windows-1252 makes of bytes that are no UTF-8; its five unused bytes are read as Latin-1.
_LEGACY = {0xDC00 + byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0x100)}

_IN_STRING = re.compile(rb'["\\]')
_OUTSIDE = re.compile(rb'[",\[\]{}]')
_LIST_IN_WRITING = re.compile(r"\s*\[(.*)\]\s*", re.DOTALL)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller knows about the articles of a source; each "" where nothing was said."""

    url: str = ""
    title: str = ""
    published: str = ""
    source: str = ""

    def over(self, draft: Draft) -> Draft:
        """The draft of a file that is one article; what the caller gave goes before what the file says."""
        return self._filled(draft, {name: value for name, value in self._values().items() if value})

    def under(self, draft: Draft) -> Draft:
        """A draft of many; what the caller gave stands in only where the record says nothing."""
        missing = {name: value for name, value in self._values().items() if value and not getattr(draft, name)}
        return self._filled(draft, missing)

    def _values(self) -> dict[str, str]:
        return {"url": self.url, "title": self.title, "published": self.published, "source": self.source}

    def _filled(self, draft: Draft, values: dict[str, str]) -> Draft:
        if not values:
            return draft
        date_from = "option" if "published" in values else draft.date_from
        return replace(draft, date_from=date_from, **values)  # type: ignore[arg-type]


def decoded(raw: bytes) -> tuple[str, bool]:
    """Bytes as text, and whether some of them were no UTF-8 and had to be read as Windows-1252."""
    try:
        return raw.decode(), False
    except UnicodeDecodeError:
        # Only the bad bytes are reread, so that one stray byte does not garble a whole UTF-8 line.
        return raw.decode("utf-8", "surrogateescape").translate(_LEGACY), True


def from_json(raw: bytes, origin: str) -> Draft | Reject:
    """The article that one JSON object is."""
    text, is_legacy = decoded(raw)
    try:
        record = _DECODER.decode(text)
        if not isinstance(record, dict):
            return Reject(origin, "no JSON object", f"{origin} is JSON but no object: {_json_kind(record)}")
        return from_record(record, origin, ("latin-1",) if is_legacy else ())
    except json.JSONDecodeError as error:
        return Reject(origin, "not JSON", f"{origin} is not JSON: {error.msg} at its character {error.pos + 1}")
    except ValueError:
        return Reject(origin, "number too long", f"{origin} holds a number of thousands of digits")
    except RecursionError:
        return Reject(origin, "nested too deeply", f"{origin} is JSON nested too deeply to read")


def from_record(record: Mapping[str, object], origin: str, warnings: Sequence[str] = ()) -> Draft | Reject:
    """The article that a record of loosely named fields is.

    Args:
        record: Values as JSON gives them.
        origin: Where the record stands, for messages.
        warnings: What had to be repaired to read it.
    """
    known, extra = _by_field(record)
    text = known.pop("text", None)
    if text is None and (retracted := _retracted(record, origin)) is not None:
        return retracted
    if text is None:
        return Reject(origin, "no text", f"{origin} has no text; its fields are {_names(record)}")
    if not isinstance(text, str):
        return Reject(origin, "text is no string", f"{origin} has a text that is {_json_kind(text)}, no string")
    authors = known.pop("authors", None)
    odd = []
    values = {}
    for field, value in known.items():
        string = _language(value) if field == "language" else _string(value)
        if string:
            values[field] = string
        else:
            odd.append(f"odd {field}")
            extra[field] = value
    repair = _Repair(warnings)
    text = repair(text)
    if not text.strip():
        return Reject(origin, "no text", f"{origin} has a text of NUL characters only")
    return Draft(
        origin=origin,
        text=text,
        url=repair(values.get("url", "")),
        title=repair(values.get("title", "")),
        published=repair(values.get("published", "")),
        updated=repair(values.get("updated", "")),
        date_from="record" if "published" in values else "",
        source=repair(values.get("source", "")),
        authors=tuple(map(repair, _authors(authors))),
        language=values.get("language", ""),
        is_stub=_CUT_NOTE.search(text, max(0, len(text) - 40)) is not None,
        extra=repair(json.dumps(extra, ensure_ascii=False)) if extra else "",
        warnings=(*repair.warnings, *odd),
    )


def _retracted(record: Mapping[str, object], origin: str) -> Retracted | None:
    """What an export says of a retracted article, see `ingest.backup.retraction_record`; None for other records."""
    kept, url = record.get(EXPORTED), record.get("url")
    if not isinstance(kept, dict) or kept.keys() != {"id", "retracted_s"} or not isinstance(url, str):
        return None
    identity, retracted_s = kept["id"], kept["retracted_s"]
    if type(retracted_s) is not int or not 0 <= retracted_s <= _LAST_S or not isinstance(identity, str):
        return None
    if encodable(identity) != identity or not is_identity(identity):
        return None
    return Retracted(origin, "retracted", id=identity, url=encodable(url), retracted_s=retracted_s)


def from_json_lines(stream: ByteStream) -> Iterator[Draft | Reject]:
    """The article of every line that is not blank, in order."""
    for number, line in stream.lines():
        origin = f"{stream.name}:{number}"
        if line is None:
            yield _too_long(origin, "line")
        elif line and not line.isspace():
            yield from_json(line, origin)


def from_json_array(stream: ByteStream) -> Iterator[Draft | Reject]:
    """The articles of one JSON array, or of objects that follow each other over any number of lines."""
    elements = _Elements()
    for piece in stream.pieces():
        for number, element in elements.feed(piece):
            yield _from_element(element, f"{stream.name}:{number}")
    if stream.fault:
        return
    for number, element in elements.rest():
        yield _from_element(element, f"{stream.name}:{number}")
    if elements.is_open:
        yield Reject(stream.name, "array not closed", f"{stream.name} ends inside its JSON array")


def _from_element(element: bytes | None, origin: str) -> Draft | Reject:
    return from_json(element, origin) if element is not None else _too_long(origin, "record")


def _too_long(origin: str, what: str) -> Reject:
    return Reject(origin, f"{what} too long", f"{origin} has more than {MAX_LINE_BYTES:,} bytes in one {what}")


class _Elements:
    """Splits JSON into the elements of its array, or into the objects that follow each other.

    Looks at brackets, commas and quotes alone: an element need be no JSON, so that one broken record costs
    no other, and one of more than `MAX_LINE_BYTES` is passed over without being held.
    """

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._n_held = 0
        self._line = 1
        self._start_line = 1
        self._base = 0  # 1 inside the array
        self._depth = 0
        self._is_first = True
        self._in_string = False
        self._is_escaped = False  # the next piece begins with the second half of an escape

    @property
    def is_open(self) -> bool:
        """Whether the array has begun and not ended."""
        return self._base == 1

    def feed(self, piece: bytes) -> Iterator[tuple[int, bytes | None]]:
        """The elements that end in this piece, each with the line it starts in; None for one too long."""
        kept_to = 0
        at = int(self._is_escaped)
        self._is_escaped = False
        while match := (_IN_STRING if self._in_string else _OUTSIDE).search(piece, at):
            mark, at = match[0], match.end()
            if mark == b'"':
                self._in_string = not self._in_string
            elif mark == b"\\":
                self._is_escaped = at == len(piece)
                at += 1
            elif mark == b"[" and self._is_first:
                self._base = self._depth = 1
                self._keep(piece[kept_to : at - 1])
                kept_to = at
            elif mark in b"[{":
                self._depth += 1
            else:
                self._depth -= mark != b","
                if self._depth > self._base:
                    continue
                is_part = mark != b"," and not self._depth < self._base == 1
                self._keep(piece[kept_to : at if is_part else at - 1])
                kept_to = at
                self._base = min(self._base, max(0, self._depth))
                self._depth = max(0, self._depth)
                yield from self.rest()
            self._is_first = self._is_first and mark not in b"[{"
        self._keep(piece[kept_to:])

    def rest(self) -> Iterator[tuple[int, bytes | None]]:
        """What is held, unless it is blank."""
        if self._n_held:
            yield self._start_line, b"".join(self._held) if self._n_held <= MAX_LINE_BYTES else None
        self._held.clear()
        self._n_held = 0

    def _keep(self, part: bytes) -> None:
        bare = part
        if not self._n_held:
            bare = part.lstrip()
            self._start_line = self._line + part.count(b"\n", 0, len(part) - len(bare))
        self._line += part.count(b"\n")
        self._n_held += len(bare)
        if self._n_held <= MAX_LINE_BYTES:
            self._held.append(bare)
        else:
            self._held.clear()


def _finite(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


# Not strict: a tab or line break that stands bare in a string is still that string. NaN and infinities,
# which JSON does not have, become null, so that what is kept of a record is JSON again.
_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _: None, parse_float=_finite)


def _by_field(record: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """The best value of each known field, and everything else under its own name."""
    best: dict[str, tuple[int, str]] = {}
    extra: dict[str, object] = {}
    for key, value in record.items():
        field, rank = _meaning(key)
        if not field:
            extra[key] = value
        elif value is None or (isinstance(value, str) and not value.strip()):
            continue
        elif field not in best or rank < best[field][0]:
            if field in best:
                extra[best[field][1]] = record[best[field][1]]
            best[field] = rank, key
        else:
            extra[key] = value
    return {field: record[key] for field, (_, key) in best.items()}, extra


def field_named(name: str) -> str:
    """The one of `FIELDS` that a name of a record stands for; "" for an unknown field."""
    return _meaning(name)[0]


def _meaning(name: str) -> tuple[str, int]:
    """The field that a name stands for and the name's place among its names; ("", 0) for an unknown one."""
    return _known_meaning(name) if len(name) <= _LONGEST_NAME else ("", 0)


@lru_cache(maxsize=1024)
def _known_meaning(name: str) -> tuple[str, int]:
    return _RANKS.get(re.sub(r"[\W_]", "", name).lower(), ("", 0))


def _string(value: object) -> str:
    """A string, number or named object as a string; "" for anything else."""
    match value:
        case str():
            return value
        case bool():
            return ""
        case int() | float():
            return str(value)
        case {"name": str(name)}:
            return name
        case _:
            return ""


def _language(value: object) -> str:
    """The ISO 639-1 code of `en`, `EN` or `en-GB`; "" for anything else."""
    found = re.fullmatch(r"([a-z]{2})([-_][a-z0-9]+)*", value.lower()) if isinstance(value, str) else None
    return found[1] if found else ""


def _authors(value: object) -> Iterator[str]:
    """The names in a list, or in a string that is a list in writing or parts them by `;`, `|` or lines.

    Commas part nothing outside brackets: "Doe, Jane" is one name.
    """
    if isinstance(value, str):
        if inside := _LIST_IN_WRITING.fullmatch(value):
            names = [a or b for a, b in _QUOTED.findall(inside[1])] or inside[1].split(",")
        else:
            names = re.split(r"[;|\n]", value)
        value = names
    for author in value if isinstance(value, list) else [value]:
        if name := _string(author).strip():
            yield name


class _Repair:
    """Takes out of strings what neither SQLite nor UTF-8 can hold, and remembers that it did.

    Attributes:
        warnings: Those given first, then the repairs, none twice.
    """

    def __init__(self, warnings: Sequence[str]) -> None:
        self.warnings = list(warnings)

    def __call__(self, text: str) -> str:
        if "\0" in text:
            text = text.replace("\0", "")
            self._warn("NUL")
        whole = encodable(text)
        if whole != text:
            self._warn("lone surrogate")
        return whole

    def _warn(self, word: str) -> None:
        if word not in self.warnings:
            self.warnings.append(word)


def _names(names: Iterable[str]) -> str:
    """A few names in quotes for a message, cut to a readable length."""
    return ", ".join(ascii(name[:40]) for name in islice(names, 12)) or "none"


def _json_kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
