"""Checks what a language model wrote against the evidence, sentence by sentence, and cuts what does not stand there.

The model is not trusted: a sentence is shown only where every key that it names is one of the evidence, and every
number, date, name and quotation in it stands in the sources that it cites. In doubt a sentence is cut, for the verified
quotes stand below it anyway. Pure; knows nothing about prompts, endpoints or Discord.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.english import MONTH_NUMBERS
from bot.llm_evidence import Source, is_planted
from bot.llm_facts import (
    FUNCTION_WORDS,
    MEASURES,
    Day,
    Number,
    all_stems,
    days,
    has_not_only,
    joined,
    n_negations,
    numbers,
    periods,
    stem,
    times,
    weighty,
    without_dates,
)
from bot.llm_names import TITLES, is_within, name_runs, small_names, with_titles
from bot.llm_sentences import split, spoken
from bot.written import Sentence
from index.sentences import sentence_spans
from index.types import Article

# A text of which less than this share of sentences stands is not shown at all: the rest is luck.
MIN_SHARE = 0.5
MAX_SENTENCES = 6
MAX_SENTENCE_CHARS = 400
# Of the words of weight in a sentence, how many must stand in the sources that it cites.
MIN_KNOWN_WORDS = 0.75

# What is left where something was taken out: "()", "(source:)", a blank before a stop.
_LEFT_OVER = re.compile(r"[(:,;]\s*\)|\(\s|\s[.,;:!?)](?![\w.])")
_LIST_MARK = re.compile(r"\A\s*(?:[-*•·]|\d{1,2}[.)]|#{1,6})\s+")
_STARS = re.compile(r"\*{1,3}|_{2,3}")
_MARKUP = re.compile(r"[\\*_~`|<>\[\]{}#@^=]")
_ADDRESS = re.compile(
    r"://|\bwww\.|\bmailto:|\bjavascript:|\w\.[a-z]{2,}\b|\w/\w*\.\w|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)
_TYPOGRAPHY = frozenset("‘’“”„«»–—…•·°€£¥§½¼¾×−‰" + "\u00a0\u202f\u2009")
_RELATIVE = re.compile(
    r"\b(?:today|yesterday|tomorrow|tonight|nowadays|currently|this\s+(?:morning|afternoon|evening)|last\s+(?:night|evening))\b",
    re.IGNORECASE,
)
_CAPITAL_BEFORE = re.compile(r"\b[A-Z][\w.]* \Z")
_REPORTED = r"\s+(?:has\s+|had\s+)?(?:reported|wrote|published|reporting)\s+(?:it\s+)?(?:on\s+)?\Z"
_QUOTED = re.compile(
    r"""“(?P<a>[^“”]*)” | "(?P<b>[^"]*)" | «(?P<c>[^«»]*)» | „(?P<d>[^„“”]*)[“”]
      | (?<!\w)‘(?P<e>[^‘]*?)’(?!\w) | (?<!\w)'(?P<f>[^']+?)'(?!\w)""",
    re.VERBOSE,
)
_QUOTE_MARKS = re.compile(r"[“”\"«»„‘]|(?<!\w)'(?=\w)")
_SPACE = re.compile(r"\s+")
_DECLINED = re.compile(r"\A\W*(?:none|no answer|not found)\b[\W]*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Checked:
    """A text after the check.

    Attributes:
        sentences: Those that stand, in their order.
        n_sentences: How many were looked at.
        cut: How many were cut, by reason.
        has_declined: The text says that there is no answer, and nothing else.
    """

    sentences: tuple[Sentence, ...]
    n_sentences: int
    cut: Mapping[str, int]
    has_declined: bool = False

    @property
    def is_enough(self) -> bool:
        """Whether so much stands that the text may be shown."""
        return bool(self.sentences) and len(self.sentences) >= MIN_SHARE * self.n_sentences


def check(text: str, sources: Sequence[Source], *, is_whole: bool = True) -> Checked:
    """The sentences of a text that the evidence bears out.

    Args:
        text: As the model wrote it.
        sources: The evidence that it was given.
        is_whole: False while more is coming, and where the text was broken off: the last sentence is then left out,
            and not counted.
    """
    by_key = {source.key: source for source in sources}
    kept: list[Sentence] = []
    cut: Counter[str] = Counter()
    n = 0
    said: set[str] = set()
    for raw, keys in split(text, is_whole=is_whole):
        n += 1
        sentence = _as_stored(_plain(raw), [by_key[key].text for key in keys if key in by_key])
        why = fault(sentence, keys, by_key)
        if not why and len(kept) >= MAX_SENTENCES:
            why = "too many"
        if why:
            cut[why] += 1
        elif sentence.lower() in said:
            n -= 1  # said twice is said once
        else:
            said.add(sentence.lower())
            kept.append(Sentence(_ended(sentence), tuple(sorted({by_key[key].quote for key in keys}))))
    declined = is_whole and _DECLINED.match(spoken(text)) is not None
    return Checked(tuple(kept), n, cut, declined)


def _plain(raw: str) -> str:
    """A sentence without its list mark and emphasis, on one line."""
    return _SPACE.sub(" ", _STARS.sub("", _LIST_MARK.sub("", raw))).strip()


def _ended(sentence: str) -> str:
    return f"{sentence}." if sentence[-1].isalnum() else sentence


def fault(sentence: str, keys: Sequence[str], by_key: Mapping[str, Source]) -> str:
    """Why a sentence is cut, in one or two words; "" where nothing speaks against it."""
    if not keys:
        return "no key"
    if any(key not in by_key for key in keys):
        return "unknown key"
    if len(sentence) > MAX_SENTENCE_CHARS:
        return "too long"
    texts = tuple(by_key[key].text for key in keys)
    if not _is_printable(sentence, texts):
        return "characters"
    if _MARKUP.search(sentence) or _LEFT_OVER.search(_QUOTED.sub("“”", sentence)):
        return "markup"
    if _ADDRESS.search(sentence):
        return "address"
    if is_planted(sentence):
        return "instruction"
    if not _quotes_stand(sentence, texts):
        return "quotation"
    if _speaks_of_now(_QUOTED.sub(" ", sentence)):
        return "relative day"
    evidence = _facts(texts)
    if not _days_stand(sentence, evidence, [by_key[key].article for key in keys]):
        return "date"
    if not all(_number_stands(number, evidence) for number in numbers(sentence)):
        return "number"
    if not joined(sentence) <= evidence.joined:
        return "number"
    if not times(sentence) <= evidence.times:
        return "date"
    outlets = tuple(run for key in keys for run in name_runs(by_key[key].article.source))
    if not _names_stand(sentence, (*evidence.runs, *outlets), evidence):
        return "name"
    if not all(stem(name) in evidence.stems for name in small_names(sentence)):
        return "name"
    if not _speakers_stand(sentence, texts, outlets, evidence):
        return "speaker"
    if not _words_stand(sentence, evidence):
        return "words"
    if not _denies_alike(sentence, evidence):
        return "negation"
    return ""


# Characters and quotations --------------------------------------------------------------------------------

_APOSTROPHES = str.maketrans("‘’ʼ", "'''")


def _as_stored(sentence: str, texts: Sequence[str]) -> str:
    """A sentence whose quotations have the apostrophes of the texts, and the stop that a writer put into one behind it.

    "We can't," for “We can’t” is a matter of style; what is shown is nevertheless what is stored.
    """

    def stored(match: re.Match[str]) -> str:
        inner = _inner(match)
        for quoted, stop in ((inner, ""), (inner[:-1], inner[-1:])):
            if stop not in (".", ",", ""):
                break
            for text in texts:
                for at in _stands_at(quoted.translate(_APOSTROPHES), text.translate(_APOSTROPHES))[:1]:
                    behind = "" if sentence[match.end() : match.end() + 1] in tuple(".,;:!?") else stop
                    return f"{match[0][0]}{text[at : at + len(quoted)]}{match[0][-1]}{behind}"
        return match[0]

    return _QUOTED.sub(stored, sentence)


def _is_printable(sentence: str, texts: Sequence[str]) -> bool:
    """Whether each character is ASCII, usual typography, or one that the cited text has itself."""
    known = set().union(*texts)
    return all(
        (" " <= char <= "~") or char in _TYPOGRAPHY or (char in known and unicodedata.category(char)[0] in "LMNPSZ")
        for char in sentence
    )


def _quotes_stand(sentence: str, texts: Sequence[str]) -> bool:
    """Whether what stands between quotation marks stands so in one of the texts, and no mark is left over."""
    if not all(any(_stands_at(inner, text) for text in texts) for inner in _quotations(sentence)):
        return False
    rest = _QUOTED.sub(" ", sentence)
    return _QUOTE_MARKS.search(rest) is None


def _quotations(sentence: str) -> list[str]:
    """What stands between quotation marks."""
    return [_inner(match) for match in _QUOTED.finditer(sentence)]


def _inner(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def _stands_at(inner: str, text: str) -> list[int]:
    """Where a string stands in a text character by character, not in the middle of a word."""
    if not any(char.isalnum() for char in inner) or inner != inner.strip():
        return []
    found = []
    at = text.find(inner)
    while at >= 0:
        end = at + len(inner)
        splits_left = at > 0 and inner[0].isalnum() and text[at - 1].isalnum()
        splits_right = end < len(text) and inner[-1].isalnum() and text[end].isalnum()
        if not splits_left and not splits_right:
            found.append(at)
        at = text.find(inner, at + 1)
    return found


def _speakers_stand(sentence: str, texts: Sequence[str], outlets: Sequence[tuple[str, ...]], evidence: _Facts) -> bool:
    """Whether each name beside a quotation stands in the sentences that it is taken from, or in the one before.

    A quotation that stands there word for word is still a lie where another is said to have spoken it.
    """
    beside = _QUOTED.sub(" “” ", sentence)
    return all(
        any(
            _names_stand(beside, (*name_runs(with_titles(_around(text, at, at + len(inner)))), *outlets), evidence)
            for text in texts
            for at in _stands_at(inner, text)
        )
        for inner in _quotations(sentence)
    )


def _around(text: str, start: int, end: int) -> str:
    """The sentences of a text that hold a stretch, with the one before them."""
    spans = sentence_spans(text)
    held = [n for n, span in enumerate(spans) if span.start < end and start < span.end]
    return text[spans[max(0, held[0] - 1)].start : spans[held[-1]].end]


# Numbers, dates, names and words --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Denial:
    """How often a sentence denies, and whether it says "not only"."""

    n: int
    not_only: bool


@dataclass(frozen=True, slots=True)
class _Facts:
    numbers: tuple[Number, ...]
    joined: frozenset[tuple[str, ...]]
    days: tuple[Day, ...]
    times: frozenset[str]  # stems of all words, and what says when or how long
    runs: tuple[tuple[str, ...], ...]
    stems: frozenset[str]
    lower: frozenset[str]
    common: frozenset[str]  # stems of words without a capital
    sentences: tuple[tuple[frozenset[str], _Denial], ...]  # stems of each sentence, and how it denies


@lru_cache(maxsize=64)
def _facts(texts: tuple[str, ...]) -> _Facts:
    whole = "\n".join(texts)
    sentences = [span.of(text) for text in texts for span in sentence_spans(text)]
    return _Facts(
        numbers=tuple(number for text in texts for number in numbers(text)),
        joined=frozenset(pair for text in texts for pair in joined(text)),
        days=tuple(day for text in texts for day in days(text)),
        times=all_stems(whole) | times(whole.lower()) | periods(whole),
        runs=tuple(run for text in texts for run in name_runs(with_titles(text))),
        stems=all_stems(whole),
        lower=frozenset(re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", whole)),
        common=frozenset(weighty(whole)),
        sentences=tuple((all_stems(sentence), _denial(sentence)) for sentence in sentences),
    )


def _speaks_of_now(sentence: str) -> bool:
    """Whether a sentence says "today" or the like, which is not the reader's; USA TODAY is a name."""
    return any(
        match[0].islower() or not _CAPITAL_BEFORE.search(sentence, 0, match.start())
        for match in _RELATIVE.finditer(sentence)
    )


def _is_said_to_report(outlet: str, before: str) -> bool:
    """Whether what stands before a date ends with "[outlet] reported on"."""
    return bool(outlet) and re.search(rf"(?<!\w){re.escape(outlet)}{_REPORTED}", before, re.IGNORECASE) is not None


def _days_stand(sentence: str, evidence: _Facts, articles: Sequence[Article]) -> bool:
    """Whether each date stands in the evidence with all its parts, or is the day of a report whose outlet is named."""
    for day in days(sentence):
        reported = [
            known
            for article in articles
            if day.day and _is_said_to_report(article.source, sentence[: day.start])
            for known in days((article.published or "")[:10])
        ]
        if not any(day.is_in(known) for known in (*evidence.days, *reported)):
            return False
    return True


def _number_stands(number: Number, evidence: _Facts) -> bool:
    """Whether the evidence has the same number of the same thing, no rate for a sum and no bound that it does not have.

    A number that stands there for something else is a swap: what is said of ours must not be said of another number
    instead, and no other number may resemble ours more than the one that it is taken for.
    """
    alike = [other for other in evidence.numbers if other.kind == number.kind]
    rivals = [other for other in alike if other.value != number.value]
    for other in alike:
        if other.value != number.value:
            continue
        if number.per != other.per or not _bounds_alike(number.bound, other.bound):
            continue
        if number.owner not in ("", *other.about) or other.owner not in ("", *number.about):
            continue
        # "Two planes carrying 50 migrants" are not 50 planes: what is counted stands behind, where anything does.
        counted = other.after if other.unit else other.about
        if number.follows not in ("", *counted) and (other.after or number.follows not in evidence.stems):
            continue
        if number.left in MONTH_NUMBERS and number.left != other.left:  # "April two"
            continue
        if not (number.after & MEASURES) <= other.about:
            continue
        if not any(_is_swap(number, other, rival) for rival in rivals):
            return True
    return False


def _is_swap(number: Number, other: Number, rival: Number) -> bool:
    """Whether a number resembles a rival, one of another value, more than the one that it is taken for.

    Where both it and the other count the same, all that is said before the other is said before it too, and the rival
    counts something else, what more stands before may be the subject of both: "the pact [fills 64 pages and] hires 350
    teachers".
    """
    foreign = (number.about - other.about) & rival.about
    is_same = number.unit == other.unit != "" and rival.unit not in ("", number.unit)
    if is_same and other.before and other.before <= number.about:
        foreign &= number.after
    return bool(foreign) or number.likeness(rival) > number.likeness(other)


def _bounds_alike(bound: str, known: str) -> bool:
    """Whether a bound is the one that is known. Of "at least 14" one may say "14", which it was not of "up to 14"."""
    return bound == known or (not bound and known in (">", ">="))


def _names_stand(sentence: str, known: Sequence[tuple[str, ...]], evidence: _Facts) -> bool:
    """Whether each name stands among those known, its words together and in their order."""
    sentence = with_titles(without_dates(sentence))
    first = re.search(r"[^\W_]", sentence)
    opening = sentence[first.start() :] if first else sentence
    for run in name_runs(sentence):
        if any(is_within(run, other) for other in known):
            continue
        # A capital at the beginning of a sentence makes no name of "The" or "Passengers".
        if not opening.startswith(run[0]):
            return False
        rest = run[1:]
        word = run[0].lower()
        is_common = word in FUNCTION_WORDS or word in evidence.lower or stem(word) in evidence.common
        if rest and word in TITLES:  # with a name behind it it is part of that
            return False
        if not is_common or (len(run[0]) > 1 and any(char.isupper() for char in run[0][1:])):
            return False
        if rest and not any(is_within(rest, other) for other in known):
            return False
        opening = ""
    return True


def _words_stand(sentence: str, evidence: _Facts) -> bool:
    """Whether most words of weight stand in the evidence in some form, and there is anything that does."""
    words = weighty(sentence)
    n_known = sum(word in evidence.stems for word in words)
    if not words:
        return bool(numbers(sentence) or days(sentence)) or any(len(run) > 1 for run in name_runs(sentence))
    return n_known >= MIN_KNOWN_WORDS * len(words)


def _denies_alike(sentence: str, evidence: _Facts) -> bool:
    """Whether a sentence denies as much as the sentence of the evidence that is most like it.

    "Not only" denies nothing, but makes no "only", and the other way round.
    """
    mine, own = all_stems(sentence), _denial(sentence)
    ranked = [(len(mine & stems) - 0.01 * len(stems), denial) for stems, denial in evidence.sentences]
    best = max(score for score, _ in ranked)
    return any(
        own.n == its.n and (own.not_only == its.not_only or not (own.not_only or "only" in mine))
        for score, its in ranked
        if score >= best - 0.5
    )


def _denial(sentence: str) -> _Denial:
    return _Denial(n_negations(sentence), has_not_only(sentence))
