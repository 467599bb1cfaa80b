"""A language model's text in sentences, each with the keys of the evidence that it names. Pure.

Keys are read generously, however a model writes them; whether they are any that were given is for the check to say.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from bot.llm_evidence import KEY
from index.sentences import sentence_spans
from index.types import Span

# What must follow a sentence, in a text that is still coming, before it is taken for whole: beyond this nothing that
# `sentence_spans` looks at can move its end.
SETTLED_CHARS = 80

_KEYS = rf"{KEY}(?:[\s,;]+(?:and\s+)?{KEY})*"
# Whatever stands in square brackets is taken for a key, so that one that was made up falls with its sentence.
_BRACKETS = rf"(?:[\[【][^\[\]【】\n]{{0,80}}[\]】]|\(\s*{_KEYS}\s*\)|\b{KEY}(?!\w))"
_CITED = re.compile(rf"{_BRACKETS}(?:[ \t]{{0,4}}(?:[,;]|and\b)?[ \t]{{0,4}}{_BRACKETS})*", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"[\[【(](?P<inside>[^\[\]【】()\n]*)[\]】)]|\b(?P<bare>{KEY})(?!\w)", re.IGNORECASE)
# What models put round a key.
_PAIRS = (("`", "`"), ("**", "**"), ("(", ")"), ("**", "**"))
_LINE_HEAD = re.compile(r"[ \t]*(?:(?:[-*•·>]|\d{1,2}[.)]|#{1,6})[ \t]*)?[(*`]{0,4}")
_COLON = re.compile(r"[ \t]*:")
_LEANS_ON_KEY = re.compile(r"\b(?:to|in|by|from|of|on|at|with|per|for|as|than|see)\Z", re.IGNORECASE)
_GOES_ON = re.compile(r"[ \t]*[\w,)]")
_ONLY_KEYS = re.compile(rf"\s*{_KEYS}\s*", re.IGNORECASE)
NO_KEY = "?"
_KEY = re.compile(KEY, re.IGNORECASE)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_OPEN_END = re.compile(r"(?:[\[(【][^\[\]()【】\n]*|\bref-\w*|\br(?:e(?:f)?)?)\Z", re.IGNORECASE)


def spoken(text: str) -> str:
    """A text without what its model thought aloud first."""
    return _THOUGHT.sub("", text)


def split(text: str, *, is_whole: bool = True) -> list[tuple[str, tuple[str, ...]]]:
    """The sentences of a text, each with the keys that stand in or right behind it.

    What a model thought aloud first is no part of its text.
    """
    text = spoken(text)
    if not is_whole and (open_end := _OPEN_END.search(text)):
        text = text[: open_end.start()].rstrip()
    clean, cited = _without_keys(text, is_whole=is_whole)
    spans = [span for span in sentence_spans(clean) if any(char.isalnum() for char in span.of(clean))]
    keys = _by_sentence(cited, spans)
    found = []
    for n, span in enumerate(spans):
        end = spans[n + 1].start if n + 1 < len(spans) else len(clean) + 1
        if not is_whole and not (len(clean) - span.end >= SETTLED_CHARS or "\n" in clean[span.end : end]):
            break
        found.append((span.of(clean), tuple(dict.fromkeys(keys[n]))))
    return found


@dataclass(frozen=True, slots=True)
class _Cited:
    """Keys that stood at a place, and whether they belong to what follows it."""

    place: int
    keys: tuple[str, ...]
    is_ahead: bool


def _without_keys(text: str, *, is_whole: bool) -> tuple[str, list[_Cited]]:
    """A text without its keys, and where they stood in it.

    A key that begins a line belongs to what follows on it, any other to the sentence before. One that its sentence is
    built around ("according to [ref-…], …") is left where it is, so that the sentence falls.
    """
    bare: list[str] = []
    cited: list[_Cited] = []
    at = n_bare = 0
    for match in _CITED.finditer(text):
        start, end = _with_pairs(text, match.start(), match.end())
        line_end = text.find("\n", end)
        follows = text[end : line_end if line_end >= 0 else len(text)]
        begins_line = _LINE_HEAD.fullmatch(text, text.rfind("\n", 0, start) + 1, start) is not None
        is_ahead = begins_line and any(char.isalnum() for char in follows)
        if begins_line and not is_ahead and not is_whole and line_end < 0:
            break  # whether anything follows it is not known yet
        if is_ahead and (colon := _COLON.match(text, end)):
            end = colon.end()
        if _LEANS_ON_KEY.search(text[max(0, start - 8) : start]) and _GOES_ON.match(text, end):
            start = end
        bare.append(text[at:start])
        n_bare += start - at
        cited.append(_Cited(n_bare, _named(match[0]), is_ahead))
        at = end
        if text[at : at + 1].isalnum():  # "1 [ref-…]7" does not become 17
            bare.append(" ")
            n_bare += 1
    bare.append(text[at:])
    return "".join(bare), cited


def _named(brackets: str) -> tuple[str, ...]:
    """The keys in brackets; what is none counts as one that is not known."""
    found: list[str] = []
    for match in _IN_BRACKETS.finditer(brackets):
        inside = match["bare"] or match["inside"]
        found += _KEY.findall(inside) if _ONLY_KEYS.fullmatch(inside) else [NO_KEY]
    return tuple(key.lower() for key in found)


def _with_pairs(text: str, start: int, end: int) -> tuple[int, int]:
    """A stretch with the brackets and emphasis on either side of it, and the blanks before."""
    for opens, closes in _PAIRS:
        if text.endswith(opens, 0, start) and text.startswith(closes, end):
            start, end = start - len(opens), end + len(closes)
    while start and text[start - 1] in " \t\u00a0":
        start -= 1
    return start, end


def _by_sentence(cited: Sequence[_Cited], spans: Sequence[Span]) -> list[list[str]]:
    """The keys of each sentence; the first takes what stands before it, for there is none for that to belong to."""
    keys: list[list[str]] = [[] for _ in spans]
    starts, ends = [span.start for span in spans], [span.end for span in spans]
    for one in cited if spans else ():
        n = bisect_right(ends, one.place) if one.is_ahead else bisect_left(starts, one.place) - 1
        keys[min(max(n, 0), len(spans) - 1)] += one.keys
    return keys
