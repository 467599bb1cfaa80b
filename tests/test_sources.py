"""Local sources: every format, every kind of broken input, and flat memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import BadInput
from ingest.draft import Draft, Reject
from ingest.feed_files import listed_feeds, sitemap_file
from ingest.folders import MAX_LINE_BYTES, MAX_RATIO, RATIO_FROM_BYTES, ByteStream
from ingest.records import from_json_array, from_record
from ingest.sources import kind_of, open_source

ROOT = Path(__file__).parent.parent
EVAL = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", ROOT / ".." / "shared" / "data"))
TEXT = "The council met on Monday. It voted to keep the bridge open."
ROW = {"url": "https://example.org/a", "title": "Bridge stays", "published": "2025-04-18", "text": TEXT}


def read(path: Path, *, title: str = "") -> list[Draft | Reject]:
    return list(open_source(str(path), title=title).articles())


def read_bytes(
    content: bytes, *, url: str = "", title: str = "", published: str = "", source: str = ""
) -> list[Draft | Reject]:
    given = open_source("-", stdin=io.BytesIO(content), url=url, title=title, published=published, source=source)
    return list(given.articles())


def drafts(found: list[Draft | Reject]) -> list[Draft]:
    return [one for one in found if isinstance(one, Draft)]


def rejects(found: list[Draft | Reject]) -> list[tuple[str, str]]:
    return [(one.origin, one.reason) for one in found if isinstance(one, Reject)]


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def one_draft(content: bytes, **given: str) -> Draft:
    (found,) = read_bytes(content, **given)
    assert isinstance(found, Draft)
    return found


def one_reject(content: bytes) -> Reject:
    (found,) = read_bytes(content)
    assert isinstance(found, Reject)
    return found


# --- JSON lines


def test_a_line_becomes_a_draft_with_every_field() -> None:
    record = ROW | {
        "source": "Example Post",
        "authors": ["Ann Lee", {"name": "Bo Ek"}],
        "updated": "2025-04-19",
        "language": "en-GB",
        "section": {"name": "Local", "rank": 2},
    }
    assert read_bytes(lines(record)) == [
        Draft(
            origin="stdin:1",
            text=TEXT,
            url="https://example.org/a",
            title="Bridge stays",
            published="2025-04-18",
            updated="2025-04-19",
            date_from="record",
            source="Example Post",
            authors=("Ann Lee", "Bo Ek"),
            language="en",
            extra='{"section": {"name": "Local", "rank": 2}}',
        )
    ]


def test_other_names_for_fields_are_understood_however_they_are_written() -> None:
    record = {"Link": "u", "headline": "h", "publishedAt": "p", "Date Modified": "m", "article_body": "t"}
    draft = one_draft(lines(record))
    assert (draft.url, draft.title, draft.published, draft.updated, draft.text) == ("u", "h", "p", "m", "t")
    assert draft.extra == ""
    record = {"date_publish": "p", "date_modify": "m", "maintext": "t"}
    draft = one_draft(lines(record))
    assert (draft.published, draft.updated, draft.text, draft.extra) == ("p", "m", "t", "")


def test_a_blank_field_gives_way_to_its_other_name_and_a_second_value_is_kept() -> None:
    draft = one_draft(lines({"text": " ", "body": "real", "content": "teaser", "date": "d", "published": "p"}))
    assert (draft.text, draft.published) == ("real", "p")
    assert json.loads(draft.extra) == {"content": "teaser", "date": "d"}


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Ann Lee", ("Ann Lee",)),
        ("Lee, Ann; Ek, Bo", ("Lee, Ann", "Ek, Bo")),
        ("['Ann Lee', \"Bo O'Ek\"]", ("Ann Lee", "Bo O'Ek")),
        ("[Ann Lee, Bo Ek]", ("Ann Lee", "Bo Ek")),
        ([" Ann Lee ", "", None], ("Ann Lee",)),
        (None, ()),
        (7, ("7",)),
    ],
)
def test_authors_are_read_from_a_list_or_a_string(written: object, names: tuple[str, ...]) -> None:
    assert one_draft(lines(ROW | {"authors": written})).authors == names


def test_dates_pass_through_as_written() -> None:
    assert one_draft(lines(ROW | {"published": " Fri, 18 Apr 2025 "})).published == " Fri, 18 Apr 2025 "
    assert one_draft(lines(ROW | {"published": 1744934400})).published == "1744934400"


def test_a_field_of_an_odd_type_is_kept_aside_with_a_warning() -> None:
    draft = one_draft(lines(ROW | {"title": ["a", "b"]}))
    assert (draft.title, draft.warnings, draft.extra) == ("", ("odd title",), '{"title": ["a", "b"]}')


def test_a_text_that_its_service_cut_is_a_stub() -> None:
    assert one_draft(lines({"content": "The council met on… [+1204 chars]"})).is_stub
    assert not one_draft(lines(ROW)).is_stub


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense", "not JSON"),
        (b'{"text": "cut', "not JSON"),
        (b"[1, 2]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"title": "x"}', "no text"),
        (b'{"text": null}', "no text"),
        (b'{"text": " \\n\\u00a0"}', "no text"),
        (b'{"text": "\\u0000"}', "no text"),
        (b'{"text": 5}', "text is no string"),
        (b'{"text": ["a"]}', "text is no string"),
        (b'{"text": "x", "n": ' + b"9" * 5000 + b"}", "number too long"),
        (b'{"text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b"\0" * 500, "not JSON"),
    ],
)
def test_a_bad_line_is_one_reject_that_names_its_line_and_costs_no_other(line: bytes, reason: str) -> None:
    found = read_bytes(lines(ROW) + line + b"\n" + lines(ROW))
    assert [type(one) for one in found] == [Draft, Reject, Draft]
    assert rejects(found) == [("stdin:2", reason)]
    assert isinstance(found[1], Reject)
    assert "stdin:2" in found[1].detail
    assert len(found[1].detail) < 600


def test_not_a_number_becomes_null_and_the_last_of_two_equal_keys_counts() -> None:
    draft = one_draft(b'{"text": "a", "text": "b", "x": NaN, "y": -Infinity, "z": 1e999, "w": 1.5}')
    assert draft.text == "b"
    assert json.loads(draft.extra) == {"x": None, "y": None, "z": None, "w": 1.5}


def test_lone_surrogates_and_nul_characters_are_taken_out_with_a_warning() -> None:
    draft = one_draft(b'{"text": "a\\ud800b\\u0000c \\ud83d\\ude00", "title": "\\udfff", "\\udc80": "\\udc80"}')
    assert (draft.text, draft.title) == ("a\ufffdbc \U0001f600", "\ufffd")
    assert sorted(draft.warnings) == ["NUL", "lone surrogate"]
    assert draft.extra.encode()


def test_bare_tabs_in_a_string_are_text() -> None:
    assert one_draft(b'{"text": "a\tb"}').text == "a\tb"


def test_windows_1252_bytes_are_decoded_one_by_one_and_reported() -> None:
    draft = one_draft('{"text": "“Zoë” – '.encode() + "it’s £5".encode("cp1252") + b'\x81"}')
    assert draft.text == "“Zoë” – it’s £5\x81"
    assert draft.warnings == ("latin-1",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    mark = "\ufeff" if encoding[-3:] in ("-le", "-be") else ""
    content = (mark + json.dumps(ROW | {"text": "Zoë 😀"}, ensure_ascii=False) + "\r\n\r\n").encode(encoding)
    assert [(draft.text, draft.warnings) for draft in drafts(read_bytes(content))] == [("Zoë 😀", ())]


def test_blank_lines_and_a_missing_last_line_break_change_nothing() -> None:
    found = read_bytes(b"\n\r\n" + lines(ROW) + b"\n" + lines(ROW).rstrip())
    assert [draft.origin for draft in drafts(found)] == ["stdin:3", "stdin:5"]


class Endless(io.RawIOBase):
    """Gives pieces made as they are asked for, so that a test needs no memory of its own."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces

    def read(self, size: int = -1) -> bytes:
        return next(self.pieces, b"")


def repeated(before: bytes, piece: bytes, n_pieces: int, after: bytes) -> Any:
    return Endless(iter([before, *[piece] * n_pieces, after]))


def test_a_line_of_200_megabytes_is_skipped_with_flat_memory() -> None:
    stdin = repeated(lines(ROW) + b'{"text": "', b"a" * 65_536, 3_200, b'"}\n' + lines(ROW))
    tracemalloc.start()
    try:
        found = list(open_source("-", stdin=stdin).articles())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [type(one) for one in found] == [Draft, Reject, Draft]
    assert rejects(found) == [("stdin:2", "line too long")]
    assert peak < 3 * MAX_LINE_BYTES


def test_articles_come_one_at_a_time_before_the_rest_is_read() -> None:
    def pieces() -> Iterator[bytes]:
        yield lines(*[ROW] * 1000)
        raise AssertionError("read on before it was asked to")

    stdin: Any = Endless(pieces())
    assert isinstance(next(iter(open_source("-", stdin=stdin).articles())), Draft)


# --- JSON arrays


def test_an_array_is_read_object_by_object_and_names_lines() -> None:
    content = json.dumps([ROW, ROW | {"text": 'a "quoted" ] } , [ { \\'}, 5, "x", []], indent=1).encode()
    found = read_bytes(content)
    assert [draft.text for draft in drafts(found)] == [TEXT, 'a "quoted" ] } , [ { \\']
    assert [draft.origin for draft in drafts(found)] == ["stdin:2", "stdin:8"]
    assert [reason for _, reason in rejects(found)] == ["no JSON object"] * 3


def test_a_broken_element_costs_no_other() -> None:
    found = read_bytes(b'[{"text": "a"},\n{"text": nonsense},\n{"text": "b"}\n{"text": "c"}]')
    assert [draft.text for draft in drafts(found)] == ["a", "b", "c"]
    assert rejects(found) == [("stdin:2", "not JSON")]


def test_an_object_printed_over_several_lines_is_one_article() -> None:
    content = json.dumps(ROW, indent=2).encode()
    assert [draft.text for draft in drafts(read_bytes(content + b"\n" + content))] == [TEXT, TEXT]


def test_an_array_that_never_ends_is_reported_after_its_articles() -> None:
    assert [type(one) for one in read_bytes(b'[{"text": "a"}, {"text": "b"}')] == [Draft, Draft, Reject]
    assert rejects(read_bytes(b'[{"text": "a"}, {"text": "b')) == [
        ("stdin:1", "not JSON"),
        ("stdin", "array not closed"),
    ]


def test_an_element_of_200_megabytes_is_skipped_with_flat_memory() -> None:
    stdin = repeated(b'[{"text": "a"},\n{"text": "', b"b" * 65_536, 3_200, b'"},\n{"text": "c"}]')
    tracemalloc.start()
    try:
        found = list(open_source("-", stdin=stdin).articles())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [draft.text for draft in drafts(found)] == ["a", "c"]
    assert rejects(found) == [("stdin:2", "record too long")]
    assert peak < 3 * MAX_LINE_BYTES


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(str.strip)


class Pieces(io.RawIOBase):
    """Gives bytes in pieces of the sizes drawn, to cut escapes and characters in two."""

    def __init__(self, content: bytes, seed: int) -> None:
        self.content = io.BytesIO(content)
        self.sizes = random.Random(seed)

    def read(self, size: int = -1) -> bytes:
        return self.content.read(self.sizes.randint(1, 7))


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=6),
    seed=st.integers(0, 10**6),
    indent=st.sampled_from([None, 0, 2]),
    plain=st.booleans(),
    form=st.sampled_from(["lines", "array", "gzip", "utf-16"]),
)
def test_every_text_comes_out_as_it_went_in(
    texts: list[str], seed: int, indent: int | None, plain: bool, form: str
) -> None:
    records = [{"title": "x", "text": text} for text in texts]
    if form == "array":
        content = json.dumps(records, indent=indent, ensure_ascii=plain).encode()
    else:
        written = "".join(json.dumps(record, ensure_ascii=plain) + "\n" for record in records)
        content = written.encode("utf-16" if form == "utf-16" else "utf-8")
    stdin: Any = Pieces(gzip.compress(content) if form == "gzip" else content, seed)
    found = list(open_source("-", stdin=stdin).articles())
    assert [draft.text for draft in drafts(found)] == texts
    assert rejects(found) == []


@given(texts=st.lists(TEXTS, min_size=1, max_size=6), seed=st.integers(0, 10**6))
def test_an_array_may_be_cut_into_pieces_anywhere(texts: list[str], seed: int) -> None:
    records = [{"text": f'\\"{text}"\\'} for text in texts]
    pieces: Any = Pieces(json.dumps(records, indent=1, ensure_ascii=False).encode(), seed)
    found = list(from_json_array(ByteStream(pieces, "x")))
    assert [(draft.text, draft.origin) for draft in drafts(found)] == [
        (record["text"], f"x:{2 + 3 * at}") for at, record in enumerate(records)
    ]


# --- CSV


def test_a_csv_row_becomes_a_draft_and_a_quoted_text_keeps_its_lines() -> None:
    content = b'Date,Headline,Body,Section\r\n2025-04-18,Bridge,"One ""two"".\r\n\r\nThree, four.",Local\r\n'
    assert read_bytes(content) == [
        Draft(
            origin="stdin:2",
            text='One "two".\r\n\r\nThree, four.',
            title="Bridge",
            published="2025-04-18",
            date_from="record",
            extra='{"Section": "Local"}',
        )
    ]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_sign_between_fields_is_seen_in_the_header(sign: str) -> None:
    content = f"\n\r\nurl{sign}text\r\nu{sign}a sentence\n"
    draft = one_draft(content.encode())
    assert (draft.url, draft.text) == ("u", "a sentence")


def test_a_row_with_other_than_the_header_s_number_of_fields_is_a_reject() -> None:
    found = read_bytes(b"url,text\nu,a\nv\nw,b,c\nx,d,\n\ny,e\n")
    assert [draft.text for draft in drafts(found)] == ["a", "d", "e"]
    assert rejects(found) == [("stdin:3", "wrong number of fields"), ("stdin:4", "wrong number of fields")]


def test_a_broken_quote_costs_its_row_and_no_other() -> None:
    found = read_bytes(
        b"url,text\n"
        b'https://e.org/1,"one"\n'
        b'https://e.org/2,"two "of" them,\n'
        b"and a line, of the text of two\n"
        b"https://e.org/3,three\n"
        b'https://e.org/4,"never closed\n'
        b"https://e.org/5,five\n"
    )
    assert [draft.text for draft in drafts(found)] == ["one", "three", "five"]
    assert rejects(found) == [("stdin:3", "broken quote"), ("stdin:6", "broken quote")]


def test_after_a_broken_quote_nothing_is_taken_for_a_row_that_could_be_the_text_of_another() -> None:
    found = read_bytes(b'title,text\nA,"a"\nB,"b "b" b\nso he said, and left\nC,c\n')
    assert [draft.text for draft in drafts(found)] == ["a"]
    (reject,) = [one for one in found if isinstance(one, Reject)]
    assert (reject.origin, reject.reason) == ("stdin:3", "broken quote")
    assert "nothing after it is read" in reject.detail


def test_a_csv_field_over_the_cap_is_a_reject_and_reading_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    long = "line of text\n" * (MAX_LINE_BYTES // 12)
    path.write_text(f'url,text\nhttps://e.org/1,"{long}"\nhttps://e.org/2,two\n')
    found = read(path)
    assert [draft.text for draft in drafts(found)] == ["two"]
    assert rejects(found) == [(f"{path}:2", "record too long")]


def test_a_csv_field_longer_than_the_library_s_own_limit_is_read() -> None:
    assert len(one_draft(b"url,text\nu," + b"a" * 1_000_000).text) == 1_000_000


def test_a_csv_without_a_text_column_says_which_it_has(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("url,name\nu,n\n")
    with pytest.raises(BadInput, match="no column 'text'; it begins 'url,name'"):
        read(path)


def test_legacy_bytes_in_a_csv_are_reported_for_their_row_alone() -> None:
    found = drafts(read_bytes("url,text\nu,café\nv,plain\n".encode("cp1252")))
    assert [(draft.text, draft.warnings) for draft in found] == [("café", ("latin-1",)), ("plain", ())]


# --- plain text


def test_plain_text_is_one_article_with_what_the_caller_gave() -> None:
    draft = one_draft(TEXT.encode(), url="https://e.org/a", title="T", published="2025", source="Post")
    assert draft == Draft(
        origin="stdin",
        text=TEXT,
        url="https://e.org/a",
        title="T",
        published="2025",
        date_from="option",
        source="Post",
    )


def test_front_matter_gives_the_fields_and_is_no_text() -> None:
    content = f"""---
title: "Bridge: it stays"
date: 2025-04-18
authors:
  - Ann Lee
  - Bo Ek
tags: [local, bridge]
---

{TEXT}
"""
    draft = one_draft(content.encode(), title="Given")
    assert (draft.title, draft.published, draft.authors) == ("Given", "2025-04-18", ("Ann Lee", "Bo Ek"))
    assert draft.text.strip() == TEXT
    assert json.loads(draft.extra) == {"tags": "[local, bridge]"}
    assert one_draft(content.encode()).title == "Bridge: it stays"


@pytest.mark.parametrize("content", ["---\nHe left.\n---\nShe stayed.", "---\ntitle: never closed\n", "-- \na: b"])
def test_a_text_with_a_rule_on_top_has_no_front_matter(content: str) -> None:
    assert one_draft(content.encode()).text == content


def test_a_text_over_the_cap_is_refused() -> None:
    with pytest.raises(BadInput, match="more than 16,000,000 bytes in one article"):
        read_bytes(b"word " * (MAX_LINE_BYTES // 5 + 1))


# --- HTML

PAGE = (
    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Bridge stays – Post</title></head><body>"
    "<article><h1>Bridge stays</h1>" + f"<p>{TEXT} Ms Lee — “a friend of the bridge” — cheered.</p>" * 4
) + "</article></body></html>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_page_of_html_is_one_article(encoding: str) -> None:
    pytest.importorskip("ingest.extract", reason="extraction is not installed")
    draft = one_draft(PAGE.encode(encoding), url="https://e.org/a", title="Given")
    assert "“a friend of the bridge”" in draft.text
    assert (draft.url, draft.title, draft.origin) == ("https://e.org/a", "Given", "stdin")


def test_a_page_without_an_article_is_a_reject() -> None:
    pytest.importorskip("ingest.extract", reason="extraction is not installed")
    assert one_reject(b"<!doctype html><html><body></body></html>").reason == "no article"


# --- what is decided by content


@pytest.mark.parametrize(
    ("head", "name", "kind"),
    [
        (b'{"text": "a"}\n', "a.txt", "json lines"),
        (b'{\n "text": "a"\n}', "a", "json array"),
        (b' [\n{"text": "a"}', "a.csv", "json array"),
        (b"[Update] The bridge stays.", "a.txt", "text"),
        (b"[1, 2]", "a.json", "json array"),
        (b'garbage\n{"text": "a"}\n', "a", "json lines"),
        (b"garbage\n", "a.jsonl.gz", "json lines"),
        (b"url,text\n", "a.txt", "csv"),
        (b"text\nx\n", "a.csv", "csv"),
        (b"id;text\n", "stdin", "csv"),
        (b"Headline, Full text\n", "stdin", "csv"),
        (b"In body, text and soul, he left.\n", "a", "text"),
        (b"Mind, body, soul: the new ministers\n\nThe government was sworn in.\n", "story.txt", "text"),
        (b"Text, lies and a lighthouse\n\nThe trial began.\n", "a", "text"),
        (b"Article 5 | Content\nThe text.\n", "a.md", "text"),
        (b"<?xml version='1.0'?>\n<!-- x --><!DOCTYPE html><HTML>", "a", "html"),
        (b"<p>Hello</p>", "a", "html"),
        (b"<3 is what they said", "a", "text"),
        (b"Hello <p>there</p>", "a.HTM", "html"),
    ],
)
def test_content_decides_and_a_name_only_where_it_leaves_it_open(head: bytes, name: str, kind: str) -> None:
    assert kind_of(head, name) == kind


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no articles: it is empty"),
        (b" \n\n", "holds no articles: it is empty"),
        (b"[]", "holds no articles: there is no record in it"),
        (b"url,text\n", "holds no articles: there is no record in it"),
        (bytes(range(256)) * 20, "binary file"),
        (b"\0" * 9000, "binary file"),
        (TEXT.encode("utf-16-le") * 9, "binary file"),
        (b"PK\x03\x04....", "zip archive"),
        (b"%PDF-1.4 ...", "PDF"),
        (b"<?xml version='1.0'?><urlset><url><loc>x</loc>", "is a sitemap"),
        (b"<?xml version='1.0'?><rss><channel></channel></rss>", "holds no articles: there is no record in it (feed)"),
        (b"<opml version='2.0'><body/></opml>", "lists feeds (OPML)"),
        (b"<!-- -->" * 8_000 + b"<svg/>", "XML with <svg>"),
        (b"<svg><path/></svg>", "XML with <svg>"),
        (gzip.compress(b"", mtime=0), "holds no articles: it is empty"),
        (gzip.compress(gzip.compress(lines(ROW), mtime=0), mtime=0), "binary file"),
    ],
)
def test_a_file_without_articles_is_refused_in_one_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        read(path)
    assert says in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"<urlset><url><loc>x</loc>", b"<opml version='2.0'><body/></opml>"])
def test_a_list_of_addresses_on_standard_input_is_to_be_named(content: bytes) -> None:
    with pytest.raises(BadInput, match=r"^stdin .*; name its file or its address"):
        read_bytes(content)


def test_a_url_or_title_cannot_be_given_for_many_articles(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds records"):
        read_bytes(lines(ROW), url="https://e.org/a")
    with pytest.raises(BadInput, match="is a folder"):
        read(tmp_path, title="T")


def test_a_source_or_date_given_for_records_fills_only_gaps() -> None:
    found = drafts(read_bytes(lines(ROW, {"text": "b", "source": "Own"}), source="Post", published="2025"))
    assert [(one.source, one.published, one.date_from) for one in found] == [
        ("Post", "2025-04-18", "record"),
        ("Own", "2025", "option"),
    ]


@pytest.mark.parametrize("path", ["/no/such/file", "", "a\0b", "x" * 5000])
def test_a_path_that_leads_nowhere_is_one_sentence(path: str) -> None:
    with pytest.raises(BadInput, match=r"does not exist|cannot be read"):
        open_source(path)


def test_a_date_given_for_a_folder_fills_only_gaps(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("---\ndate: 2024\n---\na")
    (tmp_path / "b.txt").write_text("b")
    found = drafts(list(open_source(str(tmp_path), published="2025").articles()))
    assert [draft.published for draft in found] == ["2024", "2025"]


# --- gzip


def noisy(n_records: int) -> bytes:
    rng = random.Random(0)
    return lines(*[ROW | {"text": rng.randbytes(300).hex()} for _ in range(n_records)])


def test_joined_and_padded_gzip_files_are_read_through() -> None:
    content = gzip.compress(lines(ROW)) + gzip.compress(b"") + gzip.compress(lines(ROW)) + b"\0" * 700
    assert [type(one) for one in read_bytes(content)] == [Draft, Draft]


@pytest.mark.parametrize("n_bytes", [1, 262_143, 262_144, 262_145, 524_288, 786_400, 3_000_000])
def test_a_gzip_of_any_length_is_read_to_its_end(n_bytes: int) -> None:
    assert len(one_draft(gzip.compress(b"a" * n_bytes)).text) == n_bytes


def test_a_truncated_gzip_keeps_its_whole_records_and_says_so() -> None:
    packed = gzip.compress(noisy(3000))
    found = read_bytes(packed[: len(packed) // 2])
    assert rejects(found) == [("stdin", "truncated gzip")]
    assert 1000 < len(drafts(found)) < 2000
    assert all(len(draft.text) == 600 for draft in drafts(found))


@pytest.mark.parametrize("n_bytes", [1, 2, 5, 30, 100])
def test_a_gzip_cut_at_its_start_is_a_reject_or_refused(n_bytes: int) -> None:
    try:
        assert drafts(read_bytes(gzip.compress(noisy(9))[:n_bytes])) == []
    except BadInput:
        assert n_bytes < 2


def test_a_truncated_text_is_no_article() -> None:
    packed = gzip.compress(noisy(9).replace(b"{", b"x").replace(b"}", b"x"))
    assert rejects(read_bytes(packed[:-30])) == [("stdin", "truncated gzip")]
    assert drafts(read_bytes(packed[:-30])) == []


def test_a_damaged_gzip_keeps_the_records_before_the_damage() -> None:
    packed = bytearray(gzip.compress(noisy(3000)))
    middle = len(packed) // 2
    packed[middle : middle + 200] = bytes(200)
    found = read_bytes(bytes(packed))
    assert rejects(found)[-1] == ("stdin", "damaged gzip")
    assert len(drafts(found)) > 500


def test_a_gzip_bomb_is_refused_with_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(lines(ROW) + b'{"text": "')
        for _ in range(RATIO_FROM_BYTES // 500_000):
            file.write(b"a" * 1_000_000)
    tracemalloc.start()
    try:
        articles = open_source(str(path)).articles()
        assert isinstance(next(articles), Draft)
        with pytest.raises(BadInput, match=f"more than {MAX_RATIO} times its size"):
            list(articles)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MAX_LINE_BYTES


# --- folders


def test_a_folder_is_read_in_sorted_order_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b/2.jsonl", "b/1.jsonl", "a.txt", "c.jsonl.gz", ".hidden", "b/.git/x"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        content = name.encode() if name.endswith("txt") else lines({"text": name})
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert [draft.text for draft in drafts(read(tmp_path))] == [
        "a.txt",
        "b/1.jsonl",
        "b/2.jsonl",
        "c.jsonl.gz",
    ]
    assert read(tmp_path)[1] == Draft(origin=f"{tmp_path}/b/1.jsonl:1", text="b/1.jsonl")


@pytest.mark.parametrize("folder", ["Harbour plan_files", "Harbour plan-Dateien", "Harbour plan_fichiers"])
def test_what_a_browser_saved_beside_a_page_is_passed_over(tmp_path: Path, folder: str) -> None:
    beside = tmp_path / folder
    beside.mkdir()
    (beside / "frame.txt").write_text("A text of somebody else.")
    (tmp_path / "other_files").mkdir()
    (tmp_path / "other_files" / "a.txt").write_text("kept")
    (tmp_path / "notes_files").write_text("A file of this name is one.")
    (tmp_path / "notes.htm").write_text("<p>Too short.</p>")
    assert [draft.text for draft in drafts(read(tmp_path))][1:] == ["A file of this name is one.", "kept"]
    (tmp_path / "Harbour plan.html").write_text("<p>Too short.</p>")
    assert [draft.text for draft in drafts(read(tmp_path))] == ["A file of this name is one.", "kept"]


def test_links_out_of_a_folder_are_rejects_and_no_loop_is_followed(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / ".kept").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (inside / "a.txt").write_text("a")
    (inside / ".kept" / "real.txt").write_text("kept")
    (inside / "again.txt").symlink_to("a.txt")
    (inside / "kept.txt").symlink_to(".kept/real.txt")
    (inside / "loop").symlink_to(".")
    (inside / "out.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "out").symlink_to(tmp_path)
    (inside / "self").symlink_to("self")
    found = read(inside)
    assert [draft.text for draft in drafts(found)] == ["a", "kept"]
    assert rejects(found) == [
        (f"{inside}/out", "link leaves the folder"),
        (f"{inside}/out.txt", "link leaves the folder"),
        (f"{inside}/self", "unreadable"),
    ]


def test_a_file_that_cannot_be_read_is_a_reject_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(ROW))
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(400))
    (tmp_path / "c.txt").write_bytes(b"")
    (tmp_path / "d.js").write_text("function left() { return 1 }")
    (tmp_path / "d.js.download").write_text("function right() { return 1 }")
    os.mkfifo(tmp_path / "e")
    source = open_source(str(tmp_path))
    found = list(source.articles())
    assert len(drafts(found)) == 1
    assert rejects(found) == [
        (f"{tmp_path}/b.png", "binary file"),
        (f"{tmp_path}/c.txt", "empty file"),
        (f"{tmp_path}/d.js", "no article file"),
        (f"{tmp_path}/d.js.download", "no article file"),
    ]


def test_a_look_at_a_pipe_takes_nothing_from_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pipe.open("wb") as writer:
        writer.write(lines(ROW))
    assert sitemap_file(str(pipe)) is None
    assert listed_feeds(str(pipe)) == []
    assert os.read(reader, 65_536) == lines(ROW)
    os.close(reader)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deeper" / ".hidden").mkdir(parents=True)
    with pytest.raises(BadInput, match="holds no articles"):
        read(tmp_path)


def test_names_are_shown_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[2J\nb.txt").write_text("a")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/c\xff.txt")).write_text("c")
    assert [draft.origin for draft in drafts(read(tmp_path))] == [
        f"{tmp_path}/a\\x1b[2J\\nb.txt",
        f"{tmp_path}/c\ufffd.txt",
    ]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Gives up root's rights for a while; root could read everything."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without rights")
def test_what_may_not_be_read_is_named() -> None:
    # Not tmp_path, whose parents are shut to others.
    with TemporaryDirectory() as name:
        folder, shut, deep = Path(name), Path(name, "shut.txt"), Path(name, "zdeep")
        deep.mkdir()
        shut.write_text("secret")
        (folder / "a.txt").write_text("a")
        folder.chmod(0o755)
        shut.chmod(0o600)
        deep.chmod(0o700)
        for path in (shut, deep):
            with as_nobody(), pytest.raises(BadInput) as refusal:
                read(path)
            assert str(refusal.value) == f"{path} cannot be read: permission denied"
        with as_nobody():
            found = read(folder)
        assert [draft.text for draft in drafts(found)] == ["a"]
        assert rejects(found) == [(str(shut), "unreadable"), (str(deep), "unreadable")]


# --- progress


def test_progress_counts_the_bytes_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(noisy(3000)))
    (tmp_path / "0.bin").write_bytes(bytes(200_000))
    n_total = sum(path.stat().st_size for path in tmp_path.iterdir())
    source = open_source(str(tmp_path))
    assert source.progress() == (0, None)
    articles = source.articles()
    assert [type(next(articles)) for _ in range(2)] == [Reject, Draft]
    n_read, total = source.progress()
    # The first file is refused by its head, and counts as done.
    assert 200_000 < n_read < n_total == total
    assert len(list(articles)) == 2999
    assert source.progress() == (n_total, n_total)
    assert len(list(source.articles())) == 3001
    assert source.progress() == (n_total, n_total)


def test_progress_of_standard_input_has_no_total() -> None:
    content = lines(ROW)
    source = open_source("-", stdin=io.BytesIO(content))
    assert len(list(source.articles())) == 1
    assert source.progress() == (len(content), None)


# --- robustness and real data


@given(st.binary(max_size=400))
def test_any_bytes_give_drafts_rejects_or_one_sentence(content: bytes) -> None:
    for start in (b"", b"{", b'[{"text": "', b"url,text\nu,", b"\x1f\x8b\x08", b"---\n", b"\xff\xfe"):
        try:
            found = read_bytes(start + content)
        except BadInput as error:
            assert "\n" not in str(error)
        else:
            for draft in drafts(found):
                assert draft.text.strip()
                assert "".join([draft.text, draft.title, draft.url, draft.extra]).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["text", "body", "url", "date", "source", "authors", "lang", "x"]), JSON))
def test_any_record_gives_a_draft_or_a_reject(record: dict[str, object]) -> None:
    found = from_record(record, "here")
    assert isinstance(found, Reject) or (found.text.strip() and "\0" not in found.text)


@pytest.mark.skipif(not EVAL.is_dir(), reason=f"no evaluation data in {EVAL}")
def test_real_files_are_read_without_a_reject() -> None:
    count = Counter(
        type(one)
        for name in (
            "news-quiz/2022/articles.jsonl.gz",
            "answer-sentences/squad2-articles.jsonl.gz",
            "web-text",
        )
        for one in read(EVAL / name)
    )
    assert count == {Draft: 3781 + 646 + 1}


def test_the_head_of_a_stream_is_not_used_up() -> None:
    stream = ByteStream(io.BytesIO(b"a\nb\n\nc"), "x")
    assert stream.head(3) == b"a\nb"
    assert list(stream.lines()) == [(1, b"a"), (2, b"b"), (3, b""), (4, b"c")]
