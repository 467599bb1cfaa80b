"""Retrieval beside what else one could use: `python -m tests.bench_peers --from .eval/2022`.

The same model, the same passages and their vectors as stored, the same questions (those of the news quiz of 2022 whose
source is known), each asked as of its day. Beside newsquote: a flat FAISS index and bm25s, fused by reciprocal ranks
and written plainly; and txtai's hybrid index, where it is installed. Each runs in a process of its own. Embedding is
timed on a sample, for newsquote and for sentence-transformers. Articles are ranked by their best passage. Nothing here
is a test; the extra `bench` brings bm25s.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from index.embed import load_embedder
from index.retrieve import Retriever
from index.snapshot import open_snapshot, read_manifest
from index.store import Store
from index.types import Filters, Vectors, end_of_day_s
from ingest.passages import embedding_text

N_HITS = 200
N_TIMED = 256
NAMES = ("newsquote", "plain", "txtai")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Passages as every contestant gets them.

    Attributes:
        texts: As they are embedded, title and day included.
        urls: Of their articles.
        published_s: Of their articles; the undated are older than all.
        vectors: (n, dim) float32.
    """

    texts: list[str]
    urls: list[str]
    published_s: np.ndarray[Any, np.dtype[np.int64]]
    vectors: Vectors


def read_corpus(folder: Path) -> Corpus:
    """The current passages of the live index, in its order."""
    manifest = read_manifest(folder)
    texts: list[str] = []
    urls: list[str] = []
    published: list[int] = []
    parts: list[Vectors] = []
    with Store(folder) as store:
        splitter, model = store.splitter_id(manifest.splitter), store.model_id(manifest.model.key)
        dates = {row.version: row.published_s or 0 for row in store.version_rows()}
        after = (0, -1)
        article = None
        while True:
            places, vectors, known = store.indexed_passages(splitter, model, manifest.model.dim, after, 5000)
            if not len(places):
                break
            after = (int(places[-1, 0]), int(places[-1, 1]))
            for version, start, end, _ in places[known].tolist():
                if article is None or article.version != version:
                    article = store.article(version)
                assert article is not None
                texts.append(embedding_text(article.title, article.published, article.text[start:end]))
                urls.append(article.url or article.id)
                published.append(dates[version])
            parts.append(vectors[known].astype(np.float32))
    return Corpus(texts, urls, np.array(published, np.int64), np.concatenate(parts))


Ranked = Callable[[str, Vectors, int], Sequence[str]]


def newsquote(folder: Path, corpus: Corpus, work: Path) -> Ranked:
    """Words and vectors fused, recency; the index stands already, as after an ingest."""
    snapshot = open_snapshot(folder)
    retriever = Retriever(snapshot, load_embedder(exports=folder / "models"))
    urls = {}
    with Store(folder) as store:
        for number, (article_id, url) in store.article_ids(np.unique(snapshot.versions["article"]).tolist()).items():
            urls[number] = url or article_id

    def ranked(text: str, query: Vectors, as_of_s: int) -> Sequence[str]:
        hits = retriever.retrieve(text, Filters(as_of_s), k=N_HITS, query=query)
        return [urls[int(snapshot.versions["article"][snapshot.version_row(hit.passage)])] for hit in hits]

    return ranked


def plain(folder: Path, corpus: Corpus, work: Path) -> Ranked:
    """A flat index and BM25, both over everything; what is too new is left out afterwards."""
    import bm25s
    import faiss

    flat = faiss.IndexFlatIP(corpus.vectors.shape[1])
    flat.add(corpus.vectors)
    words = bm25s.BM25()
    words.index(bm25s.tokenize(corpus.texts, stopwords="en", show_progress=False), show_progress=False)

    def ranked(text: str, query: Vectors, as_of_s: int) -> Sequence[str]:
        # Asked for more, as some of it is from after the question.
        _, near = flat.search(query[None], 10 * N_HITS)
        tokens = bm25s.tokenize(text, stopwords="en", show_progress=False)
        worded, _ = words.retrieve(tokens, k=10 * N_HITS, show_progress=False)
        scores: dict[int, float] = {}
        for rows in (near[0], worded[0]):
            allowed = [row for row in rows.tolist() if corpus.published_s[row] <= as_of_s][:N_HITS]
            for place, row in enumerate(allowed):
                scores[row] = scores.get(row, 0.0) + 1 / (60 + place)
        return [corpus.urls[row] for row in sorted(scores, key=lambda row: -scores[row])[:N_HITS]]

    return ranked


def txtai(folder: Path, corpus: Corpus, work: Path) -> Ranked:
    """Its hybrid index, given the same vectors."""
    from txtai import Embeddings

    stored = dict(zip(corpus.texts, corpus.vectors, strict=True))
    asked: dict[str, Vectors] = {}

    def transform(texts: Sequence[str]) -> Vectors:
        return np.stack([stored[text] if text in stored else asked[text] for text in texts])

    index = Embeddings({"method": "external", "transform": transform, "hybrid": True, "content": False})
    index.index((row, text, None) for row, text in enumerate(corpus.texts))

    def ranked(text: str, query: Vectors, as_of_s: int) -> Sequence[str]:
        asked[text] = query
        found = index.search(text, 10 * N_HITS)
        return [corpus.urls[row] for row, _ in found if corpus.published_s[row] <= as_of_s][:N_HITS]

    return ranked


# Measuring ------------------------------------------------------------------------------------------------


def memory_bytes() -> int:
    """Resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def contest(name: str, folder: Path, questions: Path) -> dict[str, float]:
    """Build and ask, in this process."""
    make = {"newsquote": newsquote, "plain": plain, "txtai": txtai}[name]
    corpus = read_corpus(folder)
    with gzip.open(questions, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row.get("evidence_urls")]
    embedder = load_embedder(exports=folder / "models")
    queries = [embedder.embed_query(row["question"]) for row in rows]
    before = memory_bytes()
    started, started_cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as work:
        ranked = make(folder, corpus, Path(work))
        built, built_cpu = time.perf_counter() - started, time.process_time() - started_cpu
        ranks, took, cpu = [], [], []
        for row, query in zip(rows, queries, strict=True):
            at, at_cpu = time.perf_counter(), time.process_time()
            urls = list(
                dict.fromkeys(ranked(row["question"], query, end_of_day_s(date.fromisoformat(row["asked_on"]))))
            )
            took.append(time.perf_counter() - at)
            cpu.append(time.process_time() - at_cpu)
            known = {*row["evidence_urls"]}
            ranks.append(next((place for place, url in enumerate(urls[:10], 1) if url in known), None))
    return {
        "passages": float(len(corpus.texts)),
        "build, s": built,
        "build, CPU s": built_cpu,
        "memory of index, MB": (memory_bytes() - before) / 1e6,
        "question p50, ms": 1000 * float(np.median(took)),
        "question p95, ms": 1000 * float(np.quantile(took, 0.95)),
        "question, CPU ms": 1000 * float(np.median(cpu)),
        "source at 1, %": 100 * sum(rank == 1 for rank in ranks) / len(ranks),
        "source at 3, %": 100 * sum(rank is not None and rank <= 3 for rank in ranks) / len(ranks),
        "MRR@10": sum(1 / rank for rank in ranks if rank) / len(ranks),
    }


def embedding_rates(folder: Path) -> dict[str, float]:
    """Passages a CPU second."""
    from sentence_transformers import SentenceTransformer

    from index.models import default_model_path

    texts = read_corpus(folder).texts[:: max(1, len(read_corpus(folder).texts) // N_TIMED)][:N_TIMED]
    ours = load_embedder(exports=folder / "models")
    theirs = SentenceTransformer(str(default_model_path()), device="cpu")
    found = {}
    for name, embed in (("newsquote", ours.embed_passages), ("sentence-transformers", theirs.encode)):
        embed(texts[:16])
        started = time.process_time()
        embed(texts)
        found[name] = len(texts) / (time.process_time() - started)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--from", dest="folder", type=Path, default=Path(".eval/2022"), help="ingested data folder")
    parser.add_argument("--questions", type=Path, default=Path("../shared/data/news-quiz/2022/questions.jsonl.gz"))
    parser.add_argument("--only", choices=NAMES, help="one contestant, in this process, as JSON")
    options = parser.parse_args()
    for path in (options.folder / "corpus.db", options.questions):
        if not path.is_file():
            parser.error(f"there is no {path}")
    if options.only:
        print(json.dumps(contest(options.only, options.folder, options.questions)))
        return
    columns: dict[str, dict[str, float]] = {}
    for name in NAMES:
        needs = {"newsquote": "faiss", "plain": "bm25s", "txtai": "txtai"}[name]
        if importlib.util.find_spec(needs) is None:
            print(f"{name} is left out: {needs} is not installed", file=sys.stderr)
            continue
        command = [sys.executable, "-m", "tests.bench_peers", "--only", name]
        command += ["--from", str(options.folder), "--questions", str(options.questions)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            print(f"{name} failed: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            continue
        columns[name] = json.loads(done.stdout.splitlines()[-1])
    if not columns:  # each has said why
        sys.exit(1)
    print(f"{'':24}" + "".join(f"{name:>14}" for name in columns))
    for figure in next(iter(columns.values())):
        print(f"{figure:24}" + "".join(f"{column[figure]:14,.3f}" for column in columns.values()))
    for name, rate in embedding_rates(options.folder).items():
        print(f"embedding, {name}: {rate:,.0f} passages a CPU second")


if __name__ == "__main__":
    main()
