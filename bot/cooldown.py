"""How often people may ask: a pause for each person on a server, and so many a minute for each server.

The time is an argument.
"""

from __future__ import annotations

import math
from collections import deque

WINDOW_S = 60.0
# Beyond so many the oldest are forgotten, so that nothing grows for ever: most pauses are seconds long, and long over.
MAX_PAUSES = 10_000
# Edits of one question that need not wait: a slip put right, and what was wrong with that.
MAX_EDITS = 3


class Cooldown:
    """Remembers who asked when."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, int], tuple[float, int]] = {}  # when, and edits since the question; oldest first
        self._recent: dict[int, deque[float]] = {}

    def person_until(
        self, person: int, guild: int, pause_s: float, now: float, *, is_edit: bool = False
    ) -> float | None:
        """When a person may ask again on a server, whose pause counts no question asked elsewhere; None for at once.

        An edit need not wait for the question that it edits, the first `MAX_EDITS` times.
        """
        last, n_edits = self._last.get((person, guild), (-math.inf, 0))
        return None if now - last >= pause_s or (is_edit and n_edits < MAX_EDITS) else last + pause_s

    def guild_until(self, guild: int, per_minute: int, now: float) -> float | None:
        """When a server may ask again; None for at once, always so where there is no bound."""
        recent = self._recent.get(guild)
        if not per_minute or recent is None:
            return None
        while recent and now - recent[0] >= WINDOW_S:
            recent.popleft()
        return recent[-per_minute] + WINDOW_S if len(recent) >= per_minute else None

    def asked(self, person: int, guild: int, now: float, *, is_edit: bool = False) -> None:
        """Count a question; a direct message (server 0) counts for the person alone."""
        _, n_edits = self._last.pop((person, guild), (now, 0))
        self._last[person, guild] = now, n_edits + 1 if is_edit else 0
        if len(self._last) > MAX_PAUSES:
            del self._last[next(iter(self._last))]
        if guild:
            self._recent.setdefault(guild, deque(maxlen=1000)).append(now)
