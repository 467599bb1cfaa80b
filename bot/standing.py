"""Questions that stand: asked again of what has come in since, and told only where that says something new.

What was told is remembered as digests, which say nothing themselves: of a quote's words, and of the words marked in it
together with the week, as "Friday" is another day a fortnight later. Values in, values out: knows nothing about where
news is told, nor about Discord.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, timedelta

from bot.answer import Answer
from bot.question import Question
from bot.remembered import Standing
from index.types import DAY_S, Quote, day_of
from index.words import terms

MAX_OF_PERSON = 10
# Each takes a core for some 0.15 s whenever the index has changed.
MAX_OF_ALL = 1_000
DAYS = 90
# After news nothing is told for so long; what comes meanwhile is looked at then.
REST_S = 3 * 3_600
AGAIN_S = 3_600
# An archive that is ingested later brings no news.
BACK = timedelta(days=7)
# Nobody waits for an answer here, and most of what comes in answers nothing: see EXPERIMENTS.md, "Standing questions".
SURE = 0.3
N_TOLD = 200


def question_of(standing: Standing, now_s: int) -> Question:
    """What is asked at an instant.

    As of the day after: an article may be dated a day ahead, and would have been asked of by the time it answers.
    """
    return Question(
        text=standing.text,
        asked_on=day_of(now_s + DAY_S),
        since=day_of(standing.set_s) - BACK,
        sources=standing.sources,
        read_filters=False,
        after_version=standing.after_version,
    )


def news_of(answer: Answer, told: Collection[str]) -> Answer | None:
    """An answer with those of its quotes alone that say what was not told; None where it has none, or is too unsure."""
    if answer.status != "answered" or answer.confidence < SURE:
        return None
    kept = [at for at, quote in enumerate(answer.quotes) if not is_told(quote, told)]
    if not kept:
        return None
    pair = answer.disagreement
    is_whole = pair is not None and pair[0] in kept and pair[1] in kept
    return replace(
        answer,
        quotes=tuple(answer.quotes[at] for at in kept),
        disagreement=(kept.index(pair[0]), kept.index(pair[1])) if pair and is_whole else None,
    )


def is_told(quote: Quote, told: Collection[str]) -> bool:
    """Whether a quote says what was told already."""
    if _digest(quote.text) in told:
        return True
    published = quote.article.published
    return published is not None and _marked(quote, date.fromisoformat(published[:10])) in told


def marks_of(quotes: Iterable[Quote], on: date) -> tuple[str, ...]:
    """What is remembered of quotes that are told on a day: the same answer is no news in that week and the next.

    Nor in the week of its article, which on a Monday is the week before.
    """
    found: list[str | None] = []
    for quote in quotes:
        published = quote.article.published
        days = [on, on + timedelta(weeks=1), *([date.fromisoformat(published[:10])] if published else [])]
        found += [_digest(quote.text), *(_marked(quote, day) for day in days)]
    return tuple(dict.fromkeys(filter(None, found)))


def _digest(text: str) -> str:
    """Sixteen characters that stand for a text's words, whatever their case, endings and punctuation."""
    return hashlib.sha256(" ".join(terms(text)).encode()).hexdigest()[:16]


def _marked(quote: Quote, day: date) -> str | None:
    if quote.answer is None:
        return None
    year, week, _ = day.isocalendar()
    return _digest(f"{quote.answer.of(quote.article.text)} {year} {week}")


def until_of(set_s: int) -> int:
    """When a question that is set now ends."""
    return set_s + DAYS * DAY_S
