"""Settings that every part shares, read from the environment (`NEWSQUOTE_…`) once, at the command line's entry.

A misspelt variable is an error that names the nearest right one; pydantic-settings alone would ignore it.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import SettingsError

PREFIX = "NEWSQUOTE_"
# Read elsewhere than in `Settings`: by `make eval`, and by the bot (`bot.bot_settings`, `bot.llm_settings`).
OTHER_VARIABLES = frozenset(
    {
        "NEWSQUOTE_EVAL_DATA",
        "NEWSQUOTE_DISCORD_TOKEN",
        "NEWSQUOTE_METRICS_PORT",
        "NEWSQUOTE_BOT_WORKERS",
        "NEWSQUOTE_BOT_QUEUE",
        "NEWSQUOTE_LLM_URL",
        "NEWSQUOTE_LLM_MODEL",
        "NEWSQUOTE_LLM_KEY",
        "NEWSQUOTE_LLM_TIMEOUT_S",
        "NEWSQUOTE_LLM_CONTEXT_TOKENS",
        "NEWSQUOTE_LLM_ANSWER_TOKENS",
        "NEWSQUOTE_LLM_TEMPERATURE",
        "NEWSQUOTE_LLM_PROMPTS",
        "NEWSQUOTE_LLM_REWRITES",
    }
)

DEFAULT_PASSAGE_TOKENS = 160

AnyCase = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
# A shell replaces `~` on its command line; a file of variables has no shell. What is no such path stays as it is.
FromHome = BeforeValidator(lambda value: os.path.expanduser(value) if isinstance(value, str) else value)  # noqa: PTH111


class Settings(BaseSettings):
    """What an operator may change. A variable that is empty counts as not set.

    Attributes:
        data: Data folder (corpus, snapshots, model exports).
        model: Embedding model, by name or folder; empty for the index's own, and for a new index the default.
        runtime: What computes embeddings for a new index.
        passage_tokens: Longest passage in tokens of the model, for a new index; 0 for the default.
        reranker: What scores sentences: empty for the one that ships, `none`, or a cross-encoder's name or folder.
        threshold: Answers less sure than this are "not found"; below 0 for the one that ships.
        log_level: Lines on stderr from this level on.
        contact: Mail address or page of the operator, named to every site that is fetched from.
        fetch_delay_s: Least pause between two requests to one site; a site may ask for more.
        fetch_timeout_s: Longest time of one request.
        opt_outs: Whether reservations of machine use (`noai`, `noindex`, TDM) keep a page out; robots.txt always does.
        watch_metrics_port: Loopback port of the metrics of `newsquote watch`; 0 for none.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    data: Annotated[Path, FromHome] = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("newsquote")), description="the path of a folder"
    )
    model: Annotated[str, FromHome] = Field(default="", description="a model's name or folder")
    runtime: Annotated[Literal["auto", "onnx", "onnx-fp32", "onnx-int8", "torch"], AnyCase] = Field(
        default="auto", description="auto, onnx, onnx-fp32, onnx-int8 or torch"
    )
    passage_tokens: int = Field(default=0, ge=0, le=2048, description="a whole number from 0 to 2048")
    reranker: Annotated[str, FromHome] = Field(default="", description="a cross-encoder's name or folder, or none")
    threshold: float = Field(default=-1.0, ge=-1, le=1, description="a number from 0 to 1, or -1 for the default")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], AnyCase] = Field(
        default="warning", description="debug, info, warning or error"
    )
    # Sites get it in a header, and one with letters left out would be somebody else's.
    contact: str = Field(
        default="",
        max_length=200,
        pattern=r"^[ -'*-~]*$",
        description="a mail address or the address of a page, in ASCII and without brackets",
    )
    fetch_delay_s: float = Field(default=1.0, ge=0, le=3600, description="a number of seconds from 0 to 3600")
    fetch_timeout_s: float = Field(default=30.0, ge=1, le=600, description="a number of seconds from 1 to 600")
    opt_outs: Annotated[Literal["honour", "ignore"], AnyCase] = Field(default="honour", description="honour or ignore")
    watch_metrics_port: int = Field(default=0, ge=0, le=65_535, description="a port from 1 to 65535, or 0 for none")


def variables() -> list[str]:
    """Every variable that is read, in alphabetical order."""
    return sorted({PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES)


def read_settings(data: Path | None = None) -> Settings:
    """The settings of the process' environment, `data` overriding its folder.

    Raises:
        SettingsError: A variable is misspelt or out of range; the sentence names the right one or what it may be.
    """
    known = variables()
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.0)
            raise SettingsError(f"There is no setting {name}; did you mean {near[0]}?")
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        allowed = Settings.model_fields[field].description
        raise SettingsError(f"{PREFIX}{field.upper()} is {first['input']!r}; set it to {allowed}.") from error
    return settings if data is None else settings.model_copy(update={"data": data})
