"""Stretches of an article that could be quoted: whole sentences, never over a removed line.

Pure. Offsets are code points of the article's text. Knows nothing about scores or questions.
"""

from __future__ import annotations

from dataclasses import dataclass

from index.sentences import crosses, n_words, sentence_spans, word_spans
from index.types import Article, Span

MAX_SENTENCES = 3


@dataclass(frozen=True, slots=True)
class Sentences:
    """An article's sentences, and which neighbours may stand in one quote.

    Attributes:
        article: The article.
        spans: Its sentences, ascending.
        n_words: Words of each.
    """

    article: Article
    spans: tuple[Span, ...]
    n_words: tuple[int, ...]

    def inside(self, span: Span) -> range:
        """Indexes of the sentences that lie at least half inside `span`."""
        chosen = [
            at
            for at, sentence in enumerate(self.spans)
            if 2 * (min(sentence.end, span.end) - max(sentence.start, span.start)) > len(sentence)
        ]
        return range(chosen[0], chosen[-1] + 1) if chosen else range(0)

    def joined(self, first: int, last: int) -> Span:
        """The span from sentence `first` to sentence `last`, both included."""
        return Span(self.spans[first].start, self.spans[last].end)

    def can_join(self, first: int, last: int) -> bool:
        """Whether no removed line lies between the two sentences."""
        return not crosses(self.article.cuts, self.spans[first].start, self.spans[last].end)


def sentences_of(article: Article) -> Sentences:
    """The sentences of an article."""
    spans = tuple(sentence_spans(article.text))
    return Sentences(article, spans, tuple(n_words(span.of(article.text)) for span in spans))


def cut_to_words(text: str, span: Span, around: Span | None, max_words: int) -> tuple[Span, bool, bool]:
    """At most `max_words` words of a long sentence, round a span of it or from its beginning.

    Returns:
        The shorter span, and whether something was cut on its left and right.
    """
    words = word_spans(text, span)
    if len(words) <= max_words:
        return span, False, False
    first = 0
    if around is not None:
        within = [at for at, word in enumerate(words) if word.end > around.start and word.start < around.end]
        if within:
            centre = (within[0] + within[-1]) // 2
            first = max(0, min(centre - max_words // 2, len(words) - max_words))
    chosen = words[first : first + max_words]
    return Span(chosen[0].start, chosen[-1].end), first > 0, first + max_words < len(words)
