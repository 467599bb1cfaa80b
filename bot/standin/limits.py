"""Rate limits as Discord announces them: buckets by route and main id, in windows."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

MAIN_IDS = ("channel_id", "guild_id", "webhook_id", "webhook_token", "interaction_id")


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may be asked for.

    Attributes:
        method: HTTP method, or `*`.
        path: Pattern for the route, as in `/channels/*/messages`.
        n: Requests in one window.
        per_s: Length of a window.
    """

    method: str
    path: str
    n: int
    per_s: float


# No stricter than Discord's global limit. A test that wants a route's own limit states it.
USUAL = Limit("*", "*", 50, 1.0)


@dataclass(slots=True)
class _Window:
    ends_at: float
    n_used: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a request stands in its bucket.

    Attributes:
        retry_after_s: How long to wait, or None where the request may pass.
        headers: What Discord tells about it.
    """

    retry_after_s: float | None
    headers: dict[str, str]


@dataclass(slots=True)
class Buckets:
    """Counts requests."""

    limits: Sequence[Limit] = ()
    _windows: dict[tuple[str, ...], _Window] = field(default_factory=dict)

    def take(self, method: str, route: str, ids: dict[str, str], now_s: float, wall_s: float) -> Standing:
        """Counts one request.

        Args:
            method: HTTP method.
            route: The route with names for its ids, `/channels/{channel_id}/messages`.
            ids: Values of those names.
            now_s: Monotonic seconds.
            wall_s: Seconds since 1970, for the header that carries the time.
        """
        limit = next((one for one in (*self.limits, USUAL) if _matches(one, method, route)), USUAL)
        key = (method, route, *(ids[name] for name in MAIN_IDS if name in ids))
        window = self._windows.get(key)
        if window is None or window.ends_at <= now_s:
            window = self._windows[key] = _Window(now_s + limit.per_s)
            if len(self._windows) > 10_000:
                self._windows = {one: kept for one, kept in self._windows.items() if kept.ends_at > now_s}
        left_s = window.ends_at - now_s
        refused = window.n_used >= limit.n
        window.n_used += not refused
        # Rounded up: a client that waits exactly this long must not come too early.
        after_s = math.ceil(left_s * 1000) / 1000
        headers = {
            "X-RateLimit-Limit": str(limit.n),
            "X-RateLimit-Remaining": str(limit.n - window.n_used),
            "X-RateLimit-Reset": f"{wall_s + after_s:.3f}",
            "X-RateLimit-Reset-After": f"{after_s:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(f"{method} {route}".encode()).hexdigest()[:32],
        }
        return Standing(after_s if refused else None, headers)


def _matches(limit: Limit, method: str, route: str) -> bool:
    return limit.method in ("*", method) and fnmatchcase(route, limit.path)
