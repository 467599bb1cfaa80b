"""From candidate sentences to quotes: scoring, growing, diversity, budget.

Arithmetic over values; the embedding of sentences happens in `bot.answer`. Knows nothing about storage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bot.windows import Sentences
from index.types import Hit, Span, Vectors
from index.words import content_terms, terms

N_QUOTES = 3
QUOTE_WORDS = 60
ALL_WORDS = 120
MIN_ROOM = 24
# A further quote that scores this far below the first is noise to a reader: leaving such out took .0-.3 points of the
# answers in three quotes, and a sixth of the quotes, over three sets of questions.
MAX_DROP = 1.0

_SIGNS = {
    "date": r"\b(?:19|20)\d\d\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan\.|Feb\.|Aug\.|Sept\.|Oct\.|Nov\.|Dec\.)",
    "duration": r"\b(?:year|month|week|day|hour|minute|second|decade)s?\b",
    "number": r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|billion)\b",
    "money": r"[$£€¥]\s?\d|\b(?:dollar|euro|pound|yen|million|billion)s?\b",
    "percent": r"%|\bper ?cent\b|\bpercentage\b",
    "quote": r"[\"“]",
    "reason": r"\b(?:because|due to|after|over|amid|since|citing|as a result)\b",
}
_SIGN_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _SIGNS.items()}
_NAME = re.compile(r"(?<![.!?\"“] )(?<!^)\b[A-Z][\w’'-]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may anchor a quote.

    Attributes:
        story: Position of its article among the ranked ones, 0 the best.
        sentences: Its article's sentences.
        at: Index of the sentence.
        hit: The passage that brought it.
    """

    story: int
    sentences: Sentences
    at: int
    hit: Hit

    @property
    def text(self) -> str:
        return self.sentences.spans[self.at].of(self.sentences.article.text)


# Words that frame a question or name what kind of answer is wanted: an answering sentence says "by April 26", not
# "deadline", and an article says what happened, not "mention". They count for retrieval, not for coverage.
_FRAMING = """say said says saying tell told mention mentioned mentions report reported reports announce announced call
called name named happen happened give gave given make made take took get got according recently new last week month
year today yesterday this"""
_KIND_NOUNS = {
    "date": "deadline date day month year time",
    "duration": "time long",
    "money": "price cost amount money much sum pay",
    "percent": "percentage percent share proportion rate",
    "number": "number many total",
    "person": "person man woman people one name",
    "organisation": "company firm organisation organization business",
    "place": "country city state place town nation",
    "name": "name title",
    "reason": "reason",
}


@lru_cache(maxsize=len(_KIND_NOUNS) + 4)
def _uncounted(kind: str) -> frozenset[str]:
    return frozenset(terms(f"{_FRAMING} {_KIND_NOUNS.get(kind, '')}"))


def question_terms(topic: str, kind: str) -> list[str]:
    """The folded words of a question that its answering sentence, or those round it, should hold."""
    every = content_terms(topic)
    return [term for term in every if term not in _uncounted(kind)] or every


def coverage(question: Sequence[str], found: Collection[str], idf: Callable[[str], float]) -> float:
    """Share of the question's words, weighted by how rare they are, that occur in `found`; in [0, 1]."""
    weights = [idf(term) for term in question]
    whole = sum(weights)
    if whole <= 0:
        return 0.0
    return sum(weight for term, weight in zip(question, weights, strict=True) if term in found) / whole


def answers_kind(kind: str, text: str, question: str) -> bool:
    """Whether a sentence holds something of the kind asked for that the question itself does not hold."""
    pattern = _SIGN_PATTERNS.get(kind)
    if pattern is not None:
        return any(match.group() not in question for match in pattern.finditer(text))
    if kind in ("person", "organisation", "place", "name"):
        return any(match.group() not in question for match in _NAME.finditer(text))
    return True


FEATURES = ("cosine", "coverage", "near_coverage", "passage", "kind", "lead", "length")
# A logistic regression over the sentences of 441 questions of 2022-11 … 2023-03, centred within each question and
# divided by the first weight; see EXPERIMENTS.md.
WEIGHTS = np.array([1.0, 0.6, 0.75, 0.6, 0.8, 0.5, 0.15])


def features(
    kind: str,
    question: str,
    question_terms: Sequence[str],
    candidates: Sequence[Candidate],
    cosines: Sequence[float],
    idf: Callable[[str], float],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(n, len(FEATURES)) signs that a candidate answers, each about in [0, 1].

    Args:
        kind: What the answer will be.
        question: As asked.
        question_terms: Its folded content words.
        candidates: Sentences.
        cosines: Of each sentence with the question.
        idf: Rarity of a folded word.
    """
    best = max((candidate.hit.score for candidate in candidates), default=1.0) or 1.0
    rows = []
    for candidate, cosine in zip(candidates, cosines, strict=True):
        sentences, at = candidate.sentences, candidate.at
        text = candidate.text
        low, high = max(0, at - 1), min(len(sentences.spans) - 1, at + 1)
        near = sentences.joined(low, high).of(sentences.article.text)
        around = {*terms(sentences.article.title), *terms(near)}
        rows.append(
            (
                cosine,
                coverage(question_terms, set(terms(text)), idf),
                coverage(question_terms, around, idf),
                candidate.hit.score / best,
                float(answers_kind(kind, text, question)),
                1.0 / (1 + at / 4),
                min(1.0, sentences.n_words[at] / 12),
            )
        )
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A quote to be: the sentences `first … last` of an article round its anchor, and the anchor's score."""

    candidate: Candidate
    first: int
    last: int
    score: float


def choose(
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    vectors: Vectors,
    *,
    n_quotes: int = N_QUOTES,
    novelty: float = 0.5,
    first_words: int = QUOTE_WORDS,
) -> list[Chosen]:
    """Up to three stretches that answer best and say different things, best first.

    Args:
        candidates: Sentences, in any order.
        scores: Of each; higher is better.
        vectors: (n, dim) unit vectors of the sentences, for telling whether two say the same.
        n_quotes: At most so many.
        novelty: What a sentence loses for each unit of cosine with one already chosen.
        first_words: Longest first quote; the others share what is left of the 120 words.
    """
    chosen: list[Chosen] = []
    by_place = {
        (candidate.sentences.article.version, candidate.at): score
        for candidate, score in zip(candidates, scores, strict=True)
    }
    taken: set[tuple[int, int]] = set()
    left = ALL_WORDS
    adjusted = np.array(scores, np.float64)
    while len(chosen) < n_quotes and len(candidates) and left >= 8:
        at = int(adjusted.argmax())
        if adjusted[at] == -math.inf or (chosen and scores[at] < chosen[0].score - MAX_DROP):
            break
        candidate = candidates[at]
        fair_share = max(left // (n_quotes - len(chosen)), MIN_ROOM)
        room = min(QUOTE_WORDS, left, fair_share) if chosen else first_words
        first, last = grow(candidate, by_place, room, taken)
        words = min(sum(candidate.sentences.n_words[first : last + 1]), QUOTE_WORDS)
        if words <= left:
            chosen.append(Chosen(candidate, first, last, float(scores[at])))
            taken.update((candidate.sentences.article.version, place) for place in range(first, last + 1))
            left -= words
            adjusted -= novelty * np.maximum(0, vectors @ vectors[at])
        version = candidate.sentences.article.version
        for other, rival in enumerate(candidates):
            if rival is candidate or (rival.sentences.article.version == version and first <= rival.at <= last):
                adjusted[other] = -math.inf
    return chosen


def grow(
    candidate: Candidate,
    by_place: Mapping[tuple[int, int], float],
    room: int,
    taken: Collection[tuple[int, int]] = (),
) -> tuple[int, int]:
    """Sentences round an anchor, taken while they fit into `room` words: first the better-scored neighbour.

    Args:
        candidate: The anchor.
        by_place: Scores by (version, index of the sentence).
        room: Words in all; the anchor may have more.
        taken: Sentences of other quotes, which may not stand in this one too.
    """
    sentences = candidate.sentences
    version = sentences.article.version
    first = last = candidate.at
    words = sentences.n_words[candidate.at]
    while last - first + 1 < 3:
        options = []
        for at, low, high in ((first - 1, first - 1, last), (last + 1, first, last + 1)):
            if (
                0 <= at < len(sentences.spans)
                and words + sentences.n_words[at] <= room
                and (version, at) not in taken
                and sentences.can_join(low, high)
            ):
                options.append((by_place.get((version, at), -1.0), low, high, sentences.n_words[at]))
        if not options:
            break
        _, first, last, n = max(options)
        words += n
    return first, last


def bounded(chosen: Chosen) -> Span:
    """The whole span of a chosen stretch; it may still be one sentence longer than a quote may be."""
    return chosen.candidate.sentences.joined(chosen.first, chosen.last)
