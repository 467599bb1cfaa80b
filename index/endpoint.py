"""Prometheus' text format, and a loopback server of `/metrics` and `/health` for an operator's own tools.

`/health` answers 200, or 503 with what is wrong. Knows nothing about what is counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from aiohttp import web


def family(name: str, kind: str, about: str, *samples: tuple[str, float]) -> list[str]:
    """The lines of one family of metrics.

    Args:
        name: Without the prefix `newsquote_`.
        kind: `counter` or `gauge`.
        about: One sentence.
        samples: Labels in braces, or "", and the value.
    """
    return [
        f"# HELP newsquote_{name} {about}",
        f"# TYPE newsquote_{name} {kind}",
        *(f"newsquote_{name}{labels} {number(value)}" for labels, value in samples),
    ]


def number(value: float) -> str:
    """A value as Prometheus reads it; what is not finite is not a number."""
    if not math.isfinite(value):
        return "NaN"
    return str(int(value)) if value == int(value) else f"{value:.6g}"


class Endpoint:
    """Serves both on loopback.

    Args:
        metrics: The text of `/metrics`.
        problem: What is wrong, or "".
        port: 0 takes any free one; see `port` after `start`.
        well: What `/health` says where nothing is wrong.
    """

    def __init__(
        self,
        metrics: Callable[[], str],
        problem: Callable[[], str],
        port: int,
        *,
        well: Callable[[], str] = lambda: "ok",
    ) -> None:
        self._metrics = metrics
        self._well = well
        self._problem = problem
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
        return web.Response(text=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _serve_health(self, _: web.Request) -> web.Response:
        problem = self._problem()
        if problem:
            return web.Response(status=503, text=problem + "\n")
        return web.Response(text=self._well() + "\n")
