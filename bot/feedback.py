"""What people thought of the answers: as a table, as JSON, and as questions to measure with. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from bot.memory import Feedback, Place
from bot.render import table
from index.terminal import safe
from index.types import day_of

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


def feedback_json(row: Feedback) -> dict[str, object]:
    """One question with its votes and reports; persons are left out."""
    asked = row.remembered
    assert asked.question is not None
    return {
        "id": asked.id,
        "kind": kind_of(row),
        "question": asked.question.text,
        "said": asked.said,
        "asked_on": asked.question.asked_on.isoformat(),
        "status": asked.status,
        "confidence": round(asked.confidence, 6),
        "snapshot": asked.snapshot,
        "answer": asked.answer,
        "up": row.n_up,
        "down": row.n_down,
        "reports": [{"number": report.number, "reason": report.reason} for report in row.reports],
    }


def question_json(row: Feedback, url_of: Callable[[Place], str | None]) -> dict[str, object]:
    """A line for `ask --batch` and for measuring. What was held to be good brings its answer and its articles along;
    for the others somebody has to fill them in.
    """
    asked = row.remembered
    assert asked.question is not None
    is_good = kind_of(row) == "good" and asked.status == "answered"
    urls = [url_of(place) for place in asked.places[:3]] if is_good else []
    return {
        "id": asked.id,
        "asked_on": asked.question.asked_on.isoformat(),
        "question": asked.question.text,
        "answers": [asked.answer] if is_good and asked.answer else [],
        "evidence_urls": list(dict.fromkeys(url for url in urls if url)),
        "kind": kind_of(row),
    }
