"""Many questions at once: a row for every line, in order, whatever one of them holds."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from bot.answer import Answerer
from bot.batch import answer_batch, open_lines
from bot.question import Question
from index.errors import BadInput
from index.snapshot import open_snapshot
from index.store import Store
from ingest.draft import Draft
from tests.fakes import HashingEmbedder, ingest_drafts

TEMPLATE = Question("", date(2025, 6, 30), always=True)
LARCH = Draft(
    origin="a",
    url="https://a.example/larch",
    title="Larch",
    published="2025-04-02",
    source="A",
    text="Ada planted a larch.",
)
HERON = Draft(
    origin="b", url="https://b.example/heron", title="Heron", published="2025-05-02", source="B", text="Bo saw a heron."
)


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answerer]:
    folder = tmp_path_factory.mktemp("batch")
    ingest_drafts(folder, [LARCH, HERON])
    with Store(folder) as store:
        yield Answerer(store, open_snapshot(folder), HashingEmbedder())


def rows(
    answerer: Answerer, *lines: bytes | dict[str, object], template: Question = TEMPLATE
) -> list[dict[str, object]]:
    packed = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return list(answer_batch(answerer, packed, template))


def test_a_bad_line_gets_its_own_row_and_the_order_is_kept(answerer: Answerer) -> None:
    found = rows(
        answerer,
        {"id": "first", "question": "Who planted a larch?"},
        b"no json",
        b"[1, 2]",
        b'{"id": 3}',
        b'{"id": 4, "question": 17}',
        b'{"id": 5, "question": ""}',
        b'{"id": 6, "question": "Who?", "asked_on": "2025-13-01"}',
        b'{"id": 7, "question": "Who?", "asked_on": 5}',
        b"\xff\xfe\xfa",
        b"[" * 100_000,
        b'{"id": NaN, "question": "Who?"}',
        {"id": "last", "question": "Who saw a heron?"},
    )
    assert [row["id"] for row in found] == ["first", None, None, 3, 4, 5, 6, 7, None, None, None, "last"]
    assert [row.get("error") for row in found] == [
        None,
        "line 2 is not JSON",
        "line 3 is not a JSON object",
        'line 4 has no "question"',
        'line 5 has no "question"',
        found[5]["error"],
        "line 7: asked_on is '2025-13-01'; write it as 2025-04-26",
        "line 8: asked_on is 5; write it as 2025-04-26",
        "line 9 is not JSON",
        "line 10 is not JSON",
        "line 11: the id holds a number that cannot be written again",
        None,
    ]
    assert "empty" in str(found[5]["error"])
    assert {row["status"] for row in found if "error" in row} == {"not_found"}
    assert {row["asked_on"] for row in found} == {"2025-06-30"}
    assert {row["status"] for row in found if "error" not in row} == {"answered"}


def test_blank_lines_windows_line_ends_and_a_byte_order_mark_change_nothing(answerer: Answerer) -> None:
    plain = rows(answerer, b'{"id":1,"question":"Who saw a heron?"}\n')
    assert rows(answerer, b'\xef\xbb\xbf{"id":1,"question":"Who saw a heron?"}\r\n', b"\r\n", b"  \n") == plain


def test_only_id_question_and_day_are_looked_at(answerer: Answerer) -> None:
    plain = {"id": 1, "question": "Who planted a larch?", "asked_on": "2025-05-20"}
    hints = {"choices": ["Bo"], "answers": ["Bo"], "evidence": "Bo planted it.", "evidence_urls": [HERON.url]}
    assert rows(answerer, plain | hints) == rows(answerer, plain)


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "9" * 5_000, '{"score": [NaN]}'])
def test_a_number_that_is_none_fails_no_question_whose_id_it_is_not(answerer: Answerer, value: str) -> None:
    line = f'{{"id": 7, "question": "Who saw a heron?", "evidence": {value}}}'.encode()
    (row,) = rows(answerer, line)
    assert (row["id"], row["status"], row.get("error")) == (7, "answered", None)


@pytest.mark.parametrize("question_id", ["a", 7, 1.5, True, None, ["a"], {"n": 1}])
def test_the_id_comes_back_as_it_was_given(answerer: Answerer, question_id: object) -> None:
    assert rows(answerer, {"id": question_id, "question": "Who?"})[0]["id"] == question_id


@pytest.mark.parametrize("question_id", ["1e999", "-1e999", '{"n": [1e999]}', "9" * 5_000])
def test_an_id_that_cannot_be_written_again_is_an_error_of_its_line(answerer: Answerer, question_id: str) -> None:
    line = f'{{"id": {question_id}, "question": "Who saw a heron?", "evidence": 1e999}}'.encode()
    (row,) = rows(answerer, line)
    assert (row["id"], row["error"]) == (None, "line 1: the id holds a number that cannot be written again")
    json.dumps(row, allow_nan=False)
    (row,) = rows(answerer, line.replace(question_id.encode(), b"7", 1))
    assert (row["id"], row["status"]) == (7, "answered")


def test_a_line_s_day_goes_before_today_and_an_option_s_day_before_the_line_s(answerer: Answerer) -> None:
    line = json.dumps({"question": "Who saw a heron?", "asked_on": "2025-04-15"}).encode()
    own = next(answer_batch(answerer, [line], TEMPLATE))
    assert (own["asked_on"], own["sources"]) == ("2025-04-15", [LARCH.url])
    given = next(answer_batch(answerer, [line], TEMPLATE, is_day_given=True))
    assert (given["asked_on"], given["sources"]) == ("2025-06-30", [HERON.url, LARCH.url])
    for nothing in (None, "", " "):
        unset = rows(answerer, {"question": "Who saw a heron?", "asked_on": nothing})[0]
        assert (unset["asked_on"], unset["status"]) == ("2025-06-30", "answered")


@pytest.mark.parametrize(
    ("given", "day"),
    [
        (" 2025-04-15\n", "2025-04-15"),
        ("2025-04-15T22:00:00", "2025-04-15"),
        ("2025-04-15T22:00:00.000Z", "2025-04-15"),
        ("2025-04-15T22:00-05:00", "2025-04-16"),
        ("2025-04-15T01:00+05:00", "2025-04-14"),
    ],
)
def test_an_instant_is_its_day_in_utc(answerer: Answerer, given: str, day: str) -> None:
    assert rows(answerer, {"question": "Who saw a heron?", "asked_on": given})[0]["asked_on"] == day


@pytest.mark.parametrize("given", ["2025-04-15trash", "2025-04", "0001-01-01T00:00+05:00", {"a": 1}, 20250415, True])
def test_what_is_no_day_is_an_error_and_its_row_has_the_day_of_asking(answerer: Answerer, given: object) -> None:
    (row,) = rows(answerer, {"id": 1, "question": "Who saw a heron?", "asked_on": given})
    assert row["error"] == f"line 1: asked_on is {given!r}; write it as 2025-04-26"
    assert (row["id"], row["asked_on"]) == (1, "2025-06-30")


class Failing:
    """An embedder whose runtime fails."""

    name, revision, runtime, dim, max_tokens = "failing", "1", "none", 64, 256

    def count_tokens(self, texts: object) -> list[int]:
        raise RuntimeError("out of order")

    embed_passages = embed_query = count_tokens


def test_a_question_that_fails_unexpectedly_does_not_end_the_rest(
    answerer: Answerer, caplog: pytest.LogCaptureFixture
) -> None:
    broken = Answerer(answerer._store, answerer._snapshot, Failing())  # type: ignore[arg-type]
    found = rows(broken, {"id": 1, "question": "Who won?"}, {"id": 2, "question": "What fell?"})
    assert [row["id"] for row in found] == [1, 2]
    assert found[0]["error"] == "line 1: it failed; the log says why"
    assert "out of order" in caplog.text


def test_a_gzip_file_is_unpacked_by_its_first_bytes_whatever_its_name(tmp_path: Path) -> None:
    plain, packed = tmp_path / "q.jsonl.gz", tmp_path / "q.jsonl"
    plain.write_bytes(b"one\ntwo\n")
    packed.write_bytes(gzip.compress(b"one\ntwo\n", mtime=0))
    for path in (plain, packed):
        with open_lines(str(path)) as lines:
            assert list(lines) == [b"one\n", b"two\n"]


@pytest.mark.parametrize("body", [b"one\ntwo\n", gzip.compress(b"one\ntwo\n", mtime=0)], ids=["plain", "gzip"])
def test_a_dash_reads_standard_input_which_may_be_packed_too(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(body))))
    with open_lines("-") as lines:
        assert list(lines) == [b"one\n", b"two\n"]


def test_standard_input_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    body = gzip.compress(b"one\n" * 100_000)[:-30]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(body))))
    with pytest.raises(BadInput, match=r"^The questions in standard input cannot be read"), open_lines("-") as lines:
        list(lines)


def test_a_file_cut_short_gives_its_lines_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "q.gz"
    path.write_bytes(gzip.compress(b"one\n" * 100_000)[:-30])
    with open_lines(str(path)) as lines:
        assert next(lines) == b"one\n"
        with pytest.raises(BadInput, match=r"^The questions in .*q\.gz cannot be read \(.+\); name another file\.$"):
            list(lines)


def test_a_failure_of_the_reader_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_bytes(b"one\n")
    with pytest.raises(BrokenPipeError), open_lines(str(path)):
        raise BrokenPipeError


@pytest.mark.parametrize("name", [".", "missing.jsonl", "a\0b"])
def test_a_file_that_cannot_be_opened_is_bad_input(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"), open_lines(str(tmp_path / name)):
        pass
