"""A question and a quote as marking sees them: words, their stems, and where the quote has the question's words.

Knows nothing about which words answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.english import POSSESSIVE, TITLES, WEEKDAY, word_set
from bot.kind import Kind, asked_noun, asking_sentence, question_word

_TOKEN = re.compile(
    r"[$£€]?\d+(?:,\d+)*(?:\.\d+)?%?(?:st|nd|rd|th|s|[a-z]{1,2}\b)?|(?:[A-Z]\.){2,}"
    r"|[A-Z]+&[A-Z]+(?:['’]s)?\b|\w+(?:[-.'’]\w+)*|[^\w\s]"
)
_STOP = word_set(
    "a an the of in on at to for by with from as and or but nor so if than then that this these those "
    "there here it its he she they we you i his her their our your my him them us me who whom whose which "
    "what when where why how is are was were be been being am do does did done has have had having will "
    "would can could shall should may might must not no n't also just only very more most much many some "
    "any each every all both few other another such own same too after before since until while during "
    "about over under into onto out up down off through between among against because due amid despite "
    "without within across around along toward towards upon per via one's he's she's it's said says say "
    "told according now still yet even already ever never often once again "
    "however though although while whether meanwhile therefore thus moreover instead otherwise following regarding "
    "everyone everybody someone somebody anyone anybody nobody nothing everything something anything"
)
# "It's", "what’s", "don’t", "they’re": a stop word with what leans on it.
_LEANING = re.compile(r"(?:n['’]t|['’](?:s|re|m|ve|ll|d))$")


@lru_cache(maxsize=8_192)
def stem(word: str) -> str:
    """Lower case without the commonest endings; enough to see that "resigned" answers "resign"."""
    word = re.sub(r"['’]s?$", "", word.lower()).replace("’", "'")
    for ending, least in (("ies", 4), ("ied", 4), ("ing", 6), ("ers", 6), ("ed", 5), ("es", 5), ("er", 6), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending in ("ies", "ied") else "")
            break
    return word.rstrip("e") if len(word) > 3 else word


TITLE_STEMS = frozenset(map(stem, TITLES))


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark of a quote, with where it stands in code points."""

    text: str
    lower: str
    start: int
    end: int
    stem: str
    is_word: bool
    is_stop: bool
    is_capital: bool
    opens: bool  # first word of the quote, of a line, of a sentence or of a quotation
    line: int


# Words that are names too, and what stands before the month: "in May Norway left".
_STOPS_OR_NAMES = frozenset({"May", "Will"})
_BEFORE_MONTH = word_set("in since until during last this next late early")
_DAY = re.compile(WEEKDAY)
_STOPS = frozenset(".?!")


def _is_of_name(tokens: Sequence[Token], at: int) -> bool:
    """Whether a word that may be a stop word is part of a name: "Theresa May", "Will Ferrell", not "Monday May 2"."""
    before, after = (tokens[beside] if 0 <= beside < len(tokens) else None for beside in (at - 1, at + 1))
    if (before and before.lower in _BEFORE_MONTH) or (after and after.text[0].isdigit()):
        return False
    if tokens[at].opens and next((token.text for token in tokens[at:] if token.text in _STOPS), "") == "?":
        return False  # "Will Norway join?"
    is_led = before is not None and _is_plain_name(before) and tokens[at].start == before.end + 1
    return is_led or (after is not None and _is_plain_name(after) and after.start == tokens[at].end + 1)


def _is_plain_name(token: Token) -> bool:
    is_plain = token.is_word and token.is_capital and not token.is_stop
    return is_plain and not POSSESSIVE.search(token.text) and not _DAY.fullmatch(token.lower)


@dataclass(frozen=True, slots=True)
class Asked:
    """What marking needs of the question."""

    kind: Kind
    stems: frozenset[str]  # of its words of weight
    noun: str  # stem of what it asks for or counts, "" for none
    preposition: str  # that goes with the asking word: "in which", "what … for"; "" for none
    place: str  # "late", "subject" or "object": where the asking word stands and what it is of the verb
    is_plural: bool  # "which ships"
    is_pair: bool  # "which two"
    is_of_winner: bool  # "who won"
    is_counted: bool  # "how many"
    is_measured: bool  # "how fast", "how much rain"
    is_of_age: bool  # "how old"
    known: frozenset[str]  # stems of the names of whom it speaks; none where it asks for a relative, who may share them


# What "how many" counts: "how many more fishing boats were".
_COUNTED = re.compile(
    r"how many (?:\w+ ){0,3}?(\w*[^\W\ds_]s|people|men|women|children|feet)\b"
    r"(?! (?!(?:has|is|was|does)\b)\w*[^\W\ds_]s\b)"  # "bus drivers", "gas stations", "Texas counties"
)
_MEASURED = re.compile(
    r"how (?:fast|high|tall|deep|wide|broad|far|thick|heavy|hot|warm|cold|much (?:rain|snow|water|ice|oil|land))\b"
)
_KIN = frozenset(
    map(
        stem,
        word_set(
            "wife husband spouse widow son daughter child children brother sister sibling twin mother father parent "
            "parents uncle aunt nephew niece cousin grandson grandfather grandmother family relative heir married marry"
        ),
    )
)


@lru_cache(maxsize=8_192)
def _is_stop(word: str) -> bool:
    head = _LEANING.sub("", word)
    return word.lower() in _STOP or (head.lower() in _STOP and not head[1:].isupper())  # "US's" is a country's


@lru_cache(maxsize=16)  # asked of each of its quotes
def asked_of(question: str, kind: Kind) -> Asked:
    """A question as marking needs it; `kind` as `bot.understand` says."""
    written = re.findall(r"[A-Za-z]+&[A-Za-z]+\b|\w+(?:[-.'’]\w+)*|[$£€]?\d[\d,.]*", question)
    words = [word for word in written if not _is_stop(word)]
    sentence = asking_sentence(question)
    at = question_word(sentence) or 0
    tail = sentence[at:].lower()
    counted = _COUNTED.match(tail)
    noun = counted[1] if counted else asked_noun(sentence[at:]) or ""
    before = re.search(
        r"\b(in|at|by|to|from|of|for|on|with|as|into|over|against)\s+(?:\w+\s+)?$", sentence[:at].lower()
    )
    ending = re.search(r"\b(in|at|by|to|from|of|for|on|with|as|into|over|against)\?*\s*$", tail)
    is_object = re.search(r"^\w+(?:\s\w+){0,3}?\s(?:did|do|does|will|would|can|could|should)\b", tail)
    place = "late" if at > 25 else "object" if is_object else "subject"
    led = before or ending
    plural = re.match(r"(?:which|what)\s(?:\w+\s){0,2}?\w+[^su\W]s\s", tail) is not None
    pair = re.match(r"(?:which|what|who)\s(?:are\s)?(?:the\s)?two\s", tail) is not None
    wins = re.match(r"(?:who|which|what)\b(?:\W+\w+){0,3}?\W+(?:won|wins?|winning)\b", tail) is not None
    is_counted, is_measured = tail.startswith("how many "), _MEASURED.match(tail) is not None
    is_of_age = tail.startswith("how old ") or noun == "age"
    stems = frozenset(map(stem, words))
    # Where a question has no capitals, any of its words may be a name.
    capitals = frozenset(stem(word) for word in words if word[0].isupper() and not question.startswith(word))
    known = frozenset() if stems & _KIN else capitals or (stems if kind == "person" else capitals)
    asked_for, preposition = stem(noun) if noun else "", led[1] if led else ""
    return Asked(
        kind, stems, asked_for, preposition, place, plural, pair, wins, is_counted, is_measured, is_of_age, known
    )


@dataclass(frozen=True, slots=True)
class Page:
    """A quote in tokens, with where the question's words stand in it."""

    text: str
    tokens: tuple[Token, ...]
    starts: tuple[int, ...]
    matches: tuple[int, ...]

    @staticmethod
    def of(text: str, asked: Asked) -> Page:
        """A quote, read with a question in mind."""
        tokens = []
        opens = True
        line = at = 0
        for match in _TOKEN.finditer(text):
            word = match[0]
            is_word = word[0].isalnum() or len(word) > 1
            if breaks := text.count("\n", at, match.start()):
                line += breaks
                opens = True
            at = match.end()
            start, end = match.span()
            is_stop, is_capital = _is_stop(word), word[0].isupper()
            tokens.append(
                Token(word, word.lower(), start, end, stem(word), is_word, is_stop, is_capital, opens and is_word, line)
            )
            if is_word or word in '.?!“":':
                opens = not is_word
        for at, token in enumerate(tokens):
            if POSSESSIVE.sub("", token.text) in _STOPS_OR_NAMES and _is_of_name(tokens, at):
                tokens[at] = replace(token, is_stop=False)
        matches = tuple(i for i, t in enumerate(tokens) if t.is_word and not t.is_stop and t.stem in asked.stems)
        return Page(text, tuple(tokens), tuple(t.start for t in tokens), matches)
