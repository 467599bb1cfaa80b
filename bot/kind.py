"""What kind of thing the answer to a question will be, from its question word and the noun beside it. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from bot.english import AUXILIARY, word_list, word_set
from index.sentences import sentence_spans
from index.types import Span

Kind = Literal[
    "person",
    "organisation",
    "place",
    "date",
    "time",
    "duration",
    "number",
    "money",
    "percent",
    "quote",
    "reason",
    "yes_no",
    "name",
    "other",
]


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


_NOUN_LISTS: dict[Kind, str] = {
    "person": (
        "person man woman actor actress singer rapper artist musician author writer poet comedian player athlete "
        "golfer driver boxer quarterback coach manager star celebrity politician president senator governor mayor "
        "minister chancellor secretary lawmaker mp mps congressman congresswoman representative justice judge lawyer "
        "attorney billionaire ceo executive entrepreneur founder leader king queen prince princess royal pope "
        "candidate nominee journalist host presenter anchor director filmmaker designer model scientist astronaut "
        "general official figure winner victim suspect student teacher doctor chef influencer youtuber commissioner "
        "spokesman spokeswoman guest pilot activist donor economist superstar icon legend heavyweight member "
        "republican democrat pm premier monarch cricketer footballer swimmer runner sprinter cyclist gymnast skater "
        "goalkeeper striker captain dancer composer songwriter novelist playwright painter sculptor architect "
        "photographer historian professor tycoon mogul diplomat ambassador envoy archbishop bishop duo"
    ),
    "organisation": (
        "company companies firm corporation business brand retailer supermarket chain automaker "
        "carmaker airline airlines bank manufacturer startup organisation organization agency "
        "department ministry union party team club franchise university college school network "
        "broadcaster channel station newspaper outlet magazine publisher group band court committee "
        "council charity museum hospital league conference studio label regulator institution "
        "restaurant store giant maker operator platform service militia tabloid brewery insurer lender conglomerate "
        "association federation foundation institute nonprofit orchestra"
    ),
    "place": (
        "country countries nation state states city cities town village county province region territory island "
        "continent capital place location airport stadium venue river lake mountain street neighborhood neighbourhood "
        "park beach destination site hemisphere district republic constituency borough suburb cathedral castle palace "
        "dam bridge volcano desert"
    ),
    "date": "date dates day days year years month months deadline weekday decade century",
    "duration": "duration period sentence length",
    "number": ("number age score temperature magnitude rank total distance height speed size population margin toll"),
    "money": ("amount price cost fine salary sum fee budget value worth wage pay bounty penalty reward income"),
    "percent": "percentage percent proportion share rate fraction",
    "quote": "quote slogan motto",
    "reason": "reason reasons cause excuse explanation",
    "name": (
        "name title film movie song album book novel show series game app product drug vaccine ship vessel storm "
        "hurricane operation award prize word phrase term nickname law act bill breed species sport event festival "
        "sitcom documentary podcast musical tournament championship"
    ),
}
_NOUNS: dict[str, Kind] = {noun: kind for kind, nouns in _NOUN_LISTS.items() for noun in word_list(nouns)}
# "What services", "which models" and "what terms" ask for no names; "sports" stands before another noun.
_NO_PLURALS = word_set("figures labels models operations platforms services sports terms")
_SINGULAR = {
    plural: noun
    for kind in ("person", "organisation", "place", "name")
    for noun in word_list(_NOUN_LISTS[kind])
    if (plural := _plural(noun)) not in _NOUNS and plural not in _NO_PLURALS
}
_PLURALS = frozenset([*_SINGULAR, *filter(_NOUNS.__contains__, map(_plural, _NOUNS))])
# Nouns of the lists that are verbs as well: "which cities host the games".
_ALSO_VERBS = word_set(
    "act age award band bank book brand captain cause chain coach cost excuse film fine group guest host judge "
    "label model name network park pay phrase pilot place price rank rate score share ship show size star "
    "state store title total value wage word"
)
# What a few words without a question ask for, if it ends them or goes before a preposition: "gas price in June".
_MEASURES = "|".join(
    word_list(f"{_NOUN_LISTS['number']} {_NOUN_LISTS['money']} {_NOUN_LISTS['percent']} date deadline duration length")
)
MAX_KEYWORDS = 6
_KEYWORD = re.compile(
    rf"\b((?<=death )toll|(?:{_MEASURES})(?=\W*$|\s+(?:of|for|in|at|on|from|after|since)\b))\b", re.IGNORECASE
)

_IS = r"['’]?s\b"  # "what's", and "whats" as it is typed
_WH = re.compile(rf"\b(what|which|who|whose|whom|when|where|why|how)(?:{_IS}|\b)", re.IGNORECASE)
_HOW: tuple[tuple[str, Kind], ...] = (
    (r"how (?:long|many (?:more )?(?:seconds|minutes|hours|days|weeks|months|years|decades))\b", "duration"),
    (r"how (?:much|many) (?:money|dollars|pounds|euros)\b|how (?:expensive|costly|rich)\b", "money"),
    (r"how much (?:more )?time\b", "duration"),
    (r"how (?:many|old|far|tall|fast|high|big|large|heavy|deep|hot|cold|wide)\b", "number"),
    (r"how much.*\b(?:percent\w*)\b", "percent"),
    (
        r"how much.*\b(?:cost|pa(?:y|id)|worth|spen[dt]|fined?|settle\w*|sold|sell|price|charge|earn\w*"
        r"|donat\w+)\b",
        "money",
    ),
    (
        rf"how much {AUXILIARY}\b.*\b(?:rais\w+\b(?! (?:for|from|through|at)\b)|hik\w+|beat|defeat\w*"
        r"|(?:win|won|lose|lost|lead|led|trail\w*) by\b)",
        "number",
    ),
    (
        rf"how much (?:more )?{AUXILIARY}\b.*\b(?:f[ae]ll(?:en)?|r[io]se|risen|drop\w*|gr[eo]wn?|(?:in|de)creas\w+"
        r"|declin\w+|shr[aiu]nk|chang\w+|slow\w*|weigh\w*)\b",
        "number",
    ),
    (rf"how much (?:{AUXILIARY}|of a (?:fine|settlement)|more {AUXILIARY})\b", "money"),
    (r"how much\b", "number"),
    (r"how soon\b", "date"),
    (r"how come\b", "reason"),
    (rf"how {AUXILIARY}\b.*\bdie(?=\W*$|\s+(?:in|on|at|during|last|this|today|yesterday)\b)", "reason"),
)
_CAUSE = re.compile(
    r"what (?:caused|prompted|triggered|sparked|led|motivated|inspired|made)\b"
    rf"|what(?: \w+)* (?:reason|cause)s?\b|what {AUXILIARY}\b.*\bdie (?:of|from)\b",
    re.IGNORECASE,
)
_SAID = re.compile(
    rf"what (?:exactly )?{AUXILIARY}\b.*\b(?:say|said|tell|told|tweet|post|respond|reply|write|shout|call for)\b"
    r"|\b(?:said|says|saying) what\b",
    re.IGNORECASE,
)
# "What did it cost?", "what does a ticket cost in Tarn", but "what did it cost him": his seat.
_COST = re.compile(
    rf"what {AUXILIARY}\b.*\bcost"
    r"(?=\W*$|\s+(?:a|at|for|last|now|per|the|this|to|today)\b|\s+in\b(?! (?:human|jobs|lives|terms|time)\b))",
    re.IGNORECASE,
)
# "What figure" and "which record figure" ask for a number, "what public figure" and "which rebel figure" for a person.
_FIGURE = re.compile(
    r"what\b|\b(?:massive|huge|staggering|whopping|record|exact|official|total|final|overall|combined|latest|annual|monthly"
    r"|(?:\w+-)?digit) figure\b",
    re.IGNORECASE,
)
_FIGURE_OF_PERSON = re.compile(
    r"\b(?:(?!What|Which)[A-Z][\w’'-]*|(?i:public|political|religious|cultural|historical|literary|opposition|media|high-profile|well-known"
    r"|leading|senior|key|prominent|famous|popular|beloved|influential|controversial|divisive)) figure\b"
)
# A time of day; "what time of year" and "what time period" ask for none.
_TIME_OF_DAY = re.compile(
    r"(?:what|which) (?:exact )?(?:time|hour)\b(?![-\w]| (?:of|period|frame|zone|span)\b)", re.IGNORECASE
)
_CALLED = re.compile(r"\b(?:called|named|titled|nicknamed|dubbed|known as)\s*(?:what)?\s*\W*$", re.IGNORECASE)
_COPULA = re.compile(
    rf"(?:what|which|who)(?:{_IS}| is| was| are| were| will be)\s+(?:the |his |her |their |its |an? )?",
    re.IGNORECASE,
)
# "Could you tell me who …" asks who, not whether one could.
_POLITE = re.compile(
    r"(?:please,? )?"
    r"(?:(?:can|could|would|will) (?:you|anyone|anybody) (?:please )?(?:tell|say|show|explain)(?: me| us)?"
    r"|do(?:es)? (?:you|anyone|anybody) (?:happen to )?(?:know|remember)|(?:tell|show) (?:me|us)"
    r"|i(?:['’]d| would) like to know|i want to know),? (?:please,? )?(?:exactly )?"
    rf"(?=(?:(?:in|at|by|to|from|of|for|on|with) )?(?:what|which|who|whose|whom|when|where|why|how)(?:{_IS}|\b))",
    re.IGNORECASE,
)
_CLOZE: tuple[tuple[str, Kind], ...] = (
    (r"[$£€]\s*_{2,}", "money"),
    (r"_{2,}\s*(?:%|per ?cent)", "percent"),
    (r"_{2,}\s+(?:seconds|minutes|hours|days|weeks|months|years)\b", "duration"),
    (r"_{2,}\s+(?:million|billion|people|points|deaths|votes|seats|\w+s\b)", "number"),
    (
        r"\b(?:president|minister|senator|sen\.|gov\.|governor|mayor|king|queen|prince|princess|pope|justice"
        r"|judge|mr\.?|mrs\.?|ms\.?|dr\.?|sir|chancellor|secretary|star|actor|singer)\s+_{2,}",
        "person",
    ),
    (r"\b(?:city|state|town|republic|county|province) of\s+_{2,}", "place"),
    (r"\b(?:until|by|since)\s+_{2,}", "date"),
)
# What is to be filled in may stand behind a colon: "It was the first defeat since:".
_LAST_WORDS: tuple[tuple[str, Kind], ...] = (
    (r"\bbecause(?: of)?:$", "reason"),
    (r"\b(?:held|set) by:$", "person"),
    (r"\bsince(?: at least)?:$", "date"),
)


def kind_of(question: str) -> Kind:
    """What the answer to `question` will be, from its question word and the noun beside it."""
    if re.match(r"true or false\b", question, re.IGNORECASE):
        return "yes_no"
    asked = asking_sentence(question)
    if "__" in asked:
        return next((kind for pattern, kind in _CLOZE if re.search(pattern, asked, re.I)), "name")
    if kind := next((kind for pattern, kind in _LAST_WORDS if re.search(pattern, asked, re.I)), None):
        return kind
    at = question_word(asked)
    if at is None:
        if re.match(rf"(?:{AUXILIARY}\b|\w+n['’]t\b)", asked, re.IGNORECASE):
            return "yes_no"
        shown = re.search(r"\bthis (\w+)\b[^?]*[:.]?$", asked) or (_KEYWORD.search(asked) if _is_few(asked) else None)
        return _NOUNS.get(shown[1].lower(), "other") if shown else "other"
    return _kind_from(asked, at)


def _is_few(asked: str) -> bool:
    """Whether these are a few words to search for, and no statement."""
    return len(asked.split()) <= MAX_KEYWORDS and re.search(rf"\b{AUXILIARY}\b", asked, re.IGNORECASE) is None


@lru_cache(maxsize=16)  # asked of each of its times
def sentences_in(question: str) -> tuple[Span, ...]:
    """As `sentence_spans`: "Gov. Halloran" and "4:45 p.m. ET" end no sentence."""
    return tuple(sentence_spans(question))


def asking_sentence(question: str) -> str:
    """The last sentence that asks, without "could you tell me": background often comes first."""
    sentences = [span.of(question) for span in sentences_in(question)]
    asking = [s for s in sentences if s.rstrip(' "”').endswith("?") or "__" in s or _WH.match(s)]
    asked = (asking or sentences or [question])[-1]
    return asked[polite.end() :] if (polite := _POLITE.match(asked)) else asked


_ENDS_SENTENCE = re.compile(r"[.?!][”\"’)]?\s+$")


def asked_first(question: str) -> str:
    """The same words with the sentence that asks before those that lead up to it: a reader that takes in only the
    beginning of a long question then still knows what is asked.
    """
    asked = asking_sentence(question)
    at = question.rfind(asked)
    before, after = question[:at], question[at + len(asked) :]
    return " ".join((asked, before.strip(), after.strip())).strip() if _ENDS_SENTENCE.search(before) else question


_ASKS = re.compile(rf"(?:(?:what|which|who|whose|whom|when|where|why|how)(?:{_IS}|\b)|{AUXILIARY}\b)", re.IGNORECASE)


def with_question_mark(question: str) -> str:
    """The same question with its mark, where it is one sentence that asks and was typed without: models take it for a
    remark else, to which no sentence is an answer.
    """
    said = question.rstrip(" .!,;:…")
    is_plain = "?" not in question and _ASKS.match(said) is not None and len(sentences_in(said)) == 1
    return f"{said}?" if is_plain else question


def question_word(asked: str) -> int | None:
    """Where the asking word stands; a leading "when …," clause and relative "who" are passed over."""
    found = list(_WH.finditer(asked))
    if not found:
        return None
    first = found[0]
    if (
        first.start() <= 15
        and re.fullmatch(r"(?:\W|\w+\s)*", asked[: first.start()])
        and (first.start() == 0 or first[1].lower() in ("what", "which", "whose", "how", "whom"))
    ):
        is_clause = first[0].lower() in ("when", "where", "how") and not re.match(
            rf"\s+(?:{AUXILIARY}\b|\w+\b)"
            if first[0].lower() == "how"
            else rf"['’]?s?\s*(?:{AUXILIARY}\b|else\b|exactly\b|$)",
            asked[first.end() :],
            re.IGNORECASE,
        )
        if not is_clause:
            return first.start()
    if re.match(rf"(?:{AUXILIARY})\s", asked, re.IGNORECASE) and not asked.rstrip().endswith(
        ("what?", "who?", "which?")
    ):
        return None
    strong = [m for m in found if m[1].lower() in ("what", "how", "which") and asked[: m.start()][-2:] != ", "]
    return (strong or found[-1:])[0].start()


def _kind_from(asked: str, at: int) -> Kind:
    tail = asked[at:]
    word = _WH.match(tail)
    match word[1].lower() if word else "":
        case "who" | "whom" | "whose":
            return "person"
        case "when":
            return "date"
        case "where":
            return "place"
        case "why":
            return "reason"
        case "how":
            kind: Kind = next((kind for pattern, kind in _HOW if re.match(pattern, tail, re.I)), "other")
            # "By how much" is a difference, of money or of anything.
            return "number" if kind == "money" and re.search(r"\bby $", asked[:at], re.I) else kind
    if _CAUSE.match(tail):
        return "reason"
    if _TIME_OF_DAY.match(tail):
        return "time"
    if _COST.match(tail):
        return "money"
    if _SAID.search(asked):
        return "quote"
    noun = asked_noun(tail)
    if noun == "figure" and (_FIGURE.match(tail) or _FIGURE.search(tail, 1)) and not _FIGURE_OF_PERSON.search(tail):
        return "number"
    if noun and (of_noun := _kind_of_noun(noun)) and noun not in ("name", "names"):
        return of_noun
    if named := re.match(
        rf"what(?:{_IS}| is| was| are| were) the (?:full |first |last |new )?names? of (.*)", tail, re.I
    ):
        return _kind_of_noun(asked_noun("which " + _COPULA.sub("", "what is " + named[1])) or "") or "name"
    if noun in ("name", "names") or _CALLED.search(asked):
        return "name"
    return "other"


_NOUN_ENDS = word_set(
    "of in on at by to for from with that who which whose and or into about as after before during than "
    "did do does was were is are has have had will would can could should may might must"
)


def _kind_of_noun(noun: str) -> Kind | None:
    return _NOUNS.get(_SINGULAR.get(noun, noun))


_OBJECT_BEGINS = word_set("the a an this these those his her its their happened")


def _is_verb_after(noun: str, word: str) -> bool:
    """Whether a word that is a noun or a verb agrees with the noun before it: "cities host", "country hosts"."""
    return word in _ALSO_VERBS if noun in _PLURALS else _SINGULAR.get(word) in _ALSO_VERBS


# When it was is not what is asked: "the largest fire this year"; but "the mayor's last day".
_WHEN = re.compile(r"(?<!['’]s)\s(?:last|next|these|this)\s(?:day|week|weekend|month|year|decade)s?\b", re.IGNORECASE)
_SINGULAR_COPULA = re.compile(rf"\w+(?:{_IS}|['’]s| is| was)\s", re.IGNORECASE)
_ONE_MORE = re.compile(r"[A-Z\d]|(?:two|three|four|five|six|seven|eight|nine|ten)$")


def _is_asked(plural: str, before: str | None, tail: str, is_copula: bool) -> bool:
    """Whether a plural noun of the lists is what is asked for, and not an object or a verb.

    Not in "what is killing players", "what destroyed banks", "which poll shows"; but in "what two banks".
    """
    if is_copula and _SINGULAR_COPULA.match(tail):
        return False
    if before is None:
        return True
    is_led = is_copula or tail[:5].lower() == "which" or _ONE_MORE.match(before) is not None
    return is_led and _SINGULAR[plural] not in _ALSO_VERBS


def asked_noun(tail: str) -> str | None:
    """The noun that "which …" or "what is the …" asks for, lower case, or None."""
    copula = _COPULA.match(tail)
    rest = tail[copula.end() :] if copula else re.sub(r"^\w+(?:['’]s)?\s+(?:of (?:these|the following)\s+)?", "", tail)
    words = re.findall(r"(?:[A-Z]\.){2,}|[\w’'-]+|[,.?!:;“\"(]", _WHEN.split(rest, 1)[0])[:7]
    best = None
    is_name = False
    for n_before, word in enumerate(words):
        lowered = re.sub(r"['’]s$", "", word.lower())
        if lowered in _NOUN_ENDS or not lowered[:1].isalnum():
            break
        if not copula and lowered in _OBJECT_BEGINS:
            break  # "what closed the airport" asks for no place
        is_owner = lowered != word.lower()
        if is_owner and copula:  # "what is the president's plan" asks for a plan
            best = None
        elif best and not is_name and _is_verb_after(best, lowered):
            break
        elif lowered in _NOUNS or (
            lowered in _SINGULAR and _is_asked(lowered, words[n_before - 1] if n_before else None, tail, bool(copula))
        ):
            best = lowered
            is_name = word[0].isupper()  # "which United States judge"
            if is_owner:  # "which country's singer" asks for the country
                break
        elif best:
            break
    return best
