"""Publication dates: what a page says, read without guessing.

A date that is missing, impossible or in the future stays unknown; nothing here knows what time it is
(`now_s` is an argument), and a missing date never becomes today's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

from index.types import DAY_S, instant_s

Problem = Literal["", "future", "epoch", "impossible", "unreadable"]

# Zero dates of databases and languages (0000-00-00, 0001-01-01) lie before the first newspaper of 1605.
_FIRST_YEAR = 1605
_MAX_CHARS = 80

_ISO = re.compile(
    r"""
    (?P<year>[0-9]{4}) (?: (?P<sep>[-/.]) (?P<month>[0-9]{1,2}) (?P=sep) (?P<day>[0-9]{1,2})
                         | (?P<month2>[0-9]{2}) (?P<day2>[0-9]{2}) )
    (?: (?:\s*[Tt]\s*|\s+)? (?P<hour>[0-9]{2}) :? (?P<minute>[0-9]{2})
        (?: :? (?P<second>[0-9]{2}) (?:[.,][0-9]+)? )?
        \s* (?P<zone> [Zz] | UTC | GMT | [+-][0-9]{2} (?: :?[0-9]{2} )? )? )?
    """,
    re.VERBOSE,
)
_EPOCH = re.compile(r"(-?[0-9]{9,13}|0)(?:\.[0-9]+)?")
# In English only: "18 Mai 2025 09:30" has its shape too.
_RFC_2822 = re.compile(
    r"(?:[A-Z]{3},\s*)?[0-9]{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s+[0-9]{4}\s+[0-9]{1,2}:[0-9]{2}",
    re.ASCII | re.IGNORECASE,
)


def read_date(text: str, now_s: int) -> tuple[str | None, Problem]:
    """A date as ISO 8601 as far as it is known, and what was wrong with it.

    Reads ISO 8601 and its usual misspellings, RFC 2822, seconds or milliseconds since 1970, and prose in
    seven languages that names day, month and year.

    Args:
        text: As written on the page; "" for none.
        now_s: The present instant.

    Returns:
        A day (`2025-04-18`) or a day with time and, if given, zone (`2025-04-18T09:30:00+02:00`), and "";
        or None and the problem: "future" (over 24 hours after `now_s`), "epoch" (1970-01-01, a clock that
        was never set), "impossible" (month 13, a year before newspapers) or "unreadable" (relative,
        ambiguous or incomplete). None and "" for a blank text.
    """
    text = " ".join(text.split())
    if not text:
        return None, ""
    if len(text) > _MAX_CHARS:
        return None, "unreadable"
    try:
        found = _read(text)
    except (ValueError, OverflowError):
        return None, "impossible"
    if found is None:
        return None, "unreadable"
    if found.year < _FIRST_YEAR:
        return None, "impossible"
    written = found.isoformat(timespec="seconds") if isinstance(found, datetime) else found.isoformat()
    instant = instant_s(written)
    assert instant is not None
    if 0 <= instant < DAY_S or written.startswith("1970-01-01"):
        return None, "epoch"
    if instant > now_s + DAY_S:
        return None, "future"
    return written, ""


def _read(text: str) -> date | datetime | None:
    """The date that `text` spells; ValueError if there is no such day or hour."""
    compact = _compact(text)
    if compact:
        return compact
    # Before ISO, because 12 digits may also be milliseconds, and 10 seconds.
    epoch = _EPOCH.fullmatch(text)
    if epoch:
        number = int(epoch[1])
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
            seconds=number // 1000 if len(epoch[1].lstrip("-")) > 10 else number
        )
    iso = _ISO.fullmatch(text)
    if iso:
        return _from_iso(iso)
    if _RFC_2822.match(text):
        found = parsedate_to_datetime(text)
        # It knows the zones of America alone, and neither a.m. nor p.m.
        return _from_prose(text) or found if found.tzinfo is None and text[-1].isalpha() else found
    return _from_prose(text)


def _compact(text: str) -> datetime | None:
    """Twelve digits that are a day and a time of this century or the last; as milliseconds all are of 1976."""
    found = _ISO.fullmatch(text) if len(text) == 12 and text.startswith(("19", "20")) else None
    if found is None or found["hour"] is None:
        return None
    try:
        moment = _from_iso(found)
    except ValueError:
        return None
    return moment if isinstance(moment, datetime) else None


def _from_iso(match: re.Match[str]) -> date | datetime:
    year = int(match["year"])
    month, day = int(match["month"] or match["month2"]), int(match["day"] or match["day2"])
    if match["hour"] is None:
        return date(year, month, day)
    zone = match["zone"]
    return datetime(
        year,
        month,
        day,
        int(match["hour"]),
        int(match["minute"]),
        int(match["second"] or 0),
        tzinfo=_zone(zone) if zone else None,
    )


def _zone(zone: str) -> timezone:
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(offset if zone[0] == "+" else -offset)


_LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl"]
_LABEL = re.compile(
    r"^(?:(?:first |last |originally )?(?:published|updated|posted|modified|veröffentlicht|aktualisiert|stand"
    r"|publié|mis à jour|publicado|actualizado)(?: on| at| am| le| el)?\b\s*:?|on)\s*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_SLASHED = re.compile(r"(?<![0-9])([0-9]{1,2})([/-])([0-9]{1,2})\2[0-9]{4}(?![0-9])")
_DOTTED = re.compile(r"(?<![0-9])[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}")
_COMMENT = re.compile(r"\s*\([^)]*\)$")
# "ET" is summer or winter time by the date; taken for one of them it is an hour off for half the year.
_US_ZONE = re.compile(r"\b([ECMP])T\b")
# Of India, Israel and Ireland.
_UNKNOWN_ZONE = re.compile(r"\s*\bIST\b")
_US_ZONES = {
    "E": "America/New_York",
    "C": "America/Chicago",
    "M": "America/Denver",
    "P": "America/Los_Angeles",
}


@lru_cache(maxsize=4096)
def _from_prose(text: str) -> date | datetime | None:
    """A date in words; None unless day, month and a year of four digits stand there."""
    text = _UNKNOWN_ZONE.sub("", _COMMENT.sub("", _LABEL.sub("", text)))
    slashed = _SLASHED.search(text)
    # 04/05/2025 is April in one country and May in the next.
    ambiguous = slashed and slashed[1] != slashed[3] and max(int(slashed[1]), int(slashed[3])) <= 12
    if not _YEAR.search(text) or ambiguous:
        return None

    import dateparser  # half a second, which a corpus with ISO dates never pays

    settings: dict[str, object] = {
        "PARSERS": ["absolute-time"],
        "REQUIRE_PARTS": ["day", "month", "year"],
        "STRICT_PARSING": True,
        # Never used with the parts above; given so that nothing can depend on today.
        "RELATIVE_BASE": datetime(2000, 1, 1),
    }
    if _DOTTED.search(text):
        settings["DATE_ORDER"] = "DMY"
    us_zone = _US_ZONE.search(text)
    if us_zone:
        text = _US_ZONE.sub("", text)
        settings |= {"TIMEZONE": _US_ZONES[us_zone[1]], "RETURN_AS_TIMEZONE_AWARE": True}
    found: datetime | None = dateparser.parse(text, languages=_LANGUAGES, settings=settings)
    if found is None:
        return None
    return found if _has_time(text) else found.date()


_TIME = re.compile(r"[0-9]{1,2}[:.h][0-9]{2}(?![0-9.])|[0-9]\s*[ap]\.?m\b", re.IGNORECASE)


def _has_time(text: str) -> bool:
    return _TIME.search(_DOTTED.sub("", text)) is not None


_MONTH_NAMES = (
    "jan january | feb february | mar march | apr april | may | jun june | jul july | aug august"
    " | sep sept september | oct october | nov november | dec december"
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES.split("|"), start=1) for name in names.split()}
_URL_DAY = re.compile(
    r"(?<![0-9])((?:19|20)[0-9]{2})([/-]?)([0-9]{1,2}|[A-Za-z]{3,9})\2([0-9]{1,2})(?![0-9])", re.ASCII
)


def date_in_url(url: str) -> str | None:
    """The day that stands in a URL's path (`/2022/06/15/`, `/2022/jun/15/`, `-20220615`), or None."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    for year, separator, month, day in _URL_DAY.findall(path):
        number = int(month) if month.isdigit() else _MONTHS.get(month.lower(), 0)
        if not separator and not (month.isdigit() and len(month) == len(day) == 2):
            continue
        try:
            return date(int(year), number, int(day)).isoformat()
        except ValueError:
            continue
    return None


@dataclass(frozen=True, slots=True)
class Dated:
    """What is known of an article's dates.

    Attributes:
        published: ISO 8601 as far as known, or None.
        updated: The same, never before `published`.
        date_from: Which field `published` came from; "" where it is None.
        problems: Fixed phrases for counting (`published future`, `updated before published`, …).
    """

    published: str | None
    updated: str | None
    date_from: str
    problems: tuple[str, ...]


def settle(published: str, updated: str, date_from: str, url: str, now_s: int) -> Dated:
    """The dates that are kept of those a source gives.

    Args:
        published: As written, "" for none; where it is missing or bad, the day in the URL takes its place.
        updated: As written, "" for none; dropped where it lies before `published`.
        date_from: Where `published` was found.
        url: The article's URL, or "".
        now_s: The present instant.
    """
    first, why_first = read_date(published, now_s)
    last, why_last = read_date(updated, now_s)
    problems = [f"{field} {why}" for field, why in (("published", why_first), ("updated", why_last)) if why]
    if first is None:
        first, _ = read_date(date_in_url(url) or "", now_s)
        date_from = "url" if first else ""
    if first and last and _is_before(last, first):
        last = None
        problems.append("updated before published")
    return Dated(published=first, updated=last, date_from=date_from, problems=tuple(problems))


def _is_before(a: str, b: str) -> bool:
    """Whether `a` is surely earlier than `b`: a day or a zone that is not known leaves a day's room."""
    earlier, later = instant_s(a), instant_s(b)
    assert earlier is not None
    assert later is not None
    is_exact = all(datetime.fromisoformat(written).tzinfo is not None for written in (a, b))
    return earlier < later - (0 if is_exact else DAY_S - 1)
