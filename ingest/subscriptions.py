"""When to come back to a feed, a page or an entry, what to take of a feed, and what may be removed: pure planning.

Functions of values; time and chance are arguments. Knows nothing about the network or storage of any kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from index.store_feeds import SeenEntry, Subscription
from index.terminal import duration
from index.types import DAY_S, day_of, instant_s
from ingest.dates import read_date
from ingest.feeds import Entry, Rhythm

HOUR_S = 3_600
# Before its entries tell how often a feed has something new.
UNKNOWN_S = HOUR_S
# Asked twice in its usual gap, a feed's entries wait for half of it at most.
_POLLS_A_GAP = 2
# A feed that is silent is asked less and less: this share of its silence lies between two polls.
_SILENCE_SHARE = 1 / 12
_GAPS_READ = 20
_FIRST_FAILURE_S = 900
# After a feed's validators said "nothing new" for this long, it is read whole once: some servers' validators lie.
FULL_EVERY_S = 7 * DAY_S
# The last ones come without validators, for the same reason.
RECHECKS_S = (HOUR_S, 6 * HOUR_S, DAY_S, 3 * DAY_S, 7 * DAY_S)
RETRIES_S = (900, HOUR_S, 6 * HOUR_S, DAY_S)
_STALE_GAPS = 10
_STALE_LEAST_S = 14 * DAY_S
_STALE_UNKNOWN_S = 60 * DAY_S
# Fewer removals than this pass whatever their share.
_FREE_REMOVALS = 3
_MOST_REMOVED = 0.1
REMOVALS_COUNT_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an operator allows; all of it in seconds or counts.

    Attributes:
        least_s: A feed is never polled more often.
        most_s: Nor more rarely, whatever it or its server advises, unless it fails.
        n_first: Entries taken of a feed when it is first read.
        first_age_s: Entries older than this are not taken then.
        n_at_once: New entries taken at a later poll; what is over is taken at the next ones.
        log_s: How long the log is kept.
        seen_s: How long entries and pages are remembered after they were last met.
    """

    least_s: int = 900
    most_s: int = DAY_S
    n_first: int = 30
    first_age_s: int = 14 * DAY_S
    n_at_once: int = 200
    log_s: int = 90 * DAY_S
    seen_s: int = 400 * DAY_S

    @property
    def horizon_s(self) -> int:
        """No plan reaches further ahead; what does was made by a clock that was wrong."""
        return max(4 * self.most_s, RECHECKS_S[-1], RETRIES_S[-1]) + DAY_S


# Polling ------------------------------------------------------------------------------------------------------


def entry_instant_s(entry: Entry, now_s: int) -> int | None:
    """When an entry was published, or else updated; None where it does not say, or names the future."""
    for written in (entry.published, entry.updated):
        found = instant_s(read_date(written, now_s)[0])
        if found is not None:
            return found
    return None


def usual_gap_s(entries: Sequence[Entry], before_s: int, now_s: int) -> int:
    """Seconds that usually lie between two entries of a feed.

    Args:
        entries: Of the feed as it is now.
        before_s: What was thought before, 0 for nothing.
        now_s: The present instant.

    Returns:
        The median gap of the newest ones, drawn towards what was thought before; 0 while nobody knows.
    """
    times = sorted({at for entry in entries if (at := entry_instant_s(entry, now_s)) is not None})[-_GAPS_READ:]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    if not gaps:
        return before_s
    found = max(60, round(median(gaps)))
    return found if not before_s else round(0.7 * before_s + 0.3 * found)


def next_poll_s(
    feed: Subscription, rhythm: Rhythm, headers: Mapping[str, str], now_s: int, bounds: Bounds, chance: float
) -> int:
    """When to poll a feed again that was polled well.

    Args:
        feed: As it is after the poll.
        rhythm: What it says itself.
        headers: Of the reply.
        now_s: The present instant.
        bounds: What the operator allows.
        chance: In [0, 1), for keeping feeds from being polled all at once.
    """
    silence_s = max(0, now_s - (feed.new_s or feed.added_s))
    own_s = (feed.usual_s or UNKNOWN_S * _POLLS_A_GAP) / _POLLS_A_GAP
    wanted_s = max(own_s, silence_s * _SILENCE_SHARE, rhythm.ttl_s, max_age_s(headers))
    wait_s = min(max(wanted_s, bounds.least_s), bounds.most_s)
    # Only ever later: a feed's own bounds and ours hold with the jitter too.
    wait_s = min(wait_s * (1 + 0.1 * chance), max(bounds.most_s, bounds.least_s))
    return _awake(now_s + round(wait_s), rhythm)


def _awake(at_s: int, rhythm: Rhythm) -> int:
    """The first moment from an instant on that the feed does not tell us to skip; the instant if it skips all."""
    found_s = at_s
    for _ in range(8 * 24):
        hour, weekday = found_s // HOUR_S % 24, day_of(found_s).weekday()
        if hour not in rhythm.skip_hours and weekday not in rhythm.skip_days:
            return found_s
        found_s = (found_s // HOUR_S + 1) * HOUR_S + at_s % HOUR_S % 600
    return at_s


def after_failure_s(
    n_failed: int, retry_after_s: float | None, now_s: int, bounds: Bounds, chance: float, *, is_gone: bool = False
) -> int:
    """When to poll a feed again that failed.

    Args:
        n_failed: Failures in a row with this one, at least 1.
        retry_after_s: What the server asks for, or None.
        now_s: The present instant.
        bounds: What the operator allows.
        chance: In [0, 1).
        is_gone: The server says that it is gone for good.
    """
    most_s = 3 * bounds.most_s
    first_s = bounds.most_s if is_gone else max(_FIRST_FAILURE_S, bounds.least_s)
    wait_s = min(first_s << min(n_failed - 1, 16), most_s)
    return now_s + round(min(max(wait_s, retry_after_s or 0), most_s) * (1 + 0.2 * chance))


def max_age_s(headers: Mapping[str, str]) -> int:
    """Seconds for which a reply's `Cache-Control` calls it fresh, or 0."""
    control = headers.get("cache-control", "").lower()
    found = re.search(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,9})", control)
    return int(found[1]) if found and "no-cache" not in control else 0


def should_read_whole(feed: Subscription, now_s: int) -> bool:
    """Whether to ask without validators this time."""
    return feed.full_s is None or not 0 <= now_s - feed.full_s < FULL_EVERY_S


# Entries ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Taking:
    """What to do with a feed's entries.

    Attributes:
        take: To be fetched, in the order of their publication.
        passed: Not to be fetched ever, each with the word that says why (`too old`, `over the cap`).
        updated: Known ones that the publisher changed since.
        known: Keys of all that were known.
        n_left: New ones that are left for the next poll.
    """

    take: tuple[Entry, ...]
    passed: tuple[tuple[Entry, str], ...]
    updated: tuple[Entry, ...]
    known: tuple[bytes, ...]
    n_left: int


def choose_entries(
    entries: Sequence[Entry], seen: Mapping[bytes, SeenEntry], *, since_s: int | None, now_s: int, bounds: Bounds
) -> Taking:
    """Which entries of a feed to take.

    When a feed is first read, only its newest ones; what it had before is history that nobody subscribed to, also where
    it turns up later. Of what is published since then every entry, a bounded number at a time. An entry without a
    date, or with one in the future, counts as new; among those that are equally new the feed's own order decides.

    Args:
        entries: The feed's.
        seen: Those of them that are known, by key.
        since_s: When the feed was subscribed to; None where it is read for the first time.
        now_s: The present instant.
        bounds: How many, and how old.
    """
    known = [entry for entry in entries if entry.key in seen]
    updated = tuple(entry for entry in known if entry.stamp != seen[entry.key].stamp)
    new = [entry for entry in entries if entry.key not in seen]
    times = {entry.key: entry_instant_s(entry, now_s) for entry in new}

    def age_s(entry: Entry) -> int:
        at_s = times[entry.key]
        return 0 if at_s is None else max(0, now_s - at_s)

    newest = sorted(new, key=age_s)
    oldest_s = bounds.first_age_s + (0 if since_s is None else max(0, now_s - since_s))
    recent = [entry for entry in newest if age_s(entry) <= oldest_s]
    passed = [(entry, "too old") for entry in newest if age_s(entry) > oldest_s]
    if since_s is None:
        take = recent[: bounds.n_first]
        passed += [(entry, "over the cap") for entry in recent[bounds.n_first :]]
    else:
        # The oldest first, so that what is left for the next poll is what stays in the feed for longest.
        take = recent[::-1][: bounds.n_at_once]
    keys = tuple(entry.key for entry in known)
    places = {entry.key: place for place, entry in enumerate(entries)}
    take.sort(key=lambda entry: (age_s(entry), places[entry.key]), reverse=True)
    return Taking(tuple(take), tuple(passed), updated, keys, len(new) - len(take) - len(passed))


def next_try_s(n_tries: int, retry_after_s: float | None, now_s: int) -> int | None:
    """When to try an entry's article again that could not be fetched; None for no more.

    Args:
        n_tries: Tries so far, at least 1.
        retry_after_s: What the server asks for, or None.
        now_s: The present instant.
    """
    if n_tries > len(RETRIES_S):
        return None
    return now_s + round(max(RETRIES_S[n_tries - 1], min(retry_after_s or 0, DAY_S)))


def next_check_s(n_checks: int, now_s: int) -> int | None:
    """When to look at a page again after `n_checks` looks; None for no more."""
    if n_checks >= len(RECHECKS_S):
        return None
    before_s = RECHECKS_S[n_checks - 1] if n_checks else 0
    return now_s + RECHECKS_S[n_checks] - before_s


# Removal ------------------------------------------------------------------------------------------------------


def is_gone_for_good(gone_s: int | None, now_s: int) -> bool:
    """Whether a page that is not there now was missing on an earlier day too."""
    return gone_s is not None and day_of(gone_s) < day_of(now_s)


def why_not_remove(n_wanted: int, n_removed: int, n_articles: int) -> str:
    """Why articles of a feed are not removed although their pages are gone, in one sentence; "" lets them.

    A site that moves or breaks says 404 to everything.

    Args:
        n_wanted: To be removed now.
        n_removed: Removed lately.
        n_articles: Of the feed, live, with those to be removed.
    """
    n_all = n_wanted + n_removed
    if n_all <= _FREE_REMOVALS:
        return ""
    share = n_all / max(n_all, n_articles + n_removed)
    if share <= _MOST_REMOVED:
        return ""
    return f"would remove {share:.0%}: refused; `newsquote watch --allow-removals` or `newsquote retract` removes them"


# Alarms -------------------------------------------------------------------------------------------------------


def alarm(feed: Subscription, now_s: int) -> str:
    """What an operator should know of a feed, or ""."""
    if feed.n_failed:
        since = f" since {day_of(feed.failed_s)}" if feed.failed_s is not None else ""
        times = "once" if feed.n_failed == 1 else f"{feed.n_failed} times"
        return f"failed {times}{since}: {feed.failure}"
    limit_s = max(_STALE_GAPS * feed.usual_s, _STALE_LEAST_S) if feed.usual_s else _STALE_UNKNOWN_S
    silence_s = now_s - (feed.new_s or feed.added_s)
    if feed.polled_s is not None and silence_s > limit_s:
        usual = f", usually every {duration(feed.usual_s)}" if feed.usual_s else ""
        return f"stale: nothing new for {duration(silence_s)}{usual}"
    return ""


def is_stale(feed: Subscription, now_s: int) -> bool:
    """Whether a feed that can be read has had nothing new for many times its usual gap."""
    return not feed.n_failed and bool(alarm(feed, now_s))
