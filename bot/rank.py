"""Which articles a question is about: passages, what was read in them, openings and dates as one score of each.

Arithmetic over values. Knows nothing about storage or how a passage was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# What an article gains beside its best passage: by its second best, by its best reading, and by having all of the
# question's words over having none in its opening: a live blog holds every word somewhere.
SECOND_SHARE = 0.1
READING_SHARE = 0.3
COVERAGE_SHARE = 0.2
OPENING_CHARS = 5_000
# What it loses that has none of the question's names where another has one: it speaks of something else.
NAMELESS_LOSS = 0.3
# What it gains where all the others that are likely are of its days: several report what happened. Days count less
# the further apart, and the others the further behind the best: 1/e of it at one `DAYS_APART`, and at one `BEHIND`.
TOGETHER_SHARE = 0.1
DAYS_APART = 14.0
BEHIND = 0.2


@dataclass(frozen=True, slots=True)
class Signs:
    """What one article's rank is made of.

    Attributes:
        best: Score of its best passage.
        second: Of its second best; 0 where only one was found.
        reading: The best reading of a sentence of it, in [0, 1].
        coverage: Share of the question's words in its opening, in [0, 1].
        is_named: Whether it has one of the question's names.
        day: Publication in days since 1970, or None.
    """

    best: float
    second: float
    reading: float
    coverage: float
    is_named: bool
    day: float | None


def article_scores(signs: Sequence[Signs]) -> Floats:
    """(n,) how likely each article is the one, from its signs and those of the others; higher is better."""
    are_named = any(each.is_named for each in signs)
    alone = [
        each.best
        + SECOND_SHARE * each.second
        + READING_SHARE * each.reading
        + COVERAGE_SHARE * each.coverage
        - NAMELESS_LOSS * (are_named and not each.is_named)
        for each in signs
    ]
    scores = np.array(alone, np.float64)
    return scores + TOGETHER_SHARE * together([each.day for each in signs], scores)


def together(days: Sequence[float | None], scores: Floats) -> Floats:
    """(n,) how far the other articles are of the same days, each with as much say as its score gives it; in [0, 1].

    What has no date has no say, and gains nothing.
    """
    at = np.array([np.nan if day is None else day for day in days], np.float64)
    votes = np.where(np.isnan(at), 0.0, np.exp((scores - scores.max(initial=-np.inf)) / BEHIND))
    others = 1.0 - np.eye(len(at))
    near = others * np.nan_to_num(np.exp(-np.abs(at[:, None] - at[None, :]) / DAYS_APART))
    gained: Floats = near @ votes / np.maximum(others @ votes, 1e-9)
    return gained
