"""Snapshots: built beside the live one, switched at once, never seen half; every damage has its sentence."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from bot.answer import Answer, Answerer
from bot.question import Question
from index import build
from index.build import Base, build_snapshot
from index.errors import IndexCorrupt, IndexMissing, IndexStale, NewsquoteError, StoreError
from index.files import FileEntry
from index.models import DEFAULT_MODEL, DEFAULT_MODEL_SHA256
from index.snapshot import (
    FOLDER,
    Manifest,
    ModelEntry,
    check_files,
    current_name,
    embedder_of,
    open_snapshot,
    prune,
    read_manifest,
    rollback,
    snapshot_names,
    switch_to,
)
from index.store import Store
from ingest.draft import Draft
from ingest.indexing import recipe_for
from tests.fakes import NOW_S, HashingEmbedder, ingest_drafts
from tests.torture import LATER, Story, WideEmbedder, check_answers, is_quoted, made_up_word

ROOT = Path(__file__).parent.parent


def story(number: int, url: str = "") -> Story:
    return Story(url or f"https://paper.example/{number}", made_up_word(number * 7_654_321 % 56**4))


def draft(one: Story) -> Draft:
    fields = json.loads(one.line())
    return Draft("test", fields["text"], one.url, fields["title"], fields["published"], source=fields["source"])


def ingest(folder: Path, *numbers: int) -> str:
    """Ingest stories; the name of the new snapshot."""
    return ingest_drafts(folder, [draft(story(number)) for number in numbers], WideEmbedder()).snapshot


def question(one: Story) -> Question:
    return Question(one.question, asked_on=LATER, read_filters=False, always=True)


def words(*numbers: int) -> list[str]:
    return [story(number).word for number in numbers]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with two snapshots: article 1, and articles 1 and 2."""
    ingest(tmp_path, 1)
    ingest(tmp_path, 2)
    return tmp_path


def live(folder: Path, file: str) -> Path:
    return folder / FOLDER / (current_name(folder) or "") / file


def rebuild(folder: Path) -> str:
    with Store(folder, write=True) as store:
        recipe = recipe_for(WideEmbedder(), 160, "test")
        return build_snapshot(folder, store, recipe, NOW_S, Base.of(folder, store, recipe))


# Going back and pruning -----------------------------------------------------------------------------------


def test_rollback_answers_from_the_snapshot_before(folder: Path) -> None:
    check_answers(folder, words(1, 2), [])
    assert rollback(folder) == "000001"
    check_answers(folder, words(1), [story(2)])


def test_the_next_ingest_after_a_rollback_brings_everything_back_under_a_new_name(folder: Path) -> None:
    rollback(folder)
    assert ingest(folder, 1) == "000003"
    check_answers(folder, words(1, 2), [])


def test_rollback_with_nothing_before_it_says_so_and_changes_nothing(tmp_path: Path) -> None:
    ingest(tmp_path, 1)
    with pytest.raises(IndexMissing, match=r"no earlier index .* run `newsquote reindex`"):
        rollback(tmp_path)
    assert current_name(tmp_path) == "000001"


def test_rollback_refuses_a_snapshot_that_is_not_whole(folder: Path) -> None:
    (folder / FOLDER / "000001" / "vectors.faiss").unlink()
    with pytest.raises(IndexCorrupt, match=r"vectors.faiss"):
        rollback(folder)
    assert current_name(folder) == "000002"


def test_two_snapshots_are_kept(folder: Path) -> None:
    ingest(folder, 3)
    assert ingest(folder, 4) == "000004"
    assert snapshot_names(folder) == ["000003", "000004"]


def test_prune_deletes_what_a_kill_left(folder: Path) -> None:
    for name in (".building-000003", ".gone-000001"):
        (folder / FOLDER / name).mkdir()
    assert prune(folder) == []
    assert sorted(path.name for path in (folder / FOLDER).iterdir()) == ["000001", "000002", "current"]


def test_a_kill_while_a_snapshot_is_deleted_leaves_none_that_looks_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*of: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("index.snapshot.shutil.rmtree", killed)
        prune(folder, keep=1)
    assert snapshot_names(folder) == ["000002"]
    assert prune(folder) == []
    assert sorted(path.name for path in (folder / FOLDER).iterdir()) == ["000002", "current"]


def test_an_ingest_with_nothing_new_deletes_what_a_kill_left(folder: Path) -> None:
    (folder / FOLDER / ".building-000003").mkdir()
    assert ingest(folder, 1) == ""
    assert not (folder / FOLDER / ".building-000003").exists()


def test_a_snapshot_that_was_built_and_never_switched_to_is_not_answered_from(folder: Path) -> None:
    rollback(folder)
    assert rebuild(folder) == "000003"  # as if killed before the switch, the later ones are there
    switch_to(folder, "000001")
    assert open_snapshot(folder).name == "000001"
    assert prune(folder) == ["000003"]


def test_a_reader_never_sees_a_folder_under_construction(folder: Path) -> None:
    (folder / FOLDER / ".building-000009").mkdir()
    assert snapshot_names(folder) == ["000001", "000002"]
    assert open_snapshot(folder).name == "000002"


def test_readers_of_a_pruned_snapshot_go_on(folder: Path) -> None:
    with Store(folder) as store:
        answerer = Answerer(store, open_snapshot(folder), WideEmbedder())
        for number in (3, 4, 5):
            ingest(folder, number)
        assert not (folder / FOLDER / "000002").exists()
        for number in (1, 2):
            assert is_quoted(answerer.answer(question(story(number))), story(number).word)


# Damage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["vectors.faiss", "passages.npy", "versions.npy", "names.json", "words/meta.json"])
def test_a_truncated_file_is_named_with_the_next_command(folder: Path, file: str) -> None:
    path = live(folder, file)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexCorrupt, match=rf"{file} has \d+ bytes .* run `newsquote rollback` or `newsquote reindex`"):
        open_snapshot(folder)


@pytest.mark.parametrize("file", ["vectors.faiss", "passages.npy", "names.json", "words/meta.json"])
def test_a_missing_file_is_named_with_the_next_command(folder: Path, file: str) -> None:
    live(folder, file).unlink()
    with pytest.raises(IndexCorrupt, match=rf"{file} cannot be read .* run `newsquote rollback` or `newsquote rein"):
        open_snapshot(folder)


@pytest.mark.parametrize("file", ["vectors.faiss", "passages.npy", "versions.npy", "names.json"])
def test_an_altered_file_is_found_by_its_digest(folder: Path, file: str) -> None:
    path = live(folder, file)
    altered = bytearray(path.read_bytes())
    altered[-2] ^= 1
    path.write_bytes(altered)
    name = current_name(folder)
    with pytest.raises(IndexCorrupt, match=f"{file} was altered .* run `newsquote rollback`"):
        check_files(folder / FOLDER / str(name), read_manifest(folder), digests=True)


@pytest.mark.parametrize("file", ["vectors.faiss", "passages.npy", "versions.npy", "names.json", "words/meta.json"])
def test_a_file_of_zeros_is_corrupt_when_opened(folder: Path, file: str) -> None:
    path = live(folder, file)
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(IndexCorrupt, match="run `newsquote rollback` or `newsquote reindex`"):
        open_snapshot(folder)


def test_names_without_their_lists_are_corrupt_when_opened(folder: Path) -> None:
    path = live(folder, "names.json")
    path.write_text("{}".ljust(path.stat().st_size))
    with pytest.raises(IndexCorrupt, match="run `newsquote rollback` or `newsquote reindex`"):
        open_snapshot(folder)


@pytest.mark.parametrize("content", [None, "", "{", "[]"])
def test_a_missing_or_broken_manifest_names_the_next_command(folder: Path, content: str | None) -> None:
    path = live(folder, "manifest.json")
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises((IndexCorrupt, IndexStale), match=r"run `newsquote (rollback` or `newsquote )?reindex`"):
        open_snapshot(folder)


def test_a_manifest_of_another_schema_states_both_schemas(folder: Path) -> None:
    path = live(folder, "manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 7}))
    with pytest.raises(IndexStale, match="schema 7 and this newsquote reads up to 3; run `newsquote reindex`"):
        open_snapshot(folder)


def test_a_manifest_with_a_field_too_many_is_corrupt(folder: Path) -> None:
    path = live(folder, "manifest.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"surprise": 1}))
    with pytest.raises(IndexCorrupt, match="is not a manifest; run `newsquote rollback`"):
        open_snapshot(folder)


def test_an_index_of_another_model_is_stale_for_the_next_ingest(folder: Path) -> None:
    report = ingest_drafts(folder, [draft(story(1))], HashingEmbedder("another"))
    assert (report.n_same, report.snapshot) == (1, "000003")
    assert read_manifest(folder).model.revision == "another"


def test_an_index_of_the_runtime_before_goes_on_where_its_vectors_are_the_same(tmp_path: Path) -> None:
    def entry(runtime: str) -> ModelEntry:
        return ModelEntry(name=DEFAULT_MODEL, revision=DEFAULT_MODEL_SHA256, runtime=runtime, dim=384, max_tokens=256)

    assert embedder_of(entry("openvino-fp32"), tmp_path).runtime == "onnx-fp32"
    assert entry("openvino-fp32").key == entry("onnx-fp32").key
    with pytest.raises(IndexStale, match="runtime openvino-int8, which is no more; run `newsquote reindex`"):
        embedder_of(entry("openvino-int8"), tmp_path)


@pytest.mark.parametrize("change", [{"name": "other"}, {"revision": "2"}, {"runtime": "torch"}, {"dim": 8}])
def test_vectors_are_cached_for_each_model_weights_runtime_and_width_apart(change: dict[str, object]) -> None:
    entry = ModelEntry(name="one", revision="1", runtime="onnx-fp32", dim=4, max_tokens=256)
    assert entry.model_copy(update=change).key != entry.key


def test_no_snapshot_at_all_says_to_ingest(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match=r"no index .* run `newsquote ingest SOURCE` first"):
        open_snapshot(tmp_path)


@pytest.mark.parametrize("content", ["000099\n", "000099"])
def test_current_that_names_nothing_points_to_rollback(folder: Path, content: str) -> None:
    (folder / FOLDER / "current").write_text(content)
    with pytest.raises(IndexCorrupt, match=r"000099/manifest.json cannot be read; run `newsquote rollback`"):
        open_snapshot(folder)
    assert rollback(folder) == "000002"
    check_answers(folder, words(1, 2), [])


@pytest.mark.parametrize("content", [b"", b"\n", b"../elsewhere", b"\xff\xfe"])
def test_whatever_current_holds_the_next_ingest_heals_it(folder: Path, content: bytes) -> None:
    (folder / FOLDER / "current").write_bytes(content)
    with pytest.raises((IndexMissing, IndexCorrupt), match=r"run `newsquote (ingest|reindex)"):
        open_snapshot(folder)
    assert ingest(folder, 1) == "000003"
    check_answers(folder, words(1, 2), [])


# A full disk ----------------------------------------------------------------------------------------------

_STEPS = ["mkdir", "passages", "versions", "names", "vectors", "words", "digests", "manifest", "rename", "switch"]


def _fail(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Let one step of the build find the disk full, in the way its library says so."""
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def on(target: object, name: str, wanted: str, error: Exception) -> None:
        true = getattr(target, name)

        def failing(*arguments: object, **named: object) -> object:
            if any(wanted in str(argument) for argument in arguments):
                raise error
            return true(*arguments, **named)

        monkeypatch.setattr(target, name, failing)

    match step:
        case "mkdir":
            on(Path, "mkdir", ".building-", full)
        case "passages" | "versions":
            on(np, "save", f"{step}.npy", full)
        case "names" | "manifest":
            on(Path, "write_text", f"{step}.json", full)
        case "vectors":
            on(build, "build_vectors", "vectors.faiss", RuntimeError("write error: No space left on device"))
        case "words":
            on(build, "build_words", "words", ValueError("An IO error occurred: No space left on device"))
        case "digests":
            on(build, "_file_entries", "", full)
        case "rename":
            on(Path, "replace", ".building-", full)
        case "switch":
            on(Path, "replace", "current.new", full)


@pytest.mark.parametrize("step", _STEPS)
def test_a_full_disk_at_any_step_is_one_sentence_and_leaves_the_old_snapshot(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        _fail(patch, step)
        with pytest.raises(
            StoreError, match=r"could not be written .*No space left.*; free some space and run"
        ) as said:
            ingest(folder, 3)
    assert "\n" not in str(said.value)
    assert current_name(folder) == "000002"
    check_answers(folder, words(1, 2), [story(3)])
    with Store(folder) as store:
        assert store.known(story(3).url) is not None
    assert not list((folder / FOLDER).glob(".building-*"))
    ingest(folder)
    check_answers(folder, words(1, 2, 3), [])


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from index.errors import NewsquoteError
from tests.test_snapshot import ingest
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    ingest(Path(sys.argv[1]), *range(100, 160))
except NewsquoteError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


def limited(folder: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """An ingest in a child whose files may not grow beyond a limit, as on a full disk."""
    return subprocess.run(
        [sys.executable, "-c", _LIMITED, str(folder), str(limit)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("limit", [30_000, 200_000, 500_000])
def test_files_that_cannot_grow_stop_an_ingest_with_one_sentence(folder: Path, limit: int) -> None:
    done = limited(folder, limit)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1
    assert "free some space" in done.stderr
    check_answers(folder, words(1, 2), [])
    ingest(folder, *range(100, 160))
    check_answers(folder, words(1, 2, 100, 130, 159), [])


def test_a_real_full_disk_loses_nothing(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    small = tmp_path_factory.mktemp("small")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a file system of a given size needs the right to mount")
    try:
        ingest(small, 1, 2)
        said = ""
        last = 100
        while not said:
            try:
                ingest(small, *range(last, last + 20))
                last += 20
            except NewsquoteError as error:
                said = str(error)
        assert "free some space" in said
        assert "\n" not in said
        check_answers(small, words(1, 2, *range(100, last)), [])
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)


def test_what_reads_back_otherwise_than_it_was_written_gets_no_number(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = build._file_entries

    def decaying(made: Path, shared: dict[str, FileEntry]) -> dict[str, FileEntry]:
        found = entries(made, shared)
        path = made / "passages.npy"
        path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
        return found

    with monkeypatch.context() as patch, pytest.raises(IndexCorrupt, match=r"passages.npy was altered"):
        patch.setattr(build, "_file_entries", decaying)
        ingest(folder, 3)
    assert (current_name(folder), snapshot_names(folder)) == ("000002", ["000001", "000002"])
    assert ingest(folder) == "000003"
    check_answers(folder, words(1, 2, 3), [])


# A power cut ----------------------------------------------------------------------------------------------


def test_a_snapshot_is_on_the_disk_before_it_has_its_number_and_is_live_only_then(
    folder: Path, to_disk: list[int | str]
) -> None:
    ingest(folder, 3)
    made = folder / FOLDER / "000003"
    at = to_disk.index("000003")
    # What it shares with the snapshot before was brought there with that one.
    written = [made, made / "words", *(path for path in made.rglob("*") if path.is_file() and path.stat().st_nlink < 2)]
    lost = [path.name for path in written if path.stat().st_ino not in to_disk[:at] and path.suffix != ".lock"]
    assert lost == []
    parent = (folder / FOLDER).stat().st_ino
    assert to_disk[at:] == ["000003", parent, (folder / FOLDER / "current").stat().st_ino, "current", parent]


# Asking while it changes ----------------------------------------------------------------------------------


def _ingest_each(folder: Path, numbers: Sequence[int]) -> None:
    for number in numbers:
        ingest(folder, number)


def test_asking_goes_on_while_another_process_ingests(folder: Path) -> None:
    other = multiprocessing.get_context("spawn").Process(target=_ingest_each, args=(folder, range(10, 22)))
    other.start()
    answers: list[tuple[str, Answer]] = []
    try:
        while other.is_alive():
            with Store(folder) as store:
                snapshot = open_snapshot(folder)
                answers.append((snapshot.name, Answerer(store, snapshot, WideEmbedder()).answer(question(story(2)))))
    finally:
        other.join()
    assert other.exitcode == 0
    assert len({name for name, _ in answers}) > 2
    assert all(is_quoted(answer, story(2).word) for _, answer in answers)


def test_a_snapshot_that_is_pruned_while_it_is_opened_gives_way_to_the_live_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming = [3, 4]

    def overtaken(folder: Path, name: str | None = None) -> Manifest:
        numbers = [*coming]
        coming.clear()
        for number in numbers:
            ingest(folder, number)
        return read_manifest(folder, name)

    monkeypatch.setattr("index.snapshot.read_manifest", overtaken)
    assert open_snapshot(folder).name == "000004"
    assert not (folder / FOLDER / "000002").exists()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose only article was retracted, and then indexed."""
    ingest(tmp_path, 1)
    with Store(tmp_path, write=True) as store:
        store.retract(story(1).url, NOW_S)
    ingest(tmp_path)
    yield tmp_path


def test_an_index_of_nothing_opens_and_finds_nothing(empty: Path) -> None:
    assert read_manifest(empty).n_passages == 0
    with Store(empty) as store:
        answer = Answerer(store, open_snapshot(empty), WideEmbedder()).answer(question(story(1)))
    assert (answer.status, answer.quotes) == ("not_found", ())
