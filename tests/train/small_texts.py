"""What the small embedding model learns from: stretches of news, and what asks for them.

Nothing here has a label: whatever the default model makes of a text is right (`tests/train/small.py`). Texts are
stretches of the quiz's articles before `HELD_OUT`, their titles, and the questions and sentences of all three sets,
which are short as questions are; alone, or as subjects, whose passages a search for the short ones has to tell apart.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.sentences import sentence_spans
from index.types import Vectors
from tests.evaluate import rows
from tests.train.groups import HELD_OUT

# Words of a stretch.
LENGTHS = (25, 60, 110, 110)
# Of a subject's passages, in all.
SUBJECT_WORDS = 2_275
# Of a subject: articles near to one, and how many of these together; questions near to an article; paragraphs of SQuAD.
N_NEAR, N_TOGETHER, N_ASKED, N_PARAGRAPHS = 12, 6, 4, 16
ASKED_SHARE = 0.25  # begun with a question instead of an article
HEAD_WORDS, SENTENCE_WORDS = 40, 30


@dataclass(frozen=True, slots=True)
class Texts:
    """What is learned from; of all subjects, or of one, whose passages a search for its short texts has to tell apart.

    Attributes:
        passages: Stretches of articles; of all subjects titles too.
        short: Questions and single sentences; of one subject titles too.
    """

    passages: list[str]
    short: list[str]


def texts(quiz: Path, answers: Path, rng: random.Random) -> Texts:
    """The texts of two folders of `../shared/data`, in a random order."""
    passages: list[str] = []
    for article in rows(quiz / "articles.jsonl.gz"):
        if article["published"] < HELD_OUT:
            passages += [article["title"], *_stretches(article["text"], LENGTHS, rng)]
    passages += [article["body"] for article in rows(answers / "squad2-articles.jsonl.gz")]
    asked = [one for one in rows(quiz / "questions.jsonl.gz") if one["asked_on"] < HELD_OUT]
    short = [text for one in asked for text in (one["question"], one["evidence"])]
    short += [one["question"] for one in rows(answers / "squad2-questions.jsonl.gz")]
    for one in rows(answers / "trecqa-train.jsonl"):
        short += [one["question"], *(candidate["text"] for candidate in one["candidates"][:3])]
    found = Texts(*([text for text in dict.fromkeys(every) if text and len(text) > 8] for every in (passages, short)))
    rng.shuffle(found.passages)
    rng.shuffle(found.short)
    return found


def _stretches(text: str, lengths: Sequence[int], rng: random.Random) -> Iterator[str]:
    """The text in pieces of whole sentences, each of some words, as many as one of `lengths`."""
    start = n_words = 0
    longest = rng.choice(lengths)
    end = 0
    for span in sentence_spans(text):
        n = len(text[span.start : span.end].split())
        if n_words and n_words + n > longest:
            yield text[start:end]
            start, n_words, longest = span.start, 0, rng.choice(lengths)
        n_words += n
        end = span.end
    if n_words:
        yield text[start:end]


def news_subjects(quiz: Path, embed: Callable[[list[str]], Vectors], rng: random.Random) -> Iterator[Texts]:
    """Endlessly, an article or a question with the articles nearest to it, as `embed` has them."""
    articles = [row for row in rows(quiz / "articles.jsonl.gz") if row["published"] < HELD_OUT and row["text"].strip()]
    questions = [row for row in rows(quiz / "questions.jsonl.gz") if row["asked_on"] < HELD_OUT]
    heads = embed([f"{row['title']}. {' '.join(row['text'].split()[:HEAD_WORDS])}" for row in articles])
    asked = embed([f"{row['question']} {row['evidence']}" for row in questions])
    articles_near = _nearest(np.concatenate([heads, asked]), heads, N_NEAR)
    questions_near = _nearest(heads, asked, N_ASKED)
    while True:
        n_words = rng.choice(LENGTHS)
        begun_with = rng.randrange(len(heads))
        short = []
        if rng.random() < ASKED_SHARE:
            asked_with = rng.randrange(len(asked))
            short = [questions[asked_with]["question"], questions[asked_with]["evidence"]]
            begun_with = len(heads) + asked_with
        first, *others = articles_near[begun_with].tolist()
        picked = [first, *rng.sample(others, min(N_TOGETHER - 1, len(others)))]
        n_passages = max(8, SUBJECT_WORDS // n_words)
        passages: list[str] = []
        for row in (articles[at] for at in picked):
            every = list(_stretches(row["text"], (n_words,), rng))
            passages += rng.sample(every, min(len(every), -(-n_passages // N_TOGETHER)))
            sentence = rng.choice(sentence_spans(row["text"]))
            short += [row["title"], " ".join(row["text"][sentence.start : sentence.end].split()[:SENTENCE_WORDS])]
        short += [questions[at]["question"] for at in questions_near[first].tolist()]
        yield Texts(_distinct(passages)[:n_passages], _distinct(short))


def squad_subjects(answers: Path, rng: random.Random) -> Iterator[Texts]:
    """Endlessly, paragraphs of one article with questions that they answer."""
    paragraphs: dict[str, list[dict[str, Any]]] = {}
    for row in rows(answers / "squad2-articles.jsonl.gz"):
        paragraphs.setdefault(row["title"], []).append(row)
    questions: dict[str, list[str]] = {}
    for row in rows(answers / "squad2-questions.jsonl.gz"):
        for url in row["evidence_urls"]:
            questions.setdefault(url, []).append(row["question"])
    titles = list(paragraphs)
    while True:
        of_title = paragraphs[rng.choice(titles)]
        picked = rng.sample(of_title, min(len(of_title), N_PARAGRAPHS))
        asked = [questions.get(row["url"], []) for row in picked]
        short = [question for every in asked for question in rng.sample(every, min(2, len(every)))]
        yield Texts([row["body"] for row in picked], _distinct(short))


def _nearest(wanted: Vectors, among: Vectors, n: int) -> npt.NDArray[np.int64]:
    """(wanted, n) rows of `among` that are likest, the likest first."""
    found: npt.NDArray[np.int64] = np.argsort(-(wanted @ among.T), axis=1)[:, :n]
    return found


def _distinct(some: Sequence[str]) -> list[str]:
    return [text for text in dict.fromkeys(some) if text]
