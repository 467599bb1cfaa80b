"""An answer as JSON and as lines of a terminal. Values in, text out; nothing here decides what is shown.

Article text is untrusted: the terminal's rendering goes through `safe`. JSON carries every character as stored.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date

from bot.answer import Answer, SourceArticle
from bot.links import quote_link
from bot.understand import notes_beside
from bot.written import Written
from index.terminal import safe
from index.types import Article, Quote, day_of

BOLD, DIM, RESET = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def as_json(answer: Answer, question_id: object = None) -> dict[str, object]:
    """One line of `ask --json` and `ask --batch`; the id is any JSON value, given back as it came."""
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


def failed_json(question_id: object, question: str, asked_on: str, error: str) -> dict[str, object]:
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
        "since": _day(answer.since),
        "until": _day(answer.until),
        "window": [window[0].isoformat(), window[1].isoformat()] if window else None,
        "sources": list(answer.outlets),
        "notes": notes_of(answer),
        "absent": list(understood.absent),
        "respelt": dict(understood.respelt),
    }


def notes_of(answer: Answer) -> list[str]:
    """What was understood from the words and not overruled by an option."""
    question = answer.question
    return notes_beside(answer.understood, question.since, question.until, question.sources)


def absent_note(answer: Answer) -> str:
    """That an outlet which was asked for is not in the corpus; "" where none is missing."""
    absent = answer.understood.absent
    if not absent:
        return ""
    everywhere = "" if answer.outlets else "; all outlets were searched"
    return f"No articles from {' or '.join(absent)} in this corpus{everywhere}."


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _quote(quote: Quote) -> dict[str, object]:
    article, marked = quote.article, quote.answer
    # Only where there is something to say: programs know the other keys, and may take no others.
    corrected = {} if article.corrected_s is None else {"corrected": day_of(article.corrected_s).isoformat()}
    return {
        "text": quote.text,
        "url": article.address,
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
        **corrected,
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

# Stand for the marks while a quote is wrapped, one column each as asterisks are; `safe` leaves neither in a text.
_ON, _OFF = "\x0e", "\x0f"


def as_lines(answer: Answer, *, colour: bool, width: int = 80, written: Written | None = None) -> str:
    """The answer as a person reads it.

    Args:
        answer: What was found.
        colour: Whether escape sequences may mark the answer; else it stands between asterisks.
        width: Columns to wrap at; a link is never wrapped.
        written: What a language model wrote, to stand above the quotes.
    """
    parts = []
    if notes := notes_of(answer):
        if answer.is_elsewhen:
            notes.append("none of these quotes is from then")
        parts.append(_small("Understood: " + "; ".join(notes), colour, width, indent=""))
    if absent := absent_note(answer):
        parts.append(_small(absent, colour, width, indent=""))
    if answer.status == "not_found":
        parts.append(_refusal(answer, width))
    else:
        is_numbered = False
        if written is not None:
            parts.append(text_lines(written, colour=colour, width=width))
            is_numbered = bool(written.sentences)
        parts.extend(
            quote_lines(quote, colour=colour, width=width, number=n if is_numbered else 0)
            for n, quote in enumerate(answer.quotes, 1)
        )
        if answer.disagreement:
            parts.append(_disagreement(answer, colour, width))
    return "\n\n".join(parts)


def newest_line(answer: Answer) -> str:
    """How fresh what was searched is; "" where nothing is dated."""
    last = answer.searched.last_s
    return "" if last is None else f"Newest article in the index: {day_of(last)}."


def _disagreement(answer: Answer, colour: bool, width: int) -> str:
    """What each of two contradicting sources says, the newer first."""
    sides = []
    for at in answer.disagreement or ():
        quote = answer.quotes[at]
        said = f"“{quote.answer.of(quote.article.text)}” " if quote.answer else ""
        day = quote.article.published[:10] if quote.article.published else "undated"
        sides.append(f"{said}({quote.article.source}, {day})")
    return _small("These sources disagree: " + " and ".join(sides) + ".", colour, width, indent="")


_NOTES = {
    "writing": "Being written by a language model.",
    "written": "Written by a language model from the quotes below; every sentence was checked against them.",
    "declined": "The language model found no answer in these quotes.",
    "unsupported": "What the language model wrote does not stand in these quotes, so it is not shown.",
    "failed": "The language model gave no usable reply ({reason}); these are the quotes alone.",
}


def text_lines(written: Written, *, colour: bool, width: int) -> str:
    """What a language model wrote, with the numbers of its quotes, or why there is nothing to show."""
    said = " ".join(f"{safe(one.text)} " + " ".join(f"[{at + 1}]" for at in one.quotes) for one in written.sentences)
    lines = textwrap.wrap(said, width, break_long_words=False, break_on_hyphens=False)
    note = _NOTES[written.outcome].format(reason=": ".join(filter(None, (written.reason, written.detail))))
    return "\n".join([*lines, _small(note, colour, width, indent="  " if lines else "")])


def quote_lines(quote: Quote, *, colour: bool, width: int, number: int = 0) -> str:
    """A quote with its answer marked, and below it where it comes from; behind a footnote's number if it has one."""
    article, marked = quote.article, quote.answer
    if marked is None:
        body = safe(quote.text)
    else:
        before, after = quote.span.start, quote.span.end
        body = (
            safe(article.text[before : marked.start])
            + f"{_ON}{safe(marked.of(article.text))}{_OFF}"
            + safe(article.text[marked.end : after])
        )
    body = f"{'… ' if quote.cut_left else ''}“{body}”{' …' if quote.cut_right else ''}"
    body = f"[{number}] {body}" if number else body
    body = "\n".join(textwrap.wrap(body, width, break_long_words=False, break_on_hyphens=False))
    on, off = (BOLD, RESET) if colour else ("*", "*")
    lines = [body.replace(_ON, on).replace(_OFF, off), _small(_byline(article), colour, width)]
    if article.is_stub:
        lines.append(_small("Only the beginning of this article is known.", colour, width))
    if article.correction and article.correction not in quote.text:
        lines.append(_small(textwrap.shorten(article.correction, 200, placeholder=" …"), colour, width))
    if article.corrected_s is not None:
        later = f"The article was corrected on {day_of(article.corrected_s)}, after the version quoted here."
        lines.append(_small(later, colour, width))
    lines.append(f"  {safe(quote_link(quote) or article.id)}")
    if quote.also:
        lines.append(_small("also in: " + ", ".join(quote.also), colour, width))
    return "\n".join(lines)


def _byline(article: Article | SourceArticle) -> str:
    day = article.published[:10] if article.published else "undated"
    return " · ".join(filter(None, (article.source, day, article.title)))


def _refusal(answer: Answer, width: int) -> str:
    searched = answer.searched
    if not searched.n_articles:
        return "\n".join(textwrap.wrap(f"Not found: the corpus holds no article{_bounds(answer)}.", width))
    dates = ""
    if searched.first_s is not None and searched.last_s is not None:
        first, last = day_of(searched.first_s), day_of(searched.last_s)
        dates = f" of {first}" if first == last else f", {first} to {last}"
    noun = "article" if searched.n_articles == 1 else "articles"
    lines = textwrap.wrap(f"Not found in {searched.n_articles:,} {noun}{_outlets(answer)}{dates}.", width)
    nearest = answer.nearest
    if nearest is not None:
        lines.append("The nearest article, which does not seem to answer:")
        lines.append(_small(_byline(nearest), False, width))
        lines.append(f"  {safe(nearest.url or nearest.id)}")
    return "\n".join(lines)


def _outlets(answer: Answer) -> str:
    return " from " + " or ".join(map(safe, answer.outlets)) if answer.outlets else ""


def _bounds(answer: Answer) -> str:
    """The filters in words, for a refusal that had nothing to search."""
    question, until = answer.question, answer.until
    dates = f" since {answer.since}" if answer.since else ""
    # Nothing published after the day of asking is used, however late `until` is.
    dates += (
        f" until {until}" if until and until <= question.asked_on else f" until {question.asked_on}, the day of asking"
    )
    language = f" in the language “{safe(question.language)}”" if question.language else ""
    return _outlets(answer) + language + dates


def _small(text: str, colour: bool, width: int, indent: str = "  ") -> str:
    """A line beside a quote, wrapped, dim where colours are on."""
    lines = textwrap.wrap(
        safe(text),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(f"{DIM}{line}{RESET}" if colour else line for line in lines)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned columns."""
    if not rows:
        return ""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
