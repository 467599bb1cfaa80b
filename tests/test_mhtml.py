"""Pages that a browser saved in one file, and mails that hold a page."""

from __future__ import annotations

import base64
import contextlib
import quopri
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import BadInput
from ingest.draft import Draft, Reject
from ingest.mhtml import SavedPage, is_mhtml, saved_page
from ingest.sources import open_source

URL = "https://quay.example/news/harbour-bridge"
LINES = (
    "Der Stadtrat hat am Dienstag beschlossen, die Brücke über den Hafen für zwei Jahre zu sperren.",
    "Die Arbeiten kosten 84 Millionen Euro, von denen das Land zwei Drittel trägt.",
)
HTML = f"<html><head><title>Brücke zu</title></head><body>{''.join(f'<p>{line}</p>' for line in LINES)}</body></html>"
QUOTED = quopri.encodestring(HTML.encode()).decode()
PICTURE = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
NOTE = "Content-Type: text/plain\n\nA note."
PAGE = f"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n{QUOTED}\n"


def message(*parts: str, head: str = "", kind: str = "related", boundary: str = "--b") -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return (
        f'{head}MIME-Version: 1.0\nContent-Type: multipart/{kind};\n\tboundary="{boundary}"\n\n{inner}--{boundary}--\n'
    )


SAVED_FROM = f"From: <Saved by a browser>\nSnapshot-Content-Location: {URL}\nSubject: Bridge\n"


def ingested(tmp_path: Path, content: bytes, url: str = "") -> list[Draft | Reject]:
    path = tmp_path / "saved"
    path.write_bytes(content)
    return list(open_source(str(path), url=url).articles())


@pytest.mark.parametrize(
    "text",
    [
        message(PAGE, PICTURE, head=SAVED_FROM),
        "\n\n" + message(PAGE, PICTURE, head=SAVED_FROM).replace("\n", "\r\n"),
        message(PICTURE, PAGE.replace("html", f"html\nContent-Location: {URL}", 1)),
        message(NOTE, message(PAGE, kind="alternative", boundary="in"), head=SAVED_FROM),
        message(PAGE, head="snapshot-content-location: https://quay.example/news/\n harbour-bridge\n"),
        message(PAGE, head=SAVED_FROM).removesuffix("----b--\n"),
        message(
            "Content-Type: text/html; charset=windows-1252\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(HTML.encode("cp1252")).decode(),
            head=SAVED_FROM,
        ),
    ],
    ids=["page first", "network line ends", "picture first", "nested", "folded address", "cut off", "charset"],
)
def test_the_page_is_read_under_the_address_it_was_saved_from(tmp_path: Path, text: str) -> None:
    (draft,) = ingested(tmp_path, text.encode())
    assert isinstance(draft, Draft)
    assert (draft.url, draft.title, draft.text) == (URL, "Brücke zu", "\n\n".join(LINES))


def test_an_address_that_a_person_gives_goes_before_the_files(tmp_path: Path) -> None:
    (draft,) = ingested(tmp_path, message(PAGE, head=SAVED_FROM).encode(), url="https://quay.example/other")
    assert isinstance(draft, Draft)
    assert draft.url == "https://quay.example/other"


def test_a_mail_without_a_page_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (reject,) = ingested(tmp_path, message(PICTURE, NOTE).encode())
    assert isinstance(reject, Reject)
    assert (reject.reason, "there is no page of HTML in it" in reject.detail) == ("no article", True)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (message().encode(), True),
        (b"Subject: a\nmime-version: 1.0\ncontent-type: Multipart/mixed; boundary=b\n\nx", True),
        (b"Subject: a\nMIME-Version: 1.0\nContent-Type: text/plain\n\nContent-Type: multipart/x", False),
        (b"A text.\n\nMIME-Version: 1.0\nContent-Type: multipart/mixed", False),
        (b"", False),
    ],
)
def test_a_message_of_several_parts_is_told_by_its_head(head: bytes, expected: bool) -> None:
    assert is_mhtml(head) is expected


@given(st.binary(max_size=200), st.sampled_from(["related", "mixed", "\x00"]))
def test_no_message_is_too_strange(content: bytes, kind: str) -> None:
    found = saved_page(message(kind=kind).encode() + content + b"\n----b\nContent-Type: text/html\n" + content)
    assert found is None or isinstance(found, SavedPage)


@pytest.mark.parametrize(
    "content",
    [
        message(*['Content-Type: multipart/x; boundary="--b"\n\n'] * 50_000).encode(),
        message(PICTURE + "A" * 15_000_000, PAGE).encode(),
        b"MIME-Version: 1.0\nContent-Type: multipart/x; " + b";" * 16_000 + b"\n\n",
        b"".join(
            b'MIME-Version: 1.0\nContent-Type: multipart/x; boundary="%d"\n\n--%d\n' % (i, i) for i in range(50_000)
        ),
    ],
    ids=["many parts", "large picture", "semicolons", "deep"],
)
def test_no_message_keeps_the_reader_waiting(tmp_path: Path, content: bytes) -> None:
    started = time.process_time()
    with contextlib.suppress(BadInput):
        ingested(tmp_path, content)
    assert time.process_time() - started < 5
