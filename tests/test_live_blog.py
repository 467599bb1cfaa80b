"""Live blogs: each dated update is an article of its own, under its own place, also after export and retraction."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from index.store import Store
from index.store_feeds import FeedStore
from index.types import Article
from ingest.draft import Draft
from ingest.extract import extract_all
from ingest.identity import article_id, part_of
from ingest.job import run_export, run_ingest, run_retract
from ingest.jsonld import Update
from ingest.live_blog import split_updates
from ingest.sources import open_source
from tests.fakes import NOW_S, HashingEmbedder, ingest_drafts

PAGES = Path(__file__).parent / "pages"
URL = "https://www.quayside-courier.co.uk/live/storm-petra"

UPDATES = (
    (
        "2025-04-02T09:40:00+01:00",
        "Schools stay shut",
        "All schools north of the river will stay shut on Friday as well.",
    ),
    ("2025-04-03T07:15:00+01:00", "Ferries stopped", "Both ferry lines have stopped because of waves of four metres."),
    ("2025-04-04T06:10:00+01:00", "Storm is over", "The weather service has lifted its warning for the whole coast."),
)
LEDE = "A storm has been battering the coast since Wednesday, and the harbour town is counting what it has cost so far."


def live_page(*, anchors: bool = True, lede: bool = True) -> bytes:
    entries = [
        {
            "@type": "BlogPosting",
            "headline": headline,
            "datePublished": published,
            "articleBody": body,
            **({"url": f"{URL}#block-{n}"} if anchors else {}),
        }
        for n, (published, headline, body) in enumerate(UPDATES)
    ]
    linked = {
        "@type": "LiveBlogPosting",
        "headline": "Storm Petra live",
        "datePublished": UPDATES[0][0],
        "author": {"name": "Mara Lind"},
        "liveBlogUpdate": entries,
    }
    shown = "".join(
        f"<section><div><time datetime='{published}'>{published[11:16]}</time></div>"
        f"<h2>{headline}</h2><p>{body}</p></section>"
        for published, headline, body in UPDATES
    )
    return (
        "<html lang=en><head><title>Storm Petra live</title>"
        f"<script type='application/ld+json'>{json.dumps(linked)}</script>"
        f"</head><body><main><h1>Storm Petra live</h1>{f'<p>{LEDE}</p>' if lede else ''}{shown}</main></body></html>"
    ).encode()


def test_every_update_is_an_article_with_its_own_day_and_place() -> None:
    rest, *updates = extract_all(live_page(), URL, origin="live.html")
    assert (rest.text, rest.title, rest.part, rest.url) == (LEDE, "Storm Petra live", "", URL)
    assert [(one.published, one.title, one.text) for one in updates] == list(UPDATES)
    assert [(one.url, one.part) for one in updates] == [(f"{URL}#block-{n}", f"block-{n}") for n in range(3)]
    assert {one.authors for one in updates} == {("Mara Lind",)}


def test_updates_without_an_anchor_are_called_by_their_time() -> None:
    updates = extract_all(live_page(anchors=False, lede=False), URL, origin="live.html")
    assert [(one.url, one.part) for one in updates] == [
        (URL, "update-20250402094000"),
        (URL, "update-20250403071500"),
        (URL, "update-20250404061000"),
    ]


def test_the_saved_live_page_splits_and_an_ordinary_page_does_not() -> None:
    assert [one.title for one in extract_all((PAGES / "storm_live.html").read_bytes(), URL, origin="x")] == [
        "Schools to stay shut",
        "Ferries stopped",
        "Good morning",
    ]
    assert len(extract_all((PAGES / "bridge.html").read_bytes(), URL, origin="x")) == 1


LIVE = {"@type": "LiveBlogPosting", "headline": "Storm Petra live", "datePublished": UPDATES[0][0]}
ENTRIES = [
    {"@type": "BlogPosting", "headline": headline, "datePublished": published, "articleBody": body}
    for published, headline, body in UPDATES
]
NAMED = [{"@id": f"{URL}#block-{n}", **entry} for n, entry in enumerate(ENTRIES)]
REFERENCES = [{"@id": entry["@id"]} for entry in NAMED]
TWIN = {"@type": "NewsArticle", "headline": "Storm", "datePublished": "2025-04-02", "author": "A B", "url": URL}


@pytest.mark.parametrize(
    "described",
    [
        {"@graph": [{**LIVE, "liveBlogUpdate": REFERENCES}, *NAMED]},
        {"@graph": [*NAMED, {**LIVE, "liveBlogUpdate": REFERENCES}]},
        {**LIVE, "liveBlogUpdate": {"@type": "ItemList", "itemListElement": ENTRIES}},
        {**LIVE, "liveBlogUpdate": {"@type": "ItemList", "itemListElement": [{"item": entry} for entry in ENTRIES]}},
        {**LIVE, "liveBlogUpdate": [{**one, "articleBody": {"@value": one["articleBody"]}} for one in ENTRIES]},
        {**LIVE, "liveBlogUpdate": [{**one, "articleBody": "", "description": one["articleBody"]} for one in ENTRIES]},
        [TWIN, {**LIVE, "liveBlogUpdate": ENTRIES}],
        [{**LIVE, "url": URL, "liveBlogUpdate": ENTRIES}, {**TWIN, "articleBody": LEDE, "dateModified": "2025-04-03"}],
    ],
    ids=["references", "references behind", "list", "list of items", "objects", "descriptions", "twin", "richer twin"],
)
def test_updates_are_found_however_they_are_described(described: object) -> None:
    head = f"<script type='application/ld+json'>{json.dumps(described)}</script>"
    body = "".join(f"<h2>{headline}</h2><p>{text}</p>" for _, headline, text in UPDATES)
    html = f"<html lang=en><head>{head}</head><body><h1>Storm Petra live</h1>{body}</body></html>".encode()
    found = extract_all(html, URL, origin="live.html")
    assert [(one.published, one.title, one.text) for one in found] == list(UPDATES)


def test_a_live_blog_of_another_page_does_not_split_an_article() -> None:
    other = {**LIVE, "url": f"{URL}-2", "liveBlogUpdate": ENTRIES}
    head = f"<script type='application/ld+json'>{json.dumps([TWIN, other])}</script>"
    (one,) = extract_all(f"<html><head>{head}</head><body><p>{LEDE}</p></body></html>".encode(), URL, origin="x")
    assert one.title == "Storm"


PAGE = Draft(
    origin="x",
    url=URL,
    title="Live",
    text="\n\n".join(["9.40", "One", "The first of three things that happened.", "The second of them, an hour later."]),
)


def lines(body: str) -> list[str]:
    return [line for line in body.split("\n") if line]


def split(*updates: Update, page: Draft = PAGE) -> list[Draft]:
    return split_updates(page, updates, lines)


def test_words_that_the_page_does_not_show_come_from_its_description() -> None:
    shown = Update("2025-04-02", "One", "The first of three things that happened.")
    hidden = Update("2025-04-03", "Two", "A thing that only search engines are told of.\nIn two lines.")
    assert [one.text for one in split(shown, hidden)] == [
        "The first of three things that happened.",
        "A thing that only search engines are told of.\n\nIn two lines.",
    ]


@pytest.mark.parametrize(
    "updates",
    [
        (),
        (Update("2025-04-02", "One", "The first of three things that happened."),),
        (
            Update("", "One", "The first of three things that happened."),
            Update("soon", "Two", "The second of them, an hour later."),
        ),
        (Update("2025-04-02", "One", ""), Update("2025-04-03", "Two", "Short.")),
    ],
)
def test_a_page_without_several_dated_updates_stays_whole(updates: tuple[Update, ...]) -> None:
    assert split(*updates) == [PAGE]


def test_an_update_with_a_page_of_its_own_is_that_pages_article() -> None:
    own = Update("2025-04-02", "One", "The first of three things that happened.", url=f"{URL}-one")
    foreign = Update("2025-04-03", "Two", "The second of them, an hour later.", url="https://elsewhere.com/#two")
    first, second = split(own, foreign)
    assert (first.url, first.part) == (f"{URL}-one", "")
    assert (second.url, second.part) == (f"{URL}#two", "two")


def test_two_updates_of_one_name_are_two() -> None:
    one = Update("2025-04-02T10:00:00Z", "One", "The first of three things that happened.")
    two = replace(one, body="The second of them, an hour later.")
    assert [draft.part for draft in split(one, two)] == ["update-20250402100000", "update-20250402100000~2"]


def test_a_long_live_blog_is_split_in_little_time() -> None:
    bodies = [f"At stage {n} the riders of group {n * 7} passed village {n * 13} in the rain." for n in range(1_000)]
    updates = [
        Update(f"2025-04-03T{n // 60 % 24:02}:{n % 60:02}:00Z", "", body, url=f"#u{n}") for n, body in enumerate(bodies)
    ]
    page = Draft("x", "\n\n".join(reversed(bodies)), url=URL)
    started = time.process_time()
    drafts = split_updates(page, updates, lambda body: [body])
    assert time.process_time() - started < 5
    assert [draft.text for draft in drafts] == bodies


def test_an_id_says_which_part_it_is() -> None:
    identity = article_id(f"{URL}#block-1", "t", "x", "block-1")
    assert identity == "https://quayside-courier.co.uk/live/storm-petra#block-1"
    assert part_of(identity, f"{URL}#block-1") == "block-1"
    assert part_of(article_id(URL, "t", "x"), URL) == ""


# In the store ---------------------------------------------------------------------------------------------


def ingest(folder: Path, path: Path) -> None:
    folder.mkdir(exist_ok=True)
    assert run_ingest([open_source(str(path))], folder, lambda: (HashingEmbedder(), 160), "test", NOW_S) == []


def stored(folder: Path) -> list[Article]:
    with Store(folder) as store:
        return [article for article, _ in store.export(all_versions=False)]


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """A data folder with the live blog, which lies in `live.html` beside it."""
    page = live_page().replace(b"<title>", f'<link rel="canonical" href="{URL}"><title>'.encode())
    (tmp_path / "live.html").write_bytes(page)
    ingest(tmp_path / "data", tmp_path / "live.html")
    return tmp_path / "data"


def test_the_parts_of_a_page_are_articles_apart_and_survive_a_backup(blog: Path, tmp_path: Path) -> None:
    articles = stored(blog)
    assert len({article.id for article in articles}) == 4
    assert sorted(article.published or "" for article in articles)[1:] == [published for published, _, _ in UPDATES]
    with Store(blog) as store:
        run_export(store, str(tmp_path / "backup.jsonl"), all_versions=True)
    ingest(tmp_path / "second", tmp_path / "backup.jsonl")
    assert {(one.id, one.text, one.url) for one in stored(tmp_path / "second")} == {
        (one.id, one.text, one.url) for one in articles
    }


def test_a_second_look_at_the_page_changes_nothing(blog: Path, tmp_path: Path) -> None:
    before = stored(blog)
    ingest(blog, tmp_path / "live.html")
    assert stored(blog) == before


def test_retracting_a_page_takes_its_updates_along(blog: Path) -> None:
    assert run_retract(blog, [URL], NOW_S, dry_run=False).startswith("4 articles retracted")
    assert stored(blog) == []


def test_one_update_can_be_retracted_alone(blog: Path) -> None:
    identity = next(article.id for article in stored(blog) if article.title == "Ferries stopped")
    assert run_retract(blog, [identity], NOW_S, dry_run=False).startswith("1 article retracted")
    assert len(stored(blog)) == 3


def test_an_update_is_retracted_by_the_address_that_an_answer_shows(blog: Path) -> None:
    update = next(article for article in stored(blog) if article.title == "Ferries stopped")
    shown = f"{URL}?utm_source=x#{update.id.partition('#')[2]}"
    assert run_retract(blog, [shown], NOW_S, dry_run=False).startswith("1 article retracted")
    assert update.id not in {article.id for article in stored(blog)}


def test_a_page_that_was_retracted_does_not_come_back_in_parts(blog: Path) -> None:
    run_retract(blog, [URL], NOW_S, dry_run=False)
    page = Draft("test", "The storm reached the coast in the morning, and the ferries stayed.", URL, "Storm")
    update = Draft("test", "A fourth ferry was sent to the island at noon.", URL, "Fourth ferry", part="update-4")
    entry = replace(update, part="!entry-1")  # what a feed says under the page's address is an article apart
    report = ingest_drafts(blog, [page, update, entry], HashingEmbedder())
    assert (report.n_retracted, report.n_new) == (2, 1)
    assert [one.id for one in stored(blog)] == [article_id(URL, "", "", "!entry-1")]


def test_a_page_that_is_stored_as_parts_only_is_retracted_for_good(tmp_path: Path) -> None:
    first, second, third = (
        Draft("test", f"Ferry number {at} was sent to the island at noon.", URL, f"Ferry {at}", part=f"update-{at}")
        for at in range(3)
    )
    ingest_drafts(tmp_path, [first, second], HashingEmbedder())
    run_retract(tmp_path, [article_id(URL, "", "", "update-0")], NOW_S, dry_run=False)
    assert ingest_drafts(tmp_path, [third], HashingEmbedder()).n_new == 1  # one update is not the page
    assert run_retract(tmp_path, [URL], NOW_S, dry_run=False).startswith("2 articles retracted")
    again = [first, second, third, replace(third, part="update-3"), replace(third, part="")]
    report = ingest_drafts(tmp_path, again, HashingEmbedder())
    assert (report.n_retracted, report.n_new) == (5, 0)
    with Store(tmp_path) as store:
        assert store.counts()["retracted"] == 3


def test_a_page_that_is_gone_takes_its_updates_along_and_no_other_page(blog: Path) -> None:
    others = [
        Draft("test", f"Ferry number {at} was sent to the island at noon.", f"{URL}#!/story/{at}", f"Ferry {at}")
        for at in range(3)
    ]
    ingest_drafts(blog, others, HashingEmbedder())
    with FeedStore(blog, write=True) as store:
        assert store.remove_gone(article_id(URL, "", ""), "gone", NOW_S) == 4
        assert store.counts()["articles"] == 3
