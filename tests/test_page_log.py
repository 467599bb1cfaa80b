"""What is remembered of fetched pages, in a real store."""

from pathlib import Path

from index.store_feeds import FeedStore
from ingest.page_log import Known, StoredPages, Visited
from tests.fakes import NOW_S

URL = "https://harbor-courier.example/a"
DAY_S = 86_400


def visited(tmp_path: Path, *visits: Visited) -> tuple[FeedStore, Known | None]:
    """What is known of the page after these visits, a day apart each."""
    tmp_path.mkdir(exist_ok=True)
    store = FeedStore(tmp_path, write=True)
    pages = StoredPages(store)
    for number, visit in enumerate(visits):
        pages.record([visit], NOW_S + number * DAY_S)
    memory = pages.memory()
    try:
        return store, memory.known(URL)
    finally:
        memory.close()


def test_a_page_that_never_was_is_known_as_gone_until_it_comes(tmp_path: Path) -> None:
    gone = Visited(URL, "", "gone", is_gone=True)
    store, known = visited(tmp_path / "gone", gone)
    assert known == Known(NOW_S, "", "", is_gone=True)
    assert store.forget_old(NOW_S, NOW_S + 1) == 1
    assert store.page(URL) is None
    store.close()
    store, known = visited(tmp_path / "came", gone, Visited(URL, URL, "new page", etag='"1"'))
    assert known == Known(NOW_S + DAY_S, '"1"', "")
    store.close()


def test_an_article_whose_page_goes_is_left_to_the_schedule_that_looks_again(tmp_path: Path) -> None:
    store, known = visited(tmp_path, Visited(URL, URL, "new page", etag='"1"'), Visited(URL, "", "gone", is_gone=True))
    assert known == Known(NOW_S, '"1"', "")
    page = store.page(URL)
    assert page is not None
    assert (page.article, page.gone_s) == (URL, None)
    store.close()


def test_a_page_that_failed_is_not_remembered_but_noted(tmp_path: Path) -> None:
    store, known = visited(tmp_path, Visited(URL, "", "status 403", "no entry", is_settled=False))
    assert known is None
    assert [line.outcome for line in store.log_of(URL)] == ["status 403"]
    store.close()
