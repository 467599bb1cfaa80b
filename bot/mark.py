"""Which words of a quote answer the question: a span to set in bold, or none.

Candidates are names, quoted strings, dates, durations, numbers, sums, percentages, noun phrases and
short clauses. Each is scored by whether its form suits the kind of question, how close it stands to
the question's own words, and small cues of syntax; the best one is marked, a figure with its unit. No model: a score
is the sum of the weights in `bot.mark_features`, which were fitted once, and of what a reranker points at.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import replace

from bot.english import POSSESSIVE
from bot.kind import Kind
from bot.mark_candidates import (
    MAX_MARK_WORDS,
    Candidate,
    candidates,
    is_asked_about,
    is_markable,
    is_of_another_kind,
)
from bot.mark_features import WEIGHTS, features
from bot.mark_figures import whole_figure
from bot.mark_pairs import asked_of_pair
from bot.quote_words import TITLE_STEMS, Asked, Page, asked_of

__all__ = ["MAX_MARK_WORDS", "mark_answer"]

# A sentence is at most 60 words; what is longer is no quote of ours and is read up to here.
MAX_QUOTE_CHARS = 2_000
POINTED_WEIGHT = 3.0
_WITH_UNITS = frozenset({"number", "percent", "money", "duration"})
_ABBREVIATION = re.compile(r"(?:\b(?:Jr|Sr|Co|Inc|Corp|Ltd|St)|(?<![\w.])[A-Za-z]\.[A-Za-z])\Z")
_NAMED: frozenset[Kind] = frozenset({"person", "organisation", "place"})
# With a reader's pointing, no right mark of the questions held out scores below these, and one in a hundred of the
# marks in quotes that hold no answer does. Figures have no such limit: their form says that they can be the answer.
MIN_SCORE: dict[Kind, float] = {**dict.fromkeys(_NAMED, 0.25), "name": -0.25, "other": -0.25, "reason": -0.25}


def mark_answer(
    question: str, kind: Kind, quote: str, pointed: tuple[int, int] | None = None
) -> tuple[int, int] | None:
    """The answer-bearing words of `quote`, as a half-open span of its code points.

    Args:
        question: The question, or its topic.
        kind: What it asks for, as `bot.understand` says.
        quote: One unbroken stretch of an article.
        pointed: Where a reader of both would look for the answer, in code points of the quote.

    Returns:
        At most 12 words, never the whole quote, beginning and ending in a visible character; None where
        nothing in the quote can be the answer, for a yes-no question and for an empty quote.
    """
    if kind == "yes_no":
        return None
    asked = asked_of(question, kind)
    page = Page.of(quote[:MAX_QUOTE_CHARS], asked)
    scores: dict[Candidate, float] = {}
    for candidate in candidates(page, asked):
        score = sum(WEIGHTS.get(name, 0.0) * value for name, value in features(candidate, page, asked).items())
        if pointed is not None:
            score += POINTED_WEIGHT * _overlap((candidate.start, candidate.end), pointed)
        scores[candidate] = score
    for candidate in sorted(scores, key=lambda candidate: -scores[candidate]):
        if pointed is not None and scores[candidate] < MIN_SCORE.get(kind, -math.inf):
            break
        span = _named(candidate, page, asked) if kind in _NAMED else (candidate.start, candidate.end)
        if span is not None and candidate.form in _WITH_UNITS:
            return _grown(asked_of_pair(question, candidate, scores, page, asked), page, asked)
        if span is not None:
            return _with_stop(page.text, *span)
    return None


def _with_stop(text: str, start: int, end: int) -> tuple[int, int]:
    """A span with the full stop of the abbreviation that it ends in."""
    is_open = text.startswith(".", end) and _ABBREVIATION.search(text, start, end) is not None
    return start, end + is_open


def _grown(candidate: Candidate, page: Page, asked: Asked) -> tuple[int, int]:
    """A figure with what belongs to it, or as much of it as may be marked."""
    start, end = whole_figure(page, asked, candidate.form, candidate.start, candidate.end)
    spans = ((start, end), (candidate.start, end))
    return next((span for span in spans if is_markable(page, *span)), (candidate.start, candidate.end))


def _named(candidate: Candidate, page: Page, asked: Asked) -> tuple[int, int] | None:
    """A phrase from its first name to its last, "Jon Berg" of "Jon Berg took"; None where these name nothing new.

    Of a full name what was asked for goes, "Jon Berg" of "Goalkeeper Jon Berg" for a goalkeeper; a title stays.
    """
    tokens = page.tokens[candidate.first : candidate.last]
    if asked.kind == "person" and len(tokens) > 2 and tokens[0].stem == asked.noun and asked.noun not in TITLE_STEMS:
        candidate = replace(candidate, start=tokens[1].start, first=candidate.first + 1)
        tokens = tokens[1:]
    words = [token for token in tokens if token.is_word and not token.is_stop]
    names = [word for word in words if word.text[0].isdigit() or any(letter.isupper() for letter in word.text)]
    if candidate.form == "name" or len(names) == len(words) or all(name.opens for name in names):
        return candidate.start, candidate.end
    if all(name.stem in asked.stems or name.stem in TITLE_STEMS for name in names):
        return None
    first, last = (bisect_left(page.starts, name.start) for name in (names[0], names[-1]))
    # What was cut off may have hidden that it is a city, or the one of whom the question speaks.
    if is_of_another_kind(asked, page.tokens, first, last + 1) or is_asked_about(page.tokens[first : last + 1], asked):
        return None
    return names[0].start, names[-1].start + len(POSSESSIVE.sub("", names[-1].text))


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    """How much two stretches are the same one: what they share, by the mean of their lengths; in [0, 1]."""
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]))
    return 2 * shared / max(1, one[1] - one[0] + other[1] - other[0])
