"""`newsquote cache`: its size, and an index that goes on without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.snapshot import read_manifest
from ingest.job import run_reindex
from tests.cli import run
from tests.fakes import NOW_S, HashingEmbedder, ingest_drafts
from tests.test_pipeline import draft, story


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
