"""corpus.db: what may be opened, what is refused with which sentence, versions and tombstones."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from index.corpus_file import FILE
from index.errors import StoreError
from index.line_number import line_number
from index.store import ALWAYS, NEVER, SCHEMA, NewVersion, PassageRow, Store
from index.types import Article, Span, instant_s
from tests.fakes import NOW_S

ROOT = Path(__file__).parent.parent
NOBODY = 65_534
URL = "https://paper.example/1"


def version(
    text: str,
    url: str = URL,
    *,
    published: str | None = "2025-04-01",
    updated: str | None = None,
    copy_of: str | None = None,
) -> NewVersion:
    article = Article(
        id=url,
        version=0,
        url=url,
        title="Bridge",
        published=published,
        updated=updated,
        source="Paper",
        authors=("A", "B"),
        text=text,
        cuts=(3,),
        language="en",
        is_stub=True,
        correction="Correction: x.",
        copy_of=copy_of,
    )
    key = (url + text).encode()
    return NewVersion(article, "record", '{"x": 1}', b"mark", key, text.encode())


def add(store: Store, new: NewVersion, now_s: int = NOW_S) -> int:
    with store.transaction():
        return store.add(new, store.known(new.article.id), now_s)


def valid(folder: Path) -> list[tuple[str, int, int]]:
    """(text, valid from, valid to) of every version, in the order of their validity."""
    with sqlite3.connect(folder / FILE) as db:
        rows = db.execute(
            "SELECT t.text, v.valid_from_s, v.valid_to_s FROM versions v JOIN texts t ON t.version = v.version "
            "ORDER BY v.valid_from_s"
        ).fetchall()
    db.close()
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with one article."""
    with Store(tmp_path, write=True) as store:
        add(store, version("The bridge stays."))
    return tmp_path


def plans(store: Store, work: Callable[[], object]) -> list[str]:
    """How SQLite goes about each statement that `work` makes."""
    made: list[str] = []
    store._db.set_trace_callback(made.append)
    work()
    store._db.set_trace_callback(None)
    asked = [one for one in made if one.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]
    assert asked
    return [row[3] for one in asked for row in store._db.execute(f"EXPLAIN QUERY PLAN {one}")]


# What may be opened ---------------------------------------------------------------------------------------


def test_an_article_comes_back_as_it_was_stored(folder: Path) -> None:
    new = version("Zwei\u2019 Zeilen \U0001f309\nand a second one.", "https://paper.example/2", copy_of=URL)
    with Store(folder, write=True) as store:
        number = add(store, new)
        assert store.article(number) == replace(new.article, version=number)
        assert list(store.export())[-1] == (replace(new.article, version=number), '{"x": 1}')


def test_reading_where_there_is_no_corpus_says_to_ingest(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"There is no corpus in .*; run `newsquote ingest SOURCE` first"):
        Store(tmp_path)


def test_a_corpus_whose_first_ingest_died_before_its_tables_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    with pytest.raises(StoreError, match=r"There is no corpus in .*; run `newsquote ingest SOURCE` first"):
        Store(tmp_path)
    with Store(tmp_path, write=True) as store:
        assert store.counts()["articles"] == 0


@pytest.mark.parametrize("write", [False, True])
def test_a_store_of_a_newer_schema_states_both_schemas(folder: Path, write: bool) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.close()
    with pytest.raises(StoreError, match=rf"schema {SCHEMA + 1} and this newsquote reads up to {SCHEMA}; upgrade"):
        Store(folder, write=write)


def test_a_store_that_counted_lines_by_their_texts_is_read_as_it_is_and_counts_on_when_written_to(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as db:
        db.executescript(
            "DROP TABLE line_counts; PRAGMA user_version = 1; CREATE TABLE lines (source TEXT NOT NULL, key TEXT NOT"
            " NULL, n INTEGER NOT NULL, PRIMARY KEY (source, key)) WITHOUT ROWID;"
        )
        db.executemany("INSERT INTO lines VALUES (?, ?, ?)", [("Paper", "sign up here", 12), ("Post", "a — b", 3)])
        db.execute("INSERT INTO sources VALUES ('Paper', 40)")
    db.close()
    before = (folder / FILE).read_bytes()
    with Store(folder) as store:
        assert store.counts()["articles"] == 1
    assert (folder / FILE).read_bytes() == before
    line = line_number("sign up here")
    for n in (13, 14):
        with Store(folder, write=True) as store:
            with store.transaction():
                store.count_lines("Paper", {line: 1}, 1)
            assert store.line_counts("Paper", [line]) == ({line: n}, 40 + n - 12)
            assert store.line_counts("Post", [line_number("a — b")])[0] == {line_number("a — b"): 3}
    with sqlite3.connect(folder / FILE) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'lines'").fetchone() == (0,)
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    db.close()


@pytest.mark.parametrize("write", [False, True])
def test_a_database_that_is_not_ours_is_refused_and_left_as_it_was(tmp_path: Path, write: bool) -> None:
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(StoreError, match=r"is no corpus of newsquote .*; name another folder with --data"):
        Store(tmp_path, write=write)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("write", [False, True])
def test_a_file_that_is_no_database_names_the_backup(tmp_path: Path, write: bool) -> None:
    (tmp_path / FILE).write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match=r"is damaged .*; restore it from a backup"):
        Store(tmp_path, write=write)


def test_damaged_pages_are_one_sentence_wherever_they_are_read(folder: Path) -> None:
    with Store(folder, write=True) as store:
        for number in range(300):
            add(store, version(f"Bridge {number} stays. " * 40, f"https://paper.example/{number}"))
    content = bytearray((folder / FILE).read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    (folder / FILE).write_bytes(content)
    reads: list[Callable[[Store], object]] = [
        lambda store: list(store.version_rows()),
        lambda store: list(store.fingerprints()),
        lambda store: list(store.export()),
        lambda store: store.counts(),
        lambda store: store.known(URL),
    ]
    with Store(folder) as store:
        for read in reads:
            with pytest.raises(StoreError, match="is damaged"):
                read(store)


# Another user, and what a crash leaves --------------------------------------------------------------------

# Started as root, since another user may not reach this Python, and without rights once all is imported.
_READ = f"""
import os, sys
from pathlib import Path
from index.errors import NewsquoteError
from index.store import Store
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
try:
    with Store(Path(sys.argv[1]), write=len(sys.argv) > 2) as store:
        print(*(article.text for article, _ in store.export()), sep="|")
except NewsquoteError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""

_WATCH = f"""
import os, sys
from pathlib import Path
from index.store import Store
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
with Store(Path(sys.argv[1])) as store:
    print(sorted(store.retracted()), flush=True)
    sys.stdin.readline()
    print(sorted(store.retracted()), flush=True)
"""

_WRITE = """
import sys
from pathlib import Path
from index.store import Store
from tests.test_store import NOW_S, URL, add, version
with Store(Path(sys.argv[1]), write=True) as store:
    store.retract(URL, NOW_S)
    for number in range(200):
        add(store, version(f"Bridge {number} stays. " * 40, f"https://paper.example/{number + 2}"))
"""

_CRASH = """
import os, signal, sys
from pathlib import Path
from index.store import Store
from tests.test_store import add, version
store = Store(Path(sys.argv[1]), write=True)
add(store, version("It is in the log only.", "https://paper.example/log"))
os.kill(os.getpid(), signal.SIGKILL)
"""


def as_nobody(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Read the store in a child without rights to `folder`, since root would ignore its permissions."""
    command = [sys.executable, "-c", _READ, str(folder), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.fixture
def open_way() -> Iterator[Path]:
    """A data folder with one article that another user can look into, and do no more."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a child under another user")
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users
        Path(folder).chmod(0o755)
        with Store(Path(folder), write=True) as store:
            add(store, version("The bridge stays."))
        yield Path(folder)


def test_a_read_only_folder_is_read(open_way: Path) -> None:
    before = sorted(path.name for path in open_way.iterdir())
    done = as_nobody(open_way)
    assert (done.stdout, done.stderr) == ("The bridge stays.\n", "")
    assert sorted(path.name for path in open_way.iterdir()) == before


def test_a_read_only_folder_is_read_with_the_log_that_a_crash_left(open_way: Path) -> None:
    subprocess.run([sys.executable, "-c", _CRASH, str(open_way)], cwd=ROOT, check=False, timeout=60)
    assert (open_way / f"{FILE}-wal").stat().st_size > 0
    for path in open_way.iterdir():
        path.chmod(0o644)
    done = as_nobody(open_way)
    assert (done.stdout, done.stderr) == ("The bridge stays.|It is in the log only.\n", "")


def test_a_log_that_cannot_be_read_on_a_read_only_folder_is_one_sentence(open_way: Path) -> None:
    subprocess.run([sys.executable, "-c", _CRASH, str(open_way)], cwd=ROOT, check=False, timeout=60)
    (open_way / f"{FILE}-shm").unlink()  # as in a copy of the folder made by hand
    done = as_nobody(open_way)
    assert done.returncode == 1
    assert f"{FILE} cannot be opened for reading" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def no_shm(folder: Path) -> Path:
    """What keeps a reader from making the -shm file beside the corpus, as a full disk or missing rights would."""
    path = folder / f"{FILE}-shm"
    path.symlink_to(folder / "nowhere" / "x")
    return path


def test_a_corpus_without_a_log_is_read_where_there_is_no_room_beside_it(folder: Path, no_shm: Path) -> None:
    assert no_shm.is_symlink()
    with Store(folder) as store:
        assert [article.text for article, _ in store.export()] == ["The bridge stays."]


def test_a_reader_that_cannot_write_sees_what_others_write_after_it_came(folder: Path, no_shm: Path) -> None:
    with Store(folder) as reader:
        assert reader.retracted() == frozenset()
        no_shm.unlink()
        subprocess.run([sys.executable, "-c", _WRITE, str(folder)], cwd=ROOT, check=True, timeout=60)
        assert reader.counts()["articles"] == 200
        assert reader.retracted() == {1}
        assert reader.article(1) is None


def test_a_reader_of_a_folder_that_is_not_its_own_sees_a_retraction(open_way: Path) -> None:
    command = [sys.executable, "-c", _WATCH, str(open_way)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "[]\n"
        with Store(open_way, write=True) as store:
            store.retract(URL, NOW_S)
        reader.stdin.write("again\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "[1]\n"


def test_a_read_only_folder_cannot_be_written_and_says_so(open_way: Path) -> None:
    done = as_nobody(open_way, "write")
    assert done.returncode == 1
    assert "check its permissions" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_newest_article_is_the_last_one_published_until_then(folder: Path) -> None:
    with Store(folder) as store:
        (found,) = store.export(all_versions=False)
        published_s = instant_s(found[0].published)
        assert published_s is not None
        assert store.newest(published_s) == (found[0].title, found[0].published)
        assert store.newest(published_s - 1) is None


def test_a_crash_loses_nothing_that_was_committed(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", _CRASH, str(folder)], cwd=ROOT, check=False, timeout=60)
    with Store(folder) as store:
        assert store.check() == "ok"
        assert store.known("https://paper.example/log") is not None
    with Store(folder, write=True) as store:
        assert store.known("https://paper.example/log") is not None
    assert not (folder / f"{FILE}-wal").exists()


def test_what_is_committed_is_on_the_disk_when_commit_returns(folder: Path) -> None:
    with Store(folder, write=True) as store:
        modes = [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]  # FULL: with less a power cut takes the last transactions of a write-ahead log


def test_a_transaction_is_all_or_nothing(folder: Path) -> None:
    with Store(folder, write=True) as store:
        with pytest.raises(KeyError), store.transaction():
            store.add(version("Another.", "https://paper.example/2"), None, NOW_S)
            raise KeyError
        assert store.known("https://paper.example/2") is None
        assert store.change() == 1


def test_a_reader_sees_what_is_committed_while_a_writer_is_at_work(folder: Path) -> None:
    with Store(folder, write=True) as writer, Store(folder) as reader:
        with writer.transaction():
            writer.add(version("Another.", "https://paper.example/2"), None, NOW_S)
            assert reader.counts()["articles"] == 1
        assert reader.counts()["articles"] == 2


def test_a_copy_of_the_folder_is_the_backup_of_a_closed_store(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("copy"))
    with Store(tmp_path / "copy") as store:
        assert [article.text for article, _ in store.export()] == ["The bridge stays."]


# Versions -------------------------------------------------------------------------------------------------

FIRST = version("First.", updated="2025-04-01")
SECOND = version("Second.", updated="2025-04-02")
THIRD = version("Third.", updated="2025-04-03")
PUBLISHED_S, SECOND_S, THIRD_S = (int(instant_s(day) or 0) for day in ("2025-04-01", "2025-04-02", "2025-04-03"))


@pytest.mark.parametrize("order", list(permutations([FIRST, SECOND, THIRD])))
def test_versions_stand_in_the_publishers_order_in_whatever_order_they_come(
    tmp_path: Path, order: tuple[NewVersion, ...]
) -> None:
    with Store(tmp_path, write=True) as store:
        for new in order:
            add(store, new)
        known = store.known(URL)
        assert known is not None
        current = store.article(known.version)
    assert current is not None
    assert current.text == "Third."
    assert valid(tmp_path) == [
        ("First.", PUBLISHED_S, SECOND_S),
        ("Second.", SECOND_S, THIRD_S),
        ("Third.", THIRD_S, NEVER),
    ]


def test_a_change_without_a_date_is_valid_from_the_moment_it_is_seen(folder: Path) -> None:
    with Store(folder, write=True) as store:
        add(store, version("The bridge goes."), NOW_S + 5)
    assert valid(folder) == [
        ("The bridge stays.", PUBLISHED_S, NOW_S + 5),
        ("The bridge goes.", NOW_S + 5, NEVER),
    ]


def test_a_change_is_the_current_version_where_its_page_names_no_update_any_more(tmp_path: Path) -> None:
    with Store(tmp_path, write=True) as store:
        add(store, SECOND)
        add(store, version("Corrected."), NOW_S)
    assert valid(tmp_path) == [("Second.", PUBLISHED_S, NOW_S), ("Corrected.", NOW_S, NEVER)]


@pytest.mark.parametrize(("updated", "begins_s"), [(None, ALWAYS), ("2025-04-02", SECOND_S)])
def test_an_undated_article_is_valid_from_its_update_where_that_is_known(
    tmp_path: Path, updated: str | None, begins_s: int
) -> None:
    with Store(tmp_path, write=True) as store:
        number = add(store, version("The bridge stays.", published=None, updated=updated))
        assert store.valid_from_s(number) is None  # a backup says it by the update
    assert valid(tmp_path) == [("The bridge stays.", begins_s, NEVER)]


def test_two_changes_in_one_second_follow_each_other(folder: Path) -> None:
    with Store(folder, write=True) as store:
        add(store, version("One."), NOW_S)
        add(store, version("Two."), NOW_S)
    assert valid(folder)[1:] == [("One.", NOW_S, NOW_S + 1), ("Two.", NOW_S + 1, NEVER)]


# Copies and tombstones ------------------------------------------------------------------------------------


def test_the_original_of_a_chain_of_copies_is_its_end(folder: Path) -> None:
    with Store(folder, write=True) as store:
        add(store, version("b", "https://paper.example/b", copy_of=URL))
        add(store, version("c", "https://paper.example/c", copy_of="https://paper.example/b"))
        assert store.original("https://paper.example/c") == URL
        assert store.original(URL) == URL
        assert store.original("https://paper.example/unknown") == "https://paper.example/unknown"


def test_articles_come_together_without_the_unknown_and_the_retracted(folder: Path) -> None:
    with Store(folder, write=True) as store:
        gone, kept = (add(store, version(name, f"https://paper.example/{name}")) for name in ("gone", "kept"))
        store.retract("https://paper.example/gone", NOW_S)
        assert {number: one.text for number, one in store.articles({1, gone, kept, 99}).items()} == {
            1: "The bridge stays.",
            kept: "kept",
        }
        assert store.articles(()) == {}


def test_copies_that_name_each_other_have_an_original_all_the_same(folder: Path) -> None:
    with Store(folder, write=True) as store:
        add(store, version("b", "https://paper.example/b", copy_of=URL))
        add(store, version("changed", copy_of="https://paper.example/b"))
        assert store.original(URL) == "https://paper.example/b"


def test_a_tombstone_hides_every_version_and_counts_as_a_change(folder: Path) -> None:
    with Store(folder, write=True) as store:
        add(store, version("The bridge goes."), NOW_S + 5)
        before = store.change()
        assert store.retract(URL, NOW_S) is True
        assert store.retract(URL, NOW_S) is False
        assert store.change() == before + 1
        assert [store.article(number) for number in (1, 2)] == [None, None]
        assert list(store.export()) == []
        assert list(store.version_rows()) == []
        assert store.counts() == {"articles": 0, "versions": 0, "copies": 0, "stubs": 0, "retracted": 1}
        known = store.known(URL)
        assert known is not None
        assert known.is_retracted


def test_vectors_are_cached_by_text_and_come_back_in_the_order_of_their_passages(folder: Path) -> None:
    with Store(folder, write=True) as store:
        splitter, model = store.splitter_id("s"), store.model_id("m")
        rows = [
            PassageRow(1, Span(0, 4), 1, b"b"),
            PassageRow(1, Span(4, 8), 1, b"a"),
            PassageRow(1, Span(8, 9), 1, b"b"),
        ]
        store.add_passages(splitter, 1, rows)
        assert store.n_unembedded(splitter, model) == 2
        store.add_embeddings(model, [b"a", b"b"], np.array([[1, 0], [0, 1]], np.float32))
        assert store.n_unembedded(splitter, model) == 0
        places, vectors, has_vector = store.indexed_passages(splitter, model, 2, (0, -1), 2)
        assert places.tolist() == [[1, 0, 4, 1], [1, 4, 8, 1]]
        assert vectors.tolist() == [[0, 1], [1, 0]]
        assert has_vector.all()
        places, *_ = store.indexed_passages(splitter, model, 2, (1, 4), 2)
        assert places.tolist() == [[1, 8, 9, 1]]
        places, vectors, has_vector = store.indexed_passages(splitter, store.model_id("other"), 2, (1, 0), 2)
        assert (len(places), vectors.tolist(), has_vector.tolist()) == (2, [[0, 0], [0, 0]], [False, False])
        assert [store.n_passages(splitter, after) for after in (0, 1)] == [3, 0]


def test_vectors_of_the_runtime_before_are_those_of_todays(tmp_path: Path) -> None:
    with Store(tmp_path, write=True) as store:
        number = store.model_id("m@r/openvino-fp32/3")
        other = store.model_id("m@r/openvino-int8/3")
    with Store(tmp_path, write=True) as store:
        assert store.model_id("m@r/onnx-fp32/3") == number
        assert store.model_id("m@r/openvino-int8/3") == other


# What is asked often --------------------------------------------------------------------------------------


def test_what_is_asked_for_every_article_or_question_reads_no_table_from_end_to_end(folder: Path) -> None:
    key = b"draft"

    def ask_all() -> None:
        known = store.known(URL)
        assert known is not None
        store.known_drafts([key])
        store.stored_drafts([key])
        store.same_content(known, key)
        store.has_version(known, key, key)
        store.no_article(key)
        store.is_retracted(URL)
        store.original(URL)
        store.parts_of(URL)
        store.count_lines("Paper", {7: 1}, 1)
        store.line_counts("Paper", [7])
        store.unsplit(1, 10)
        store.articles([known.version])
        store.article_ids([known.number])
        store.newest(NOW_S)
        add(store, version("The bridge goes."))

    with Store(folder, write=True) as store:
        found = plans(store, ask_all)
    assert any(plan.startswith("SEARCH") for plan in found)
    # Keys are sent as a list, which is read from end to end and not a table.
    assert [plan for plan in found if plan.startswith("SCAN") and not plan.startswith("SCAN json_each")] == []
