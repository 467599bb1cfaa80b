"""What people thought of the answers: as a table, as JSON, and as questions to measure with. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from bot.remembered import Feedback, Place, Remembered
from bot.render import table
from index.terminal import safe
from index.types import Article, day_of

Kind = Literal["gap", "good", "bad", "reported"]
QUESTION_CHARS = 70


def kind_of(row: Feedback) -> Kind:
    """What a question stands for: a report weighs most, then the votes, then that nothing was found."""
    if row.reports:
        return "reported"
    if row.n_up != row.n_down:
        return "good" if row.n_up > row.n_down else "bad"
    return "gap" if row.remembered.status == "not_found" else "bad"


def feedback_lines(rows: Sequence[Feedback]) -> str:
    """A table for a person; a sentence where there is nothing."""
    if not rows:
        return "No votes, no reports and no questions without an answer."
    lines = [("day", "kind", "up", "down", "reports", "confidence", "index", "question")]
    for row in rows:
        asked = row.remembered
        text = safe(asked.question.text) if asked.question else ""
        lines.append(
            (
                day_of(asked.asked_s).isoformat(),
                kind_of(row),
                str(row.n_up),
                str(row.n_down),
                str(len(row.reports)),
                f"{asked.confidence:.2f}",
                safe(asked.snapshot),
                text if len(text) <= QUESTION_CHARS else text[: QUESTION_CHARS - 2] + " …",
            )
        )
    return table(lines)


def feedback_json(row: Feedback, article_at: Callable[[Place], Article | None]) -> dict[str, object]:
    """One question with its votes and reports; persons are left out.

    Args:
        row: Its `question` is null where the words are not kept.
        article_at: The article that a quote stands in, from the store; None where it is gone.
    """
    asked = row.remembered
    return {
        "id": asked.id,
        "kind": kind_of(row),
        "question": asked.question.text if asked.question else None,
        "said": asked.said,
        "asked_on": (asked.question.asked_on if asked.question else day_of(asked.asked_s)).isoformat(),
        "status": asked.status,
        "confidence": round(asked.confidence, 6),
        "snapshot": asked.snapshot,
        "answer": _marked(asked, article_at),
        "up": row.n_up,
        "down": row.n_down,
        "reports": [{"number": report.number, "reason": report.reason} for report in row.reports],
    }


def question_json(row: Feedback, article_at: Callable[[Place], Article | None]) -> dict[str, object]:
    """A line for `ask --batch` and for measuring. What was held to be good brings its answer and its articles along;
    for the others somebody has to fill them in. Of a question whose words are kept.
    """
    asked = row.remembered
    assert asked.question is not None
    is_good = kind_of(row) == "good" and asked.status == "answered"
    articles = [article_at(place) for place in asked.places[:3]] if is_good else []
    marked = _marked(asked, article_at) if is_good else None
    return {
        "id": asked.id,
        "asked_on": asked.question.asked_on.isoformat(),
        "question": asked.question.text,
        "answers": [marked] if marked else [],
        "evidence_urls": list(dict.fromkeys(article.shown_as for article in articles if article)),
        "kind": kind_of(row),
    }


def _marked(asked: Remembered, article_at: Callable[[Place], Article | None]) -> str | None:
    """The words marked in the quote that was shown first."""
    first = next(iter(asked.places), None)
    article = None if first is None else article_at(first)
    return None if first is None or article is None else first.marked_in(article.text)
