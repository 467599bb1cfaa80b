"""The prompts: readable files, checked once when they are read, so that a wrong one is an error at the start.

Knows nothing about endpoints or evidence; what is filled in is never read for placeholders again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from index.errors import SettingsError

Name = Literal["answer", "follow_up", "expansion"]
PLACEHOLDERS: Mapping[Name, frozenset[str]] = {
    "answer": frozenset(("question", "asked_on", "evidence")),
    "follow_up": frozenset(("question", "asked_on", "before", "found")),
    "expansion": frozenset(("question", "asked_on")),
}
MAX_PROMPT_BYTES = 100_000
_BETWEEN = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation with a model."""

    role: Literal["system", "user"]
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is told and asked.

    Attributes:
        told: Text of the first message, with its placeholders.
        asked: Text of the second.
        digest: The first twelve digits of the SHA-256 of the file's text.
    """

    told: str
    asked: str
    digest: str

    def filled(self, **values: str) -> tuple[Message, ...]:
        """The messages with every placeholder filled in."""
        return (
            Message("system", Template(self.told).substitute(values)),
            Message("user", Template(self.asked).substitute(values)),
        )


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompts."""

    answer: Prompt
    follow_up: Prompt
    expansion: Prompt


def read_prompts(folder: Path | None = None) -> Prompts:
    """The prompts, those in the operator's folder going before our own.

    Raises:
        SettingsError: A file or the folder cannot be read, lacks a placeholder or has one that is not known.
    """
    if folder is not None and not folder.is_dir():
        raise SettingsError(
            f"There is no folder {folder}; set NEWSQUOTE_LLM_PROMPTS to a folder of prompts, or unset it."
        )
    return Prompts(*(_read(name, folder) for name in PLACEHOLDERS))


def _read(name: Name, folder: Path | None) -> Prompt:
    own = None if folder is None else folder / f"{name}.txt"
    place = own if own is not None and own.is_file() else files("prompts") / f"{name}.txt"
    try:
        raw = place.read_bytes()
        text = raw.decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The prompt {place} cannot be read ({error}); write it anew as UTF-8 text.") from error
    return parsed(text, name, str(place))


def parsed(text: str, name: Name, place: str) -> Prompt:
    """A prompt from its file's text.

    Raises:
        SettingsError: It is no prompt of that name; the sentence names the file and the placeholder.
    """
    parts = _BETWEEN.split(text)
    if len(parts) != 2 or not parts[0].strip() or not parts[1].strip() or len(text) > MAX_PROMPT_BYTES:
        raise SettingsError(
            f"The prompt {place} is not two texts with one line --- between them; see prompts/README.md."
        )
    told, asked = (part.strip() for part in parts)
    found: set[str] = set()
    for template in (Template(told), Template(asked)):
        if not template.is_valid():
            raise SettingsError(f"The prompt {place} has a $ that begins no placeholder; write it as $$.")
        found.update(template.get_identifiers())
    wanted = PLACEHOLDERS[name]
    for what, names in (("lacks", wanted - found), ("does not know", found - wanted)):
        if names:
            listed = ", ".join(f"${one}" for one in sorted(names))
            raise SettingsError(f"The prompt {place} {what} {listed}; its placeholders are in prompts/README.md.")
    return Prompt(told, asked, hashlib.sha256(text.encode()).hexdigest()[:12])
