"""How sure an answer is: a logistic combination of a few signs, comparable between questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.types import Hit


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs. All about in [0, 1]; zeros where nothing was found.

    Attributes:
        passage_cosine: Highest cosine of a passage with the question.
        sentence_cosine: Highest cosine of a sentence.
        coverage: Largest share of the question's words, by rarity, in one sentence.
        near_coverage: The same with its neighbours and title.
        lead: How far the best sentence's score stands above the tenth's.
    """

    passage_cosine: float = 0.0
    sentence_cosine: float = 0.0
    coverage: float = 0.0
    near_coverage: float = 0.0
    lead: float = 0.0

    @staticmethod
    def of(hits: Sequence[Hit], signs: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> Evidence:
        """Evidence from hits, the sentences' features (see `bot.choose.FEATURES`) and their scores."""
        if not hits or not len(scores):
            return Evidence()
        ordered = np.sort(scores)[::-1]
        return Evidence(
            passage_cosine=max(hit.cosine for hit in hits[:10]),
            sentence_cosine=float(signs[:, 0].max()),
            coverage=float(signs[:, 1].max()),
            near_coverage=float(signs[:, 2].max()),
            lead=float(ordered[0] - ordered[min(9, len(ordered) - 1)]),
        )


def confidence(evidence: Evidence) -> float:
    """In (0, 1)."""
    z = (
        -6.0
        + 6.0 * evidence.passage_cosine
        + 3.0 * evidence.sentence_cosine
        + 1.0 * evidence.coverage
        + 1.0 * evidence.near_coverage
    )
    return 1 / (1 + math.exp(-z))
