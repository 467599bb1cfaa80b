"""How often answers would be wrong at each confidence, on an operator's own corpus and questions.

Each question is asked twice: of the corpus, and of the corpus without the articles that hold its answer. Whatever is
answered the second time is wrong by construction; that is how a threshold is judged by what it lets through.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.answer import Answer, Answerer
from bot.question import Question
from bot.scoring import ALL_WORDS, N_QUOTES, holds, shown

SURE = 0.95
THRESHOLDS = tuple(at / 100 for at in range(2, 100, 2))
# Articles that hold the answer are taken away as they are found; a name that is everywhere would never end.
MAX_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Trial:
    """One asking: how sure the answer was, whether it was right, and whether it could be."""

    confidence: float
    is_right: bool
    is_answerable: bool


@dataclass(frozen=True, slots=True)
class Level:
    """What a threshold does.

    Attributes:
        threshold: Answers below are "not found".
        answered: Share of the answerable questions that are answered.
        right: Share of the answerable questions that are answered rightly.
        refused: Share of the unanswerable ones refused.
        wrong_at_most: With `SURE` confidence, wrong answers are no larger a share than this of all that is answered.
    """

    threshold: float
    answered: float
    right: float
    refused: float
    wrong_at_most: float


def trials(
    answerer: Answerer,
    questions: Iterable[tuple[Question, Sequence[str]]],
    number_of: Callable[[str], int | None],
) -> list[Trial]:
    """Ask each question of the corpus, and again without the articles that answer it.

    Args:
        answerer: Of the corpus.
        questions: Each with the strings that answer it; none for one that the corpus cannot answer.
        number_of: The number of an article by its id or URL, None where it has gone.
    """
    found = []
    for question, answers in questions:
        asked = replace(question, always=True)
        answer = answerer.answer(asked)
        found.append(Trial(answer.confidence, is_right(answer, answers), bool(answers)))
        if answers:
            without = without_answers(answerer, asked, answer, answers, number_of)
            if without is not None:
                found.append(Trial(without.confidence, False, False))
    return found


def is_right(answer: Answer, answers: Sequence[str]) -> bool:
    """Whether one of the answers stands in one of the quotes."""
    quotes = [{"text": quote.text} for quote in answer.quotes]
    return any(holds(answers, text) for text in shown(quotes, N_QUOTES, ALL_WORDS))


def without_answers(
    answerer: Answerer,
    question: Question,
    answer: Answer,
    answers: Sequence[str],
    number_of: Callable[[str], int | None],
) -> Answer | None:
    """What is said where the articles that answer are left out; None where too many of them do.

    Args:
        answerer: Of the corpus.
        question: Asked of it.
        answer: What it said.
        answers: The strings that answer.
        number_of: The number of an article by its id, None where it has gone.
    """
    gone: set[int] = set()
    for at in range(MAX_ROUNDS):
        if at:
            answer = answerer.answer(question, without=gone)
        holding = {
            number
            for quote in answer.quotes
            if holds(answers, f"{quote.article.title}\n{quote.article.text}")
            and (number := number_of(quote.article.id)) is not None
        }
        if not holding:
            return answer
        gone |= holding
    return None


def levels(found: Sequence[Trial], own: float | None = None) -> list[Level]:
    """What each threshold would do, ascending, and that in use (`own`) too; [] where no question was answerable."""
    answerable = [trial for trial in found if trial.is_answerable]
    unanswerable = [trial for trial in found if not trial.is_answerable]
    if not answerable:
        return []
    rows = []
    for threshold in sorted({*THRESHOLDS, *(() if own is None else (own,))}):
        kept = [trial for trial in found if trial.confidence >= threshold]
        ours = [trial for trial in answerable if trial.confidence >= threshold]
        rows.append(
            Level(
                threshold=threshold,
                answered=len(ours) / len(answerable),
                right=sum(trial.is_right for trial in ours) / len(answerable),
                refused=sum(trial.confidence < threshold for trial in unanswerable) / max(1, len(unanswerable)),
                wrong_at_most=upper_bound(sum(not trial.is_right for trial in kept), len(kept)),
            )
        )
    return rows


def upper_bound(n_wrong: int, n: int) -> float:
    """The largest true share with which `n_wrong` or fewer of `n` would still be seen once in 1 / (1 - `SURE`) times.

    Clopper and Pearson's one-sided bound (1934): exact, never too low.
    """
    if n == 0 or n_wrong >= n:
        return 1.0
    low, high = n_wrong / n, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        if _at_most(n_wrong, n, middle) > 1 - SURE:
            low = middle
        else:
            high = middle
    return high


def _at_most(k: int, n: int, share: float) -> float:
    """Chance of `k` or fewer of `n` at a true share strictly between 0 and 1."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    logs = (
        math.lgamma(n + 1)
        - math.lgamma(i + 1)
        - math.lgamma(n - i + 1)
        + i * math.log(share)
        + (n - i) * math.log1p(-share)
        for i in range(k + 1)
    )
    return math.fsum(map(math.exp, logs))
