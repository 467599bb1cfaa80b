"""One writer at a time, and the sentence that says who it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.errors import StoreError, StoreLocked
from index.store import Store
from index.writer import is_being_written
from ingest.draft import Draft
from ingest.lock import ingest_lock
from ingest.pipeline import store_articles
from tests.cli import run
from tests.fakes import NOW_S, SilentProgress

ROOT = Path(__file__).parent.parent
_HOLD = """
import sys
from pathlib import Path
from ingest.lock import ingest_lock
with ingest_lock(Path(sys.argv[1]), "newsquote reindex", int(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its standard input closes."""
    command = [sys.executable, "-c", _HOLD, str(folder), str(NOW_S)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_the_second_is_told_who_holds_the_lock_for_what_and_since_when(tmp_path: Path) -> None:
    with (
        holder(tmp_path) as process,
        pytest.raises(StoreLocked) as said,
        ingest_lock(tmp_path, "newsquote ingest", NOW_S + 60),
    ):
        pass
    expected = (
        f"{tmp_path} is being written by process {process.pid} (`newsquote reindex`, since 2025-07-01 00:00:00 UTC); "
        "wait until it is done, or stop it."
    )
    assert str(said.value) == expected


def test_the_lock_is_free_once_its_holder_is_done(tmp_path: Path) -> None:
    with holder(tmp_path):
        pass
    with ingest_lock(tmp_path, "newsquote ingest", NOW_S):
        assert json.loads((tmp_path / "ingest.holder.json").read_text())["pid"] == os.getpid()
    assert not (tmp_path / "ingest.holder.json").exists()


def test_a_killed_holder_does_not_block(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / "ingest.holder.json").exists()
    with ingest_lock(tmp_path, "newsquote ingest", NOW_S):
        assert json.loads((tmp_path / "ingest.holder.json").read_text())["pid"] == os.getpid()


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(KeyError), ingest_lock(tmp_path, "newsquote ingest", NOW_S):
        raise KeyError
    with ingest_lock(tmp_path, "newsquote ingest", NOW_S):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "purpose": "x", "since_s": "y"}'])
def test_an_unreadable_note_of_the_holder_still_gives_a_sentence(tmp_path: Path, content: str) -> None:
    with holder(tmp_path):
        (tmp_path / "ingest.holder.json").write_text(content)
        with pytest.raises(StoreLocked, match="is being written by another process; wait until it is done"):
            ingest_lock(tmp_path, "newsquote ingest", NOW_S).__enter__()


def test_whoever_asks_during_the_first_ingest_is_told_to_ask_again(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    with Store(tmp_path, write=True) as store:
        store_articles([Draft(origin="a", text="The bridge stays open.")], store, NOW_S, SilentProgress())
    with holder(tmp_path) as process:
        told = (
            f"There is no index yet: {tmp_path} is being written by process {process.pid} (`newsquote reindex`, since "
            "2025-07-01 00:00:00 UTC); ask again when it is done."
        )
        assert run("ask", "what stays open?", *data).err == f"newsquote: {told}\n"
        assert f"\nindex     none; {told}\n" in run("status", *data).out
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / "ingest.holder.json").exists()
    assert "There is no index in" in run("ask", "what stays open?", *data).err


def test_a_lock_that_cannot_be_looked_at_is_taken_for_free(tmp_path: Path) -> None:
    with ingest_lock(tmp_path, "newsquote ingest", NOW_S):
        assert is_being_written(tmp_path)
        (tmp_path / "ingest.lock").unlink()
        assert not is_being_written(tmp_path)
    assert not is_being_written(tmp_path)


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    with ingest_lock(tmp_path / "a" / "b", "newsquote ingest", NOW_S):
        assert (tmp_path / "a" / "b").is_dir()


def test_a_data_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file cannot be written \(.*\); check its permissions or name another"):
        ingest_lock(tmp_path / "file", "newsquote ingest", NOW_S).__enter__()


def test_retracting_waits_for_a_writer_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path, write=True):
        pass
    held = ingest_lock(tmp_path, "newsquote ingest", NOW_S)
    held.__enter__()
    monkeypatch.setattr("ingest.cli.time.sleep", lambda _: held.__exit__(None, None, None))
    ran = run("--data", str(tmp_path), "retract", "https://a.example/1")
    assert ran.err.startswith("newsquote: https://a.example/1 is not in the corpus")


def test_a_second_ingest_ends_with_that_sentence_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The bridge stays open.")
    command = [sys.executable, "-m", "newsquote", "--data", str(tmp_path / "d"), "ingest", str(tmp_path / "a.txt")]
    with holder(tmp_path / "d") as process:
        second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith(f"newsquote: {tmp_path / 'd'} is being written by process {process.pid} (")
    assert second.stderr.count("\n") == 1
    assert not (tmp_path / "d" / "corpus.db").exists()
