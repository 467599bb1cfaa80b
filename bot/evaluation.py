"""Figures of one configuration on labelled questions, or of two side by side. Answers in, lines for a person out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeGuard

from bot.batch import asked_day, open_lines, record_of
from bot.render import table
from bot.scoring import by_question, figures, folded, paired_difference
from index.errors import BadInput

Row = Mapping[str, Any]


def read_labelled(path: str) -> list[dict[str, Any]]:
    """Questions with their answers from JSON lines, gzipped or not, or `-`.

    Follow-ups (`"kind": "follow_up"`) are left out: they cannot be asked by themselves.

    Raises:
        BadInput: The file cannot be read, a line is no question with a day and a list of answers, each of some
            words, or there is none.
    """
    found = []
    with open_lines(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = record_of(line, number)
            answers = row.get("answers")
            if not _are_texts(answers) or not all(map(folded, answers)):
                raise BadInput(f'{path}: line {number} has no list of "answers"; give [] where the corpus has none')
            if row.get("evidence_urls") is not None and not _are_texts(row["evidence_urls"]):
                raise BadInput(f"{path}: line {number}: evidence_urls is no list of addresses; give [] for none")
            for name in ("question", "asked_on"):
                if not isinstance(row.get(name), str):
                    raise BadInput(f'{path}: line {number} has no "{name}"')
            try:
                day_of_question(row)
            except ValueError:
                raise BadInput(
                    f"{path}: line {number}: asked_on is {row['asked_on']!r}; write it as 2025-04-26"
                ) from None
            if row.get("kind") != "follow_up":
                found.append(row)
    if not found:
        raise BadInput(f"{path} holds no questions")
    return found


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def day_of_question(row: Row) -> date:
    """The day that a labelled question is asked on; what `read_labelled` gives has one."""
    return asked_day(row["asked_on"])


def shares(questions: Sequence[Row], answers: Sequence[Row]) -> dict[str, float]:
    """The figures of one configuration; percentages unless their name says otherwise.

    Args:
        questions: With `answers` (empty where the corpus holds none) and, where known, `evidence_urls`.
        answers: What `ask --batch` prints for them, in their order.
    """
    answerable, refused = _split(questions, answers)
    return figures([q for q, _ in answerable], [a for _, a in answerable], [a for _, a in refused])


def comparison(questions: Sequence[Row], before: Sequence[Row], after: Sequence[Row]) -> str:
    """Two configurations side by side: each figure, the paired difference and its 95 % interval.

    An interval that leaves out 0 is marked.
    """
    first, second = ([by_question(q, a) for q, a in _split(questions, rows)[0]] for rows in (before, after))
    lines = [("  figure", "first", "second", "difference", "95 % interval", "")]
    for name in dict.fromkeys(key for row in first for key in row):
        ours, theirs = ([row[name] for row in rows if name in row] for rows in (first, second))
        mean, low, high = paired_difference(ours, theirs)
        sure = "" if low <= 0 <= high else "*"
        shown = (sum(ours) / len(ours), sum(theirs) / len(theirs))
        lines.append(
            (f"  {name}", f"{shown[0]:8.3f}", f"{shown[1]:8.3f}", f"{mean:+8.3f}", f"{low:+.3f} … {high:+.3f}", sure)
        )
    refused = [
        100 * sum(answer["status"] == "not_found" for _, answer in rows) / len(rows)
        for rows in (_split(questions, before)[1], _split(questions, after)[1])
        if rows
    ]
    if refused:
        lines.append(
            (
                "  unanswerable refused",
                f"{refused[0]:8.3f}",
                f"{refused[1]:8.3f}",
                f"{refused[1] - refused[0]:+8.3f}",
                "",
                "",
            )
        )
    return table(lines)


def _split(questions: Sequence[Row], answers: Sequence[Row]) -> tuple[list[tuple[Row, Row]], list[tuple[Row, Row]]]:
    pairs = list(zip(questions, answers, strict=True))
    return [pair for pair in pairs if pair[0].get("answers")], [pair for pair in pairs if not pair[0].get("answers")]
