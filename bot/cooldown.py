"""How often people may ask: a pause for each person on a server, and so many a minute for each server.

The time is an argument.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
# Beyond so many the oldest are forgotten, so that nothing grows for ever: most pauses are seconds long, and long over.
MAX_PAUSES = 10_000


class Cooldown:
    """Remembers who asked when."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], float] = {}  # oldest first
        self._recent: dict[int, deque[float]] = {}

    def person_until(self, person: int, guild: int, pause_s: float, now: float) -> float | None:
        """When a person may ask again on a server, whose pause counts no question asked elsewhere; None for at once."""
        last = self._last.get((person, guild))
        return None if last is None or now - last >= pause_s else last + pause_s

    def guild_until(self, guild: int, per_minute: int, now: float) -> float | None:
        """When a server may ask again; None for at once, always so where there is no bound."""
        recent = self._recent.get(guild)
        if not per_minute or recent is None:
            return None
        while recent and now - recent[0] >= WINDOW_S:
            recent.popleft()
        return recent[-per_minute] + WINDOW_S if len(recent) >= per_minute else None

    def asked(self, person: int, guild: int, now: float) -> None:
        """Count a question; a direct message (server 0) counts for the person alone."""
        self._last.pop((person, guild), None)
        self._last[person, guild] = now
        if len(self._last) > MAX_PAUSES:
            del self._last[next(iter(self._last))]
        if guild:
            self._recent.setdefault(guild, deque(maxlen=1000)).append(now)
