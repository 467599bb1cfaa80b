"""Prometheus metrics and a health endpoint on loopback, for an operator's own tools.

`/metrics` is text in Prometheus' format, `/health` answers 200 while the bot is on the line and has an index, else 503
with the reason. Knows nothing about Discord beyond what it is told.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class Metrics:
    """Counts since the start.

    Attributes:
        questions: By outcome: answered, not_found, busy, refused, failed, closing.
        votes: By value: up, down.
        texts: What a language model wrote, by outcome: written, declined, unsupported, failed, cancelled, not shown.
        n_reports: Reports of wrong quotes.
        took_s: Answering times by upper bound, the last for what took longer.
    """

    questions: Counter[str] = field(default_factory=Counter)
    votes: Counter[str] = field(default_factory=Counter)
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

    def family(name: str, kind: str, about: str, *samples: tuple[str, float]) -> None:
        lines.append(f"# HELP newsquote_{name} {about}")
        lines.append(f"# TYPE newsquote_{name} {kind}")
        lines.extend(f"newsquote_{name}{labels} {_number(value)}" for labels, value in samples)

    outcomes = ("answered", "not_found", "busy", "refused", "failed", "closing")
    family(
        "questions_total",
        "counter",
        "Questions by outcome.",
        *((f'{{outcome="{name}"}}', metrics.questions[name]) for name in outcomes),
    )
    family(
        "votes_total",
        "counter",
        "Votes by value.",
        *((f'{{value="{name}"}}', metrics.votes[name]) for name in ("up", "down")),
    )
    texts = ("written", "declined", "unsupported", "failed", "cancelled", "not shown")
    family(
        "texts_total",
        "counter",
        "Texts of a language model by outcome.",
        *((f'{{outcome="{name}"}}', metrics.texts[name]) for name in texts),
    )
    family("reports_total", "counter", "Reports of wrong quotes.", ("", metrics.n_reports))
    lines.append("# HELP newsquote_answer_seconds Time from question to card.")
    lines.append("# TYPE newsquote_answer_seconds histogram")
    n = 0
    for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), metrics.took_s, strict=True):
        n += count
        lines.append(f'newsquote_answer_seconds_bucket{{le="{bound}"}} {n}')
    lines += [f"newsquote_answer_seconds_sum {_number(metrics.sum_s)}", f"newsquote_answer_seconds_count {n}"]
    family("waiting", "gauge", "Questions under way or waiting.", ("", health.n_waiting))
    family("heartbeat_seconds", "gauge", "Latency of the last heartbeat.", ("", health.latency_s))
    family("guilds", "gauge", "Servers the bot is on.", ("", health.n_guilds))
    family("index_age_seconds", "gauge", "Age of the live index.", ("", health.index_age_s))
    family("up", "gauge", "1 while the bot can answer.", ("", 0 if health.problem else 1))
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN"  # the heartbeat's latency is infinite until there is one
    return str(int(value)) if value == int(value) else f"{value:.6g}"


class MetricsServer:
    """Serves both on loopback.

    Args:
        metrics: What is counted.
        health: How the bot is now.
        port: 0 takes any free one; see `port` after `start`.
    """

    def __init__(self, metrics: Metrics, health: Callable[[], Health], port: int) -> None:
        self._metrics = metrics
        self._health = health
        self.port = port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        app = web.Application()
        app.router.add_get("/metrics", self._serve_metrics)
        app.router.add_get("/health", self._serve_health)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve_metrics(self, _: web.Request) -> web.Response:
        text = exposition(self._metrics, self._health())
        return web.Response(text=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _serve_health(self, _: web.Request) -> web.Response:
        health = self._health()
        if health.problem:
            return web.Response(status=503, text=health.problem + "\n")
        return web.Response(text=f"ok snapshot={health.snapshot}\n")
