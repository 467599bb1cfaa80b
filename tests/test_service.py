"""Asking from an event loop: bounded, off the loop, and on an index that changes under way."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from bot.cards import answer_card, page_card
from bot.desk import Bounds, Desk, Reply, Where
from bot.links import fragment_link, quote_link
from bot.memory import Memory
from bot.question import Question
from bot.remembered import Place
from bot.service import Asker
from bot.words import words_for
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


@asynccontextmanager
async def desk_of(data: Path, memory_at: Path) -> AsyncIterator[Desk]:
    """A desk that answers by hashed words, and what it remembers."""
    asker = Asker(data, opener(data, HashingEmbedder()))
    with Memory(memory_at) as memory:
        await asker.start()
        yield Desk(asker, memory, lambda: NOW_S)
        await asker.close()


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
            places = reply.remembered.places
            quotes = await asker.quotes(places)
            restored = {(quote.text, quote.answer, quote.also) for quote in quotes if quote is not None}
            assert None not in quotes
            assert set(shown) <= restored
            assert quotes[0] is not None and quotes[0].answer is not None
            assert await asker.marked(places[0]) == quotes[0].answer.of(quotes[0].article.text)
            url = quotes[0].article.url
            run_retract(data, [url or ""], NOW_S, dry_run=False)
            left = await asker.quotes(places)
            assert left == [quote if quote and quote.article.url != url else None for quote in quotes]
            assert left[0] is None and await asker.marked(places[0]) is None
            assert await asker.quotes([Place(9_999, 0, 5), Place(1, 0, 10**9)]) == [None, None]
            await asker.close()

    run(test())


def test_a_corpus_that_was_built_anew_shows_no_other_words_for_an_old_answer(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            reply = await desk.ask(FERRY, Where(1, 2, 3))
            place = reply.remembered.places[0]
            # The same number stands for another article, or the same article for a version with other words.
            with Store(quick_data) as store:
                others = [
                    n for n in range(1, 20) if n != place.version and (a := store.article(n)) and len(a.text) > 900
                ]
            assert await desk.asker.quotes(
                [place, replace(place, version=others[0]), replace(place, start=place.start + 1)]
            ) == [
                *await desk.asker.quotes([place]),
                None,
                None,
            ]
            assert await desk.asker.marked(replace(place, version=others[0])) is None
            # What was kept before there were digests is believed.
            assert await desk.asker.quotes([replace(place, digest="")]) == await desk.asker.quotes([place])

    run(test())


def test_the_bot_keeps_no_words_of_articles_and_none_that_are_not_the_askers(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            reply = await desk.ask(FERRY, Where(1, 2, 3))
            said = await desk.ask("Seven herons sat on the quay.", Where(1, 2, 3), is_kept=False)
            assert (said.remembered.said, said.remembered.question) == (None, None)
            assert desk.memory.answer(said.remembered.id) == said.remembered
            held = b"".join(path.read_bytes() for path in tmp_path.glob("bot.db*"))
            assert FERRY.encode() in held
            assert b"herons" not in held
            for quote in reply.answer.quotes:
                assert quote.answer is not None
                assert json.dumps(quote.answer.of(quote.article.text)).encode() not in held

    run(test())


def test_a_follow_up_names_the_person_found_before_until_the_article_is_retracted(
    quick_data: Path, tmp_path: Path
) -> None:
    async def test() -> None:
        data = tmp_path / "data"
        shutil.copytree(quick_data, data)
        asker = Asker(data, opener(data, HashingEmbedder()))
        with Memory(tmp_path) as memory:
            await asker.start()
            desk = Desk(asker, memory, lambda: NOW_S)
            first = await desk.ask("Who is challenging Ines Halloran for mayor?", Where(1, 2, 3))
            found = first.answer.quotes[0]
            assert found.answer is not None and first.remembered.kind == "person"
            person = found.answer.of(found.article.text)
            follow = await desk.ask("and how old is he?", Where(1, 2, 3), parent=first.remembered)
            assert follow.answer.question.text == f"how old is {person}?"
            run_retract(data, [found.article.url or ""], NOW_S, dry_run=False)
            follow = await desk.ask("and how old is he?", Where(1, 2, 3), parent=first.remembered)
            assert person not in follow.answer.question.text
            await asker.close()

    run(test())


def test_links_are_searched_for_where_the_quotes_are_found(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def link(*of: object) -> str:
        threads.append(threading.current_thread().name)
        return fragment_link(*of)  # type: ignore[arg-type]

    monkeypatch.setattr("bot.links.fragment_link", link)
    quote_link.cache_clear()

    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            reply = await desk.ask(FERRY, Where(1, 2, 3))
            for _ in range(3):
                answer_card(reply.answer, "abcd", words_for("en"), is_question_shown=True)
            places = reply.remembered.places[3:6]
            page_card(await desk.asker.quotes(places), 3, 12, "abcd", words_for("en"))
            assert len(threads) == len(reply.answer.quotes) + len(places)
            assert all(name.startswith("answer") for name in threads)

    run(test())


def test_the_desk_keeps_the_subject_the_servers_outlets_and_what_was_asked(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            desk.memory.set(1, sources=("harbor courier", "no longer there"))
            first = await desk.ask(FERRY, Where(1, 2, 3))
            assert first.answer.question.sources == ("Harbor Courier",)
            assert first.remembered == desk.memory.answer(first.remembered.id)
            follow = await desk.ask("and when?", Where(1, 2, 3), parent=first.remembered)
            assert follow.answer.question.text == "When were people injured in the ferry accident?"
            assert (follow.remembered.said, follow.remembered.parent) == ("and when?", first.remembered.id)
            bare = await desk.ask(FERRY, Where(1, 2, 3), Bounds(read_filters=False))
            assert bare.answer.question.sources == ()
            other = await desk.ask(FERRY, Where(2, 2, 3), Bounds(sources=("Valley Wire",)))
            assert other.answer.question.sources == ("Valley Wire",)
            anew = await desk.answered(DEADLINE, Where(1, 2, 3), answer_id=first.remembered.id)
            assert anew.remembered.id == first.remembered.id
            assert desk.memory.answer(first.remembered.id) == first.remembered
            bounds = Bounds(read_filters=False)
            taken = await desk.ask("When was the vote?", Where(1, 2, 4), bounds, parent=first.remembered)
            assert taken.answer.question.text == "When was the vote?"
            assert (taken.remembered.said, taken.remembered.parent) == (None, first.remembered.id)
            assert desk.near_outlets("har", 2) == ["Harbor Courier"]
            assert desk.near_outlets("Valey Wir", 2) == ["Valley Wire"]
            assert desk.outlet(" VALLEY wire") == "Valley Wire"

    run(test())


@pytest.mark.parametrize(
    ("forget", "n_kept"),
    [
        (lambda memory: memory.forget_person(3), 0),
        (lambda memory: memory.forget_guild(1), 0),
        (lambda memory: memory.forget_person(4), 1),
    ],
)
def test_what_is_asked_while_its_person_or_server_is_forgotten_is_not_remembered(
    quick_data: Path, forget: Callable[[Memory], object], n_kept: int
) -> None:
    async def test() -> None:
        gate = Gate()
        asker = Asker(quick_data, opener(quick_data, gate))
        with Memory(None) as memory:
            await asker.start()
            asked = asyncio.create_task(Desk(asker, memory, lambda: NOW_S).ask(FERRY, Where(1, 2, 3)))
            await asyncio.sleep(0)
            forget(memory)
            gate.open.set()
            assert (await asked).answer.quotes
            assert memory.n_answers() == n_kept
            await asker.close()

    run(test())


def test_a_follow_up_of_what_is_forgotten_meanwhile_keeps_none_of_its_words(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        gate = Gate()
        gate.open.set()
        asker = Asker(quick_data, opener(quick_data, gate))
        with Memory(tmp_path) as memory:
            await asker.start()
            desk = Desk(asker, memory, lambda: NOW_S)
            first = (await desk.ask(FERRY, Where(1, 2, 3))).remembered
            gate.open.clear()
            asked = [
                asyncio.create_task(desk.ask(said, Where(1, 2, 4), parent=first)) for said in ("and when?", DEADLINE)
            ]
            await asyncio.sleep(0.1)
            memory.forget_person(3)
            gate.open.set()
            follow, own = [memory.answer((await one).remembered.id) for one in asked]
            assert follow is not None and (follow.said, follow.question) == ("and when?", None)
            assert own is not None and own.question is not None and own.question.text == DEADLINE
            await asker.close()

    run(test())


def test_words_are_read_where_the_quotes_are_found(
    quick_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, str] = {}

    def noted(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*of: object, **named: object) -> object:
            threads[name] = threading.current_thread().name
            return function(*of, **named)

        return call

    for module, name in (("desk", "understand"), ("desk", "with_bounds_of"), ("conversation", "_filled_in")):
        monkeypatch.setattr(f"bot.{module}.{name}", noted(name, getattr(import_module(f"bot.{module}"), name)))

    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            first = (await desk.ask(FERRY, Where(1, 2, 3))).remembered
            threads.clear()
            await desk.ask("and when?", Where(1, 2, 3), parent=first)
            assert all(name.startswith("answer") for name in threads.values()) and len(threads) == 3
            threads.clear()
            assert first.question is not None
            await desk.standing(first.question, Where(1, 2, 3), is_direct=True, language="en")
            assert threads["understand"].startswith("answer")
            threads.clear()
            desk.memory.set(1, sources=("Valley Wire",))
            await desk.ask(FERRY, Where(1, 2, 3))
            assert threads["understand"].startswith("answer")

    run(test())


def test_the_desk_keeps_the_bounds_of_what_is_followed_up(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            here, since = Where(1, 2, 3), date(2025, 4, 1)

            async def asked(said: str, parent: Reply | None, bounds: Bounds | None = None) -> tuple[Reply, Question]:
                reply = await desk.ask(said, here, bounds, parent=parent.remembered if parent else None)
                return reply, reply.answer.question

            first, _ = await asked(FERRY, None, Bounds(since=since, sources=("Valley Wire",)))
            second, question = await asked("and when?", first)
            assert (question.since, question.sources) == (since, ("Valley Wire",))
            third, question = await asked("why?", second)
            assert question.text == "Why were people injured in the ferry accident?"
            assert (question.since, question.sources) == (since, ("Valley Wire",))
            _, question = await asked("and according to the Harbor Courier?", third)
            assert (question.since, question.sources) == (since, ())
            _, question = await asked("Which film won the Golden Lantern?", third)
            assert (question.since, question.sources) == (None, ())

            said, _ = await asked(f"According to the Valley Wire, {FERRY[:1].lower()}{FERRY[1:]}", None)
            _, question = await asked("and when?", said)
            assert question.text == "When were people injured in the ferry accident?"
            assert question.sources == ("Valley Wire",)
            bare, _ = await asked(said.answer.question.text, said, Bounds(read_filters=False))
            assert (await asked("and when?", bare))[1].sources == ()  # without the filter, as was wished

            desk.memory.set(1, sources=("Harbor Courier",))
            assert (await asked(FERRY, None))[1].sources == ("Harbor Courier",)
            named, question = await asked("What happened at the port according to the Valley Wire?", None)
            assert (question.sources, named.answer.understood.sources) == ((), ("Valley Wire",))
            with pytest.raises(BadInput, match="that asks nothing"):
                await asked("thanks!", named)

    run(test())


def test_the_desk_goes_on_from_the_last_question_that_found_something(quick_data: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with desk_of(quick_data, tmp_path) as desk:
            where = Where(1, 2, 3)
            first = (await desk.ask("Did Petra Valcic win?", where)).remembered
            desk.memory.remember(replace(first, status="answered"))
            second = (await desk.ask("and Ines Halloran?", where, parent=first)).remembered
            assert second.question is not None and second.question.text == "Did Ines Halloran win?"
            refused = replace(second, status="not_found", places=())
            follow = await desk.ask("when?", where, parent=refused)
            assert follow.answer.question.text == "When did Petra Valcic win?"
            follow = await desk.ask("when?", where, parent=replace(second, status="answered"))
            assert follow.answer.question.text == "When did Ines Halloran win?"
            lost = replace(refused, parent=None)  # all that is left to go on from
            follow = await desk.ask("when?", where, parent=lost)
            assert follow.answer.question.text == "When did Ines Halloran win?"

    run(test())


def test_the_status_counts_what_the_store_holds(quick_data: Path) -> None:
    async def test() -> None:
        asker = Asker(quick_data, opener(quick_data, HashingEmbedder()))
        await asker.start()
        status = await asker.status()
        with Store(quick_data) as store:
            assert status.n_articles == store.counts()["articles"]
            assert status.n_sources == len(store.source_counts())
            assert status.oldest == store.oldest()
        await asker.close()

    run(test())
