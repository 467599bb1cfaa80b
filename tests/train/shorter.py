"""A shorter reranker: the first layers of a trained one, taught to say what all of them say.

The first four of six agree with all six before any teaching (correlation of scores .78; no other four do as well).
What the longer one says of a sentence is more than a label: how sure it is, of those too that nobody labelled, and in
which state it leaves every token.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from tests.train.groups import Group, Kind
from tests.train.reader import STRETCHES, Reader, Row, Said, read, sentence_loss, sentences_of_groups, teach

N_LAYERS = 4
FROZEN_LAYERS = 1
RATES = (1e-4, 2e-4, 0.05)
POINTING_SHARE, STATES_SHARE, LABELS_SHARE = 0.5, 2.0, 0.3
# Where no answer is labelled, and the longer one finds none with this probability, its pointing means nothing.
LEAST_SURE = 0.3
N_MIXED: dict[Kind, int] = {"squad": 1700, "cloze": 1500, "squad without answer": 400}
N_LAST: dict[Kind, int] = {"quiz without answer": 150, "squad": 700, "cloze": 400}


def shortened(longer: Reader, groups: Sequence[Group], say: Callable[[str], None] = print) -> Reader:
    """A reader of `N_LAYERS` layers that says much the same as `longer`."""
    torch.manual_seed(0)
    rng = random.Random(1)
    order = lessons(groups, rng)
    model = copy.deepcopy(longer)
    model.bert.encoder.layer = model.bert.encoder.layer[:N_LAYERS]
    model.bert.config.num_hidden_layers = N_LAYERS
    for layer in model.bert.encoder.layer[FROZEN_LAYERS:]:
        for parameter in layer.parameters():
            parameter.requires_grad = True

    def loss(step: Sequence[Sequence[Row]]) -> torch.Tensor:
        rows = [row for group in step for row in group]
        with torch.no_grad():
            wanted = read(longer, rows)
        said = read(model, rows)
        return unlike(step, said, wanted) + LABELS_SHARE * sentence_loss(step, said)

    teach(model, order, loss, rng, RATES, say)
    return model


def lessons(groups: Sequence[Group], rng: random.Random) -> list[Group]:
    """The groups in the order of teaching: a part of each set and the quiz, then the quiz again and some more."""
    by_kind: dict[Kind, list[Group]] = {kind: [g for g in groups if g.kind == kind] for kind in STRETCHES}

    def some(wanted: dict[Kind, int]) -> list[Group]:
        return [g for kind, n in wanted.items() for g in rng.sample(by_kind[kind], min(n, len(by_kind[kind])))]

    mixed = [*by_kind["trec"], *some(N_MIXED), *by_kind["quiz"], *by_kind["quiz without answer"]]
    last = [*by_kind["quiz"], *some(N_LAST)]
    rng.shuffle(mixed)
    rng.shuffle(last)
    return mixed + last


def unlike(step: Sequence[Sequence[Row]], said: Sequence[Said], wanted: Sequence[Said]) -> torch.Tensor:
    """How far what is said lies from what is wanted: of each sentence, in choosing, in pointing, and in states."""
    scores, aims = torch.cat([one.scores for one in said]), torch.cat([one.scores for one in wanted])
    alone = functional.binary_cross_entropy_with_logits(scores, torch.sigmoid(aims))
    among = torch.stack([_apart(scores[a:b], aims[a:b]) for a, b in sentences_of_groups(step)]).mean()
    pointing = [
        _apart(one.pointing[row.pair.n_question :, side], other.pointing[row.pair.n_question :, side])
        for row, one, other in zip((row for group in step for row in group), said, wanted, strict=True)
        if row.tokens or float(torch.sigmoid(other.scores.max())) > LEAST_SURE
        for side in (0, 1)
    ]
    states = functional.cosine_similarity(
        torch.cat([one.states for one in said]), torch.cat([one.states for one in wanted]), dim=-1
    )
    pointed = torch.stack(pointing).mean() if pointing else torch.zeros(())
    return alone + among + POINTING_SHARE * pointed + STATES_SHARE * (1 - states).mean()


def _apart(scores: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Kullback–Leibler divergence of the choice that scores make from the one that is wanted."""
    return functional.kl_div(
        torch.log_softmax(scores, 0), torch.log_softmax(wanted, 0), log_target=True, reduction="sum"
    )
