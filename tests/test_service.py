"""Asking from an event loop: bounded, off the loop, and on an index that changes under way."""

from __future__ import annotations

import asyncio
import shutil
import threading
from datetime import date
from pathlib import Path

import pytest

from bot.answer import Question
from bot.desk import Bounds, Desk, Where
from bot.memory import Memory, Place
from bot.service import Asker
from index.errors import BadInput, Busy, Closing, IndexMissing
from index.store import Store
from index.types import Vectors
from ingest.job import run_ingest, run_reindex, run_retract
from ingest.sources import open_source
from tests.bot_support import DEADLINE, FERRY, NOW_S, opener
from tests.conftest import SAMPLE
from tests.discord_support import run
from tests.fakes import HashingEmbedder

ASKED = Question(FERRY, date(2025, 4, 30))


class Gate(HashingEmbedder):
    """Counts who is inside, and lets nobody on before it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.n_inside = self.n_most = 0

    def embed_query(self, text: str) -> Vectors:
        if text == "warm":
            return super().embed_query(text)
        self.n_inside += 1
        self.n_most = max(self.n_most, self.n_inside)
        assert self.open.wait(30)
        self.n_inside -= 1
        return super().embed_query(text)


@pytest.fixture(scope="module")
def quick_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quick")
    assert run_ingest([open_source(str(SAMPLE))], folder, lambda: (HashingEmbedder(), 160), "test", NOW_S) == []
    return folder


def test_beyond_the_bound_it_is_busy_and_the_loop_stays_free(quick_data: Path) -> None:
    async def test() -> None:
        gate = Gate()
        asker = Asker(quick_data, opener(quick_data, gate), n_workers=2, max_waiting=5)
        await asker.start()
        asked = [asyncio.create_task(asker.ask(ASKED)) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await asker.ask(ASKED)
        assert (asker.n_waiting, asker.n_busy) == (5, 1)
        gate.open.set()
        answers = await asyncio.gather(*asked)
        assert len({answer.quotes for answer in answers}) == 1
        assert gate.n_most == 1  # the model has one request for all
        assert (asker.n_waiting, asker.n_answered) == (0, 5)
        await asker.close()

    run(test())


def test_a_question_that_began_on_the_old_index_ends_on_it(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(quick_data, data)
        gate = Gate()
        asker = Asker(data, opener(data, gate), watch_s=0.01)
        await asker.start()
        early = asyncio.create_task(asker.ask(ASKED))
        await asyncio.to_thread(run_reindex, data, HashingEmbedder(), 80, "test", NOW_S, dry_run=False)
        await asker.switched_to("000002")
        late = asyncio.create_task(asker.ask(ASKED))
        gate.open.set()
        assert [(await task).snapshot for task in (early, late)] == ["000001", "000002"]
        await asker.close()

    run(test())


def test_after_stop_taking_what_is_under_way_ends_and_the_rest_is_refused(quick_data: Path) -> None:
    async def test() -> None:
        gate = Gate()
        asker = Asker(quick_data, opener(quick_data, gate))
        await asker.start()
        asked = asyncio.create_task(asker.ask(ASKED))
        await asyncio.sleep(0)
        asker.stop_taking()
        with pytest.raises(Closing):
            await asker.ask(ASKED)
        gate.open.set()
        assert (await asked).quotes
        await asker.close()

    run(test())


def test_known_failures_pass_through_and_no_index_is_one(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        asker = Asker(quick_data, opener(quick_data, HashingEmbedder()))
        await asker.start()
        with pytest.raises(BadInput):
            await asker.ask(Question("?!", date(2025, 4, 30)))
        await asker.close()
        empty = Asker(tmp_path, opener(tmp_path, HashingEmbedder()))
        await empty.start()
        with pytest.raises(IndexMissing):
            await empty.ask(ASKED)
        assert (empty.snapshot, empty.outlets) == (None, [])
        await empty.close()

    run(test())


def test_a_remembered_quote_comes_back_word_for_word_until_its_article_is_retracted(
    quick_data: Path, tmp_path: Path
) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(quick_data, data)
        asker = Asker(data, opener(data, HashingEmbedder()), watch_s=0.01)
        with Memory(tmp_path) as memory:
            await asker.start()
            desk = Desk(asker, memory, lambda: NOW_S)
            reply = await desk.ask(FERRY, Where(1, 2, 3))
            shown = [(quote.text, quote.answer, quote.also) for quote in reply.answer.quotes]
            quotes, n_gone = await asker.quotes(reply.remembered.places)
            restored = {(quote.text, quote.answer, quote.also) for quote in quotes}
            assert n_gone == 0
            assert set(shown) <= restored
            url = quotes[0].article.url
            run_retract(data, [url or ""], NOW_S, dry_run=False)
            left, n_gone = await asker.quotes(reply.remembered.places)
            assert n_gone == len(quotes) - len(left) > 0
            assert url not in {quote.article.url for quote in left}
            assert await asker.quotes([Place(9_999, 0, 5), Place(1, 0, 10**9)]) == ([], 2)
            await asker.close()

    run(test())


def test_the_desk_keeps_the_subject_the_servers_outlets_and_what_was_asked(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        asker = Asker(quick_data, opener(quick_data, HashingEmbedder()))
        with Memory(tmp_path) as memory:
            await asker.start()
            desk = Desk(asker, memory, lambda: NOW_S)
            memory.set(1, sources=("harbor courier", "no longer there"))
            first = await desk.ask(FERRY, Where(1, 2, 3))
            assert first.answer.question.sources == ("Harbor Courier",)
            assert first.remembered == memory.answer(first.remembered.id)
            follow = await desk.ask("and when?", Where(1, 2, 3), parent=first.remembered)
            assert follow.answer.question.text == "When was it that people injured in the ferry accident?"
            assert (follow.remembered.said, follow.remembered.parent) == ("and when?", first.remembered.id)
            bare = await desk.ask(FERRY, Where(1, 2, 3), Bounds(read_filters=False))
            assert bare.answer.question.sources == ()
            other = await desk.ask(FERRY, Where(2, 2, 3), Bounds(sources=("Valley Wire",)))
            assert other.answer.question.sources == ("Valley Wire",)
            anew = await desk.ask(DEADLINE, Where(1, 2, 3), answer_id=first.remembered.id)
            assert memory.answer(first.remembered.id) == anew.remembered
            assert desk.near_outlets("har", 2) == ["Harbor Courier"]
            assert desk.near_outlets("Valey Wir", 2) == ["Valley Wire"]
            assert desk.outlet(" VALLEY wire") == "Valley Wire"
            await asker.close()

    run(test())


def test_the_stand_counts_what_the_store_holds(quick_data: Path) -> None:
    async def test() -> None:
        asker = Asker(quick_data, opener(quick_data, HashingEmbedder()))
        await asker.start()
        stand = await asker.stand()
        with Store(quick_data) as store:
            assert stand.n_articles == store.counts()["articles"]
            assert stand.n_sources == len(store.source_counts())
            assert stand.oldest == store.oldest()
        await asker.close()

    run(test())
