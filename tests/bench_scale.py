"""The index at size: `python -m tests.bench_scale --passages 1000000`, and in a small size part of `make bench`.

    python -m tests.bench_scale [--passages 10000,100000,1000000] [--from DATA] [--work DIR] [--plot docs/scale.png]

The passages are real ones, multiplied (see `tests.scale_corpus`), of a data folder with the news quiz of 2022 as
`make eval` leaves it, else of the sample corpus; the questions are the quiz's. For each size: how long building takes
and how much memory and disk, how many of the 100 nearest are found, how long a question takes alone and with others,
also while 1,000 articles are added, how long those take, and what a fresh answering process holds. Nothing here is a
test. Machines are noisy: where others compute beside it, read the CPU milliseconds.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bot.answer import Answerer
from bot.question import Question
from index.build import Base, build_snapshot
from index.embed import load_embedder
from index.rerank import load_reranker
from index.retrieve import Retriever
from index.snapshot import Snapshot, embedder_of, open_snapshot
from index.store import Store
from index.types import Embedder, Filters, Vectors, end_of_day_s
from ingest.indexing import recipe_for
from ingest.job import run_ingest
from ingest.sample import articles_path, questions_path
from ingest.sources import open_source
from tests.fakes import NOW_S
from tests.scale_corpus import fill, neighbourhood, read_originals

TOKENS = 160
N_ADDED = 1000
N_WARM, N_ANSWERS = 10, 50
N_COMMANDS = 5
ASKERS = (1, 4, 16)
DEFAULT_SIZES = "5000,20000"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its vector and its day."""

    text: str
    day: date
    vector: Vectors


@dataclass(slots=True)
class Figures:
    """One size; milliseconds by percentile 50, 95, 99."""

    n_passages: int
    build_s: float
    build_memory_bytes: int
    bytes_a_passage: float
    recall: float
    retrieve_ms: dict[int, tuple[float, float, float]]
    cpu_ms: tuple[float, float, float]
    varied_ms: tuple[float, float, float]
    adding_ms: tuple[float, float, float]
    add_s: float
    is_merge: bool
    answer_ms: tuple[float, float, float]
    answer_cpu_ms: tuple[float, float, float]
    ask_s: float
    fresh: dict[str, float]


def percentiles(took_s: Sequence[float]) -> tuple[float, float, float]:
    """In milliseconds."""
    p50, p95, p99 = (1000 * float(np.quantile(took_s, share)) for share in (0.5, 0.95, 0.99))
    return p50, p95, p99


# Asking ---------------------------------------------------------------------------------------------------


def retrieve_once(
    snapshot: Snapshot, embedder: Embedder, asked: Asked, day: date, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of a retrieval whose vector is given."""
    started = clock()
    Retriever(snapshot, embedder).retrieve(asked.text, Filters(end_of_day_s(day)), k=60, query=asked.vector)
    return clock() - started


def by_askers(n_askers: int, questions: Sequence[Asked], ask: Callable[[Asked], float]) -> list[float]:
    """Seconds of every question where so many threads ask one after the other."""
    took: list[float] = []
    waiting = list(questions)
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                asked = waiting.pop()
            seconds = ask(asked)
            with lock:
                took.append(seconds)

    threads = [threading.Thread(target=work) for _ in range(n_askers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def recall_at_100(snapshot: Snapshot, folder: Path, questions: Sequence[Asked]) -> float:
    """Share of the hundred nearest, by exact search of what the store keeps, that the index finds among 200."""
    queries = np.stack([asked.vector for asked in questions])
    best = np.zeros((len(queries), 0), np.float32)
    rows = np.zeros((len(queries), 0), np.int64)
    at = 0
    after = (0, -1)
    model, splitter = snapshot.manifest.model, snapshot.manifest.splitter
    with Store(folder) as store:
        ids = store.splitter_id(splitter), store.model_id(model.key)
        while True:
            places, vectors, _ = store.indexed_passages(*ids, model.dim, after, 20_000)
            if not len(places):
                break
            after = (int(places[-1, 0]), int(places[-1, 1]))
            best = np.concatenate([best, queries @ vectors.astype(np.float32).T], axis=1)
            rows = np.concatenate([rows, np.tile(np.arange(at, at + len(places)), (len(queries), 1))], axis=1)
            order = np.argsort(-best, axis=1)[:, :100]
            best, rows = np.take_along_axis(best, order, 1), np.take_along_axis(rows, order, 1)
            at += len(places)
    found = [{*snapshot.vectors.search(query, 200)[0][:100].tolist()} for query in queries]
    return statistics.mean(len(mine & {*exact.tolist()}) / len(exact) for mine, exact in zip(found, rows, strict=True))


# One size -------------------------------------------------------------------------------------------------


def build_apart(folder: Path, *, fresh: bool) -> dict[str, float]:
    """Build a snapshot in a process of its own, whose memory can be told from ours."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench_scale", "--build", str(folder), *(["--fresh"] if fresh else [])],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _build(folder: Path, *, fresh: bool) -> None:
    embedder = load_embedder(exports=folder / "models")
    started = time.perf_counter()
    with Store(folder, write=True) as store:
        recipe = recipe_for(embedder, TOKENS, "bench")
        build_snapshot(folder, store, recipe, NOW_S, Base.of(folder, store, recipe), fresh=fresh)
    took = time.perf_counter() - started
    # Not getrusage: it begins with what the parent held.
    print(json.dumps({"took_s": took, "memory_bytes": memory("VmHWM")}))


def memory(name: str) -> int:
    """A size of this process as the kernel names it, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def command_s(folder: Path, question: str) -> float:
    """Seconds of `newsquote ask` from its start to its end, the median of five."""
    command = [sys.executable, "-m", "newsquote", "--data", str(folder), "ask", question, "--asked-on", "2023-12-31"]
    took = []
    for _ in range(N_COMMANDS):
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        took.append(time.perf_counter() - started)
    return statistics.median(took)


def answer_apart(folder: Path, question: str) -> dict[str, float]:
    """What a fresh process needs from its start to the first answer, and holds after twenty."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench_scale", "--answer", str(folder), question],
        capture_output=True,
        text=True,
        check=True,
    )
    first_s, last_s, *memory = map(float, done.stdout.split())
    return {
        "first_answer_s": time.perf_counter() - started - (last_s - first_s),
        "memory_bytes": memory[0],
        "own_bytes": memory[1],
    }


def _answer(folder: Path, text: str) -> None:
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        embedder = embedder_of(snapshot.manifest.model, folder / "models")
        answerer = Answerer(store, snapshot, embedder, load_reranker())
        answerer.answer(Question(text, date(2023, 1, 1)))
        first = time.perf_counter()
        for place in range(20):
            answerer.answer(Question(f"{text} {place}", date(2023, 1, 1)))
    print(first, time.perf_counter(), memory("VmRSS"), memory("RssAnon"))


def measure(folder: Path, embedder: Embedder, questions: Sequence[Asked], more: Callable[[], None]) -> Figures:
    """All figures of a filled store.

    Args:
        folder: Its data folder.
        embedder: Of its vectors.
        questions: Asked again and again.
        more: Stores 1,000 further articles.
    """
    built = build_apart(folder, fresh=True)
    snapshot = open_snapshot(folder)
    today = date(2023, 12, 31)

    def ask(asked: Asked) -> float:
        return retrieve_once(snapshot, embedder, asked, today)

    for asked in questions[:20]:
        ask(asked)
    alone = {n: percentiles(by_askers(n, questions, ask)) for n in ASKERS}
    cpu = percentiles([retrieve_once(snapshot, embedder, asked, today, time.thread_time) for asked in questions])
    varied = percentiles([retrieve_once(snapshot, embedder, asked, asked.day) for asked in questions])
    recall = recall_at_100(snapshot, folder, questions[:100])
    with Store(folder) as store:
        answerer = Answerer(store, snapshot, embedder, load_reranker())
        answers, answers_cpu = [], []
        for number, asked in enumerate(questions[: N_WARM + N_ANSWERS]):
            started, started_cpu = time.perf_counter(), time.process_time()
            answerer.answer(Question(asked.text, today))
            if number >= N_WARM:
                answers.append(time.perf_counter() - started)
                answers_cpu.append(time.process_time() - started_cpu)
    fresh = answer_apart(folder, questions[0].text)
    size = sum(entry.size for entry in snapshot.manifest.files.values())
    more()
    added: dict[str, float] = {}
    adding = threading.Thread(target=lambda: added.update(build_apart(folder, fresh=False)))
    adding.start()
    while_adding: list[float] = []
    while adding.is_alive():
        while_adding.append(ask(questions[len(while_adding) % len(questions)]))
    adding.join()
    is_merge = not open_snapshot(folder).manifest.n_recent
    return Figures(
        n_passages=snapshot.manifest.n_passages,
        build_s=built["took_s"],
        build_memory_bytes=int(built["memory_bytes"]),
        bytes_a_passage=size / snapshot.manifest.n_passages,
        recall=recall,
        retrieve_ms=alone,
        cpu_ms=cpu,
        varied_ms=varied,
        adding_ms=percentiles(while_adding),
        add_s=added["took_s"],
        is_merge=is_merge,
        answer_ms=percentiles(answers),
        answer_cpu_ms=percentiles(answers_cpu),
        ask_s=command_s(folder, questions[0].text),
        fresh=fresh,
    )


# All sizes ------------------------------------------------------------------------------------------------


def read_questions(path: Path, embedder: Embedder, n: int) -> list[Asked]:
    """Up to `n` questions with their vectors, evenly over the file."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    some = rows[:: max(1, len(rows) // n)][:n]
    return [
        Asked(row["question"], date.fromisoformat(row["asked_on"]), embedder.embed_query(row["question"]))
        for row in some
    ]


def table(rows: Sequence[Figures]) -> str:
    """All figures, a column for each size."""

    def triple(values: tuple[float, float, float]) -> str:
        return " / ".join(f"{value:,.1f}" if value < 100 else f"{value:,.0f}" for value in values)

    lines: list[tuple[str, Callable[[Figures], str]]] = [
        ("passages", lambda f: f"{f.n_passages:,}"),
        ("build anew, s", lambda f: f"{f.build_s:,.1f}"),
        ("build: peak memory of its process, MB", lambda f: f"{f.build_memory_bytes / 1e6:,.0f}"),
        (f"add {N_ADDED:,} articles to the index, s", lambda f: f"{f.add_s:,.2f}{' (all anew)' if f.is_merge else ''}"),
        ("index on disk, B a passage", lambda f: f"{f.bytes_a_passage:,.0f}"),
        ("recall@100 against exact search", lambda f: f"{f.recall:.4f}"),
        *((f"retrieve, {n} asking, p50/p95/p99 ms", lambda f, n=n: triple(f.retrieve_ms[n])) for n in ASKERS),
        ("retrieve, 1 asking, CPU ms of its thread", lambda f: triple(f.cpu_ms)),
        ("retrieve, each as of its own day, ms", lambda f: triple(f.varied_ms)),
        ("retrieve while articles are added, ms", lambda f: triple(f.adding_ms)),
        ("whole answer, ms", lambda f: triple(f.answer_ms)),
        ("whole answer, CPU ms of all threads", lambda f: triple(f.answer_cpu_ms)),
        ("`newsquote ask`, start to end, s", lambda f: f"{f.ask_s:.2f}"),
        ("fresh process: start to first answer, s", lambda f: f"{f.fresh['first_answer_s']:.2f}"),
        ("fresh process: resident, MB", lambda f: f"{f.fresh['memory_bytes'] / 1e6:,.0f}"),
        ("fresh process: of it not mapped files, MB", lambda f: f"{f.fresh['own_bytes'] / 1e6:,.0f}"),
    ]
    cells = [[name, *(value(row) for row in rows)] for name, value in lines]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.rjust(w) if at else cell.ljust(w) for at, (cell, w) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    )


def plot(rows: Sequence[Figures], path: Path) -> None:
    """Growth of time, memory and disk over the sizes; needs matplotlib, which the extra `bench` brings."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = [row.n_passages for row in rows]
    figure, axes = pyplot.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    for place, name in enumerate(("p50", "p95", "p99")):
        axes[0].plot(sizes, [row.cpu_ms[place] for row in rows], marker="o", label=name)
    axes[0].set_title("retrieval, CPU ms")
    axes[0].legend(frameon=False)
    axes[1].plot(sizes, [row.build_s for row in rows], marker="o", label="build anew")
    axes[1].plot(sizes, [row.add_s for row in rows], marker="o", label=f"add {N_ADDED:,} articles")
    axes[1].set_title("seconds")
    axes[1].legend(frameon=False)
    axes[2].plot(sizes, [row.fresh["memory_bytes"] / 1e6 for row in rows], marker="o", label="answering process")
    axes[2].plot(sizes, [row.bytes_a_passage * row.n_passages / 1e6 for row in rows], marker="o", label="index on disk")
    axes[2].set_title("MB")
    axes[2].legend(frameon=False)
    for axis in axes:
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("passages")
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=80)


def sizes(text: str) -> list[int]:
    """Numbers of passages, between commas."""
    found = [int(size) for size in text.split(",")]
    if min(found) < 1:
        raise ValueError
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--passages", type=sizes, default=DEFAULT_SIZES, help="sizes, ascending, with commas")
    parser.add_argument("--from", dest="source", type=Path, default=Path(".eval/2022"), help="data folder to multiply")
    parser.add_argument("--questions", type=Path, default=Path("../shared/data/news-quiz/2022/questions.jsonl.gz"))
    parser.add_argument("--asked", type=int, default=200, help="how many of them")
    parser.add_argument("--work", type=Path, help="folder to work in; a temporary one if not given")
    parser.add_argument("--originals", type=int, default=60_000, help="real passages to multiply, at most")
    parser.add_argument("--plot", type=Path, help="where to draw the growth")
    parser.add_argument("--json", type=Path, help="where to write the figures; sizes that are there are kept")
    parser.add_argument("--build", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fresh", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--answer", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.asked < 1:
        parser.error("--asked: one question at least")
    if options.build:
        _build(options.build, fresh=options.fresh)
        return
    if options.answer:
        _answer(Path(options.answer[0]), options.answer[1])
        return
    work = options.work or Path(tempfile.mkdtemp(prefix="newsquote-scale-"))
    try:
        _run(options, work)
    finally:
        if options.work is None:
            shutil.rmtree(work, ignore_errors=True)


def _run(options: argparse.Namespace, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    has_quiz = (options.source / "corpus.db").is_file() and options.questions.is_file()
    source = options.source if has_quiz else work / "sample"
    embedder = load_embedder(exports=(source if has_quiz else work) / "models")
    if not has_quiz:
        source.mkdir(exist_ok=True)
        run_ingest([open_source(str(articles_path()))], source, lambda: (embedder, TOKENS), "bench", NOW_S)
    originals = read_originals(source, embedder, TOKENS, options.originals)
    questions = read_questions(options.questions if has_quiz else questions_path(), embedder, options.asked)
    print(
        f"{originals.n:,} real passages of {len(originals.articles):,} articles, multiplied: sentences shuffled, "
        "vectors turned by the angle of a real neighbour. No figure of quality.",
        f"real passages, cosine with the 1st/10th/100th nearest: {neighbourhood(originals.vectors)}",
        sep="\n",
        flush=True,
    )
    folder = work / "data"
    folder.mkdir(exist_ok=True)
    if not (folder / "models").exists():
        (folder / "models").symlink_to(((source if has_quiz else work) / "models").absolute())
    rows: list[Figures] = []
    state = folder / "next"
    for size in options.passages:
        number, n_now = map(int, state.read_text().split()) if state.exists() else (0, 0)
        with Store(folder, write=True) as store:
            started = time.perf_counter()
            number = fill(store, embedder, TOKENS, originals, max(0, size - n_now), NOW_S, number)
        print(f"{size:,}: filled in {time.perf_counter() - started:.0f} s", flush=True)

        def more(number: int = number) -> None:
            n_each = originals.n / len(originals.articles)
            with Store(folder, write=True) as store:
                number = fill(store, embedder, TOKENS, originals, int(N_ADDED * n_each), NOW_S, number)
                n = store.n_passages(store.splitter_id(recipe_for(embedder, TOKENS, "").splitter))
            state.write_text(f"{number} {n}")

        rows.append(measure(folder, embedder, questions, more))
        made = open_snapshot(folder)
        some = np.sort(np.random.default_rng(0).choice(made.manifest.n_passages, min(50_000, size), replace=False))
        print(f"{size:,}: cosine among {len(some):,} of them: {neighbourhood(made.vectors.vectors(some))}", flush=True)
        print(table(rows), flush=True)
        if options.json:
            options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
