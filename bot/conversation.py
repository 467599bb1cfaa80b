"""Follow-up questions filled in from the question before, by rules: "and when?" keeps the subject.

What comes out is a question for searching, never shown as anybody's words. A question that stands on its own is left as
it is. Values in, text out: knows nothing about where a conversation takes place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from bot.days import Time, times
from bot.kind import Kind
from bot.understand import MAX_QUESTION_CHARS

# The longest question that is filled in by another one; beyond this it says enough itself.
MAX_WORDS = 12
# Words of weight with which a question stands on its own; with "it" or "they" among them it takes one more.
N_ENOUGH = 3

_OPENING = re.compile(r"^(?:(?:and|but|so|ok(?:ay)?|then|also|well|now|plus)\b[\s,–—-]*)+", re.IGNORECASE)
_ABOUT = re.compile(r"^(?:(?:what|how)\s+about|same\s+for)\s+(?P<what>.+?)\s*\??$", re.IGNORECASE)
_WH = (
    r"(?:when|where|why|who|whom|whose|how\s+(?:many|much|long|old|far|often|big|soon)"
    r"|how|what(?:\s+(?:time|day|date|year))?|which)"
)
_BARE = re.compile(
    rf"^(?P<lead>(?:since|until|till|by|for|at|in|from|with|to)\s+)?(?P<wh>{_WH})(?:\s+(?P<noun>[a-z]+))?(?:\s+else)?"
    r"\s*(?:exactly)?\s*[?.!]*$",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him|her|his|hers|himself|herself)\b", re.IGNORECASE)
_THING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|that|this|these|those|there|one|ones)\b(?!\s+(?:is|was|are|were)\s+there)",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset(("his", "her", "hers"))
_NAMES = re.compile(r"(?<!^)\b[A-Z][\w’'-]*(?:\s+(?:of\s+the\s+|of\s+|the\s+)?[A-Z][\w’'-]*)*")
_PREPOSITION = re.compile(
    r"^(?:in|on|at|by|from|since|until|before|after|between|during|for|with|to|last|this|next|yesterday|today)\b",
    re.IGNORECASE,
)
_AUX = r"(?:did|do|does|was|were|is|are|has|have|had|will|would|can|could|should|might|may|must)"
_QUESTION_PHRASE = re.compile(
    rf"^(?:(?:in|at|by|to|from|of|for|on|with|since|until)\s+)?{_WH}\b"
    rf"(?:(?P<noun>(?:\s+(?!{_AUX}\b)[\w’'-]+){{0,5}}?)\s+(?P<aux>{_AUX})\b)?\s*",
    re.IGNORECASE,
)
_SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an the of in on at to for by with from as and or is are was were be been do does did has have had will "
        "would can could should much many long old how what which who when where why whose whom more most else also "
        "then there it its they them their theirs he she him her his hers",
    )
)
_JOINING = re.compile(r"\s*(?:and|to|until|till|through|[-–—])\s*", re.IGNORECASE)
# Only where times stand is asked here, and the same words are times on any day.
_ANY_DAY = date(2024, 12, 31)


@dataclass(frozen=True, slots=True)
class Before:
    """The question before, as it was searched, and what it found.

    Attributes:
        question: Filled in itself, where it was a follow-up.
        kind: What it asked for.
        answer: The words marked in the best quote, or None.
    """

    question: str
    kind: Kind
    answer: str | None = None


def filled_in(text: str, before: Before | None) -> str:
    """The question with what it takes for granted.

    Args:
        text: As typed.
        before: The question before it in the same conversation; None leaves the text as it is, as does one with which
            it would be longer than what is read.
    """
    filled = _filled_in(text, before)
    return filled if len(filled) <= MAX_QUESTION_CHARS else text


def _filled_in(text: str, before: Before | None) -> str:
    asked = " ".join(text.split())
    if before is None or not any(char.isalnum() for char in asked) or len(asked.split()) > MAX_WORDS:
        return asked or text
    is_opened = _OPENING.match(asked) is not None
    bare = _OPENING.sub("", asked) or asked
    about = _ABOUT.match(bare)
    if about:
        return _about(about["what"], before)
    if _PREPOSITION.match(bare) and not _BARE.match(bare) and not re.search(rf"\b{_AUX}\b", bare):
        return _about(bare.rstrip(" ?.!"), before)
    elliptic = _BARE.match(bare)
    if elliptic and (elliptic["noun"] is None or is_opened):
        return _bare(elliptic, before)
    named = _with_person(bare, before)
    if _names(named):
        return named
    n = _n_words_of_weight(named)
    if is_opened or n < N_ENOUGH or (n == N_ENOUGH and _THING.search(named)):
        return _about_subject(named, before)
    return named


def _about(what: str, before: Before) -> str:
    """The question before, asked of another subject, place or time."""
    if _PERSON.fullmatch(what) or _THING.fullmatch(what):
        subject = _subject(before)
        return f"{subject}: {_rest(before.question)}" if subject else before.question
    asked = before.question.rstrip(" ?.!")
    if _PREPOSITION.match(what):
        return f"{_without_times(asked) if _times(what) else asked} {what}?"
    if led := _led_time(what):
        return f"{_without_times(asked)} {led}?"
    bare = re.sub(r"^(?:the|a|an)\s+", "", what, flags=re.IGNORECASE)
    names = _name_matches(asked)
    if names and bare[:1].isupper():
        last = names[-1]
        return f"{asked[: last.start()]}{bare}{asked[last.end() :]}?"
    return f"{asked}: {what}?"


def _bare(elliptic: re.Match[str], before: Before) -> str:
    """ "when?" asked of what the question before was about."""
    words = " ".join(filter(None, ((elliptic["lead"] or "").strip(), elliptic["wh"], elliptic["noun"])))
    return f"{words[:1].upper()}{words[1:]} was it that {_rest(before.question)}?"


def _with_person(text: str, before: Before) -> str:
    """The text with the first "he" or "she" replaced by whom the question before was about."""
    found = _PERSON.search(text)
    subject = _subject(before)
    if found is None or subject is None or _names(text[: found.start()]):
        return text  # "… Zelensky … before he …" says who he is
    # "her" before another word is a possessive: "her plan".
    is_owner = found[0].lower() in _POSSESSIVE and re.match(r"\s+\w", text[found.end() :]) is not None
    return text[: found.start()] + subject + ("'s" if is_owner else "") + text[found.end() :]


def _about_subject(text: str, before: Before) -> str:
    """A question with what the one before was about named after it: words to search by, not a sentence."""
    known = {word.lower() for word in re.findall(r"[\w’'-]+", text)}
    question = _without_times(before.question) if _times(text) else before.question
    rest = [word for word in _rest(question).split() if word.strip("?.,:;!").lower() not in known]
    added = " ".join(rest).rstrip(" ?.!")
    return f"{text.rstrip(' ?.!')}: {added}?" if added else text


def _subject(before: Before) -> str | None:
    """Whom the question before was about: the person it found, else the last name in it."""
    if before.kind == "person" and before.answer:
        return before.answer
    names = _names(before.question)
    return names[-1] if names else None


def _names(text: str) -> list[str]:
    return [match[0] for match in _name_matches(text)]


def _name_matches(text: str) -> list[re.Match[str]]:
    """Names in a text; a weekday or a month that says when is none."""
    spoken = _times(text)
    return [m for m in _NAMES.finditer(text) if not any(time.start <= m.start() < time.end for time in spoken)]


def _times(text: str) -> list[Time]:
    return times(text, _ANY_DAY)


def _led_time(what: str) -> str | None:
    """A bare time as it stands in a question: "Tuesday" as "on Tuesday"; None for what is none, or may be Mrs May."""
    for lead in ("", "in "):
        found = _times(lead + what)
        if len(found) == 1 and found[0].end - found[0].start == len(what) and what.lower() != "may":
            return f"on {what}" if found[0].form in ("weekday", "month_day", "day_month") else lead + what
    return None


def _without_times(question: str) -> str:
    """A question without what it says of when; what a time owns ("last week's vote") stays."""
    stretches: list[tuple[int, int]] = []
    for time in _times(question):
        if question[time.end : time.end + 1] in ("'", "’"):
            continue
        start = time.lead
        if stretches and _JOINING.fullmatch(question[stretches[-1][1] : start]):
            start = stretches.pop()[0]
        stretches.append((start, time.end))
    left = question
    for start, end in reversed(stretches):
        left = left[:start] + left[end:]
    return re.sub(r"\s+([,;:])", r"\1", " ".join(left.split())).strip(" ,")


def _rest(question: str) -> str:
    """What a question says beside its question words: "people were injured in the ferry accident"."""
    asked = question.rstrip(" ?.!")
    phrase = _QUESTION_PHRASE.match(asked)
    if phrase is None or phrase.end() >= len(asked):
        return asked
    noun = (phrase["noun"] or "").strip()
    return " ".join(filter(None, (noun, asked[phrase.end() :])))


def _n_words_of_weight(text: str) -> int:
    return sum(word.lower() not in _SMALL_WORDS for word in re.findall(r"[\w’'-]+", text))
