"""The ingest verbs as whole jobs: what they say, what they promise, and a backup that comes back as it was."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.answer import Answerer
from bot.question import Question
from index.errors import BadInput, StoreError
from index.models import SMALL_MODEL
from index.snapshot import current_name, open_snapshot, read_manifest
from index.store import Store
from index.store_feeds import FeedStore
from index.types import Article, Embedder
from ingest.history import article_history, history_json
from ingest.identity import canonical_url
from ingest.job import run_export, run_ingest, run_reindex, run_retract
from ingest.report import LineProgress, Report, summary
from ingest.sources import open_source
from tests.cli import run
from tests.fakes import NOW_S, HashingEmbedder
from tests.torture import (
    LATER,
    Story,
    WideEmbedder,
    check_answers,
    check_promise,
    is_quoted,
    made_up_word,
    n_stored,
    write_stories,
)

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "ingest" / "sample" / "articles.jsonl"


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """A copy of the ingested sample that a test may change, with a folder for models of its own."""
    folder = shutil.copytree(sample_data, tmp_path / "data", symlinks=True)
    (folder / "models").unlink()
    (folder / "models").mkdir()
    for export in (sample_data / "models").glob("*-fp32"):
        (folder / "models" / export.name).symlink_to(export.resolve(), target_is_directory=True)
    return folder


def written(folder: Path) -> dict[Path, int]:
    """Every file and when it was written, without those by which SQLite's readers see each other."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if "corpus.db-" not in path.name}


def story(number: int, url: str = "") -> Story:
    return Story(url or f"https://paper.example/{number}", made_up_word(number * 7_654_321 % 56**4))


def ingest(folder: Path, *paths: Path, rejects: Path | None = None, now_s: int = NOW_S) -> list[str]:
    folder.mkdir(exist_ok=True)

    def embedder() -> tuple[Embedder, int]:
        return WideEmbedder(), 160

    return run_ingest([open_source(str(path)) for path in paths], folder, embedder, "test", now_s, rejects)


def ingest_rows(folder: Path, rows: Sequence[dict[str, object]], now_s: int = NOW_S) -> None:
    path = folder.with_name(folder.name + ".jsonl")
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ingest(folder, path, now_s=now_s)


def export(folder: Path, path: Path, *, all_versions: bool = True) -> Path:
    with Store(folder) as store:
        run_export(store, str(path), all_versions=all_versions)
    return path


def contents(folder: Path) -> list[tuple[Article, str, str, int | None]]:
    """All that an export must bring back, of every version in its order; but not its number in this store."""
    with Store(folder) as store:
        current = {article.id: article.text for article, _ in store.export(all_versions=False)}
        return [
            (replace(article, version=0), current[article.id], extra, store.valid_from_s(article.version))
            for article, extra in store.export()
        ]


# Ingest ---------------------------------------------------------------------------------------------------


def test_an_ingest_says_on_stderr_what_is_safe_and_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_stories(tmp_path / "a.jsonl", [story(1), story(2)])
    with path.open("a") as file:
        file.write("not json\n")
    assert ingest(tmp_path / "d", path) == []
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert lines[0] == "stored 2"
    assert "2 new, 0 changed, 0 same, 1 rejected" in said.err
    assert "rejected: 1 × not JSON" in lines
    assert lines[-1].endswith("the live index is now 000001")


def test_a_second_ingest_says_that_there_is_nothing_to_do_and_needs_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_stories(tmp_path / "a.jsonl", [story(1)])
    ingest(tmp_path / "d", path)
    capsys.readouterr()
    ingest(tmp_path / "d", path)
    said = capsys.readouterr().err.splitlines()
    assert (said[0], said[-1]) == ("stored 1, all of them before", "nothing to embed; the live index stays as it is")


def test_what_was_stored_before_is_told_from_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1)]))
    capsys.readouterr()
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1), story(2), story(3)]))
    assert capsys.readouterr().err.splitlines()[0] == "stored 3, 1 of them before"


def test_one_source_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    failures = ingest(tmp_path / "d", tmp_path / "empty", write_stories(tmp_path / "a.jsonl", [story(1)]))
    assert len(failures) == 1
    assert str(tmp_path / "empty") in failures[0]
    check_answers(tmp_path / "d", [story(1).word], [])


def test_rejects_are_written_as_json_lines(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"url": "https://a.example/1", "text": ""}\n{\n')
    ingest(tmp_path / "d", tmp_path / "a.jsonl", rejects=tmp_path / "rejects.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(row["origin"].rsplit("/", 1)[-1], row["reason"]) for row in rows] == [
        ("a.jsonl:1", "no text"),
        ("a.jsonl:2", "not JSON"),
    ]


def test_rejects_that_cannot_be_written_are_one_sentence_before_anything_is_read(tmp_path: Path) -> None:
    path = write_stories(tmp_path / "a.jsonl", [story(1)])
    with pytest.raises(BadInput, match=r"rejects cannot be written to .*nowhere/r \(No such file or directory\); name"):
        ingest(tmp_path / "d", path, rejects=tmp_path / "nowhere" / "r")


def test_the_rejects_of_a_run_that_is_broken_off_are_there_and_those_before_them_are_not_read(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "a.jsonl").write_text("{\n")

    def broken() -> tuple[Embedder, int]:
        raise StoreError("no model")

    (tmp_path / "d").mkdir()
    rejects = inbox / "rejects.jsonl"
    ingest(tmp_path / "d", write_stories(tmp_path / "b.jsonl", [story(1)]))
    for _ in range(2):
        source = open_source(str(inbox), leave_out=rejects)
        other = open_source(str(write_stories(tmp_path / "b.jsonl", [story(2)])))
        with pytest.raises(StoreError, match="no model"):
            run_ingest([source, other], tmp_path / "d", broken, "test", NOW_S, rejects)
        assert [json.loads(line)["reason"] for line in rejects.read_text().splitlines()] == ["not JSON"]


def test_a_source_cannot_take_the_rejects(tmp_path: Path) -> None:
    path = write_stories(tmp_path / "a.jsonl", [story(1)])
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    ran = run("--data", str(tmp_path / "d"), "ingest", str(path), "--rejects", str(tmp_path / "link"))
    assert (ran.code, ran.out) == (1, "")
    assert "cannot take the rejects as well" in ran.err
    assert path.read_bytes() == before


def test_an_error_of_the_run_is_not_blamed_on_the_rejects(tmp_path: Path) -> None:
    path = write_stories(tmp_path / "a.jsonl", [story(1)])

    def broken() -> tuple[Embedder, int]:
        raise OSError("the model's own trouble")

    (tmp_path / "d").mkdir()
    with pytest.raises(OSError, match="the model's own trouble"):
        run_ingest([open_source(str(path))], tmp_path / "d", broken, "test", NOW_S, tmp_path / "rejects")


def test_articles_are_safe_when_the_model_is_not_there_and_the_next_run_indexes_them(tmp_path: Path) -> None:
    path = write_stories(tmp_path / "a.jsonl", [story(1)])

    def broken() -> tuple[Embedder, int]:
        raise StoreError("no model")

    (tmp_path / "d").mkdir()
    with pytest.raises(StoreError, match="no model"):
        run_ingest([open_source(str(path))], tmp_path / "d", broken, "test", NOW_S)
    ingest(tmp_path / "d", path)
    check_answers(tmp_path / "d", [story(1).word], [])


_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
from newsquote import main
main()
"""


def test_the_command_says_in_one_sentence_that_the_disk_is_full_and_keeps_what_it_promised(tmp_path: Path) -> None:
    stories = [story(number) for number in range(300)]
    path = write_stories(tmp_path / "a.jsonl", stories)
    ingest(tmp_path / "d", write_stories(tmp_path / "one.jsonl", [story(999)]))
    command = [sys.executable, "-c", _LIMITED, "--data", str(tmp_path / "d"), "ingest", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("newsquote: The disk under ")
    assert last.endswith("run the same command again: everything reported as stored is safe.")
    check_promise(tmp_path / "d", stories[: n_stored(done.stderr)], set())
    check_answers(tmp_path / "d", [story(999).word], [])
    ingest(tmp_path / "d", path)
    check_answers(tmp_path / "d", [story(999).word, story(0).word, story(299).word], [])


# Export ---------------------------------------------------------------------------------------------------


def test_the_sample_comes_back_from_its_export_as_it_was(tmp_path: Path) -> None:
    ingest(tmp_path / "a", SAMPLE)
    backup = export(tmp_path / "a", tmp_path / "backup.jsonl")
    ingest(tmp_path / "b", backup)
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert export(tmp_path / "b", tmp_path / "again.jsonl").read_bytes() == backup.read_bytes()


@pytest.mark.parametrize("name", ["backup.jsonl", "backup.jsonl.gz"])
def test_two_exports_of_one_store_are_the_same_bytes(tmp_path: Path, name: str) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1), story(2)]))
    first = export(tmp_path / "d", tmp_path / name).read_bytes()
    (tmp_path / "other").mkdir()
    assert export(tmp_path / "d", tmp_path / "other" / f"x{name}").read_bytes() == first
    if name.endswith(".gz"):
        assert first[4:8] == bytes(4)  # no moment of writing, which would tell the exports of two seconds apart
    text = gzip.decompress(first) if name.endswith(".gz") else first
    assert [json.loads(line)["url"] for line in text.splitlines()] == [story(1).url, story(2).url]


def test_an_export_ingested_over_its_own_store_changes_nothing(tmp_path: Path) -> None:
    for at, number in enumerate([1, 2, 1, 3]):
        path = write_stories(tmp_path / "a.jsonl", [story(number, "https://paper.example/x")])
        ingest(tmp_path / "d", path, now_s=NOW_S + at)
    before, name = contents(tmp_path / "d"), current_name(tmp_path / "d")
    ingest(tmp_path / "d", export(tmp_path / "d", tmp_path / "backup.jsonl.gz"))
    assert contents(tmp_path / "d") == before
    assert current_name(tmp_path / "d") == name


def test_every_version_comes_back_also_of_an_article_that_was_changed_back(tmp_path: Path) -> None:
    url = "https://paper.example/x"
    for at, number in enumerate([1, 2, 1]):
        ingest(tmp_path / "a", write_stories(tmp_path / "a.jsonl", [story(number, url)]), now_s=NOW_S + at)
    ingest(tmp_path / "b", export(tmp_path / "a", tmp_path / "backup.jsonl"))
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert len(contents(tmp_path / "b")) == 3
    check_answers(tmp_path / "b", [story(1).word], [story(2)])


def test_unknown_fields_local_articles_and_undated_ones_come_back(tmp_path: Path) -> None:
    extra = {"section": "World", "n": 3, "tags": ["a", {"b": None}], "\u00fcber": "\u2019"}
    rows: list[dict[str, object]] = [
        {"url": "https://a.example/1?id=7&utm_source=x", "title": "T", "text": "One sentence stands here.", **extra},
        {"title": "Local", "text": "Another sentence stands here.", "authors": ["A. B.", "Doe, Jane"]},
        {
            "url": "https://a.example/2",
            "title": "",
            "text": "\u201cThird\u201d \U0001f309.",
            "published": "2025-04-01T09:30:00+02:00",
        },
        {
            "url": "https://a.example/3",
            "title": "D",
            "text": "A day only.",
            "published": "2025-04-01",
            "language": "en",
        },
    ]
    ingest_rows(tmp_path / "a", rows)
    backup = export(tmp_path / "a", tmp_path / "backup.jsonl")
    first = json.loads(backup.read_text(encoding="utf-8").splitlines()[0])
    assert {key: first[key] for key in extra} == extra
    ingest(tmp_path / "b", backup)
    assert contents(tmp_path / "b") == contents(tmp_path / "a")


def test_no_word_of_a_retracted_article_is_in_the_export(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1), story(2)]))
    run_retract(tmp_path / "d", [story(1).url], NOW_S, dry_run=False)
    rows = [json.loads(line) for line in export(tmp_path / "d", tmp_path / "backup.jsonl").read_text().splitlines()]
    assert [row["url"] for row in rows] == [story(2).url, story(1).url]
    kept = {"id": story(1).url, "retracted_s": NOW_S}
    assert rows[1] == {"url": story(1).url, "title": "", "text": "", "newsquote": kept}


def test_only_current_versions_are_exported_where_only_these_are_wanted(tmp_path: Path) -> None:
    for number in (1, 2):
        ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(number, "https://paper.example/x")]))
    lines = export(tmp_path / "d", tmp_path / "c.jsonl", all_versions=False).read_text().splitlines()
    assert len(lines) == 1
    assert story(2).word in lines[0]


def test_an_export_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1)]))
    with pytest.raises(
        StoreError, match=r"export cannot be written to .*nowhere/b.jsonl \(No such file or directory\)"
    ):
        export(tmp_path / "d", tmp_path / "nowhere" / "b.jsonl")


def test_an_export_that_finds_no_room_is_one_sentence_and_leaves_what_was_there(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(number) for number in range(300)]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.jsonl").write_text("the backup of yesterday")
    command = [sys.executable, "-c", _LIMITED, "--data", str(tmp_path / "d"), "export", str(tmp_path / "out/b.jsonl")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"newsquote: The export cannot be written to .*b\.jsonl \(File too large\)\.\n", done.stderr)
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["the backup of yesterday"]


def test_an_export_follows_a_link_and_goes_into_a_pipe(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1)]))
    whole = export(tmp_path / "d", tmp_path / "real.jsonl").read_bytes()
    (tmp_path / "real.jsonl").write_text("old")
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    export(tmp_path / "d", tmp_path / "link.jsonl")
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").read_bytes() == whole
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        export(tmp_path / "d", pipe)
        assert os.read(reader, 65_536) == whole
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_where_cleaning_cut_the_text_and_that_it_is_a_stub_come_back(tmp_path: Path) -> None:
    text = "The bridge stays open.\n\nAlso Read: ten bridges to see\n\nIt was built by hand."
    ingest_rows(tmp_path / "a", [{"url": "https://a.example/1", "title": "Bridge", "text": text}])
    with Store(tmp_path / "a") as store:
        ((article, _),) = store.export()
    assert article.cuts != ()
    assert "Also Read" not in article.text
    ingest(tmp_path / "b", export(tmp_path / "a", tmp_path / "backup.jsonl"))
    assert contents(tmp_path / "b") == contents(tmp_path / "a")


def test_a_version_without_an_update_date_is_valid_from_the_same_moment_after_a_restore(tmp_path: Path) -> None:
    url = "https://paper.example/x"
    for number, now_s in ((1, NOW_S), (2, NOW_S + 1_000)):
        ingest(tmp_path / "a", write_stories(tmp_path / "a.jsonl", [story(number, url)]), now_s=now_s)
    ingest(tmp_path / "b", export(tmp_path / "a", tmp_path / "backup.jsonl"), now_s=NOW_S + 10**7)
    assert [valid_from_s for _, _, _, valid_from_s in contents(tmp_path / "b")] == [None, NOW_S + 1_000]


def test_an_article_that_was_changed_back_has_all_its_versions_after_a_restore(tmp_path: Path) -> None:
    url = "https://paper.example/x"
    for at, number in enumerate((1, 2, 1, 3)):
        ingest(tmp_path / "a", write_stories(tmp_path / "a.jsonl", [story(number, url)]), now_s=NOW_S + 1_000 * at)
    backup = export(tmp_path / "a", tmp_path / "backup.jsonl")
    for _ in range(2):  # and no more of them the second time
        ingest(tmp_path / "b", backup, now_s=NOW_S + 10**7)
        assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert [article.text for article, *_ in contents(tmp_path / "b")] == [
        json.loads(story(number, url).line())["text"] for number in (1, 2, 1, 3)
    ]


@pytest.mark.parametrize("value", [7, {"cuts": [-1]}, {"cuts": "3"}, {"valid_from_s": 2**60}, {"other": 1}])
def test_a_field_of_that_name_with_something_else_in_it_is_any_unknown_field(tmp_path: Path, value: object) -> None:
    ingest_rows(tmp_path / "a", [{"url": "https://a.example/1", "text": "The bridge stays.", "newsquote": value}])
    ((article, _, extra, _),) = contents(tmp_path / "a")
    assert json.loads(extra) == {"newsquote": value}
    assert article.cuts == ()


def test_values_that_no_known_field_can_have_come_back_under_their_names(tmp_path: Path) -> None:
    ingest_rows(
        tmp_path / "a",
        [
            {"url": "https://a.example/1", "text": "The bridge stays.", "title": ["a", "b"], "publisher": ["c"]},
            {"url": "https://a.example/2", "text": "The ferry sails.", "title": {"x": 1}, "headline": "Not read"},
            {"url": "https://a.example/3", "text": "The road ends.", "title": "Road", "headline": "A road", "lang": 7},
            {"text": "The valve leaks.", "newsquote": "ours", "date": [1], "isbn": None},
        ],
    )
    stored = [json.loads(extra) if extra else {} for _, _, extra, _ in contents(tmp_path / "a")]
    assert stored == [
        {"title": ["a", "b"], "source": ["c"]},
        {"headline": "Not read", "title": {"x": 1}},
        {"headline": "A road", "language": 7},
        {"newsquote": "ours", "isbn": None, "published": [1]},
    ]
    backup = export(tmp_path / "a", tmp_path / "backup.jsonl")
    ingest(tmp_path / "b", backup)
    again = contents(tmp_path / "b")
    assert [json.loads(extra) for _, _, extra, _ in again] == stored
    assert [article for article, *_ in again] == [article for article, *_ in contents(tmp_path / "a")]
    assert export(tmp_path / "b", tmp_path / "again.jsonl").read_bytes() == backup.read_bytes()


def test_a_cut_that_cleaning_cannot_have_made_is_none(tmp_path: Path) -> None:
    text = "The bridge stays.\nIt was built by hand."
    cuts = [3, 0, text.index("It"), len(text), 10**6]
    ingest_rows(tmp_path / "a", [{"url": "https://a.example/1", "text": text, "newsquote": {"cuts": cuts}}])
    ((article, *_),) = contents(tmp_path / "a")
    assert article.cuts == (text.index("It"), len(text))


# Retract --------------------------------------------------------------------------------------------------


def test_retract_takes_the_address_in_any_of_its_forms_and_says_what_it_did(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1), story(2)]))
    said = run_retract(tmp_path / "d", ["HTTPS://Paper.example/1?utm_source=x#top"], NOW_S, dry_run=False)
    assert said.startswith("1 article retracted: no answer from there any more.")
    check_answers(tmp_path / "d", [story(2).word], [story(1)])


def test_retract_takes_all_that_is_stored_under_any_spelling_of_an_address(tmp_path: Path) -> None:
    spellings = [
        "https://paper.example/caf%c3%a9",
        "https://paper.example/caf%C3%A9",
        "https://paper.example/x/../café",
    ]
    others = ["https://paper.example/cafe", "https://paper.example/caf%c3%a9/2", "https://paper.example.org/café"]
    stories = [replace(story(n), url=url) for n, url in enumerate([*spellings, *others])]
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", stories))
    said = run_retract(tmp_path / "d", ["https://www.paper.example/café?utm_source=x"], NOW_S, dry_run=False)
    assert said.startswith("3 articles retracted")
    with Store(tmp_path / "d") as store:
        assert {store.is_retracted(canonical_url(url) or "") for url in spellings} == {True}
        assert {store.is_retracted(canonical_url(url) or "") for url in others} == {False}


def test_articles_without_a_usable_address_are_retracted_by_what_the_export_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [made_up_word(number) for number in (11, 22)]
    ingest_rows(tmp_path / "d", [{"url": "notaurl", "text": f"The bridge of {words[0]} stays."}])
    assert "repaired: 1 × url that is no web address" in capsys.readouterr().err
    ingest_rows(tmp_path / "d", [{"title": "B", "text": f"The bridge of {words[1]} stays."}])
    backup = export(tmp_path / "d", tmp_path / "backup.jsonl")
    rows = [json.loads(line) for line in backup.read_text(encoding="utf-8").splitlines()]
    assert rows[0]["url"] == "notaurl"
    said = run_retract(tmp_path / "d", ["notaurl", rows[1]["newsquote"]["id"]], NOW_S, dry_run=False)
    assert said.startswith("2 articles retracted")
    assert contents(tmp_path / "d") == []


def test_the_history_takes_what_retract_takes(tmp_path: Path) -> None:
    ingest_rows(tmp_path / "d", [{"url": "not a url", "text": "The bridge stays."}])
    with FeedStore(tmp_path / "d") as store:
        shown = history_json(article_history(store, "not a url"))
        assert (shown["url"], len(shown["versions"])) == (None, 1)  # type: ignore[arg-type]
    ingest_rows(tmp_path / "d", [{"url": "not a url", "text": "The ferry sails."}])
    with FeedStore(tmp_path / "d") as store, pytest.raises(BadInput, match="not a url was given for 2 articles"):
        article_history(store, "not a url")


def test_what_was_retracted_before_is_not_counted_again(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1), story(2)]))
    before = run_retract(tmp_path / "d", [story(1).url, story(1).url], NOW_S, dry_run=False)
    assert before.startswith("1 article retracted: ")
    for dry_run in (True, False):
        again = run_retract(tmp_path / "d", [story(1).url], NOW_S, dry_run=dry_run)
        assert again == "Nothing is left to retract: what was named was retracted before."
    both = [story(1).url, story(2).url]
    assert run_retract(tmp_path / "d", both, NOW_S, dry_run=True) == "1 article would be retracted."


def test_a_summary_counts_one_thing_as_one() -> None:
    one = Report(
        n_read=2, n_new=1, n_copies=1, n_stubs=1, n_retracted=1, n_removed_lines=1, n_embedded=1, snapshot="000001"
    )
    assert summary(one, 1.0).splitlines()[1:] == [
        "among the new and changed: 1 copy, 1 stub; 1 boilerplate line removed",
        "1 was retracted before and stays so",
        "1 passage embedded; the live index is now 000001",
    ]


def test_a_dry_run_of_retract_changes_nothing(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1)]))
    assert run_retract(tmp_path / "d", [story(1).url], NOW_S, dry_run=True) == "1 article would be retracted."
    check_answers(tmp_path / "d", [story(1).word], [])


def test_retract_of_an_unknown_address_retracts_none_of_the_others(tmp_path: Path) -> None:
    ingest(tmp_path / "d", write_stories(tmp_path / "a.jsonl", [story(1)]))
    with pytest.raises(BadInput, match=r"https://paper.example/9 is not in the corpus; `newsquote export` lists"):
        run_retract(tmp_path / "d", [story(1).url, "https://paper.example/9"], NOW_S, dry_run=False)
    check_answers(tmp_path / "d", [story(1).word], [])


# Reindex --------------------------------------------------------------------------------------------------


def test_reindex_says_what_it_needs_and_switches_to_another_passage_length(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(tmp_path, write_stories(tmp_path / "a.jsonl", [story(number) for number in range(6)]))
    capsys.readouterr()
    run_reindex(tmp_path, WideEmbedder(), 40, "test", NOW_S, dry_run=False)
    said = capsys.readouterr().err
    assert said.startswith("6 articles, about ")
    assert "MB are free" in said.splitlines()[0]
    assert said.splitlines()[-1].endswith("the live index is now 000002")
    assert read_manifest(tmp_path).passage_tokens == 40
    check_answers(tmp_path, [story(number).word for number in range(6)], [])


def test_the_same_reindex_again_embeds_nothing(tmp_path: Path) -> None:
    ingest(tmp_path, write_stories(tmp_path / "a.jsonl", [story(1)]))
    embedder = WideEmbedder()
    run_reindex(tmp_path, embedder, 160, "test", NOW_S, dry_run=False)
    assert embedder.n_embedded <= 2  # to measure its speed
    assert current_name(tmp_path) == "000002"


def test_a_dry_run_of_reindex_builds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ingest(tmp_path, write_stories(tmp_path / "a.jsonl", [story(1)]))
    run_reindex(tmp_path, HashingEmbedder("another"), 40, "test", NOW_S, dry_run=True)
    assert "are to be embedded" in capsys.readouterr().err
    assert current_name(tmp_path) == "000001"


def test_a_dry_run_of_reindex_writes_nothing_at_all(data: Path) -> None:
    before = written(data)
    ran = run("--data", str(data), "reindex", "--passage-tokens", "2000", "--dry-run")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("passages have 210 tokens at most: the model reads no more\n")
    assert written(data) == before


def test_an_index_of_the_small_model_is_asked_and_added_to_with_it(data: Path, tmp_path: Path) -> None:
    ran = run("--data", str(data), "reindex", "--model", SMALL_MODEL)
    assert ran.code == 0, ran.err
    answer = run("--data", str(data), "ask", "what deadline did Bessent mention?", "--asked-on", "2025-04-30")
    assert "April 26" in answer.out
    more = write_stories(tmp_path / "more.jsonl", [story(1)])
    assert run("--data", str(data), "ingest", str(more)).code == 0
    assert read_manifest(data).model.name == SMALL_MODEL
    ran = run("--data", str(data), "reindex", "--runtime", "torch")
    assert (ran.code, ran.out) == (1, "")
    assert "newsquote-small runs on ONNX Runtime alone" in ran.err
    assert read_manifest(data).model.runtime == "onnx-int8"


def test_the_index_says_how_long_its_passages_can_be_and_not_what_was_asked_for(tmp_path: Path) -> None:
    ingest(tmp_path, write_stories(tmp_path / "a.jsonl", [story(1)]))
    embedder = WideEmbedder()
    run_reindex(tmp_path, embedder, 100_000, "test", NOW_S, dry_run=False)
    assert read_manifest(tmp_path).passage_tokens < embedder.max_tokens


def test_reindex_of_a_folder_without_a_corpus_is_an_error_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no corpus"):
        run_reindex(tmp_path, HashingEmbedder(), 160, "test", NOW_S, dry_run=False)
    assert list(tmp_path.iterdir()) == []


def test_a_backup_of_the_truth_alone_is_reindexed(tmp_path: Path) -> None:
    ingest(tmp_path / "a", write_stories(tmp_path / "a.jsonl", [story(1)]))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "corpus.db").write_bytes((tmp_path / "a" / "corpus.db").read_bytes())
    run_reindex(tmp_path / "b", WideEmbedder(), 160, "test", NOW_S, dry_run=False)
    check_answers(tmp_path / "b", [story(1).word], [])


# While others ask -----------------------------------------------------------------------------------------

_ASK = """
import sys
from pathlib import Path
from tests.test_job import ask_until_told
ask_until_told(Path(sys.argv[1]))
"""


def ask_until_told(folder: Path) -> None:
    """Ask from the files on, again and again, until standard input closes; say how often that was right."""
    told = threading.Event()

    def listen() -> None:
        sys.stdin.read()
        told.set()

    threading.Thread(target=listen, daemon=True).start()
    n_right = n_asked = 0
    names = set()
    print("asking", flush=True)
    while not told.is_set():
        with Store(folder) as store:
            snapshot = open_snapshot(folder)
            answerer = Answerer(store, snapshot, WideEmbedder())
            for one in (story(1), story(2)):
                answer = answerer.answer(Question(one.question, asked_on=LATER, read_filters=False, always=True))
                n_right += is_quoted(answer, one.word)
                n_asked += 1
        names.add(snapshot.name)
    print(n_right, n_asked, len(names))


def test_another_process_gets_right_answers_throughout_an_ingest(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    ingest(folder, write_stories(tmp_path / "a.jsonl", [story(1), story(2)]))
    with subprocess.Popen(
        [sys.executable, "-c", _ASK, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdin is not None and asking.stdout is not None
        assert asking.stdout.readline() == "asking\n"
        for number in range(10, 18):
            ingest(folder, write_stories(tmp_path / "a.jsonl", [story(100 * number + at) for at in range(20)]))
        asking.stdin.close()
        n_right, n_asked, n_snapshots = map(int, asking.stdout.read().split())
    assert asking.returncode == 0
    assert n_right == n_asked > 0
    assert n_snapshots > 1


# Progress -------------------------------------------------------------------------------------------------


class Full(io.StringIO):
    """A file on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_progress_that_cannot_be_written_stops_nothing() -> None:
    progress = LineProgress(Full())
    progress.stored(1, 0)
    progress.embedded(1, 1)
    progress.building(1)


def test_lines_of_progress_are_few_and_the_last_one_is_never_missing(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([0.0, 0.5, 2.1, 2.2])
    progress = LineProgress(clock=lambda: next(moments))
    for done in (1, 2, 3, 4):
        progress.embedded(done * 1_000, 4_000)
    assert capsys.readouterr().err.splitlines() == [
        "embedded 1,000 of 4,000 passages",
        "embedded 3,000 of 4,000 passages",
        "embedded 4,000 of 4,000 passages",
    ]


def test_an_article_of_the_store_is_what_its_version_was(tmp_path: Path) -> None:
    ingest(tmp_path, write_stories(tmp_path / "a.jsonl", [story(1)]))
    with Store(tmp_path) as store:
        article = store.article(1)
    assert isinstance(article, Article)
    assert article.text == json.loads(story(1).line())["text"]
