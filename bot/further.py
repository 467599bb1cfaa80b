"""Quotes beyond those of an answer, for a reader who asks for more. Arithmetic over values, like `bot.choose`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from bot.choose import N_QUOTES, Alike, Candidate, Chosen, choose

# A further quote is worth showing while its sentence scores at least this share of the best one's.
WORTH = 0.6


def further(
    candidates: Sequence[Candidate], scores: Sequence[float], alike: Alike, chosen: Sequence[Chosen], n: int
) -> list[Chosen]:
    """Up to `n` more stretches, best first, none of which shares a sentence with those chosen or with another.

    Args:
        candidates: As for `choose`.
        scores: Of each.
        alike: Of each with each.
        chosen: What is shown already.
        n: At most so many; 0 gives none.
    """
    found: list[Chosen] = []
    least = WORTH * max(scores, default=0.0)
    taken = _sentences(chosen)
    while len(found) < n:
        left = [
            score if (candidate.place not in taken and score >= least) else -math.inf
            for candidate, score in zip(candidates, scores, strict=True)
        ]
        page = [pick for pick in choose(candidates, left, alike) if pick.score > -math.inf]
        if not page:
            break
        for pick in page[: min(N_QUOTES, n - len(found))]:
            # One that grew into a sentence shown before is brought back to its anchor.
            at = pick.candidate.at
            alone = pick if _sentences([pick]).isdisjoint(taken) else replace(pick, first=at, last=at)
            found.append(alone)
            taken |= _sentences([alone])
    return found


def _sentences(picks: Sequence[Chosen]) -> set[tuple[int, int]]:
    return {(pick.candidate.sentences.article.version, at) for pick in picks for at in range(pick.first, pick.last + 1)}
