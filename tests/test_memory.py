"""bot.db: what is remembered comes back as it was, and what is forgotten is gone from the file."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.memory import SCHEMA, Memory
from bot.remembered import DEFAULTS, Asked, Forgotten, GuildSettings, Place, Remembered, Standing, new_id
from index.errors import StoreError
from index.types import DAY_S

NOW = 1_746_014_400


def remembered(**changes: object) -> Remembered:
    values: dict[str, object] = {
        "id": new_id(),
        "asked_s": NOW,
        "guild": 1,
        "channel": 2,
        "asker": 3,
        "prompt": 0,
        "parent": None,
        "said": "and when?",
        "question": Asked("When was it?", date(2025, 4, 30)),
        "kind": "date",
        "status": "answered",
        "confidence": 0.75,
        "snapshot": "000001",
        "places": (Place(1, 2, 3),),
    }
    return Remembered(**(values | changes))  # type: ignore[arg-type]


days = st.none() | st.dates()
spans = st.none() | st.tuples(st.integers(0, 99), st.integers(0, 99))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
place = st.builds(
    Place,
    st.integers(1, 9),
    st.integers(0, 99),
    st.integers(0, 99),
    spans,
    st.booleans(),
    st.booleans(),
    st.lists(texts, max_size=3).map(tuple),
    texts,
)
asked = st.builds(Asked, texts, st.dates(), days, days, st.lists(texts, max_size=3).map(tuple), st.booleans())


@settings(max_examples=50, deadline=None)
@given(asked, st.lists(place, max_size=12).map(tuple), st.none() | texts)
def test_an_answer_comes_back_as_it_was(question: Asked, places: tuple[Place, ...], said: str | None) -> None:
    kept = remembered(question=question, places=places, said=said)
    with Memory(Path("/nonexistent"), write=False) as memory:
        memory.remember(kept, messages=[7, 8])
        assert memory.answer(kept.id) == kept
        assert memory.answer_of_message(8) == kept


def test_a_memory_of_this_process_alone_remembers_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kept = remembered(prompt=5)
    with Memory(None) as memory:
        memory.remember(kept, messages=[7])
        assert memory.answer_to_prompt(5) == (kept, 7)
        memory.forget_prompt(5)
        assert memory.n_answers() == 0
        assert list(tmp_path.iterdir()) == []


def test_everything_is_there_after_the_file_was_closed(tmp_path: Path) -> None:
    kept = remembered(prompt=5)
    with Memory(tmp_path) as memory:
        memory.remember(kept, messages=[7])
        memory.vote(kept.id, 4, 1, NOW)
        memory.report(kept.id, 4, "wrong", NOW)
        memory.set(1, keep_days=7)
        memory.set_note("tree", "abc")
        memory.opened_thread(9, NOW)
    with Memory(tmp_path, write=False) as memory:
        assert memory.answer_to_prompt(5) == (kept, 7)
        (row,) = memory.feedback()
        assert (row.remembered, row.n_up, row.n_down) == (kept, 1, 0)
        assert [report.reason for report in row.reports] == ["wrong"]
        assert memory.settings(1).keep_days == 7
        assert memory.note("tree") == "abc"
        assert memory.is_own_thread(9)


def test_what_people_asked_is_for_the_owner_of_the_file_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with Memory(tmp_path) as memory:
            memory.remember(remembered())
            assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == dict.fromkeys(
                ("bot.db", "bot.db-wal", "bot.db-shm"), "0o600"
            )
    finally:
        os.umask(before)


def test_an_answer_is_shown_in_its_first_message(tmp_path: Path) -> None:
    kept = remembered(prompt=5)
    with Memory(tmp_path) as memory:
        memory.remember(kept, messages=[7])
        memory.shown_in(kept.id, 9)
        assert memory.answer_to_prompt(5) == (kept, 7)


def test_a_vote_takes_the_place_of_the_same_persons_earlier_one(tmp_path: Path) -> None:
    kept = remembered()
    with Memory(tmp_path) as memory:
        memory.remember(kept)
        for voter, value in ((1, 1), (2, 1), (1, -1)):
            assert memory.vote(kept.id, voter, value, NOW)  # type: ignore[arg-type]
        assert memory.votes(kept.id) == (1, 1)
        assert not memory.vote("gone", 1, 1, NOW)
        assert memory.report("gone", 1, "x", NOW) is None


def test_an_answer_given_anew_keeps_its_id_its_votes_and_its_messages(tmp_path: Path) -> None:
    kept = remembered(prompt=5)
    with Memory(tmp_path) as memory:
        memory.remember(kept, messages=[7])
        memory.vote(kept.id, 4, 1, NOW)
        newer = replace(kept, said="and where?", status="not_found", places=())
        memory.remember(newer)
        assert memory.answer_to_prompt(5) == (newer, 7)
        assert memory.votes(kept.id) == (1, 0)


def test_the_last_answer_of_a_channel_is_the_newest_that_all_could_see(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        first, second = remembered(asked_s=NOW), remembered(asked_s=NOW)
        memory.remember(first)
        memory.remember(second)
        memory.remember(remembered(asked_s=NOW + 5, is_private=True))
        memory.remember(remembered(asked_s=NOW + 9, channel=77))
        assert memory.last_in(2, 0) == second
        assert memory.last_in(2, NOW + 1) is None


def test_forgetting_a_person_leaves_no_word_of_theirs_in_the_file(tmp_path: Path) -> None:
    mine, theirs = remembered(asker=3, said="a secret question"), remembered(asker=4, said="a public one")
    with Memory(tmp_path) as memory:
        for answer in (mine, theirs):
            memory.remember(answer, messages=[hash(answer.id)])
        memory.vote(theirs.id, 3, 1, NOW)
        memory.report(theirs.id, 3, "a secret reason", NOW)
        memory.vote(mine.id, 4, 1, NOW)
        memory.report(mine.id, 4, "what another said of the secret", NOW)
        assert memory.forget_person(3) == Forgotten(1, 1, 1)
        assert memory.answer(mine.id) is None
        assert memory.answer(theirs.id) == theirs
        assert memory.feedback() == []
    held = held_in(tmp_path)
    assert b"secret" not in held
    assert b"a public one" in held


def held_in(folder: Path) -> bytes:
    """All that stands in the file and beside it."""
    return b"".join(path.read_bytes() for path in folder.glob("bot.db*"))


@pytest.mark.parametrize(
    "forget",
    [
        lambda memory: memory.forget_person(3),
        lambda memory: memory.forget_guild(1),
        lambda memory: memory.forget_prompt(5),
        lambda memory: memory.forget_old(NOW + 91 * DAY_S),
    ],
)
def test_what_is_forgotten_is_gone_from_the_files_while_the_bot_runs(
    tmp_path: Path, forget: Callable[[Memory], object]
) -> None:
    with Memory(tmp_path) as memory:
        memory.remember(remembered(said="a secret question", prompt=5), messages=[7])
        assert b"secret" in held_in(tmp_path)
        forget(memory)
        assert b"secret" not in held_in(tmp_path)


def test_a_reader_puts_the_emptying_of_the_log_off_and_holds_up_nothing(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.remember(remembered(said="a secret question"))
        reader = sqlite3.connect(tmp_path / "bot.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM answers").fetchone()
        started = time.monotonic()
        memory.forget_person(3)
        assert time.monotonic() - started < 5
        reader.close()
        memory.forget_old(NOW)
        assert b"secret" not in held_in(tmp_path)


def test_what_a_person_said_is_gone_from_other_peoples_follow_ups_and_what_those_said_stays(tmp_path: Path) -> None:
    def asked(text: str) -> Asked:
        return Asked(text, date(2025, 4, 30))

    mine = remembered(asker=3, said="who hid the secret?", question=asked("who hid the secret?"))
    follow = remembered(asker=4, said="when?", question=asked("When was it that hid the secret?"), parent=mine.id)
    later = remembered(
        asker=5, said="and where?", question=asked("Where was it that hid the secret?"), parent=follow.id
    )
    own = remembered(asker=4, said="did it rain?", question=asked("did it rain?"), parent=mine.id)
    with Memory(tmp_path) as memory:
        for answer in (mine, follow, later, own):
            memory.remember(answer)
        assert memory.forget_person(3) == Forgotten(1, 0, 0)
        assert b"secret" not in held_in(tmp_path)
        assert memory.answer(follow.id) == replace(follow, question=None)
        assert memory.answer(later.id) == replace(later, question=None)
        assert memory.answer(own.id) == own


INDEXES = ("answers_guild", "answers_parent", "reports_answer")


def without_indexes(older: sqlite3.Connection) -> None:
    """A file as it was before schema 4."""
    for name in INDEXES:
        older.execute(f"DROP INDEX {name}")


def test_a_file_of_schema_1_is_read_and_loses_the_words_of_articles_when_the_bot_opens_it(tmp_path: Path) -> None:
    kept = remembered(prompt=5, places=(Place(1, 2, 9, (3, 5)),))
    with Memory(tmp_path) as memory:
        memory.remember(kept, messages=[7])
    with sqlite3.connect(tmp_path / "bot.db") as older:
        older.execute("ALTER TABLE answers ADD COLUMN answer TEXT")
        older.execute("UPDATE answers SET answer = 'Quist the harbour master'")
        older.execute('UPDATE answers SET places = \'[{"version":1,"start":2,"end":9,"answer":[3,5],"also":[]}]\'')
        older.execute("DROP TABLE standing")
        without_indexes(older)
        older.execute("PRAGMA user_version = 1")
    older.close()
    with Memory(tmp_path, write=False) as memory:
        assert memory.answer(kept.id) == kept
    assert b"Quist" in held_in(tmp_path)
    with Memory(tmp_path) as memory:
        assert memory.answer_to_prompt(5) == (kept, 7)
        assert b"Quist" not in held_in(tmp_path)
    with Memory(tmp_path, write=False) as memory:
        assert memory.answer(kept.id) == kept


def test_a_file_of_schema_2_learns_of_standing_questions(tmp_path: Path) -> None:
    kept = remembered()
    with Memory(tmp_path) as memory:
        memory.remember(kept)
    with sqlite3.connect(tmp_path / "bot.db") as older:
        older.execute("DROP TABLE standing")
        without_indexes(older)
        older.execute("PRAGMA user_version = 2")
    older.close()
    with Memory(tmp_path, write=False) as memory:
        assert memory.answer(kept.id) == kept
    with Memory(tmp_path) as memory:
        memory.stand(standing())
        assert memory.answer(kept.id) == kept
        assert memory.n_standing() == 1


def test_a_file_of_schema_3_gets_its_indexes_and_keeps_all_that_is_in_it(tmp_path: Path) -> None:
    kept = remembered(prompt=5)
    with Memory(tmp_path) as memory:
        memory.remember(kept, messages=[7])
        memory.stand(standing())
    with sqlite3.connect(tmp_path / "bot.db") as older:
        without_indexes(older)
        older.execute("ALTER TABLE standing DROP COLUMN answer")
        older.execute("PRAGMA user_version = 3")
    older.close()
    with Memory(tmp_path, write=False) as memory:
        assert memory.answer(kept.id) == kept
    with Memory(tmp_path) as memory:
        assert memory.answer_to_prompt(5) == (kept, 7)
        assert memory.standing_of(3) == [standing()]
    with sqlite3.connect(tmp_path / "bot.db") as newer:
        assert {name for (name,) in newer.execute("SELECT name FROM sqlite_master WHERE type = 'index'")} >= {*INDEXES}
        assert newer.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    newer.close()


@pytest.mark.parametrize(
    "forget",
    [
        lambda memory: memory.forget_person(3),
        lambda memory: memory.forget_guild(1),
        lambda memory: memory.forget_prompt(5),
        lambda memory: memory.forget_old(NOW),
        lambda memory: memory.feedback(NOW),
    ],
)
def test_no_row_of_answers_is_read_in_vain_while_everybody_waits(
    tmp_path: Path, forget: Callable[[Memory], object]
) -> None:
    with Memory(tmp_path) as memory:
        kept = remembered(prompt=5)
        memory.remember(kept, messages=[7])
        memory.report(kept.id, 4, "wrong", NOW)
        done: list[str] = []
        memory._db.set_trace_callback(done.append)
        forget(memory)
        memory._db.set_trace_callback(None)
        plans = [
            (statement, row[3])
            for statement in done
            if statement.startswith(("SELECT", "DELETE", "UPDATE", "WITH")) and "status" not in statement
            for row in memory._db.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert plans
    # What is read of an index alone ("covering") are two numbers a row.
    assert [plan for plan in plans if re.match(r"SCAN (answers|reports)(?!.* COVERING INDEX)", plan[1])] == []


def standing(**changes: object) -> Standing:
    values = {"id": "stand123", "set_s": NOW, "until_s": NOW + 90 * DAY_S, "guild": 1, "channel": 2, "asker": 3}
    more = {"is_direct": True, "text": "Who won?", "sources": (), "language": "en", "after_version": 7}
    return Standing(**(values | more | changes))  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(texts, st.lists(texts, max_size=3).map(tuple), st.booleans(), st.lists(texts, max_size=3).map(tuple))
def test_a_standing_question_comes_back_as_it_was(
    text: str, sources: tuple[str, ...], is_direct: bool, told: tuple[str, ...]
) -> None:
    kept = standing(text=text, sources=sources, is_direct=is_direct, told=told, due_s=5)
    with Memory(None) as memory:
        memory.stand(kept)
        assert memory.standing(kept.id) == kept
        assert memory.standing_of(3) == [kept]


def test_standing_questions_are_due_when_something_came_in_and_their_rest_is_over() -> None:
    with Memory(None) as memory:
        memory.stand(standing())
        assert memory.standing_due(NOW, 7) == []
        assert memory.standing_due(NOW, 8) == [standing()]
        assert memory.standing_due(NOW, 6) == [standing()]  # a corpus that was built anew counts anew
        memory.told("stand123", 8, NOW + 60, ["a"])
        assert memory.standing_due(NOW, 9) == []
        assert [one.told for one in memory.standing_due(NOW + 60, 9)] == [("a",)]
        assert memory.standing_due(NOW + 90 * DAY_S, 9) == []
        assert memory.stop_standing("stand123")
        memory.told("stand123", 9, 0, [])
        assert memory.standing("stand123") is None and not memory.stop_standing("stand123")


def test_of_a_channel_that_is_gone_nothing_stands_but_what_is_told_directly() -> None:
    with Memory(None) as memory:
        told, kept = replace(standing(), is_direct=False), replace(standing(), id="direct12", is_direct=True)
        for one in (told, kept, replace(told, id="other123", channel=99)):
            memory.stand(one)
        assert memory.stop_standing_in(told.channel) == 1
        assert memory.n_standing() == 2 and memory.standing("direct12") == kept


def test_managers_see_what_is_told_in_their_channels_and_counts_are_of_persons_and_servers() -> None:
    direct, open_ = standing(), standing(id="open1234", is_direct=False, asker=4)
    with Memory(None) as memory:
        memory.stand(direct)
        memory.stand(open_)
        assert memory.standing_of(5, 1) == memory.standing_of(4) == [open_]
        assert memory.standing_of(3) == [direct] and memory.standing_of(5) == []
        assert (memory.n_standing(), memory.n_standing(3), memory.n_standing(guild=1)) == (2, 1, 2)


def test_standing_questions_are_forgotten_with_their_person_their_server_and_their_end(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        for one in (standing(), standing(id="other123", asker=4, guild=2), standing(id="third123", asker=5, guild=0)):
            memory.stand(one)
        assert memory.forget_person(3) == Forgotten(0, 0, 0, 1)
        memory.forget_guild(2)
        memory.forget_guild(0)
        assert [one.id for one in memory.standing_due(NOW, 8)] == ["third123"]
        assert memory.forget_old(NOW + 90 * DAY_S) == 1
        assert b"Who won" not in held_in(tmp_path)


@pytest.mark.parametrize(
    "forget",
    [
        lambda memory: memory.forget_person(3),
        lambda memory: memory.forget_prompt(5),
        lambda memory: memory.forget_old(NOW + DAY_S + 1),
    ],
)
def test_a_question_that_stands_by_another_persons_words_ends_with_them(
    tmp_path: Path, forget: Callable[[Memory], object]
) -> None:
    def asked(text: str) -> Asked:
        return Asked(text, date(2025, 4, 30))

    theirs = remembered(asker=3, prompt=5, said="who hid the secret?", question=asked("who hid the secret?"))
    newer = {"asker": 4, "asked_s": NOW + DAY_S, "parent": theirs.id}
    follow = remembered(**newer, said="when?", question=asked("When was it that hid the secret?"))
    own = remembered(**newer, said="did it rain?", question=asked("did it rain?"))
    with Memory(tmp_path) as memory:
        memory.set(1, keep_days=1)
        for answer in (theirs, follow, own):
            memory.remember(answer)
            assert answer.question is not None
            memory.stand(standing(id=f"s{answer.id}", asker=6, text=answer.question.text, answer=answer.id))
        memory.stand(standing(asker=6, text="did it snow?"))
        forget(memory)
        assert {one.text for one in memory.standing_of(6)} == {"did it snow?", "did it rain?"}
        assert b"secret" not in held_in(tmp_path)


def test_forgettings_are_counted_of_persons_and_of_servers() -> None:
    with Memory(None) as memory:
        memory.forget_person(3)
        memory.forget_guild(1)
        memory.forget_guild(3)
        assert [memory.n_forgettings(*of) for of in ((3, 1), (3, 2), (1, 0), (4, 3))] == [2, 1, 0, 1]


def test_a_question_that_is_stopped_is_gone_from_the_files_while_the_bot_runs(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.stand(standing(text="a secret question"))
        assert b"secret" in held_in(tmp_path)
        memory.stop_standing(standing().id)
        assert b"secret" not in held_in(tmp_path)


def test_old_questions_are_forgotten_by_each_servers_own_limit(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.set(2, keep_days=10)
        old = NOW - 11 * DAY_S
        kept, gone = remembered(guild=1, asked_s=old), remembered(guild=2, asked_s=old)
        memory.remember(kept)
        memory.remember(gone)
        assert memory.forget_old(NOW) == 1
        assert (memory.answer(kept.id), memory.answer(gone.id)) == (kept, None)
        memory.forget_guild(1)
        assert memory.n_answers() == 0
        memory.remember(remembered(guild=0))
        memory.forget_guild(0)  # direct messages are of no server
        assert memory.n_answers() == 1


def test_a_deleted_prompt_takes_its_answer_along(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.remember(remembered(prompt=5), messages=[7])
        memory.forget_prompt(5)
        assert memory.answer_of_message(7) is None
        memory.forget_prompt(5)


def test_settings_are_the_defaults_until_changed_and_again_when_changed_back(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        assert memory.settings(1) == GuildSettings() == DEFAULTS
        changed = memory.set(1, channels=(5, 6), language="de", is_private=True)
        assert memory.settings(1) == changed == GuildSettings(channels=(5, 6), language="de", is_private=True)
        assert memory.set(1, channels=(), language="", is_private=False) == DEFAULTS
        assert memory.settings(2) == DEFAULTS
        with pytest.raises(TypeError):
            memory.set(1, colour="red")


def test_a_file_of_another_kind_or_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bot.db").write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(StoreError, match="cannot be used"):
        Memory(tmp_path)
    (tmp_path / "bot.db").unlink()
    with sqlite3.connect(tmp_path / "bot.db") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(StoreError, match="schema 99"):
        Memory(tmp_path)


def test_feedback_names_gaps_and_leaves_out_what_nobody_minded(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        memory.remember(remembered())
        gap = remembered(status="not_found", places=(), asked_s=NOW + 1)
        memory.remember(gap)
        memory.remember(remembered(status="not_found", places=(), said=None, question=None))
        assert [row.remembered.id for row in memory.feedback()] == [gap.id]
        assert memory.feedback(NOW + 2) == []


def test_a_report_counts_though_the_words_are_not_kept(tmp_path: Path) -> None:
    with Memory(tmp_path) as memory:
        kept = remembered(said=None, question=None)
        memory.remember(kept)
        memory.report(kept.id, 4, "wrong", NOW)
        assert [row.remembered.id for row in memory.feedback()] == [kept.id]
