"""What a running watcher tells an operator's tools. Values in, text out; reads no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from index.endpoint import family
from ingest.watch import Watcher
from ingest.watch_notes import OUTCOMES

# A round may take long where there is much to fetch, but none takes this long without an end.
LONGEST_ROUND_S = 3 * 3_600


def exposition(watcher: Watcher, status: Mapping[str, Any], now_s: int) -> str:
    """Counts since the start and the state of the feeds, in Prometheus' text format.

    Args:
        watcher: That runs.
        status: `ingest.feed_commands.feed_status` of now.
        now_s: The present instant.
    """
    totals = watcher.totals

    lines = family("feed_polls_total", "counter", "Polls of feeds.", ("", totals.n_polled))
    lines += family("feed_polls_failed_total", "counter", "Polls that failed.", ("", totals.n_failed))
    lines += family("feed_entries_total", "counter", "New entries of feeds.", ("", totals.n_found))
    lines += family(
        "feed_articles_total",
        "counter",
        "Pages and entries by what became of them.",
        *((f'{{outcome="{word}"}}', totals.outcomes[word]) for word in OUTCOMES),
    )
    for name, key, about in (
        ("feeds", "feeds", "Subscriptions."),
        ("feeds_failing", "feeds_failing", "Feeds whose last poll failed."),
        ("feeds_stale", "feeds_stale", "Feeds without anything new for many times their usual."),
        ("feed_entries_waiting", "entries_waiting", "Entries to be fetched."),
    ):
        lines += family(name, "gauge", about, ("", status.get(key, 0)))
    age_s = float("nan") if watcher.last_s is None else max(0, now_s - watcher.last_s)
    lines += family("watch_round_age_seconds", "gauge", "Seconds since the last round ended.", ("", age_s))
    return "\n".join(lines) + "\n"


def problem(watcher: Watcher, now_s: int) -> str:
    """Why the watcher is not well, or ""; its first round is measured from its start."""
    since_s = watcher.started_s if watcher.last_s is None else watcher.last_s
    if now_s - since_s <= LONGEST_ROUND_S:
        return ""
    return f"no round has ended for {(now_s - since_s) // 60} minutes"
