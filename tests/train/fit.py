"""Fits the weights of `bot.choose` and `bot.confidence` on questions that the reranker was not trained on.

Asked of the articles of their months, with the embedding model, and of some older ones. Sentences: a logistic
regression of "holds the answer" on their signs. Confidence: a logistic regression of "the quotes hold the answer" on
the evidence, against the same questions without the articles that answer them, and, at a third of the weight, against
wrong answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.answer import Answerer
from bot.calibrate import is_right, without_answers
from bot.choose import FEATURES, READING
from bot.question import Question
from bot.scoring import auroc, holds
from index.embed import load_embedder
from index.rerank import OnnxReranker
from index.snapshot import embedder_of, open_snapshot
from index.store import Store
from ingest.draft import Draft, Reject
from ingest.sources import open_source
from tests.evaluate import rows
from tests.fakes import ingest_drafts
from tests.train.groups import HELD_OUT

SINCE = "2023-08-01"
# Of the older articles, which stand in the way as they do in any corpus, one in so many.
OLDER_EVERY = 32
PASSAGE_TOKENS = 160
SCALE = 2.5
WRONG_WEIGHT = 1 / 3
THRESHOLDS = (0.05, 0.08, 0.1, 0.12, 0.15, 0.18, 0.2, 0.25, 0.3)

Floats = npt.NDArray[np.float64]


def held_out(quiz: Path) -> list[dict[str, Any]]:
    """The questions from `HELD_OUT` on."""
    return [row for row in rows(quiz / "questions.jsonl.gz") if row["asked_on"] >= HELD_OUT]


def index_held_out(quiz: Path, folder: Path, now_s: int) -> None:
    """Ingest the articles of the held-out questions' months, and some older ones; nothing where that was done."""
    if (folder / "snapshots" / "current").is_file():
        return

    def articles() -> Iterator[Draft | Reject]:
        n_older = 0
        for draft in open_source(str(quiz / "articles.jsonl.gz")).articles():
            if isinstance(draft, Draft):
                is_older = (draft.published or "") < SINCE
                n_older += is_older
                if not is_older or n_older % OLDER_EVERY == 0:
                    yield draft

    embedder = load_embedder(exports=folder / "models")
    ingest_drafts(folder, articles(), embedder, now_s=now_s, passage_tokens=PASSAGE_TOKENS)


def fit(quiz: Path, folder: Path, reranker: Path) -> str:
    """The fitted weights as lines to be copied into the code.

    Args:
        quiz: Folder with the questions.
        folder: What `index_held_out` made.
        reranker: Folder of the reranker's files.
    """
    questions = held_out(quiz)
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        embedder = embedder_of(snapshot.manifest.model, folder / "models")
        answerer = Answerer(store, snapshot, embedder, OnnxReranker(reranker))
        signs, labels = _sentences(answerer, questions)
        right, wrong, without = _evidence(answerer, questions, store)
    first, whole = _logistic(signs[:, :-1], labels), _logistic(signs, labels)
    sure = _logistic(
        np.concatenate([right, wrong, without]),
        np.concatenate([np.ones(len(right)), np.zeros(len(wrong) + len(without))]),
        np.concatenate([np.ones(len(right)), np.full(len(wrong), WRONG_WEIGHT), np.ones(len(without))]),
    )
    scores = [each @ sure[:-1] for each in (right, wrong, without)]
    chances = [1 / (1 + np.exp(-(each + sure[-1]))) for each in scores]
    return "\n".join(
        [
            f"{len(questions)} questions, {len(labels):,} sentences, {int(labels.sum()):,} hold the answer",
            f"signs       {', '.join(FEATURES)}",
            f"FIRST_LOOK  {_shown(first[:-1] / SCALE)}, 0.0",
            f"WEIGHTS     {_shown(whole[:-1] / SCALE)}",
            f"confidence  {_shown(sure)} (the last is the constant)",
            f"AUROC in the sample: {auroc(scores[0].tolist(), scores[2].tolist()):.3f} against unanswerable, "
            f"{auroc(scores[0].tolist(), scores[1].tolist()):.3f} against wrong",
            "below      right  wrong  unanswerable, shares in %",
            *(
                f"{threshold:.2f}  " + "  ".join(f"{100 * float(np.mean(each < threshold)):9.1f}" for each in chances)
                for threshold in THRESHOLDS
            ),
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


def _evidence(answerer: Answerer, questions: Sequence[dict[str, Any]], store: Store) -> tuple[Floats, Floats, Floats]:
    """Of right answers, of wrong ones, and of what is said without the articles that answer."""
    right: list[tuple[float, ...]] = []
    wrong: list[tuple[float, ...]] = []
    without: list[tuple[float, ...]] = []
    for row in questions:
        question = _question(row)
        answer = answerer.answer(question)
        (right if is_right(answer, row["answers"]) else wrong).append(astuple(answer.evidence))
        left = without_answers(answerer, question, answer, row["answers"], store.number_of)
        if left is not None:
            without.append(astuple(left.evidence))
    return np.array(right), np.array(wrong), np.array(without)


def _question(row: dict[str, Any]) -> Question:
    return Question(row["question"], date.fromisoformat(row["asked_on"]), always=True)


def _logistic(signs: Floats, labels: Floats, weights: Floats | None = None) -> Floats:
    """Coefficients and, last, the constant; a sign is shrunk the same whatever it is measured in."""
    from sklearn.linear_model import LogisticRegression

    means, spreads = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-9)
    fitted = LogisticRegression(max_iter=1000).fit((signs - means) / spreads, labels, sample_weight=weights)
    coefficients = fitted.coef_[0] / spreads
    return np.concatenate([coefficients, fitted.intercept_ - coefficients @ means])


def _shown(values: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
