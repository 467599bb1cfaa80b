"""Outlets that a question asks for outright: "according to Reuters", "what did the BBC report about …". Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from bot.days import AUXILIARIES, GOES_ON
from bot.english import word_set

_NAME = r"(?P<name>(?:[Tt]he\s+)?[\w&.'’-]+(?:\s+[\w&.'’-]+){0,5})"
_STRONG = re.compile(
    rf"[,(]?\s*\b(?:(?:as\s+)?(?:according\s+to|(?:as\s+)?reported\s+(?:by|in)|per)\s+|(?P<source>sources?\s*[:=])\s*){_NAME}",
    re.IGNORECASE,
)
_ASKED = re.compile(
    rf"\b(?:did|does|has|do)\s+{_NAME}",
    re.IGNORECASE,
)
_JOINED = re.compile(rf"\s*(?P<by>,?\s(?:and|or)\s|[,/&])\s*{_NAME}", re.IGNORECASE)
_WEAK = re.compile(rf"[,(]?\s*\b(?P<by>in|on|from)\s+{_NAME}", re.IGNORECASE)
_REPORTING = re.compile(
    r"\s+(?:report(?:ed)?|writ(?:e|ten)|publish(?:ed)?|cover(?:ed)?(?!\s+up\b)|print(?:ed)?)\b", re.IGNORECASE
)
_SAYING = re.compile(r"\s+say(?=\s+about)\b", re.IGNORECASE)
# "stories about the strike from …"; who was "fired from …" or spoke "on …" is news of any outlet.
_TOLD = re.compile(
    r"\b(?:articles?|stor(?:y|ies)|news|report(?:s|ed|ing)?|published|written|wrote|printed|coverage|headlines?|latest"
    r"|quotes?|search(?:ed)?|read)(?:\s+(?:about|on|of)(?:\s+[\w’'-]+){1,8})?$",
    re.IGNORECASE,
)
_MAY_FOLLOW = GOES_ON | AUXILIARIES | word_set("since between last yesterday today recently")
# A part of a name that is no longer tells nothing: "the", "co".
_SHORT = 3
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "ac", "edu"})


def named_sources(text: str, known_sources: Collection[str]) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    """Known outlets that the question asks for outright, and the stretches of `text` that do."""
    if not known_sources:
        return (), []
    known = source_keys(frozenset(known_sources))
    found: list[str] = []
    spent: list[tuple[int, int]] = []
    for pattern in (_STRONG, _ASKED, _WEAK):
        at = 0
        while match := pattern.search(text, at):
            at = match.start("name")
            read = _read_source(match, known)
            if read is None and pattern is _STRONG and match["source"]:
                read = _read_part(match, known_sources)
            if read is None:
                continue
            sources, end = read
            is_name = _is_name(text[match.start("name") : end], known)
            others, last = _joined(text, end, known, is_strong=pattern is _STRONG)
            if pattern is _ASKED:
                tail = _REPORTING.match(text, last) or (
                    _SAYING.match(text, last) if match[0].lower().startswith("do") else None
                )
                if tail is None or not is_name:
                    continue
                last = tail.end()
            else:
                is_whole = ends_there(text, end) if is_name else pattern is _STRONG and _ends_all(text, end)
                if not is_whole or (pattern is _WEAK and not _is_told_there(text, match, end, last)):
                    continue
            if any(a < last and match.start() < b for a, b in spent):
                continue
            found += [s for s in dict.fromkeys((*sources, *others)) if s not in found]
            spent.append((match.start(), last))
            at = last
    return tuple(found), spent


def _joined(text: str, end: int, known: dict[str, tuple[str, ...]], *, is_strong: bool) -> tuple[list[str], int]:
    """The known outlets that go on from one that stops at `end`, "CNN, Reuters and the BBC", and where they end.

    Behind a comma alone may begin what is asked: "According to Reuters, the BBC …".
    """
    found: list[str] = []
    last, n_sure = end, 0
    while match := _JOINED.match(text, end):
        read = _read_source(match, known)
        if read is None:
            break
        sources, end = read
        is_name = _is_name(text[match.start("name") : end], known) and (
            ends_there(text, end) or _REPORTING.match(text, end) or _SAYING.match(text, end)
        )
        if not is_name and not (is_strong and _ends_all(text, end)):
            break
        found += sources
        if match["by"] != ",":
            last, n_sure = end, len(found)
    return found[:n_sure], last


def whole_outlet(words: str, known_sources: Collection[str]) -> tuple[str, ...]:
    """The known outlets that some words name, where they are nothing but that name; () otherwise."""
    known = source_keys(frozenset(known_sources))
    found = next((known[key] for key in phrase_keys(words) if key in known), ())
    return found if found and _is_name(words, known) else ()


def is_in_outlet(text: str, start: int, end: int, known_sources: Collection[str]) -> bool:
    """Whether the words at `start` to `end` are part of a known outlet's longer name: the day of "usa today"."""
    known = source_keys(frozenset(known_sources))
    before, after = text[max(0, start - 80) : start].split()[-4:], text[end : end + 80].split()[:4]
    for first in range(len(before), -1, -1):
        for last in range(0 if before[first:] else 1, len(after) + 1):
            name = "".join([*before[first:], text[start:end], *after[:last]])
            if re.sub(r"[\W_]", "", name.lower()) in known:
                # "What happened in the usa today?" asks for a day.
                is_place = name.islower() and before[:first][-1:] in (["in"], ["the"])
                return not is_place
    return False


def _is_name(words: str, known: dict[str, tuple[str, ...]]) -> bool:
    """Whether an outlet is written as a name or a host, and not as ordinary words: "independent experts".

    Without capitals, a name of several words spelt in full is one ("usa today"), and what has no vowel ("cnn").
    """
    named = re.sub(r"^the\s+", "", words, flags=re.IGNORECASE).split()
    return (
        not (named[0][0].islower() or named[-1][0].islower())
        or re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", named[-1]) is not None
        or re.search(r"[aeiouy]", named[0]) is None
        or (len(named) > 1 and "".join(named).lower() in known)
    )


def ends_there(text: str, end: int) -> bool:
    """Whether an outlet's name that stops at `end` is no part of a longer one, and owns nothing ("Reuters data")."""
    if re.match(r"['’-]\w", text[end:]):
        return False
    following = re.match(r"['’]?\s+(\w[\w’'-]*)", text[end:])
    return following is None or following[1] in _MAY_FOLLOW


def _ends_all(text: str, end: int) -> bool:
    """Whether a name without capitals may be meant: none is used elsewhere, and no word follows it at once."""
    return text[1:].islower() and re.match(r"\s*\w|['’-]\w", text[end:]) is None


def _is_told_there(text: str, match: re.Match[str], end: int, last: int) -> bool:
    """Whether "in", "on" or "from" an outlet says who tells: it opens the question or follows a word for telling.

    A publication of several words is one wherever something is "in" it.

    Args:
        text: The question.
        match: Of `_WEAK`.
        end: Where the outlet's name stops.
        last: Where the last of those stops that are named with it.
    """
    before = text[: match.start()].rstrip()
    if not before:
        return re.match(r"\s*[,:;–—]", text[last:]) is not None
    name = re.sub(r"^the\s+", "", text[match.start("name") : end], flags=re.IGNORECASE)
    is_in = match["by"].lower() == "in" and not name.islower()
    return _TOLD.search(before) is not None or (is_in and (" " in name or before.endswith(" said")))


def _read_source(match: re.Match[str], known: dict[str, tuple[str, ...]]) -> tuple[tuple[str, ...], int] | None:
    """The longest known outlet that the match's name begins with, and where it ends."""
    words = list(re.finditer(r"[^\s]+", match["name"]))
    for n in range(len(words), 0, -1):
        raw = match["name"][: words[n - 1].end()]
        name = re.sub(r"(?:['’]s?|[.,;:?!])+$", "", raw)
        for key in phrase_keys(name):
            if key in known:
                return known[key], match.start("name") + len(name)
    return None


def _read_part(match: re.Match[str], known_sources: Collection[str]) -> tuple[tuple[str, ...], int] | None:
    """The one outlet in whose name the match's first words stand, behind "source:", and where they end."""
    words = list(re.finditer(r"[^\s]+", match["name"]))
    for n in range(len(words), 0, -1):
        name = re.sub(r"[.,;:?!]+$", "", match["name"][: words[n - 1].end()])
        part = re.compile(rf"\b{re.escape(re.sub(r'^[Tt]he ', '', name))}\b", re.IGNORECASE)
        found = [source for source in known_sources if part.search(re.sub(r"\.\w+$", "", source))]  # without "com"
        if len(name) > _SHORT and len(found) == 1:
            return tuple(found), match.start("name") + len(name)
    return None


def phrase_keys(phrase: str) -> list[str]:
    """How an outlet's host may abbreviate a name: "New York Times" is nytimes.com, "BBC News" is bbc.com."""
    words = re.findall(r"[^\W_]+", phrase.lower().replace(".", ""))
    if words[:1] == ["the"]:
        words = words[1:]
    if not words:
        return []
    squashed = "".join(words)
    keys = [squashed, f"the{squashed}", f"{squashed}news"]
    if "." in phrase:
        keys += [k for k in (_host_label(phrase.lower()),) if k]
    if len(words) > 1:
        initials = "".join(w[0] for w in words)
        keys.append(initials[:-1] + words[-1])
        if len(words) > 2 and not phrase.islower():
            keys.append(initials)
        if words[-1] == "news":
            keys.append("".join(words[:-1]))
    return keys


@lru_cache(maxsize=8)
def source_keys(known_sources: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Squashed name → outlets, so that "the Harbor Courier" finds harbor-courier.example."""
    keys: dict[str, list[str]] = {}
    for source in sorted(known_sources):
        lowered = source.lower()
        own = {re.sub(r"[\W_]", "", re.sub(r"^the\s+", "", lowered))}
        if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", lowered):
            own.add(_host_label(lowered))
        for key in own - {""}:
            keys.setdefault(key, []).append(source)
    return {key: tuple(sources) for key, sources in keys.items()}


def _host_label(host: str) -> str:
    """`www.harbor-courier.co.uk` → `harborcourier`."""
    labels = host.strip(".").split(".")[:-1] or [host]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels = labels[:-1]
    return re.sub(r"[\W_]", "", labels[-1])
