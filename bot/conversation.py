"""Follow-up questions filled in from the question before, by rules: "and when?" keeps the subject.

What comes out is a question for searching, never shown as anybody's words. A question that stands on its own is left as
it is. Values in, text out: knows nothing about where a conversation takes place.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from bot.days import Time, times
from bot.english import AUXILIARY, TITLES, word_set
from bot.gazetteer import NATIONALITIES, PLACES, PLACES_AND_PEOPLES
from bot.kind import Kind, asking_sentence, kind_of
from bot.outlets import whole_outlet
from bot.question import Question
from bot.understand import MAX_QUESTION_CHARS, understand
from index.errors import BadInput
from index.words import content_terms

# The longest question that is filled in by another one; beyond this it says enough itself.
MAX_WORDS = 12
# Words of weight with which a question stands on its own; with "it" or "they" among them it takes one more.
N_ENOUGH = 3

_OPENING = re.compile(r"^(?:(?:and|n|but|so|ok(?:ay)?|then|also|well|now|plus)\b[\s,–—-]*)+", re.IGNORECASE)
# What goes on from the question before; the other openings also lead in what does not: "ok thanks".
_JOINED = re.compile(r"^(?:and|n|also|plus)\b", re.IGNORECASE)
_ABOUT = re.compile(r"^(?:(?:what|how)\s+about|same\s+for)\s+(?P<what>.+?)\s*\??$", re.IGNORECASE)
_WH = (
    r"(?:when|where|why|who|whom|whose|how\s+(?:many|much|long|old|far|often|big|soon)"
    r"|how|what(?:\s+(?:time|day|date|year))?|which)"
)
_BARE = re.compile(
    rf"^(?P<lead>(?:since|until|till|by|for|at|in|from|with|to)\s+)?(?P<wh>{_WH})"
    r"(?:\s+(?!(?:exactly|else)\b)(?P<noun>[a-z]+))?(?:\s+else)?"
    r"\s*(?:exactly)?\s*[?.!]*$",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:he|she|him|her|his|hers|himself|herself)\b", re.IGNORECASE)
_THING = re.compile(
    r"\b(?:it|its|they|them|their|theirs|that|this|these|those|there|one|ones)\b(?!\s+(?:is|was|are|were)\s+there)",
    re.IGNORECASE,
)
_POSSESSIVE = frozenset(("his", "her", "hers"))
_OWNED = re.compile(r"(?:his|her)\s+\w", re.IGNORECASE)
# Other days than those asked of before.
_BEFORE_THAT = re.compile(r"\b(?:before\s+(?:that|then)|earlier)\b", re.IGNORECASE)
_AFTER_THAT = re.compile(r"\b(?:(?:after|since)\s+(?:that|then)|later)\b", re.IGNORECASE)
# Questions whose subject is what they ask for, not "who did …".
_ASKS_FOR_SUBJECT = re.compile(r"(?:who|which|what)\b(?!.*\b(?:did|do|does)\b)", re.IGNORECASE)
# Of "Rep. Quist", "St. Alder", "Osric J. Dunne", "U.S. Open".
_NAME_WORD = (
    r"(?:(?:(?:Adm|Capt|Col|Dr|Ft|Gen|Gov|Lt|Maj|Mr|Mrs|Ms|Mt|Prof|Rep|Rev|Sen|Sgt|St)\.|(?:[A-Z]\.)+)(?=\s)"
    r"|[A-Z][\w’'-]*)"
)
_NAME = rf"\b(?!I\b){_NAME_WORD}(?:\s+(?:of\s+the\s+|of\s+|the\s+)?{_NAME_WORD})*"
_NAMES = re.compile(rf"(?<!^){_NAME}")
_OPENING_NAME = re.compile(rf"(?=\S+\s+[A-Z]){_NAME}")
# Nothing but names: "and Will Smith?" asks for no will.
_NAMES_ALONE = re.compile(rf"{_NAME_WORD}(?:\s+{_NAME_WORD})+\s*\??")
# What tells nothing of whose name it is: "Osric J. Dunne Jr."
_INITIAL = re.compile(r"(?:[A-Z]\.)+|[JS]r\.?")
_OF_PLACE = frozenset(("Ft.", "Mt.", "St."))
_ATTRIBUTE = re.compile(r"(?:the|its|their)\s+(?:death\s+)?\w+", re.IGNORECASE)
_FROM_OUTLET = re.compile(r"(?:(?:what|how)\s+about\s+)?(?P<by>(?:from|per)\s+)?", re.IGNORECASE)
_PREPOSITION = re.compile(
    r"^(?:in|on|at|by|from|since|until|before|after|between|during|for|with|to|about|against|according\s+to|last|this"
    r"|next|yesterday|today)\b",
    re.IGNORECASE,
)
_LED = re.compile(r"^(?:in|on|at|by|from|for|with|to|about|against)\s+", re.IGNORECASE)
_YES_NO = re.compile(rf"^{AUXILIARY}\b", re.IGNORECASE)
_WHO_IS = re.compile(r"^who(?:['’]?s|\s+(?:is|was))\s+(?P<name>[^?]+?)\s*\?*$", re.IGNORECASE)
_HAPPENED = re.compile(
    r"^what\s+(?:(?P<will>will)\s+|(?:has|is|was|had)\s+)?happen(?:ed|s|ing)?(?=\s)(?P<rest>.*)", re.I | re.S
)
_QUESTION_PHRASE = re.compile(
    rf"^(?:(?:in|at|by|to|from|of|for|on|with|since|until)\s+)?{_WH}(?:['’]?s)?\b"
    rf"(?:(?P<noun>(?:\s+(?!{AUXILIARY}\b)[\w’'-]+){{0,5}}?)\s+(?P<aux>{AUXILIARY})\b)?\s*",
    re.IGNORECASE,
)
_SMALL_WORDS = word_set(
    "a an the of in on at to for by with from as and or is are was were be been do does did has have had will "
    "would can could should much many long old how what which who when where why whose whom more most else also "
    "then there it its they them their theirs he she him her his hers"
)
_ASKING = re.compile(rf"\b{_WH}s?\b|^{AUXILIARY}(?:n['’]?t)?\b|^any(?:one|body|thing)?\b.*\?", re.IGNORECASE)
_MORE = re.compile(
    r"(?!more\W*$)(?:(?:tell|give)\s+(?:me|us)\s+)?more(?:\s+(?:details?|info(?:rmation)?))?"
    r"(?:\s+about\s+(?:it|that|this))?\W*",
    re.IGNORECASE,
)
_AUX_BEFORE = re.compile(rf"\b{AUXILIARY}\s+$", re.IGNORECASE)
_HAS_AUX = re.compile(rf"\b{AUXILIARY}(?:n['’]?t)?\b", re.IGNORECASE)
# "What did Dunne say?" does not say of what.
_REACTED = re.compile(
    rf"(?i:(?:(?:what|how)\s+)?{AUXILIARY}\s+(?:the\s+)?){_NAME}"
    r"\s+(?i:say|said|react(?:ed)?|respond(?:ed)?|comment(?:ed)?|reply|replied|think|do|done)\W*"
)
_ADDRESSED = re.compile(r"\byou(?:r|rs)?\b", re.IGNORECASE)
# "Is it true that …" points at nothing.
_IT = r"(?:it(?!\s+[\w’'-]+\s+(?:that|who|to)\b)|its|they|them|theirs?)\b"
# What stands for something outside of the question, though a name is in it: its own subject ("did it hit Tarn") or an
# object ("say about it"). "Did Northgate say it would …" means Northgate.
_POINTS = re.compile(
    rf"(?P<subject>\b{AUXILIARY}\s+)(?:{_IT}|(?:s?he|his|her)\b|(?P<shown>this|that|these|those)\b(?!\s+(?-i:[A-Z])))"
    r"|\b(?:it|them)(?=\s+(?:in|on|at|to|from|for|with|by|after|before|against)\b)"
    r"|\b(?:it|them|this|that|these|those|(?<!\bis\s)(?<!\bare\s)(?<!\bwas\s)(?<!\bwere\s)there)(?=[\s?.!]*$)",
    re.IGNORECASE,
)
# What may stand between an auxiliary and the name that is its subject.
_LEADS_NAME = TITLES | NATIONALITIES | {"the", "a", "an", "new", "late"}
_POSSESSIVE_END = re.compile(r"['’]s?$")
_ARTICLE = re.compile(r"\b(?:the|a|an)\s+$", re.IGNORECASE)
_SMALL_PLACES = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(PLACES, key=len, reverse=True)))})\b", re.IGNORECASE)
# Fillings that are words to search by, and no sentence.
_IN_PIECES = re.compile(r": |\bwas it that\b|\b(?:did|will) it happen\b")
# What an event or a thing has, beside its names.
_OF_ATTRIBUTES = frozenset(("number", "money", "percent", "date", "duration", "reason"))
_JOINING = re.compile(r"\s*(?:and|to|until|till|through|[-–—])\s*", re.IGNORECASE)
# Only where times stand is asked here, and the same words are times on any day.
_ANY_DAY = date(2024, 12, 31)


@dataclass(frozen=True, slots=True)
class Before:
    """The question before, as it was searched, and what it found.

    Attributes:
        question: Filled in itself, where it was a follow-up; without the phrases that set the bounds below.
        kind: What it asked for.
        answer: The words marked in the best quote, or None.
        since: Earliest day, by option or words, or None.
        until: Latest day, or None.
        sources: Outlets that alone could answer; empty for all.
    """

    question: str
    kind: Kind
    answer: str | None = None
    since: date | None = None
    until: date | None = None
    sources: tuple[str, ...] = ()


def filled_in(text: str, before: Before | None) -> str:
    """The question with what it takes for granted.

    Args:
        text: As typed.
        before: The question before it in the same conversation; None leaves the text as it is, as does one with which
            it would be longer than what is read.

    Raises:
        BadInput: It asks nothing of the news: a single word after an answer ("thanks!"), "what can you do?".
    """
    filled = _filled_in(text, before)
    return filled if len(filled) <= MAX_QUESTION_CHARS else text


def is_filled(said: str, text: str) -> bool:
    """Whether a text is another than was typed, beyond an "and" in front."""
    return _OPENING.sub("", " ".join(said.split())) != _OPENING.sub("", " ".join(text.split()))


def is_follow_up(said: str, before: Before | None) -> bool:
    """Whether words go on from the question before by the rules, whatever a language model makes of them.

    Raises:
        BadInput: As `filled_in`.
    """
    return is_filled(said, filled_in(said, before))


def goes_on_from(before: Before | None, asked: Before, *, is_filled: bool, is_found: bool) -> Before:
    """What the next follow-up goes on from: the last question that stands on its own, and the person found since.

    Args:
        before: What this question went on from.
        asked: This question.
        is_filled: Whether it was filled in.
        is_found: Whether it was answered; a filling that was not may be a wrong one, and nothing goes on from it.
    """
    if before is None or not is_filled:
        return asked
    if not is_found:
        return before
    if not _IN_PIECES.search(asked.question):
        return asked
    found = asked if asked.kind == "person" and asked.answer else before
    return replace(asked, question=before.question, kind=found.kind, answer=found.answer)


def with_bounds_of(before: Before, question: Question, said: str, known_sources: Collection[str] = ()) -> Question:
    """A follow-up with the days and the outlets of the question before, unless it brings its own.

    An outlet of its own that the corpus does not have is one too: another's words are no answer to it. A follow-up that
    only names an outlet, "and the Valley Wire?" after one of another outlet, is the question before asked of that one.

    Args:
        before: The question before; without bounds of its own in its words, so that those in the follow-up's were said.
        question: The follow-up, filled in.
        said: As typed.
        known_sources: Outlets of the corpus.

    Raises:
        BadInput: As `understand`.
    """
    if outlets := _outlet_named(said, before, known_sources):
        question = replace(question, text=before.question, sources=outlets)
    own = understand(question.text, question.asked_on, known_sources)
    if not (question.since or question.until or own.since or own.until or _times(said)):
        since, until = _days_kept(said, before)
        question = replace(question, since=since, until=until)
    if not (question.sources or own.sources or own.absent):
        question = replace(question, sources=before.sources)
    return question


def _outlet_named(said: str, before: Before, known_sources: Collection[str]) -> tuple[str, ...]:
    """The outlet that a follow-up names and nothing else, where outlets are spoken of; else it may be any firm."""
    bare = _OPENING.sub("", " ".join(said.split())).rstrip(" ?.!")
    led = _FROM_OUTLET.match(bare)
    if led is None or not (before.sources or led["by"]):
        return ()
    return whole_outlet(bare[led.end() :], known_sources)


def _days_kept(said: str, before: Before) -> tuple[date | None, date | None]:
    """The days of the question before, or those before or after them, where that is asked."""
    day = timedelta(1)
    if before.since and _BEFORE_THAT.search(said):
        return None, before.since - day
    if before.until and _AFTER_THAT.search(said):
        return before.until + day, None
    return before.since, before.until


def _filled_in(text: str, before: Before | None) -> str:
    asked = " ".join(text.split())
    if before is None or not any(char.isalnum() for char in asked) or len(asked.split()) > MAX_WORDS:
        return asked or text
    is_opened = _OPENING.match(asked) is not None
    bare = _OPENING.sub("", asked) or asked
    if is_opened and not any(map(str.isalnum, bare)):
        return f"What happened then: {_rest(before.question)}?"
    if _MORE.fullmatch(bare):
        return _about_subject("What else is known?", before)
    about = _ABOUT.match(bare)
    if about:
        return _about(about["what"], before)
    if _PREPOSITION.match(bare) and not _BARE.match(bare) and not re.search(rf"\b{AUXILIARY}\b", bare):
        return _about(bare.rstrip(" ?.!"), before)
    elliptic = _BARE.match(bare)
    if elliptic and (elliptic["noun"] is None or is_opened):
        return _bare(elliptic, before)
    if _ADDRESSED.search(bare) and not _THING.search(bare) and not _PERSON.search(bare):
        understand(bare, _ANY_DAY)  # raises where it names nothing: "what can you do?" asks nothing of the news
    if not _asks(asked, bare):
        return _unasked(asked, bare)
    is_asked = _ASKING.search(bare) is not None or _HAS_AUX.search(bare) is not None
    if is_opened and (not is_asked or _is_name(bare)):
        return _about(bare.rstrip(" ?.!"), before)  # "and Marla Quist?"
    named = _with_person(bare, before)
    n = _n_words_of_weight(named)
    if _names(named):
        is_short = named == bare and (_REACTED.fullmatch(bare) is not None or (is_opened and n <= N_ENOUGH))
        is_whole = not is_short and not _points_outside(named)
    else:
        is_whole = not is_opened and (n > N_ENOUGH or (n == N_ENOUGH and not _THING.search(named)))
    return named if is_whole else _about_subject(named, before)


def _is_name(bare: str) -> bool:
    """Whether words are a name and no question, "Will Smith": not "Did Trump Win", nor what is all in capitals."""
    first, n = bare.split()[0], len(bare.split())
    opens = _ASKING.match(bare) is None or (first in ("Will", "May") and n == 2)
    return opens and not bare.isupper() and _NAMES_ALONE.fullmatch(bare) is not None


def _asks(asked: str, bare: str) -> bool:
    """Whether a reply asks for anything: by a question's words, or by what can be searched for without them."""
    return (
        _JOINED.match(asked) is not None
        or _ASKING.search(bare) is not None
        or (bare.endswith("?") and (_HAS_AUX.search(bare) or _PERSON.search(bare)) is not None)
        or any(char.isdigit() for char in asked)
        or bare.rstrip(" ?.!").lower() in PLACES
        or bool(_names(asked) or _times(asked))
    )


def _unasked(asked: str, bare: str) -> str:
    """A reply without a question: words to search for as they stand, if they are more than "ok, thanks!"."""
    is_english = all(char.isascii() for char in asked if char.isalpha())
    if is_english and len(content_terms(bare)) <= 1:
        raise BadInput("that asks nothing: go on with a question, for example: And when?")
    return asked


def _points_outside(text: str) -> bool:
    """Whether "it", "they" or "he" in a question with a name means something that is not named in it."""
    if asking_sentence(text) != text:
        return False  # what was told first says what it is
    first, spoken = _name_matches(text)[0].start(), _times(text)
    return any(
        not (found["subject"] and found.start() > first)  # "who is … and what is he known for"
        and not any(time.start <= found.start("shown") < time.end for time in spoken)  # "is this week's vote …"
        for found in _POINTS.finditer(text)
    )


def _about(what: str, before: Before) -> str:
    """The question before, asked of another subject, place or time."""
    if _PERSON.fullmatch(what) or _THING.fullmatch(what):
        subject = _person(before) if _PERSON.fullmatch(what) else _subject(before)
        return f"{subject}: {_rest(before.question)}" if subject else before.question
    if _OWNED.match(what) and (named := _with_person(what, before)) != what:
        return f"{named}?"  # "Marla Quist's husband?"
    if _is_attribute(what, before):
        return _about_subject(f"What is {what}?", before)
    asked = before.question.rstrip(" ?.!")
    led = _LED.match(what)
    if led and (spliced := _spliced(asked, what[led.end() :], before, led[0])):
        return f"{spliced}?"
    if _PREPOSITION.match(what):
        return f"{_without_times(asked) if _times(what) else asked} {what}?"
    if time := _led_time(what):
        return f"{_without_times(asked)} {time}?"
    return f"{_spliced(asked, what, before) or f'{asked}: {what}'}?"


def _is_attribute(what: str, before: Before) -> bool:
    """Whether "the score" asks for one; not where the question before names another, "Why did the price fall?"."""
    if _ATTRIBUTE.fullmatch(what) is None or _names(what):
        return False
    kind = kind_of(f"What is {what}?")
    if kind not in _OF_ATTRIBUTES or kind == before.kind:
        return False
    words = re.findall(r"[\w’'-]+", before.question)
    return not any(kind_of(f"which {word}?") in _OF_ATTRIBUTES for word in words)


def _spliced(asked: str, what: str, before: Before, lead: str = "") -> str | None:
    """A question with one of its names replaced by another of the same sort; None where none or several could be.

    Args:
        asked: The question.
        what: The other name.
        before: What is known of the question.
        lead: Only a name behind this preposition is replaced; "" for any.
    """
    article = re.match(r"(?:the|a|an)\s+", what, re.IGNORECASE)
    name = what[article.end() :] if article else what
    sort = _sort_of(name, is_the=article is not None)
    named = _name_matches(asked) or ([] if _has_capitals(asked) else list(_SMALL_PLACES.finditer(asked)))
    names = [match for match in named if _is_led(asked, match, lead)]
    alike = [match for match in names if sort and _sort_in(asked, match) == sort]
    is_said = before.kind == "quote"
    if (is_said or (not alike and len(names) == 1)) and sort != "place" and name[:1].isupper() and not lead:
        # Who does something may be replaced by whoever else could, where nothing else is named, and who says something
        # where nobody else is.
        alike = [match for match in names if _sort_in(asked, match) != "place"]
        subject = _subject_in(asked)
        alike = alike if subject and [match.start() for match in alike] == [subject.start()] else []
    if not alike and lead and sort != "person" and name[:1].isupper() and not _times(lead + name):
        # What stands behind the same preposition is of the same sort, though neither is a place that we know.
        alike = [match for match in names if _sort_in(asked, match) != "person"]
    if len(alike) != 1:
        return None
    start, end = alike[0].start(), alike[0].end()
    if led := _article(asked, start):
        start = led.start()
    if owned := _POSSESSIVE_END.search(alike[0][0]):
        what = f"{_POSSESSIVE_END.sub('', what)}{owned[0]}"
    return f"{asked[:start]}{what}{asked[end:]}"


def _has_capitals(text: str) -> bool:
    """Whether names can be told by their capitals, the first word's apart."""
    return any(char.isupper() for char in text[1:])


def _is_led(asked: str, name: re.Match[str], lead: str) -> bool:
    """Whether a name stands behind a preposition, or behind one and an article."""
    article = _article(asked, name.start())
    end = article.start() if article else name.start()
    start = end - len(lead)
    return start >= 0 and asked[start:end].lower() == lead.lower() and not (lead and asked[start - 1 : start].isalnum())


def _article(asked: str, start: int) -> re.Match[str] | None:
    """The article before a name."""
    return _ARTICLE.search(asked, max(0, start - len("the ") - 1), start)


def _sort_of(name: str, *, is_the: bool) -> Literal["place", "person"] | None:
    """What a name is of, by its words alone; None where they do not tell."""
    bare = _POSSESSIVE_END.sub("", name)
    words = [word for word in bare.split() if not _INITIAL.fullmatch(word)]
    if bare.lower() in PLACES:
        return "place"
    if not words or words[0] in _OF_PLACE or not all(word[:1].isupper() for word in words):
        return None
    if len(words) > 1 and (words[0].endswith(".") or words[0].lower() in TITLES):
        return "person"
    # "Elon Musk", not "Hurricane Ian", "the Golden Lantern", "Florida Panthers" or "BBC News".
    is_plain = 2 <= len(words) <= 3 and not is_the and not any(word.isupper() and len(word) > 1 for word in words)
    is_other = words[0].lower() in PLACES_AND_PEOPLES or any(
        kind_of(f"which {word}?") not in ("other", "person") for word in (words[0], words[-1])
    )
    return "person" if is_plain and not is_other else None


def _sort_in(asked: str, name: re.Match[str]) -> Literal["place", "person"] | None:
    return _sort_of(name[0], is_the=_article(asked, name.start()) is not None)


def _bare(elliptic: re.Match[str], before: Before) -> str:
    """ "when?" asked of what the question before was about."""
    words = " ".join(filter(None, ((elliptic["lead"] or "").strip(), elliptic["wh"], elliptic["noun"])))
    words = f"{words[:1].upper()}{words[1:]}"
    asked = before.question.rstrip(" ?.!")
    if not re.match(r"wh(?:o|at|ich)", elliptic["wh"], re.IGNORECASE):
        if happened := _HAPPENED.match(asked):
            return f"{words} {'will' if happened['will'] else 'did'} it happen{happened['rest']}?"
        if _YES_NO.match(asked):
            return f"{words} {asked[:1].lower()}{asked[1:]}?"
        if not elliptic["noun"] and (again := _asked_again(words, asked)):
            return again
    return f"{words} was it that {_rest(before.question)}?"


def _asked_again(words: str, asked: str) -> str:
    """Another question word in the place of the one before, "Why did Meta lay off workers?" of "How many workers did
    Meta lay off"; "" where no auxiliary follows that.
    """
    phrase = _QUESTION_PHRASE.match(asked)
    if phrase is None or phrase["aux"] is None or _HOW_MUCH.search(words):
        return ""
    noun, rest = (phrase["noun"] or "").strip(), asked[phrase.end() :]
    if not rest:
        return ""
    if told := _TOLD_SUBJECT.search(noun):  # "how many jobs Skerry Air is cutting"
        return f"{words} {phrase['aux']} {told[0]} {rest} {noun[: told.start()].strip()}?"
    is_subject = noun and _BE.fullmatch(phrase["aux"]) and not _BEGINS_SUBJECT.match(rest)
    said = (noun, rest) if is_subject else (rest, noun)
    return " ".join(filter(None, (words, phrase["aux"], *said))) + "?"


_HOW_MUCH = re.compile(r"\bhow (?:many|much)\b", re.IGNORECASE)
_TOLD_SUBJECT = re.compile(r"(?<=\w\s)[A-Z][\w’'-]*(?:\s[A-Z][\w’'-]*)*$")
_BE = re.compile(r"is|are|was|were", re.IGNORECASE)
_BEGINS_SUBJECT = re.compile(r"\W*[A-Z]|(?:the|an?|his|her|its|their|our|this|that|these|those)\b")


def _with_person(text: str, before: Before) -> str:
    """The text with the first "he" or "she" replaced by whom the question before was about."""
    found = _PERSON.search(text)
    subject = _person(before)
    if found is None or subject is None or _names(text[: found.start()]):
        return text  # "… Zelensky … before he …" says who he is
    # "her" before another word is a possessive: "her plan".
    is_owner = found[0].lower() in _POSSESSIVE and re.match(r"\s+\w", text[found.end() :]) is not None
    is_object = found[0].lower() in ("him", "her", "hers") and not is_owner
    if _ASKS_FOR_SUBJECT.match(text) and not is_object and not _AUX_BEFORE.search(text[: found.start()]):
        return text  # "which star announced her retirement" is about that star
    return text[: found.start()] + subject + ("'s" if is_owner else "") + text[found.end() :]


def _about_subject(text: str, before: Before) -> str:
    """A question with what the one before was about named after it: words to search by, not a sentence."""
    known = {word.lower() for word in re.findall(r"[\w’'-]+", text)}
    question = _without_times(before.question) if _times(text) else before.question
    happened = _HAPPENED.match(question)
    told = re.sub(r"^\s+to\s+", "", happened["rest"]) if happened else _rest(question)
    rest = [word for word in told.split() if word.strip("?.,:;!").lower() not in known]
    added = " ".join(rest).rstrip(" ?.!")
    return f"{text.rstrip(' ?.!')}: {added}?" if added else text


def _subject(before: Before) -> str | None:
    """What the question before was about: the person it found, else the name that is its grammatical subject."""
    who_is = _who_is(before.question)
    if before.kind == "person" and before.answer and who_is is None:
        return before.answer
    found = who_is or _subject_in(before.question)
    return None if found is None else _POSSESSIVE_END.sub("", found[0])


def _who_is(question: str) -> re.Match[str] | None:
    """The name in "Who is Leon Marchetti?": what is marked in the answer describes that person, and is another name."""
    asked = _WHO_IS.match(question)
    return next((name for name in _name_matches(question) if asked and name.span() == asked.span("name")), None)


def _person(before: Before) -> str | None:
    """As `_subject`, where that may be somebody: no place, no storm, nothing in capitals."""
    who_is = _who_is(before.question)
    if before.kind == "person" and before.answer and who_is is None and before.answer.lower() not in PLACES:
        return before.answer
    found = who_is or _subject_in(before.question)
    if found is None:
        return None
    name = _POSSESSIVE_END.sub("", found[0])
    if before.kind == "person" and name != found[0]:
        return None  # "who is Marla Quist's daughter" is about the daughter
    sort = _sort_in(before.question, found)
    is_one_word = sort is None and name.isalpha() and not name.isupper()
    led = _article(before.question, found.start())
    if sort == "person" or (is_one_word and kind_of(f"which {name}?") == ("person" if led else "other")):
        return f"the {name}" if led else name
    return None


def _subject_in(question: str) -> re.Match[str] | None:
    """The name that is the subject of a question: right behind its auxiliary, or what it opens with.

    Any other may be the object or stand behind a preposition: "When did the storm hit Tarn?" is about no name.
    """
    phrase = _QUESTION_PHRASE.match(question)
    yes_no = _YES_NO.match(question)
    if phrase is None and yes_no is None:
        return _OPENING_NAME.match(question)
    at = yes_no.end() if yes_no else phrase.end("aux") if phrase and phrase["aux"] else None
    if at is None:
        return None
    for name in _name_matches(question):
        if name.start() < at:
            continue
        if not all(word in _LEADS_NAME for word in question[at : name.start()].lower().split()):
            return None
        if name[0].lower() not in NATIONALITIES:
            return name
    return None


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
    if yes_no := _YES_NO.match(asked):
        return asked[yes_no.end() :].strip() or asked
    if phrase is None or phrase.end() >= len(asked):
        return asked
    noun = (phrase["noun"] or "").strip()
    return " ".join(filter(None, (noun, asked[phrase.end() :])))


def _n_words_of_weight(text: str) -> int:
    return sum(word.lower() not in _SMALL_WORDS for word in re.findall(r"[\w’'-]+", text))
