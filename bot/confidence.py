"""How sure an answer is: a logistic combination of a few signs, comparable between questions.

Fitted on 609 questions of a later period than the ones it is measured on: right answers against the same questions
without the articles that answer them, and, at a third of the weight, against wrong answers (EXPERIMENTS.md,
`make train`). How recent the articles are is left out on purpose: it told the two apart best of all, and would refuse
every question about an older event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from bot.choose import FEATURES, READING
from index.types import Hit

# On the questions it was fitted on it refuses one right answer in six, and two thirds of the unanswerable and of the
# wrong ones: those are harder than questions about events that were not yet reported.
THRESHOLD = 0.15
# A lead beyond this says no more; where there is no second story at all, nothing contests the first.
MAX_MARGIN = 0.35
COEFFICIENTS = (2.76, 1.45, 1.64, 2.34, 1.43)
CONSTANT = -6.61


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs; zeros where nothing was found.

    Attributes:
        passage_cosine: Highest cosine of a passage among the ten best hits.
        reading: Highest reading of a sentence by the reranker, in [0, 1].
        agreement: Mean reading of the three best sentences.
        coverage: Largest share of the question's words, by rarity, in a sentence with its neighbours and title.
        margin: How far the best story's score stands above the second's, at most `MAX_MARGIN`.
    """

    passage_cosine: float = 0.0
    reading: float = 0.0
    agreement: float = 0.0
    coverage: float = 0.0
    margin: float = 0.0

    @staticmethod
    def of(
        hits: Sequence[Hit],
        signs: npt.NDArray[np.float64],
        scores: npt.NDArray[np.float64],
        story_scores: Sequence[float],
    ) -> Evidence:
        """Evidence from an answer's workings.

        Args:
            hits: Best first.
            signs: (n, len(FEATURES)) of the sentences.
            scores: (n,) of the sentences.
            story_scores: Of the ranked articles, best first.
        """
        if not hits or not len(scores):
            return Evidence()
        readings = signs[:, READING]
        best = np.argsort(-scores, kind="stable")[:3]
        return Evidence(
            passage_cosine=max(hit.cosine for hit in hits[:10]),
            reading=float(readings.max()),
            agreement=float(readings[best].mean()),
            coverage=float(signs[:, FEATURES.index("near_coverage")].max()),
            margin=min(MAX_MARGIN, story_scores[0] - story_scores[1]) if len(story_scores) > 1 else MAX_MARGIN,
        )


def confidence(evidence: Evidence) -> float:
    """Chance that the quotes answer, in (0, 1), on a mixture of answerable and unanswerable questions."""
    z = CONSTANT + sum(weight * sign for weight, sign in zip(COEFFICIENTS, astuple(evidence), strict=True))
    return 1 / (1 + math.exp(-z))
