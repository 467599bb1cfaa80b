"""The files for a server, as far as they can be held to anything without a container engine."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import discord
import pytest
from pydantic import SecretStr
from typer import TyperException

from bot.bot_settings import BotSettings
from bot.llm_settings import LlmSettings
from bot.llm_tokens import ENCODING
from bot.metrics import Health, Metrics, MetricsServer
from index.settings import PREFIX, Settings, variables
from tests.test_readme import COMMANDS, parse, words_of

yaml: Any = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install pyyaml")

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ENV_EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
DOCS = sorted((ROOT / "docs").glob("*.md"))
SETUP = (ROOT / "docs" / "discord-setup.md").read_text(encoding="utf-8")
# Set by whoever measures quality, never on a server.
NOT_FOR_A_SERVER = {"NEWSQUOTE_EVAL_DATA"}


def instructions() -> list[tuple[str, str]]:
    """Instructions of the Dockerfile with their words, continuation lines joined."""
    text = "\n".join(line for line in DOCKERFILE.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [(name, words) for name, words in re.findall(r"^([A-Z]+) (.*)$", text, re.M)]


def last_stage() -> dict[str, str]:
    """The last instruction of each name in the stage that is shipped."""
    found = instructions()
    last = max(at for at, (name, _) in enumerate(found) if name == "FROM")
    return dict(found[last:])


def image_environment() -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(last_stage()["ENV"]))


def in_a_shell(text: str) -> str:
    """Compose's `$$` as the shell sees it."""
    return text.replace("$$", "$")


# Every command that is written down ------------------------------------------------------------------------

COMMAND = re.compile(r"(?<![-\w/.])(?:\.venv/bin/)?newsquote ((?:--data \S+ )?[a-z][a-z-]*(?: [^\n;`]*)?)")


def commands_in_text(path: Path) -> list[str]:
    """`newsquote …` in code blocks and between backticks."""
    text = path.read_text(encoding="utf-8")
    code = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.M | re.S) + re.findall(r"`([^`\n]+)`", text)
    return [line for block in code for line in COMMAND.findall(block.replace("\\\n", " "))]


def commands_in_files() -> Iterator[str]:
    for name, words in instructions():
        if name in ("CMD", "ENTRYPOINT") and words.startswith("["):
            if json.loads(words)[0] == "newsquote":
                yield shlex.join(json.loads(words)[1:])
        else:
            yield from COMMAND.findall(words)
    for service in SERVICES.values():
        command = service.get("command", [])
        if command[:1] == ["newsquote"]:
            yield shlex.join(command[1:])
        elif command:
            yield from COMMAND.findall(in_a_shell(command[-1]))


def wrong(lines: list[str]) -> dict[str, str]:
    """Lines that the command line would not take."""
    found = {}
    for line in lines:
        words = words_of(line.rstrip("'"))
        if len(words) == 1 and words[0] in COMMANDS:
            continue  # the name of a command, in prose
        try:
            parse(words)
        except TyperException as error:
            found[line] = str(error)
    return found


def test_the_containers_run_commands_that_there_are() -> None:
    lines = list(commands_in_files())
    assert {line.split()[0] for line in lines} >= {"bot", "ingest", "watch", "--data"}
    assert wrong(lines) == {}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_pages_show_commands_that_there_are(path: Path) -> None:
    lines = [line for line in commands_in_text(path) if "…" not in line]
    assert lines
    assert wrong(lines) == {}


def test_a_command_that_is_not_there_would_be_seen() -> None:
    assert COMMAND.findall("RUN newsquote serve --port 1 && x") == ["serve --port 1 && x"]
    assert wrong(["serve --port 1", "ingest --no-such /inbox", "status"]).keys() == {
        "serve --port 1",
        "ingest --no-such /inbox",
    }


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_the_pages_link_to_files_that_there_are(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


# Settings --------------------------------------------------------------------------------------------------


def examples() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", ENV_EXAMPLE, re.M))


def defaults() -> dict[str, str]:
    """Every variable of the settings classes with its default as it is written in a file."""
    found = {}
    for fields in (Settings.model_fields, BotSettings.model_fields, LlmSettings.model_fields):
        for name, field in fields.items():
            value = "" if field.default_factory is not None or field.default is None else field.default
            found[PREFIX + name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return found


def test_the_example_has_every_variable_with_its_default() -> None:
    assert {name: value for name, value in examples().items() if name.startswith(PREFIX)} == defaults()


def test_the_settings_of_the_bot_are_known_to_every_command() -> None:
    """And so to the README, which is held to `variables()` in test_readme.py."""
    assert set(variables()) == set(defaults()) | NOT_FOR_A_SERVER


def test_each_variable_of_the_example_has_a_comment_above_it() -> None:
    lines = ENV_EXAMPLE.splitlines()
    bare = [line for before, line in pairwise(lines) if re.match(r"#?[A-Z_]+=", line) and not before.startswith("# ")]
    assert bare == []


def test_compose_reads_no_variable_that_the_example_lacks() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    read = set(re.findall(r"\$\{([A-Z_]+)", text)) | {
        name for service in SERVICES.values() for name in service.get("environment", {})
    }
    assert read
    assert read <= set(examples())
    waits = re.findall(r"INGEST_EVERY_S:-(\d+)", text)
    assert set(waits) == {examples()["INGEST_EVERY_S"]}


def test_what_the_image_sets_is_a_setting() -> None:
    ours = {name for name in image_environment() if name.startswith(PREFIX)}
    assert ours <= set(variables())


def test_no_file_holds_a_token() -> None:
    assert examples()["NEWSQUOTE_DISCORD_TOKEN"] == ""
    for name in ("ingest", "watch"):
        assert SERVICES[name]["environment"]["NEWSQUOTE_DISCORD_TOKEN"] == ""
    assert ".env" not in re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M)


# Compose ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bot", "ingest", "watch"])
def test_each_service_is_watched_bounded_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["env_file"] == ".env"
    assert service["mem_limit"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["init"] is True
    assert "data:/data" in service["volumes"]
    assert "healthcheck" in service or "HEALTHCHECK" in last_stage()
    assert service.get("privileged") is None
    assert service.get("ports") is None


def test_the_bot_waits_for_an_index_and_has_time_to_close() -> None:
    bot = SERVICES["bot"]
    assert bot["depends_on"] == {"ingest": {"condition": "service_healthy"}}
    assert int(bot["stop_grace_period"].removesuffix("s")) > 10


def test_ingest_has_no_network_and_cannot_write_its_inbox() -> None:
    ingest = SERVICES["ingest"]
    assert ingest["network_mode"] == "none"
    assert "./inbox:/inbox:ro" in ingest["volumes"]


def test_compose_itself_takes_the_file(tmp_path: Path) -> None:
    client = next(
        (
            words
            for words in (["docker", "compose"], ["docker-compose"])
            if shutil.which(words[0]) and subprocess.run([*words, "version"], capture_output=True).returncode == 0
        ),
        None,
    )
    if client is None:
        pytest.skip("there is no docker compose: apt-get install docker-compose")
    for name in ("compose.yaml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    ran = subprocess.run([*client, "config"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def local_script(service: str, tmp_path: Path) -> str:
    """A service's loop on folders of this machine."""
    script = in_a_shell(SERVICES[service]["command"][-1])
    return script.replace("/inbox", str(tmp_path / "inbox")).replace("/tmp/ingested", str(tmp_path / "ingested"))


def health_of_ingest(tmp_path: Path, every_s: int = 900) -> bool:
    test = in_a_shell(SERVICES["ingest"]["healthcheck"]["test"][1]).replace("/tmp/", f"{tmp_path}/")
    environment = {"PATH": os.environ["PATH"], "INGEST_EVERY_S": str(every_s)}
    return subprocess.run(["sh", "-c", test], env=environment, capture_output=True).returncode == 0


@pytest.mark.parametrize("succeeds", [True, False])
def test_ingest_goes_round_and_round_and_is_healthy_only_while_it_goes_well(tmp_path: Path, succeeds: bool) -> None:
    program = tmp_path / "newsquote"
    program.write_text(f'#!/bin/sh\necho "$@"\nexit {0 if succeeds else 1}\n')
    program.chmod(0o755)
    assert not health_of_ingest(tmp_path)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.jsonl").touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "INGEST_EVERY_S": "0"}
    script = local_script("ingest", tmp_path)
    with subprocess.Popen(["sh", "-c", script], env=environment, stdout=subprocess.PIPE, text=True) as loop:
        assert loop.stdout is not None
        assert [loop.stdout.readline() for _ in range(3)] == [f"ingest {tmp_path}/inbox\n"] * 3
        loop.terminate()
    assert health_of_ingest(tmp_path) is succeeds
    if succeeds:
        long_ago = (tmp_path / "ingested").stat().st_mtime - 3 * 900 - 5
        os.utime(tmp_path / "ingested", (long_ago, long_ago))
        assert not health_of_ingest(tmp_path)
        assert health_of_ingest(tmp_path, every_s=3600)


def test_an_inbox_with_nothing_but_hidden_files_keeps_ingest_healthy_and_runs_nothing(tmp_path: Path) -> None:
    program = tmp_path / "newsquote"
    program.write_text("#!/bin/sh\necho ran\nexit 1\n")
    program.chmod(0o755)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / ".part").touch()
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "INGEST_EVERY_S": "60"}
    script = local_script("ingest", tmp_path)
    with subprocess.Popen(
        ["sh", "-c", script], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as loop:
        limit = time.monotonic() + 20
        while not (tmp_path / "ingested").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        is_healthy = health_of_ingest(tmp_path)
        os.killpg(loop.pid, signal.SIGTERM)  # its sleep holds the pipe too
        assert is_healthy
        assert loop.stdout is not None and loop.stdout.read() == ""


# The image -------------------------------------------------------------------------------------------------


def test_the_image_runs_as_nobody_in_particular() -> None:
    shipped = last_stage()
    assert shipped["USER"] == "newsquote"
    added = next(words for name, words in instructions() if name == "RUN" and "useradd" in words)
    assert int(re.findall(r"--uid (\d+)", added)[0]) > 999


def test_everything_that_the_package_is_made_of_gets_into_the_build() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tools = project["tool"]["setuptools"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {f"{module}.py" for module in tools["py-modules"]}
    needed |= {package.partition(".")[0] for package in tools["packages"]}
    let_in = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M)
    assert set(let_in) == needed


def test_every_package_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = project["tool"]["setuptools"]["packages"]
    inits = [
        path for name in {name.partition(".")[0] for name in declared} for path in (ROOT / name).rglob("__init__.py")
    ]
    assert {".".join(path.parent.relative_to(ROOT).parts) for path in inits} == set(declared)


@pytest.mark.parametrize("name", ["bot", "ingest", "watch"])
def test_compose_hands_the_build_the_index_that_torch_comes_from(name: str) -> None:
    assert SERVICES[name]["build"] == {"context": ".", "args": {"TORCH_INDEX": "${TORCH_INDEX:-}"}}
    assert ("ARG", "TORCH_INDEX=") in instructions()


def test_the_build_takes_the_pinned_torch() -> None:
    pattern = re.findall(r"grep -o '([^']+)' pyproject.toml", DOCKERFILE)[0]
    found = subprocess.run(["grep", "-o", pattern, "pyproject.toml"], cwd=ROOT, capture_output=True, text=True).stdout
    assert re.fullmatch(r"torch==\d+\.\d+\.\d+\n", found)


def test_what_the_build_takes_away_is_not_what_answers() -> None:
    """torch and what only it needs; a dependency of ours that is named there must be one that only embeds by torch."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ours = {re.split(r"[^\w.-]", words)[0] for words in project["dependencies"]}
    removed = set(re.findall(r"pip uninstall --yes ([^\n]*)", DOCKERFILE)[0].split())
    assert removed & ours == {"torch", "sentence-transformers", "transformers"}


@pytest.mark.parametrize("problem", ["", "no connection to Discord"])
def test_the_images_health_check_asks_the_bot(problem: str) -> None:
    words = json.loads(last_stage()["HEALTHCHECK"].partition(" CMD ")[2])
    assert words[0] == "python"

    async def test() -> int:
        now = Health(problem, n_waiting=0, latency_s=0.1, n_guilds=1, snapshot="000001", index_age_s=1.0)
        server = MetricsServer(Metrics(), lambda: now, 0)
        await server.start()
        environment = os.environ | {"NEWSQUOTE_METRICS_PORT": str(server.port)}
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable, *words[1:], env=environment, stderr=asyncio.subprocess.DEVNULL
            )
            return await asyncio.wait_for(child.wait(), 30)
        finally:
            await server.close()

    assert (asyncio.run(test()) == 0) is (problem == "")
    assert int(image_environment()["NEWSQUOTE_METRICS_PORT"]) > 0


# Discord ---------------------------------------------------------------------------------------------------


def test_the_invitation_asks_for_what_is_listed_and_no_more() -> None:
    wanted = discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        create_public_threads=True,
        embed_links=True,
        read_message_history=True,
    )
    listed = sum(1 << int(bit) for bit in re.findall(r"\| 1 << (\d+) \|", SETUP))
    assert listed == wanted.value
    assert set(re.findall(r"permissions=(\d+)", SETUP)) == {str(wanted.value)}
    assert f"`{wanted.value}`" in SETUP
    assert set(re.findall(r"scope=([\w.+]+)", SETUP)) == {"bot+applications.commands"}


# The optional language model -------------------------------------------------------------------------------


def test_the_language_model_is_started_only_by_its_profile_and_reached_by_nobody_else() -> None:
    ollama = SERVICES["ollama"]
    assert ollama["profiles"] == ["llm"]
    assert ollama.get("ports") is None
    assert ollama.get("privileged") is None
    assert ollama["mem_limit"]
    assert all("profiles" not in service for name, service in SERVICES.items() if name != "ollama")
    assert "http://ollama:11434/v1" in ENV_EXAMPLE


def test_the_image_holds_the_client_and_looks_for_the_vocabulary_where_the_build_puts_it() -> None:
    folder = image_environment()["TIKTOKEN_CACHE_DIR"]
    assert folder.startswith("/opt/newsquote/")
    assert f"ENV TIKTOKEN_CACHE_DIR={folder}\n" in DOCKERFILE
    assert f"get_encoding('{ENCODING}')" in DOCKERFILE
    command = next(words for name, words in instructions() if name == "RUN" and "optional-dependencies" in words)
    code = re.findall(r'python -c "(import tomllib.*?)"', command, re.S)[0]
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert listed.split("\n")[:-1] == [*project["dependencies"], *project["optional-dependencies"]["llm"]]
