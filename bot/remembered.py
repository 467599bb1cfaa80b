"""What the bot remembers, as values; `bot.memory` keeps them.

Quotes are kept as places (article version and offsets), never as article text. Knows nothing about Discord beyond its
numbers.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Place:
    """Where a shown quote stands: enough to show it again, word for word, from the store.

    Attributes:
        version: Article version.
        start: First code point of the quote.
        end: One past its last.
        answer: Marked span of the article, or None.
        cut_left: The sentence went on before.
        cut_right: The sentence goes on after.
        also: URLs of copies.
        digest: Of the article's id and the quoted words, by which a corpus that was built anew, and counts its versions
            anew, is told; "" where none was kept.
    """

    version: int
    start: int
    end: int
    answer: tuple[int, int] | None = None
    cut_left: bool = False
    cut_right: bool = False
    also: tuple[str, ...] = ()
    digest: str = ""

    def marked_in(self, text: str) -> str | None:
        """The marked words, out of the article's text."""
        return None if self.answer is None else text[slice(*self.answer)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the bounds that were set beside it, as it can be asked again.

    Attributes:
        text: What was searched, after a follow-up was filled in.
        asked_on: The day of asking.
        since: Earliest day, or None.
        until: Latest day, or None.
        sources: Outlets, empty for all.
        read_filters: Whether times and outlets are read out of the words.
    """

    text: str
    asked_on: date
    since: date | None = None
    until: date | None = None
    sources: tuple[str, ...] = ()
    read_filters: bool = True


@dataclass(frozen=True, slots=True)
class Remembered:
    """One answered question.

    Attributes:
        id: Short and unguessable; stands in the buttons.
        asked_s: Instant.
        guild: Server, 0 for a direct message.
        channel: Channel or thread.
        asker: Who asked.
        prompt: The message that asked, 0 where a command did.
        parent: Answer that this one follows up, or None.
        said: The words as typed; None where the asker did not type them, or their message no longer shows the answer.
        question: What was searched; None where it is not kept, being another person's words, or put together with
            words that have been forgotten.
        kind: What the answer was to be.
        status: `answered` or `not_found`.
        confidence: As the answerer gave it.
        snapshot: Index that answered.
        places: Every quote, those of the first page first.
        is_private: Shown to the asker alone.
    """

    id: str
    asked_s: int
    guild: int
    channel: int
    asker: int
    prompt: int
    parent: str | None
    said: str | None
    question: Asked | None
    kind: str
    status: Literal["answered", "not_found"]
    confidence: float
    snapshot: str
    places: tuple[Place, ...]
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A quote that somebody holds to be wrong."""

    number: int
    answer: str
    reporter: int
    reason: str
    reported_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A question that is asked again of whatever comes in, until it ends or is stopped.

    Attributes:
        id: Short and unguessable; stands in the buttons.
        set_s: Instant of setting it.
        until_s: Instant from which on it is no longer asked.
        guild: Server in which it was set, 0 for a direct message.
        channel: Where news is told.
        asker: Who set it.
        is_direct: Whether that channel is the asker's direct messages.
        text: What is searched; holds no time.
        sources: Outlets, empty for all.
        language: ISO 639-1 code of the bot's own words to whoever set it.
        after_version: Only article versions stored after this one are news.
        due_s: Not asked again before this instant.
        told: What `bot.standing.marks_of` gives for the quotes that were told.
        answer: The answer it was set below, where its words are not its asker's alone; it ends with that.
    """

    id: str
    set_s: int
    until_s: int
    guild: int
    channel: int
    asker: int
    is_direct: bool
    text: str
    sources: tuple[str, ...]
    language: str
    after_version: int
    due_s: int = 0
    told: tuple[str, ...] = ()
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """What the managers of a server have set.

    Attributes:
        channels: Channels in which it answers; empty for all.
        sources: Outlets that answer where none is named; empty for all.
        person_cooldown_s: Seconds between two questions of one person.
        guild_per_minute: Questions a minute of the whole server; 0 for no bound.
        is_private: Answers to commands are shown to the asker alone unless asked for otherwise.
        language: ISO 639-1 code of the bot's own words; "" follows each reader's client.
        keep_days: Days after which the words of questions are forgotten.
    """

    channels: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    person_cooldown_s: int = 3
    guild_per_minute: int = 60
    is_private: bool = False
    language: str = ""
    keep_days: int = 90


@dataclass(frozen=True, slots=True)
class Feedback:
    """A question with what was thought of its answer."""

    remembered: Remembered
    n_up: int
    n_down: int
    reports: tuple[Report, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What `/forget-me` removed."""

    n_questions: int
    n_votes: int
    n_reports: int
    n_standing: int = 0


DEFAULTS = GuildSettings()


def new_id() -> str:
    """A fresh answer's id: eleven characters that fit into a button's and cannot be guessed."""
    return secrets.token_urlsafe(8)
