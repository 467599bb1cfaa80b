"""An answer as JSON and as lines of a terminal. Values in, text out; nothing here decides what is shown.

Article text is untrusted: what a terminal would obey (escape sequences, direction overrides) is replaced in the
terminal's rendering. JSON carries every character as stored.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from datetime import date

from bot.answer import Answer, SourceArticle
from bot.links import fragment_link
from index.types import Quote, day_of

BOLD, DIM, RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def quote_link(quote: Quote) -> str | None:
    """The article's URL with a text fragment that selects the quote; None for a local article."""
    if quote.article.url is None:
        return None
    return fragment_link(quote.article.url, quote.article.text, quote.span.start, quote.span.end) or None


def as_json(answer: Answer, question_id: str | None = None) -> dict[str, object]:
    """One line of `ask --json` and `ask --batch`."""
    nearest = answer.nearest
    return {
        "id": question_id,
        "question": answer.question.text,
        "asked_on": answer.question.asked_on.isoformat(),
        "status": answer.status,
        "confidence": round(answer.confidence, 6),
        "understood": _understood(answer),
        "quotes": [_quote(quote) for quote in answer.quotes],
        "disagreement": list(answer.disagreement) if answer.disagreement else None,
        "sources": list(dict.fromkeys(source.url or source.id for source in answer.sources)),
        "nearest": _nearest(nearest) if nearest and answer.status == "not_found" else None,
    }


def failed_json(question_id: str | None, question: str, asked_on: str, error: str) -> dict[str, object]:
    """The line of a question that could not be asked."""
    return {
        "id": question_id,
        "question": question,
        "asked_on": asked_on,
        "status": "not_found",
        "confidence": 0.0,
        "understood": {},
        "quotes": [],
        "disagreement": None,
        "sources": [],
        "nearest": None,
        "error": error,
    }


def _understood(answer: Answer) -> dict[str, object]:
    understood = answer.understood
    window = understood.window
    return {
        "topic": understood.topic,
        "kind": understood.kind,
        "since": _day(answer.question.since or understood.since),
        "until": _day(answer.question.until or understood.until),
        "window": [window[0].isoformat(), window[1].isoformat()] if window else None,
        "sources": list(answer.question.sources or understood.sources),
        "notes": list(understood.notes),
    }


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _quote(quote: Quote) -> dict[str, object]:
    article, marked = quote.article, quote.answer
    return {
        "text": quote.text,
        "url": article.url,
        "article_id": article.id,
        "title": article.title,
        "source": article.source,
        "published": article.published,
        "start": quote.span.start,
        "end": quote.span.end,
        "answer": None if marked is None else marked.of(article.text),
        "answer_start": None if marked is None else marked.start,
        "answer_end": None if marked is None else marked.end,
        "cut_left": quote.cut_left,
        "cut_right": quote.cut_right,
        "link": quote_link(quote),
        "also": list(quote.also),
    }


def _nearest(source: SourceArticle) -> dict[str, object]:
    return {
        "url": source.url,
        "article_id": source.id,
        "title": source.title,
        "source": source.source,
        "published": source.published,
    }


# The terminal -------------------------------------------------------------------------------------------


def safe(text: str) -> str:
    """Text that a terminal shows and does not obey; line breaks become spaces."""
    shown = "".join(
        " " if char in "\n\t" else "\N{REPLACEMENT CHARACTER}" if _commands(char) else char for char in text
    )
    return " ".join(shown.split(" "))


def _commands(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cs") or char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def as_lines(answer: Answer, *, colour: bool, width: int = 80) -> str:
    """The answer as a person reads it.

    Args:
        answer: What was found.
        colour: Whether escape sequences may mark the answer; else it stands between asterisks.
        width: Columns to wrap at; a link is never wrapped.
    """
    parts = []
    if answer.understood.notes:
        parts.append(_dim("Understood: " + "; ".join(map(safe, answer.understood.notes)), colour))
    if answer.status == "not_found":
        parts.append(_refusal(answer, width))
    else:
        parts.extend(_quote_lines(quote, colour, width) for quote in answer.quotes)
        if answer.disagreement:
            parts.append("These sources disagree.")
    return "\n\n".join(parts)


def _quote_lines(quote: Quote, colour: bool, width: int) -> str:
    text = quote.article.text
    marked = quote.answer
    if marked is None:
        body = safe(quote.text)
    else:
        on, off = (BOLD, RESET) if colour else ("*", "*")
        body = (
            safe(text[quote.span.start : marked.start])
            + on
            + safe(marked.of(text))
            + off
            + safe(text[marked.end : quote.span.end])
        )
    body = f"{'… ' if quote.cut_left else ''}“{body}”{' …' if quote.cut_right else ''}"
    lines = textwrap.wrap(body, width, break_long_words=False, break_on_hyphens=False)
    article = quote.article
    published = article.published[:10] if article.published else "undated"
    lines.append(_dim(f"  {safe(article.source)} · {published} · {safe(article.title)}", colour))
    if article.is_stub:
        lines.append(_dim("  Only the beginning of this article is known.", colour))
    if article.correction:
        lines.append(_dim("  " + safe(textwrap.shorten(article.correction, 200, placeholder=" …")), colour))
    link = quote_link(quote)
    if link:
        lines.append(f"  {safe(link)}")
    if quote.also:
        lines.append(_dim("  also in: " + ", ".join(map(safe, quote.also)), colour))
    return "\n".join(lines)


def _refusal(answer: Answer, width: int) -> str:
    searched = answer.searched
    dates = ""
    if searched.first_s is not None and searched.last_s is not None:
        dates = f" from {day_of(searched.first_s)} to {day_of(searched.last_s)}"
    noun = "article" if searched.n_articles == 1 else "articles"
    lines = textwrap.wrap(f"Not found in {searched.n_articles:,} {noun}{dates}.", width)
    nearest = answer.nearest
    if nearest is not None:
        published = nearest.published[:10] if nearest.published else "undated"
        lines.append("The nearest article, which does not seem to answer:")
        lines.append(f"  {safe(nearest.title) or '(no title)'} · {safe(nearest.source)} · {published}")
        if nearest.url:
            lines.append(f"  {safe(nearest.url)}")
    return "\n".join(lines)


def _dim(text: str, colour: bool) -> str:
    return f"{DIM}{text}{RESET}" if colour else text


def table(rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns."""
    if not rows:
        return ""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
