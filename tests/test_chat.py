"""The conversation in the terminal, what people thought of answers, and the metrics."""

from __future__ import annotations

import asyncio
import json
import math
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.answer import Answer
from bot.bot_settings import BotSettings, read_bot_settings
from bot.chat import conversation
from bot.conversation import Before
from bot.cooldown import MAX_EDITS, Cooldown
from bot.feedback import feedback_json, feedback_lines, kind_of, question_json
from bot.llm_settings import LlmSettings
from bot.memory import Memory
from bot.metrics import Health, Metrics, MetricsServer, exposition
from bot.question import Question
from bot.remembered import Feedback, Place, Report
from bot.understand import understand
from index.errors import BadInput, SettingsError
from index.settings import OTHER_VARIABLES, PREFIX
from tests.bot_support import FERRY, NOWHERE
from tests.cli import run
from tests.discord_support import run as run_async
from tests.test_memory import NOW, remembered
from tests.test_render import answer_with, article, quote


def test_a_follow_up_is_searched_with_its_subject_and_new_begins_anew() -> None:
    asked: list[str] = []

    def answer(question: Question) -> Answer:
        asked.append(question.text)
        return answer_with(quote(article(), "The harbour closed on Friday.", "Friday"), question=question)

    lines = ["Who closed the harbour?\n", "\n", "and when?\n", "new\n", "and when?\n", "?!\n"]
    shown = list(conversation(lines, answer, lambda: date(2025, 4, 30)))
    assert asked[:3] == ["Who closed the harbour?", "When was it that closed the harbour?", "and when?"]
    assert shown[1].startswith("Searched: When was it that closed the harbour?\n\n“The harbour closed on *Friday*.”")
    assert shown[0].endswith("Newest article in the index: 2025-04-30.")
    assert shown[2] == "A new conversation."
    assert shown[4] == "The question has no words to search for."


def test_a_follow_up_keeps_a_misspelt_word_as_it_was_read() -> None:
    asked: list[str] = []

    def answer(question: Question) -> Answer:
        asked.append(question.text)
        read = understand(question.text, question.asked_on, respelt=(("harbor", "harbour"),))
        found = answer_with(quote(article(), "The harbour closed on Friday.", "Friday"), question=question)
        return replace(found, understood=read)

    shown = list(conversation(["Who closed the harbor?", "and when?"], answer, lambda: date(2025, 4, 30)))
    assert asked == ["Who closed the harbor?", "When was it that closed the harbour?"]
    assert shown[0].startswith('Understood: "harbour" instead of "harbor", which no article has\n\n')


def test_a_follow_up_keeps_the_bounds_of_the_question_before() -> None:
    asked: list[Question] = []

    def answer(question: Question) -> Answer:
        asked.append(question)
        read = understand(question.text, question.asked_on, outlets)
        found = answer_with(quote(article(), "The harbour closed on Friday.", "Friday"), question=question)
        return replace(found, understood=read)

    outlets = ["Valley Wire", "Harbor Courier"]
    lines = [
        "According to the Valley Wire, what happened in Tarn since 28 April?",
        "and in Ukraine?",
        "why?",
        "and according to the Harbor Courier?",
        "and the Valley Wire?",
        "and before that?",
        "Who won the Estmere Open?",
    ]
    shown = list(conversation(lines, answer, lambda: date(2025, 4, 30), outlets=outlets))
    bounds = [(question.text, question.since, question.sources) for question in asked]
    wire, since = ("Valley Wire",), date(2025, 4, 28)
    assert bounds[1:] == [
        ("what happened in Ukraine?", since, wire),
        ("Why did it happen in Ukraine?", since, wire),
        ("what happened in Ukraine according to the Harbor Courier?", since, ()),
        ("what happened in Ukraine?", since, wire),
        ("what happened in Ukraine before that?", None, wire),
        ("Who won the Estmere Open?", None, ()),
    ]
    assert shown[1].startswith("Searched: what happened in Ukraine? (since 28 April 2025, only Valley Wire)\n\n")
    assert shown[6].startswith("“")


def test_a_question_that_is_only_put_in_other_words_keeps_no_bounds() -> None:
    asked: list[Question] = []

    def answer(question: Question) -> Answer:
        asked.append(question)
        found = answer_with(quote(article(), "The harbour closed on Friday.", "Friday"), question=question)
        return replace(found, understood=understand(question.text, question.asked_on, ["Valley Wire"]))

    def fill(said: str, before: Before | None) -> str:
        return said.replace("last week", "from 2025-04-21 to 2025-04-27")

    lines = ["What closed according to the Valley Wire?", "Which firms in the north were sold last week?"]
    shown = list(conversation(lines, answer, lambda: date(2025, 4, 30), fill=fill))
    assert asked[1].sources == ()
    assert shown[1].startswith("Searched: Which firms in the north were sold from 2025-04-21 to 2025-04-27?\n")


def test_thanks_are_answered_with_a_line_and_forgotten() -> None:
    asked: list[str] = []

    def answer(question: Question) -> Answer:
        asked.append(question.text)
        return answer_with(quote(article(), "The harbour closed on Friday.", "Friday"), question=question)

    shown = list(conversation(["Who closed the harbour?", "thanks!", "and when?"], answer, lambda: date(2025, 4, 30)))
    assert asked == ["Who closed the harbour?", "When was it that closed the harbour?"]
    assert shown[1] == "That asks nothing: go on with a question, for example: And when?"


def test_nothing_goes_on_from_a_follow_up_that_found_nothing() -> None:
    asked: list[str] = []

    def answer(question: Question) -> Answer:
        asked.append(question.text)
        found = answer_with(quote(article(), "The harbour closed on Friday.", "Friday"), question=question)
        return found if len(asked) == 1 else replace(found, status="not_found")

    list(conversation(["Did Petra Valcic win?", "and Ines Halloran?", "when?"], answer, lambda: date(2025, 4, 30)))
    assert asked == ["Did Petra Valcic win?", "Did Ines Halloran win?", "When did Petra Valcic win?"]


def test_chat_answers_lines_of_standard_input(sample_data: Path) -> None:
    done = run("--data", str(sample_data), "chat", stdin=f"{FERRY}\nand where?\n".encode())
    assert done.code == 0
    assert "*17* people" in done.out
    assert "Searched: Where were people injured in the ferry accident?" in done.out


def feedback(n_up: int = 0, n_down: int = 0, reports: int = 0, **changes: object) -> Feedback:
    answer = remembered(**changes)
    return Feedback(answer, n_up, n_down, tuple(Report(n, answer.id, 9, "wrong", NOW) for n in range(reports)))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (feedback(n_up=1), "good"),
        (feedback(n_up=1, n_down=2), "bad"),
        (feedback(n_up=3, reports=1), "reported"),
        (feedback(status="not_found"), "gap"),
        (feedback(n_up=1, n_down=1), "bad"),
    ],
)
def test_feedback_is_sorted_into_kinds(row: Feedback, kind: str) -> None:
    assert kind_of(row) == kind


def test_a_sentence_that_ends_by_itself_gets_no_second_full_stop() -> None:
    def refuse(question: Question) -> Answer:
        raise BadInput("ask something, for example: Who won the election?")

    (said,) = conversation(["?!"], refuse, lambda: date(2025, 4, 30))
    assert said == "Ask something, for example: Who won the election?"


def test_feedback_shows_no_person_and_obeys_no_question() -> None:
    row = feedback(n_up=1, said="\x1b[2J who?")
    assert "\x1b" not in feedback_lines([row])
    assert "2025-04-30  good" in feedback_lines([row])
    values = json.dumps(feedback_json(row, lambda _: None))
    assert '"asker"' not in values and '"channel"' not in values
    assert feedback_lines([]).startswith("No votes")


def test_a_good_answer_becomes_a_question_to_measure_with() -> None:
    good = question_json(feedback(n_up=1, places=(Place(1, 0, 29, (22, 28)),)), lambda _: article())
    assert (good["answers"], good["evidence_urls"], good["kind"]) == (["Friday"], ["https://a.example/1"], "good")
    assert good["question"] == "When was it?"
    gap = question_json(feedback(status="not_found", places=()), lambda _: article())
    assert (gap["answers"], gap["evidence_urls"]) == ([], [])
    retracted = question_json(feedback(n_up=1, places=(Place(1, 0, 29, (22, 28)),)), lambda _: None)
    assert (retracted["answers"], retracted["evidence_urls"]) == ([], [])


def test_feedback_of_a_question_whose_words_are_not_kept_has_none() -> None:
    row = feedback(reports=1, said=None, question=None)
    assert feedback_json(row, lambda _: article())["question"] is None
    assert "2025-04-30  reported" in feedback_lines([row])


def test_the_feedback_command_prints_what_the_bot_remembered(sample_data: Path, tmp_path: Path) -> None:
    assert "There is no corpus in" in run("--data", str(tmp_path), "feedback").err  # most likely the wrong folder
    with Memory(tmp_path) as memory:
        memory.remember(remembered(status="not_found", places=()))
    assert "gap" in run("--data", str(tmp_path), "feedback").out
    assert json.loads(run("--data", str(tmp_path), "feedback", "--json").out)["kind"] == "gap"
    assert run("--data", str(tmp_path), "feedback", "--since", "2025-05-01", "--json").out == ""
    with Memory(tmp_path / "b") as memory:
        memory.remember(remembered(status="not_found", places=()))
    (tmp_path / "b" / "corpus.db").symlink_to(sample_data / "corpus.db")
    line = run("--data", str(tmp_path / "b"), "feedback", "--questions").out
    asked = run("--data", str(sample_data), "ask", "--batch", "-", stdin=line.encode())
    assert json.loads(asked.out)["question"] == "When was it?"


def test_the_bot_without_a_token_says_where_to_find_one(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path), "bot")
    assert done.code == 1
    assert done.err.startswith("newsquote: There is no token; set NEWSQUOTE_DISCORD_TOKEN")


@pytest.mark.parametrize(("port", "what"), [("", "network."), ("9464", "network, and that port 9464 is free.")])
def test_without_a_connection_a_port_is_named_only_where_one_is_listened_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str, what: str
) -> None:
    async def unreachable(*_: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr("bot.discord_bot.run_bot", unreachable)
    monkeypatch.setattr(MetricsServer, "start", unreachable)
    settings = {"NEWSQUOTE_DISCORD_TOKEN": "none.of.yours", "NEWSQUOTE_METRICS_PORT": port}
    done = run("--data", str(tmp_path), "bot", env=settings)
    assert (done.code, done.err) == (1, f"newsquote: The connection failed (no route); check the {what}\n")


@pytest.mark.parametrize("command", ["bot", "harness"])
def test_a_data_folder_that_is_not_there_is_not_made(tmp_path: Path, command: str) -> None:
    missing = tmp_path / "typo"
    done = run("--data", str(missing), command, env={"NEWSQUOTE_DISCORD_TOKEN": "none.of.yours"})
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"newsquote: There is no folder {missing}; run `newsquote ingest SOURCE` first, or name another folder with "
        "--data.\n"
    )
    assert not missing.exists()


# Settings -------------------------------------------------------------------------------------------------


def test_every_setting_of_the_bot_is_known_to_the_check_of_spelling() -> None:
    own = {PREFIX + name.upper() for fields in (BotSettings, LlmSettings) for name in fields.model_fields}
    assert own == OTHER_VARIABLES - {"NEWSQUOTE_EVAL_DATA"}


def test_a_token_is_never_printed_and_a_bad_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSQUOTE_DISCORD_TOKEN", "very.secret")
    assert "secret" not in repr(read_bot_settings())
    monkeypatch.setenv("NEWSQUOTE_METRICS_PORT", "99999")
    with pytest.raises(SettingsError, match="NEWSQUOTE_METRICS_PORT cannot be used; set it to a port, or 0 for none"):
        read_bot_settings()


# Cooldown -------------------------------------------------------------------------------------------------


def test_a_person_waits_and_a_server_has_so_many_a_minute() -> None:
    cooldown = Cooldown()
    assert cooldown.person_until(1, 7, 3, 10.0) is None
    for at in (10.0, 20.0, 30.0):
        cooldown.asked(1, 7, at)
    assert cooldown.person_until(1, 7, 3, 32.0) == 33.0
    assert cooldown.person_until(1, 7, 3, 33.0) is None
    assert cooldown.person_until(2, 7, 3, 32.0) is None
    assert cooldown.guild_until(7, 3, 31.0) == 70.0
    assert cooldown.guild_until(7, 4, 31.0) is None
    assert cooldown.guild_until(7, 3, 70.0) is None
    assert cooldown.guild_until(7, 0, 31.0) is None


def test_a_few_edits_of_a_question_need_not_wait() -> None:
    cooldown = Cooldown()
    for n in range(2):
        cooldown.asked(1, 7, 100.0 * n)
        for _ in range(MAX_EDITS):
            assert cooldown.person_until(1, 7, 60, 100.0 * n + 1, is_edit=True) is None
            assert cooldown.person_until(1, 7, 60, 100.0 * n + 1) == 100.0 * n + 60
            cooldown.asked(1, 7, 100.0 * n, is_edit=True)
        assert cooldown.person_until(1, 7, 60, 100.0 * n + 1, is_edit=True) == 100.0 * n + 60


def test_a_persons_pause_on_a_server_counts_no_question_asked_elsewhere() -> None:
    cooldown = Cooldown()
    cooldown.asked(1, 0, 10.0)
    cooldown.asked(1, 8, 20.0)
    assert cooldown.person_until(1, 7, 3_600, 30.0) is None
    assert [cooldown.person_until(1, guild, 3_600, 30.0) for guild in (0, 8)] == [3_610.0, 3_620.0]


def test_pauses_are_forgotten_beyond_so_many_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cooldown.MAX_PAUSES", 2)
    cooldown = Cooldown()
    for person in (1, 2, 1, 3):
        cooldown.asked(person, 7, 10.0)
    assert [cooldown.person_until(person, 7, 3, 11.0) for person in (1, 2, 3)] == [13.0, None, 13.0]


# Metrics --------------------------------------------------------------------------------------------------

WELL = Health("", 2, 0.05, 3, "000001", 60.0)


def test_metrics_are_cumulative_and_named_for_prometheus() -> None:
    metrics = Metrics()
    metrics.questions["answered"] += 2
    for seconds in (0.05, 0.3, 99.0):
        metrics.took(seconds)
    lines = exposition(metrics, WELL).splitlines()
    assert 'newsquote_questions_total{outcome="answered"} 2' in lines
    assert 'newsquote_answer_seconds_bucket{le="0.1"} 1' in lines
    assert 'newsquote_answer_seconds_bucket{le="30.0"} 2' in lines
    assert 'newsquote_answer_seconds_bucket{le="+Inf"} 3' in lines
    assert "newsquote_answer_seconds_count 3" in lines
    assert "newsquote_up 1" in lines
    assert "newsquote_heartbeat_seconds NaN" in exposition(metrics, Health("", 0, math.inf, 0, "", math.nan))


def test_health_is_200_while_all_is_well_and_503_with_the_reason(sample_data: Path) -> None:
    state = [WELL]

    async def test() -> None:
        server = MetricsServer(Metrics(), lambda: state[0], 0)
        await server.start()

        def get(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as reply:
                    return reply.status, reply.read().decode()
            except urllib.error.HTTPError as error:
                with error:
                    return error.code, error.read().decode()

        assert await asyncio.to_thread(get, "/health") == (200, "ok snapshot=000001\n")
        assert "newsquote_up 1" in (await asyncio.to_thread(get, "/metrics"))[1]
        state[0] = Health("not connected to Discord", 0, math.inf, 0, "", math.nan)
        assert await asyncio.to_thread(get, "/health") == (503, "not connected to Discord\n")
        await server.close()

    run_async(test())


def test_nowhere_is_not_in_the_sample(sample_data: Path) -> None:
    assert "Not found" in run("--data", str(sample_data), "ask", NOWHERE, "--asked-on", "2025-04-30").out
