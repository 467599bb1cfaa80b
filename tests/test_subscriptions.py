"""Planning: when to come back, what to take, what may be removed. Properties that hold for any feed and any clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.store_feeds import SeenEntry, Subscription
from ingest.feeds import Entry, Rhythm
from ingest.subscriptions import (
    HOUR_S,
    RECHECKS_S,
    Bounds,
    after_failure_s,
    alarm,
    choose_entries,
    is_gone_for_good,
    next_check_s,
    next_poll_s,
    next_try_s,
    usual_gap_s,
    why_not_remove,
)

NOW_S = 1_745_582_400
DAY_S = 86_400
BOUNDS = Bounds()


def feed(**fields: object) -> Subscription:
    values: dict[str, object] = {"added_s": NOW_S - 30 * DAY_S, "next_s": NOW_S, **fields}
    return Subscription(1, "https://x.example/f", "", "", "", **values)  # type: ignore[arg-type]


def entry(name: str, at_s: int | None = None) -> Entry:
    published = "" if at_s is None else datetime.fromtimestamp(at_s, UTC).isoformat()
    return Entry(guid=name, url=f"https://x.example/{name}", published=published)


@given(
    usual_s=st.integers(0, 10**8),
    ttl_s=st.integers(0, 10**8),
    max_age_s=st.integers(0, 10**9),
    silence_s=st.integers(-(10**6), 10**9),
    chance=st.floats(0, 0.999),
)
def test_a_poll_is_never_sooner_or_later_than_the_bounds_allow(
    usual_s: int, ttl_s: int, max_age_s: int, silence_s: int, chance: float
) -> None:
    headers = {"cache-control": f"public, max-age={max_age_s}"}
    next_s = next_poll_s(feed(usual_s=usual_s, new_s=NOW_S - silence_s), Rhythm(ttl_s), headers, NOW_S, BOUNDS, chance)
    assert BOUNDS.least_s <= next_s - NOW_S <= BOUNDS.most_s


def wait_s(rhythm: Rhythm | None = None, headers: dict[str, str] | None = None, **fields: object) -> int:
    return next_poll_s(feed(**fields), rhythm or Rhythm(), headers or {}, NOW_S, BOUNDS, 0.0) - NOW_S


def test_a_poll_follows_the_feeds_own_rhythm_and_what_its_server_asks() -> None:
    assert wait_s(usual_s=4 * HOUR_S, new_s=NOW_S) == 2 * HOUR_S
    assert wait_s(new_s=NOW_S) == HOUR_S
    assert wait_s(usual_s=HOUR_S, new_s=NOW_S - DAY_S) == 2 * HOUR_S
    assert wait_s() == DAY_S  # silent for a month, so that nobody knows its rhythm
    assert wait_s(Rhythm(3 * HOUR_S), usual_s=HOUR_S, new_s=NOW_S) == 3 * HOUR_S
    assert wait_s(headers={"cache-control": "max-age=7200"}, usual_s=HOUR_S, new_s=NOW_S) == 7200
    assert wait_s(headers={"cache-control": "no-cache, max-age=7200"}, usual_s=HOUR_S, new_s=NOW_S) == 1800


def test_hours_and_days_that_a_feed_skips_are_skipped_unless_it_skips_all() -> None:
    noon = frozenset({12, 13, 14})
    next_s = NOW_S + wait_s(Rhythm(0, noon), usual_s=HOUR_S, new_s=NOW_S)
    assert datetime.fromtimestamp(next_s, UTC).hour == 15
    # NOW_S is a Friday: the weekend too is skipped.
    next_s = NOW_S + wait_s(Rhythm(0, frozenset(), frozenset({4, 5, 6})), usual_s=HOUR_S, new_s=NOW_S)
    assert datetime.fromtimestamp(next_s, UTC).strftime("%A %H") == "Monday 00"
    assert wait_s(Rhythm(0, frozenset(range(24))), usual_s=HOUR_S, new_s=NOW_S) == 1800


def test_failures_back_off_to_a_cap_and_keep_what_the_server_asks() -> None:
    waits = [after_failure_s(n, None, NOW_S, BOUNDS, 0.0) - NOW_S for n in range(1, 30)]
    assert waits[:4] == [900, 1800, 3600, 7200]
    assert max(waits) == waits[-1] == 3 * DAY_S
    assert after_failure_s(1, 5_000, NOW_S, BOUNDS, 0.0) - NOW_S == 5_000
    assert after_failure_s(1, 10**9, NOW_S, BOUNDS, 0.0) - NOW_S == 3 * DAY_S
    assert after_failure_s(1, None, NOW_S, BOUNDS, 0.0, is_gone=True) - NOW_S == DAY_S


def test_the_usual_gap_is_the_median_of_the_dates_that_can_be() -> None:
    entries = [entry(f"e{n}", NOW_S - n * HOUR_S) for n in range(6)]
    assert usual_gap_s(entries, 0, NOW_S) == HOUR_S
    assert usual_gap_s([*entries, entry("ahead", NOW_S + 9 * DAY_S), entry("undated")], 0, NOW_S) == HOUR_S
    assert usual_gap_s(entries, 10 * HOUR_S, NOW_S) == round(7.3 * HOUR_S)
    assert usual_gap_s([], 77, NOW_S) == 77


@given(st.lists(st.integers(-400, 3), max_size=60), st.booleans(), st.integers(1, 20))
def test_every_entry_is_taken_passed_or_left_and_none_is_two_of_these(
    days: list[int], is_first: bool, n_most: int
) -> None:
    entries = [entry(f"e{n}", NOW_S + day * DAY_S) for n, day in enumerate(days)]
    bounds = Bounds(n_first=n_most, n_at_once=n_most)
    since_s = None if is_first else NOW_S - 100 * DAY_S
    taking = choose_entries(entries, {}, since_s=since_s, now_s=NOW_S, bounds=bounds)
    taken, passed = [one.key for one in taking.take], [one.key for one, _ in taking.passed]
    assert len({*taken, *passed}) == len(taken) + len(passed) == len(entries) - taking.n_left
    assert len(taken) <= n_most
    assert not (is_first and taking.n_left)
    limit_days = 14 if is_first else 114
    assert all(day >= -limit_days for day, one in zip(days, entries, strict=True) if one.key in taken)


def test_an_entry_that_changed_is_told_from_one_that_did_not() -> None:
    old, same = entry("old", NOW_S), entry("same", NOW_S)
    seen = {one.key: SeenEntry(one.key, "", one.stamp, "new", NOW_S, NOW_S) for one in (old, same)}
    changed = old.model_copy(update={"title": "Corrected"})
    taking = choose_entries([changed, same], seen, since_s=NOW_S, now_s=NOW_S, bounds=BOUNDS)
    assert (taking.updated, taking.take, len(taking.known)) == ((changed,), (), 2)


def test_looks_and_tries_come_to_an_end() -> None:
    at_s, looks = NOW_S, []
    n = 0
    while (next_s := next_check_s(n, at_s)) is not None:
        looks.append(next_s - NOW_S)
        at_s, n = next_s, n + 1
    assert tuple(looks) == RECHECKS_S
    assert [next_try_s(n, None, 0) for n in range(1, 6)] == [900, 3600, 21_600, 86_400, None]
    assert next_try_s(1, 5_000, 0) == 5_000


@pytest.mark.parametrize(
    ("wanted", "removed", "articles", "refused"),
    [
        (0, 0, 0, ""),
        (1, 0, 1, ""),
        (3, 0, 3, ""),
        (38, 0, 100, "38%"),
        (1, 10, 90, "11%"),
        (2, 2, 98, ""),
        (4, 0, 4, "100%"),
    ],
)
def test_a_bulk_removal_is_refused_with_its_share(wanted: int, removed: int, articles: int, refused: str) -> None:
    said = why_not_remove(wanted, removed, articles)
    assert said.startswith(f"would remove {refused}: refused") if refused else said == ""


def test_gone_for_good_is_gone_on_two_days() -> None:
    evening = NOW_S - NOW_S % DAY_S + 23 * HOUR_S
    assert not is_gone_for_good(None, evening)
    assert not is_gone_for_good(evening, evening + 1_800)
    assert is_gone_for_good(evening, evening + 2 * HOUR_S)


def test_a_feed_that_was_never_read_raises_no_alarm_of_silence() -> None:
    assert alarm(feed(), NOW_S + 900 * DAY_S) == ""
    assert alarm(feed(polled_s=NOW_S, new_s=NOW_S), NOW_S + DAY_S) == ""
    assert alarm(feed(n_failed=1, failed_s=NOW_S, failure="timeout: x"), NOW_S) == (
        "failed once since 2025-04-25: timeout: x"
    )
