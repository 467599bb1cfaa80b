"""Questions with stretches of text whose sentences answer them or do not, from three sets of labelled questions.

The news quiz of 2023 labels no sentence: one that holds the answer, and covers the quiz's own explanation or enough
of the question, is taken to answer; one that holds no answer is taken not to; one that holds it by chance, it seems, is
not learned from. SQuAD 2.0 and TREC QA label theirs. Questions of the quiz from `HELD_OUT` on are never trained on:
weights and thresholds are fitted on them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from bot.choose import covered, question_terms, weighed
from bot.kind import asked_first
from bot.scoring import holds
from bot.understand import understand
from bot.windows import Sentences, sentences_of
from index.models import default_model_path
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
N_NEGATIVE = 12
SENTENCES_TOGETHER = 5
# Share of the explanation's or the question's rare words that a sentence must have to be believed.
MIN_SUPPORT = 0.33

Kind = Literal["quiz", "quiz without answer", "cloze", "squad", "squad without answer", "trec"]
ANSWERS, ANSWERS_NOT, UNKNOWN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Labelled:
    """A stretch and, of each of its sentences, whether it answers: `ANSWERS`, `ANSWERS_NOT` or `UNKNOWN`."""

    reading: Reading
    labels: tuple[int, ...]

    @property
    def answers(self) -> bool:
        return ANSWERS in self.labels


@dataclass(frozen=True, slots=True)
class Group:
    """One question and its stretches.

    Attributes:
        kind: Where it comes from.
        question: As asked.
        answers: Strings that answer it.
        positive: Stretches with a sentence that does, the surest first.
        negative: Stretches without, the likeliest first.
    """

    kind: Kind
    question: str
    answers: tuple[str, ...]
    positive: tuple[Labelled, ...] = ()
    negative: tuple[Labelled, ...] = field(default=(), repr=False)


def some_of(groups: Sequence[Group], kind: Kind, n: int, rng: random.Random) -> list[Group]:
    """`n` groups of a kind by chance, or all where there are fewer."""
    mine = [group for group in groups if group.kind == kind]
    return rng.sample(mine, min(n, len(mine)))


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
    wanted = weighed(question_terms(understood.topic, understood.kind), idf)
    explained = weighed(content_terms(row["evidence"]), idf) if row["evidence"] else []

    def support(sentence: str, near: str) -> float:
        own, around = set(terms(sentence)), set(terms(near))
        shares = [covered(wanted, own), 0.8 * covered(wanted, around)]
        if explained:
            shares += [covered(explained, own), 0.8 * covered(explained, around)]
        return max(shares)

    found = passages(understood.topic, Filters(end_of_day_s(asked_on)), store, retriever)
    positive, negative = labelled(found, row["answers"], support, MIN_SUPPORT)
    positive = positive or _explanation(row)
    asked = asked_first(understood.topic)
    return Group("quiz" if positive else "quiz without answer", asked, tuple(row["answers"]), positive, negative)


def passages(topic: str, filters: Filters, store: Store, retriever: Retriever) -> Iterator[Reading]:
    """The passages found, best first, each text once."""
    articles: dict[int, Sentences] = {}
    seen: set[tuple[str, ...]] = set()
    for hit in retriever.retrieve(topic, filters, k=N_PASSAGES):
        if hit.version not in articles:
            article = store.article(hit.version)
            assert article is not None
            articles[hit.version] = sentences_of(article)
        sentences = articles[hit.version]
        texts = tuple(sentences.spans[at].of(sentences.article.text) for at in sentences.inside(hit.span))
        if texts and texts not in seen:
            seen.add(texts)
            yield Reading(sentences.article.title, texts)


def labelled(
    found: Iterable[Reading], answers: Sequence[str], support: Callable[[str, str], float], min_support: float
) -> tuple[tuple[Labelled, ...], tuple[Labelled, ...]]:
    """Stretches with answering sentences, the surest first, and those without, in the order found.

    Args:
        found: Stretches.
        answers: Strings of which one must stand in a sentence.
        support: How surely a sentence answers, from itself and itself with what is near it.
        min_support: What it must reach.
    """
    positive: list[tuple[float, Labelled]] = []
    negative: list[Labelled] = []
    for reading in found:
        labels, best = [], 0.0
        for at, sentence in enumerate(reading.sentences):
            if not holds(answers, sentence):
                labels.append(ANSWERS_NOT)
                continue
            near = " ".join((reading.title, *reading.sentences[max(0, at - 1) : at + 1]))
            sure = support(sentence, near)
            labels.append(ANSWERS if sure >= min_support else UNKNOWN)
            best = max(best, sure)
        one = Labelled(reading, tuple(labels))
        if one.answers:
            positive.append((best, one))
        else:
            negative.append(one)
    ranked = sorted(positive, key=lambda pair: -pair[0])
    return tuple(one for _, one in ranked[:N_POSITIVE]), tuple(negative[:N_NEGATIVE])


def _explanation(row: dict[str, Any]) -> tuple[Labelled, ...]:
    """The quiz's own explanation, where it holds the answer and no article was found that does."""
    text = row["evidence"] or ""
    sentences = tuple(span.of(text) for span in sentence_spans(text))
    one = Labelled(Reading("", sentences), tuple(int(holds(row["answers"], sentence)) for sentence in sentences))
    return (one,) if one.answers else ()


def squad_groups(folder: Path) -> list[Group]:
    """Groups of SQuAD 2.0's questions; half of them are about their paragraph and not answered by it."""
    articles = {row["url"]: row for row in rows(folder / "squad2-articles.jsonl.gz")}
    sentences = {url: [span.of(row["body"]) for span in sentence_spans(row["body"])] for url, row in articles.items()}
    groups = []
    for row in rows(folder / "squad2-questions.jsonl.gz"):
        url = next(iter(row["evidence_urls"]), None)
        if url not in sentences:
            continue
        answers = row["answers"] if row["answerable"] else []
        parts = [
            Reading(articles[url]["title"], tuple(sentences[url][at : at + SENTENCES_TOGETHER]))
            for at in range(0, len(sentences[url]), SENTENCES_TOGETHER)
        ]
        every = [Labelled(part, tuple(int(holds(answers, sentence)) for sentence in part.sentences)) for part in parts]
        positive = tuple(one for one in every if one.answers)
        if row["answerable"] and not positive:
            continue
        asked = _plain_words(row["question"])
        negative = sorted(
            (one for one in every if not one.answers),
            key=lambda one: -len(asked & _plain_words(" ".join(one.reading.sentences))),
        )
        groups.append(
            Group(
                "squad" if positive else "squad without answer",
                row["question"],
                tuple(answers),
                positive,
                tuple(negative),
            )
        )
    return groups


def trec_groups(folder: Path) -> list[Group]:
    """Groups of TREC QA: newswire sentences that people labelled."""
    groups = []
    for name in ("trecqa-train.jsonl", "trecqa-dev.jsonl"):
        for row in rows(folder / name):
            found = [Labelled(Reading("", (each["text"],)), (int(each["label"]),)) for each in row["candidates"]]
            positive = tuple(one for one in found if one.answers)
            negative = tuple(one for one in found if not one.answers)
            if positive and negative:
                groups.append(Group("trec", row["question"], tuple(row["answers"]), positive, negative))
    return groups


def _plain_words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
