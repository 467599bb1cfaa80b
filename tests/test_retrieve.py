"""From a question to passages: what may answer, in which order, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.retrieve import Floats, Retriever, Searched, Weights, fuse
from index.snapshot import Snapshot, open_snapshot
from index.store import ALWAYS, Store
from index.types import DAY_S, Filters, Hit, end_of_day_s, instant_s
from ingest.draft import Draft
from tests.fakes import HashingEmbedder, ingest_drafts


def at(day: str) -> int:
    """The last second of a day."""
    return end_of_day_s(date.fromisoformat(day))


def first(day: str) -> int:
    return at(day) + 1 - DAY_S


def draft(name: str, text: str, published: str = "2025-04-10", **fields: str) -> Draft:
    url = f"https://{fields.get('source', 'Post').lower().replace(' ', '-')}.example/{name}"
    return Draft(origin=name, text=text, url=url, published=published, date_from="record", **fields)  # type: ignore[arg-type]


DRAFTS = [
    draft("april1", "The dockers strike closed the harbour of Veldt.", "2025-04-01", source="Post", language="en"),
    draft("april10", "The dockers strike ended in the harbour of Veldt.", "2025-04-10", source="Wire", language="en"),
    draft("noon", "Dockers and owners of Veldt sign a deal.", "2025-04-20T12:00:00Z", source="WIRE", language="en"),
    draft("undated", "A dockers strike can close a harbour.", "", source="Post", language=""),
    draft("streik", "Der dockers Streik in Veldt dauert an.", "2025-04-12", source="Île Hebdo", language="de"),
    draft("cats", "Cats sleep a lot and do not care.", "2025-04-15", source="Post", language="en"),
]
QUESTION = "dockers strike Veldt"


@dataclass(frozen=True)
class Corpus:
    """A snapshot of a few articles, asked by their names."""

    folder: Path
    snapshot: Snapshot

    def hits(self, question: str = QUESTION, filters: Filters | None = None, **options: object) -> list[Hit]:
        retriever = Retriever(self.snapshot, HashingEmbedder(), options.pop("weights", None))  # type: ignore[arg-type]
        return retriever.retrieve(question, filters or Filters(at("2025-04-30")), **options)  # type: ignore[arg-type]

    def names(self, question: str = QUESTION, filters: Filters | None = None, **options: object) -> list[str]:
        with Store(self.folder) as store:
            articles = [store.article(hit.version) for hit in self.hits(question, filters, **options)]
            return [article.id.rpartition("/")[2] if article else "gone" for article in articles]

    def number(self, name: str) -> int:
        with Store(self.folder) as store:
            ids = store.article_ids(range(1, 20))
        return next(number for number, (article_id, _) in ids.items() if article_id.endswith(f"/{name}"))


def ingested(folder: Path, *batches: Sequence[Draft]) -> Corpus:
    for drafts in batches:
        ingest_drafts(folder, drafts)
    return Corpus(folder, open_snapshot(folder))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return ingested(tmp_path_factory.mktemp("retrieve"), DRAFTS)


EVERY = {"april1", "april10", "noon", "undated", "streik", "cats"}


# What may answer -------------------------------------------------------------------------------------------


def test_without_bounds_everything_may_answer(corpus: Corpus) -> None:
    assert {*corpus.names()} == EVERY


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-03-31", {"undated"}),
        ("2025-04-01", {"undated", "april1"}),
        ("2025-04-10", {"undated", "april1", "april10"}),
        ("2025-04-20", EVERY),
    ],
)
def test_nothing_published_after_the_question_answers_and_the_undated_does(
    corpus: Corpus, day: str, expected: set[str]
) -> None:
    assert {*corpus.names(filters=Filters(at(day)))} == expected


def test_an_hour_of_publication_counts(corpus: Corpus) -> None:
    noon = instant_s("2025-04-20T12:00:00Z")
    assert noon is not None
    assert "noon" in corpus.names(filters=Filters(noon))
    assert "noon" not in corpus.names(filters=Filters(noon - 1))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2025-04-10", None, {"april10", "streik", "cats", "noon"}),
        ("2025-04-11", None, {"streik", "cats", "noon"}),
        (None, "2025-04-10", {"april1", "april10"}),
        (None, "2025-04-09", {"april1"}),
        ("2025-04-20", "2025-04-20", {"noon"}),
        ("2025-04-02", "2025-04-09", set()),
    ],
)
def test_since_and_until_are_inclusive_and_leave_the_undated_out(
    corpus: Corpus, since: str | None, until: str | None, expected: set[str]
) -> None:
    filters = Filters(at("2025-04-30"), since and first(since), until and at(until))  # type: ignore[arg-type]
    assert {*corpus.names(filters=filters)} == expected


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"wire"}, {"april10", "noon"}),
        ({"île hebdo", "wire"}, {"april10", "noon", "streik"}),
        ({"nobody"}, set()),
    ],
)
def test_outlets_are_matched_whatever_their_case(corpus: Corpus, sources: set[str], expected: set[str]) -> None:
    assert {*corpus.names(filters=Filters(at("2025-04-30"), sources=frozenset(sources)))} == expected


def test_a_language_filters_and_an_unknown_one_is_not_it(corpus: Corpus) -> None:
    assert {*corpus.names(filters=Filters(at("2025-04-30"), language="de"))} == {"streik"}
    assert {*corpus.names(filters=Filters(at("2025-04-30"), language="en"))} == EVERY - {"streik", "undated"}


def test_only_what_was_stored_after_a_version_answers_also_where_an_index_was_added_to(tmp_path: Path) -> None:
    corpus = ingested(tmp_path, DRAFTS[:5], DRAFTS[5:])
    assert corpus.snapshot.manifest.last_version == 6
    for last in range(7):
        names = {*corpus.names(filters=Filters(at("2025-04-30"), after_version=last))}
        assert names == {draft.url.rpartition("/")[2] for draft in DRAFTS[last:] if draft.url}


def test_a_retracted_article_does_not_answer(corpus: Corpus) -> None:
    retracted = [corpus.number("april1"), corpus.number("noon")]
    assert {*corpus.names(retracted=retracted)} == EVERY - {"april1", "noon"}
    every = [corpus.number(name) for name in EVERY]
    assert corpus.names(retracted=every) == []


def test_the_version_valid_on_the_day_answers(tmp_path: Path) -> None:
    versions = [
        draft("toll", "The toll of Veldt is 3 crowns.", "2025-04-01"),
        draft("toll", "The toll of Veldt is 5 crowns.", "2025-04-01", updated="2025-04-05"),
        draft("toll", "The toll of Veldt is 9 crowns.", "2025-04-01", updated="2025-04-09T10:00:00Z"),
    ]
    corpus = ingested(tmp_path, versions)
    tolls = {}
    with Store(tmp_path) as store:
        for day in ("2025-03-31", "2025-04-01", "2025-04-04", "2025-04-05", "2025-04-08", "2025-04-09", "2025-04-30"):
            found = [store.article(hit.version) for hit in corpus.hits("toll of Veldt", Filters(at(day)))]
            tolls[day] = [article.text.split()[5] for article in found if article]
    assert list(tolls.values()) == [[], ["3"], ["3"], ["5"], ["5"], ["9"], ["9"]]


def test_a_version_ends_in_the_second_in_which_the_next_begins(tmp_path: Path) -> None:
    corpus = ingested(
        tmp_path,
        [
            draft("toll", "The toll of Veldt is 3 crowns.", "2025-04-01"),
            draft("toll", "The toll of Veldt is 5 crowns.", "2025-04-01", updated="2025-04-09T10:00:00Z"),
        ],
    )
    change_s = instant_s("2025-04-09T10:00:00Z") or 0
    before, after = (corpus.hits("toll", Filters(as_of_s)) for as_of_s in (change_s - 1, change_s))
    assert [_text_of(corpus, hit).split()[5] for hit in before] == ["3"]
    assert [_text_of(corpus, hit).split()[5] for hit in after] == ["5"]


def test_a_passage_that_only_its_words_found_has_its_true_cosine(tmp_path: Path) -> None:
    crowd = [draft(f"deal{n}", f"Deal talks, deal talks, round {n}.", source=f"S{n}") for n in range(230)]
    lone = draft("lone", "A zorvex was seen by some hikers high above the northern valley on Sunday evening.")
    corpus = ingested(tmp_path, [*crowd, lone])
    (hit,) = [hit for hit in corpus.hits("deal talks zorvex", k=300) if "zorvex" in _text_of(corpus, hit)]
    embedder = HashingEmbedder()
    assert len(corpus.hits("deal talks zorvex", k=300)) < 231  # not all were near
    assert hit.bm25 > 0
    vector = embedder.embed_passages(["(2025-04-10)\n" + _text_of(corpus, hit)])[0]
    assert hit.cosine == pytest.approx(float(vector @ embedder.embed_query("deal talks zorvex")), abs=2e-3)
    assert abs(hit.cosine) > 0.01


@pytest.mark.parametrize("question", ["", "?!", "the of and", "unheard of wordings", "\x00\u202e", "x" * 10_000])
def test_any_question_gets_an_order(corpus: Corpus, question: str) -> None:
    hits = corpus.hits(question)
    assert len(hits) == 6
    assert all(math.isfinite(hit.score) for hit in hits)


def test_an_empty_corpus_gives_nothing(tmp_path: Path) -> None:
    corpus = ingested(tmp_path, [])
    assert len(corpus.snapshot.passages) == len(corpus.snapshot.versions) == 0
    assert corpus.hits() == []
    assert corpus.hits(filters=Filters(0, 0, 0, frozenset({"wire"}), "en")) == []
    searched = Retriever(corpus.snapshot, HashingEmbedder()).searched(Filters(0))
    assert searched == Searched(0, None, None)


def test_what_was_searched_is_said_in_articles_and_days(corpus: Corpus) -> None:
    retriever = Retriever(corpus.snapshot, HashingEmbedder())
    everything = Filters(at("2025-04-30"))
    assert retriever.searched(everything) == Searched(6, first("2025-04-01"), first("2025-04-20") + DAY_S // 2)
    assert retriever.searched(everything, [corpus.number("noon")]).n_articles == 5
    window = Filters(at("2025-04-30"), since_s=first("2025-04-10"), until_s=at("2025-04-12"))
    assert retriever.searched(window) == Searched(2, first("2025-04-10"), first("2025-04-12"))
    assert retriever.searched(Filters(at("2025-03-01"))) == Searched(1, None, None)


# In which order --------------------------------------------------------------------------------------------


def test_hits_come_best_first_and_at_most_k(corpus: Corpus) -> None:
    hits = corpus.hits()
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert corpus.hits(k=2) == hits[:2]
    assert corpus.names()[-1] in ("cats", "undated")


def test_a_hit_carries_the_signs_it_was_ranked_by(corpus: Corpus) -> None:
    embedder = HashingEmbedder()
    query = embedder.embed_query(QUESTION)
    weights = Weights()
    hits = corpus.hits()
    best = max(hit.bm25 for hit in hits)
    nearest = max(hit.cosine for hit in hits)
    for hit in hits:
        assert hit.span == corpus.snapshot.span(hit.passage)
        with Store(corpus.folder) as store:
            article = store.article(hit.version)
        assert article is not None
        published = article.published[:10] if article.published else ""
        seen = f"{article.title} ({published})\n".lstrip() if published else ""
        vector = embedder.embed_passages([seen + hit.span.of(article.text)])[0]
        assert hit.cosine == pytest.approx(float(vector @ query), abs=2e-3)  # kept at half precision
        expected = weights.words * hit.bm25 / best + (1 - weights.words) * hit.cosine / nearest + hit.recency
        assert hit.score == pytest.approx(expected)
    cats = next(hit for hit in hits if "Cats" in _text_of(corpus, hit))
    assert cats.bm25 == 0


def _text_of(corpus: Corpus, hit: Hit) -> str:
    with Store(corpus.folder) as store:
        article = store.article(hit.version)
    assert article is not None
    return hit.span.of(article.text)


def test_an_inferred_window_moves_the_order_and_hides_nothing(corpus: Corpus) -> None:
    plain = corpus.names(weights=Weights(recency=0.0))
    window = (first("2025-04-01"), at("2025-04-01"))
    moved = corpus.names(weights=Weights(recency=0.0, window=5.0), window=window)
    assert {*moved} == {*plain} == EVERY
    assert moved[0] == "april1"


def test_the_newer_of_two_like_articles_comes_first(tmp_path: Path) -> None:
    dates = ["2025-04-01", "2025-04-29", "2025-04-15"]
    drafts = [draft(day, "Ferries to Veldt are cancelled.", day, source=f"S{n}") for n, day in enumerate(dates)]
    corpus = ingested(tmp_path, drafts)
    assert corpus.names("ferries to Veldt") == ["2025-04-29", "2025-04-15", "2025-04-01"]


# The arithmetic --------------------------------------------------------------------------------------------

NOW_S = at("2025-04-30")


def test_recency_falls_to_an_nth_part_and_is_nothing_for_the_undated() -> None:
    weights = Weights(words=0.5, recency=0.2, recency_days=10.0, age=0.0)
    published = np.array([NOW_S, NOW_S - 10 * DAY_S, NOW_S - 20 * DAY_S, ALWAYS, NOW_S + DAY_S])
    zeros = np.zeros(5)
    scores, by_date = fuse(zeros, zeros, published, NOW_S, None, weights)
    assert by_date == pytest.approx([0.2, 0.2 / math.e, 0.2 / math.e**2, 0.0, 0.2])
    assert scores == pytest.approx(by_date)


def test_of_two_years_old_events_the_newer_gains() -> None:
    year = 365 * DAY_S
    _, by_date = fuse(
        np.zeros(3), np.zeros(3), np.array([NOW_S - year, NOW_S - 8 * year, ALWAYS]), NOW_S, None, Weights()
    )
    assert by_date == pytest.approx([0.15 / math.e, 0.15 / math.e**8, 0.0])


def test_a_window_gains_inside_and_fades_outside_on_both_sides() -> None:
    weights = Weights(recency=0.0, age=0.0, window=0.3, window_days=5.0)
    low, high = NOW_S - 20 * DAY_S, NOW_S - 10 * DAY_S
    published = np.array([low, high, low - 5 * DAY_S, high + 10 * DAY_S, ALWAYS])
    _, by_date = fuse(np.zeros(5), np.zeros(5), published, NOW_S, (low, high), weights)
    assert by_date == pytest.approx([0.3, 0.3, 0.3 / math.e, 0.3 / math.e**2, 0.0])


def test_a_question_near_to_nothing_is_ruled_by_its_words() -> None:
    cosines, bm25 = np.array([0.001, -0.02]), np.array([0.0, 5.0])
    scores, _ = fuse(cosines, bm25, np.full(2, ALWAYS), NOW_S, None, Weights())
    assert scores.argmax() == 1


candidates = st.lists(
    st.tuples(
        st.floats(-1, 1),
        st.floats(0, 40, width=32, allow_subnormal=False),  # as tantivy gives them; less would vanish when it is scaled
        st.sampled_from([ALWAYS, 0, NOW_S - DAY_S, NOW_S]),
    ),
    max_size=12,
)


def columns(rows: list[tuple[float, float, int]]) -> tuple[Floats, Floats]:
    return np.array([row[0] for row in rows], np.float64), np.array([row[1] for row in rows], np.float64)


@given(candidates, st.booleans(), st.floats(0.01, 100))
def test_fused_scores_are_finite_monotone_and_do_not_depend_on_the_scale_of_bm25(
    rows: list[tuple[float, float, int]], has_window: bool, scale: float
) -> None:
    cosines, bm25 = columns(rows)
    published = np.array([row[2] for row in rows], np.int64)
    window = (NOW_S - 3 * DAY_S, NOW_S - 2 * DAY_S) if has_window else None
    scores, by_date = fuse(cosines, bm25, published, NOW_S, window, Weights())
    assert scores.shape == by_date.shape == (len(rows),)
    assert np.isfinite(scores).all()
    assert (by_date >= 0).all()
    rescaled, _ = fuse(cosines, bm25 * scale, published, NOW_S, window, Weights())
    np.testing.assert_allclose(rescaled, scores, atol=1e-9)
    for a in range(len(rows)):
        for b in range(len(rows)):
            if cosines[a] >= cosines[b] and bm25[a] >= bm25[b] and by_date[a] >= by_date[b]:
                assert scores[a] >= scores[b] - 1e-12


@given(candidates.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(range(len(rows))))))
def test_the_order_of_the_candidates_does_not_matter(case: tuple[list[tuple[float, float, int]], list[int]]) -> None:
    rows, order = case
    cosines, bm25 = columns(rows)
    published = np.array([row[2] for row in rows], np.int64)
    scores, _ = fuse(cosines, bm25, published, NOW_S, None, Weights())
    shuffled, _ = fuse(*columns([rows[at] for at in order]), published[order], NOW_S, None, Weights())
    np.testing.assert_allclose(shuffled, scores[order])
