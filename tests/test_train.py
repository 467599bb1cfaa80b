"""The training of the reranker, on a handful of made-up groups: what is sampled, and that a step learns from it."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from index.embed import default_model_path
from index.rerank import PairTokenizer
from index.types import Reading
from tests.train.groups import Group, squad_groups, trec_groups
from tests.train.reader import Reader, lessons, loss_of, sampled

GROUP = Group(
    "quiz",
    "By which day must the harbour be dredged?",
    ("14 June",),
    (Reading("Harbour", "The council met.", "It must be dredged by 14 June."),),
    tuple(Reading("Harbour", "", f"Pier {n} was painted grey.") for n in range(12)),
)
WITHOUT = Group("quiz without answer", "Who won?", ("Nobody",), (), GROUP.negative)


@pytest.fixture(scope="module")
def tokenizer() -> PairTokenizer:
    return PairTokenizer(default_model_path() / "tokenizer.json")


def test_the_answering_sentence_comes_first_and_its_answer_is_pointed_at(tokenizer: PairTokenizer) -> None:
    rows = sampled(GROUP, tokenizer, random.Random(1))
    assert [row.answers for row in rows] == [True] + [False] * 7
    assert rows[0].tokens is not None
    assert all(row.tokens is None for row in rows[1:])
    assert not any(row.answers for row in sampled(WITHOUT, tokenizer, random.Random(1)))


def test_the_quiz_is_learned_last_and_the_order_is_the_same_every_time() -> None:
    groups = [GROUP] * 3 + [WITHOUT] * 2
    order = lessons(groups, random.Random(0))
    assert len(order) == 10
    assert order == lessons(groups, random.Random(0))


def test_a_few_steps_learn_which_sentence_answers(tokenizer: PairTokenizer) -> None:
    import torch

    torch.manual_seed(0)
    model = Reader()
    step = [sampled(GROUP, tokenizer, random.Random(2)), sampled(WITHOUT, tokenizer, random.Random(2))]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-4)
    losses = []
    for _ in range(6):
        loss = loss_of(model, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_labelled_sets_become_groups(tmp_path: Path) -> None:
    body = "The harbour opened in 1904. It was dredged in June. Ferries cross it."
    article = {"url": "u", "title": "Harbour", "body": body}
    questions = [
        {"question": "When did the harbour open?", "answers": ["1904"], "evidence_urls": ["u"], "answerable": True},
        {"question": "Who built the harbour?", "answers": [], "evidence_urls": ["u"], "answerable": False},
    ]
    for name, rows in (("squad2-articles", [article]), ("squad2-questions", questions)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    found = squad_groups(tmp_path)
    assert [group.kind for group in found] == ["squad", "squad without answer"]
    assert found[0].positive == (Reading("Harbour", "", "The harbour opened in 1904."),)
    assert len(found[0].negative) == 2
    assert len(found[1].negative) == 3
    row = {"question": "q", "answers": [], "candidates": [{"text": "a", "label": 1}, {"text": "b", "label": 0}]}
    for name in ("trecqa-train.jsonl", "trecqa-dev.jsonl"):
        (tmp_path / name).write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert [(len(group.positive), len(group.negative)) for group in trec_groups(tmp_path)] == [(1, 1)] * 2
