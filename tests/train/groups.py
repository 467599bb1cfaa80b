"""Questions with sentences that answer them and sentences that do not, from three sets of labelled questions.

The news quiz of 2023 labels no sentence: one that holds the answer, and covers the quiz's own explanation or enough
of the question, is taken to answer; those that hold no answer, the best found first, are taken not to. SQuAD 2.0 and
TREC QA label theirs. Questions of the quiz from `HELD_OUT` on are never trained on: weights and thresholds are
fitted on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from bot.choose import coverage, question_terms
from bot.scoring import holds
from bot.understand import understand
from bot.windows import Sentences, sentences_of
from index.embed import default_model_path
from index.rerank import PairTokenizer
from index.retrieve import Retriever, Weights
from index.sentences import sentence_spans
from index.snapshot import Snapshot, open_snapshot
from index.store import Store
from index.types import Filters, Reading, end_of_day_s
from index.words import content_terms, terms
from ingest.sources import open_source
from tests.evaluate import rows
from tests.fakes import HashingEmbedder, ingest_drafts

HELD_OUT = "2024-02-01"
N_PASSAGES = 16
N_POSITIVE = 4
N_NEGATIVE = 30
# Share of the explanation's or the question's rare words that a sentence must have to be believed.
MIN_SUPPORT = 0.33

Kind = Literal["quiz", "quiz without answer", "cloze", "squad", "squad without answer", "trec"]


@dataclass(frozen=True, slots=True)
class Group:
    """One question and its sentences.

    Attributes:
        kind: Where it comes from.
        question: As asked.
        answers: Strings that answer it.
        positive: Sentences that do, the surest first.
        negative: Sentences that do not, the likeliest first.
    """

    kind: Kind
    question: str
    answers: tuple[str, ...]
    positive: tuple[Reading, ...] = ()
    negative: tuple[Reading, ...] = field(default=(), repr=False)


class _Splitter(HashingEmbedder):
    """Hashed vectors, but passages as long as the real model's: candidates are found by their words alone."""

    def __init__(self) -> None:
        super().__init__()
        self._tokens = PairTokenizer(default_model_path() / "tokenizer.json")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self._tokens.count(texts)


def quiz_groups(quiz: Path, folder: Path, now_s: int) -> list[Group]:
    """Groups of the quiz's questions before `HELD_OUT`.

    Args:
        quiz: Folder with `articles.jsonl.gz` and `questions.jsonl.gz`.
        folder: Where its articles are indexed, by words; kept between runs.
        now_s: The moment of ingesting them.
    """
    if not (folder / "snapshots" / "current").is_file():
        ingest_drafts(folder, open_source(str(quiz / "articles.jsonl.gz")).articles(), _Splitter(), now_s=now_s)
    groups = []
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        retriever = by_words(snapshot)
        for row in rows(quiz / "questions.jsonl.gz"):
            if row["asked_on"] < HELD_OUT:
                group = _quiz_group(row, store, snapshot, retriever)
                if group.negative:
                    groups.append(group)
    return groups


def by_words(snapshot: Snapshot) -> Retriever:
    """A retriever for an index of hashed vectors, which say nothing: the words find the passages."""
    return Retriever(snapshot, HashingEmbedder(), Weights(words=0.9))


def _quiz_group(row: dict[str, Any], store: Store, snapshot: Snapshot, retriever: Retriever) -> Group:
    asked_on = date.fromisoformat(row["asked_on"])
    understood = understand(row["question"], asked_on, snapshot.sources)
    idf = snapshot.words.idf
    asked = question_terms(understood.topic, understood.kind)
    explained = content_terms(row["evidence"]) if row["evidence"] else []
    positive, negative = [], []
    for reading, score in candidates(understood.topic, Filters(end_of_day_s(asked_on)), store, retriever):
        own = set(terms(reading.sentence))
        near = own | set(terms(f"{reading.title} {reading.previous}"))
        asked_own, asked_near = coverage(asked, own, idf), coverage(asked, near, idf)
        if holds(row["answers"], reading.sentence):
            support = max(asked_own, 0.8 * asked_near)
            if explained:
                support = max(support, coverage(explained, own, idf), 0.8 * coverage(explained, near, idf))
            if support >= MIN_SUPPORT:
                positive.append((support, reading))
        else:
            negative.append((0.5 * (asked_own + asked_near + score), reading))
    best = tuple(reading for _, reading in sorted(positive, key=lambda pair: -pair[0])[:N_POSITIVE])
    worst = tuple(reading for _, reading in sorted(negative, key=lambda pair: -pair[0])[:N_NEGATIVE])
    best = best or _explanation(row)
    return Group("quiz" if best else "quiz without answer", understood.topic, tuple(row["answers"]), best, worst)


def candidates(topic: str, filters: Filters, store: Store, retriever: Retriever) -> Iterator[tuple[Reading, float]]:
    """Sentences of the passages found, each text once, with the passage's score."""
    articles: dict[int, Sentences] = {}
    seen: set[str] = set()
    for hit in retriever.retrieve(topic, filters, k=N_PASSAGES):
        if hit.version not in articles:
            article = store.article(hit.version)
            assert article is not None
            articles[hit.version] = sentences_of(article)
        sentences = articles[hit.version]
        text = sentences.article.text
        for at in sentences.inside(hit.span):
            sentence = sentences.spans[at].of(text)
            if sentence not in seen:
                seen.add(sentence)
                joined = at > 0 and sentences.can_join(at - 1, at)
                previous = sentences.spans[at - 1].of(text) if joined else ""
                yield Reading(sentences.article.title, previous, sentence), hit.score


def _explanation(row: dict[str, Any]) -> tuple[Reading, ...]:
    """The first sentence of the quiz's own explanation that holds the answer, where no article's was found."""
    text = row["evidence"] or ""
    sentences = (span.of(text) for span in sentence_spans(text))
    return tuple(Reading("", "", sentence) for sentence in sentences if holds(row["answers"], sentence))[:1]


def squad_groups(folder: Path) -> list[Group]:
    """Groups of SQuAD 2.0's questions; half of them are about their paragraph and not answered by it."""
    articles = {row["url"]: row for row in rows(folder / "squad2-articles.jsonl.gz")}
    sentences = {url: [span.of(row["body"]) for span in sentence_spans(row["body"])] for url, row in articles.items()}
    groups = []
    for row in rows(folder / "squad2-questions.jsonl.gz"):
        url = next(iter(row["evidence_urls"]), None)
        if url not in sentences:
            continue
        title, found = articles[url]["title"], sentences[url]
        readings = [Reading(title, found[at - 1] if at else "", text) for at, text in enumerate(found)]
        answers = row["answers"] if row["answerable"] else []
        positive = [reading for reading in readings if holds(answers, reading.sentence)]
        if row["answerable"] and not positive:
            continue
        asked = _plain_words(row["question"])
        negative = sorted(
            (reading for reading in readings if not holds(answers, reading.sentence)),
            key=lambda reading: -len(asked & _plain_words(reading.sentence)),
        )
        groups.append(
            Group(
                "squad" if positive else "squad without answer",
                row["question"],
                tuple(answers),
                tuple(positive),
                tuple(negative),
            )
        )
    return groups


def trec_groups(folder: Path) -> list[Group]:
    """Groups of TREC QA: newswire sentences that people labelled."""
    groups = []
    for name in ("trecqa-train.jsonl", "trecqa-dev.jsonl"):
        for row in rows(folder / name):
            found = [(Reading("", "", each["text"]), bool(each["label"])) for each in row["candidates"]]
            positive = tuple(reading for reading, answers in found if answers)
            negative = tuple(reading for reading, answers in found if not answers)
            if positive and negative:
                groups.append(Group("trec", row["question"], tuple(row["answers"]), positive, negative))
    return groups


def _plain_words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
