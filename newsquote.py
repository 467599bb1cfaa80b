"""The command line, and the one place where everything is put together.

Results go to stdout, everything else to stderr. Exit 0: done; 1: a known failure, in one sentence; 2: usage.
Heavy libraries are imported by the command that needs them, so that `--help` is quick.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from index.errors import BadInput, NewsquoteError

if TYPE_CHECKING:
    from bot.answer import Answerer, Question
    from index.settings import Settings
    from index.types import Embedder

app = typer.Typer(
    help="Answers questions about a news corpus with verbatim quotes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Console script: run a command, and turn known failures into one sentence and exit code 1."""
    try:
        app(standalone_mode=True)
    except NewsquoteError as error:
        print(f"newsquote: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("newsquote: interrupted; everything reported as stored is safe.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
