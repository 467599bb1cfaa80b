"""How well a language model's texts stand the check: figures over a set of questions.

Knows nothing about where the questions come from, or about endpoints.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bot.answer import Answer
from bot.evaluation import day_of_question
from bot.question import Question
from bot.written import Written


@dataclass(frozen=True, slots=True)
class Figures:
    """What a model's texts came to.

    Attributes:
        n_questions: Asked.
        n_answered: Found an answer, so that a text was asked for.
        outcomes: Of the texts.
        n_sentences: Written in all, those of failed replies not counted.
        n_supported: Of them, borne out by the evidence.
        n_lost: Texts with sentences of which the check left too little to show any.
        cut: Sentences cut, by reason.
        took_s: Of each text, ascending.
    """

    n_questions: int
    n_answered: int
    outcomes: Mapping[str, int]
    n_sentences: int
    n_supported: int
    n_lost: int
    cut: Mapping[str, int]
    took_s: tuple[float, ...]

    def as_json(self) -> dict[str, object]:
        """As JSON values; shares are None where there was nothing to share."""
        return {
            "questions": self.n_questions,
            "answered": self.n_answered,
            "texts": dict(self.outcomes),
            "sentences": self.n_sentences,
            "sentences_supported": self.n_supported,
            "share_supported": round(self.n_supported / self.n_sentences, 4) if self.n_sentences else None,
            "answers_lost_by_checking": self.n_lost,
            "cut": dict(sorted(self.cut.items())),
            "latency_p50_s": round(statistics.median(self.took_s), 3) if self.took_s else None,
            "latency_p95_s": round(self.took_s[int(0.95 * (len(self.took_s) - 1))], 3) if self.took_s else None,
        }


def measured(
    questions: Iterable[Mapping[str, object]],
    answer: Callable[[Question], Answer],
    write: Callable[[Answer], Written],
) -> Figures:
    """Ask every question, and have a text written above each answer.

    Args:
        questions: With `question` and `asked_on`.
        answer: Answers.
        write: Has the model write.
    """
    texts: list[Written] = []
    n = 0
    for row in questions:
        n += 1
        found = answer(Question(str(row["question"]), day_of_question(row)))
        if found.status == "answered":
            texts.append(write(found))
    cut: Counter[str] = Counter()
    for text in texts:
        cut.update(text.cut)
    return Figures(
        n_questions=n,
        n_answered=len(texts),
        outcomes=Counter(text.outcome for text in texts),
        n_sentences=sum(text.n_sentences for text in texts),
        n_supported=sum(text.n_sentences - sum(text.cut.values()) for text in texts),
        n_lost=sum(text.outcome == "unsupported" and text.n_sentences > 0 for text in texts),
        cut=cut,
        took_s=tuple(sorted(text.took_s for text in texts)),
    )
