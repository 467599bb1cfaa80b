"""Settings that every part shares, read from the environment (`NEWSQUOTE_…`) once, at the command line's entry.

A misspelt variable is an error that names the nearest right one; pydantic-settings alone would ignore it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import SettingsError

PREFIX = "NEWSQUOTE_"
# Read elsewhere than in `Settings`: by `make eval`.
OTHER_VARIABLES = frozenset({"NEWSQUOTE_EVAL_DATA"})

DEFAULT_PASSAGE_TOKENS = 160


class Settings(BaseSettings):
    """What an operator may change.

    Attributes:
        data: Data folder (corpus, snapshots, model exports).
        model: Embedding model, by name or folder; empty for the index's own, and for a new index the default.
        runtime: What computes embeddings for a new index.
        passage_tokens: Longest passage in tokens of the model, for a new index; 0 for the default.
        log_level: Lines on stderr from this level on.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    data: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("newsquote")))
    model: str = ""
    runtime: Literal["auto", "openvino", "torch"] = "auto"
    passage_tokens: int = Field(default=0, ge=0, le=2048)
    log_level: Literal["debug", "info", "warning", "error"] = "warning"


def read_settings(environment: Mapping[str, str], data: Path | None = None) -> Settings:
    """The settings of an environment, `data` overriding its folder.

    Raises:
        SettingsError: A variable is misspelt or out of range.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | OTHER_VARIABLES
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.0)
            raise SettingsError(f"There is no setting {name}; did you mean {near[0]}?")
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{name} is {first['input']!r}: {first['msg'].lower()}.") from error
    return settings if data is None else settings.model_copy(update={"data": data})
