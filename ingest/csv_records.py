"""CSV files, read one row at a time into drafts.

Reasons given: `broken quote`, `wrong number of fields`, `line too long`, `record too long`, and those of a record
(`ingest.records`). Knows nothing about files.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator

from ingest.draft import Draft, Reject
from ingest.folders import MAX_LINE_BYTES, ByteStream, Refused
from ingest.records import decoded, field_named, from_record

_DATE = re.compile(r"\s*\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}")


def csv_header(line: bytes) -> tuple[str, list[str]]:
    """The sign between the names in a CSV's first line, and the names; ("", []) where none is the text's.

    A lone column needs no sign and cannot be told from plain text: `text` gives ("", ["text"]).
    """
    header = decoded(line)[0].rstrip("\r")
    for sign in ",;\t|":
        try:
            names = next(csv.reader([header], delimiter=sign, strict=True), [])
        except csv.Error:
            continue
        if any(field_named(name) == "text" for name in names):
            return (sign if len(names) > 1 else ""), names
    return "", []


def is_csv_header(line: bytes) -> bool:
    """Whether a first line is a CSV's header for sure: a headline may have a word like `text` between commas too.

    It names a second column that is known, or every name is a single word.
    """
    sign, names = csv_header(line)
    known = [name for name in names if field_named(name)]
    return bool(sign) and (len(known) > 1 or all(re.fullmatch(r"[\w.-]+", name) for name in names))


def from_csv(stream: ByteStream) -> Iterator[Draft | Reject]:
    """The article of every row below the header; a row may run over several lines.

    Quotes are read strictly: where they do not add up, the text would be another than the one that was
    written. Such a row is a reject, and reading goes on at the next line that looks like a row again.

    Raises:
        Refused: The header names no column for the text.
    """
    # The library's own limit is 128 kB a field, less than some articles have; it is one for the process.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
    lines = _CsvLines(stream.lines())
    first = lines.pop()
    sign, header = csv_header(first)
    if not header:
        raise Refused("no text column", f"{stream.name} has no column 'text'; it begins {ascii(first[:80])[1:]}")
    fields = [field_named(name) for name in header]
    is_lost = False
    while True:
        lines.start_row()
        reason = ""
        row: list[str] | None = []
        try:
            row = next(csv.reader(lines, delimiter=sign or ",", strict=True), None)
        except csv.Error:
            reason = "broken quote"
        except _TooLong:
            reason = "line too long" if lines.n_taken == 1 else "record too long"
        if row is None:
            return
        origin = f"{stream.name}:{lines.first}"
        if reason:
            can_go_on = not {"url", "published"}.isdisjoint(fields)
            if not is_lost:
                end = "" if can_go_on else "; without dates or URLs to tell rows by, nothing after it is read"
                yield Reject(origin, reason, f"the row that starts at {origin} cannot be read: {reason}{end}")
            if not can_go_on:
                return
            is_lost = True
            lines.give_back_all_but_first()
        elif row and (not is_lost or _is_row(row, fields)):
            is_lost = False
            yield _from_row(row, header, origin, lines.is_legacy)


def _from_row(row: list[str], header: list[str], origin: str, is_legacy: bool) -> Draft | Reject:
    if len(row) < len(header) or any(row[len(header) :]):
        detail = f"{origin} has {len(row)} fields under a header of {len(header)}"
        return Reject(origin, "wrong number of fields", detail)
    record = {name: value for name, value in zip(header, row, strict=False) if value}
    return from_record(record, origin, ("latin-1",) if is_legacy else ())


def _is_row(row: list[str], fields: list[str]) -> bool:
    """Whether a line after a broken row is a row again, and no line of the broken one's text.

    The number of fields does not tell, as a sentence has commas too: an address or a date must stand where
    the header wants one. A file with neither is not read on; a wrong text is worse than a missing one.
    """
    if len(row) != len(fields):
        return False
    values = dict(zip(fields, row, strict=True))
    is_dated = _DATE.match(values.get("published", "")) is not None
    return is_dated or values.get("url", "").startswith(("http://", "https://"))


class _TooLong(Exception):
    pass


class _CsvLines:
    """The lines of a CSV file as the library's reader takes them; a row's lines can be given back.

    Attributes:
        first: Number of the row's first line.
        n_taken: How many lines the row has taken.
        is_legacy: Whether one of them was no UTF-8.
    """

    def __init__(self, lines: Iterator[tuple[int, bytes | None]]) -> None:
        self._lines = lines
        self._taken: list[tuple[int, bytes]] = []
        self._again: deque[tuple[int, bytes]] = deque()
        self._n_bytes = 0
        self.is_legacy = False

    @property
    def first(self) -> int:
        return self._taken[0][0]

    @property
    def n_taken(self) -> int:
        return len(self._taken)

    def pop(self) -> bytes:
        """The next line that is not blank; empty where there is none."""
        return next((line for _, line in self._lines if line and not line.isspace()), b"")

    def start_row(self) -> None:
        self._taken = []
        self._n_bytes = 0
        self.is_legacy = False

    def give_back_all_but_first(self) -> None:
        self._again.extendleft(reversed(self._taken[1:]))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, line = self._again.popleft() if self._again else next(self._lines)
        self._taken.append((number, line or b""))
        self._n_bytes += len(line or b"") + 1
        if line is None or self._n_bytes > MAX_LINE_BYTES:
            raise _TooLong
        text, is_legacy = decoded(line)
        self.is_legacy |= is_legacy
        return text + "\n"
