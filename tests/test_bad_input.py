"""Bad input as a person meets it: exit code 1, one sentence that names the way out, no result, and nothing lost."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from index.corpus_file import FILE
from index.snapshot import FOLDER, current_name
from tests.cli import Ran, as_nobody, run, run_child

BESSENT = ("ask", "what deadline did Bessent mention?", "--asked-on", "2025-04-30", "--never-refuse")


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """A copy of the ingested sample that a test may change."""
    return shutil.copytree(sample_data, tmp_path / "data", symlinks=True)


def sentence(ran: Ran) -> str:
    """What a failed command said: one line, one sentence, and no result beside it."""
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"newsquote: [^\n]+[.?!]\n", ran.err), ran.err
    return ran.err.removeprefix("newsquote: ").rstrip("\n")


def nothing_lost(data: Path, n_articles: int = 59) -> bool:
    """The articles are all there and the live index still answers."""
    n = json.loads(run("status", "--json", "--data", str(data)).out)["articles"]
    return bool(n == n_articles and "*April 26*" in run(*BESSENT, "--data", str(data)).out)


# Questions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        ("why " * 2_500, "10,000"),
        ("\x01\x02\x7f😀🎉", "no words"),
        ("?!… — “”", "no words"),
    ],
)
def test_a_question_without_an_answerable_word_is_refused_in_one_sentence(
    sample_data: Path, question: str, words: str
) -> None:
    assert words in sentence(run("ask", question, "--data", str(sample_data)))


def test_control_characters_and_emoji_around_words_do_not_matter(sample_data: Path) -> None:
    ran = run(
        "ask", "😀\x01 what deadline \x1b[31mdid\x07 Bessent mention?! 🎉", *BESSENT[2:], "--data", str(sample_data)
    )
    assert ran.code == 0
    assert "*April 26*" in ran.out


@pytest.mark.parametrize(
    ("outlet", "says"),
    [
        ("harbor", "There is no outlet harbor in the corpus; did you mean Harbor Courier?"),
        ("Meridan Post", "There is no outlet Meridan Post in the corpus; did you mean Meridian Post?"),
        ("qqq", "There is no outlet qqq in the corpus; `newsquote sources` lists what there is."),
        ("\x1b[2Jx", "There is no outlet �[2Jx in the corpus; `newsquote sources` lists what there is."),
    ],
)
def test_an_unknown_outlet_names_near_ones(sample_data: Path, outlet: str, says: str) -> None:
    assert sentence(run("ask", "who?", "--source", outlet, "--data", str(sample_data))) == says


@pytest.mark.parametrize("path", ["missing.jsonl", "."])
def test_a_batch_that_cannot_be_read_is_named(sample_data: Path, tmp_path: Path, path: str) -> None:
    said = sentence(run("ask", "--batch", str(tmp_path / path), "--data", str(sample_data)))
    assert said.startswith(f"The questions in {tmp_path / path} cannot be read (")


# Settings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NEWSQUOTE_PASAGE_TOKENS", "9", "did you mean NEWSQUOTE_PASSAGE_TOKENS?"),
        ("NEWSQUOTE_PASSAGE_TOKENS", "abc", "is 'abc'; set it to a whole number"),
        ("NEWSQUOTE_MODEL", "another", "made with the model all-MiniLM-L6-v2 and NEWSQUOTE_MODEL is another; run"),
    ],
)
def test_a_wrong_setting_is_one_sentence(sample_data: Path, name: str, value: str, words: str) -> None:
    assert words in sentence(run(*BESSENT, "--data", str(sample_data), env={name: value}))


@pytest.mark.parametrize(("name", "value"), [("NEWSQUOTE_MODEL", "another"), ("NEWSQUOTE_PASSAGE_TOKENS", "80")])
def test_ingest_does_not_mix_what_an_index_was_made_with(data: Path, tmp_path: Path, name: str, value: str) -> None:
    articles(tmp_path / "new.jsonl", GOOD)
    ran = run("ingest", str(tmp_path / "new.jsonl"), "--data", str(data), env={name: value})
    assert ran.code == 1
    assert f"{name} is {value}; run `newsquote reindex`, or unset it." in ran.err.splitlines()[-1]
    assert nothing_lost(data, 60)  # the article is stored; the next run without the setting indexes it


# The data folder ------------------------------------------------------------------------------------------

READING = [
    ["ask", "who?"],
    ["explain", "who?"],
    ["status"],
    ["sources"],
    ["export"],
    ["retract", "https://a.example/1"],
    ["reindex"],
    ["rollback"],
    ["feedback"],
    ["feeds", "remove", "https://a.example/feed"],
]


@pytest.mark.parametrize("words", READING, ids=lambda words: words[0])
def test_before_any_ingest_every_command_says_what_to_run(tmp_path: Path, words: list[str]) -> None:
    said = sentence(run(*words, "--data", str(tmp_path)))
    assert f"There is no corpus in {tmp_path}; run `newsquote ingest SOURCE` first" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [*READING, ["ingest", "x.jsonl"], ["doctor"]], ids=lambda words: words[0])
def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "file").write_text("mine")
    said = sentence(run(*words, "--data", str(tmp_path / "file")))
    assert said == f"The data folder {tmp_path / 'file'} is a file; name a folder with --data."
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("words", [["status"], ["retract", "https://a.example/1"], ["reindex"]])
def test_a_folder_in_the_place_of_the_corpus_is_named(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / FILE).mkdir()
    said = sentence(run(*words, "--data", str(tmp_path)))
    assert said == f"{tmp_path / FILE} is a folder and no corpus; name another data folder with --data."


def live(folder: Path) -> Path:
    return folder / FOLDER / (current_name(folder) or "")


def cut_vectors(folder: Path) -> None:
    path = live(folder) / "vectors.faiss"
    path.write_bytes(path.read_bytes()[:1000])


def other_model(folder: Path) -> None:
    path = live(folder) / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["model"]["revision"] = "f" * 64
    path.write_text(json.dumps(manifest), encoding="utf-8")


def newer_store(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize(
    ("damage", "words", "remedy"),
    [
        (cut_vectors, "vectors.faiss has 1000 bytes and its manifest says", "run `newsquote rollback`"),
        (other_model, "at revision ffffffffffff and the model here is 53aa51172d14", "run `newsquote reindex`"),
        (newer_store, "has schema 99 and this newsquote reads up to", "upgrade newsquote"),
    ],
)
def test_a_folder_that_cannot_answer_says_why_and_what_to_run(
    data: Path, damage: Callable[[Path], None], words: str, remedy: str
) -> None:
    damage(data)
    said = sentence(run(*BESSENT, "--data", str(data)))
    assert words in said
    assert remedy in said


@pytest.mark.parametrize("words", [BESSENT, ("doctor",)], ids=lambda words: words[0])
def test_a_corpus_without_an_index_names_reindex(data: Path, words: tuple[str, ...]) -> None:
    shutil.rmtree(data / FOLDER)
    ran = run(*words, "--data", str(data))
    assert ran.code == 1
    assert f"There is no index in {data}, but a corpus with articles; run `newsquote reindex`." in ran.out + ran.err


def test_a_reindex_repairs_a_truncated_vector_file(data: Path) -> None:
    cut_vectors(data)
    assert run("reindex", "--data", str(data)).code == 0
    assert nothing_lost(data)


def test_there_is_nothing_to_go_back_to_after_one_ingest(data: Path) -> None:
    said = sentence(run("rollback", "--data", str(data)))
    assert said == f"There is no earlier index in {data} to roll back to; run `newsquote reindex`."
    assert nothing_lost(data)


def test_retracting_one_unknown_address_among_known_ones_retracts_none(data: Path) -> None:
    known = json.loads(run("export", "--data", str(data)).out.splitlines()[0])["url"]
    said = sentence(run("retract", known, "https://unknown.example/1", "--data", str(data)))
    assert "https://unknown.example/1 is not in the corpus" in said
    assert nothing_lost(data)


# Sources --------------------------------------------------------------------------------------------------

GOOD = {
    "url": "https://gull.example/1",
    "title": "Gulls",
    "published": "2025-04-29",
    "source": "Gull Gazette",
    "text": "The gulls of Lower Zeddam took 412 sandwiches in a single day, said the lifeguard Odo Brandt.",
}


def articles(path: Path, *records: object) -> Path:
    lines = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def rejected(path: Path) -> list[tuple[str, str]]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [(row["origin"].rpartition(":")[2], row["reason"]) for row in rows]


def test_bad_lines_are_counted_and_cost_no_good_one(data: Path, tmp_path: Path) -> None:
    path = articles(
        tmp_path / "mixed.jsonl",
        b"not json",
        {"url": "https://gull.example/2", "title": "No text"},
        GOOD | {"url": "https://gull.example/future", "published": "2087-01-01", "title": "Future"},
        GOOD | {"url": "https://gull.example/zero", "published": "0000-00-00", "title": "Zero"},
        json.dumps(GOOD | {"url": "https://gull.example/latin", "title": "Café"}, ensure_ascii=False).encode("latin-1"),
        GOOD,
    )
    ran = run("ingest", str(path), "--rejects", str(tmp_path / "rejects.jsonl"), "--data", str(data))
    assert (ran.code, ran.out) == (0, "")
    assert "6 read in " in ran.err and " 4 new, " in ran.err and " 2 rejected" in ran.err
    assert rejected(tmp_path / "rejects.jsonl") == [("1", "not JSON"), ("2", "no text")]
    stored = {row["url"]: row for row in map(json.loads, run("export", "--data", str(data)).out.splitlines())}
    assert stored["https://gull.example/future"].get("published") is None
    assert stored["https://gull.example/zero"].get("published") is None
    assert stored["https://gull.example/latin"]["title"] == "Café"
    assert nothing_lost(data, 63)
    assert "Odo Brandt" in run("ask", "Who counted the sandwiches that gulls took?", "--data", str(data)).out


def test_an_endless_line_and_a_gzip_bomb_cost_no_good_article(data: Path, tmp_path: Path) -> None:
    pack = zlib.compressobj(1, wbits=31)
    with (tmp_path / "long.jsonl.gz").open("wb") as file:
        file.write(pack.compress(json.dumps(GOOD).encode() + b'\n{"text": "'))
        for _ in range(200):
            file.write(pack.compress(b"a" * 1_000_000))
        file.write(
            pack.compress(b'"}\n' + json.dumps(GOOD | {"url": "https://gull.example/2"}).encode()) + pack.flush()
        )
    ran = run("ingest", str(tmp_path / "long.jsonl.gz"), "--data", str(data))
    assert "Traceback" not in ran.err
    assert ran.err.count("\nnewsquote: ") == ran.code
    assert nothing_lost(data, json.loads(run("status", "--json", "--data", str(data)).out)["articles"])
    assert GOOD["url"] in run("export", "--data", str(data)).out


def test_a_page_without_an_article_is_a_reject_with_a_reason(data: Path, tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "menu.html").write_text("<html><body><nav><a href='/'>Home</a></nav></body></html>")
    ran = run("ingest", str(tmp_path / "pages"), "--data", str(data))
    assert "Traceback" not in ran.err
    assert "rejected: 1 × " in ran.err
    assert nothing_lost(data)


@pytest.mark.parametrize("name", ["empty", "missing.jsonl", "image.png"])
def test_a_source_that_holds_no_article_is_named(data: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    ran = run("ingest", str(tmp_path / name), "--data", str(data))
    assert (ran.code, ran.out) == (1, "")
    assert re.fullmatch(r"newsquote: [^\n]+\.", ran.err.splitlines()[-1])
    assert name in ran.err.splitlines()[-1]
    assert nothing_lost(data)


def test_a_page_without_a_text_is_told_in_our_words_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html><body><div>" + "<p></p>" * 20 + "<p>Words.</p></div></body></html>")
    ran = run("ingest", str(page), "--data", str(tmp_path / "data"))
    assert ran.code == 1
    assert "1 rejected" in ran.err
    assert [one for one in caplog.records if one.name.startswith("trafilatura")] == []


def test_an_ingest_of_nothing_but_rejects_is_a_failure_and_one_of_what_is_known_is_none(
    tmp_path: Path,
) -> None:
    path = articles(tmp_path / "bad.jsonl", b"not json", {"url": "https://gull.example/2", "title": "No text"})
    ran = run("ingest", str(path), "--data", str(tmp_path / "new"))
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert lines[-1] == "newsquote: Nothing that was read could be used (2 rejected); --rejects FILE says why."
    assert "nothing to embed; there is no index yet" in lines


def test_a_second_ingest_with_rejects_in_it_is_no_failure(data: Path, tmp_path: Path) -> None:
    known = run("export", "--data", str(data)).out.encode().splitlines()[0]
    path = articles(tmp_path / "mixed.jsonl", b"not json", known)
    assert [run("ingest", str(path), "--data", str(data)).code for _ in range(2)] == [0, 0]


def test_a_bad_source_does_not_keep_a_good_one_out(data: Path, tmp_path: Path) -> None:
    good = articles(tmp_path / "good.jsonl", GOOD)
    (tmp_path / "empty").mkdir()
    ran = run("ingest", str(tmp_path / "empty"), str(good), "--data", str(data))
    assert ran.code == 1
    assert nothing_lost(data, 60)


# Where nothing can be written -----------------------------------------------------------------------------


def test_an_export_to_nowhere_is_one_sentence(data: Path, tmp_path: Path) -> None:
    said = sentence(run("export", str(tmp_path / "none" / "backup.jsonl"), "--data", str(data)))
    assert said.startswith(f"The export cannot be written to {tmp_path / 'none' / 'backup.jsonl'} (No such file")


def test_rejects_that_cannot_be_written_stop_the_ingest_before_it_begins(data: Path, tmp_path: Path) -> None:
    good = articles(tmp_path / "good.jsonl", GOOD)
    said = sentence(run("ingest", str(good), "--rejects", str(tmp_path / "none" / "r"), "--data", str(data)))
    assert said.startswith(f"The rejects cannot be written to {tmp_path / 'none' / 'r'} (No such file")
    assert nothing_lost(data)


@pytest.fixture(scope="module")
def nobody() -> str:
    try:
        return as_nobody()
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach, as pytest's own cannot be."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


def writable(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_read_only_data_folder_answers_and_refuses_to_be_written(
    sample_data: Path, exports: Path, open_folder: Path, nobody: str
) -> None:
    data = shutil.copytree(sample_data, open_folder / "data", symlinks=True)
    (data / "models").unlink()
    shutil.copytree(exports, data / "models")
    (open_folder / "good.jsonl").write_text(json.dumps(GOOD))
    (open_folder / "good.jsonl").chmod(0o644)
    read_only(data)
    try:
        for reading in (BESSENT, ("status",), ("sources",), ("doctor",), ("export",)):
            ran = run_child(*reading, "--data", str(data), before=nobody)
            assert ran.code == 0, ran.err
            assert ran.out
        assert "*April 26*" in run_child(*BESSENT, "--data", str(data), before=nobody).out
        for writing in (["ingest", str(open_folder / "good.jsonl")], ["reindex"], ["rollback"]):
            said = sentence(run_child(*writing, "--data", str(data), before=nobody))
            assert "cannot be written (Permission denied); check its permissions" in said
    finally:
        writable(data)
    assert nothing_lost(data)


def test_what_may_not_be_read_is_one_sentence(sample_data: Path, open_folder: Path, nobody: str) -> None:
    secret, data = open_folder / "secret.jsonl", open_folder / "data"
    secret.write_text(json.dumps(GOOD))
    secret.chmod(0)
    data.mkdir()
    data.chmod(0o777)
    ran = run_child("ingest", str(secret), "--data", str(data), before=nobody)
    assert ran.code == 1
    assert re.fullmatch(r"newsquote: [^\n]*secret\.jsonl[^\n]*[Pp]ermission[^\n]*\.", ran.err.splitlines()[-1])
    (data / FILE).touch()
    (data / FILE).chmod(0)
    said = sentence(run_child(*BESSENT, "--data", str(data), before=nobody))
    assert said.startswith(f"{data / FILE} cannot be opened for reading (") and "check its permissions" in said
    data.chmod(0)
    for words in (BESSENT, ("ingest", str(secret)), ("doctor",)):
        said = sentence(run_child(*words, "--data", str(data), before=nobody))
        assert said == f"The data folder {data} cannot be read (Permission denied); check its permissions."
