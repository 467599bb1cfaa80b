"""From candidate sentences to quotes: scoring, growing, diversity, budget.

Arithmetic over values; the reranker is called in `bot.answer`. Knows nothing about storage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bot.english import POSSESSIVE
from bot.gazetteer import PLACES_AND_PEOPLES
from bot.kind import asking_sentence
from bot.names import has_name, names_of
from bot.windows import Sentences
from index.types import Article, Hit, Span
from index.words import STOP_WORDS, content_terms, terms

Floats = npt.NDArray[np.float64]

N_QUOTES = 3
QUOTE_WORDS = 60
ALL_WORDS = 120
MIN_ROOM = 24
# With fewer words left no further quote is looked for.
MIN_LEFT = 8
# A further quote that scores this far below the first is noise to a reader: leaving out those 1.0 below takes a sixth
# of the quotes of short questions, and 1.4 points of the answers in three with them; at 1.25 none.
MAX_DROP = 1.25
# What a heading loses: the sentence below it says the same and more.
HEADING_LOSS = 0.3
# What a sentence loses that means somebody or something named before it.
POINTING_LOSS = 0.15
# What a sentence loses for each unit of likeness with the likest of a quote already chosen.
LIKENESS_LOSS = 0.4
# Sentences this much alike are one, a dateline or an agency's name apart.
SAME = 0.7
# What a word counts that only leads up to the question, "A painting was sold this week. Who made it?", against one of
# the question itself: the answering sentence need not say again what led up to it.
LEADING_UP = 0.5
# What a sentence is worth that may hold what is asked for, against one that plainly does.
MAY_HOLD = 0.5

_SIGNS = {
    "date": r"\b(?:19|20)\d\d\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan\.|Feb\.|Aug\.|Sept\.|Oct\.|Nov\.|Dec\.)",
    "time": r"\b\d{1,2}(?:[:.]\d\d)?\s?[ap]\.?m\b|\b\d{1,2}:\d\d\b|\bnoon\b|\bmidnight\b|\bo['’]clock\b",
    "duration": r"\b(?:year|month|week|day|hour|minute|second|decade)s?\b",
    "number": r"\d+|\b(?i:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven"
    r"|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|dozens?|hundreds?|thousands?|million|billion)\b",
    "money": r"[$£€¥]\s?\d|\b(?:dollar|euro|pound|yen|million|billion)s?\b",
    "percent": r"%|\bper ?cent\b|\bpercentage\b",
    "quote": r"[\"“]",
    "reason": r"\b(?:because|due to|after|over|amid|since|citing|as a result)\b",
}
_SIGN_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _SIGNS.items()}
_POINTS_BACK = re.compile(r"[\"“‘]?(?:He|She|They|It|This|That|These|Those)\b")
_CAPITALISED = r"[A-Z][\w’'-]+"
_NAME = re.compile(rf"(?<![.!?\"“] )(?<!^)\b{_CAPITALISED}")
_FULL_NAME = re.compile(rf"\b{_CAPITALISED} (?:[A-Z]\. )?{_CAPITALISED}")
_CAPITALISED_RUN = re.compile(rf"\b{_CAPITALISED}(?: {_CAPITALISED})*")
_PLACE_WORDS = 3  # of the longest names, "new york city"


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

    @property
    def place(self) -> tuple[int, int]:
        """Version of the article and index of the sentence."""
        return self.sentences.article.version, self.at


# Words that frame a question or name what kind of answer is wanted: an answering sentence says "by April 26", not
# "deadline", and an article says what happened, not "mention". They count for retrieval, not for coverage.
_FRAMING = """say said says saying tell told mention mentioned mentions report reported reports announce announced call
called name named happen happened give gave given make made take took get got according recently new last week month
year today yesterday this"""
_KIND_NOUNS = {
    "date": "deadline date day month year time",
    "time": "time hour",
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


Weighed = Sequence[tuple[str, float]]


def weighed(question: Sequence[str], idf: Callable[[str], float]) -> Weighed:
    """The words of a question with what each counts; for `covered`, of many sentences."""
    return [(term, idf(term)) for term in question]


def covered(question: Weighed, found: Collection[str]) -> float:
    """The share of a question's words, by what they count, that occur in `found`; in [0, 1]."""
    whole = sum(weight for _, weight in question)
    return sum(weight for term, weight in question if term in found) / whole if whole > 0 else 0.0


def answers_kind(kind: str, text: str, question: str) -> float:
    """How far a sentence holds something of the kind asked for that the question itself does not hold: 1, 0, or
    `MAY_HOLD` for a person without a first name, and for a name of which we do not know that it is a place's.
    """
    pattern = _SIGN_PATTERNS.get(kind)
    if pattern is not None:
        return float(any(match.group() not in question for match in pattern.finditer(text)))
    if kind not in ("person", "organisation", "place", "name"):
        return 1.0
    if not any(match.group() not in question for match in _NAME.finditer(text)):
        return 0.0
    is_plain = {"person": _has_full_name, "place": _has_place}.get(kind)
    return 1.0 if is_plain is None or is_plain(text, question) else MAY_HOLD


def _has_full_name(text: str, question: str) -> bool:
    """Whether a sentence has two capitals side by side, the first no "The", of which the question lacks one."""
    asked = _words_asked(question)
    found = (_lower_words(match.group()) for match in _FULL_NAME.finditer(text))
    return any(names[0] not in STOP_WORDS and not asked.issuperset(names) for names in found)


def _has_place(text: str, question: str) -> bool:
    """Whether a sentence has a place or a people that we know and the question does not name."""
    asked = _words_asked(question)
    runs = (_lower_words(match.group()) for match in _CAPITALISED_RUN.finditer(text))
    names = (run[at : at + n] for run in runs for at in range(len(run)) for n in range(1, _PLACE_WORDS + 1))
    return any(" ".join(name) in PLACES_AND_PEOPLES and not asked.issuperset(name) for name in names)


@lru_cache(maxsize=8)  # asked of each of a question's sentences
def _words_asked(question: str) -> frozenset[str]:
    return frozenset(_lower_words(question))


def _lower_words(text: str) -> list[str]:
    """Words in small letters, without a possessive."""
    return [POSSESSIVE.sub("", word) for word in re.findall(r"\w[\w’'-]*", text.lower())]


FEATURES = ("coverage", "near_coverage", "passage", "kind", "lead", "length", "recency", "reading")
READING = FEATURES.index("reading")
RECENCY = FEATURES.index("recency")
# Logistic regressions over sentences of questions that the reranker was not trained on, divided by 2.5; `make train`
# fits them. The first look is cheap and decides which sentences the reranker reads. The reading's weight was 1.62 until
# it counted where the answer is pointed at; fitted anew to the reranker that ships all were no better (EXPERIMENTS.md).
# The date's weight was chosen, not fitted; the passage's score holds it already: of two years' winners the newer was
# meant.
FIRST_LOOK = np.array([0.63, 0.95, 1.15, 0.66, 0.34, 0.18, 1.0, 0.0])
WEIGHTS = np.array([0.21, 0.83, 1.29, 0.56, 0.26, 0.11, 1.0, 2.0])
# Log-odds beyond this say no more; the reading is brought to [0, 1].
MAX_LOGIT = 6.0
# What stands for a reading where there is no reranker: neither for nor against.
NOT_READ = 0.5


def words_of(candidates: Sequence[Candidate]) -> tuple[list[frozenset[str]], list[frozenset[str]]]:
    """The distinct folded words of each candidate, and those with its neighbours' and its article's title's."""
    known: dict[tuple[int, int], frozenset[str]] = {}
    titles: dict[int, frozenset[str]] = {}

    def of(sentences: Sentences, at: int) -> frozenset[str]:
        key = (sentences.article.version, at)
        if key not in known:
            known[key] = frozenset(terms(sentences.spans[at].of(sentences.article.text)))
        return known[key]

    own, around = [], []
    for candidate in candidates:
        sentences, at = candidate.sentences, candidate.at
        article = sentences.article
        if article.version not in titles:
            titles[article.version] = frozenset(terms(article.title))
        near = range(max(0, at - 1), min(len(sentences.spans), at + 2))
        own.append(of(sentences, at))
        around.append(titles[article.version].union(*(of(sentences, place) for place in near)))
    return own, around


def features(
    kind: str,
    question: str,
    question_terms: Sequence[str],
    candidates: Sequence[Candidate],
    words: Sequence[Collection[str]],
    around: Sequence[Collection[str]],
    idf: Callable[[str], float],
) -> Floats:
    """(n, len(FEATURES)) signs that a candidate answers, each about in [0, 1]; the reading is `NOT_READ`.

    Args:
        kind: What the answer will be.
        question: As asked.
        question_terms: Its folded content words.
        candidates: Sentences.
        words: Of each, its distinct folded words.
        around: Of each, those and its neighbours' and its title's.
        idf: Rarity of a folded word.
    """
    best = max((candidate.hit.score for candidate in candidates), default=1.0) or 1.0
    asking = frozenset(terms(asking_sentence(question)))

    def asked_idf(term: str) -> float:
        return idf(term) if term in asking else LEADING_UP * idf(term)

    by_asked, by_idf = weighed(question_terms, asked_idf), weighed(question_terms, idf)
    rows = []
    for candidate, found, near in zip(candidates, words, around, strict=True):
        sentences, at = candidate.sentences, candidate.at
        rows.append(
            (
                covered(by_asked, found),
                covered(by_idf, near),
                candidate.hit.score / best,
                answers_kind(kind, candidate.text, question),
                1.0 / (1 + at / 4),
                min(1.0, sentences.n_words(at) / 12),
                candidate.hit.recency,
                NOT_READ,
            )
        )
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


def read_into(signs: Floats, rows: Sequence[int], logits: Floats) -> None:
    """Write what a reranker says of some candidates into their signs; the others count as the worst of these."""
    readings = (np.clip(logits, -MAX_LOGIT, MAX_LOGIT) + MAX_LOGIT) / (2 * MAX_LOGIT)
    signs[:, READING] = readings.min(initial=1.0)
    signs[list(rows), READING] = readings


def likeliest(signs: Floats) -> list[int]:
    """Indexes of the candidates by the cheap signs, the likeliest first."""
    best_first: list[int] = np.argsort(-(signs @ FIRST_LOOK), kind="stable").tolist()
    return best_first


def scored(signs: Floats, candidates: Sequence[Candidate]) -> Floats:
    """(n,) how well each candidate would answer, from its signs and its form."""
    losses = [
        HEADING_LOSS * candidate.sentences.is_heading(candidate.at)
        + POINTING_LOSS * (_POINTS_BACK.match(candidate.text) is not None)
        for candidate in candidates
    ]
    scores: Floats = signs @ WEIGHTS - np.array(losses, np.float64)
    return scores


class Alike(Protocol):
    """How much sentences say the same, in [0, 1]."""

    def __getitem__(self, at: int, /) -> Floats:
        """(n,) of one sentence with every one."""
        ...


class Likeness:
    """Cosines of sentences as sets of words weighted by rarity, computed for the few that are asked for.

    Args:
        words: Of each sentence, its distinct folded words.
        idf: Rarity of a folded word.
    """

    def __init__(self, words: Sequence[frozenset[str]], idf: Callable[[str], float]) -> None:
        self._words = words
        self._squares = {term: idf(term) ** 2 for term in frozenset().union(*words)}
        norms = [math.sqrt(sum(self._squares[term] for term in found)) for found in words]
        self._norms = np.maximum(np.array(norms, np.float64), 1e-9)

    def __getitem__(self, at: int, /) -> Floats:
        own = self._words[at]
        shared = [sum(self._squares[term] for term in own & found) for found in self._words]
        alike: Floats = np.array(shared, np.float64) / (self._norms[at] * self._norms)
        return alike


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
    alike: Alike,
    *,
    question: str = "",
) -> list[Chosen]:
    """Up to three stretches that answer best and say different things, best first.

    Args:
        candidates: Sentences, in any order.
        scores: Of each; higher is better.
        alike: How much each says the same as each.
        question: For its names: where the first quote's article has some of them, one that has none of these speaks
            of something else.
    """
    chosen: list[Chosen] = []
    by_place = {candidate.place: score for candidate, score in zip(candidates, scores, strict=True)}
    taken: set[tuple[int, int]] = set()
    left = ALL_WORDS
    adjusted = np.array(scores, np.float64)
    while len(chosen) < N_QUOTES and len(candidates) and left >= MIN_LEFT:
        at = int(adjusted.argmax())
        if adjusted[at] == -math.inf or (chosen and scores[at] < chosen[0].score - MAX_DROP):
            break
        candidate = candidates[at]
        # The first quote may be as long as any; the others share what it leaves.
        fair_share = max(left // (N_QUOTES - len(chosen)), MIN_ROOM)
        room = min(QUOTE_WORDS, left, fair_share) if chosen else QUOTE_WORDS
        first, last = grow(candidate, by_place, room, taken)
        inside = _inside(candidates, candidate, first, last)
        words = min(candidate.sentences.n_words(first, last), QUOTE_WORDS)
        if words <= left:
            chosen.append(Chosen(candidate, first, last, float(scores[at])))
            taken.update((candidate.sentences.article.version, place) for place in range(first, last + 1))
            left -= words
            near = np.max([alike[each] for each in inside], axis=0)
            adjusted -= LIKENESS_LOSS * near
            adjusted[near >= SAME] = -math.inf
            if len(chosen) == 1:
                adjusted[_of_others(candidates, candidate.sentences.article, question)] = -math.inf
        adjusted[inside] = -math.inf
    return chosen


def _inside(candidates: Sequence[Candidate], anchor: Candidate, first: int, last: int) -> list[int]:
    """Indexes of the candidates among the sentences `first … last` of the anchor's article, itself too."""
    version = anchor.sentences.article.version
    return [
        at
        for at, candidate in enumerate(candidates)
        if candidate.sentences.article.version == version and first <= candidate.at <= last
    ]


def _of_others(candidates: Sequence[Candidate], article: Article, question: str) -> list[int]:
    """Indexes of those whose article has no name that the question and `article` share; [] where they share none."""
    known = names_of(question, article)
    if not known:
        return []
    articles = {candidate.sentences.article.version: candidate.sentences.article for candidate in candidates}
    others = {version for version, each in articles.items() if not has_name(each, *known)}
    return [at for at, candidate in enumerate(candidates) if candidate.sentences.article.version in others]


def grow(
    candidate: Candidate,
    by_place: Mapping[tuple[int, int], float],
    room: int,
    taken: Collection[tuple[int, int]] = (),
) -> tuple[int, int]:
    """Sentences round an anchor, taken while they fit into `room` words: first the better-scored neighbour.

    A heading stands alone: joined to a sentence it would read as its first or last words. Nor is a longer paragraph
    that ends like no sentence taken in, nor gone on from: it is a heading too, a related link or a caption. A quote
    does not end in the question that the next section answers.

    Args:
        candidate: The anchor.
        by_place: Scores by (version, index of the sentence).
        room: Words in all; the anchor may have more.
        taken: Sentences of other quotes, which may not stand in this one too.
    """
    sentences = candidate.sentences
    version = sentences.article.version
    first = last = candidate.at
    words = sentences.n_words(candidate.at)
    if sentences.is_heading(candidate.at):
        return first, last
    while last - first + 1 < 3:
        options = []
        for at, low, high in ((first - 1, first - 1, last), (last + 1, first, last + 1)):
            if (
                0 <= at < len(sentences.spans)
                and words + sentences.n_words(at) <= room
                and (version, at) not in taken
                and not sentences.is_heading(at)
                and not sentences.is_broken_off(at)
                and not sentences.breaks_off(at if at < first else last)
                and not (at > last and sentences.leads_on(at))
                and sentences.can_join(low, high)
            ):
                options.append((by_place.get((version, at), -1.0), low, high, sentences.n_words(at)))
        if not options:
            break
        _, first, last, n = max(options)
        words += n
    return first, last


def bounded(chosen: Chosen) -> Span:
    """The whole span of a chosen stretch; it may still be one sentence longer than a quote may be."""
    return chosen.candidate.sentences.joined(chosen.first, chosen.last)
