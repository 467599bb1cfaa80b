"""What a question asks for: its kind, the days and outlets it names, the words to search with.

Rules over English words, no model and no clock: the day of asking is an argument. Only what the words
say outright ("since 5 November", "according to Reuters") becomes a filter; a time that is merely
meant ("this week", "last August") is a window that may move the ranking. Knows nothing about the
corpus beyond the names of its outlets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from bot.absent import absent_outlets
from bot.day_filters import explicit_days, suggested_days
from bot.days import day_range, filter_note, times
from bot.kind import Kind, kind_of
from bot.manners import without_manners
from bot.outlets import is_in_outlet, named_sources
from bot.spelling import Respelt, in_spelling
from index.errors import BadInput, QuestionTooLong
from index.words import STOP_WORDS

MAX_QUESTION_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Understood:
    """A question, read.

    Attributes:
        question: As asked, in NFC, control characters out, white space squeezed, misspelt words respelt.
        topic: The words to search with: `question` without its filter phrases and what is said to the bot.
        kind: What the answer will be.
        since: First day of publication asked for outright, or None.
        until: Last day of publication asked for outright (inclusive), or None.
        window: First and last day that the words only suggest; never a filter.
        sources: Outlets asked for outright, spelt as the corpus spells them, in the order of mention.
        notes: What was understood, a short phrase each, for showing.
        absent: Well-known outlets asked for outright that the corpus does not have.
        respelt: Words as they were typed, and what was read in place of each.
    """

    question: str
    topic: str
    kind: Kind
    since: date | None
    until: date | None
    window: tuple[date, date] | None
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    absent: tuple[str, ...] = ()
    respelt: Respelt = ()


def understand(
    question: str,
    asked_on: date,
    known_sources: Collection[str] = (),
    *,
    filters: bool = True,
    respelt: Respelt = (),
) -> Understood:
    """Read a question.

    Args:
        question: As typed.
        asked_on: The day that "today" is.
        known_sources: Outlets of the corpus (names or hosts); an outlet that is not among them stays
            a word to search for.
        filters: False takes nothing out and reads no times and no outlets.
        respelt: Misspelt words of it, and what to read in place of each.

    Raises:
        QuestionTooLong: More than 2,000 characters.
        BadInput: No words in it, or none to search for: a greeting, "what can you do?".
    """
    asked = in_spelling(_cleaned(question), respelt)
    notes = [f'"{meant}" instead of "{typed}", which no article has' for typed, meant in respelt]
    if not _says_what(asked):
        raise BadInput(
            "the question names nothing to search for; ask about the news, for example: Who won the election?"
        )
    if not filters:
        return Understood(asked, asked, kind_of(asked), None, None, None, (), tuple(notes), respelt=respelt)
    known = frozenset(known_sources)
    sources, named = named_sources(asked, known)
    absent, unmet = absent_outlets(asked, known, named)
    named += unmet
    spoken = [
        time
        for time in times(asked, asked_on)
        if not any(a <= time.start < b for a, b in named) and not is_in_outlet(asked, time.start, time.end, known)
    ]
    since, until, spent = explicit_days(asked, spoken, asked_on)
    window, words = suggested_days(asked, spoken, spent, asked_on)
    if since or until:
        notes.append(filter_note(since, until))
    if window:
        notes.append(f'around {day_range(*window)} ("{words}")')
    if sources:
        notes.append(_only(sources))
    topic = without_manners(_without(asked, [*spent, *named]))
    return Understood(asked, topic, kind_of(topic), since, until, window, sources, tuple(notes), absent, respelt)


def notes_beside(understood: Understood, since: date | None, until: date | None, sources: Collection[str]) -> list[str]:
    """The notes that still hold where the asker's own filters go before what the words say."""
    said = filter_note(understood.since, understood.until)
    kept = filter_note(None if since else understood.since, None if until else understood.until)
    notes = [kept if note == said else note for note in understood.notes]
    return [note for note in notes if note and not (sources and note == _only(understood.sources))]


def _only(sources: Collection[str]) -> str:
    return "only " + " or ".join(sources)


def _cleaned(question: str) -> str:
    """NFC, invisible characters out, white space squeezed; `BadInput` where no words are left."""
    seen = "".join(
        " " if unicodedata.category(c) == "Cc" else c
        for c in unicodedata.normalize("NFC", question[: 50 * MAX_QUESTION_CHARS])
        if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn")
    )
    asked = " ".join(seen.split())
    if len(asked) > MAX_QUESTION_CHARS:
        raise QuestionTooLong(
            f"the question has {len(question):,} characters, and at most {MAX_QUESTION_CHARS:,} are read"
        )
    if not asked:
        raise BadInput("the question is empty: ask something, for example: Who won the election?")
    if not any(c.isalnum() for c in asked):
        raise BadInput("the question has no words to search for")
    return asked


# What people say to one another, and to a bot, before or instead of asking.
_ADDRESS = re.compile(
    r"\b(?:hello|hi(?:ya)?|hey|howdy|greetings|good\s+(?:morning|afternoon|evening|night|day)|what['’]?s\s+up"
    r"|how(?:['’]?s\s+it\s+going|\s+are\s+you(?:\s+(?:doing|today))?)|thanks?|thx|ty|please|sorry|(?:good)?bye|ok(?:ay)?|help"
    r"|who\s+(?:made|created|built|programmed|owns|runs)\s+you|tell\s+me\s+a\s+joke|how\s+old\s+are\s+you"
    r"|are\s+you\s+(?:an?\s+)?(?:real|human|robot|ai|alive|person)(?:\s+(?:person|human))?"
    r"|(?:(?:good|bad|nice|great|clever|silly|stupid)\s+)?bot|well\s+done|lol|wow)\b",
    re.IGNORECASE,
)
# A capital that begins no sentence: "the US", "The Who".
_NAME = re.compile(r"(?<![.?!])\s[“\"(]?[A-Z]\w")


def _says_what(asked: str) -> bool:
    """Whether a question has a word of weight, or a name made of small ones."""
    said = _ADDRESS.sub(" ", asked)
    words = {word.lower() for word in re.findall(r"\w+", said)}
    if words & {"time", "day", "date"}:
        words -= {"today", "now"}
    return not words <= _NOTHING or (_NAME.search(said) is not None and not asked.isupper())


# What is asked without naming anything: "whats new", "what time is it".
_NOTHING = STOP_WORDS | frozenset(
    {"whats", "whos", "new", "news", "latest", "happening", "happened", "happen", "going", "time", "day", "date", "any"}
)


_EMPTY_WORDS = frozenset(
    [
        *("what", "which", "who", "whose", "whom", "when", "where", "why", "how"),
        *("did", "do", "does", "the", "a", "an", "is", "was", "and", "or", "of"),
    ]
)


def _without(text: str, spent: list[tuple[int, int]]) -> str:
    """`text` without the stretches `spent`, tidied; `text` itself where no word of weight would be left."""
    left = text
    for start, end in sorted(spent, reverse=True):
        left = left[:start] + " " + left[end:]
    left = re.sub(r"\s+([?!.,;:)])", r"\1", " ".join(left.split()))
    left = re.sub(r"[,;]+(?=[?!.])", "", left).strip(" ,;:")
    words = {w.lower() for w in re.findall(r"\w+", left)}
    return left if words - _EMPTY_WORDS else text
