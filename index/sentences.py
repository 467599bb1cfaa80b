"""Where sentences begin and end, as spans into the text; nothing is stripped, joined or re-cased.

Rules rather than a model: news prose is regular, the rules run at some 20 MB/s, and a wrong boundary costs a
shorter or longer quote, never a wrong one. Knows nothing about articles, passages or tokens.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from index.types import Span

# A full stop after one of these ends no sentence. Titles, ranks, months, units; lower case, without the stop.
_ABBREVIATIONS = frozenset(
    [
        "adm",
        "al",
        "approx",
        "apr",
        "art",
        "assn",
        "asst",
        "attn",
        "aug",
        "ave",
        "bldg",
        "blvd",
        "brig",
        "capt",
        "cent",
        "ch",
        "cf",
        "cmdr",
        "co",
        "col",
        "corp",
        "cpl",
        "ct",
        "dec",
        "dept",
        "det",
        "dist",
        "div",
        "dr",
        "ed",
        "est",
        "et",
        "feb",
        "fig",
        "fr",
        "ft",
        "gen",
        "gov",
        "govt",
        "hon",
        "inc",
        "jan",
        "jr",
        "jul",
        "jun",
        "lt",
        "ltd",
        "maj",
        "mar",
        "mfg",
        "min",
        "mr",
        "mrs",
        "ms",
        "msgr",
        "mt",
        "mx",
        "nat",
        "no",
        "nos",
        "nov",
        "oct",
        "op",
        "pp",
        "pres",
        "prof",
        "pvt",
        "rd",
        "rep",
        "reps",
        "rev",
        "sec",
        "sen",
        "sens",
        "sep",
        "sept",
        "sgt",
        "sr",
        "ss",
        "st",
        "ste",
        "supt",
        "tel",
        "univ",
        "vol",
        "vs",
        "viz",
        "bzw",
        "ca",
        "evtl",
        "ggf",
        "inkl",
        "mio",
        "mrd",
        "nr",
        "usw",
        "vgl",
        "zzgl",
        "abb",
        "sog",
        "str",
        "mme",
        "mlle",
    ]
)
# … unless what follows starts a sentence beyond doubt, these end one as often as not.
_MAY_END = frozenset({"co", "corp", "inc", "ltd", "jr", "sr", "no", "etc", "ct", "st", "al", "mar", "min", "art"})
_STARTERS = frozenset(
    [
        "The",
        "A",
        "An",
        "In",
        "On",
        "At",
        "But",
        "And",
        "He",
        "She",
        "It",
        "They",
        "We",
        "I",
        "That",
        "This",
        "These",
        "Those",
        "There",
        "When",
        "While",
        "After",
        "Before",
        "As",
        "If",
        "For",
        "His",
        "Her",
        "Its",
        "Their",
        "Our",
        "My",
        "What",
        "Who",
        "Why",
        "How",
        "Where",
        "Still",
        "Yet",
        "So",
        "Meanwhile",
        "However",
        "According",
    ]
)

_END = re.compile(
    r"""[.!?…]+["'”’»)\]]*(?=\s)   # western: needs white space behind it
      | [。！？]+[」』”’）]*           # CJK: needs none
    """,
    re.VERBOSE,
)
_WORD_BEFORE = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*)\.$")
_NEXT_WORD = re.compile(r"\s+([\"'“‘«(\[„¿¡]*)(\w+)?")
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"\S+")


def sentence_spans(text: str) -> list[Span]:
    """Spans of the sentences of `text`, ascending, without surrounding white space.

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


def _ends_in(text: str, start: int, end: int) -> list[int]:
    return [
        match.end()
        for match in _END.finditer(text, start, end)
        if match.end() < end and _ends_sentence(text, match, start, end)
    ]


def _ends_sentence(text: str, match: re.Match[str], line_start: int, line_end: int) -> bool:
    mark = match.group()
    if mark[0] in "。！？":
        return True
    after = _NEXT_WORD.match(text, match.end(), line_end)
    opener, word = (after.group(1), after.group(2) or "") if after else ("", "")
    starts_upper = bool(opener) or not word or not word[0].islower()
    if not starts_upper:
        return False  # 'he asked "why?" again', "approx. 3", "U.S. officials"
    if mark[0] != "." or len(mark.rstrip("\"'”’»)]")) > 1:
        return True
    before = _WORD_BEFORE.search(text, max(line_start, match.start() - 24), match.start() + 1)
    if before is None:
        # "3. Platz" stays together in German only where the number opens the line: a list item
        return not text[line_start : match.start()].strip().isdigit()
    token = before.group(1)
    folded = token.lower()
    is_initials = len(token) == 1 and token.isupper()
    has_inner_stops = "." in token
    if is_initials or has_inner_stops or folded in _MAY_END:
        return word in _STARTERS and not (is_initials and word in {"I", "A"})
    return folded not in _ABBREVIATIONS


def _append(spans: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append(Span(start, end))


def n_words(text: str) -> int:
    """White-space separated words: the unit of a quote's budget."""
    return len(text.split())


def word_spans(text: str, span: Span) -> list[Span]:
    """Spans of the white-space separated words inside `span`."""
    return [Span(m.start(), m.end()) for m in _WORD.finditer(text, span.start, span.end)]


def crosses(cuts: Sequence[int], start: int, end: int) -> bool:
    """Whether a place where a line was removed lies inside `[start, end)`; `cuts` ascending."""
    at = bisect_right(cuts, start)
    return at < len(cuts) and cuts[at] < end
