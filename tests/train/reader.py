"""Trains the reranker: a cross-encoder begun from the embedding model, on groups of labelled stretches of text.

The loss of a group is that of choosing its answering sentences among all, that of telling for each sentence
alone whether it answers (so that scores mean the same in every question), and that of pointing at the answer's first
and last token. The seed is fixed: on one machine the same data give the same weights.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModel

from index.export import MODEL_FILE
from index.graph import WORDS, BertSize, Graph, bert
from index.models import default_model_path
from index.rerank import INPUTS, Pair, PairTokenizer, Scores, Shares, feeds_of, padded, tokens_of
from index.session import session
from index.types import Reading
from tests.train.groups import ANSWERS, UNKNOWN, Group, Kind, Labelled, some_of

T = TypeVar("T")

# Stretches of a question that are read in one step.
STRETCHES: dict[Kind, int] = {
    "quiz": 3,
    "quiz without answer": 2,
    "cloze": 2,
    "squad": 2,
    "squad without answer": 1,
    "trec": 5,
}
N_SQUAD_WITHOUT, N_WITHOUT = 1500, 400
N_LAST: dict[Kind, int] = {"quiz without answer": 250, "squad": 1400, "cloze": 500}
N_FIRST, N_HARD = 3, 4
GROUPS_PER_STEP = 8
ROWS_TOGETHER = 8
WARM_UP, LAST_RATE = 0.06, 0.02
ALONE_SHARE, POINTING_SHARE, POSITIVE_WEIGHT = 0.7, 0.25, 3.0
# So often a title is left out, and of a stretch only three sentences are read, as in answering.
WITHOUT_TITLE, SHORTENED = 0.15, 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model learns.

    Attributes:
        frozen: So many of its layers, and its embeddings, stay as they are.
        body: Highest learning rate of the other layers.
        heads: Of the heads.
        has_dropout: Whether it learns with dropout; on a processor that takes half of the time.
    """

    frozen: int
    body: float
    heads: float
    has_dropout: bool


FROM_LABELS = Recipe(frozen=2, body=6e-5, heads=4e-4, has_dropout=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One text of a step.

    Attributes:
        pair: What is read.
        labels: Of each sentence.
        tokens: Where the answer's tokens are, if known.
    """

    pair: Pair
    labels: tuple[int, ...]
    tokens: tuple[int, int] | None


class Reader(torch.nn.Module):  # type: ignore[misc]
    """The encoder with a score over `[CLS]` and the mean of each sentence, and two pointing outputs."""

    def __init__(self, encoder: Path | None = None) -> None:
        super().__init__()
        self.bert = AutoModel.from_pretrained(str(encoder or default_model_path()), add_pooling_layer=False)
        width = self.bert.config.hidden_size
        self.score = torch.nn.Sequential(torch.nn.Linear(2 * width, width), torch.nn.Tanh(), torch.nn.Linear(width, 1))
        self.span = torch.nn.Linear(width, 2)

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """The encoder's last states, (n, width, hidden)."""
        return self.bert(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor, shares: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, sentences) log-odds, and (n, width, 2) pointing scores."""
        hidden = self.hidden(ids, mask, kinds)
        means = torch.bmm(shares, hidden)
        whole = hidden[:, :1].expand(-1, means.shape[1], -1)
        return self.score(torch.cat([whole, means], -1)).squeeze(-1), self.span(hidden)


def lessons(groups: Sequence[Group], rng: random.Random) -> list[Group]:
    """The groups in the order of training: all sets mixed, SQuAD twice; then the quiz again and some of the others."""
    by_kind: dict[Kind, list[Group]] = {kind: [g for g in groups if g.kind == kind] for kind in STRETCHES}

    mixed = [
        *by_kind["trec"],
        *by_kind["squad"],
        *by_kind["squad"],
        *by_kind["cloze"],
        *some_of(groups, "squad without answer", N_SQUAD_WITHOUT, rng),
        *by_kind["quiz"],
        *some_of(groups, "quiz without answer", N_WITHOUT, rng),
    ]
    last = [*by_kind["quiz"], *(group for kind, n in N_LAST.items() for group in some_of(groups, kind, n, rng))]
    rng.shuffle(mixed)
    rng.shuffle(last)
    return mixed + last


def sampled(
    group: Group, tokenizer: PairTokenizer, rng: random.Random, stretches: Mapping[Kind, int] = STRETCHES
) -> list[Row]:
    """Some stretches of a group: an answering one first, where there is one, then hard and other negatives."""
    chosen = [rng.choice(group.positive[:N_FIRST])] if group.positive else []
    n = stretches[group.kind] - len(chosen)
    likely = group.negative[:N_HARD]
    hard = rng.sample(likely, min(len(likely), (n + 1) // 2))
    others = [one for one in group.negative if one not in hard]
    chosen += [*hard, *rng.sample(others, min(len(others), n - len(hard)))]
    return [row for one in chosen for row in _rows(group, _shortened(one, rng), tokenizer, rng)]


def _shortened(one: Labelled, rng: random.Random) -> Labelled:
    """Half of the time a sentence with its neighbours: one that answers, where one does."""
    places = [at for at, label in enumerate(one.labels) if label == ANSWERS] or range(len(one.labels))
    if rng.random() >= SHORTENED:
        return one
    at = rng.choice(places)
    low, high = max(0, at - 1), at + 2
    return Labelled(Reading(one.reading.title, one.reading.sentences[low:high]), one.labels[low:high])


def _rows(group: Group, one: Labelled, tokenizer: PairTokenizer, rng: random.Random) -> Iterator[Row]:
    title = "" if rng.random() < WITHOUT_TITLE else one.reading.title
    at = 0
    for pair in tokenizer.pairs(group.question, [replace(one.reading, title=title)]):
        labels = one.labels[at : at + len(pair.bounds)]
        tokens = None
        if ANSWERS in labels:
            first = labels.index(ANSWERS)
            sentence = one.reading.sentences[at + first]
            place = _place(group.answers, sentence)
            tokens = tokens_of(pair, first, place) if place else None
        yield Row(pair, labels, tokens)
        at += len(pair.bounds)


def _place(answers: Sequence[str], sentence: str) -> tuple[int, int] | None:
    for answer in sorted(answers, key=len, reverse=True):
        found = re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", sentence, re.IGNORECASE)
        if found:
            return found.span()
    return None


def loss_of(model: Reader, step: Sequence[Sequence[Row]]) -> torch.Tensor:
    """The three losses of one step, added up."""
    rows = [row for group in step for row in group]
    read = read_rows(model, rows)
    scores = torch.cat([found for found, _ in read])
    labels = torch.tensor([label for row in rows for label in row.labels])
    known = labels != UNKNOWN
    answering = (labels[known] == ANSWERS).to(scores.dtype)
    alone = functional.binary_cross_entropy_with_logits(scores[known], answering, reduction="none")
    total = ALONE_SHARE * (alone * torch.where(answering > 0, POSITIVE_WEIGHT, 1.0)).mean()
    choices, at = [], 0
    for group in step:
        end = at + sum(len(row.labels) for row in group)
        mine, right = scores[at:end][known[at:end]], scores[at:end][labels[at:end] == ANSWERS]
        if 0 < len(right) < len(mine):
            choices.append(torch.logsumexp(mine, 0) - torch.logsumexp(right, 0))
        at = end
    if choices:
        total = total + torch.stack(choices).mean()
    pointed = [
        -torch.log_softmax(pointing[row.pair.n_question :, side], 0)[token - row.pair.n_question]
        for row, (_, pointing) in zip(rows, read, strict=True)
        if row.tokens
        for side, token in enumerate(row.tokens)
    ]
    if pointed:
        total = total + POINTING_SHARE * 2 * torch.stack(pointed).mean()
    return total


def read_rows(model: Reader, rows: Sequence[Row]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Scores of the sentences and pointing scores of the tokens of each row; those of like length computed together."""
    found: list[tuple[torch.Tensor, torch.Tensor]] = [(torch.empty(0), torch.empty(0))] * len(rows)
    by_length = sorted(range(len(rows)), key=lambda at: len(rows[at].pair.ids))
    for start in range(0, len(rows), ROWS_TOGETHER):
        some = by_length[start : start + ROWS_TOGETHER]
        scores, pointing = model(*(torch.from_numpy(part) for part in padded([rows[at].pair for at in some])))
        for place, at in enumerate(some):
            found[at] = scores[place, : len(rows[at].labels)], pointing[place, : len(rows[at].pair.ids)]
    return found


def train(
    model: Reader, order: Sequence[Group], recipe: Recipe = FROM_LABELS, say: Callable[[str], None] = print
) -> Reader:
    """The model after learning from the labels of these groups, in this order."""
    rng = random.Random(0)
    tokenizer = PairTokenizer(default_model_path() / "tokenizer.json")

    def loss(step: Sequence[Group]) -> torch.Tensor:
        return loss_of(model, [rows for group in step if (rows := sampled(group, tokenizer, rng))])

    return descend(model, order, loss, recipe, say)


def descend(
    model: Reader,
    order: Sequence[T],
    loss_of_step: Callable[[Sequence[T]], torch.Tensor],
    recipe: Recipe,
    say: Callable[[str], None],
) -> Reader:
    """The model after one step for every `GROUPS_PER_STEP` of `order`: AdamW, a short warm-up, then ever less."""
    torch.manual_seed(0)
    for layer in (model.bert.embeddings, *model.bert.encoder.layer[: recipe.frozen]):
        for parameter in layer.parameters():
            parameter.requires_grad = False
    model.train(recipe.has_dropout)
    n_steps = len(order) // GROUPS_PER_STEP
    body = [p for name, p in model.named_parameters() if name.startswith("bert") and p.requires_grad]
    heads = [p for name, p in model.named_parameters() if not name.startswith("bert")]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": recipe.body}, {"params": heads, "lr": recipe.heads}], weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: min(1, (at + 1) / (WARM_UP * n_steps)) * max(LAST_RATE, 1 - at / n_steps)
    )
    recent: list[float] = []
    for at in range(n_steps):
        loss = loss_of_step(order[at * GROUPS_PER_STEP : (at + 1) * GROUPS_PER_STEP])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*body, *heads], 1.0)
        optimizer.step()
        schedule.step()
        recent = [*recent[-49:], float(loss.detach())]
        if at % 25 == 24:
            say(f"step {at + 1} of {n_steps}, loss {np.mean(recent):.3f}")
    model.eval()
    return model


def export(model: Reader, target: Path, calibration: Sequence[Pair]) -> tuple[Scores, Scores]:
    """Write scores and pointing as ONNX files, weights in 8 bits, without the words, which are as they were.

    Args:
        model: Trained.
        target: Folder for `model.onnx` and `model.bin`.
        calibration: Pairs that tell how wide the channels are, and whose scores the two are compared on.

    Returns:
        Scores of `calibration` by the model as trained and as written; each (n,).
    """
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    graph = Graph(is_int8=True)
    words = graph.input(INPUTS[0], np.float32, ["n", "width", "hidden"])
    mask, kinds = (graph.input(name, np.int64, ["n", "width"]) for name in INPUTS[1:3])
    shares = graph.input(INPUTS[3], np.float32, ["n", "sentences", "width"])
    config = model.bert.config
    size = BertSize(config.num_hidden_layers, config.num_attention_heads, config.layer_norm_eps)
    body = {name.removeprefix("bert."): weight for name, weight in weights.items() if name.startswith("bert.")}
    read = [tuple(map(torch.from_numpy, padded([pair]))) for pair in calibration]
    widths = channel_widths(model.bert, lambda: [model(*each) for each in read])
    hidden = bert(graph, body, size, words, mask, kinds, widths)

    def head(x: str, name: str) -> str:
        return graph.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"], may_be_int8=False)

    means = graph.op("MatMul", shares, hidden)
    zero, one = (graph.constant(np.array([at])) for at in (0, 1))
    whole = graph.op("Expand", graph.op("Slice", hidden, zero, one, one), graph.op("Shape", means))
    judged = head(graph.op("Tanh", head(graph.op("Concat", whole, means, axis=-1), "score.0")), "score.2")
    scores = graph.op("Squeeze", judged, graph.constant(np.array([2])))
    target.mkdir(parents=True, exist_ok=True)
    graph.save({"scores": scores, "pointing": head(hidden, "span")}, target / MODEL_FILE)

    written, table = session(target / MODEL_FILE, "train it again"), body[WORDS]
    with torch.no_grad():
        expected = [model(*each)[0][0].numpy() for each in read]
    return (
        np.concatenate(expected),
        np.concatenate([written.run(None, feeds_of([pair], table))[0][0] for pair in calibration]),
    )


def channel_widths(bert: torch.nn.Module, run: Callable[[], object]) -> dict[str, Shares]:
    """How great the inputs become of those products whose channels are unlike each other, by the products' names.

    Args:
        bert: The encoder that is watched.
        run: Computes with it.
    """
    found: dict[str, torch.Tensor] = {}

    def watched(name: str) -> Callable[..., None]:
        def watch(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            here = inputs[0].abs().amax((0, 1))
            found[name] = torch.maximum(found[name], here) if name in found else here

        return watch

    products = ("attention.self.query", "intermediate.dense", "output.dense")
    handles = [
        module.register_forward_pre_hook(watched(name))
        for name, module in bert.named_modules()
        if name.startswith("encoder.layer.") and name.split(".", 3)[-1] in products
    ]
    with torch.no_grad():
        run()
    for handle in handles:
        handle.remove()
    return {name: widest.numpy() for name, widest in found.items()}
