"""What is asked. A module of its own: a command has its question before the models and what reads them are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the bounds that options set.

    Attributes:
        text: As typed.
        asked_on: The day of asking; nothing published after its end (UTC) is used.
        since: Earliest day of publication, or None.
        until: Latest day of publication, inclusive, or None.
        sources: Outlets that may answer; empty for all.
        language: ISO 639-1 code, or "" for all.
        read_filters: False takes the words as they are: no times and outlets are read out of them.
        respells: False searches for words that no article has as they are typed.
        always: Answer even where the confidence is too low; for measuring.
        n_further: Quotes wanted beyond those of the answer.
        after_version: Only article versions that were stored after this one may answer; 0 for all.
    """

    text: str
    asked_on: date
    since: date | None = None
    until: date | None = None
    sources: tuple[str, ...] = ()
    language: str = ""
    read_filters: bool = True
    respells: bool = True
    always: bool = False
    n_further: int = 0
    after_version: int = 0
