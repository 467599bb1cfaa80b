"""How sure an answer is: a logistic combination of a few signs, comparable between questions.

Fitted on 609 questions of a later period than the ones it is measured on: right answers against the same questions
without the articles that answer them, and, at a third of the weight, against wrong answers (EXPERIMENTS.md,
`make train`). Those are long questions; what tells most of a few words is weighed by hand (`IS_WHOLE`). How recent the
articles are is left out on purpose: it told the two apart best of all, and would refuse every question about an older
event.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from index.types import Hit

# On the questions it was fitted on it refuses one right answer in nine, six of ten unanswerable and seven of ten wrong
# ones: those are harder than questions about events that were not yet reported.
THRESHOLD = 0.22
# A lead beyond this says no more; where there is no second story at all, nothing contests the first.
MAX_MARGIN = 0.35
COEFFICIENTS = (4.15, 2.26, 2.70, 0.52)
CONSTANT = -12.66
# What a quote gains that has every word of the question. Of a bare name the cosine tells nothing, as it is no higher
# for one that is there; few questions of those that were fitted on are so short that a quote has all their words.
IS_WHOLE = 1.0
# The passages and articles, best first, among which the best sign is taken.
N_HITS = 10
N_ARTICLES = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """The signs; zeros where nothing was found.

    Attributes:
        passage_cosine: Highest cosine of a passage among the ten best hits.
        sentence: Score of the sentence that is quoted first, without what its date adds: all signs of one sentence tell
            more than the best of each, wherever that is.
        margin: How far the best story's score stands above the second's, at most `MAX_MARGIN`.
        coverage: Largest share of the question's words, by rarity, in the opening of one of the five best articles.
        is_whole: 1 where the first quote and the title of its article hold all of the question's words, else 0.
    """

    passage_cosine: float = 0.0
    sentence: float = 0.0
    margin: float = 0.0
    coverage: float = 0.0
    is_whole: float = 0.0

    @staticmethod
    def of(
        hits: Sequence[Hit],
        sentence: float,
        story_scores: Sequence[float],
        coverages: Sequence[float],
        *,
        is_whole: bool,
    ) -> Evidence:
        """Evidence from an answer's workings, where something is quoted.

        Args:
            hits: Best first.
            sentence: As `Evidence.sentence`.
            story_scores: By their best passages, best first.
            coverages: Of the ranked articles, best first.
            is_whole: As `Evidence.is_whole`.
        """
        return Evidence(
            passage_cosine=max(hit.cosine for hit in hits[:N_HITS]),
            sentence=sentence,
            margin=min(MAX_MARGIN, story_scores[0] - story_scores[1]) if len(story_scores) > 1 else MAX_MARGIN,
            coverage=max(coverages[:N_ARTICLES]),
            is_whole=float(is_whole),
        )


def confidence(evidence: Evidence) -> float:
    """Chance that the quotes answer, in (0, 1), on a mixture of answerable and unanswerable questions."""
    z = CONSTANT + sum(weight * sign for weight, sign in zip((*COEFFICIENTS, IS_WHOLE), astuple(evidence), strict=True))
    return 1 / (1 + math.exp(-z))
