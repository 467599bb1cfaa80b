"""Scores of answers against labelled questions, by the rules of the news-quiz scorer; pure.

An answer counts where it stands as whole words inside one quote, within the first three quotes and their first 120
words together. Figures are percentages of all questions unless their name says otherwise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

N_QUOTES = 3
ALL_WORDS = 120
FIRST_WORDS = 60
# Drawn for an interval.
N_SAMPLES = 2000

_WORD = re.compile(r"[$£€]?\d[\d,.]*%?|\w+")

Row = Mapping[str, Any]


def folded(text: str) -> list[str]:
    """Words for comparing: lower case, currency and percent kept on their number, no thousands' commas."""
    text = re.sub(r"\s*(?:per cent|percent|%)", "%", text.lower())
    text = re.sub(r"([$£€])\s+(?=\d)", r"\1", text)
    return [word.rstrip(".,").replace(",", "") for word in _WORD.findall(text)]


def holds(answers: Sequence[str], text: str) -> bool:
    """Whether one of the answers stands in the text as whole words."""
    words = folded(text)
    for wanted in map(folded, answers):
        n = len(wanted)
        if n and any(words[at : at + n] == wanted for at in range(len(words) - n + 1)):
            return True
    return False


def shown(quotes: Sequence[Row], n_quotes: int, n_words: int) -> list[str]:
    """The texts of the first quotes, cut so that no more than so many words remain in all."""
    texts = []
    for quote in quotes[:n_quotes]:
        words = str(quote["text"]).split()[:n_words]
        n_words -= len(words)
        texts.append(" ".join(words))
    return texts


def in_first(question: Row, answer: Row) -> bool:
    """Whether the first quote answers within its first 60 words."""
    return any(holds(question["answers"], text) for text in shown(_answering(answer), 1, FIRST_WORDS))


def in_three(question: Row, answer: Row) -> bool:
    """Whether one of the first three quotes answers within 120 words."""
    return any(holds(question["answers"], text) for text in shown(_answering(answer), N_QUOTES, ALL_WORDS))


def _answering(answer: Row) -> Sequence[Row]:
    quotes: Sequence[Row] = answer["quotes"] if answer["status"] == "answered" else ()
    return quotes


def rank(question: Row, answer: Row) -> int | None:
    """Position from 1 of the first known source among those ranked, or None."""
    known = set(question.get("evidence_urls") or ())
    return next((at for at, url in enumerate(answer["sources"], 1) if url in known), None)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float | None:
    """Chance that one of the first kind has the higher value, ties counting half; None where a kind is empty."""
    if not positive or not negative:
        return None
    ordered = sorted(set(positive) | set(negative))
    place = {value: at for at, value in enumerate(ordered)}
    n_positive = [0] * len(ordered)
    n_negative = [0] * len(ordered)
    for value in positive:
        n_positive[place[value]] += 1
    for value in negative:
        n_negative[place[value]] += 1
    below = won = 0.0
    for ups, downs in zip(n_positive, n_negative, strict=True):
        won += ups * (below + downs / 2)
        below += downs
    return won / (len(positive) * len(negative))


def marked(question: Row, answer: Row) -> bool | None:
    """Whether the marked words of the first quote that holds the answer hold it too; None where none holds it."""
    for quote in answer["quotes"]:
        if holds(question["answers"], quote["text"]):
            return holds(question["answers"], quote["answer"] or "")
    return None


def figures(questions: Sequence[Row], answers: Sequence[Row], refused: Sequence[Row] = ()) -> dict[str, float]:
    """All figures of a set of questions and their answers, in the same order, and of answers to unanswerable ones."""
    pairs = list(zip(questions, answers, strict=True))
    ranks = [rank(question, answer) for question, answer in pairs if question.get("evidence_urls")]
    marks = [mark for question, answer in pairs if (mark := marked(question, answer)) is not None]
    could = [any(holds(q["answers"], text) for text in shown(a["quotes"], N_QUOTES, ALL_WORDS)) for q, a in pairs]
    right = [a["confidence"] for (_, a), is_right in zip(pairs, could, strict=True) if is_right]
    wrong = [a["confidence"] for (_, a), is_right in zip(pairs, could, strict=True) if not is_right]
    found: dict[str, float | None] = {
        "answered": _percent([a["status"] == "answered" for a in answers]),
        "answer in first quote": _percent([in_first(q, a) for q, a in pairs]),
        "answer in three quotes": _percent([in_three(q, a) for q, a in pairs]),
        "marked words hold the answer": _percent(marks),
        "source at 1": _percent([at == 1 for at in ranks]),
        "source at 3": _percent([at is not None and at <= 3 for at in ranks]),
        "source MRR@10": sum(1 / at for at in ranks if at) / len(ranks) if ranks else None,
        "AUROC right against wrong": auroc(right, wrong),
        "AUROC right against unanswerable": auroc(right, [a["confidence"] for a in refused]),
        "unanswerable refused": _percent([a["status"] == "not_found" for a in refused]),
    }
    return {name: value for name, value in found.items() if value is not None}


def _percent(flags: Sequence[bool]) -> float | None:
    return 100 * sum(flags) / len(flags) if flags else None


def by_question(question: Row, answer: Row) -> dict[str, float]:
    """What one answer adds to the figures that two configurations can be compared on, question by question."""
    found = {
        "answer in first quote": 100.0 * in_first(question, answer),
        "answer in three quotes": 100.0 * in_three(question, answer),
        "answered": 100.0 * (answer["status"] == "answered"),
    }
    if question.get("evidence_urls"):
        at = rank(question, answer)
        found |= {
            "source at 1": 100.0 * (at == 1),
            "source at 3": 100.0 * (at is not None and at <= 3),
            "source MRR@10": 1 / at if at else 0.0,
        }
    return found


def paired_difference(before: Sequence[float], after: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference over the same questions, with its 95 % bootstrap interval, in the unit of the values.

    Raises:
        ValueError: The two are of different length, or empty.
    """
    differences = [float(b) - float(a) for a, b in zip(before, after, strict=True)]
    n = len(differences)
    if not n:
        raise ValueError("there is no question to compare")
    rng = random.Random(0)
    means = sorted(sum(rng.choices(differences, k=n)) / n for _ in range(N_SAMPLES))
    return sum(differences) / n, means[int(0.025 * N_SAMPLES)], means[int(0.975 * N_SAMPLES)]
