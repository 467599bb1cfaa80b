"""How often people may ask: a pause for each person, and so many a minute for each server. The time is an argument."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
# Forgotten wholesale beyond so many people, so that nothing grows for ever; pauses are seconds long.
MAX_PEOPLE = 10_000


class Cooldown:
    """Remembers who asked when."""

    def __init__(self) -> None:
        self._last: dict[int, float] = {}
        self._recent: dict[int, deque[float]] = {}

    def person_until(self, person: int, pause_s: float, now: float) -> float | None:
        """When a person may ask again; None for at once."""
        last = self._last.get(person)
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
        if len(self._last) >= MAX_PEOPLE:
            self._last.clear()
        self._last[person] = now
        if guild:
            self._recent.setdefault(guild, deque(maxlen=1000)).append(now)
