"""Settings of the bot alone, read from the environment (`NEWSQUOTE_…`) once, at the command line's entry.

`index.settings` knows these names too, so that a misspelt one is an error for every command.
"""

from __future__ import annotations

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from index.errors import SettingsError
from index.settings import PREFIX


class BotSettings(BaseSettings):
    """What an operator may change about the bot. A variable that is empty counts as not set.

    Attributes:
        discord_token: The bot's token; never printed.
        metrics_port: Loopback port of metrics and health; 0 for none.
        bot_workers: Questions answered at a time.
        bot_queue: Questions that may be under way or waiting before the answer is "busy".
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    discord_token: SecretStr = Field(default=SecretStr(""), description="the bot's token")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="a port, or 0 for none")
    bot_workers: int = Field(default=2, ge=1, le=64, description="a whole number from 1 to 64")
    bot_queue: int = Field(default=100, ge=1, le=10_000, description="a whole number from 1 to 10000")


def read_bot_settings() -> BotSettings:
    """The bot's settings of the process' environment.

    Raises:
        SettingsError: One is out of range; the sentence says what it may be, and never shows a token.
    """
    try:
        return BotSettings()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        field = str(first["loc"][0])
        allowed = BotSettings.model_fields[field].description
        raise SettingsError(f"{PREFIX}{field.upper()} cannot be used; set it to {allowed}.") from None
