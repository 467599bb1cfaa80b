"""How sure an answer is: a logistic combination of a few signs, comparable between questions.

Fitted on 441 questions of a later period than the ones it is measured on: right answers against questions about
events that the corpus cannot know, and, at a third of the weight, against wrong answers (EXPERIMENTS.md).
How recent the articles are is left out on purpose: it told the two apart best of all, and would refuse every
question about an older event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.choose import FEATURES
from index.types import Hit

# Keeps 97 % of the right answers of the fitted period.
THRESHOLD = 0.14
# The median margin of the fitted questions: a corpus of one article says nothing either way.
LONE_MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs. Cosines and shares; zeros where nothing was found.

    Attributes:
        passage_cosine: Highest cosine of a passage among the ten best hits.
        sentence_cosine: Highest cosine of a sentence.
        coverage: Largest share of the question's words, by rarity, in a sentence with its neighbours and title.
        agreement: Mean cosine of the five best sentences.
        margin: How far the best story's score stands above the second's; `LONE_MARGIN` where there is only one.
    """

    passage_cosine: float = 0.0
    sentence_cosine: float = 0.0
    coverage: float = 0.0
    agreement: float = 0.0
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
        cosines = signs[:, FEATURES.index("cosine")]
        best = np.argsort(-scores, kind="stable")[:5]
        return Evidence(
            passage_cosine=max(hit.cosine for hit in hits[:10]),
            sentence_cosine=float(cosines.max()),
            coverage=float(signs[:, FEATURES.index("near_coverage")].max()),
            agreement=float(cosines[best].mean()),
            margin=story_scores[0] - story_scores[1] if len(story_scores) > 1 else LONE_MARGIN,
        )


def confidence(evidence: Evidence) -> float:
    """Chance that the quotes answer, in (0, 1), on a mixture of answerable and unanswerable questions."""
    z = (
        5.6 * evidence.passage_cosine
        + 1.0 * evidence.sentence_cosine
        + 3.7 * evidence.coverage
        + 2.0 * evidence.agreement
        + 2.5 * evidence.margin
        - 8.55
    )
    return 1 / (1 + math.exp(-z))
