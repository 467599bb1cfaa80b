"""Trains the reranker: a cross-encoder begun from the embedding model, on groups of labelled sentences.

The loss of a group is that of choosing its answering sentence among the others, that of telling for each sentence
alone whether it answers (so that scores mean the same in every question), and, as a lesson only, that of pointing at
the answer's first and last token. One thread, a fixed seed: the same data give the same weights on the same machine.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModel

from index.embed import default_model_path
from index.rerank import Pair, PairTokenizer, padded
from index.types import Reading
from tests.train.groups import Group, Kind

SENTENCES: dict[Kind, int] = {
    "quiz": 8,
    "quiz without answer": 4,
    "cloze": 5,
    "squad": 4,
    "squad without answer": 3,
    "trec": 6,
}
N_SQUAD_WITHOUT, N_WITHOUT, N_WITHOUT_LAST = 2000, 400, 250
N_FIRST, N_HARD, N_LIKELY = 3, 8, 30
GROUPS_PER_STEP = 8
FROZEN_LAYERS = 2
BODY_RATE, HEAD_RATE, WARM_UP, LAST_RATE = 6e-5, 4e-4, 0.06, 0.02
ALONE_SHARE, POINTING_SHARE, POSITIVE_WEIGHT = 0.7, 0.25, 3.0
# Titles and sentences before are left out this often, so that the model can do without either.
WITHOUT_TITLE, WITHOUT_PREVIOUS = 0.15, 0.6


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence of a step: what is read, whether it answers, and where the answer's tokens are, if known."""

    pair: Pair
    answers: bool
    tokens: tuple[int, int] | None


class Reader(torch.nn.Module):  # type: ignore[misc]
    """The encoder with a score over `[CLS]` and the mean of the sentence's side, and two pointing outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.bert = AutoModel.from_pretrained(
            str(default_model_path()), attn_implementation="sdpa", add_pooling_layer=False
        )
        width = self.bert.config.hidden_size
        self.score = torch.nn.Sequential(torch.nn.Linear(2 * width, width), torch.nn.Tanh(), torch.nn.Linear(width, 1))
        self.span = torch.nn.Linear(width, 2)
        for layer in (self.bert.embeddings, *self.bert.encoder.layer[:FROZEN_LAYERS]):
            for parameter in layer.parameters():
                parameter.requires_grad = False

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n,) log-odds, and (n, width, 2) pointing scores."""
        hidden = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state
        side = (mask * kinds).unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * side).sum(1) / side.sum(1).clamp(min=1)
        return self.score(torch.cat([hidden[:, 0], mean], -1)).squeeze(-1), self.span(hidden)


def lessons(groups: Sequence[Group], rng: random.Random) -> list[Group]:
    """The groups in the order of training: all sets mixed, then the quiz once more."""
    by_kind: dict[Kind, list[Group]] = {kind: [g for g in groups if g.kind == kind] for kind in SENTENCES}

    def some(kind: Kind, n: int) -> list[Group]:
        return rng.sample(by_kind[kind], min(n, len(by_kind[kind])))

    mixed = [
        *by_kind["trec"],
        *by_kind["squad"],
        *by_kind["cloze"],
        *some("squad without answer", N_SQUAD_WITHOUT),
        *by_kind["quiz"],
        *some("quiz without answer", N_WITHOUT),
    ]
    last = [*by_kind["quiz"], *some("quiz without answer", N_WITHOUT_LAST)]
    rng.shuffle(mixed)
    rng.shuffle(last)
    return mixed + last


def sampled(group: Group, tokenizer: PairTokenizer, rng: random.Random) -> list[Row]:
    """Some sentences of a group: the answering one first, where there is one, then hard and other negatives."""
    chosen = [(reading, True) for reading in ([rng.choice(group.positive[:N_FIRST])] if group.positive else [])]
    likely = group.negative[:N_LIKELY]
    n = SENTENCES[group.kind] - len(chosen)
    hard = rng.sample(likely[:N_HARD], min(len(likely[:N_HARD]), (n + 1) // 2))
    others = [reading for reading in likely if reading not in hard]
    chosen += [(reading, False) for reading in [*hard, *rng.sample(others, min(len(others), n - len(hard)))]]
    return [_row(group, reading, answers, tokenizer, rng) for reading, answers in chosen]


def _row(group: Group, reading: Reading, answers: bool, tokenizer: PairTokenizer, rng: random.Random) -> Row:
    if rng.random() < WITHOUT_TITLE:
        reading = replace(reading, title="")
    if rng.random() < WITHOUT_PREVIOUS:
        reading = replace(reading, previous="")
    pair = tokenizer.pairs(group.question, [reading])[0]
    place = _place(group.answers, reading.sentence) if answers else None
    return Row(pair, answers, tokenizer.tokens_of(pair, reading.sentence, place) if place else None)


def _place(answers: Sequence[str], sentence: str) -> tuple[int, int] | None:
    for answer in sorted(answers, key=len, reverse=True):
        found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", sentence, re.IGNORECASE)
        if found:
            return found.span()
    return None


def loss_of(model: Reader, step: Sequence[Sequence[Row]]) -> torch.Tensor:
    """The three losses of one step, added up."""
    flat = [row for group in step for row in group]
    scores, pointing = model(*(torch.from_numpy(part) for part in padded([row.pair for row in flat])))
    labels = torch.tensor([float(row.answers) for row in flat])
    alone = functional.binary_cross_entropy_with_logits(scores, labels, reduction="none")
    total = ALONE_SHARE * (alone * torch.where(labels > 0, POSITIVE_WEIGHT, 1.0)).mean()
    choices, at = [], 0
    for group in step:
        if group[0].answers and len(group) > 1:
            choices.append(-torch.log_softmax(scores[at : at + len(group)], 0)[0])
        at += len(group)
    if choices:
        total = total + torch.stack(choices).mean()
    pointed = [
        -torch.log_softmax(pointing[at, row.pair.n_question : len(row.pair.ids), side], 0)[token - row.pair.n_question]
        for at, row in enumerate(flat)
        if row.tokens
        for side, token in enumerate(row.tokens)
    ]
    if pointed:
        total = total + POINTING_SHARE * 2 * torch.stack(pointed).mean()
    return total


def train(groups: Sequence[Group], say: Callable[[str], None] = print) -> Reader:
    """A reader trained on the groups."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = random.Random(0)
    tokenizer = PairTokenizer(default_model_path() / "tokenizer.json")
    order = lessons(groups, rng)
    steps = list(_steps(order))
    model = Reader()
    model.train()
    body = [p for name, p in model.named_parameters() if name.startswith("bert") and p.requires_grad]
    heads = [p for name, p in model.named_parameters() if not name.startswith("bert")]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": BODY_RATE}, {"params": heads, "lr": HEAD_RATE}], weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: min(1, (at + 1) / (WARM_UP * len(steps))) * max(LAST_RATE, 1 - at / len(steps))
    )
    recent: list[float] = []
    for at, step in enumerate(steps):
        loss = loss_of(model, [rows for group in step if (rows := sampled(group, tokenizer, rng))])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*body, *heads], 1.0)
        optimizer.step()
        schedule.step()
        recent = [*recent[-49:], float(loss.detach())]
        if at % 25 == 24:
            say(f"step {at + 1} of {len(steps)}, loss {np.mean(recent):.3f}")
    model.eval()
    return model


def _steps(order: Sequence[Group]) -> Iterator[Sequence[Group]]:
    for start in range(0, len(order) - GROUPS_PER_STEP + 1, GROUPS_PER_STEP):
        yield order[start : start + GROUPS_PER_STEP]


def export(model: Reader, target: Path, calibration: Sequence[Pair]) -> Any:
    """Write the score alone as OpenVINO files, weights in 8 bits.

    Args:
        model: Trained.
        target: Folder for `model.xml` and `model.bin`.
        calibration: Pairs whose scores the two are compared on.

    Returns:
        Scores of `calibration` by the model as trained and as written; each (n,).
    """
    import nncf
    import openvino

    class Scored(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.reader = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
            return self.reader(ids, mask, kinds)[0]

    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in range(3))
    batches = [padded(calibration[at : at + 8]) for at in range(0, len(calibration), 8)]
    with torch.no_grad():
        expected = np.concatenate([model(*map(torch.from_numpy, batch))[0].numpy() for batch in batches])
        converted = openvino.convert_model(Scored(), example_input=example)
    compressed = nncf.compress_weights(converted, mode=nncf.CompressWeightsMode.INT8_SYM)
    target.mkdir(parents=True, exist_ok=True)
    openvino.save_model(compressed, str(target / "model.xml"), compress_to_fp16=True)
    compiled = openvino.Core().compile_model(str(target / "model.xml"), "CPU")
    written = np.concatenate([compiled(list(batch))[0].reshape(-1) for batch in batches])
    return expected, written
