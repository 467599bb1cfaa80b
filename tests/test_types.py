"""The shared values: spans, and instants of dates as articles carry them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import DAY_S, Span, day_of, end_of_day_s, instant_s


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 2), (-2, -1)])
def test_a_span_that_is_no_stretch_of_text_cannot_be_made(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=rf"\[{start}, {end}\)"):
        Span(start, end)


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_a_span_covers_as_many_code_points_as_it_is_long(text: str, start: int, length: int) -> None:
    end = min(len(text), start + length)
    if start <= end:
        span = Span(start, end)
        assert len(span.of(text)) == len(span) == end - start


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (None, None),
        ("", None),
        ("1970-01-01", 0),
        ("2025-04-26", 1_745_625_600),
        ("2025-04-26T00:00:00", 1_745_625_600),
        ("2025-04-26T00:00:00Z", 1_745_625_600),
        ("2025-04-26T02:00:00+02:00", 1_745_625_600),
        ("1969-12-31", -DAY_S),
    ],
)
def test_a_date_stands_for_its_first_second_in_utc(published: str | None, expected: int | None) -> None:
    assert instant_s(published) == expected


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_a_day_ends_a_second_before_the_next_begins(day: date) -> None:
    end = end_of_day_s(day)
    assert datetime.fromtimestamp(end, UTC).isoformat() == f"{day}T23:59:59+00:00"
    assert instant_s(day.isoformat()) == end + 1 - DAY_S
    assert day_of(end) == day_of(end + 1 - DAY_S) == day
    assert day_of(end + 1) > day
