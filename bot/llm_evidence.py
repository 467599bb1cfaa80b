"""What a language model may write from: the verified quotes with the sentences beside them, each under an opaque key.

The text of a source is one unbroken stretch of a stored article, so that whatever stands in it verbatim stands in the
article. Pure: knows nothing about prompts, endpoints or how sentences are checked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.sentences import crosses, sentence_spans
from index.terminal import safe
from index.types import Article, Quote, Span

KEY = r"ref-[a-z0-9]+"
_LETTERS = "bcdfghjkmnpqrstvwxz"
_KEY_LETTERS = 4
# A sentence that talks to a machine instead of a reader is no evidence for anything.
_PLANTED = re.compile(
    r"""\b(?:ignor|disregard|forget|overrid)\w*\s+(?:\w+\s+){0,4}?(?:instruction|prompt|rule|direction|guideline|command)s?\b
      | \b(?:system|developer|hidden|secret)\s+(?:prompt|message|instruction)s?\b
      | \b(?:as|you\s+are|act\s+as|acting\s+as|dear|attention|note\s+to)\s+(?:an?\s+|the\s+|any\s+|all\s+)?
        (?:ai|a\.i\.|llms?|chat\s?bots?|bots?|assistants?|language\s+models?)\b
      | \blanguage\s+models?\s+(?:must|should|shall|reading|summari[sz]ing)\b
      | <\|?/?(?:im_start|im_end|system|assistant|user|inst)\b | \[/?inst\] | \#\#\#\s*(?:system|instruction|assistant)
      | ^\s*(?:system|assistant|user)\s*:
      | \bref-[a-z]{3,}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """One quote with what stands beside it.

    Attributes:
        key: Under which a sentence names it; occurs in no text of the evidence.
        quote: Position in `Answer.quotes`.
        article: It is from.
        span: The stretch of the article that is evidence.
        core: The part of it that is never left out: the quote's own sentences.
    """

    key: str
    quote: int
    article: Article
    span: Span
    core: Span

    @property
    def text(self) -> str:
        """The stretch, character by character as stored."""
        return self.span.of(self.article.text)


def is_planted(sentence: str) -> bool:
    """Whether a sentence reads as an instruction to a language model."""
    return _PLANTED.search(sentence) is not None


def evidence_of(quotes: Sequence[Quote], salt: str) -> tuple[Source, ...]:
    """The sources of an answer, in the order of its quotes; a quote that speaks to a machine is left out.

    Args:
        quotes: `Answer.quotes`, verified.
        salt: What a writer of articles cannot know; makes the keys unpredictable.
    """
    found: list[Source] = []
    for at, quote in enumerate(quotes):
        widened = _widened(quote)
        if widened is not None:
            core, span = widened
            found.append(Source("", at, quote.article, span, core))
    texts = "\n".join(source.text for source in found).lower()
    keys: list[str] = []
    for source in found:
        place = f"{salt}\n{source.article.id}\n{source.article.version}\n{source.span.start}"
        keys.append(_new_key(place, texts, keys))
    return tuple(replace(source, key=key) for source, key in zip(found, keys, strict=True))


def _widened(quote: Quote) -> tuple[Span, Span] | None:
    """The whole sentences of a quote, and those with one sentence on either side; None where it is planted.

    Neither crosses a place where a line was removed: the quote does not, and what lies beyond is left out.
    """
    text, cuts = quote.article.text, quote.article.cuts
    spans = sentence_spans(text)
    inside = [n for n, span in enumerate(spans) if span.start < quote.span.end and quote.span.start < span.end]
    if not inside or is_planted(quote.text):
        return None
    core = quote.span
    for n in (inside[0], inside[-1]):
        core = _joined(core, spans[n], text, cuts)
    span = core
    for n in (inside[0] - 1, inside[-1] + 1):
        if 0 <= n < len(spans):
            span = _joined(span, spans[n], text, cuts)
    return core, span


_MAX_SENTENCE_CHARS = 600


def _joined(span: Span, beside: Span, text: str, cuts: Sequence[int]) -> Span:
    """The span widened by a sentence; as it was where that is planted, very long, or lies beyond a removed line."""
    wide = Span(min(span.start, beside.start), max(span.end, beside.end))
    if len(beside) > _MAX_SENTENCE_CHARS or is_planted(beside.of(text)) or crosses(cuts, wide.start, wide.end):
        return span
    return wide


def _new_key(place: str, texts: str, taken: Sequence[str]) -> str:
    n = 0
    while True:
        digest = hashlib.sha256(f"{place}\n{n}".encode("utf-8", "surrogatepass")).digest()
        key = "ref-" + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_KEY_LETTERS])
        if key not in taken and key not in texts:
            return key
        n += 1


def fitted(sources: Sequence[Source], fits: Callable[[Sequence[Source]], bool]) -> tuple[Source, ...]:
    """As much of the evidence as fits: the best quotes first, then what stands beside them; whole sentences only.

    Args:
        sources: Best first.
        fits: Whether a prompt with these has room for an answer.
    """
    kept: list[Source] = []
    for source in sources:
        smallest = replace(source, span=source.core)
        if not fits([*kept, smallest]):
            break
        kept.append(smallest)
    for at, source in enumerate(sources[: len(kept)]):
        wider = [*kept[:at], source, *kept[at + 1 :]]
        if fits(wider):
            kept = wider
    return tuple(kept)


def as_prompt(sources: Sequence[Source]) -> str:
    """The evidence as the model reads it: each source under its key, every line of its text behind a bar.

    The bar stands before every line, whatever an article holds, so that none can end its source or begin another.
    """
    parts = []
    for source in sources:
        day = source.article.published[:10] if source.article.published else "undated"
        head = f"[{source.key}] {safe(source.article.source)}, {day}"
        parts.append("\n".join([head, *(f"| {safe(line)}" for line in _lines(source.text))]))
    return "\n\n".join(parts)


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]
