"""Fits the weights of `bot.choose` and `bot.confidence` on questions that the reranker was not trained on.

Sentences: a logistic regression of "holds the answer" on their signs. Confidence: a logistic regression of "the
quotes hold the answer" on the evidence, against the same questions asked `TOO_EARLY_DAYS` before their day, when
nothing about them was known, and, at a third of the weight, against wrong answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.answer import Answerer, Question
from bot.calibrate import is_right
from bot.choose import FEATURES, READING
from bot.scoring import auroc, holds
from index.rerank import OpenVinoReranker
from index.snapshot import open_snapshot
from index.store import Store
from tests.evaluate import rows
from tests.fakes import HashingEmbedder
from tests.train.groups import HELD_OUT, by_words

SCALE = 2.5
TOO_EARLY_DAYS = 200
WRONG_WEIGHT = 1 / 3

Floats = npt.NDArray[np.float64]


def held_out(quiz: Path) -> list[dict[str, Any]]:
    """The questions from `HELD_OUT` on."""
    return [row for row in rows(quiz / "questions.jsonl.gz") if row["asked_on"] >= HELD_OUT]


def fit(quiz: Path, folder: Path, reranker: Path) -> str:
    """The fitted weights as lines to be copied into the code.

    Args:
        quiz: Folder with the questions.
        folder: Where its articles are indexed by words, as `groups.quiz_groups` left it.
        reranker: Folder of the reranker's files.
    """
    questions = held_out(quiz)
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        answerer = Answerer(store, snapshot, HashingEmbedder(), OpenVinoReranker(reranker))
        answerer._retriever = by_words(snapshot)
        signs, labels = _sentences(answerer, questions)
        right, wrong, early = _evidence(answerer, questions)
    first, whole = _logistic(signs[:, :-1], labels), _logistic(signs, labels)
    sure = _logistic(
        np.concatenate([right, wrong, early]),
        np.concatenate([np.ones(len(right)), np.zeros(len(wrong) + len(early))]),
        np.concatenate([np.ones(len(right)), np.full(len(wrong), WRONG_WEIGHT), np.ones(len(early))]),
    )
    scores = [each @ sure[:-1] for each in (right, wrong, early)]
    return "\n".join(
        [
            f"{len(questions)} questions, {len(labels):,} sentences, {int(labels.sum()):,} hold the answer",
            f"signs       {', '.join(FEATURES)}",
            f"FIRST_LOOK  {_shown(first[:-1] / SCALE)}, 0.0",
            f"WEIGHTS     {_shown(whole[:-1] / SCALE)}",
            f"confidence  {_shown(sure)} (the last is the constant)",
            f"AUROC in the sample: {auroc(scores[0].tolist(), scores[2].tolist()):.3f} against too early, "
            f"{auroc(scores[0].tolist(), scores[1].tolist()):.3f} against wrong",
        ]
    )


def _sentences(answerer: Answerer, questions: Sequence[dict[str, Any]]) -> tuple[Floats, Floats]:
    """Signs of the sentences that were read, and whether each holds the answer."""
    signs, labels = [], []
    for row in questions:
        found = answerer.workings(_question(row))
        readings = found.signs[:, READING]
        for at in np.flatnonzero(readings > readings.min(initial=1.0)).tolist():
            signs.append(found.signs[at])
            labels.append(float(holds(row["answers"], found.candidates[at].text)))
    return np.array(signs), np.array(labels)


def _evidence(answerer: Answerer, questions: Sequence[dict[str, Any]]) -> tuple[Floats, Floats, Floats]:
    right: list[tuple[float, ...]] = []
    wrong: list[tuple[float, ...]] = []
    early: list[tuple[float, ...]] = []
    for row in questions:
        answer = answerer.answer(_question(row))
        (right if is_right(answer, row["answers"]) else wrong).append(astuple(answer.evidence))
        early.append(astuple(answerer.answer(_question(row, TOO_EARLY_DAYS)).evidence))
    return np.array(right), np.array(wrong), np.array(early)


def _question(row: dict[str, Any], days_before: int = 0) -> Question:
    return Question(row["question"], date.fromisoformat(row["asked_on"]) - timedelta(days_before), always=True)


def _logistic(signs: Floats, labels: Floats, weights: Floats | None = None) -> Floats:
    """Coefficients and, last, the constant."""
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=1000).fit(signs, labels, sample_weight=weights)
    return np.concatenate([fitted.coef_[0], fitted.intercept_])


def _shown(values: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
