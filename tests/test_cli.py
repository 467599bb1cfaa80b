"""The command line from end to end: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import pytest
from pydantic import BaseModel, ConfigDict, FiniteFloat
from typer.main import get_command

from bot.cli import interrupts_held
from index.store import Store
from newsquote import app
from tests.cli import ROOT, run, run_child, start

COMMANDS = list(get_command(app).commands)  # type: ignore[attr-defined]
BESSENT = "what deadline did Bessent mention?"
ADDRESSLESS = {"source": "Local Paper", "title": "", "text": "The bridge of Quibbleford was opened by Ada Lumen."}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class QuoteRow(Strict):
    text: str
    url: str | None
    article_id: str
    title: str
    source: str
    published: str | None
    start: int
    end: int
    answer: str | None
    answer_start: int | None
    answer_end: int | None
    cut_left: bool
    cut_right: bool
    link: str | None
    also: list[str]


class Row(Strict):
    """One line of `ask --json` and `--batch`: these keys, of these types, and no others."""

    id: Any
    question: str
    asked_on: str
    status: Literal["answered", "not_found"]
    confidence: FiniteFloat
    understood: dict[str, Any]
    quotes: list[QuoteRow]
    disagreement: list[int] | None
    sources: list[str]
    nearest: dict[str, Any] | None


class FailedRow(Row):
    error: str


@pytest.fixture
def data(sample_data: Path, tmp_path: Path) -> Path:
    """A copy of the ingested sample that a test may change."""
    return shutil.copytree(sample_data, tmp_path / "data", symlinks=True)


def asked(data: Path, *words: str) -> Row:
    ran = run("ask", "--json", "--data", str(data), *words)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("\n") == 1
    return Row.model_validate_json(ran.out)


def same_letters(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


# Answers as JSON ------------------------------------------------------------------------------------------


def test_the_sample_answers_the_readme_s_question(sample_data: Path) -> None:
    row = asked(sample_data, BESSENT, "--asked-on", "2025-04-30", "--never-refuse")
    assert row.status == "answered"
    assert row.quotes[0].answer == "April 26"
    assert row.nearest is None


def test_a_batch_s_rows_hold_to_the_interface(sample_data: Path) -> None:
    lines = (ROOT / "ingest" / "sample" / "questions.jsonl").read_bytes().splitlines()[::8]
    ran = run("ask", "--batch", "-", "--never-refuse", "--data", str(sample_data), stdin=b"\n".join(lines))
    assert (ran.code, ran.err) == (0, "")
    rows = [Row.model_validate_json(line) for line in ran.out.splitlines()]
    assert [row.id for row in rows] == [json.loads(line)["id"] for line in lines]
    with Store(sample_data) as store:
        texts: dict[str, set[str]] = {}
        for article, _ in store.export(all_versions=True):
            texts.setdefault(article.id, set()).add(article.text)
    for row in rows:
        assert 0 <= row.confidence <= 1
        assert len(row.sources) <= 10
        assert len(set(row.sources)) == len(row.sources)
        assert len(row.quotes) <= 3
        assert sum(len(quote.text.split()) for quote in row.quotes) <= 120
        for quote in row.quotes:
            assert quote.text in {text[quote.start : quote.end] for text in texts[quote.article_id]}
            assert len(quote.text.split()) <= 60
            assert quote.published is None or quote.published[:10] <= row.asked_on
            if quote.answer is not None:
                assert quote.answer_start is not None and quote.answer_end is not None
                assert quote.start <= quote.answer_start < quote.answer_end <= quote.end
                at = quote.answer_start - quote.start
                assert quote.text[at : at + len(quote.answer)] == quote.answer
            assert quote.url is not None and quote.link is not None
            address, directive = quote.link.split("#:~:text=")
            assert address == quote.url
            words = [unquote(part) for part in directive.split(",") if not part.endswith("-") and part[0] != "-"]
            assert same_letters(quote.text).startswith(same_letters(words[0]))
            assert same_letters(quote.text).endswith(same_letters(words[-1]))


def test_a_local_article_has_no_link_and_stands_under_its_id(data: Path, tmp_path: Path) -> None:
    (tmp_path / "local.jsonl").write_text(json.dumps(ADDRESSLESS), encoding="utf-8")
    assert run("ingest", str(tmp_path / "local.jsonl"), "--data", str(data)).code == 0
    row = asked(data, "Who opened the bridge of Quibbleford?")
    first = row.quotes[0]
    assert (first.url, first.link, first.title, first.published) == (None, None, "", None)
    assert first.article_id.startswith("local:")
    assert row.sources[0] == first.article_id


def test_a_failed_question_is_a_row_with_an_error_and_the_end_says_so(sample_data: Path) -> None:
    lines = b'nope\n{"id": 2, "question": "' + BESSENT.encode() + b'", "asked_on": "2025-04-30"}\n'
    ran = run("ask", "--batch", "-", "--data", str(sample_data), stdin=lines)
    first, second = ran.out.splitlines()
    assert FailedRow.model_validate_json(first).error == "line 1 is not JSON"
    assert Row.model_validate_json(second).id == 2
    assert (ran.code, ran.err) == (0, "1 of 2 questions failed; `error` in their rows says why\n")


def test_a_batch_of_which_every_question_failed_is_a_failure(sample_data: Path) -> None:
    ran = run("ask", "--batch", "-", "--data", str(sample_data), stdin=b"nope\n[]\n")
    assert (ran.code, ran.out.count("\n")) == (1, 2)
    assert ran.err == "newsquote: All 2 questions failed; `error` in their rows says why.\n"


@pytest.mark.parametrize("question", ["", "  ", "x" * 5_000])
def test_a_question_that_failed_is_an_object_as_well_as_a_sentence(sample_data: Path, question: str) -> None:
    ran = run("ask", question, "--json", "--asked-on", "2025-04-30", "--data", str(sample_data))
    row = FailedRow.model_validate_json(ran.out)
    assert (row.id, row.question, row.asked_on, row.status) == (None, question, "2025-04-30", "not_found")
    assert (ran.code, ran.err) == (1, f"newsquote: {row.error}{'' if row.error[-1] in '.?!' else '.'}\n")
    assert run("ask", question, "--data", str(sample_data)).out == ""


def test_a_question_of_marks_emoji_and_commands_is_given_back_as_asked(sample_data: Path) -> None:
    question = "“Who” said 'no'? 🇺🇦 \x1b[31m \u202ewho שלום \ud800 \\ \" \x00"
    line = json.dumps({"question": question}).encode()
    ran = run("ask", "--batch", "-", "--data", str(sample_data), stdin=line)
    assert json.loads(ran.out)["question"] == question
    pretty = run("ask", question.replace("\x00", ""), "--data", str(sample_data))
    assert pretty.code == 0
    assert "\x1b" not in pretty.out and "\u202e" not in pretty.out


# Options --------------------------------------------------------------------------------------------------


def test_the_data_folder_may_stand_before_or_after_the_verb_or_in_the_environment(sample_data: Path) -> None:
    folder = str(sample_data)
    before, after = run("--data", folder, "sources"), run("sources", "--data", folder)
    variable = run("sources", env={"NEWSQUOTE_DATA": folder})
    assert before.out.startswith("Harbor Courier")
    assert before == after == variable
    inside = run("feeds", "--data", folder, "list")
    assert inside.code == 0
    assert inside == run("feeds", "list", "--data", folder) == run("--data", folder, "feeds", "list")
    assert run("--data", "/nowhere", "sources", "--data", folder, env={"NEWSQUOTE_DATA": "/nowhere"}) == before


def test_nothing_after_the_day_of_asking_is_used(sample_data: Path) -> None:
    row = asked(sample_data, BESSENT, "--asked-on", "2025-04-10", "--never-refuse")
    assert [quote for quote in row.quotes if quote.published and quote.published[:10] > "2025-04-10"] == []
    assert all("/2025/04/19/" not in source for source in row.sources)


def test_since_and_until_are_inclusive_and_an_outlet_may_be_in_any_case(sample_data: Path) -> None:
    words = ("--since", "2025-04-19", "--until", "2025-04-19", "--source", "northgate LEDGER", "--never-refuse")
    row = asked(sample_data, BESSENT, *words)
    assert {(quote.source, (quote.published or "")[:10]) for quote in row.quotes} == {
        ("Northgate Ledger", "2025-04-19")
    }
    assert (row.understood["since"], row.understood["until"]) == ("2025-04-19", "2025-04-19")


def test_a_language_may_be_in_any_case_and_one_that_nothing_is_in_names_those_there_are(sample_data: Path) -> None:
    assert asked(sample_data, BESSENT, "--language", "EN", "--never-refuse").quotes != []
    ran = run("ask", BESSENT, "--language", "XX", "--data", str(sample_data))
    assert (ran.code, ran.out) == (1, "")
    assert "no article in the language xx in the corpus; give the code of one that there is: de, en, fr." in ran.err


def test_as_is_reads_no_filter_out_of_the_words(sample_data: Path) -> None:
    question = "What deadline did Bessent mention, according to Valley Wire?"
    assert asked(sample_data, question).understood["sources"] == ["Valley Wire"]
    assert asked(sample_data, question, "--as-is").understood["sources"] == []


def test_as_is_respells_no_word(sample_data: Path) -> None:
    question = "What deadline did Bessnet mention?"
    assert asked(sample_data, question).understood["respelt"] == {"Bessnet": "Bessent"}
    assert asked(sample_data, question, "--as-is").understood["respelt"] == {}


def test_today_is_the_day_of_asking_where_none_is_given(sample_data: Path) -> None:
    assert abs((date.fromisoformat(asked(sample_data, BESSENT).asked_on) - date.today()).days) <= 1


@pytest.mark.parametrize(
    "words",
    [
        ["ask"],
        ["ask", "who?", "--batch", "q.jsonl"],
        ["ask", "who?", "--asked-on", "2025-13-01"],
        ["ask", "who?", "--since", "yesterday"],
        ["ask", "who?", "--since", "2025-04-20", "--until", "2025-04-01"],
        ["ask", "who?", "--no-such-option"],
        ["ingest"],
        ["retract"],
        ["reindex", "--passage-tokens", "many"],
        ["reindex", "--passage-tokens", "-1"],
        ["reindex", "--passage-tokens", "2049"],
        ["reindex", "--runtime", "abacus"],
        ["ask", "who?", "--source", " "],
        ["ask", "--batch", ""],
        ["eval", "--llm", "--against-reranker", "none"],
        ["ingest", "a.txt", "b.txt", "--url", "https://a.example/1"],
        ["ingest", "a.txt", "b.txt", "--title", "Gulls"],
        ["ingest", "a.txt", "--url", "notaurl"],
        ["ingest", "a.txt", "--url", "ftp://a.example/1"],
        ["status", "--data", ""],
        ["--data", "", "status"],
        ["eval", "--against-data", ""],
        ["no-such-command"],
        [],
    ],
)
def test_wrong_usage_exits_2_and_prints_no_result(words: list[str]) -> None:
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: newsquote" in ran.err


def test_wrong_usage_says_what_is_wrong() -> None:
    assert "'2025-13-01' is not a day; write it as 2025-04-26" in run("ask", "x", "--asked-on", "2025-13-01").err
    reversed_days = run("ask", "x", "--since", "2025-04-20", "--until", "2025-04-01")
    assert "2025-04-20 is after --until 2025-04-01" in reversed_days.err
    assert "Invalid value for '--data': it is empty; name a folder" in run("status", "--data", "").err


# Help -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_s_help_has_an_example_of_it(name: str) -> None:
    ran = run(name, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert re.search(rf"Example: newsquote {name}\b", ran.out)


def test_the_list_of_commands_cuts_no_summary_short() -> None:
    ran = run("--help")
    assert "..." not in ran.out.partition("Commands:")[2]
    assert [name for name in COMMANDS if f"\n  {name} " not in ran.out] == []


def test_the_version_is_printed() -> None:
    assert re.fullmatch(r"newsquote \d+\.\d+\.\d+\n", run("--version").out)


def test_the_shell_completes_commands_and_options() -> None:
    bash = {"_NEWSQUOTE_COMPLETE": "complete_bash"}
    commands = run(env=bash | {"COMP_WORDS": "newsquote re", "COMP_CWORD": "1"})
    assert commands.out.split() == ["reindex", "retract"]
    options = run(env=bash | {"COMP_WORDS": "newsquote ask --as", "COMP_CWORD": "2"})
    assert "--asked-on" in options.out.split()
    assert "--install-completion" in run("--help").out


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["ask", "who?", "--asked-on", "yesterday"], 2)])
def test_help_and_wrong_options_import_no_heavy_library(arguments: list[str], code: int) -> None:
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    ran = run_child(*arguments, before=report)
    heavy = {
        "torch",
        "faiss",
        "onnxruntime",
        "onnx",
        "tantivy",
        "transformers",
        "sentence_transformers",
        "numpy",
        "trafilatura",
    }
    assert ran.code == code
    assert "newsquote" in ran.err.split()
    assert heavy & set(ran.err.split()) == set()


# Processes ------------------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error(sample_data: Path) -> None:
    with start("export", "--data", str(sample_data), env={"PYTHONUNBUFFERED": "1"}) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        told = child.stderr.read().decode()
        assert child.wait(60) == 0
    assert told in ("", "60 article versions exported\n")


_FEW_BYTES = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
_FEW_BYTES += "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_cannot_be_written_is_one_sentence(sample_data: Path, tmp_path: Path, unbuffered: str) -> None:
    command = [sys.executable, "-c", f"{_FEW_BYTES}\nfrom newsquote import main\nmain()", "--data", str(sample_data)]
    (tmp_path / "out").write_bytes(bytes(99_999))
    with (tmp_path / "out").open("ab") as out:
        env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
        words = ["status", "--json"]
        done = subprocess.run([*command, *words], cwd=ROOT, env=env, stdout=out, stderr=subprocess.PIPE, timeout=120)
    assert (done.returncode, done.stderr) == (1, b"newsquote: The output cannot be written (File too large).\n")


def test_a_closed_output_is_no_error(sample_data: Path) -> None:
    ran = run_child("status", "--data", str(sample_data), before="import os, sys; os.close(1); sys.stdout = None")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_ctrl_c_where_nothing_is_stored_speaks_of_nothing_stored() -> None:
    interrupt = "import index.settings\ndef read_settings(data):\n    raise KeyboardInterrupt\n"
    ran = run_child("ask", "who?", before=f"{interrupt}index.settings.read_settings = read_settings")
    assert (ran.code, ran.out, ran.err) == (130, "", "newsquote: interrupted.\n")


_INTERRUPTED_START = """
import atexit, os, signal, sys
import index.snapshot
opened = index.snapshot.open_snapshot
def open_snapshot(folder):
    os.kill(os.getpid(), signal.SIGINT)
    return opened(folder)
index.snapshot.open_snapshot = open_snapshot
atexit.register(lambda: print("bot.answer" in sys.modules))
"""


def test_ctrl_c_while_ask_starts_breaks_no_import_off_that_a_thread_may_wait_for(sample_data: Path) -> None:
    ran = run_child("ask", BESSENT, "--data", str(sample_data), before=_INTERRUPTED_START)
    assert (ran.code, ran.out, ran.err) == (130, "True\n", "newsquote: interrupted.\n")


def test_what_fails_while_ctrl_c_is_held_back_is_an_interruption_all_the_same() -> None:
    with pytest.raises(KeyboardInterrupt), interrupts_held():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_in_the_middle_of_an_ingest_is_one_line_and_keeps_what_was_stored(tmp_path: Path) -> None:
    articles, data = tmp_path / "articles.jsonl", tmp_path / "data"
    with articles.open("w", encoding="utf-8") as file:
        for n in range(20_000):
            text = f"Officials said on Monday that number {n} of the harbour gates was repaired by crew {n % 97}."
            print(json.dumps({"url": f"https://a.example/{n}", "title": f"Gate {n}", "text": text}), file=file)
    with start("ingest", str(articles), "--data", str(data)) as child:
        assert child.stderr is not None
        first = child.stderr.readline().decode()
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read().decode().splitlines()
        assert child.wait(60) == 130
    told = [int(line.split()[1].replace(",", "")) for line in [first, *rest] if line.startswith("stored ")]
    assert rest[-2:] == [
        "Everything reported as stored is safe; run the same command again to go on.",
        "newsquote: interrupted.",
    ]
    assert not any("Traceback" in line for line in rest)
    with Store(data) as store:
        assert store.counts()["articles"] >= told[-1]
