"""Work beside the caller: the same results in the same order, whoever computes them and whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from index.embed import load_embedder
from index.store import Store
from index.types import Article
from ingest import workers as workers_module
from ingest.draft import Draft
from ingest.indexing import split_missing
from ingest.pipeline import store_articles
from ingest.workers import MIN_ITEMS, Workers
from tests.fakes import NOW_S, HashingEmbedder, SilentProgress
from tests.torture import made_up_word

ROOT = Path(__file__).parent.parent
MANY = range(2 * MIN_ITEMS)


def computed_by(number: int) -> tuple[int, int]:
    return number, os.getpid()


def dying(number: int, parent: int) -> int:
    if number == MIN_ITEMS and os.getpid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
    return -number


def refusing(number: int) -> int:
    if number == MIN_ITEMS:
        raise ValueError(f"not {number}")
    return number


def test_many_are_computed_in_other_processes_and_few_here() -> None:
    with Workers(2) as workers:
        many, few = list(workers.map(computed_by, MANY)), list(workers.map(computed_by, MANY[: MIN_ITEMS - 1]))
    assert [number for number, _ in many] == list(MANY)
    assert os.getpid() not in {process for _, process in many}
    assert {process for _, process in few} == {os.getpid()}


def test_on_one_core_all_is_computed_here() -> None:
    with Workers(1) as workers:
        assert {process for _, process in workers.map(computed_by, MANY)} == {os.getpid()}


def test_what_a_killed_process_leaves_is_computed_here(caplog: pytest.LogCaptureFixture) -> None:
    with Workers(2) as workers:
        assert list(workers.map(partial(dying, parent=os.getpid()), MANY)) == [-number for number in MANY]
        assert {process for _, process in workers.map(computed_by, MANY)} == {os.getpid()}
    assert [record.message.split(" reason=")[0] for record in caplog.records] == [
        "working on without further processes"
    ]


@pytest.mark.parametrize("error", [OSError(38, "no semaphores here"), ImportError("no semaphores")])
def test_where_no_process_may_be_started_all_is_computed_here(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(workers_module, "ProcessPoolExecutor", refuse)
    with Workers(2) as workers:
        assert {process for _, process in workers.map(computed_by, MANY)} == {os.getpid()}
    assert len(caplog.records) == 1


def test_what_work_raises_is_raised_here() -> None:
    with Workers(2) as workers, pytest.raises(ValueError, match=f"not {MIN_ITEMS}"):
        list(workers.map(refusing, MANY))


_HOLDS_WORKERS = """
import time
from tests.test_workers import MANY, computed_by
from ingest.workers import Workers

if __name__ == "__main__":
    workers = Workers(2)
    print(*{process for _, process in workers.map(computed_by, MANY)}, flush=True)
    time.sleep(60)
"""


def test_no_process_outlives_the_one_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "holds.py"
    script.write_text(_HOLDS_WORKERS, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as run:
        assert run.stdout is not None
        processes = [int(process) for process in run.stdout.readline().split()]
        run.kill()
    assert processes
    until = time.monotonic() + 20
    while any(map(is_running, processes)):
        assert time.monotonic() < until
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to take its exit status.
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or ") Z " not in state.read_text(encoding="utf-8")


def drafts() -> list[Draft]:
    """Of two outlets; with lines that many have, some of them walls and credits, and texts that are no longer one."""
    found: list[Draft] = []
    for number in range(2 * MIN_ITEMS):
        word = made_up_word(number * 7_654_321 % 56**4)
        lines = [
            f"The {word} bridge was closed on Monday, the city said.",
            "Photo: Reuters",
            f"It will open again on {1 + number % 28} May, {number} workers are told. A {word} is no tulip.",
            "This outlet is free for everybody who reads it daily." if number % 2 else "Subscribe to our newsletter",
        ]
        if number % 9 == 0:
            lines[0] = f"Die {word} Brücke ist seit Montag gesperrt und wird erst im Mai wieder für alle geöffnet."
            lines[2] = (
                f"Das hat der Rat am {1 + number % 28}. Mai mit {number} Stimmen beschlossen, wie es aus ihm heißt."
            )
        if number % 7 == 0 and number:
            lines = found[-1].text.split("\n\n")
        text = "\n\n".join(lines)
        source = ("The Paper", "Other News")[number % 2]
        found.append(Draft("test", text, f"https://{number % 2}.example/{number}", word, "2025-04-01", source=source))
    return found


def stored(folder: Path, workers: Workers | None) -> tuple[list[tuple[Article, str]], list[bytes], list[object]]:
    """Articles, fingerprints and passages of the drafts, ingested into a folder."""
    embedder = load_embedder(runtime="onnx-fp32", exports=folder / "models")
    folder.mkdir()
    with Store(folder, write=True) as store:
        store_articles(drafts(), store, NOW_S, SilentProgress(), workers=workers)
        splitter = split_missing(store, embedder, 40, workers)
        passages = store.unembedded(splitter, store.model_id("none"), (0, -1), 10_000)
        return list(store.export()), [mark for *_, mark in store.fingerprints()], list(passages)


def test_a_corpus_is_the_same_whoever_prepares_and_splits_it(tmp_path: Path) -> None:
    with Workers(2) as workers:
        beside = stored(tmp_path / "beside", workers)
        assert workers._pool is not None
    assert beside == stored(tmp_path / "here", None)
    articles, marks, passages = beside
    assert len(articles) == len(marks) < len(passages)
    assert {article.language for article, _ in articles} >= {"de", "en"}
    assert any(article.copy_of for article, _ in articles)
    assert all(article.cuts for article, _ in articles)


def test_texts_whose_tokens_cannot_be_counted_elsewhere_are_split_here(tmp_path: Path) -> None:
    with Store(tmp_path, write=True) as store, Workers(2) as workers:
        store_articles(drafts(), store, NOW_S, SilentProgress())
        split_missing(store, HashingEmbedder(), 40, workers)
        assert workers._pool is None
        assert store.counts()["articles"] == 2 * MIN_ITEMS
