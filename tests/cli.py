"""The command line as a person meets it: in this process where that is enough, in a child where it is not."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from newsquote import main

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """The environment without settings of the person who runs the tests, on a terminal of 80 columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSQUOTE_")}
    return kept | {"COLUMNS": "80", "PYTHONPATH": str(ROOT)} | dict(extra or {})


def run(*words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Ran:
    """Run `newsquote` with these words in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        patch.dict(os.environ, _environment(env), clear=True),
        patch.object(sys, "argv", ["newsquote", *words]),
        patch.object(sys, "excepthook", sys.excepthook),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(stdin)), encoding="utf-8")),
        # The streams of a locale that knows no curly quotes: the command line has to see to its own encoding.
        patch.object(sys, "stdout", io.TextIOWrapper(out, encoding="ascii")),
        patch.object(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8", write_through=True)),
    ):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())


def start(*words: str, before: str = "", env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `newsquote` in a child; `before` is Python that it runs first."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}\nfrom newsquote import main\nmain()", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=_environment({"PYTHONDONTWRITEBYTECODE": "1"} | dict(env or {})),
    )


def run_child(*words: str, before: str = "", env: Mapping[str, str] | None = None) -> Ran:
    """Run `newsquote` in a child to its end."""
    with start(*words, before=before, env=env) as child:
        out, err = child.communicate(timeout=120)
    return Ran(child.returncode, out.decode(), err.decode())


# Everything is imported first: another user need not be able to read where Python itself lies.
GIVE_ROOT_AWAY = """
import encodings.ascii, encodings.idna, encodings.latin_1, importlib.metadata, os
import bot.answer, bot.batch, bot.explain, bot.render, index.embed, index.health, newsquote
import ingest.job, ingest.lock, ingest.sources, pydantic_settings, rich.progress, tokenizers
from index.session import import_onnxruntime
import_onnxruntime()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""


def as_nobody() -> str:
    """Python for a child's `before`, after which permissions hold for it; nothing where they hold for us already.

    Raises:
        LookupError: We are root, and another user cannot read this checkout or its libraries.
    """
    if os.geteuid() != 0:
        return ""
    check = "from pathlib import Path\n(index.embed.default_model_path() / 'config.json').read_bytes()"
    check += f"\nPath({__file__!r}).read_bytes()\n"
    if run_child("--version", before=GIVE_ROOT_AWAY + check).code:
        raise LookupError("permissions do not hold for root, and another user cannot read this checkout")
    return GIVE_ROOT_AWAY
