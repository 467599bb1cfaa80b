"""Drafts to versions, passages and snapshots: nothing twice, nothing lost, every version in its time."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answer import Answer, Answerer
from bot.question import Question
from bot.render import as_json, as_lines
from index.snapshot import current_name, open_snapshot, rollback
from index.store import MAX_OTHER_DRAFTS, PassageRow, Store
from index.types import Article, Vectors
from ingest import boilerplate, indexing, pipeline
from ingest.backup import record
from ingest.boilerplate import number_of
from ingest.draft import FLUSH, Draft, Flush, Reject, Retracted
from ingest.pipeline import content_hash, draft_hash, store_articles
from ingest.report import Report
from tests.fakes import NOW_S, HashingEmbedder, SilentProgress, ingest_drafts
from tests.torture import LATER, Story, WideEmbedder, is_quoted, made_up_word

ROOT = Path(__file__).parent.parent
URL = "https://paper.example/bridge"
DAY = "2025-04-01"


def story(number: int, url: str = "") -> Story:
    return Story(url or f"https://paper.example/{number}", made_up_word(number * 7_654_321 % 56**4))


def draft(one: Story, *, updated: str = "", published: str = DAY, extra: str = "") -> Draft:
    fields = json.loads(one.line())
    return Draft("test", fields["text"], one.url, "Valve trouble", published, updated, source="The Paper", extra=extra)


A, B, C = (story(number, URL) for number in (1, 2, 3))


def ingest(folder: Path, drafts: Sequence[Draft | Reject], *, now_s: int = NOW_S) -> Report:
    return ingest_drafts(folder, drafts, WideEmbedder(), now_s=now_s)


def ask(folder: Path, one: Story, asked_on: date = LATER) -> Answer:
    with Store(folder) as store:
        answerer = Answerer(store, open_snapshot(folder), WideEmbedder())
        return answerer.answer(Question(one.question, asked_on=asked_on, read_filters=False, always=True))


def answers(folder: Path, one: Story, asked_on: date = LATER) -> bool:
    return is_quoted(ask(folder, one, asked_on), one.word)


def current_word(folder: Path, *of: Story) -> str:
    """Which of the stories is the current text of the bridge."""
    with Store(folder) as store:
        known = store.known(URL)
        article = None if known is None else store.article(known.version)
    assert article is not None
    return next(one.word for one in of if one.word in article.text)


def n_versions(folder: Path) -> int:
    with Store(folder) as store:
        return store.counts()["versions"]


# Incremental ----------------------------------------------------------------------------------------------


def test_the_second_ingest_embeds_nothing_and_builds_no_snapshot(tmp_path: Path) -> None:
    drafts = [draft(story(number)) for number in range(20)]
    assert ingest(tmp_path, drafts).n_new == 20
    embedder = WideEmbedder()
    report = ingest_drafts(tmp_path, drafts, embedder)
    assert (report.n_same, report.n_new, report.n_changed, report.snapshot) == (20, 0, 0, "")
    assert embedder.n_embedded == 0
    assert current_name(tmp_path) == "000001"


def test_only_what_is_new_is_embedded(tmp_path: Path) -> None:
    ingest(tmp_path, [draft(story(1))])
    embedder = WideEmbedder()
    report = ingest_drafts(tmp_path, [draft(story(1)), draft(story(2))], embedder)
    with Store(tmp_path) as store:
        n_all = sum(1 for _ in store.version_rows())
    assert n_all == 2
    assert report.n_embedded == embedder.n_embedded > 0
    assert ingest_drafts(tmp_path / "other", [draft(story(2))], embedder).n_embedded == report.n_embedded


def test_the_same_text_at_two_addresses_is_embedded_once(tmp_path: Path) -> None:
    embedder = WideEmbedder()
    one = ingest_drafts(tmp_path / "one", [draft(A)], embedder).n_embedded
    twice = [draft(A), draft(Story("https://other.example/x", A.word))]
    assert ingest_drafts(tmp_path / "two", twice, embedder).n_embedded == one


@pytest.mark.parametrize(
    "changed",
    [lambda one: replace(one, title="Another bridge"), lambda one: replace(one, published="2024-01-02")],
)
def test_the_same_text_under_another_title_or_day_has_a_vector_of_its_own(
    tmp_path: Path, changed: Callable[[Draft], Draft]
) -> None:
    one = ingest_drafts(tmp_path / "one", [draft(A)], HashingEmbedder()).n_embedded
    other = replace(changed(draft(A)), url="https://paper.example/other")
    assert ingest_drafts(tmp_path / "two", [draft(A), other], HashingEmbedder()).n_embedded == 2 * one


class Recorder(HashingEmbedder):
    """Keeps what it was asked for, and may fail or wait at a call."""

    def __init__(self, at_call: Callable[[int], None] = lambda call: None) -> None:
        super().__init__()
        self.calls: list[list[str]] = []
        self._at_call = at_call

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        self._at_call(len(self.calls))
        return super().embed_passages(texts)


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "EMBED_WINDOW", 4)
    monkeypatch.setattr(indexing, "EMBED_PASSAGES", 2)


@pytest.mark.usefixtures("small_portions")
def test_a_passage_that_returns_while_its_vector_is_under_way_is_embedded_once(tmp_path: Path) -> None:
    embedder = Recorder()
    words = [1, 2, 3, 1, 1, 1, 2, 2, 3, 3, 4, 1, 2, 3, 4, 5]
    drafts = [draft(Story(f"https://{at}.example/x", story(word).word)) for at, word in enumerate(words)]
    n = ingest_drafts(tmp_path, drafts, embedder).n_embedded
    texts = [text for call in embedder.calls for text in call]
    assert len(texts) == len(set(texts)) == n
    assert all(len(call) <= 2 for call in embedder.calls)
    assert ingest_drafts(tmp_path, drafts, embedder).n_embedded == 0


@pytest.mark.usefixtures("small_portions")
def test_texts_are_read_while_others_are_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_again = threading.Event()
    n_windows = 0
    texts_of = indexing._texts

    def texts(store: Store, rows: Collection[PassageRow]) -> Iterator[str]:
        nonlocal n_windows
        n_windows += 1
        if n_windows == 2:
            read_again.set()
        return texts_of(store, rows)

    waited: list[bool] = []
    monkeypatch.setattr(indexing, "_texts", texts)
    embedder = Recorder(lambda call: waited.append(read_again.wait(20)))
    ingest_drafts(tmp_path, [draft(story(number)) for number in range(12)], embedder)
    assert waited[0]


@pytest.mark.usefixtures("small_portions")
def test_an_embedder_that_fails_ends_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    def fail(call: int) -> None:
        if call == 5:
            raise MemoryError("no room")

    drafts = [draft(story(number)) for number in range(12)]
    with pytest.raises(MemoryError, match="no room"):
        ingest_drafts(tmp_path, drafts, Recorder(fail))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("embed")]
    rest = Recorder()
    n = ingest_drafts(tmp_path, drafts, rest).n_embedded
    whole = ingest_drafts(tmp_path / "whole", drafts, Recorder()).n_embedded
    assert n == whole - 8  # four calls of two passages were committed


@pytest.mark.usefixtures("small_portions")
def test_passages_of_like_length_are_embedded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "EMBED_WINDOW", 100)
    embedder = Recorder()
    drafts = [draft(Story(f"https://{at}.example/x", f"{at}" * 3 * (at % 5 + 1))) for at in range(12)]
    ingest_drafts(tmp_path, drafts, embedder)
    lengths = embedder.count_tokens([text.partition("\n")[2] for call in embedder.calls for text in call])
    assert len(set(lengths)) > 1
    assert lengths == sorted(lengths)


def test_a_dropped_cache_makes_nothing_embedded_again(tmp_path: Path) -> None:
    drafts = [draft(story(number)) for number in range(30)]
    ingest(tmp_path, drafts)
    with Store(tmp_path, write=True) as store:
        n, n_bytes = store.cached()
        assert n > 30
        assert n_bytes == n * (2 * WideEmbedder.dim + 16)  # half precision and a digest
        before = store.size_bytes()
        store.drop_cache()
    with Store(tmp_path) as store:
        assert store.cached() == (0, 0)
        assert store.size_bytes() <= before - n_bytes / 2
    assert answers(tmp_path, story(3))
    embedder = WideEmbedder()
    fresh = [draft(story(number)) for number in range(30, 60)]  # too many for a segment beside the main one
    report = ingest_drafts(tmp_path, [*drafts, *fresh], embedder)
    assert report.n_embedded == embedder.n_embedded == ingest(tmp_path / "other", fresh).n_embedded
    assert all(answers(tmp_path, story(number)) for number in (3, 29, 31, 59))
    with Store(tmp_path) as store:
        assert open_snapshot(tmp_path).manifest.n_passages == store.n_passages(1)


def test_a_dropped_cache_is_filled_anew_for_another_passage_length(tmp_path: Path) -> None:
    drafts = [draft(story(number)) for number in range(5)]
    ingest(tmp_path, drafts)
    with Store(tmp_path, write=True) as store:
        store.drop_cache()
    report = ingest_drafts(tmp_path, [draft(story(6))], WideEmbedder(), passage_tokens=30)
    with Store(tmp_path) as store:
        assert report.n_embedded == store.cached()[0]
    assert answers(tmp_path, story(3))


def test_a_correction_at_the_end_embeds_the_last_passage_alone(tmp_path: Path) -> None:
    sentences = [
        f"On day {at} the council of the island heard report {at * 7} about the old ferry." for at in range(60)
    ]
    first = Draft("test", " ".join(sentences), URL, "Ferry", DAY, source="The Paper")
    later = replace(first, text=" ".join([*sentences[:-1], "Corrected: the ferry is new."]), updated="2025-04-02")
    n_all = ingest_drafts(tmp_path, [first], WideEmbedder()).n_embedded
    assert n_all > 3
    assert ingest_drafts(tmp_path, [later], WideEmbedder()).n_embedded == 1


def test_the_same_article_twice_in_one_file_is_stored_once(tmp_path: Path) -> None:
    report = ingest(tmp_path, [draft(A), draft(A), draft(Story(URL + "?utm_source=x", A.word))])
    assert (report.n_new, report.n_same, report.n_changed) == (1, 2, 0)
    assert n_versions(tmp_path) == 1


# Versions -------------------------------------------------------------------------------------------------


def test_a_changed_article_is_a_new_version_and_the_old_one_answers_for_its_time(tmp_path: Path) -> None:
    ingest(tmp_path, [draft(A)])
    report = ingest(tmp_path, [draft(B)])  # seen on 1 July
    assert (report.n_new, report.n_changed) == (0, 1)
    assert (answers(tmp_path, A), answers(tmp_path, B)) == (False, True)
    before = date(2025, 6, 30)
    assert (answers(tmp_path, A, before), answers(tmp_path, B, before)) == (True, False)


def test_the_publishers_update_date_says_from_when_a_version_answers(tmp_path: Path) -> None:
    ingest(tmp_path, [draft(A), draft(B, updated="2025-04-10T12:00:00Z")])
    assert answers(tmp_path, A, date(2025, 4, 9))
    assert answers(tmp_path, B, date(2025, 4, 10))
    assert not answers(tmp_path, A, date(2025, 4, 10))


def test_an_article_that_is_changed_back_answers_with_its_first_text_again(tmp_path: Path) -> None:
    for at, one in enumerate([A, B, A]):
        ingest(tmp_path, [draft(one)], now_s=NOW_S + at)
    assert current_word(tmp_path, A, B) == A.word
    assert (answers(tmp_path, A), answers(tmp_path, B)) == (True, False)
    assert n_versions(tmp_path) == 3


def test_a_teaser_takes_nothing_back_and_the_whole_article_takes_the_place_of_a_teaser(tmp_path: Path) -> None:
    teaser = replace(draft(A), text="Valves were opened …", is_stub=True)
    assert ingest(tmp_path, [teaser]).n_stubs == 1
    assert ingest(tmp_path, [draft(A)]).n_changed == 1
    for _ in range(2):
        report = ingest(tmp_path, [teaser], now_s=NOW_S + 60)
        assert (report.n_changed, report.n_same, report.n_stubs) == (0, 1, 0)
        assert answers(tmp_path, A)
    assert ingest(tmp_path, [draft(B)], now_s=NOW_S + 120).n_changed == 1
    assert answers(tmp_path, B)


def test_an_article_that_its_publisher_says_was_changed_back_is(tmp_path: Path) -> None:
    drafts = [draft(A), draft(B, updated="2025-04-02"), draft(A, updated="2025-04-03")]
    ingest(tmp_path, drafts)
    assert current_word(tmp_path, A, B) == A.word
    assert n_versions(tmp_path) == 3
    ingest(tmp_path, drafts)
    assert current_word(tmp_path, A, B) == A.word
    assert n_versions(tmp_path) == 3


@pytest.mark.parametrize("updated", ["", "2025-04-01", "2025-04-02"])
def test_an_old_dump_does_not_undo_what_the_publisher_updated(tmp_path: Path, updated: str) -> None:
    ingest(tmp_path, [draft(A)])
    ingest(tmp_path, [draft(B, updated="2025-04-02")])
    report = ingest(tmp_path, [draft(A, updated=updated)], now_s=NOW_S + 9)
    assert (report.n_same, report.n_changed, report.snapshot) == (1, 0, "")
    assert (current_word(tmp_path, A, B), n_versions(tmp_path)) == (B.word, 2)


@pytest.mark.parametrize("order", [[A, B], [B, A], [A, B, C], [C, A, B], [A, B, A], [A, B, A, B]])
def test_a_file_that_lists_several_versions_changes_nothing_the_second_time(tmp_path: Path, order: list[Story]) -> None:
    drafts = [draft(one) for one in order]
    ingest(tmp_path, drafts)
    expected = (current_word(tmp_path, *order), n_versions(tmp_path))
    assert expected[0] == order[-1].word
    for _ in range(2):
        report = ingest(tmp_path, drafts)
        assert (current_word(tmp_path, *order), n_versions(tmp_path)) == expected
        assert (report.n_changed, report.snapshot) == (0, "")


def test_dated_versions_that_arrive_out_of_order_stand_in_their_own(tmp_path: Path) -> None:
    drafts = [draft(C, updated="2025-04-03"), draft(A, updated=DAY), draft(B, updated="2025-04-02")]
    for one in drafts:
        ingest(tmp_path, [one])
    found = [one.word for day in (1, 2, 3) for one in (A, B, C) if answers(tmp_path, one, date(2025, 4, day))]
    assert found == [A.word, B.word, C.word]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=6))
def test_the_last_of_the_undated_versions_in_a_run_is_current(
    tmp_path_factory: pytest.TempPathFactory, order: list[Story]
) -> None:
    folder = tmp_path_factory.mktemp("order")
    with Store(folder, write=True) as store:
        store_articles([draft(one) for one in order], store, NOW_S, SilentProgress())
        store_articles([draft(one) for one in order], store, NOW_S + 9, SilentProgress())
    assert current_word(folder, *order) == order[-1].word


LINE = "Readers of The Paper can write to the editor at any hour of the day"


def with_line(one: Story, extra: str = "") -> Draft:
    found = draft(one)
    text = f"{found.text}\n\n{LINE}"
    return Draft(found.origin, text, found.url, found.title, DAY, source="The Paper", extra=extra)


def test_what_is_learned_later_of_an_outlets_boilerplate_makes_no_new_version_of_a_past_one(tmp_path: Path) -> None:
    both = [with_line(A), with_line(B)]
    ingest(tmp_path, both)
    ingest(tmp_path, [with_line(story(number)) for number in range(10, 60)])
    assert not line_is_kept(tmp_path, story(59), LINE)
    assert line_is_kept(tmp_path, B, LINE)
    report = ingest(tmp_path, both)
    assert (report.n_same, report.n_changed) == (2, 0)


@pytest.mark.parametrize("n_forms", [2, 6])
def test_nor_of_one_that_a_list_names_more_than_once(n_forms: int, tmp_path: Path) -> None:
    forms = [with_line(A, json.dumps({"seen": number})) for number in range(n_forms)]
    assert ingest(tmp_path, forms).n_same == n_forms - 1
    ingest(tmp_path, [with_line(story(number)) for number in range(10, 60)])
    assert not line_is_kept(tmp_path, story(59), LINE)
    for again in (forms, forms[::-1]):
        report = ingest(tmp_path, again)
        assert (report.n_same, report.n_changed) == (n_forms, 0)


def test_of_a_page_that_is_another_each_time_not_all_is_remembered(tmp_path: Path) -> None:
    for number in range(30):
        ingest(tmp_path, [with_line(A, json.dumps({"seen": number}))])
    with Store(tmp_path) as store:
        hashes = [draft_hash(with_line(A, json.dumps({"seen": number}))) for number in range(30)]
        assert len(store.known_drafts(hashes)) == MAX_OTHER_DRAFTS + 1
    assert n_versions(tmp_path) == 1


def test_what_is_no_article_is_counted_once(tmp_path: Path) -> None:
    empty = [Draft("test", f"Advertisement\n\n{n} comments", f"{URL}/{n}", source="The Paper") for n in range(1, 5)]
    counted = []
    for _ in range(3):
        assert ingest(tmp_path, [with_line(A), *empty]).rejected == {"no text": 4}
        with Store(tmp_path) as store:
            counted.append(store.line_counts("The Paper", [number_of("advertisement")]))
    assert counted == [({number_of("advertisement"): 4}, 5)] * 3


def updated_by_the_hour(n: int, url: str = URL) -> list[Draft]:
    """Versions of one article that have all but their last sentence in common."""
    same = "The council voted nine to four on Tuesday to close the old bridge for repairs."
    return [
        Draft(
            "test",
            f"{same}\n\nBy hour {at} the crews had reached pillar {at}.",
            url,
            "Bridge",
            DAY,
            f"{DAY}T{at:02}:00Z",
        )
        for at in range(1, n + 1)
    ]


def test_the_versions_of_one_article_do_not_teach_that_its_text_is_boilerplate(tmp_path: Path) -> None:
    versions = updated_by_the_hour(14)
    for one in versions[:12]:
        ingest(tmp_path, [one])
    ingest(tmp_path, versions[12:])  # two in one batch
    with Store(tmp_path) as store:
        assert [article.text for article, _ in store.export()] == [one.text for one in versions]


@pytest.mark.parametrize("url", [URL, ""])
def test_the_same_input_again_and_again_teaches_nothing(tmp_path: Path, url: str) -> None:
    retracted, *past, last = updated_by_the_hour(4, url)
    retracted = replace(retracted, url=url and f"{url}-2", text=f"{retracted.text}\n\nAdvertisement")
    ingest(tmp_path, [retracted])
    with Store(tmp_path, write=True) as store:
        assert store.retract(next(store.export())[0].id, NOW_S)
    for _ in range(12):
        ingest(tmp_path, [retracted, *past])
    ingest(tmp_path, [last])
    with Store(tmp_path) as store:
        assert [article.text for article, _ in store.export()] == [one.text for one in [*past, last]]


def line_is_kept(folder: Path, one: Story, line: str) -> bool:
    with Store(folder) as store:
        known = store.known(one.url)
        article = None if known is None else store.article(known.version)
    assert article is not None
    return line in article.text


# Tombstones -----------------------------------------------------------------------------------------------


def test_a_retracted_article_is_silent_at_once_for_a_reader_that_was_there_before(tmp_path: Path) -> None:
    ingest(tmp_path, [draft(story(1)), draft(story(2))])
    with Store(tmp_path) as reader:
        answerer = Answerer(reader, open_snapshot(tmp_path), WideEmbedder())
        question = Question(story(1).question, asked_on=LATER, read_filters=False, always=True)
        assert is_quoted(answerer.answer(question), story(1).word)
        with Store(tmp_path, write=True) as writer:
            writer.retract(story(1).url, NOW_S)
        answer = answerer.answer(question)
    assert not is_quoted(answer, story(1).word)
    assert story(1).url not in [source.id for source in answer.sources]


def test_a_retracted_article_stays_silent_after_a_rollback_and_a_second_ingest(tmp_path: Path) -> None:
    ingest(tmp_path, [draft(story(1))])
    ingest(tmp_path, [draft(story(2))])
    with Store(tmp_path, write=True) as store:
        store.retract(story(1).url, NOW_S)
    rollback(tmp_path)
    assert not answers(tmp_path, story(1))
    for again in (draft(story(1)), draft(story(9, story(1).url))):  # as it was, and changed
        report = ingest(tmp_path, [again])
        assert (report.n_retracted, report.n_new, report.n_changed) == (1, 0, 0)
    assert not answers(tmp_path, story(1))
    assert not answers(tmp_path, story(9))
    assert answers(tmp_path, story(2))


# Copies ---------------------------------------------------------------------------------------------------


def copies(folder: Path) -> dict[str, str | None]:
    with Store(folder) as store:
        return {article.id: article.copy_of for article, _ in store.export(all_versions=False)}


def wire(host: str, *, more: str = "", text: str = "") -> Draft:
    """A wire story as an outlet runs it."""
    body = text or json.loads(story(7).line())["text"]
    return Draft("test", body + more, f"https://{host}.example/wire", "Valve trouble", DAY, source=host)


def sentence(number: int) -> str:
    """Ten words of its own."""
    return " ".join(made_up_word(10 * number + at) for at in range(10)) + "."


def test_a_near_copy_of_a_copy_points_to_the_original(tmp_path: Path) -> None:
    written = [[*range(20)], [*range(18), 100, 101], [*range(15), 100, 101, 102, 103, 104]]
    original, copy, second_copy = (" ".join(map(sentence, numbers)) for numbers in written)
    ingest(tmp_path, [wire("a", text=original), wire("b", text=copy), wire("c", text=second_copy)])
    assert copies(tmp_path) == {
        "https://a.example/wire": None,
        "https://b.example/wire": "https://a.example/wire",
        "https://c.example/wire": "https://a.example/wire",
    }
    apart = tmp_path / "apart"
    ingest(apart, [wire("a", text=original), wire("c", text=second_copy)])
    assert set(copies(apart).values()) == {None}  # so it is the copy between them that tells


def test_an_original_that_is_corrected_does_not_become_the_copy_of_its_copy(tmp_path: Path) -> None:
    ingest(tmp_path, [wire("a"), wire("b")])
    report = ingest(tmp_path, [wire("a", more=" Correction: it is the east valve.")])
    assert report.n_changed == 1
    assert copies(tmp_path) == {"https://a.example/wire": None, "https://b.example/wire": "https://a.example/wire"}
    found = ask(tmp_path, story(7))
    assert {(quote.article.id, quote.also) for quote in found.quotes if story(7).word in quote.text} == {
        ("https://a.example/wire", ("https://b.example/wire",))
    }


def test_a_past_text_of_an_article_that_comes_by_again_does_not_stand_for_its_current_one(tmp_path: Path) -> None:
    then, now = (" ".join(map(sentence, range(at, at + 20))) for at in (0, 50))
    ingest(tmp_path, [wire("a", text=then)])
    ingest(tmp_path, [wire("a", text=now)])
    report = ingest(tmp_path, [wire("a", text=then), wire("b", text=now), wire("c", text=then), wire("a", text=now)])
    assert (report.n_same, report.n_new, report.n_copies) == (2, 2, 1)
    assert copies(tmp_path) == {
        "https://a.example/wire": None,
        "https://b.example/wire": "https://a.example/wire",
        "https://c.example/wire": None,
    }


def test_an_article_that_is_changed_back_to_what_another_says_is_its_copy(tmp_path: Path) -> None:
    then, now = (" ".join(map(sentence, range(at, at + 20))) for at in (0, 50))
    for text in (then, now):
        ingest(tmp_path, [wire("a", text=text)])
    ingest(tmp_path, [wire("b", text=then)])
    assert set(copies(tmp_path).values()) == {None}
    report = ingest(tmp_path, [wire("a", text=then)])
    assert (report.n_changed, report.n_copies) == (1, 1)
    assert copies(tmp_path) == {"https://a.example/wire": "https://b.example/wire", "https://b.example/wire": None}


# Rejects and counts ---------------------------------------------------------------------------------------


def test_one_bad_article_is_a_counted_result_and_the_others_are_kept(tmp_path: Path) -> None:
    boilerplate = Draft("news.jsonl:3", "Also Read: this\nRead Next: that", "https://paper.example/x")
    report = ingest(tmp_path, [Reject("news.jsonl:1", "not JSON"), draft(A), boilerplate])
    assert dict(report.rejected) == {"not JSON": 1, "no text": 1}
    assert (report.n_read, report.n_new) == (3, 1)


def test_a_record_that_was_read_wrongly_is_read_again_and_counted(tmp_path: Path) -> None:
    wrong = Draft("a", "Itâ€™s open, says JosÃ©.", URL, "Bridgeâ€™s end", source="CafÃ©", authors=("JosÃ©",))
    meant = Draft("a", "It’s open, says José.", URL + "2", "JosÃ©")
    backup = Draft("a", "Itâ€™s shut.\nItâ€™s open.", URL + "3", extra='{"newsquote": {"cuts": [14]}}')
    report = ingest(tmp_path, [wrong, meant, backup])
    assert dict(report.warnings) == {"mojibake": 1}
    with Store(tmp_path) as store:
        first, second, third = (article for article, _ in store.export())
    assert (first.text, first.title) == ("It’s open, says José.", "Bridge’s end")
    assert (first.source, first.authors, second.title) == ("Café", ("José",), "JosÃ©")
    assert third.text == backup.text
    assert ingest(tmp_path, [wrong, meant, backup]).n_same == 3


def test_every_draft_is_counted_once(tmp_path: Path) -> None:
    drafts = [draft(story(number % 40, f"https://paper.example/{number % 30}")) for number in range(90)]
    report = ingest(tmp_path, drafts)
    counted = report.n_new + report.n_changed + report.n_same + report.n_retracted + report.rejected.total()
    assert counted == report.n_read == 90


def test_stored_is_only_said_of_what_is_durable(tmp_path: Path) -> None:
    class Watching(SilentProgress):
        """Looks with another connection whenever it is told."""

        def stored(self, n: int, n_same: int) -> None:
            with Store(tmp_path) as reader:
                assert reader.counts()["articles"] == n

    with Store(tmp_path, write=True) as store:
        pipeline_batches = [draft(story(number)) for number in range(pipeline.BATCH_DRAFTS * 2 + 10)]
        store_articles(pipeline_batches, store, NOW_S, Watching())


def item(number: int, text: int, kind: str) -> Draft | Retracted:
    """Of three articles one of three texts, with lines that recur; or the word that it is retracted."""
    url = f"https://paper.example/{number}"
    if kind == "retracted":
        return Retracted("test", "retracted", "", url, url, NOW_S)
    body = f"{sentence(10 * number + text)} {sentence(10 * number + text + 40)}"
    body += f"\n\n{LINE}" * (text < 2) + "\n\nMaryland" * (number < 2)
    found = Draft("test", body, url, "Valve trouble", DAY, source="The Paper")
    changes: dict[str, dict[str, Any]] = {
        "draft": {},
        "updated": {"updated": f"{DAY}T0{text}:00Z"},
        "nameless": {"url": "", "title": ""},
        "twin": {"url": f"https://twin.example/{number}", "source": "The Twin"},
        "odd": {"extra": json.dumps({"kind": "odd"})},
    }
    return replace(found, **changes[kind])


ITEMS = st.builds(
    item,
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from(["draft", "draft", "draft", "updated", "nameless", "twin", "odd", "retracted"]),
)


def tables(
    folder: Path,
    before: list[Draft | Reject],
    items: list[Draft | Reject],
    *,
    n_together: int,
    n_ahead: int,
    learns: int,
) -> list[object]:
    """The report and all that is stored, of items that are ingested behind others."""
    with pytest.MonkeyPatch.context() as patch, Store(folder, write=True) as store:
        patch.setattr(boilerplate, "LEARN_MIN_ARTICLES", learns)
        patch.setattr(boilerplate, "_LEARN_SHARE", 0.6)
        patch.setattr(boilerplate, "_LEARN_SHARE_SHORT", 0.7)
        store_articles(before, store, NOW_S, SilentProgress())
        patch.setattr(pipeline, "BATCH_DRAFTS", n_together)
        patch.setattr(pipeline, "_AHEAD", n_ahead)
        report = store_articles(items, store, NOW_S + 9, SilentProgress())
        names = ("articles", "versions", "texts", "other_drafts", "line_counts", "sources")
        return [report, *(store._db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names)]


AS_IT_COMES = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@AS_IT_COMES
@given(before=st.lists(ITEMS, max_size=6), items=st.lists(ITEMS, min_size=1, max_size=24), n_together=st.integers(1, 3))
def test_batches_begun_ahead_store_what_they_would_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, before: list[Draft | Reject], items: list[Draft | Reject], n_together: int
) -> None:
    one_by_one, ahead = (
        tables(
            tmp_path_factory.mktemp("order"),
            before,
            items,
            n_together=n_together,
            n_ahead=n_ahead,
            learns=4,  # what one article says comes at most three times
        )
        for n_ahead in (0, 1)
    )
    assert ahead == one_by_one


@AS_IT_COMES
@given(
    before=st.lists(ITEMS, max_size=6),
    items=st.lists(ITEMS.filter(lambda one: isinstance(one, Draft)), min_size=1, max_size=24),
    n_together=st.integers(2, 9),
)
def test_where_a_batch_ends_decides_nothing_but_what_is_boilerplate(
    tmp_path_factory: pytest.TempPathFactory, before: list[Draft | Reject], items: list[Draft | Reject], n_together: int
) -> None:
    apart, together = (
        tables(tmp_path_factory.mktemp("order"), before, items, n_together=n, n_ahead=0, learns=1_000)
        for n in (1, n_together)
    )
    assert together == apart


def test_the_current_version_in_a_run_that_brings_another_says_that_it_was_not_changed_back(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "BATCH_DRAFTS", 1)
        ingest(tmp_path, [draft(A), draft(B)])
        report = ingest(tmp_path, [draft(C), draft(A), draft(C)], now_s=NOW_S + 9)
    assert (report.n_changed, report.n_same) == (1, 2)
    assert current_word(tmp_path, A, B, C) == C.word
    assert n_versions(tmp_path) == 3


def test_what_is_under_way_counts_when_boilerplate_is_learned(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "BATCH_DRAFTS", 1)
        patch.setattr(boilerplate, "LEARN_MIN_ARTICLES", 4)
        patch.setattr(boilerplate, "_LEARN_SHARE", 0.7)
        has_line = (True, True, True, False, False, True, True)  # the sixth has the fourth of six, not of five
        one = [with_line(story(number)) if has else draft(story(number)) for number, has in enumerate(has_line)]
        report = ingest(tmp_path, [replace(each, source="The Paper") for each in one])
        assert (report.n_new, report.n_removed_lines) == (7, 1)


def test_a_form_that_comes_twice_in_a_batch_is_remembered_once(tmp_path: Path) -> None:
    forms = [replace(draft(A), extra=json.dumps({"form": number})) for number in range(3)]
    first, second, third = map(draft_hash, forms)

    def remembered() -> tuple[list[bytes], list[bytes]]:
        with Store(tmp_path) as store:
            own, others = (
                store._rows(f"SELECT {what}") for what in ("draft_hash FROM versions", "hash FROM other_drafts")
            )
        return [key for (key,) in own], [key for (key,) in others]

    ingest(tmp_path, [forms[0], forms[0]])
    assert remembered() == ([first], [])
    ingest(tmp_path, [forms[1], forms[2], forms[1]])
    assert remembered() == ([third], sorted([first, second]))


def test_a_text_read_wrongly_is_counted_once_however_often_it_comes(tmp_path: Path) -> None:
    wrong = replace(draft(A), text=draft(A).text + " Caf\u00c3\u00a9 Caf\u00c3\u00a9.")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "BATCH_DRAFTS", 1)
        report = ingest(tmp_path, [wrong, draft(story(9)), wrong])
    assert (report.warnings["mojibake"], report.n_new, report.n_same) == (1, 2, 1)


def test_batches_that_a_source_gave_before_it_failed_are_stored(tmp_path: Path) -> None:
    def failing() -> Iterator[Draft]:
        yield from (draft(story(number)) for number in range(7))
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, Store(tmp_path, write=True) as store:
        patch.setattr(pipeline, "BATCH_DRAFTS", 2)
        with pytest.raises(KeyboardInterrupt):
            store_articles(failing(), store, NOW_S, SilentProgress())
        assert store.counts()["articles"] == 6


def test_parts_of_one_page_that_are_known_are_not_prepared_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [replace(draft(story(number, URL)), part=f"update-{number}") for number in range(3)]
    assert ingest(tmp_path, parts).n_new == 3
    monkeypatch.delattr(pipeline, "normalised")
    assert ingest(tmp_path, parts).n_same == 3


def test_what_fails_to_be_stored_is_not_tried_again_behind_it(tmp_path: Path) -> None:
    class Failing(SilentProgress):
        def stored(self, n: int, n_same: int) -> None:
            raise OSError("no space left")

    with pytest.MonkeyPatch.context() as patch, Store(tmp_path, write=True) as store:
        patch.setattr(pipeline, "BATCH_DRAFTS", 2)
        with pytest.raises(OSError, match="no space left"):
            store_articles([draft(story(number)) for number in range(20)], store, NOW_S, Failing())
        assert store.counts()["articles"] == 2


def test_a_source_that_flushes_is_asked_for_nothing_more_before_all_is_durable(tmp_path: Path) -> None:
    with Store(tmp_path, write=True) as store:

        def items() -> Iterator[Draft | Flush]:
            for number in range(7):
                yield draft(story(number))
                if number % 2:
                    yield FLUSH
                    yield FLUSH
                    with Store(tmp_path) as reader:
                        assert reader.counts()["articles"] == number + 1

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "BATCH_DRAFTS", 1)
            assert store_articles(items(), store, NOW_S, SilentProgress()).n_new == 7


def test_hashes_tell_apart_what_only_moves_between_fields() -> None:
    one, other = Draft("x", "text", url="ab", title="c"), Draft("x", "text", url="a", title="bc")
    assert draft_hash(one) != draft_hash(other)
    assert content_hash("a", "b", None, "", ["c"]) != content_hash("a", "b", None, "c", [])
    assert draft_hash(Draft("x", "t", "u")) == draft_hash(Draft("y", "t", "u"))


def test_a_record_says_what_ingest_reads_and_keeps_unknown_fields() -> None:
    article = Article(URL, 1, URL, "Title", DAY, None, "Paper", ("A", "B"), "Text \u2019 \U0001f309", language="en")
    found = json.loads(record(article, '{"section": "World", "title": "not this one"}'))
    assert found == {
        "url": URL,
        "title": "Title",
        "published": DAY,
        "updated": None,
        "source": "Paper",
        "authors": ["A", "B"],
        "language": "en",
        "text": "Text \u2019 \U0001f309",
        "section": "World",
        "newsquote": {"extra": {"title": "not this one"}},
    }


def test_white_space_round_an_address_is_none_of_it(tmp_path: Path) -> None:
    ingest(tmp_path, [replace(draft(A), url=f"  {URL} \n"), replace(draft(B), url=" ")])
    with Store(tmp_path) as store:
        assert [article.url for article, _ in store.export()] == [URL, None]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "not a url", "n.example/8", "ftp://paper.example/8"])
def test_what_is_given_for_a_url_and_is_none_is_shown_nowhere(tmp_path: Path, url: str) -> None:
    ingest(tmp_path, [replace(draft(A), url=url), replace(draft(A), title="Valve trouble again", url=url)])
    with Store(tmp_path) as store:
        ids = store.ids_at(url)
    answer = ask(tmp_path, A)
    shown = as_json(answer)
    quotes = shown["quotes"]
    assert isinstance(quotes, list)
    assert quotes
    for quote in quotes:
        assert (quote["url"], quote["link"]) == (None, None)
        assert {quote["article_id"], *quote["also"]} == {*ids}
    assert set(shown["sources"]) <= {*ids}  # type: ignore[call-overload]
    refused = replace(answer, status="not_found")
    assert as_json(refused)["nearest"]["url"] is None  # type: ignore[index]
    assert url not in json.dumps([shown, as_json(refused)]) + as_lines(answer, colour=False)
    assert url not in as_lines(refused, colour=False)


# Passages -------------------------------------------------------------------------------------------------


def test_another_passage_length_splits_anew_and_forgets_the_old_passages(tmp_path: Path) -> None:
    drafts = [draft(story(number)) for number in range(5)]
    ingest_drafts(tmp_path, drafts, HashingEmbedder(), passage_tokens=160)
    report = ingest_drafts(tmp_path, drafts, HashingEmbedder(), passage_tokens=40)
    assert report.snapshot == "000002"
    with Store(tmp_path) as store:
        n_passages = [store.n_passages(splitter) for splitter in (1, 2)]
    assert n_passages[0] == 0
    assert n_passages[1] > 10


# Memory ---------------------------------------------------------------------------------------------------


def long_worded(n: int) -> Iterator[Draft]:
    """Articles of 3 kB in so few words that none is compared with others, in no list."""
    rng = random.Random(n)
    for number in range(n):
        words = ("".join(made_up_word(rng.randrange(56**4)) for _ in range(9)) for _ in range(36))
        yield Draft("test", " ".join(words), f"https://paper.example/{number}", "", DAY, source=f"P{number % 50}")


_PEAK = """
import sys, tempfile
from pathlib import Path
from tests.test_pipeline import peak
print(peak(int(sys.argv[1]), Path(tempfile.mkdtemp(dir=sys.argv[2]))))
"""


def peak(n: int, folder: Path) -> int:
    """Most bytes that Python held at once while `n` articles were stored."""
    with Store(folder, write=True) as store:
        store_articles(long_worded(300), store, NOW_S, SilentProgress())
    with Store(folder, write=True) as store:
        tracemalloc.start()
        store_articles(long_worded(n), store, NOW_S, SilentProgress())
        return tracemalloc.get_traced_memory()[1]


def test_memory_grows_by_a_fingerprint_an_article_and_never_by_its_text(tmp_path: Path) -> None:
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", _PEAK, str(n), str(tmp_path)], cwd=ROOT))
        for n in (600, 2_000)
    )
    # Measured: 1.1 kB, which the finder of copies keeps; an article of which the text is held shows as 4.
    assert (many - few) / 1_400 < 2_500
