"""Stretches of an article that could be quoted: whole sentences, never over a removed line.

Pure. Offsets are code points of the article's text. Knows nothing about scores or questions.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter

from index.sentences import crosses, n_words, sentence_spans, word_spans
from index.types import Article, Span
from index.words import terms

# Sixty words of English are some 360 characters; a quote longer than this is no quote.
MAX_CHARS = 900
# Two sentences that share so much of the shorter one's words, and are of like length, are one sentence edited.
TWIN_SHARE = 0.85
MAX_HEADING_WORDS = 12
# A sentence ends so, or with what closes one: a bracket, a quotation, a colon before a list.
_ENDS = re.compile(r"[.!?…:;؟۔।॥。！？\"'”’»“‘«)\]」』）]$")
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


@dataclass(frozen=True, slots=True)
class Sentences:
    """An article's sentences, and which neighbours may stand in one quote.

    Attributes:
        article: The article.
        spans: Its sentences, ascending.
    """

    article: Article
    spans: tuple[Span, ...]

    def n_words(self, first: int, last: int | None = None) -> int:
        """Words of the sentences from `first` to `last`, both included; of `first` alone without `last`."""
        behind = (first if last is None else last) + 1
        return sum(n_words(sentence.of(self.article.text)) for sentence in self.spans[first:behind])

    def inside(self, span: Span) -> range:
        """Indexes of the sentences that lie more than half inside `span`, or that more than half of it lies in."""
        first = bisect_right(self.spans, span.start, key=attrgetter("end"))
        behind = bisect_left(self.spans, span.end, key=attrgetter("start"))
        chosen = [
            at
            for at, sentence in enumerate(self.spans[first:behind], first)
            if 2 * (min(sentence.end, span.end) - max(sentence.start, span.start)) > min(len(sentence), len(span))
        ]
        return range(chosen[0], chosen[-1] + 1) if chosen else range(0)

    def joined(self, first: int, last: int) -> Span:
        """The span from sentence `first` to sentence `last`, both included."""
        return Span(self.spans[first].start, self.spans[last].end)

    def can_join(self, first: int, last: int) -> bool:
        """Whether no removed line lies between the two sentences."""
        return not crosses(self.article.cuts, self.spans[first].start, self.spans[last].end)

    def breaks_off(self, at: int) -> bool:
        """Whether a sentence is the last of its paragraph and ends like none; nothing goes on from it."""
        return "\n\n" in self._gap(at) and not self._is_ended(at)

    def is_broken_off(self, at: int) -> bool:
        """Whether a sentence is a paragraph by itself and ends like none: a long heading, a related link, a caption."""
        return "\n\n" in self._gap(at - 1) and self.breaks_off(at)

    def is_heading(self, at: int) -> bool:
        """Whether a sentence is a short line of its own that ends like no sentence: a heading, a byline, a teaser."""
        return self._is_short_line(at) and not self._is_ended(at)

    def leads_on(self, at: int) -> bool:
        """Whether a sentence is a short line of its own that asks what the lines below answer, and is whole."""
        begins = at == 0 or self._is_ended(at - 1)
        return begins and self._is_short_line(at) and self.spans[at].of(self.article.text).endswith("?")

    def _is_short_line(self, at: int) -> bool:
        is_line = "\n" in self._gap(at - 1) and "\n" in self._gap(at)
        return is_line and self.n_words(at) <= MAX_HEADING_WORDS

    def _gap(self, at: int) -> str:
        """What stands behind a sentence, up to the next; a blank line before the first and behind the last."""
        if not 0 <= at < len(self.spans) - 1:
            return "\n\n"
        return self.article.text[self.spans[at].end : self.spans[at + 1].start]

    def _is_ended(self, at: int) -> bool:
        return _ENDS.search(self.spans[at].of(self.article.text)) is not None


def sentences_of(article: Article) -> Sentences:
    """The sentences of an article."""
    return Sentences(article, _split(article.text))


# What is asked about is asked about again: by others, as a follow-up, or with "more".
@lru_cache(maxsize=256)
def _split(text: str) -> tuple[Span, ...]:
    return tuple(sentence_spans(text))


def twin_of(text: str, sentences: Sentences) -> int | None:
    """Index of the sentence that says the same as `text` in nearly the same words (a dateline apart), or None."""
    wanted = set(terms(text))
    best, best_share = None, TWIN_SHARE
    for at, span in enumerate(sentences.spans):
        words = set(terms(span.of(sentences.article.text)))
        share = len(wanted & words) / max(1, min(len(wanted), len(words)))
        if share >= best_share and 2 * len(words) > len(wanted) and 2 * len(wanted) > len(words):
            best, best_share = at, share
    return best


def cut_to_words(text: str, span: Span, around: Span | None, max_words: int) -> tuple[Span, bool, bool]:
    """At most `max_words` words of a long sentence, round a span of it or from its beginning.

    A stretch over `MAX_CHARS`, as scripts without spaces and endless words give it, is shortened to that.

    Returns:
        The shorter span, and whether something was cut on its left and right.
    """
    words = word_spans(text, span)
    first, last = 0, len(words) - 1
    if len(words) > max_words:
        within = _touching(words, around)
        centre = (within[0] + within[-1]) // 2 if within else 0
        first = max(0, min(centre - max_words // 2, len(words) - max_words))
        last = first + max_words - 1
    middle = (around.start + around.end) // 2 if around is not None else span.start
    while first < last and words[last].end - words[first].start > MAX_CHARS:
        if middle - words[first].start > words[last].end - middle:
            first += 1
        else:
            last -= 1
    shorter = Span(words[first].start, words[last].end) if words else span
    if len(shorter) > MAX_CHARS:
        shorter = _cut_word(text, shorter, middle)
    return shorter, shorter.start > span.start, shorter.end < span.end


def _touching(words: list[Span], around: Span | None) -> list[int]:
    if around is None:
        return []
    return [at for at, word in enumerate(words) if word.end > around.start and word.start < around.end]


def _cut_word(text: str, word: Span, middle: int) -> Span:
    """`MAX_CHARS` of an endless word round `middle`, or fewer so as to leave no accent or emoji torn off."""
    start = max(word.start, min(middle - MAX_CHARS // 2, word.end - MAX_CHARS))
    end = min(word.end, start + MAX_CHARS)
    while word.start < start < end - 1 and _is_inside_character(text, start):
        start += 1
    while start + 1 < end < word.end and _is_inside_character(text, end):
        end -= 1
    return Span(start, end)


def _is_inside_character(text: str, at: int) -> bool:
    """Whether what a reader sees as one character goes on over the offset `at`."""
    return unicodedata.category(text[at])[0] == "M" or "\u200d" in text[at - 1 : at + 1] or text[at] in _SKIN_TONES
