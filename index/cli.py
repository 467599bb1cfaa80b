"""What the commands of both sides share: options, settings, checks and printing.

As for every module of commands, heavy libraries are imported where they are needed, so that `--help` is quick.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import BadInput

if TYPE_CHECKING:
    from index.settings import Settings
    from index.types import Embedder


def folder_named(text: str) -> Path:
    """The folder of an option; "" would be the one we are in, and is most likely a variable that is not set."""
    if not text:
        raise typer.BadParameter("it is empty; name a folder")
    return Path(text)


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data folder; else $NEWSQUOTE_DATA, else the user-data folder.",
        show_default=False,
        parser=folder_named,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def program_version() -> str:
    """The installed version of this program."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("newsquote")
    except PackageNotFoundError:
        return "unknown"


def settings_for(context: typer.Context, data: Path | None) -> Settings:
    """The settings of a command, whose data folder is checked; the log is set up as they say."""
    from index.settings import read_settings

    settings = read_settings(data or context.obj)
    check_data_folder(settings.data)
    logging.basicConfig(
        stream=sys.stderr, level=settings.log_level.upper(), format="%(levelname)s %(name)s %(message)s"
    )
    # It tells of each of its own builds that it looks for and does not find, as if something were wrong.
    logging.getLogger("faiss.loader").setLevel(logging.WARNING)
    # It warns of each page without a text, which becomes a reject with its reason.
    logging.getLogger("trafilatura").setLevel(logging.ERROR)
    return settings


def check_data_folder(folder: Path) -> None:
    """Raise `BadInput` for what can be no data folder; one that does not exist yet can."""
    try:
        if folder.is_file():
            raise BadInput(f"The data folder {folder} is a file; name a folder with --data.")
        if folder.is_dir():
            with os.scandir(folder):
                pass
    except OSError as error:
        raise BadInput(
            f"The data folder {folder} cannot be read ({error.strerror or error}); check its permissions."
        ) from error


def check_corpus(folder: Path) -> None:
    """Raise `StoreError` where there is no corpus: a misspelt name must not become a folder."""
    from index.store import Store

    with Store(folder):
        pass


def snapshot_embedder(settings: Settings, entry: Any) -> Embedder:
    """The embedder a snapshot was made with.

    Raises:
        IndexStale: Its weights are not the ones here, or the settings name another model.
    """
    from index.errors import IndexStale
    from index.snapshot import embedder_of

    if settings.model and settings.model != entry.name:
        raise IndexStale(
            f"The index was made with the model {entry.name} and NEWSQUOTE_MODEL is {settings.model}; run "
            "`newsquote reindex`, or unset it."
        )
    return embedder_of(entry, settings.data / "models")


def read_day(text: str | None, option: str) -> date | None:
    """The day that an option names."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write it as 2025-04-26", param_hint=option) from None


def print_json(value: object) -> None:
    """Print one line of JSON, at once."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def print_safe(line: str) -> None:
    """Print a line, which holds others' words, at once."""
    from index.terminal import safe

    print(safe(line), flush=True)


def is_colourful() -> bool:
    """Whether the output may be in colour."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def clock_s() -> int:
    """Now, in seconds since 1970."""
    return int(time.time())
