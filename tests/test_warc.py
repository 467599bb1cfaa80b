"""WARC files: pages of good records, and what damage costs."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path

import brotli
import pytest

from index.errors import BadInput
from ingest.draft import Draft, Flush, Reject
from ingest.sources import open_source
from ingest.warc import MAX_RECORD_BYTES
from tests.web.stories import CONSENT_WALL, paragraphs, story

DAY = "2025-04-20T06:30:00Z"


def record(
    body: bytes | str,
    url: str = "https://harbour.co.uk/a",
    *,
    kind: str = "response",
    status: int = 200,
    http: Sequence[str] = ("Content-Type: text/html; charset=utf-8",),
    warc: Sequence[str] = (),
    length: int | None = None,
) -> bytes:
    """One record; `http` are the header lines of its reply, which a resource has not."""
    body = body.encode() if isinstance(body, str) else body
    block = body
    media_type = "text/html"
    if kind == "response":
        block = "\r\n".join([f"HTTP/1.1 {status} OK", *http, "", ""]).encode() + body
        media_type = "application/http; msgtype=response"
    head = [
        "WARC/1.0",
        f"WARC-Type: {kind}",
        f"WARC-Target-URI: {url}",
        f"WARC-Date: {DAY}",
        "WARC-Record-ID: <urn:uuid:6a2f7c0e-1b3d-4f5a-8c9e-0d1e2f3a4b5c>",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(block) if length is None else length}",
        *warc,
        "",
        "",
    ]
    return "\r\n".join(head).encode() + block + b"\r\n\r\n"


def url(n: int) -> str:
    return f"https://harbour.co.uk/{n}"


def stories(*numbers: int) -> list[bytes]:
    return [record(story(n), url(n)) for n in numbers]


INFO = record("software: crawler/1.0\r\n", kind="warcinfo")


def read(tmp_path: Path, raw: bytes, name: str = "crawl.bin") -> list[Draft | Reject]:
    path = tmp_path / name
    path.write_bytes(raw)
    return [one for one in open_source(str(path)).articles() if not isinstance(one, Flush)]


def urls(found: Sequence[Draft | Reject]) -> list[str]:
    return [one.url for one in found if isinstance(one, Draft)]


def reasons(found: Sequence[Draft | Reject]) -> list[str]:
    return [one.reason for one in found if isinstance(one, Reject)]


@pytest.mark.parametrize("is_zipped", [False, True])
def test_pages_are_read_under_their_own_addresses_whatever_the_file_is_called(tmp_path: Path, is_zipped: bool) -> None:
    records = [INFO, *stories(1, 2)]
    raw = b"".join(map(gzip.compress, records)) if is_zipped else b"".join(records)
    found = read(tmp_path, raw)
    assert urls(found) == [url(1), url(2)]
    first = found[0]
    assert isinstance(first, Draft)
    assert first.text.split("\n\n") == paragraphs(1)
    assert first.published == "2025-04-18T08:00:00+00:00"
    assert json.loads(first.extra) == {"crawled": "2025-04-20T06:30:00+00:00"}


def test_only_pages_that_were_there_count(tmp_path: Path) -> None:
    records = [
        INFO,
        record(story(1), url(1), status=404),
        record(story(2), url(2), status=301),
        record(b"\x89PNG", url(3), http=["Content-Type: image/png"]),
        record("GET / HTTP/1.1\r\n\r\n", url(4), kind="request"),
        record(story(5), url(5), kind="revisit"),
        record(story(6), "dns:harbour.co.uk", kind="resource"),
        record(story(7), f"<{url(7)}>", kind="resource"),
        record(CONSENT_WALL, url(8)),
    ]
    found = read(tmp_path, b"".join(records))
    assert urls(found) == [url(7)]
    assert reasons(found) == ["no article"]


@pytest.mark.parametrize("encoding", ["gzip", "br", "chunked"])
def test_bodies_are_unpacked(tmp_path: Path, encoding: str) -> None:
    body = story(3).encode()
    packed = {
        "gzip": gzip.compress(body),
        "br": brotli.compress(body),
        "chunked": b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:700], body[700:])) + b"0\r\n\r\n",
    }[encoding]
    header = "Transfer-Encoding: chunked" if encoding == "chunked" else f"Content-Encoding: {encoding}"
    (draft,) = read(tmp_path, record(packed, url(3), http=["Content-Type: text/html", header]))
    assert isinstance(draft, Draft)
    assert draft.text.split("\n\n") == paragraphs(3)


def test_a_bomb_in_a_record_costs_no_other(tmp_path: Path) -> None:
    bomb = record(gzip.compress(bytes(60_000_000)), url(9), http=["Content-Type: text/html", "Content-Encoding: gzip"])
    found = read(tmp_path, b"".join([*stories(1), bomb, *stories(2)]))
    assert (urls(found), reasons(found)) == ([url(1), url(2)], ["record too long"])


@pytest.mark.parametrize("n_cut", [10, 500, 900])
def test_a_file_that_ends_in_the_middle_keeps_what_came_before(tmp_path: Path, n_cut: int) -> None:
    found = read(tmp_path, b"".join(stories(1, 2, 3))[:-n_cut])
    assert (urls(found), reasons(found)) == ([url(1), url(2)], ["truncated record"])


def test_a_record_that_was_cut_in_the_middle_of_a_file_costs_no_other(tmp_path: Path) -> None:
    one, two, three = stories(1, 2, 3)
    found = read(tmp_path, one + two[:-300] + three)
    assert (urls(found), reasons(found)) == ([url(1), url(3)], ["truncated record"])


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_member_of_a_zipped_file_costs_no_other(tmp_path: Path, at: int, damage: str) -> None:
    members = [gzip.compress(one) for one in stories(1, 2, 3)]
    hurt = members[at]
    middle = len(hurt) // 2
    members[at] = (
        hurt[:middle]
        if damage == "cut"
        else hurt[:middle] + bytes(b ^ 0xFF for b in hurt[middle : middle + 40]) + hurt[middle + 40 :]
    )
    found = read(tmp_path, b"".join(members))
    assert urls(found) == [url(n) for i, n in enumerate((1, 2, 3)) if i != at]
    assert set(reasons(found)) <= {"truncated record", "truncated gzip", "damaged gzip", "damaged record"}
    assert reasons(found)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (record(story(9), url(9), length=5), "truncated record"),
        (record(story(9), url(9), length=50_000), "truncated record"),
        (record(story(9)).replace(b"Content-Length", b"Content-Lost"), "damaged record"),
        (record(story(9), url(9), warc=["WARC-Truncated: length"]), "truncated record"),
        (record(story(9), url(9), http=["Content-Type: text/html", "Content-Encoding: gzip"]), "damaged record"),
        (b"WARC/1.0\r\n" + b"X: y\r\n" * 40_000, "truncated record"),
    ],
)
def test_a_record_that_is_not_what_it_says_costs_no_other(tmp_path: Path, bad: bytes, reason: str) -> None:
    found = read(tmp_path, b"".join([*stories(1), bad, *stories(2)]))
    assert (urls(found), reasons(found)) == ([url(1), url(2)], [reason])


def test_junk_between_records_is_passed_over(tmp_path: Path) -> None:
    one, two = stories(1, 2)
    assert urls(read(tmp_path, one + b"\r\n\r\nnoise WARC/1.0\r\nmore noise\r\n" * 50 + b"\n" + two)) == [
        url(1),
        url(2),
    ]


def test_a_film_among_the_records_is_skipped_without_being_held(tmp_path: Path) -> None:
    film = record(bytes(MAX_RECORD_BYTES + 10), url(9), http=["Content-Type: video/mp4"], kind="response")
    found = read(tmp_path, b"".join([*stories(1), film, *stories(2)]))
    assert urls(found) == [url(1), url(2)]


def test_a_file_without_pages_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no page of HTML"):
        read(tmp_path, INFO)


def test_no_damage_is_too_strange(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = b"".join(stories(1, 2, 3))
    zipped = b"".join(map(gzip.compress, stories(1, 2, 3)))
    for _ in range(12):
        raw = bytearray(chance.choice((whole, zipped)))
        for _ in range(chance.randrange(1, 30)):
            raw[chance.randrange(20, len(raw))] = chance.randrange(256)
        try:
            assert read(tmp_path, bytes(raw[: chance.randrange(len(raw) // 2, len(raw))]))
        except BadInput as error:
            assert "crawl.bin" in str(error)
