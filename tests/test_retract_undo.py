"""Undoing a retraction: what comes back, what does not, and that it answers again whatever happened meanwhile."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index import build
from index.errors import BadInput
from index.snapshot import current_name, open_snapshot, read_manifest, rollback
from index.store import Store
from index.store_feeds import FeedStore
from index.types import Embedder
from ingest import job
from ingest.draft import Draft, Reject
from ingest.feed_commands import why_lines
from ingest.history import article_history, history_json
from ingest.identity import article_id
from ingest.indexing import recipe_for, split_missing
from ingest.job import run_export, run_ingest, run_reindex, run_retract, run_undo
from ingest.page_log import StoredPages, Visited
from ingest.records import from_json
from ingest.retraction import planned
from ingest.sources import open_source
from tests.cli import Ran, run, run_child
from tests.fakes import NOW_S, ingest_drafts
from tests.feed_support import DAY_S, HOUR_S, World, changed, story_page, world
from tests.torture import Story, WideEmbedder, check_answers, made_up_word, write_stories
from tests.web.loopback import Page, redirect

TALKS = "https://harbor-courier.example/2025/04/18/talks"
PAGE = "https://paper.example/live/storm"


def story(number: int) -> Story:
    return Story(f"https://paper.example/{number}", made_up_word(number * 7_654_321 % 56**4))


def ingest(folder: Path, *stories: Story, now_s: int = NOW_S) -> None:
    path = write_stories(folder.with_name("stories.jsonl"), stories)
    assert run_ingest([open_source(str(path))], folder, lambda: (WideEmbedder(), 160), "test", now_s) == []


def undo(folder: Path, *names: str, now_s: int = NOW_S + 100, dry_run: bool = False, passage_tokens: int = 160) -> str:
    def embedder() -> tuple[Embedder, int]:
        return WideEmbedder(), passage_tokens

    return run_undo(folder, names, embedder, "test", now_s, dry_run=dry_run)


def retract(folder: Path, *names: str, now_s: int = NOW_S) -> None:
    run_retract(folder, names, now_s, dry_run=False)


def live_ids(folder: Path) -> set[str]:
    with Store(folder) as store:
        return {article.id for article, _ in store.export(all_versions=False)}


def is_searched_by_vector(folder: Path, url: str) -> bool:
    """Whether every passage of an article's current version has a vector in the live snapshot."""
    with Store(folder) as store:
        known = store.known(url)
    assert known is not None
    snapshot = open_snapshot(folder)
    rows = np.flatnonzero(snapshot.versions["version"][snapshot.passages["version_row"]] == known.version)
    return bool(len(rows) and snapshot.vectors.vectors(rows).any(axis=1).all())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six stories in one segment, which may grow by as many without a merge."""
    monkeypatch.setattr(build, "MERGE_SHARE", 0.5)
    (tmp_path / "data").mkdir()
    ingest(tmp_path / "data", *map(story, range(6)))
    return tmp_path / "data"


# The command line -----------------------------------------------------------------------------------------


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """A copy of the ingested sample that a test may change."""
    return shutil.copytree(sample_data, tmp_path / "data", symlinks=True)


def ask(data: Path) -> Ran:
    return run("ask", "what deadline did Bessent mention?", "--asked-on", "2025-04-30", "--json", "--data", str(data))


def url_of(answer: Ran) -> str:
    return str(json.loads(answer.out)["quotes"][0]["url"])


def test_the_command_line_brings_back_what_it_retracted_with_the_same_answer(data: Path) -> None:
    before = ask(data)
    url = url_of(before)
    assert run("retract", url, "--data", str(data)).code == 0
    assert url not in {quote["url"] for quote in json.loads(ask(data).out)["quotes"]}
    assert run("reindex", "--data", str(data)).code == 0

    said = run("retract", "--undo", "--dry-run", url, "--data", str(data))
    assert (said.code, said.out.splitlines()[-1]) == (0, "1 article would answer again.")
    assert url not in {quote["url"] for quote in json.loads(ask(data).out)["quotes"]}

    said = run("--data", str(data), "retract", "--undo", url)
    assert (said.code, said.out.splitlines()[-1]) == (0, "1 article answers again; the live index is now 000003.")
    assert json.loads(ask(data).out)["quotes"] == json.loads(before.out)["quotes"]
    assert json.loads(run("status", "--json", "--data", str(data)).out)["index_is_current"] is True

    again = run("retract", "--undo", url, "--data", str(data))
    assert (again.code, again.out) == (1, "")
    assert again.err == f"newsquote: {url} is not retracted: it is in the corpus.\n"


def test_a_run_that_was_killed_is_finished_by_the_same_command(data: Path) -> None:
    before = ask(data)
    url = url_of(before)
    run("retract", url, "--data", str(data))
    run("reindex", "--data", str(data))
    dies = "import os, ingest.job\ningest.job.finish = lambda *given: os.kill(os.getpid(), 9)"
    assert run_child("retract", "--undo", url, "--data", str(data), before=dies).code == -signal.SIGKILL
    assert json.loads(run("status", "--json", "--data", str(data)).out)["index_is_current"] is False
    again = run("retract", "--undo", url, "--data", str(data))
    assert again.out.splitlines() == [
        f"{url} was brought back before, and only the index did not show it.",
        "The live index is now 000003.",
    ]
    assert json.loads(ask(data).out)["quotes"] == json.loads(before.out)["quotes"]


# After what may have happened meanwhile -------------------------------------------------------------------


def test_it_answers_at_once_where_nothing_was_built_meanwhile(folder: Path) -> None:
    retract(folder, story(1).url)
    check_answers(folder, [], [story(1)])
    said = undo(folder, "HTTPS://Paper.example/1?utm_source=x#top")
    assert said.splitlines() == [
        "HTTPS://Paper.example/1?utm_source=x#top is back: retracted on 2025-07-01 00:00 UTC by `newsquote retract`.",
        "1 article answers again; the live index is now 000002.",
    ]
    check_answers(folder, [story(number).word for number in range(6)], [])


def test_after_a_reindex_with_another_passage_length_it_is_split_and_embedded_again(folder: Path) -> None:
    retract(folder, story(1).url)
    run_reindex(folder, WideEmbedder(), 40, "test", NOW_S, dry_run=False)
    with Store(folder, write=True) as store:
        store.drop_cache()
    undo(folder, story(1).url, passage_tokens=40)
    assert read_manifest(folder).passage_tokens == 40
    assert is_searched_by_vector(folder, story(1).url)
    check_answers(folder, [story(number).word for number in range(6)], [])


def test_a_reindex_that_was_broken_off_does_not_pass_over_it(folder: Path) -> None:
    retract(folder, story(1).url)
    with Store(folder, write=True) as store:
        split_missing(store, WideEmbedder(), 40)  # and no further
    undo(folder, story(1).url)
    ingest(folder, story(7))
    run_reindex(folder, WideEmbedder(), 40, "test", NOW_S, dry_run=False)
    assert is_searched_by_vector(folder, story(1).url)
    check_answers(folder, [story(number).word for number in (0, 1, 5, 7)], [])


def test_what_was_never_split_before_it_was_retracted_is_split_when_it_is_back(folder: Path) -> None:
    with Store(folder, write=True) as store:
        store.retract(story(1).url, NOW_S)
        with store.transaction():
            store._db.execute("DELETE FROM passages WHERE version = 2")
    ingest(folder, story(7))
    undo(folder, story(1).url)
    check_answers(folder, [story(number).word for number in (0, 1, 7)], [])
    with Store(folder) as store:
        splitter = store.splitter_id(recipe_for(WideEmbedder(), 160, "test").splitter)
        assert store.unsplit(splitter, 10) == []
    with Store(folder, write=True) as store:
        store.add_passages(splitter, 2, [])
        assert store.unsplit(splitter, 10) == []  # none of the others is split again


@pytest.mark.parametrize("is_cached", [True, False])
def test_after_ingests_that_kept_its_row_it_has_its_vector_again(folder: Path, is_cached: bool) -> None:
    ingest(folder, story(6))
    retract(folder, story(6).url, story(1).url)
    ingest(folder, story(7))  # writes the recent segment anew, without the vectors of what is retracted
    if not is_cached:
        with Store(folder, write=True) as store:
            store.drop_cache()
    undo(folder, story(6).url, story(1).url)
    manifest = read_manifest(folder)
    assert (manifest.n_dead, manifest.n_recent > 0) == (0, True)  # the main segment is kept
    assert is_searched_by_vector(folder, story(6).url) and is_searched_by_vector(folder, story(1).url)
    check_answers(folder, [story(number).word for number in range(8)], [])


def test_after_a_rollback_it_answers_and_the_next_index_goes_on_from_there(folder: Path) -> None:
    retract(folder, story(1).url)
    ingest(folder, story(6))
    assert rollback(folder) == "000001"
    check_answers(folder, [story(0).word], [story(1)])
    assert undo(folder, story(1).url).endswith("the live index is now 000003.")
    check_answers(folder, [story(number).word for number in range(7)], [])
    # Back to an index that was built without it, it is silent until the same command, or any ingest, has built one.
    retract(folder, story(1).url, now_s=NOW_S + 200)
    ingest(folder, story(7))
    undo(folder, story(1).url)
    rollback(folder)
    check_answers(folder, [story(0).word], [story(1)])
    assert undo(folder, story(1).url).startswith(f"{story(1).url} was brought back before")
    check_answers(folder, [story(number).word for number in range(8)], [])


def test_a_retraction_before_the_first_index_can_be_undone(tmp_path: Path) -> None:
    one = Draft("test", story(1).marker, story(1).url, "Valve")
    ingest_drafts(tmp_path / "other", [one], WideEmbedder())
    (tmp_path / "data").mkdir()
    shutil.copy(tmp_path / "other" / "corpus.db", tmp_path / "data")
    retract(tmp_path / "data", story(1).url)
    assert undo(tmp_path / "data", story(1).url).endswith("the live index is now 000001.")
    check_answers(tmp_path / "data", [story(1).word], [])


def test_a_run_that_was_broken_off_is_finished_by_the_next_ingest(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retract(folder, story(1).url)
    run_reindex(folder, WideEmbedder(), 160, "test", NOW_S, dry_run=False)

    def breaks(*given: object) -> tuple[int, str]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job, "finish", breaks)
        undo(folder, story(1).url)
    ingest(folder, story(0))
    check_answers(folder, [story(number).word for number in range(6)], [])
    with pytest.raises(BadInput, match="is not retracted: it is in the corpus"):
        undo(folder, story(1).url)


def test_nothing_is_lifted_where_the_model_cannot_be_had(folder: Path) -> None:
    retract(folder, story(1).url)

    def embedder() -> tuple[Embedder, int]:
        raise BadInput("no model")

    with pytest.raises(BadInput, match="no model"):
        run_undo(folder, [story(1).url], embedder, "test", NOW_S, dry_run=False)
    check_answers(folder, [story(0).word], [story(1)])


# What comes back ------------------------------------------------------------------------------------------


def test_every_version_comes_back_and_what_changed_meanwhile_with_the_next_ingest(folder: Path) -> None:
    def edition(number: int) -> Draft:
        text = f"{story(1).marker} Edition {number} of this report was sent out."
        return Draft("test", text, story(1).url, "Valve", "2025-05-01", f"2025-05-0{1 + number}")

    ingest_drafts(folder, [edition(1)], WideEmbedder())
    with FeedStore(folder) as store:
        before = history_json(article_history(store, story(1).url))
    assert len(before["versions"]) == 2  # type: ignore[arg-type]
    retract(folder, story(1).url)
    assert ingest_drafts(folder, [edition(2)], WideEmbedder()).n_retracted == 1
    undo(folder, story(1).url)
    with FeedStore(folder) as store:
        assert history_json(article_history(store, story(1).url)) == before
    assert ingest_drafts(folder, [edition(2)], WideEmbedder()).n_changed == 1
    with FeedStore(folder) as store:
        assert len(article_history(store, story(1).url)) == 3


def test_its_copies_are_shown_with_it_again(tmp_path: Path) -> None:
    text = " ".join(f"Sentence {number} tells of {story(number).word} and of the harbour." for number in range(12))
    drafts = [Draft("test", text, f"https://{paper}.example/1", "Valve") for paper in ("first", "second")]
    ingest_drafts(tmp_path, drafts, WideEmbedder())
    groups = open_snapshot(tmp_path).versions["group"].tolist()
    assert groups == [1, 1]
    retract(tmp_path, "https://first.example/1")
    run_reindex(tmp_path, WideEmbedder(), 160, "test", NOW_S, dry_run=False)
    undo(tmp_path, "https://first.example/1")
    assert open_snapshot(tmp_path).versions["group"].tolist() == groups


def test_what_is_back_can_be_retracted_again_and_brought_back_again(folder: Path) -> None:
    for _ in range(2):
        retract(folder, story(1).url)
        run_reindex(folder, WideEmbedder(), 160, "test", NOW_S, dry_run=False)
        check_answers(folder, [story(0).word], [story(1)])
        undo(folder, story(1).url)
        check_answers(folder, [story(0).word, story(1).word], [])
    retract(folder, story(1).url)
    with Store(folder) as store:
        assert store.restored_s(story(1).url) is None
    ingest(folder, story(1), story(7))
    check_answers(folder, [story(7).word], [story(1)])


def test_a_dry_run_says_what_would_come_back_and_changes_nothing(folder: Path) -> None:
    retract(folder, story(1).url, story(2).url)
    assert undo(folder, story(1).url, story(2).url, dry_run=True).splitlines() == [
        f"{story(1).url} would be back: retracted on 2025-07-01 00:00 UTC by `newsquote retract`.",
        f"{story(2).url} would be back: retracted on 2025-07-01 00:00 UTC by `newsquote retract`.",
        "2 articles would answer again.",
    ]
    assert current_name(folder) == "000001"
    check_answers(folder, [story(0).word], [story(1), story(2)])


def test_one_name_that_is_not_retracted_brings_none_of_the_others_back(folder: Path) -> None:
    retract(folder, story(1).url)
    with pytest.raises(BadInput, match=r"^https://paper.example/2 is not retracted: it is in the corpus\.$"):
        undo(folder, story(1).url, story(2).url)
    with pytest.raises(BadInput, match=r"^https://paper.example/9 is not in the corpus, neither as"):
        undo(folder, story(1).url, "https://paper.example/9")
    assert story(1).url not in live_ids(folder)


def test_articles_without_a_usable_address_come_back_by_their_id_or_what_was_given_for_one(tmp_path: Path) -> None:
    drafts = [Draft("test", f"The bridge of {made_up_word(number)} stays.", "not a url") for number in (11, 22, 33)]
    ingest_drafts(tmp_path, drafts, WideEmbedder())
    first, second, third = sorted(live_ids(tmp_path))
    with pytest.raises(BadInput, match="is not retracted: 3 articles in the corpus were given that for a URL"):
        undo(tmp_path, "not a url")
    retract(tmp_path, first, now_s=NOW_S)
    retract(tmp_path, second, now_s=NOW_S + 1)
    with pytest.raises(BadInput, match=f"for 2 articles that were retracted at different times; .* as {first}, "):
        undo(tmp_path, "not a url")
    undo(tmp_path, first)
    assert live_ids(tmp_path) == {first, third}
    undo(tmp_path, "not a url")
    assert live_ids(tmp_path) == {first, second, third}


# Live blogs -----------------------------------------------------------------------------------------------


def update(number: int) -> Draft:
    text = f"Ferry number {number} was sent to the island at noon, and {story(number).word} was on board."
    return Draft("test", text, f"{PAGE}#u{number}", f"Ferry {number}", part=f"u{number}")


WHOLE = Draft("test", "The storm reached the coast in the morning, and the ferries stayed.", PAGE, "Storm")
PARTS = [article_id(PAGE, "", "", f"u{number}") for number in range(9)]


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """A page with three updates, stored as four articles."""
    ingest_drafts(tmp_path / "blog", [WHOLE, *map(update, range(3))], WideEmbedder())
    return tmp_path / "blog"


def test_a_page_comes_back_with_its_updates_but_not_with_one_that_was_retracted_apart(blog: Path) -> None:
    retract(blog, PARTS[1], now_s=NOW_S)
    retract(blog, PAGE, now_s=NOW_S + 1)
    assert ingest_drafts(blog, [update(3)], WideEmbedder()).n_retracted == 1
    said = undo(blog, PAGE).splitlines()
    assert said[0] == (
        f"{PAGE} (3 articles) are back: retracted on 2025-07-01 00:00 UTC by `newsquote retract`. "
        f"Retracted at another time, one of its updates stays so: {PARTS[1]}."
    )
    assert live_ids(blog) == {PAGE, PARTS[0], PARTS[2]}
    report = ingest_drafts(blog, [WHOLE, *map(update, range(4))], WideEmbedder())
    assert (report.n_new, report.n_retracted) == (1, 1)
    with pytest.raises(BadInput, match=f"{PAGE} is not retracted: it is in the corpus; updates .* such as {PARTS[1]}"):
        undo(blog, PAGE)
    undo(blog, PARTS[1])
    assert live_ids(blog) == {PAGE, *PARTS[:4]}


def test_an_update_does_not_come_back_under_a_page_that_stays_retracted(blog: Path) -> None:
    retract(blog, PAGE)
    with pytest.raises(BadInput, match=f"{PARTS[1]} is an update of {PAGE}, which is retracted; bring that page back"):
        undo(blog, PARTS[1])
    assert live_ids(blog) == set()
    undo(blog, PARTS[1], PAGE)
    assert live_ids(blog) == {PAGE, *PARTS[:3]}


def test_a_page_that_is_stored_as_updates_only_takes_updates_again_and_may_come_whole(tmp_path: Path) -> None:
    ingest_drafts(tmp_path, map(update, range(2)), WideEmbedder())
    retract(tmp_path, PARTS[0], now_s=NOW_S)
    with pytest.raises(BadInput, match=f"{PAGE} is not retracted: it is in the corpus; updates of it are"):
        undo(tmp_path, PAGE)
    retract(tmp_path, PAGE, now_s=NOW_S + 1)
    assert ingest_drafts(tmp_path, [update(2), WHOLE], WideEmbedder()).n_retracted == 2
    said = undo(tmp_path, PAGE).splitlines()
    assert said[0].endswith(f"stays so: {PARTS[0]}. Updates of {PAGE} that come later are taken again.")
    assert live_ids(tmp_path) == {PARTS[1]}
    report = ingest_drafts(tmp_path, [update(0), update(2), WHOLE], WideEmbedder())
    assert (report.n_new, report.n_retracted) == (2, 1)
    assert live_ids(tmp_path) == {PAGE, PARTS[1], PARTS[2]}


# The watcher ----------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """A site whose feed has two stories that are stored."""
    with world(tmp_path / "data") as made:
        made.publish("ferry", "crane")
        made.subscribe()
        made.round()
        yield made


def undo_at(site: World, *names: str) -> str:
    """Undo at the site's present moment."""
    now_s = int(site.clock())
    urls = [f"{site.base}/{name}" for name in names]
    with FeedStore(site.folder) as store:  # the site's index has another embedder than this module's
        plan = planned(store, site.folder, urls)
    with FeedStore(site.folder, write=True) as store:
        store.bring_back(
            [one for part in plan for one in part.ids], [line for part in plan for line in part.log_lines(now_s)], now_s
        )
    return "\n".join(part.line(is_done=True) for part in plan)


def gone(site: World, name: str) -> Page:
    """Let a page be gone for so long that the watcher removes it; what it was."""
    page = site.site.routes[f"/{name}"]
    assert isinstance(page, Page)
    site.site.routes[f"/{name}"] = Page(status=404)
    site.later(HOUR_S + 1)
    for _ in range(3):
        if name in site.articles():
            site.later(DAY_S)
    assert name not in site.articles()
    return page


def test_a_page_that_is_there_again_comes_back_with_what_it_says_now_and_may_go_again(site: World) -> None:
    page = gone(site, "ferry")
    site.later(2 * DAY_S)
    said = undo_at(site, "ferry")
    assert said.endswith(
        "/ferry is back: retracted on 2025-04-26 13:00 UTC by the watcher, since its page was gone (status 404) on two "
        "days."
    )
    assert set(site.articles()) == {"ferry", "crane"}
    with site.store() as store:
        address = f"https://news.test:{site.site.port}/ferry"
        assert store.removal(address) is None
        assert "restored: brought back by `newsquote retract --undo` (it was retracted on 2025-04-26" in why_lines(
            store, address, 90
        )
    site.site.routes["/ferry"] = changed(page, "The ferry", "The old ferry")
    assert site.round().outcomes["changed"] == 1
    assert "The old ferry" in site.articles()["ferry"].text
    # It was seen there: when it is gone once more, that is news.
    gone(site, "ferry")
    assert site.outcomes("ferry")[-2:] == ["gone", "removed"]


@pytest.mark.parametrize("is_redirected", [True, False], ids=["redirect", "canonical"])
def test_an_article_goes_and_comes_back_by_the_address_its_page_was_asked_for_at(
    site: World, is_redirected: bool
) -> None:
    canonical = f'<link rel="canonical" href="{site.base}/bridge">'
    site.site.routes["/bridge"] = page = story_page("bridge", NOW_S, more=canonical)
    site.site.routes["/short"] = redirect("/bridge") if is_redirected else page
    site.publish("short")
    site.later(3 * HOUR_S)
    assert set(site.articles()) == {"ferry", "crane", "bridge"}
    said = run_retract(site.folder, [f"{site.base}/short"], int(site.clock()), dry_run=True)
    assert said == "1 article would be retracted."
    retract(site.folder, f"{site.base}/short", now_s=int(site.clock()))
    assert set(site.articles()) == {"ferry", "crane"}
    assert "/short is back: retracted " in undo_at(site, "short")
    assert set(site.articles()) == {"ferry", "crane", "bridge"}


def test_what_was_fetched_and_not_taken_meanwhile_is_asked_for_again(site: World) -> None:
    address = f"{site.base}/ferry"
    retract(site.folder, address, now_s=int(site.clock()))
    before = site.site.routes["/ferry"]
    assert isinstance(before, Page)
    page = changed(before, "The ferry", "The old ferry")
    site.site.routes["/ferry"] = page
    with FeedStore(site.folder, write=True) as store:  # as `newsquote ingest` with the address does
        StoredPages(store).record([Visited(address, address, "new page", etag=page.etag or "")], int(site.clock()))
    undo_at(site, "ferry")
    assert site.round().outcomes["changed"] == 1


def test_a_page_that_stays_gone_is_not_retracted_against_the_person_who_brought_it_back(site: World) -> None:
    gone(site, "ferry")
    undo_at(site, "ferry")
    for _ in range(30):
        site.later(DAY_S)
    assert set(site.articles()) == {"ferry", "crane"}
    asked = [outcome for outcome in site.outcomes("ferry") if outcome == "kept"]
    assert 5 <= len(asked) <= 12  # daily for a week, then weekly
    retract(site.folder, f"{site.base}/ferry", now_s=int(site.clock()))
    assert set(site.articles()) == {"crane"}


def test_a_feed_that_goes_on_saying_that_it_was_deleted_only_has_the_page_asked(site: World) -> None:
    mark = (
        "<at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0' when='2025-04-25T12:00:00Z' ref='ferry'/>"
    )
    site.items = [item for item in site.items if item.name != "ferry"]
    site.show(more=mark)
    site.later(3 * HOUR_S)
    assert set(site.articles()) == {"crane"}
    assert f"by the watcher, since {site.feed_url} says that it was deleted." in undo_at(site, "ferry")
    site.show(more=f"{mark}<!-- changed -->")
    assert "removed" not in site.later(3 * HOUR_S).outcomes
    assert set(site.articles()) == {"ferry", "crane"}
    gone(site, "ferry")  # what the page itself says counts


def test_what_came_back_no_longer_counts_as_removed(site: World) -> None:
    gone(site, "ferry")
    with site.store() as store:
        assert store.n_removed_since(1, 0) == 1
    undo_at(site, "ferry")
    with site.store() as store:
        assert store.n_removed_since(1, 0) == 0


# Through an export ----------------------------------------------------------------------------------------


def restored(folder: Path) -> Path:
    """A store made from another one's export."""
    backup = folder.with_name("backup.jsonl")
    with Store(folder) as store:
        run_export(store, str(backup), all_versions=True)
    other = folder.with_name("restored")
    other.mkdir()
    assert run_ingest([open_source(str(backup))], other, lambda: (WideEmbedder(), 160), "test", NOW_S) == []
    return other


def test_what_was_retracted_stays_away_from_a_store_made_of_an_export(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    retract(folder, story(1).url, story(2).url)
    capsys.readouterr()
    other = restored(folder)
    said = capsys.readouterr().err
    assert "6 read in " in said and ": 4 new, 0 changed, 0 same, 0 rejected" in said
    assert "kept out, as retracted in the export: 2 articles; `newsquote retract --undo` takes one in again" in said
    ingest(other, *map(story, range(7)))
    assert "2 were retracted before and stay so" in capsys.readouterr().err
    check_answers(other, [story(number).word for number in (0, 3, 4, 5, 6)], [story(1), story(2)])
    with FeedStore(other) as store, Store(folder) as first:
        assert store.tombstones() == first.tombstones()
        assert why_lines(store, story(1).url, 90).startswith(f"{story(1).url}: retracted")
    assert run_retract(other, [story(1).url], NOW_S, dry_run=False).startswith("Nothing is left to retract")
    assert restored(other.rename(folder.with_name("second"))) and story(1).url not in live_ids(other)


def test_what_an_export_keeps_out_is_taken_in_again_once_that_is_undone(folder: Path) -> None:
    retract(folder, story(1).url)
    other = restored(folder)

    def embedder() -> tuple[Embedder, int]:
        raise AssertionError("there is nothing to embed")

    assert run_undo(other, [story(1).url], embedder, "test", NOW_S, dry_run=False) == (
        f"{story(1).url} is taken in with the next ingest: retracted on 2025-07-01 00:00 UTC as an export says, and "
        "not stored here."
    )
    ingest(other, *map(story, range(6)))
    check_answers(other, [story(number).word for number in range(6)], [])


def test_an_export_takes_nothing_down_that_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup = folder.with_name("backup.jsonl")
    retract(folder, story(1).url)
    with Store(folder) as store:
        run_export(store, str(backup), all_versions=True)
    undo(folder, story(1).url)
    capsys.readouterr()
    assert run_ingest([open_source(str(backup))], folder, lambda: (WideEmbedder(), 160), "test", NOW_S) == []
    assert f"retracted in the export and not here: 1 article, such as {story(1).url};" in capsys.readouterr().err
    check_answers(folder, [story(number).word for number in range(6)], [])


def test_an_export_freezes_no_page_whose_updates_answer(tmp_path: Path) -> None:
    ingest_drafts(tmp_path / "blog", map(update, range(2)), WideEmbedder())
    ingest_drafts(tmp_path / "other", [update(1)], WideEmbedder())
    retract(tmp_path / "blog", PAGE)
    with Store(tmp_path / "blog") as store:
        run_export(store, str(tmp_path / "backup.jsonl"), all_versions=True)
    sources = [open_source(str(tmp_path / "backup.jsonl"))]
    assert run_ingest(sources, tmp_path / "other", lambda: (WideEmbedder(), 160), "test", NOW_S) == []
    assert ingest_drafts(tmp_path / "other", map(update, range(3)), WideEmbedder()).n_new == 1
    assert live_ids(tmp_path / "other") == {PARTS[1], PARTS[2]}


def test_a_store_where_everything_is_retracted_has_an_export_too(folder: Path) -> None:
    retract(folder, *(story(number).url for number in range(6)))
    other = restored(folder)
    ingest(other, *map(story, range(7)))
    assert live_ids(other) == {story(6).url}


def test_a_retracted_live_blog_stays_away_with_its_later_updates(blog: Path) -> None:
    retract(blog, PARTS[1], now_s=NOW_S)
    retract(blog, PAGE, now_s=NOW_S + 1)
    other = restored(blog)
    drafts = [WHOLE, *map(update, range(4))]
    assert ingest_drafts(other, drafts, WideEmbedder()).n_retracted == 5
    with pytest.raises(BadInput, match=f"{PARTS[1]} is an update of {PAGE}, which is retracted"):
        undo(other, PARTS[1])
    said = undo(other, PAGE)
    assert said.startswith(
        f"{PAGE} (3 articles) are taken in with the next ingest: retracted on 2025-07-01 00:00 UTC as"
    )
    assert said.endswith(f"one of its updates stays so: {PARTS[1]}.")
    report = ingest_drafts(other, drafts, WideEmbedder())
    assert (report.n_new, report.n_retracted) == (4, 1)


def test_the_tombstone_of_a_page_that_was_an_article_does_not_go_with_that_of_an_update(tmp_path: Path) -> None:
    with Store(tmp_path, write=True) as store, store.transaction():
        store.bury(PAGE, PAGE, NOW_S, NOW_S)
        store.bury(PARTS[0], PAGE, NOW_S, NOW_S)
        assert store.restore([PARTS[0]], NOW_S) == 0
        assert [identity for identity, *_ in store.tombstones()] == [PAGE]


def test_a_page_of_updates_only_stays_away_whole(tmp_path: Path) -> None:
    ingest_drafts(tmp_path / "blog", map(update, range(2)), WideEmbedder())
    retract(tmp_path / "blog", PAGE)
    other = restored(tmp_path / "blog")
    assert ingest_drafts(other, [WHOLE, *map(update, range(3))], WideEmbedder()).n_retracted == 4


@pytest.mark.parametrize(
    "kept",
    [
        {"id": "nonsense", "retracted_s": 1},
        {"id": "https://www.paper.example/1", "retracted_s": 1},  # no id: it would keep out nothing
        {"id": "https://paper.example/\ud800", "retracted_s": 1},
        {"id": "local:\ud800", "retracted_s": 1},
        {"id": "https://paper.example/1", "retracted_s": True},
        {"id": "https://paper.example/1", "retracted_s": -1},
        {"id": "https://paper.example/1", "retracted_s": 2**38},
        {"id": "https://paper.example/1", "retracted_s": 1, "more": 1},
        {"id": ["https://paper.example/1"], "retracted_s": 1},
        {"retracted_s": 1},
        "retracted",
    ],
)
def test_what_only_looks_like_a_retraction_is_a_record_without_a_text(kept: object) -> None:
    row = {"url": "https://paper.example/1", "text": "", "newsquote": kept}
    found = from_json(json.dumps(row).encode(), "a.jsonl:1")
    assert type(found) is Reject and found.reason == "no text"


def test_a_record_with_a_text_is_an_article_whatever_else_it_says() -> None:
    kept = {"id": "https://paper.example/1", "retracted_s": 1}
    row = {"url": "https://paper.example/1", "text": "The bridge stays.", "newsquote": kept}
    assert isinstance(from_json(json.dumps(row).encode(), "a.jsonl:1"), Draft)


def test_an_update_is_retracted_in_every_spelling_of_its_page_and_no_other_with_it(tmp_path: Path) -> None:
    spellings = [PAGE, PAGE.replace("storm", "st%6frm")]
    drafts = [replace(update(n), url=f"{page}#u{n}") for page in spellings for n in range(2)]
    ingest_drafts(tmp_path, drafts, WideEmbedder(), now_s=NOW_S)
    retract(tmp_path, PARTS[0])
    assert live_ids(tmp_path) == {f"{page}#u1" for page in spellings}
    retract(tmp_path, PAGE)
    assert live_ids(tmp_path) == set()


def test_one_update_of_a_page_that_is_stored_as_updates_alone_comes_back_by_itself(tmp_path: Path) -> None:
    ingest_drafts(tmp_path, map(update, range(2)), WideEmbedder(), now_s=NOW_S)
    retract(tmp_path, PAGE)
    assert live_ids(tmp_path) == set()
    undo(tmp_path, PARTS[0])
    assert live_ids(tmp_path) == {PARTS[0]}
