"""The README says what there is: every command and setting, and no command line in it that would not parse."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer import Exit, TyperException
from typer.main import get_command

from index.settings import variables
from newsquote import app

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GROUP = get_command(app)
COMMANDS = GROUP.commands  # type: ignore[attr-defined]
ROOT_OPTIONS = {"--help", *(option for parameter in GROUP.params for option in parameter.opts)}
OPTIONS = {"ask": "--batch --asked-on --since --until --source --json", "ingest": "--rejects", "reindex": "--dry-run"}


def command_lines(text: str) -> list[str]:
    """`newsquote …` as it stands in code blocks (after a prompt or a path) and between backticks."""
    lines = []
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.M | re.S):
        lines += re.findall(r"^(?:\$ )?(?:\S*/)?newsquote (.+)$", block.replace("\\\n", " "), re.M)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return lines + re.findall(r"`newsquote ([^`]+)`", prose)


def words_of(line: str) -> list[str]:
    """The words of a command line up to a comment, pipe or redirection."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set("|&;<>()"):
            break
        words.append(word)
    return words


def parse(words: list[str]) -> None:
    """Read these words as the command line would, and run nothing.

    Raises:
        TyperException: They are wrong usage.
    """
    rest = words[2:] if words[:1] == ["--data"] else words
    if rest[0] in ROOT_OPTIONS:
        return  # read no further: --install-completion would act at once
    if rest[0] not in COMMANDS:
        raise TyperException(f"No such command {rest[0]!r}.")
    with contextlib.suppress(Exit):  # --help
        COMMANDS[rest[0]].make_context(rest[0], rest[1:]).close()


def test_command_lines_are_found_in_blocks_and_between_backticks() -> None:
    text = (
        '```console\n$ newsquote ask "who?" \\\n  --json\n.venv/bin/newsquote status  # how old\n```\n'
        "or `newsquote doctor`.\n"
    )
    found = command_lines(text)
    assert [words_of(line) for line in found] == [["ask", "who?", "--json"], ["status"], ["doctor"]]
    assert words_of("export - | gzip > x.gz") == ["export", "-"]


@pytest.mark.parametrize("line", ["ask --no-such-option", "no-such-command", "ingest", "reindex --passage-tokens x"])
def test_a_line_that_would_not_run_does_not_parse(line: str) -> None:
    with pytest.raises(TyperException):
        parse(words_of(line))


@pytest.fixture(scope="module")
def readme() -> str:
    if not README.exists():
        pytest.skip("there is no README yet")
    return README.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_shows_every_command(readme: str, name: str) -> None:
    assert name in {words[0] for words in map(words_of, command_lines(readme)) if words}


def test_every_command_line_in_the_readme_parses(readme: str) -> None:
    wrong = {}
    for line in command_lines(readme):
        words = words_of(line)
        if "…" in line or "..." in line or not words:
            continue
        try:
            parse(words)
        except TyperException as error:
            wrong[line] = str(error)
    assert wrong == {}


@pytest.mark.parametrize("name", variables())
def test_the_readme_names_every_setting(readme: str, name: str) -> None:
    assert name in readme


@pytest.mark.parametrize("option", [option for options in OPTIONS.values() for option in options.split()])
def test_the_readme_names_the_options_that_people_need(readme: str, option: str) -> None:
    assert option in readme


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make: apt-get install make")
@pytest.mark.parametrize("target", ["demo", "test", "eval", "bench", "train", "torture"])
def test_what_make_runs_gets_no_setting_of_the_person_who_runs_it(target: str) -> None:
    mine = dict.fromkeys(variables(), "mine")
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, env=os.environ | mine, capture_output=True, text=True, check=True
    )
    ran = [
        line
        for line in done.stdout.splitlines()
        if "newsquote --data" in line or re.search("python -m (?!pip|venv)", line)
    ]
    assert ran
    for line in ran:
        assert set(mine) - set(re.findall(r"-u (\S+)", line)) <= {"NEWSQUOTE_EVAL_DATA"}
        assert "-u NEWSQUOTE_EVAL_DATA" not in line
