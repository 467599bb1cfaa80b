"""Dates: read in every usual spelling, and never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import DAY_S, instant_s
from ingest.dates import Dated, date_in_url, read_date, settle

NOW_S = int(datetime(2025, 4, 20, 12, tzinfo=UTC).timestamp())

moments = st.datetimes(
    datetime(1971, 1, 1),
    datetime(2025, 4, 20),
    timezones=st.builds(timezone, st.integers(-14 * 60, 14 * 60).map(lambda m: timedelta(minutes=m))),
).map(lambda moment: moment.replace(microsecond=0))


@given(moments)
def test_a_moment_survives_every_machine_spelling(moment: datetime) -> None:
    second = int(moment.timestamp())
    for written in (
        moment.isoformat(),
        moment.isoformat().replace("T", " "),
        moment.strftime("%Y-%m-%dT%H:%M:%S.123456789%z"),
        moment.strftime("%Y-%m-%d %H:%M:%S %z"),
        moment.strftime("%Y%m%dT%H%M%S%z"),
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        format_datetime(moment),
        # Of 1976, where they may look like a day and a time of another year.
        *([] if 190_001_010 <= second < 209_912_312 else [f"{second}000"]),
    ):
        found, problem = read_date(written, NOW_S)
        assert problem == ""
        assert instant_s(found) == second, written


@given(st.dates(date(1605, 1, 1), date(1969, 12, 30)) | st.dates(date(1970, 1, 3), date(2025, 4, 20)))
def test_a_bare_day_stays_a_bare_day(day: date) -> None:
    for written in (day.isoformat(), day.strftime("%Y%m%d").zfill(8), f"{day.year}/{day.month}/{day.day}"):
        assert read_date(written, NOW_S) == (day.isoformat(), "")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-04-18", "2025-04-18"),
        (" 2025-04-18T09:30Z ", "2025-04-18T09:30:00+00:00"),
        ("2025-04-18T09:30:05", "2025-04-18T09:30:05"),
        ("2025-04-18 09:30:00 UTC", "2025-04-18T09:30:00+00:00"),
        ("2025-04-18T09:30:00+02", "2025-04-18T09:30:00+02:00"),
        ("20250418093005", "2025-04-18T09:30:05"),
        ("202504180930", "2025-04-18T09:30:00"),
        ("199904180930", "1999-04-18T09:30:00"),
        ("202513180930", "1976-06-01T21:39:40+00:00"),
        ("744968600000", "1993-08-10T07:43:20+00:00"),
        ("1744968600", "2025-04-18T09:30:00+00:00"),
        ("1744968600000", "2025-04-18T09:30:00+00:00"),
        ("1744968600.25", "2025-04-18T09:30:00+00:00"),
        ("Fri, 18 Apr 2025 09:30:00 GMT", "2025-04-18T09:30:00+00:00"),
        ("Fri, 18 Apr 2025 09:30:00 EDT", "2025-04-18T09:30:00-04:00"),
        ("Fri, 18 Apr 2025 09:30:00 CEST", "2025-04-18T09:30:00+02:00"),
        ("Fri, 18 Apr 2025 09:30:00 BST", "2025-04-18T09:30:00+01:00"),
        ("18 Apr 2025 09:30 JST", "2025-04-18T09:30:00+09:00"),
        ("18 Apr 2025 09:30 PM", "2025-04-18T21:30:00"),
        ("Fri, 18 Apr 2025 09:30:00 IST", "2025-04-18T09:30:00"),
        ("April 18, 2025 9:30 am IST", "2025-04-18T09:30:00"),
        ("Fri, 18 Apr 2025 09:30:00 XYZ", "2025-04-18T09:30:00"),
        ("Fri, 18 Apr 2025 09:30:00 -0000", "2025-04-18T09:30:00"),
        ("18 Okt 2024 09:30", "2024-10-18T09:30:00"),
        ("18 Mai 2024 09:30", "2024-05-18T09:30:00"),
        ("Sex, 18 Abr 2025 09:30:00 -0300", "2025-04-18T09:30:00-03:00"),
        ("April 18, 2025", "2025-04-18"),
        ("18 avril 2025", "2025-04-18"),
        ("1er avril 2024", "2024-04-01"),
        ("Freitag, 3. März 2023", "2023-03-03"),
        ("18.04.2025", "2025-04-18"),
        ("04.05.2024", "2024-05-04"),
        ("18. April 2025, 09:30 Uhr", "2025-04-18T09:30:00"),
        ("3 de mayo de 2024", "2024-05-03"),
        ("25/12/2022", "2022-12-25"),
        ("25-12-2022", "2022-12-25"),
        ("12-25-2022", "2022-12-25"),
        ("05-05-2022", "2022-05-05"),
        ("12/25/2022", "2022-12-25"),
        ("Published April 18, 2025", "2025-04-18"),
        ("April 18, 2025 9:30 a.m. ET", "2025-04-18T09:30:00-04:00"),
        ("January 3, 2025 9:30 a.m. ET", "2025-01-03T09:30:00-05:00"),
        ("Fri Apr 18 2025 09:30:00 GMT+0200 (Central European Summer Time)", "2025-04-18T09:30:00+02:00"),
        ("1912-04-16", "1912-04-16"),
        ("April 16, 1912", "1912-04-16"),
        ("1969-07-21T02:56:00Z", "1969-07-21T02:56:00+00:00"),
    ],
)
def test_date_is_read(written: str, expected: str) -> None:
    assert read_date(written, NOW_S) == (expected, "")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", ""),
        ("  \n", ""),
        ("0", "epoch"),
        ("1970-01-01", "epoch"),
        ("1970-01-01T00:00:00Z", "epoch"),
        ("1969-12-31T19:00:00-05:00", "epoch"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "epoch"),
        ("0000-00-00", "impossible"),
        ("0000-00-00 00:00:00", "impossible"),
        ("0001-01-01T00:00:00Z", "impossible"),
        ("2025-13-01", "impossible"),
        ("2025-02-30", "impossible"),
        ("2025-04-18T25:00:00", "impossible"),
        ("Fri, 31 Feb 2025 09:30:00 GMT", "impossible"),
        ("2025-04-18T09:30:00+99:00", "impossible"),
        ("yesterday", "unreadable"),
        ("2 hours ago", "unreadable"),
        ("April 18", "unreadable"),
        ("April 2025", "unreadable"),
        ("2025", "unreadable"),
        ("2025-04", "unreadable"),
        ("04/05/2025", "unreadable"),
        ("12/05/2025", "unreadable"),
        ("05/12/2025", "unreadable"),
        ("04-05-2025", "unreadable"),
        ("4-5-2025 09:30", "unreadable"),
        ("18/04/25", "unreadable"),
        ("Monday", "unreadable"),
        ("April 31, 2025", "unreadable"),
        ("12345", "unreadable"),
        ("-14159040", "unreadable"),
        ("a bridge of 2025", "unreadable"),
        ("x" * 500, "unreadable"),
        ("2026-01-01", "future"),
        ("May 4, 2031", "future"),
        ("4102444800", "future"),
    ],
)
def test_date_stays_unknown_and_says_why(written: str, problem: str) -> None:
    assert read_date(written, NOW_S) == (None, problem)


def test_future_begins_a_day_from_now() -> None:
    for seconds, problem in ((DAY_S, ""), (DAY_S + 1, "future")):
        written = datetime.fromtimestamp(NOW_S + seconds, tz=UTC).isoformat()
        assert read_date(written, NOW_S)[1] == problem


@given(st.text(max_size=90))
def test_no_text_makes_a_date_reader_fail(text: str) -> None:
    found, problem = read_date(text, NOW_S)
    assert found is None or (problem == "" and instant_s(found) is not None)


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://paper.example/2022/06/15/bridge/index.html", "2022-06-15"),
        ("https://paper.example/story/news/2022/6/5/bridge/7655/", "2022-06-05"),
        ("https://paper.example/world/2022/jun/15/bridge", "2022-06-15"),
        ("https://paper.example/bridge-2022-06-15", "2022-06-15"),
        ("https://paper.example/bridge-20220615.html", "2022-06-15"),
        ("https://paper.example/2022/13/45/then/2021/02/03/", "2021-02-03"),
        ("https://paper.example/2022/06/bridge", None),
        ("https://paper.example/bridge-120220615", None),
        ("https://paper.example/a?d=2022-06-15", None),
        ("https://paper.example/2022may15", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_day_is_found_in_a_url(url: str, day: str | None) -> None:
    assert date_in_url(url) == day


URL = "https://paper.example/2022/06/15/bridge"


def test_good_date_is_kept_with_its_origin() -> None:
    assert settle("2022-06-16", "", "json-ld", URL, NOW_S) == Dated("2022-06-16", None, "json-ld", ())


def test_url_stands_in_for_a_missing_or_bad_date() -> None:
    assert settle("", "", "", URL, NOW_S) == Dated("2022-06-15", None, "url", ())
    assert settle("2099-01-01", "", "meta", URL, NOW_S) == Dated("2022-06-15", None, "url", ("published future",))


def test_unknown_date_stays_unknown() -> None:
    assert settle("soon", "", "meta", "", NOW_S) == Dated(None, None, "", ("published unreadable",))
    assert settle("", "", "", "https://paper.example/2099/01/01/x", NOW_S) == Dated(None, None, "", ())


def test_update_before_publication_is_dropped() -> None:
    late = settle("2022-06-16", "2022-06-14", "meta", "", NOW_S)
    assert late == Dated("2022-06-16", None, "meta", ("updated before published",))
    same_day = settle("2022-06-16T10:00:00Z", "2022-06-16", "meta", "", NOW_S)
    assert same_day == Dated("2022-06-16T10:00:00+00:00", "2022-06-16", "meta", ())
    hour = settle("2022-06-16T10:00:00Z", "2022-06-16T09:00:00Z", "meta", "", NOW_S)
    assert hour.updated is None
