"""Where sentences begin and end, as spans into the text; nothing is stripped, joined or re-cased.

Rules rather than a model: news prose is regular, the rules run at some 10 MB/s, and a wrong boundary costs a
shorter or longer quote, never a wrong one. In doubt a sentence goes on, for a quote that lost its speaker or its
subject is worse than a long one. Knows nothing about articles, passages or tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from index.scripts import count_words, words_in
from index.types import Span


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# All abbreviations stand without their last stop. After a capitalised title a name follows.
_TITLES = _listed(
    """
    Adm Brig Capt Cmdr Col Cpl Dr Dra Gen Gov Hon Lic Lt Maj Mlle MM Mme Mr Mrs Ms Msgr Mt Mx Pres Prof Pvt Rep Reps
    Rev Sen Sens Sgt Sra Srta Supt
    """
)
_NEVER_END = _listed("bzgl bzw cf e.g evtl ggf i.e inkl vgl viz vs zzgl")
# These end a sentence only where the next word starts one beyond doubt; so do initials and "U.S." Lower case.
_MAY_END = frozenset(title.lower() for title in _TITLES) | _listed(
    """
    abb al approx art assn asst attn av ave bldg blvd ca ch co corp ct dept det dist div ed ee etc fig ft govt
    inc ing jr ltd mfg min mio mrd nat no nos nr núm op pág pp rd sec sog sr ss st ste str tel ud uds univ usw uu vol
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri
    """
)
# American states as news agencies shorten them; capitalised only, for "miss", "ill" and "ore" are words.
_STATES = _listed(
    """
    Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Mass Md Mich Minn Miss Mo Mont Neb Nev Okla Ore Pa Tenn
    Tex Va Vt Wash Wis Wyo
    """
)
_STARTERS = _listed(
    """
    A According After All Also Although An And Any As At Because Before Both But By Despite During Each Even Every For
    From He Her Here His How However I If In Instead It Its Later Many Meanwhile More Most My Not Now On Once One
    Only Or Other Others Our She Since So Some Still Such That The Their Then There These They This Those Though To
    Two Until We What When Where While Who Why With Yet You Your
    Aber Als Auch Dann Der Die Dies Diese Doch Ein Eine Er Es Im Sie Und Wir
    Ce Cette Elle Elles Il Ils Mais Nous Une
    """
)
# "5 p.m." ends a sentence unless the zone or the day follows.
_AFTER_CLOCK = _listed(
    """
    AEDT AEST AST Atlantic BST CDT CEST CET CST CT Central ED EDT EST ET East Eastern GMT HKT IST JST KST MDT MSK MST
    MT Moscow Mountain PDT PST PT Pacific UTC
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Tues Wed Thu Thurs Fri Sat Sun
    January February March April May June July August September October November December
    Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec
    """
)

_QUOTES = "\"'”’»“‘«"
_STOPS = ".!?…؟۔।॥"
_WIDE_STOPS = "。！？"
# A set of characters comes first, so that the engine skips to the next of them. Possessive, and from the first stop of
# a run only: a megabyte of full stops takes linear time.
_END = re.compile(
    rf"""[{_STOPS}{_WIDE_STOPS}](?:
           (?<=[{_STOPS}])(?<![{_STOPS}].)
           [{_STOPS}]*+[{_QUOTES})\]]*+(?:[ \u00a0\u202f]»(?=\s))?(?=\s)  # white space behind it
         | (?<=[{_WIDE_STOPS}])[{_WIDE_STOPS}]*[」』”’）]*  # Chinese and Japanese: none needed
       )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSERS = _QUOTES + ")] \u00a0\u202f"
_WORD_BEFORE = re.compile(r"(?<![\w’'])([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")
_NEXT_WORD = re.compile(r"\s+([\"'“‘«»(\[„‚¿¡]*)(\w+)?")
# "we . . . will", "in Stamford, Conn. — once a port — and"
_GOES_ON = re.compile(rf"\s+(?:[{_STOPS}]|[—–-]+\s*[a-z])")
# "“Why now?” Ms. Ortega asked": the speaker belongs to the question.
_SPEAKER = re.compile(
    r"\s+(?:[A-Z][\w’'.-]*\s+){1,4}(?:said|asked|says|asks|wrote|added|replied|continued|wondered|shouted|tweeted)\b"
)
_CLOCK_OF_PLACE = re.compile(r"\s+\w+(?:\s\w+)?\s+(?:[Tt]ime|[Ss]tandard|[Dd]aylight)\b")
# "am 3. Oktober", "der 20. Gipfel": a German ordinal has an article or a preposition before it.
_ORDINAL = re.compile(
    r"\b(?:de[rmns]|die|das|am|[ivz]m|vo[mn]|zu[mr]|beim?|bis|seit|ab|eine[mnrs]?|ein|jede[mnrs]?|ih?r(?:e[mnrs]?)?|"
    r"sein(?:e[mnrs]?)?)\s\d{1,3}\.$",
    re.IGNORECASE,
)
# "9:30 a.m. The river has reached …", "3. Trains. No trains run …": what a line opens with belongs to what it says, and
# not to the line above; a head has three words at most. Of "1. Sign the deal. 2. Publish it." each is an item.
_RUN_IN = re.compile(
    rf"""\s*(?:(?:At\s)?\d{{1,2}}(?:[:.]\d\d)?\s?[ap]\.?m\.
           |\d{{1,2}}[.)](?:\s[^\s{_STOPS}{_WIDE_STOPS}]{{1,20}}){{1,3}}[.!?])
        (?=\s)(?!\s+\d{{1,3}}[.)]\s)""",
    re.VERBOSE | re.IGNORECASE,
)
_LINE = re.compile(r"[^\n]+")
_PLAIN_ENDS = frozenset({".", ".”", '."'})
_PLAIN_STARTS = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZ“"')
_NOT_PLAIN = _NEVER_END | _MAY_END | {state.lower() for state in _STATES}


def sentence_spans(text: str) -> list[Span]:
    """Spans of the sentences of `text`, ascending, without surrounding white space; [] for white space.

    A line break always ends a sentence. Together the spans cover every character that is not white space.
    """
    spans: list[Span] = []
    for line in _LINE.finditer(text):
        start = line.start()
        for end in _ends_in(text, line.start(), line.end()):
            _append(spans, text, start, end)
            start = end
        _append(spans, text, start, line.end())
    return spans


def _ends_in(text: str, start: int, end: int) -> Iterator[int]:
    run_in = _RUN_IN.match(text, start, end)
    run_in_end = run_in.end() if run_in else start
    for match in _END.finditer(text, start, end):
        at = match.end()
        if run_in_end < at < end and (_plainly_ends(text, match, start) or _ends_sentence(text, match, start, end)):
            start = at
            yield start


def _plainly_ends(text: str, match: re.Match[str], start: int) -> bool:
    """Whether it is the usual end, "… word. Word": found in a fifth of the time, and never otherwise than below."""
    if match.group() not in _PLAIN_ENDS:
        return False
    at = match.end()
    if text[at] != " " or text[at + 1 : at + 2] not in _PLAIN_STARTS:
        return False
    word = text[max(start, text.rfind(" ", start, match.start()) + 1) : match.start()]
    return len(word) > 1 and word.isascii() and word.isalpha() and word.lower() not in _NOT_PLAIN


def _ends_sentence(text: str, match: re.Match[str], start: int, line_end: int) -> bool:
    """Whether a mark ends the sentence that began at `start`, in a line that goes on until `line_end`."""
    mark = match.group()
    if mark[0] in _WIDE_STOPS:
        return len(mark.rstrip("」』”’）")) == len(mark) or text[match.end()] not in "とっ、，"
    after = _NEXT_WORD.match(text, match.end(), line_end)
    opener, word = (after.group(1), after.group(2) or "") if after else ("", "")
    if word[:1].islower() and not opener:
        return False  # 'he asked "why?" again', "approx. three", "U.S. officials"
    if _GOES_ON.match(text, match.end(), line_end):
        return False
    bare = mark.rstrip(_CLOSERS)
    if bare[0] in "!?" and len(bare) < len(mark):
        return _SPEAKER.match(text, match.end(), line_end) is None
    if bare != ".":
        return True
    before = _WORD_BEFORE.search(text, max(start, match.start() - 24), match.start() + 1)
    if before is None:
        if match.start() - start <= 4 and text[start : match.start()].strip().isdigit():
            return False  # "2. Second item"
        is_ordinal = _ORDINAL.search(text, max(start, match.start() - 16), match.start() + 1) is not None
        return word in _STARTERS or not is_ordinal
    token = before.group(1)
    if token.lower() in ("a.m", "p.m"):
        is_clock_of_place = _CLOCK_OF_PLACE.match(text, match.end(), line_end) is not None
        return word[:1].isalpha() and opener != "(" and word not in _AFTER_CLOCK and not is_clock_of_place
    return _word_ends(token, word)


def _word_ends(token: str, word: str) -> bool:
    """Whether a full stop behind `token` ends a sentence before `word`, which is not in lower case."""
    folded = token.lower()
    if token in _TITLES or folded in _NEVER_END:
        return False
    is_initial = len(token) == 1
    if is_initial or "." in token or folded in _MAY_END or token in _STATES:
        return word in _STARTERS and not (is_initial and word in {"I", "A"})
    return True


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append(Span(start, end))


def n_words(text: str) -> int:
    """Words, the unit of a quote's budget; two characters count as one where a script has no spaces."""
    return count_words(text)


def word_spans(text: str, span: Span) -> list[Span]:
    """Spans of the words inside `span`, as `n_words` counts them."""
    return list(words_in(text, span))


def crosses(cuts: Sequence[int], start: int, end: int) -> bool:
    """Whether a place where a line was removed lies inside `[start, end)`; `cuts` ascending."""
    at = bisect_right(cuts, start)
    return at < len(cuts) and cuts[at] < end
