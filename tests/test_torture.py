"""Twenty kills of an ingest, a re-index or a retraction; `make torture` does two hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from index import build
from index.types import Embedder
from ingest import indexing, pipeline
from tests.torture import Story, made_up_word, n_stored, torture, torture_real


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the torture makes small in this process is as it was for the next test."""
    monkeypatch.setattr(build, "MERGE_SHARE", build.MERGE_SHARE)
    for module, name in ((pipeline, "BATCH_DRAFTS"), (indexing, "SPLIT_ARTICLES"), (indexing, "EMBED_PASSAGES")):
        monkeypatch.setattr(module, name, getattr(module, name))


def test_twenty_kills_lose_nothing_that_was_reported(tmp_path: Path) -> None:
    said: list[str] = []
    n_failed = torture(tmp_path, 20, seed=20, say=said.append)
    assert n_failed == 0, "\n".join(said)


def test_a_kill_of_the_real_command_loses_nothing_that_was_reported(
    tmp_path: Path, exports: Path, embedder: Embedder
) -> None:
    said: list[str] = []
    n_failed = torture_real(tmp_path, 1, seed=1, models=exports, say=said.append)  # `embedder` has made the export
    assert n_failed == 0, "\n".join(said)


def test_invented_words_are_all_different() -> None:
    words = [Story("", made_up_word(number * 7_654_321 % 56**4)).word for number in range(20_000)]
    assert len(set(words)) == len(words)


def test_only_a_whole_stored_line_is_a_promise() -> None:
    assert n_stored("stored 12\nstored 1,024\nstored 2,0") == 1_024
    assert n_stored("stored 12\nstored 1,024, 8 of them before\nstored 2,000, 8 of") == 1_024
    assert n_stored("") == 0
