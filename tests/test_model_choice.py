"""Which embedding model an index is made with, and that it stays what somebody chose, whatever happens to its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.models import DEFAULT_MODEL, SMALL_MODEL
from index.settings import Settings
from index.snapshot import current_name, read_manifest
from index.store import Store
from ingest.report import LineProgress
from ingest.watch_cli import _index_builder
from tests.cli import run
from tests.fakes import NOW_S

ARTICLES = "\n".join(
    json.dumps({"url": f"https://valley-wire.example/{n}", "title": f"Ferry {n}", "text": f"Ferry {n} sank on Monday."})
    for n in range(3)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder whose index was made with the small model and short passages."""
    chosen = {"NEWSQUOTE_MODEL": SMALL_MODEL, "NEWSQUOTE_PASSAGE_TOKENS": "100"}
    assert run("--data", str(tmp_path), "ingest", "-", stdin=ARTICLES.encode(), env=chosen).code == 0
    return tmp_path


def made_with(folder: Path) -> tuple[str, str, int]:
    manifest = read_manifest(folder)
    return manifest.model.name, manifest.model.runtime, manifest.passage_tokens


def test_what_an_index_was_made_with_stays(folder: Path) -> None:
    more = ARTICLES.replace("Ferry", "Tram").replace("example/", "example/tram-")
    assert run("--data", str(folder), "ingest", "-", stdin=more.encode()).code == 0
    assert made_with(folder) == (SMALL_MODEL, "onnx-int8", 100)
    assert run("--data", str(folder), "reindex", "--runtime", "onnx-fp32").code == 0
    assert run("--data", str(folder), "reindex", "--passage-tokens", "90").code == 0
    assert made_with(folder) == (SMALL_MODEL, "onnx-fp32", 90)


def test_a_watcher_goes_on_as_somebody_made_the_index_meanwhile(folder: Path) -> None:
    build = _index_builder(Settings(data=folder))

    def build_after_a_change() -> None:
        with Store(folder, write=True) as store:
            store.retract(next(store.export())[0].id, NOW_S)
            build(folder, store, NOW_S, LineProgress())

    build_after_a_change()
    assert made_with(folder) == (SMALL_MODEL, "onnx-int8", 100)
    assert run("--data", str(folder), "reindex", "--model", DEFAULT_MODEL, "--passage-tokens", "60").code == 0
    build_after_a_change()
    assert made_with(folder) == (DEFAULT_MODEL, "onnx-fp32", 60)
    assert current_name(folder) == "000004"


@pytest.mark.parametrize("command", [["reindex"], ["ingest", "-"]])
@pytest.mark.parametrize("lost", ["manifest", "current", "snapshots"])
def test_an_index_that_is_lost_is_made_anew_as_it_was(folder: Path, lost: str, command: list[str]) -> None:
    snapshots = folder / "snapshots"
    if lost == "manifest":
        (snapshots / "000001" / "manifest.json").write_text("{")
    elif lost == "current":
        (snapshots / "current").unlink()
    else:
        snapshots.rename(folder / "elsewhere")
    ran = run("--data", str(folder), *command, stdin=ARTICLES.encode())
    assert ran.code == 0
    assert "0 passages embedded" in ran.err  # the vectors that are cached are of the same model
    assert made_with(folder) == (SMALL_MODEL, "onnx-int8", 100)


def test_the_sample_is_measured_as_the_settings_say(tmp_path: Path) -> None:
    def measured(env: dict[str, str]) -> str:
        ran = run("--data", str(tmp_path), "eval", "--limit", "2", env=env)
        assert ran.code == 0, ran.err
        return read_manifest(tmp_path / "eval-sample").model.name

    assert measured({"NEWSQUOTE_MODEL": SMALL_MODEL}) == SMALL_MODEL
    assert measured({}) == DEFAULT_MODEL


def test_doctor_says_what_questions_would_meet(folder: Path) -> None:
    assert run("--data", str(folder), "doctor").code == 0
    other = {"NEWSQUOTE_MODEL": DEFAULT_MODEL}
    said = f"The index was made with the model {SMALL_MODEL} and NEWSQUOTE_MODEL is {DEFAULT_MODEL}; run"
    assert said in run("--data", str(folder), "ask", "who sank?", env=other).err
    ran = run("--data", str(folder), "doctor", env=other)
    assert (ran.code, said in ran.out) == (1, True)
