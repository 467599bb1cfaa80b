"""Prometheus metrics and a health endpoint on loopback, for an operator's own tools.

`/metrics` is text in Prometheus' format, `/health` answers 200 while the bot is on the line and has an index, else 503
with the reason. Knows nothing about Discord beyond what it is told.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from index.endpoint import Endpoint, family, number

BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Metrics:
    """Counts since the start.

    Attributes:
        questions: By outcome: answered, not_found, busy, refused, failed, closing.
        votes: By value: up, down.
        news: Standing questions that were asked anew, by outcome: told, nothing, failed.
        texts: What a language model wrote, by outcome: written, declined, unsupported, failed, cancelled, not shown.
        n_reports: Reports of wrong quotes.
        took_s: Answering times by upper bound, the last for what took longer.
    """

    questions: Counter[str] = field(default_factory=Counter)
    votes: Counter[str] = field(default_factory=Counter)
    news: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    n_reports: int = 0
    took_s: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS_S) + 1))
    sum_s: float = 0.0

    def took(self, seconds: float) -> None:
        """Count one answer's time from question to card."""
        self.took_s[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds


@dataclass(frozen=True, slots=True)
class Health:
    """How the bot is at this moment.

    Attributes:
        problem: Why it cannot answer, or "".
        n_waiting: Questions under way or waiting.
        latency_s: Of the last heartbeat; NaN before the first.
        n_guilds: Servers.
        snapshot: Name of the live index, or "".
        index_age_s: Seconds since it was made.
    """

    problem: str
    n_waiting: int
    latency_s: float
    n_guilds: int
    snapshot: str
    index_age_s: float


def exposition(metrics: Metrics, health: Health) -> str:
    """Everything in Prometheus' text format, one family after the other."""
    lines: list[str] = []
    outcomes = ("answered", "not_found", "busy", "refused", "failed", "closing")
    lines += family(
        "questions_total",
        "counter",
        "Questions by outcome.",
        *((f'{{outcome="{name}"}}', metrics.questions[name]) for name in outcomes),
    )
    lines += family(
        "votes_total",
        "counter",
        "Votes by value.",
        *((f'{{value="{name}"}}', metrics.votes[name]) for name in ("up", "down")),
    )
    texts = ("written", "declined", "unsupported", "failed", "cancelled", "not shown")
    lines += family(
        "texts_total",
        "counter",
        "Texts of a language model by outcome.",
        *((f'{{outcome="{name}"}}', metrics.texts[name]) for name in texts),
    )
    lines += family(
        "standing_asked_total",
        "counter",
        "Standing questions asked of what came in, by outcome.",
        *((f'{{outcome="{name}"}}', metrics.news[name]) for name in ("told", "nothing", "failed")),
    )
    lines += family("reports_total", "counter", "Reports of wrong quotes.", ("", metrics.n_reports))
    lines.append("# HELP newsquote_answer_seconds Time from question to card.")
    lines.append("# TYPE newsquote_answer_seconds histogram")
    n = 0
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), metrics.took_s, strict=True):
        n += count
        lines.append(f'newsquote_answer_seconds_bucket{{le="{bound}"}} {n}')
    lines += [f"newsquote_answer_seconds_sum {number(metrics.sum_s)}", f"newsquote_answer_seconds_count {n}"]
    lines += family("waiting", "gauge", "Questions under way or waiting.", ("", health.n_waiting))
    lines += family("heartbeat_seconds", "gauge", "Latency of the last heartbeat.", ("", health.latency_s))
    lines += family("guilds", "gauge", "Servers the bot is on.", ("", health.n_guilds))
    lines += family("index_age_seconds", "gauge", "Age of the live index.", ("", health.index_age_s))
    lines += family("up", "gauge", "1 while the bot can answer.", ("", 0 if health.problem else 1))
    return "\n".join(lines) + "\n"


class MetricsServer(Endpoint):
    """Serves both on loopback.

    Args:
        metrics: What is counted.
        health: How the bot is now.
        port: 0 takes any free one; see `port` after `start`.
    """

    def __init__(self, metrics: Metrics, health: Callable[[], Health], port: int) -> None:
        super().__init__(
            lambda: exposition(metrics, health()),
            lambda: health().problem,
            port,
            well=lambda: f"ok snapshot={health().snapshot}",
        )
