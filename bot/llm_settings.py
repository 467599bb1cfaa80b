"""Settings of the optional language model (`NEWSQUOTE_LLM_…`), read once, at the command line's entry.

`index.settings` knows these names too, so that a misspelt one is an error for every command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import SettingsError
from index.settings import PREFIX, AnyCase, FromHome

Rewrites = Literal["rules", "follow-ups", "all"]


class LlmSettings(BaseSettings):
    """What an operator may say about the model. A variable that is empty counts as not set.

    Attributes:
        llm_url: Base address of an endpoint that speaks OpenAI's chat completions, with its `/v1`; empty for no model.
        llm_model: The model's name there.
        llm_key: Its key; never printed or logged. Local servers need none.
        llm_timeout_s: For a whole reply.
        llm_context_tokens: What the model reads and writes in all.
        llm_answer_tokens: Of them, kept for the answer.
        llm_temperature: -1 sends none, for models that take none.
        llm_prompts: Folder whose prompts go before our own.
        llm_rewrites: What the model may rewrite before searching: nothing, follow-ups and times, or also what was not
            found.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    llm_url: str = Field(default="", description="an address like http://localhost:11434/v1")
    llm_model: str = Field(default="", description="a model's name")
    llm_key: SecretStr = Field(default=SecretStr(""), description="the endpoint's key")
    # Less than the 15 minutes for which Discord lets an answer be edited.
    llm_timeout_s: int = Field(default=60, ge=1, le=600, description="a whole number of seconds from 1 to 600")
    llm_context_tokens: int = Field(
        default=4096, ge=512, le=1_000_000, description="a whole number from 512 to 1000000"
    )
    llm_answer_tokens: int = Field(default=400, ge=32, le=4096, description="a whole number from 32 to 4096")
    llm_temperature: float = Field(default=0.0, ge=-1.0, le=2.0, description="a number from 0 to 2, or -1 to send none")
    llm_prompts: Annotated[Path | None, FromHome] = Field(default=None, description="the path of a folder")
    llm_rewrites: Annotated[Rewrites, AnyCase] = Field(default="rules", description="rules, follow-ups or all")

    @property
    def is_on(self) -> bool:
        """Whether a model is named."""
        return bool(self.llm_url)


def read_llm_settings() -> LlmSettings:
    """The model's settings of the process' environment.

    Raises:
        SettingsError: One is out of range or two do not go together; the sentence never shows a key.
    """
    try:
        settings = LlmSettings()
    except ValidationError as error:
        field = str(error.errors(include_input=False)[0]["loc"][0])
        allowed = LlmSettings.model_fields[field].description
        raise SettingsError(f"{PREFIX}{field.upper()} cannot be used; set it to {allowed}.") from None
    if settings.is_on:
        _check_together(settings)
    elif settings.llm_model or settings.llm_key.get_secret_value() or settings.llm_rewrites != "rules":
        raise SettingsError(
            "A language model is set up without its address; set NEWSQUOTE_LLM_URL, or unset the others."
        )
    return settings


def _check_together(settings: LlmSettings) -> None:
    try:
        parts = urlsplit(settings.llm_url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.username or parts.password:
        raise SettingsError(
            "NEWSQUOTE_LLM_URL cannot be used; set it to an address like http://localhost:11434/v1, and a key to "
            "NEWSQUOTE_LLM_KEY."
        )
    if not settings.llm_model:
        raise SettingsError(
            "There is no NEWSQUOTE_LLM_MODEL; set it to the name of a model that NEWSQUOTE_LLM_URL serves."
        )
    if settings.llm_answer_tokens > settings.llm_context_tokens // 2:
        raise SettingsError(
            f"NEWSQUOTE_LLM_ANSWER_TOKENS is {settings.llm_answer_tokens} and NEWSQUOTE_LLM_CONTEXT_TOKENS "
            f"{settings.llm_context_tokens}; leave more than half for the evidence."
        )
