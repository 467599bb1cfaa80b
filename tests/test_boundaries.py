"""Who may import whom: the direction between the packages, and each heavy library in its one module."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("index", "ingest", "bot")
MODULES = ["newsquote.py", *(f"{package}/**/*.py" for package in PACKAGES)]

# Who a package may never import, and the modules that alone may import a library. Modules that do not
# exist yet stand here too: the rule is older than they are.
NOT_FOR = {"index": {"ingest", "bot"}, "ingest": {"bot"}, "bot": {"ingest"}}
ONLY_IN = {
    "faiss": ["index/vectors.py"],
    "tantivy": ["index/words.py"],
    "sqlite3": ["index/corpus_file.py", "bot/memory.py"],
    "sentence_transformers": ["index/embed.py", "index/rerank.py"],
    "torch": ["index/embed.py", "index/rerank.py"],
    "onnxruntime": ["index/session.py"],
    "onnx": ["index/graph.py"],
    "discord": ["bot/discord*.py"],
    "openai": ["bot/llm_client.py"],
    "typer": ["newsquote.py", "index/cli.py", "ingest/*cli.py", "bot/*cli.py"],
    "tiktoken": ["bot/llm_tokens.py"],
}


def imported(code: str, module: str) -> Iterator[str]:
    """The top-level packages that a module imports, anywhere in it, also by `importlib` with a literal."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(name), level=0):
                yield name.partition(".")[0]
            case ast.ImportFrom(level=level) if level:
                # `from . import x` stays in its package unless it climbs above it.
                parents = Path(module).parts[:-1]
                assert level <= len(parents), f"{module} climbs out of the project"
                yield parents[0]
            case ast.Call(
                func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name.partition(".")[0]


def modules() -> dict[str, str]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for pattern in MODULES
        for path in sorted(ROOT.glob(pattern))
    }


def breaches(files: dict[str, str]) -> list[str]:
    """Every import that the two tables forbid, as a line for a person; empty where all is well."""
    found = []
    for module, code in files.items():
        package = Path(module).parts[0]
        for name in sorted(set(imported(code, module))):
            if name in NOT_FOR.get(package, ()):
                found.append(f"{module} imports {name}")
            elif name == "newsquote":
                found.append(f"{module} imports the command line")
            elif name in ONLY_IN and not any(fnmatch(module, pattern) for pattern in ONLY_IN[name]):
                found.append(f"{module} imports {name}, which only {' and '.join(ONLY_IN[name])} may")
    return found


def test_packages_and_libraries_are_imported_only_where_they_may_be() -> None:
    assert breaches(modules()) == []


def undeclared(files: dict[str, str]) -> set[str]:
    """Libraries that are imported and not named in pyproject.toml, which another's dependency may drop any day."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {_normal(re.split(r"[^\w.-]", line)[0]) for lines in lists for line in lines}
    names = {name for module, code in files.items() for name in imported(code, module)}
    brought_by = packages_distributions()
    libraries = names - sys.stdlib_module_names - {*PACKAGES, "newsquote"}
    return {name for name in libraries if declared.isdisjoint(map(_normal, brought_by.get(name, [name])))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_library_that_is_imported_is_declared() -> None:
    assert undeclared(modules()) == set()
    assert undeclared({"bot/a.py": "import markupsafe"}) == {"markupsafe"}


def test_all_packages_are_looked_at() -> None:
    assert {Path(module).parts[0] for module in modules()} >= set(PACKAGES)


@pytest.mark.parametrize(
    ("module", "code", "breach"),
    [
        ("index/a.py", "import ingest.draft", "index/a.py imports ingest"),
        ("index/a.py", "def f():\n    from bot import cards", "index/a.py imports bot"),
        ("ingest/a.py", "if True:\n    import bot as b", "ingest/a.py imports bot"),
        ("bot/a.py", "from ingest.draft import Draft", "bot/a.py imports ingest"),
        ("bot/a.py", "import importlib\nimportlib.import_module('ingest.clean')", "bot/a.py imports ingest"),
        ("ingest/a.py", "from newsquote import main", "ingest/a.py imports the command line"),
        ("bot/a.py", "import faiss", "bot/a.py imports faiss, which only index/vectors.py may"),
        (
            "ingest/a.py",
            "from torch.nn import x",
            "ingest/a.py imports torch, which only index/embed.py and index/rerank.py may",
        ),
        ("newsquote.py", "import discord.ext", "newsquote.py imports discord, which only bot/discord*.py may"),
    ],
)
def test_a_breach_is_seen_however_it_is_written(module: str, code: str, breach: str) -> None:
    assert breaches({module: code}) == [breach]


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("newsquote.py", "import bot.cards, ingest.sources, index.types"),
        ("bot/discord_edge.py", "import discord\nfrom index import types\nfrom . import cards"),
        ("ingest/a.py", "# import bot\nx = 'import bot'\nimport bottle"),
        ("index/corpus_file.py", "import sqlite3"),
    ],
)
def test_what_is_allowed_is_no_breach(module: str, code: str) -> None:
    assert breaches({module: code}) == []
