"""`newsquote cache`: its size, and an index that goes on without it."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import pytest

from index.snapshot import read_manifest
from index.store import Store
from ingest.job import run_reindex
from tests.cli import run
from tests.fakes import NOW_S, HashingEmbedder, ingest_drafts
from tests.test_pipeline import draft, story

OPENED = Path("/proc/self/fd")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    ingest_drafts(tmp_path, [draft(story(number)) for number in range(40)])
    return tmp_path


def test_the_size_of_the_cache_is_told(data: Path) -> None:
    ran = run("cache", "--data", str(data))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("80 vectors are cached, 0.0 MB of ")


def test_dropping_it_says_what_went_and_leaves_none(data: Path) -> None:
    ran = run("cache", "drop", "--data", str(data))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("80 vectors dropped, ")
    assert run("cache", "--data", str(data)).out.startswith("0 vectors are cached")
    assert run("cache", "drop", "--data", str(data)).out == "0 vectors dropped, 0.0 MB freed.\n"


def test_the_folder_named_before_the_verb_is_the_one_that_is_dropped_from(data: Path) -> None:
    elsewhere = {"NEWSQUOTE_DATA": str(data / "elsewhere")}
    ran = run("cache", "--data", str(data), "drop", env=elsewhere)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("80 vectors dropped, ")


def test_after_dropping_it_a_reindex_counts_on_the_vectors_of_the_live_index(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("cache", "drop", "--data", str(data))
    run_reindex(data, HashingEmbedder(), read_manifest(data).passage_tokens, "test", NOW_S, dry_run=True)
    assert "of which 0 are to be embedded" in capsys.readouterr().err


def test_without_room_for_the_rest_twice_every_vector_stays(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(data)
    with Store(data) as store:
        rest = store.size_bytes() - store.cached()[1]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2 * rest - 1))
    ran = run("cache", "drop", "--data", str(data))
    assert (ran.code, ran.out) == (1, "")
    assert re.match(rf"newsquote: Dropping the cache needs \d MB of disk in {data} for a while and \d MB are", ran.err)
    assert run("cache", "--data", str(data)).out.startswith("80 vectors are cached")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2 * rest))
    assert run("cache", "drop", "--data", str(data)).code == 0


@pytest.mark.skipif(not OPENED.exists(), reason="open files are listed on Linux alone")
def test_the_passing_file_lies_beside_the_corpus(data: Path) -> None:
    folder = data.rename(data.with_name("it's here"))
    passing: set[Path] = set()

    def look() -> None:
        for entry in OPENED.iterdir():
            with contextlib.suppress(OSError):
                passing.add(entry.readlink())

    with Store(folder, write=True) as store:
        store._db.execute("PRAGMA cache_size = 10")  # what is small would stay in memory
        store._db.set_progress_handler(look, 100)
        store.drop_cache()
    assert {path.parent for path in passing if "etilqs" in path.name} == {folder}


@pytest.mark.parametrize("words", [("cache",), ("cache", "drop")])
def test_a_folder_without_a_corpus_is_one_sentence_and_stays_empty(tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = run(*words, "--data", str(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert "newsquote ingest SOURCE" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_help_says_what_dropping_costs() -> None:
    said = " ".join(run("cache", "drop", "--help").out.split())
    assert "embedded anew" in said
    assert "read its vectors back" in said
    assert "twice as much" in said
