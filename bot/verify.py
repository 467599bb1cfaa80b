"""The last step before anything is shown: every quoted character stands in the stored article where we say.

Reads the article anew from the store, so that a fault anywhere earlier, in memory or in an index, shows here.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable

from bot.remembered import Place
from index.errors import UnverifiableQuote
from index.sentences import crosses
from index.types import Article, Quote, Span

log = logging.getLogger(__name__)

MAX_WORDS = 60


def check_quote(quote: Quote, stored: Article | None) -> None:
    """Compare a quote with the stored article.

    Raises:
        UnverifiableQuote: It is not an unbroken, unaltered span of that article, or the article is gone.
    """
    where = f"{quote.article.id} [{quote.span.start}, {quote.span.end})"
    if stored is None:
        raise UnverifiableQuote(f"{where}: the article is no longer in the store")
    if quote.span.end > len(stored.text) or not quote.text or quote.span.of(stored.text) != quote.text:
        raise UnverifiableQuote(f"{where}: the stored article has other words there")
    if crosses(stored.cuts, quote.span.start, quote.span.end):
        raise UnverifiableQuote(f"{where}: a line was removed inside it")
    if len(quote.text.split()) > MAX_WORDS:
        raise UnverifiableQuote(f"{where}: it is longer than {MAX_WORDS} words")
    answer = quote.answer
    if answer is not None and not (quote.span.start <= answer.start < answer.end <= quote.span.end):
        raise UnverifiableQuote(f"{where}: the marked answer lies outside it")


def digest_of(article: Article, span: Span) -> str:
    """Sixteen characters that stand for these words of this article, and say neither."""
    return hashlib.sha256(f"{article.id}\n{span.of(article.text)}".encode()).hexdigest()[:16]


def article_at(place: Place, stored: Callable[[int], Article | None]) -> Article | None:
    """The article that a remembered quote stands in.

    None where it has been retracted, or where other words stand since the corpus was built anew and counts its versions
    anew. A place that was kept without a digest is believed.

    Args:
        place: As remembered.
        stored: As for `verified`.
    """
    article = stored(place.version)
    if article is None or (place.digest and digest_of(article, Span(place.start, place.end)) != place.digest):
        return None
    return article


def verified(quotes: Iterable[Quote], stored: Callable[[int], Article | None]) -> list[Quote]:
    """Those quotes that stand in the store; one that does not is our own bug, logged and shown to nobody.

    Args:
        quotes: As chosen.
        stored: Reads an article version from the store; None where it is gone or retracted.
    """
    kept = []
    for quote in quotes:
        try:
            check_quote(quote, stored(quote.article.version))
        except UnverifiableQuote as error:
            log.error("quote not shown reason=%r", str(error))
        else:
            kept.append(quote)
    return kept
