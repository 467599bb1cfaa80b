"""Speed and memory, as ratios within one run: `python -m tests.bench`, which is `make bench`.

Uses the news quiz of 2022 where NEWSQUOTE_EVAL_DATA has it (default ../shared/data), else the sample corpus.
Machines are noisy: read CPU seconds and ratios, not wall time. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import numpy as np

from bot.answer import Answerer
from bot.question import Question
from index.embed import load_embedder
from index.models import DEFAULT_MODEL, SMALL_MODEL
from index.rerank import load_reranker
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Vectors
from ingest.draft import Draft
from ingest.job import run_ingest
from ingest.lock import ingest_lock
from ingest.passages import passage_budget, split_passages
from ingest.sample import articles_path, questions_path
from ingest.sources import open_source
from tests.bench_bot import N_AT_ONCE, measure, share

PASSAGE_TOKENS = 160
EXPORTS = Path(".eval/models")
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Took:
    """Wall and CPU seconds of something."""

    wall_s: float
    cpu_s: float


def timed(work: Callable[[], object]) -> Took:
    """Run once."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def row(name: str, value: str) -> None:
    """One line of the table."""
    print(f"{name:58s} {value:>20s}", flush=True)


def bench_embedding(articles: Path, n_passages: int) -> None:
    """Tokens a CPU second of each runtime, on the same passages."""
    fast = load_embedder(exports=EXPORTS)
    budget = passage_budget(PASSAGE_TOKENS, fast.max_tokens)
    texts: list[str] = []
    for draft in open_source(str(articles)).articles():
        if isinstance(draft, Draft):
            texts += [span.of(draft.text) for span, _ in split_passages(draft.text, fast.count_tokens, budget)]
        if len(texts) >= n_passages:
            break
    texts = texts[:n_passages]
    n_tokens = sum(fast.count_tokens(texts))  # what stands in the texts: no padding, nothing the model adds
    embedders = {
        "torch": load_embedder(runtime="torch"),
        "onnx-fp32": load_embedder(runtime="onnx-fp32", exports=EXPORTS),
        "onnx-int8": load_embedder(runtime="onnx-int8", exports=EXPORTS),
        SMALL_MODEL: load_embedder(SMALL_MODEL, exports=EXPORTS),
    }
    vectors = {name: embedder.embed_passages(texts[:32]) for name, embedder in embedders.items()}  # loads, too
    took: dict[str, list[Took]] = {name: [] for name in embedders}
    for _ in range(REPEATS):  # in turn, so that what else the machine does meets all of them
        for name, embedder in embedders.items():
            took[name].append(timed(partial(embedder.embed_passages, texts)))
    cpu_s = {name: statistics.median(each.cpu_s for each in all_) for name, all_ in took.items()}
    for name, found in vectors.items():
        row(f"embedding with {name}", f"{n_tokens / cpu_s[name]:,.0f} tokens/CPU s")
        wall_s = statistics.median(each.wall_s for each in took[name])
        row(f"embedding with {name}", f"{n_tokens / wall_s:,.0f} tokens/s")
        row(f"embedding with {name}: against torch", f"{cpu_s['torch'] / cpu_s[name]:.2f} x")
        row(f"embedding with {name}: mean cosine to torch's", f"{(found * vectors['torch']).sum(axis=1).mean():.4f}")


class FreeVectors:
    """Counts tokens as the model does, and gives vectors that cost nothing: the rest is ingest itself."""

    name, revision, runtime, dim = DEFAULT_MODEL, "free", "none", 384

    def __init__(self) -> None:
        model = load_embedder(runtime="onnx-fp32", exports=EXPORTS)
        self.max_tokens, self.count_tokens = model.max_tokens, model.count_tokens
        self._rng = np.random.default_rng(0)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        vectors = self._rng.standard_normal((len(texts), self.dim), np.float32)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self.embed_passages([text])[0]
        return vector


def bench_ingest(articles: Path) -> None:
    """Ingest apart from embedding, then the same input again; each time from an empty folder."""
    first: list[Took] = []
    again: list[Took] = []

    def ingest(folder: Path) -> None:
        embedder = FreeVectors()
        now_s = int(datetime.now(UTC).timestamp())
        with ingest_lock(folder, "make bench", now_s):
            run_ingest([open_source(str(articles))], folder, lambda: (embedder, PASSAGE_TOKENS), "bench", now_s)

    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(prefix="newsquote-bench-") as scratch:
            folder = Path(scratch)
            first.append(timed(partial(ingest, folder)))
            again.append(timed(partial(ingest, folder)))
            with Store(folder) as store:
                n = store.counts()["articles"]
    wall_s, cpu_s, again_s = (
        statistics.median(values)
        for values in ([t.wall_s for t in first], [t.cpu_s for t in first], [t.wall_s for t in again])
    )
    row("articles", f"{n:,}")
    row("ingest apart from embedding", f"{n / wall_s:,.0f} articles/s")
    row("ingest apart from embedding", f"{n / cpu_s:,.0f} articles/CPU s")
    row("the same input again", f"{again_s:,.2f} s")
    row("the same input again, against the first run", f"{wall_s / again_s:,.0f} x")
    row("peak memory after these ingests", f"{peak_mb():,.0f} MB")


def peak_mb() -> float:
    """Most that this process was ever resident, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bench_answers(folder: Path, questions: Path, n: int) -> None:
    """Warm answers, one after the other."""
    opener = gzip.open if questions.suffix == ".gz" else open
    with opener(questions, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:n]
    with Store(folder) as store:
        started = time.perf_counter()
        snapshot = open_snapshot(folder)
        answerer = Answerer(store, snapshot, load_embedder(exports=EXPORTS), load_reranker())
        answerer.answer(Question("who won the election?", date(2020, 1, 1)))
        row("cold start to the first answer, imports apart", f"{time.perf_counter() - started:.2f} s")
        asked = [Question(r["question"], date.fromisoformat(r["asked_on"])) for r in rows]
        took = [timed(partial(answerer.answer, question)) for question in asked]
    wall = sorted(t.wall_s for t in took)
    row("passages", f"{snapshot.manifest.n_passages:,}")
    row("warm answer p50", f"{1000 * statistics.median(wall):.0f} ms")
    row("warm answer p95", f"{1000 * wall[int(0.95 * len(wall))]:.0f} ms")
    row("warm answer, mean", f"{1000 * statistics.mean(t.cpu_s for t in took):.0f} CPU ms")
    size = sum(entry.size for entry in snapshot.manifest.files.values())
    row("index on disk", f"{size / max(1, snapshot.manifest.n_passages):,.0f} B/passage")


def bench_bot(folder: Path) -> None:
    """The bot over the loopback stand-in: from question to card, alone and in a crowd."""
    figures = asyncio.run(measure(folder, EXPORTS))
    row("bot: start to the first answer, imports apart", f"{figures.start_s:.2f} s")
    row("bot: one question after another, p50", f"{1000 * share(figures.alone_s, 0.5):.0f} ms")
    row("bot: one question after another, p95", f"{1000 * share(figures.alone_s, 0.95):.0f} ms")
    row(f"bot: {N_AT_ONCE} people at once, p50", f"{share(figures.crowd_s, 0.5):.1f} s")
    row(f"bot: {N_AT_ONCE} people at once, p95", f"{share(figures.crowd_s, 0.95):.1f} s")
    row(f"bot: of {N_AT_ONCE} people at once, told that it is busy", f"{figures.n_busy}")
    row("bot: resident memory, with the stand-in and this benchmark", f"{figures.memory_bytes / 1e6:,.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=int, default=400, help="passages to embed with each runtime")
    parser.add_argument("--questions", type=int, default=200, help="questions to ask")
    arguments = parser.parse_args()
    quiz = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data")) / "news-quiz" / "2022"
    has_quiz = quiz.is_dir()
    articles = quiz / "articles.jsonl.gz" if has_quiz else articles_path()
    questions = quiz / "questions.jsonl.gz" if has_quiz else questions_path()
    indexed = Path(".eval") / ("2022" if has_quiz else "sample")
    print(f"corpus: {articles}")
    bench_ingest(articles)
    bench_embedding(articles, arguments.passages)
    if (indexed / "corpus.db").is_file():
        bench_answers(indexed, questions, arguments.questions)
        bench_bot(indexed)
    else:
        print(f"answers are not measured: {indexed} is made by `make eval`")
    row("peak memory of all of this", f"{peak_mb():,.0f} MB")


if __name__ == "__main__":
    main()
