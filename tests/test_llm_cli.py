"""`--llm` on the command line: the text above the quotes, a field of JSON, and what is said where it cannot be."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot import llm_tokens
from tests.bot_support import DEADLINE, FERRY, NOWHERE
from tests.cli import run, run_child
from tests.standin_llm import Asked, Script, standin_model
from tests.test_llm_discord import first_source, repeating
from tests.test_llm_http import KEY
from tests.test_llm_parts import made_encoding

pytest.importorskip("openai", reason="the extra is not installed: pip install 'newsquote[llm]'")

DAY = ("--asked-on", "2025-04-30")
# Finds nothing, and what finds it in other words.
VAGUE = "How badly off were the folks on board when the boat bumped the jetty?"
REWORDED = "How many people were injured in the ferry accident?"


@pytest.fixture(autouse=True)
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """One made by hand: tests fetch nothing."""
    monkeypatch.setattr(llm_tokens, "_tiktoken", made_encoding)


@contextmanager
def model(script: Script | Callable[[Asked], Script]) -> Iterator[dict[str, str]]:
    """A model in a thread of its own, as the environment that names it."""
    urls: list[str] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with standin_model(script) as running:
            urls.append(running.url)
            ready.set()
            while not done.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield {
            "NEWSQUOTE_LLM_URL": urls[0],
            "NEWSQUOTE_LLM_MODEL": "stand-in",
            "NEWSQUOTE_LLM_KEY": KEY,
            "NEWSQUOTE_LLM_TIMEOUT_S": "5",
        }
    finally:
        done.set()
        thread.join(10)


def test_ask_shows_the_text_with_footnotes(sample_data: Path) -> None:
    with model(repeating("Nine thousand people were abducted.")) as env:
        ran = run("--data", str(sample_data), "ask", "--llm", FERRY, *DAY, env=env)
    assert ran.code == 0
    text, _, quotes = ran.out.partition("Written by a language model from the quotes below")
    assert text.startswith("Fourteen people were injured")
    assert text.rstrip().endswith("]")
    assert "abducted" not in ran.out
    assert "[1] “" in quotes and "[2] “" in quotes
    assert "https://harbor-courier.example" in quotes


def test_json_has_the_field_only_where_it_is_asked_for(sample_data: Path) -> None:
    with model(Script(fault="status", status=404)) as env:
        failed = run("--data", str(sample_data), "ask", "--json", "--llm", FERRY, *DAY, env=env)
    assert json.loads(failed.out)["written"]["detail"] == "status 404"
    with model(repeating()) as env:
        plain = run("--data", str(sample_data), "ask", "--json", FERRY, *DAY, env=env)
        with_text = run("--data", str(sample_data), "ask", "--json", "--llm", FERRY, *DAY, env=env)
        nothing = run("--data", str(sample_data), "ask", "--json", "--llm", NOWHERE, *DAY, env=env)
    row, added = json.loads(plain.out), json.loads(with_text.out)
    written = added.pop("written")
    assert row == added
    assert written["outcome"] == "written"
    (sentence,) = written["sentences"]
    (place,) = sentence["quotes"]
    assert sentence["text"] in added["quotes"][place]["text"]
    assert json.loads(nothing.out)["written"] is None


def test_a_failure_is_a_line_and_no_failure_of_the_command(sample_data: Path) -> None:
    with model(Script(fault="status", status=503)) as env:
        ran = run("--data", str(sample_data), "ask", "--llm", DEADLINE, *DAY, env=env)
    assert ran.code == 0
    assert "no usable reply (rejected: status 503)" in ran.out
    assert "*April 26*" in ran.out
    assert "[1]" not in ran.out
    assert KEY not in ran.out + ran.err


def test_chat_writes_above_each_answer_and_rewrites_follow_ups(sample_data: Path) -> None:
    def script(asked: Asked) -> Script:
        if "rewrite questions" in asked.body["messages"][0]["content"]:
            is_second = "and how old is he" in asked.body["messages"][1]["content"]
            return Script(["How old is Osric Dunne?" if is_second else "no"])
        key, sentence = first_source(asked)
        return Script([f"{sentence} [{key}]\n"])

    lines = b"Who is challenging Ines Halloran for mayor?\nand how old is he?\n"
    with model(script) as env:
        ran = run("--data", str(sample_data), "chat", "--llm", stdin=lines, env=env | {"NEWSQUOTE_LLM_REWRITES": "all"})
    assert ran.code == 0
    assert "Searched: How old is Osric Dunne?" in ran.out
    assert ran.out.count("Written by a language model") == 2


def test_what_found_nothing_is_asked_in_other_words_where_that_is_wanted(sample_data: Path) -> None:
    def script(asked: Asked) -> Script:
        if "found nothing" in asked.body["messages"][0]["content"]:
            return Script([REWORDED if VAGUE in asked.body["messages"][1]["content"] else "no"])
        return repeating()(asked)

    with model(script) as env:
        data, wanted = ("--data", str(sample_data)), env | {"NEWSQUOTE_LLM_REWRITES": "all"}
        asked = run(*data, "ask", "--llm", VAGUE, *DAY, env=wanted)
        row = json.loads(run(*data, "ask", "--llm", "--json", VAGUE, *DAY, env=wanted).out)
        typed = run(*data, "chat", "--llm", stdin=f"{VAGUE}\n{NOWHERE}\n".encode(), env=wanted)
        plain = run(*data, "ask", "--llm", VAGUE, *DAY, env=env | {"NEWSQUOTE_LLM_REWRITES": "follow-ups"})
    assert asked.out.startswith(f"Searched: {REWORDED}\n\n")
    assert "Written by a language model" in asked.out
    assert (row["question"], row["status"], row["written"]["outcome"]) == (REWORDED, "answered", "written")
    assert f"Searched: {REWORDED}\n\n" in typed.out
    assert typed.out.count("Searched:") == typed.out.count("Not found") == 1
    assert plain.out.startswith("Not found")


def test_other_words_that_name_nothing_leave_the_question_not_found(sample_data: Path) -> None:
    with model(Script(["Who?"])) as env:
        asked = run(
            "--data", str(sample_data), "ask", "--llm", VAGUE, *DAY, env=env | {"NEWSQUOTE_LLM_REWRITES": "all"}
        )
    assert asked.out.startswith("Not found")
    assert "nothing to search for" not in asked.err


def test_without_a_model_the_sentence_says_what_to_set(sample_data: Path) -> None:
    ran = run("--data", str(sample_data), "ask", "--llm", FERRY)
    assert (ran.code, ran.out) == (1, "")
    assert "set NEWSQUOTE_LLM_URL" in ran.err
    assert run("--data", str(sample_data), "ask", "--llm", "--batch", "x").code == 2


def test_asking_without_a_model_imports_no_client(sample_data: Path) -> None:
    before = "import sys, atexit\natexit.register(lambda: print(sorted({'openai', 'tiktoken'} & set(sys.modules))))"
    ran = run_child("--data", str(sample_data), "ask", DEADLINE, *DAY, before=before)
    assert ran.out.rstrip().endswith("[]")


def test_doctor_says_what_is_set_up_and_asks_nothing(sample_data: Path, tmp_path: Path) -> None:
    asked: list[Asked] = []

    def script(one: Asked) -> Script:
        asked.append(one)
        return Script(["NONE"])

    with model(script) as env:
        ran = run("--data", str(sample_data), "doctor", "--json", env=env | {"TIKTOKEN_CACHE_DIR": str(tmp_path)})
        no_path = env | {"NEWSQUOTE_LLM_URL": env["NEWSQUOTE_LLM_URL"].removesuffix("v1")}
        hinted = run("--data", str(sample_data), "doctor", env=no_path)
        bad = run("--data", str(sample_data), "doctor", env=env | {"NEWSQUOTE_LLM_PROMPTS": str(tmp_path / "none")})
    line = next(row for row in map(json.loads, ran.out.splitlines()) if row["check"] == "llm")
    assert line["ok"] is True
    assert "stand-in at http://127.0.0.1" in line["detail"]
    assert "counted by bytes" in line["detail"]
    assert "/v1 at its end" not in ran.out
    assert "(most servers want /v1 at its end)" in hinted.out
    assert asked == []
    assert KEY not in ran.out
    assert bad.code == 1
    assert "FAIL  llm" in bad.out


def test_eval_reports_what_stands_and_what_was_lost(sample_data: Path, tmp_path: Path) -> None:
    n = 0

    def script(asked: Asked) -> Script:
        nonlocal n
        n += 1
        key, sentence = first_source(asked)
        lies = f"Dragons devoured the parliament. [{key}]\n"
        return Script([lies] if n == 1 else [f"{sentence} [{key}]\n", lies])

    (tmp_path / "eval-sample").symlink_to(sample_data, target_is_directory=True)
    with model(script) as env:
        ran = run("--data", str(tmp_path), "eval", "--llm", "--limit", "4", "--json", env=env)
    assert ran.code == 0, ran.err
    row = json.loads(ran.out)
    assert row["questions"] == 4
    assert row["answered"] == n
    assert row["answers_lost_by_checking"] == 1
    assert row["texts"]["unsupported"] == 1
    assert row["sentences"] == 1 + 2 * (n - 1)
    assert row["share_supported"] == pytest.approx((n - 1) / row["sentences"], abs=1e-4)
    assert row["latency_p95_s"] >= row["latency_p50_s"] > 0
