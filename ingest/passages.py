"""Article text to passages: whole sentences packed up to what the embedding model reads well.

Pure: a function of the text and of a token counter. Knows nothing about storage or vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from index.sentences import sentence_spans, word_spans
from index.types import Article, Span

CountTokens = Callable[[Sequence[str]], list[int]]

# Room for what an embedding sees before the passage's own words: of 15,664 headlines with their days the longest
# took 36 tokens. A longer one shortens its article's passages.
TITLE_TOKENS = 40
MAX_TITLE_WORDS = 24
MAX_TITLE_CHARS = 200
# [CLS] and [SEP], and a little for tokenizers whose counts are not additive over white space.
SPARE_TOKENS = 6
MIN_BUDGET = 16


def passage_budget(passage_tokens: int, model_max_tokens: int) -> int:
    """Tokens of article text a passage may hold, so that with its title the model reads all of it."""
    return max(MIN_BUDGET, min(passage_tokens, model_max_tokens - TITLE_TOKENS - SPARE_TOKENS))


def article_passages(
    article: Article, count_tokens: CountTokens, budget: int, model_max_tokens: int
) -> list[tuple[Span, int]]:
    """The passages of an article, see `split_passages`; shorter than `budget` where its title leaves less room."""
    (n_lead,) = count_tokens([embedding_text(article.title, article.published, "")])
    room = max(MIN_BUDGET, model_max_tokens - n_lead - SPARE_TOKENS)
    return split_passages(article.text, count_tokens, min(budget, room))


def split_passages(text: str, count_tokens: CountTokens, budget: int) -> list[tuple[Span, int]]:
    """Spans and token counts of the passages of `text`, ascending; [] for white space.

    Together they cover every sentence once. A sentence longer than `budget` is split between words, a word
    longer than `budget` between characters.
    """
    units = _within_budget(text, sentence_spans(text), count_tokens, budget)
    passages: list[tuple[Span, int]] = []
    start = end = n = 0
    for span, n_tokens in units:
        if n and n + n_tokens > budget:
            passages.append((Span(start, end), n))
            n = 0
        if not n:
            start = span.start
        end, n = span.end, n + n_tokens
    if n:
        passages.append((Span(start, end), n))
    return passages


def _within_budget(text: str, spans: list[Span], count_tokens: CountTokens, budget: int) -> list[tuple[Span, int]]:
    counts = count_tokens([span.of(text) for span in spans])
    units: list[tuple[Span, int]] = []
    for span, n_tokens in zip(spans, counts, strict=True):
        if n_tokens <= budget:
            units.append((span, max(1, n_tokens)))
        else:
            units.extend(_split_long(text, span, count_tokens, budget))
    return units


def _split_long(text: str, span: Span, count_tokens: CountTokens, budget: int) -> list[tuple[Span, int]]:
    """A long sentence as pieces of whole words, each within the budget."""
    words = word_spans(text, span)
    pieces: list[tuple[Span, int]] = []
    start, end, n = words[0].start, words[0].start, 0
    for word, n_tokens in _counted(text, words, count_tokens, budget):
        if n and n + n_tokens > budget:
            pieces.append((Span(start, end), n))
            n = 0
        if not n:
            start = word.start
        end, n = word.end, n + n_tokens
    if n:
        pieces.append((Span(start, end), n))
    return pieces


def _counted(text: str, words: list[Span], count_tokens: CountTokens, budget: int) -> list[tuple[Span, int]]:
    counts = count_tokens([word.of(text) for word in words])
    counted: list[tuple[Span, int]] = []
    for word, n_tokens in zip(words, counts, strict=True):
        # A tokenizer gives up on a monstrous word ([UNK], one token): its length in characters bounds it too.
        if n_tokens <= budget and len(word) <= 8 * budget:
            counted.append((word, max(1, n_tokens)))
            continue
        for piece in _pieces(word, budget):
            # Nearly every tokenizer has at most one token a character; byte fallback takes up to four.
            fits = count_tokens([piece.of(text)])[0] <= budget
            counted.extend((part, budget) for part in ([piece] if fits else _pieces(piece, max(1, budget // 4))))
    return counted


def _pieces(span: Span, size: int) -> list[Span]:
    return [Span(at, min(at + size, span.end)) for at in range(span.start, span.end, size)]


def embedding_text(title: str, published: str | None, passage: str) -> str:
    """What the model sees of a passage: title and day before its words. Never part of anything quoted."""
    head = " ".join(title[: 4 * MAX_TITLE_CHARS].split()[:MAX_TITLE_WORDS])[:MAX_TITLE_CHARS]
    day = published[:10] if published else ""
    lead = " ".join(part for part in (head, f"({day})" if day else "") if part)
    return f"{lead}\n{passage}" if lead else passage
