"""Distillation: the reader learns what the teacher makes of the same stretches, and a little of their labels still.

Three losses, as from labels: which of a question's sentences answers (the cross-entropy of the teacher's shares among
them), whether each does (of its chance), and where (of the tokens, `[CLS]` among them, which stands for nowhere and
which no label teaches).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from index.models import default_model_path
from index.rerank import PairTokenizer
from tests.train.groups import ANSWERS, UNKNOWN, Group, Kind, some_of
from tests.train.reader import (
    ALONE_SHARE,
    POSITIVE_WEIGHT,
    Reader,
    Recipe,
    Row,
    descend,
    read_rows,
    sampled,
)

RECIPE = Recipe(frozen=1, body=1.2e-4, heads=3e-4, has_dropout=False)
EPOCHS = 3
# Groups of a kind that the teacher reads, all of those unnamed; and the stretches of one, some more than from labels.
N_SHOWN: dict[Kind, int] = {"squad": 1300, "squad without answer": 400, "cloze": 1500}
STRETCHES: dict[Kind, int] = {
    "quiz": 4,
    "quiz without answer": 3,
    "cloze": 2,
    "squad": 2,
    "squad without answer": 1,
    "trec": 5,
}
LABELS_SHARE, POINTING_SHARE = 0.3, 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """What the teacher makes of a row.

    Attributes:
        row: What it read.
        scores: Its log-odds of the sentences, (sentences,).
        pointing: Its pointing scores, (width, 2).
    """

    row: Row
    scores: torch.Tensor
    pointing: torch.Tensor


def shown(
    teacher: Reader, groups: Sequence[Group], rng: random.Random, say: Callable[[str], None] = print
) -> list[list[Shown]]:
    """What the teacher makes of some groups, in the order of learning them once."""
    tokenizer = PairTokenizer(default_model_path() / "tokenizer.json")
    chosen: list[Group] = []
    for kind in STRETCHES:
        chosen += some_of(groups, kind, N_SHOWN.get(kind, len(groups)), rng)
    rng.shuffle(chosen)
    found = []
    for n, group in enumerate(chosen, 1):
        rows = sampled(group, tokenizer, rng, STRETCHES)
        with torch.no_grad():
            read = read_rows(teacher, rows)
        if rows:
            found.append([Shown(row, scores, pointing) for row, (scores, pointing) in zip(rows, read, strict=True)])
        if n % 500 == 0:
            say(f"the teacher has read {n:,} of {len(chosen):,} questions")
    return found


def distil(model: Reader, lessons: Sequence[list[Shown]], say: Callable[[str], None] = print) -> Reader:
    """The model after learning from the teacher."""
    rng = random.Random(0)
    order = [one for _ in range(EPOCHS) for one in rng.sample(lessons, len(lessons))]
    return descend(model, order, lambda step: loss_of(model, step), RECIPE, say)


def loss_of(model: Reader, step: Sequence[Sequence[Shown]]) -> torch.Tensor:
    """The three losses of one step, added up."""
    every = [one for group in step for one in group]
    read = read_rows(model, [one.row for one in every])
    scores, theirs = torch.cat([found for found, _ in read]), torch.cat([one.scores for one in every])
    labels = torch.tensor([label for one in every for label in one.row.labels])
    known = labels != UNKNOWN
    alone = functional.binary_cross_entropy_with_logits(scores, torch.sigmoid(theirs))
    labelled = functional.binary_cross_entropy_with_logits(
        scores[known], (labels[known] == ANSWERS).to(scores.dtype), pos_weight=torch.tensor(POSITIVE_WEIGHT)
    )
    total = ALONE_SHARE * (alone + LABELS_SHARE * labelled)
    sizes = [sum(len(one.row.labels) for one in group) for group in step]
    choices = [
        _cross_entropy(mine, wanted)
        for mine, wanted in zip(scores.split(sizes), theirs.split(sizes), strict=True)
        if len(mine) > 1
    ]
    if choices:
        total = total + torch.stack(choices).mean()
    pointed = [
        _cross_entropy(mine, wanted)
        for one, (_, pointing) in zip(every, read, strict=True)
        for mine, wanted in zip(_where(one.row, pointing), _where(one.row, one.pointing), strict=True)
    ]
    return total + POINTING_SHARE * 2 * torch.stack(pointed).mean()


def _where(row: Row, pointing: torch.Tensor) -> Iterator[torch.Tensor]:
    """Scores of the first and of the last token, of `[CLS]` and of those behind the question."""
    for side in (0, 1):
        yield torch.cat([pointing[:1, side], pointing[row.pair.n_question :, side]])


def _cross_entropy(mine: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return -(torch.softmax(wanted, 0) * torch.log_softmax(mine, 0)).sum()
