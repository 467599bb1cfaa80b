"""Going on from a snapshot: what is new stands beside what is there, and answers as if everything were built anew."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import build, vectors
from index.build import Base, build_snapshot
from index.errors import IndexCorrupt, IndexStale
from index.retrieve import N_CANDIDATES, Retriever
from index.snapshot import FOLDER, Snapshot, current_name, open_snapshot, read_manifest, rollback
from index.store import Store
from index.types import Filters, Hit
from ingest.draft import Draft
from ingest.indexing import is_behind, recipe_for
from ingest.job import run_reindex
from ingest.pipeline import store_articles
from tests.fakes import NOW_S, HashingEmbedder, SilentProgress, ingest_drafts

WORDS = [
    "harbour",
    "strike",
    "ferry",
    "council",
    "budget",
    "river",
    "bridge",
    "storm",
    "dockers",
    "market",
    "school",
    "vaccine",
    "election",
    "tariff",
]
EVERYTHING = Filters(as_of_s=NOW_S)


def draft(number: int, edition: int = 0) -> Draft:
    """An invented article; another edition says something else under the same address."""
    rng = np.random.default_rng([number, edition])
    sentences = (" ".join(rng.choice(WORDS, 9)).capitalize() + f" {number}." for _ in range(12))
    return Draft(
        origin="test",
        text=" ".join(sentences),
        url=f"https://paper.example/{number}",
        title=" ".join(rng.choice(WORDS, 3)),
        published=f"2025-0{1 + number % 6}-{1 + number % 28:02d}",
        updated=f"2025-06-{2 + edition:02d}" if edition else "",
        date_from="record",
        source=f"Paper {number % 4}",
        language="en" if number % 3 else "de",
    )


def ingest(folder: Path, drafts: Sequence[Draft]) -> str:
    return ingest_drafts(folder, drafts, passage_tokens=40).snapshot


def rebuild(folder: Path, *, fresh: bool) -> str:
    with Store(folder, write=True) as store:
        recipe = recipe_for(HashingEmbedder(), 40, "test")
        return build_snapshot(folder, store, recipe, NOW_S, Base.of(folder, store, recipe), fresh=fresh)


def live(folder: Path) -> Path:
    return folder / FOLDER / (current_name(folder) or "")


def is_shared(folder: Path, before: str, file: str) -> bool:
    return (live(folder) / file).samefile(folder / FOLDER / before / file)


def hits(snapshot: Snapshot, question: str, filters: Filters = EVERYTHING, retracted: Sequence[int] = ()) -> list[Hit]:
    return Retriever(snapshot, HashingEmbedder()).retrieve(question, filters, retracted=retracted, k=2 * N_CANDIDATES)


def found(hits: Sequence[Hit]) -> dict[tuple[int, int], tuple[float, float]]:
    """Cosine and BM25 by place; rows differ between snapshots, places do not."""
    return {(hit.version, hit.span.start): (hit.cosine, hit.bm25) for hit in hits}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty articles in one segment."""
    ingest(tmp_path, [draft(number) for number in range(30)])
    return tmp_path


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a corpus of a few articles take some more without a merge."""
    monkeypatch.setattr(build, "MERGE_SHARE", 0.5)


# The same answers -----------------------------------------------------------------------------------------

steps = st.lists(
    st.one_of(
        st.tuples(st.just("new"), st.integers(1, 5)),
        st.tuples(st.just("changed"), st.integers(0, 9)),
        st.tuples(st.just("retracted"), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=4,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(steps, st.sampled_from([0.5, 0.9]))
def test_a_snapshot_that_went_on_answers_as_one_that_was_built_anew(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[str, int]],
    share: float,
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    with monkeypatch.context() as patch:
        patch.setattr(build, "MERGE_SHARE", share)
        ingest(folder, [draft(number) for number in range(12)])
        n_known = 12
        for edition, (what, number) in enumerate(steps, 1):
            match what:
                case "new":
                    ingest(folder, [draft(n_known + at) for at in range(number)])
                    n_known += number
                case "changed":
                    ingest(folder, [draft(number, edition)])
                case "retracted":
                    with Store(folder, write=True) as store:
                        store.retract(draft(number).url, NOW_S)
                    ingest(folder, [])
    went_on = open_snapshot(folder)
    rebuild(folder, fresh=True)
    anew = open_snapshot(folder)
    assert anew.manifest.n_recent == anew.manifest.n_dead == 0
    assert went_on.manifest.n_passages == anew.manifest.n_passages
    assert (went_on.sources, went_on.languages) == (anew.sources, anew.languages)
    n_dead = went_on.manifest.n_dead
    days = [NOW_S, NOW_S - 29 * 86_400, NOW_S - 60 * 86_400]
    for question in ("ferry strike", "storm at the bridge", "tariff"):
        for filters in (
            *map(Filters, days),
            Filters(NOW_S, sources=frozenset({"paper 1"})),
            Filters(NOW_S, language="de"),
        ):
            ours, expected = found(hits(went_on, question, filters)), found(hits(anew, question, filters))
            assert ours.keys() == expected.keys()
            for place, (cosine, bm25) in expected.items():
                assert ours[place][0] == pytest.approx(cosine, abs=1e-6)
                # What was retracted counts in the frequencies of words until the next merge, and nowhere else.
                assert ours[place][1] == pytest.approx(bm25, rel=1e-5 if not n_dead else 1.0)
            searched = [Retriever(each, HashingEmbedder()).searched(filters) for each in (went_on, anew)]
            assert searched[0] == searched[1]


# What is written ------------------------------------------------------------------------------------------


def test_a_few_new_articles_stand_beside_the_main_segment_which_is_shared(folder: Path) -> None:
    before = read_manifest(folder)
    ingest(folder, [draft(100)])
    manifest = read_manifest(folder)
    assert manifest.n_recent == manifest.n_passages - before.n_passages > 0
    assert manifest.main_version == before.last_version == 30
    assert manifest.last_version == 31
    assert is_shared(folder, "000001", "vectors.faiss")
    assert manifest.files["vectors.faiss"] == before.files["vectors.faiss"]
    assert (live(folder) / "vectors.faiss").stat().st_nlink == 2
    old_words = [path.name for path in (folder / FOLDER / "000001" / "words").glob("*.idx")]
    assert all(is_shared(folder, "000001", f"words/{name}") for name in old_words)


def test_the_recent_segment_gathers_what_came_since_the_main_one(folder: Path) -> None:
    ingest(folder, [draft(100)])
    first = read_manifest(folder).n_recent
    ingest(folder, [draft(101), draft(102)])
    manifest = read_manifest(folder)
    assert manifest.n_recent > first
    assert manifest.main_version == 30
    snapshot = open_snapshot(folder)
    for number in (5, 100, 101, 102):
        assert hits(snapshot, draft(number).text)[0].version == {5: 6, 100: 31, 101: 32, 102: 33}[number]


def test_a_pruned_snapshot_takes_no_shared_file_with_it(folder: Path) -> None:
    for number in (100, 101, 102):
        ingest(folder, [draft(number)])
    assert not (folder / FOLDER / "000001").exists()
    assert is_shared(folder, "000003", "vectors.faiss")
    assert (live(folder) / "vectors.faiss").stat().st_nlink == 2
    assert rollback(folder) == "000003"
    assert hits(open_snapshot(folder), draft(101).text)[0].version == 32


def test_an_ingest_after_a_rollback_goes_on_from_what_is_live(folder: Path) -> None:
    ingest(folder, [draft(100)])
    rollback(folder)
    ingest(folder, [draft(101)])
    manifest = read_manifest(folder)
    assert (current_name(folder), manifest.main_version, manifest.last_version) == ("000003", 30, 32)
    assert {hit.version for hit in hits(open_snapshot(folder), "ferry")} >= {31, 32}


def test_more_than_its_share_of_recent_passages_is_merged_into_a_new_main_segment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "MERGE_SHARE", 0.1)
    ingest(folder, [draft(100), draft(101)])
    assert read_manifest(folder).n_recent > 0
    ingest(folder, [draft(102), draft(103)])
    manifest = read_manifest(folder)
    assert (manifest.n_recent, manifest.recent_kind, manifest.main_version) == (0, "", 34)
    assert not (live(folder) / "recent.faiss").exists()
    assert not is_shared(folder, "000002", "vectors.faiss")


def test_a_reindex_writes_one_fresh_segment(folder: Path) -> None:
    ingest(folder, [draft(100)])
    rebuild(folder, fresh=True)
    assert read_manifest(folder).n_recent == 0
    assert not is_shared(folder, "000002", "vectors.faiss")


def test_a_retracted_article_is_dead_until_the_merge_and_then_gone(folder: Path) -> None:
    n_before = read_manifest(folder).n_passages
    with Store(folder, write=True) as store:
        store.retract(draft(5).url, NOW_S)
    ingest(folder, [draft(100)])
    manifest = read_manifest(folder)
    snapshot = open_snapshot(folder)
    assert manifest.n_dead > 0
    assert manifest.n_passages == n_before - manifest.n_dead + manifest.n_recent
    assert 6 not in {hit.version for hit in hits(snapshot, draft(5).text)}
    dead = np.flatnonzero(snapshot.passages["version_row"] == 5)
    assert len(dead) == manifest.n_dead
    rebuild(folder, fresh=True)
    assert read_manifest(folder).n_dead == 0
    assert 6 not in open_snapshot(folder).versions["version"]


def test_the_vectors_of_a_recent_article_go_with_its_retraction(folder: Path) -> None:
    ingest(folder, [draft(100), draft(101)])
    with Store(folder, write=True) as store:
        store.retract(draft(100).url, NOW_S)
    ingest(folder, [draft(102)])
    snapshot = open_snapshot(folder)
    dead = np.flatnonzero(snapshot.versions["version"][snapshot.passages["version_row"]] == 31)
    assert len(dead)
    assert not snapshot.vectors.vectors(dead).any()
    assert hits(snapshot, draft(101).text)[0].version == 32


def test_a_retraction_of_most_is_merged_at_once(folder: Path) -> None:
    with Store(folder, write=True) as store:
        for number in range(20):
            store.retract(draft(number).url, NOW_S)
    ingest(folder, [])
    manifest = read_manifest(folder)
    assert (manifest.n_dead, manifest.n_recent, manifest.n_articles) == (0, 0, 10)


def test_a_superseded_version_ends_where_the_next_begins_without_a_rewrite(folder: Path) -> None:
    ingest(folder, [draft(3, edition=1)])
    assert is_shared(folder, "000001", "vectors.faiss")
    snapshot = open_snapshot(folder)
    now = {hit.version for hit in hits(snapshot, draft(3).text)}
    before = {hit.version for hit in hits(snapshot, draft(3).text, Filters(NOW_S - 29 * 86_400 - 1))}
    assert 31 in now and 4 not in now
    assert 4 in before and 31 not in before


def test_readers_of_the_snapshot_before_go_on_while_its_files_are_shared(folder: Path) -> None:
    reader = open_snapshot(folder)
    expected = found(hits(reader, "ferry strike"))
    for number in range(100, 104):
        ingest(folder, [draft(number)])
    assert found(hits(reader, "ferry strike")) == expected


# When going on is no option -------------------------------------------------------------------------------


def test_another_model_or_splitting_is_built_anew(folder: Path) -> None:
    report = ingest_drafts(folder, [draft(100)], HashingEmbedder("other"), passage_tokens=40)
    assert report.snapshot == "000002"
    assert read_manifest(folder).n_recent == 0
    ingest_drafts(folder, [draft(101)], HashingEmbedder("other"), passage_tokens=80)
    assert read_manifest(folder).n_recent == 0


@pytest.mark.parametrize("file", ["vectors.faiss", "passages.npy", "manifest.json", "words/meta.json"])
def test_a_damaged_snapshot_is_not_built_on(folder: Path, file: str) -> None:
    path = live(folder) / file
    path.write_bytes(path.read_bytes()[:-1])
    ingest(folder, [draft(100)])
    assert read_manifest(folder).n_recent == 0
    assert hits(open_snapshot(folder), draft(100).text)[0].version == 31


@pytest.mark.parametrize("file", ["vectors.faiss", "names.json", "words/meta.json"])
def test_an_ingest_of_nothing_new_replaces_an_index_that_is_not_whole(folder: Path, file: str) -> None:
    (live(folder) / file).unlink()
    with Store(folder) as store:
        assert is_behind(folder, store)
    report = ingest_drafts(folder, [draft(1)], passage_tokens=40)
    assert (report.n_same, report.snapshot, report.n_embedded) == (1, "000002", 0)
    check_as_anew(folder, range(30))


def alter(path: Path) -> None:
    """Change a byte in the middle of a file, which keeps its size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.unlink()  # its other names stay what they are
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["passages.npy", "versions.npy"])
def test_tables_of_another_content_are_not_built_on(folder: Path, file: str) -> None:
    alter(live(folder) / file)
    ingest(folder, [draft(100)])
    assert read_manifest(folder).n_recent == 0
    check_as_anew(folder, [*range(30), 100])


@pytest.mark.parametrize("damaged", ["vectors.faiss", "recent.faiss"])
@pytest.mark.parametrize("is_reindex", [True, False])
def test_altered_vectors_are_embedded_anew_where_the_cache_has_dropped_them(
    folder: Path, damaged: str, is_reindex: bool
) -> None:
    ingest(folder, [draft(100)])
    with Store(folder, write=True) as store:
        store.drop_cache()
    alter(live(folder) / damaged)
    if is_reindex:
        run_reindex(folder, HashingEmbedder(), 40, "test", NOW_S, dry_run=False)
    else:
        ingest(folder, [draft(101)])
    assert read_manifest(folder).n_recent == 0
    check_as_anew(folder, [*range(30), 100] if is_reindex else [*range(30), 100, 101])


def check_answers_or_is_corrupt(folder: Path) -> bool:
    """Whether an index that was damaged is found to be so; else it gives hits, and raises nothing else."""
    try:
        snapshot = open_snapshot(folder)
        for filters in (EVERYTHING, Filters(NOW_S, language="de"), Filters(NOW_S - 40 * 86_400)):
            hits(snapshot, "ferry strike", filters)
    except IndexCorrupt as error:
        assert "run `newsquote rollback` or `newsquote reindex`" in str(error)
        return True
    return False


@pytest.mark.parametrize("kind", ["fast", "fieldnorm", "idx", "pos", "store", "term", "json"])
@pytest.mark.parametrize("share", [(0.0, 0.4), (0.4, 0.5), (0.5, 0.9)])
def test_words_of_another_content_are_hits_or_one_sentence(folder: Path, kind: str, share: tuple[float, float]) -> None:
    for path in (live(folder) / "words").glob(f"*.{kind}"):
        content = bytearray(path.read_bytes())
        start, end = (int(each * len(content)) for each in share)
        content[start:end] = bytes(0xFF ^ byte for byte in content[start:end])
        path.write_bytes(content)
    check_answers_or_is_corrupt(folder)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("passages", "version_row", 30),
        ("passages", "version_row", -1),
        ("passages", "start", -7),
        ("passages", "end", 0),
        ("versions", "source", 4),
        ("versions", "source", -2),
        ("versions", "language", 2),
        ("versions", "published_s", 2**50),
    ],
)
def test_tables_that_point_to_nothing_are_corrupt_when_opened(
    folder: Path, table: str, column: str, value: int
) -> None:
    path = live(folder) / f"{table}.npy"
    rows = np.load(path)
    rows[column][len(rows) // 2] = value
    np.save(path, rows)
    with pytest.raises(IndexCorrupt, match="do not fit each other; run `newsquote rollback` or `newsquote reindex`"):
        open_snapshot(folder)


@pytest.mark.parametrize(("written", "altered"), [(b"(", b" "), (b"}", b" "), (b"<i4", b"<i2"), (b"start", b"stbrt")])
def test_a_table_s_header_of_another_content_is_corrupt_when_opened(
    folder: Path, written: bytes, altered: bytes
) -> None:
    path = live(folder) / "passages.npy"
    path.write_bytes(path.read_bytes().replace(written, altered, 1))
    assert check_answers_or_is_corrupt(folder)


@pytest.mark.parametrize("bits", [0x7C00, 0x7E00])  # infinite, and no number
def test_vectors_that_are_no_numbers_are_corrupt_when_they_are_met(folder: Path, bits: int) -> None:
    path = live(folder) / "vectors.faiss"
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[-half:] = bits.to_bytes(2, "little") * (half // 2) + bytes(half % 2)
    path.write_bytes(content)
    assert check_answers_or_is_corrupt(folder)


def test_a_version_that_the_snapshot_has_no_row_for_is_not_forgotten(folder: Path) -> None:
    with Store(folder, write=True) as store:
        store.retract(draft(5).url, NOW_S)
    rebuild(folder, fresh=True)
    with sqlite3.connect(folder / "corpus.db") as db:  # as if a tombstone had been lifted
        db.execute("UPDATE articles SET retracted_s = NULL")
    db.close()
    ingest(folder, [draft(100)])
    assert read_manifest(folder).n_recent == 0
    assert hits(open_snapshot(folder), draft(5).text)[0].version == 6


def test_vectors_that_the_cache_has_dropped_are_taken_from_the_live_snapshot(folder: Path) -> None:
    ingest(folder, [draft(100)])
    expected = found(hits(open_snapshot(folder), "ferry strike"))
    with sqlite3.connect(folder / "corpus.db") as db:
        db.execute("DELETE FROM embeddings")
    db.close()
    rebuild(folder, fresh=True)
    assert read_manifest(folder).n_recent == 0
    ours = found(hits(open_snapshot(folder), "ferry strike"))
    assert ours.keys() == expected.keys()
    assert all(ours[place] == pytest.approx(values, rel=1e-6) for place, values in expected.items())


# Another store --------------------------------------------------------------------------------------------


def forget_store(folder: Path) -> None:
    for path in folder.glob("corpus.db*"):
        path.unlink()


def check_as_anew(folder: Path, numbers: Sequence[int]) -> int:
    """A data folder finds what one does that was made of these drafts alone, which has so many vectors."""
    elsewhere = folder / "elsewhere"
    report = ingest_drafts(elsewhere, [draft(number) for number in numbers], passage_tokens=40)
    for question in ("ferry strike", "storm at the bridge", draft(numbers[0]).text):
        ours, expected = (found(hits(open_snapshot(each), question)) for each in (folder, elsewhere))
        assert ours.keys() == expected.keys()
        for place, values in expected.items():
            assert ours[place] == pytest.approx(values, rel=1e-5, abs=1e-6)
    return report.n_embedded


@pytest.mark.parametrize(
    "numbers",
    [
        [*range(5), *range(6, 30), 100],  # without what was retracted, and something new
        [*range(5), 6, 5, *range(7, 30)],  # as many, and the last one where it was
        [*range(5), *range(6, 31), 100],
        [7],
        range(1, 60),
    ],
)
def test_an_index_of_another_store_is_not_built_on(folder: Path, numbers: Sequence[int]) -> None:
    forget_store(folder)
    report = ingest_drafts(folder, [draft(number) for number in numbers], passage_tokens=40)
    assert (report.snapshot, report.n_embedded) == ("000002", check_as_anew(folder, numbers))
    manifest = read_manifest(folder)
    assert (manifest.n_recent, manifest.last_version) == (0, len(numbers))


def test_a_reindex_reads_no_vector_back_from_the_index_of_another_store(folder: Path) -> None:
    forget_store(folder)
    with Store(folder, write=True) as store:
        store_articles([draft(number) for number in (8, *range(30))], store, NOW_S, SilentProgress())
    run_reindex(folder, HashingEmbedder(), 40, "test", NOW_S, dry_run=False)
    check_as_anew(folder, [8, *range(8), *range(9, 30)])


def test_an_older_copy_of_the_store_that_went_another_way_is_told_from_what_it_was_copied_from(folder: Path) -> None:
    shutil.copy(folder / "corpus.db", folder / "copy")
    ingest(folder, [draft(100)])
    forget_store(folder)
    (folder / "copy").rename(folder / "corpus.db")
    with pytest.raises(IndexStale, match="made of other articles"):
        open_snapshot(folder)
    ingest(folder, [draft(101)])
    assert read_manifest(folder).last_version == 31
    check_as_anew(folder, [*range(30), 101])


def test_a_store_made_anew_of_the_same_articles_keeps_its_index(folder: Path) -> None:
    forget_store(folder)
    with Store(folder, write=True) as store:
        store_articles([draft(number) for number in range(30)], store, NOW_S, SilentProgress())
    check_as_anew(folder, range(30))
    assert ingest(folder, [draft(100)]) == "000002"
    assert is_shared(folder, "000001", "vectors.faiss")


def test_the_digest_of_what_an_index_knows_does_not_tell_how_it_came_about(folder: Path) -> None:
    ingest(folder, [draft(100)])
    went_on = read_manifest(folder)
    rebuild(folder, fresh=True)
    anew = read_manifest(folder)
    assert (went_on.contents, went_on.last_content) == (anew.contents, anew.last_content)
    assert len(anew.contents) == 64 and len(anew.last_content) == 32


def test_there_is_no_way_back_to_the_index_of_another_store(folder: Path) -> None:
    forget_store(folder)
    ingest(folder, [draft(number) for number in range(1, 31)])
    with pytest.raises(IndexStale, match="made of other articles"):
        rollback(folder)
    assert current_name(folder) == "000002"


# Earlier schemas ------------------------------------------------------------------------------------------


def test_an_index_that_does_not_say_of_what_it_was_made_answers_and_is_replaced_by_the_next_ingest(
    folder: Path,
) -> None:
    path = live(folder) / "manifest.json"
    manifest = json.loads(path.read_text()) | {"schema_version": 2}
    del manifest["contents"], manifest["last_content"]
    path.write_text(json.dumps(manifest))
    check_as_anew(folder, range(30))
    report = ingest_drafts(folder, [], passage_tokens=40)
    assert (report.snapshot, report.n_embedded) == ("000002", 0)  # the vectors are cached
    assert read_manifest(folder).contents
    assert not is_shared(folder, "000001", "vectors.faiss")


def as_first_schema(folder: Path, vector_kind: str) -> None:
    path = live(folder) / "manifest.json"
    manifest = json.loads(path.read_text()) | {"schema_version": 1, "vector_kind": vector_kind}
    for name in ("recent_kind", "n_recent", "n_dead", "main_version", "last_version", "last_content", "contents"):
        del manifest[name]
    path.write_text(json.dumps(manifest))


def test_an_index_of_the_first_schema_is_read_and_replaced_by_the_next_ingest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(vectors, "index_kind", lambda n, dim: "Flat")
        rebuild(folder, fresh=True)
    expected = found(hits(open_snapshot(folder), "ferry strike"))
    as_first_schema(folder, "Flat")
    assert found(hits(open_snapshot(folder), "ferry strike")) == expected
    ingest(folder, [draft(100)])
    manifest = read_manifest(folder)
    assert (manifest.schema_version, manifest.n_recent) == (3, 0)


def test_an_inverted_file_of_the_first_schema_is_stale_and_replaced_by_the_next_ingest(folder: Path) -> None:
    as_first_schema(folder, "IVF1024,SQ8")
    with pytest.raises(IndexStale, match="keeps vectors as IVF1024,SQ8; run `newsquote reindex`"):
        open_snapshot(folder)
    ingest(folder, [])
    assert hits(open_snapshot(folder), draft(3).text)[0].version == 4


def test_a_copied_folder_goes_on_by_itself(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("copy") / "folder"
    shutil.copytree(folder, copy)
    ingest(copy, [draft(100)])
    assert is_shared(copy, "000001", "vectors.faiss")
    assert read_manifest(folder).last_version == 30
