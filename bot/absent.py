"""Well-known outlets that a question asks for and the corpus does not have. Pure.

A note comes of it, never a filter. Precision goes before recall: a short list of names, in a few forms that can mean
nothing else. An outlet that is not listed, or is asked for in other words, stays a word to search for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from bot.outlets import ends_there, phrase_keys, source_keys

# A name to show, and what else it is called.
_OUTLETS: tuple[tuple[str, ...], ...] = (
    # Wire services
    ("Reuters", "Thomson Reuters"),
    ("Associated Press", "AP", "AP News"),
    ("Agence France-Presse", "AFP"),
    ("Bloomberg News", "Bloomberg"),
    ("Press Association", "PA Media"),
    ("UPI", "United Press International"),
    ("dpa", "Deutsche Presse-Agentur"),
    ("ANSA",),
    ("Anadolu", "Anadolu Agency"),
    ("Interfax",),
    ("Kyodo", "Kyodo News"),
    ("RIA Novosti",),
    ("TASS",),
    ("Ukrinform",),
    ("Xinhua", "Xinhua News Agency"),
    ("Yonhap", "Yonhap News Agency"),
    # Broadcasters
    ("BBC", "BBC News", "British Broadcasting Corporation"),
    ("CNN",),
    ("ABC", "ABC News"),
    ("CBS", "CBS News"),
    ("NBC", "NBC News"),
    ("MSNBC",),
    ("CNBC",),
    ("Fox News",),
    ("NPR", "National Public Radio"),
    ("PBS", "PBS NewsHour"),
    ("C-SPAN",),
    ("CBC", "CBC News"),
    ("CTV News",),
    ("ITV", "ITV News"),
    ("Sky News",),
    ("Channel 4 News",),
    ("RTÉ", "RTE", "RTÉ News"),
    ("Al Jazeera",),
    ("Al Arabiya",),
    ("Deutsche Welle", "DW"),
    ("Euronews",),
    ("France 24",),
    ("NHK", "NHK World"),
    ("NDTV",),
    ("CGTN",),
    # Papers, magazines and sites
    ("The New York Times", "NY Times", "NYT", "NYTimes"),
    ("The Washington Post", "WaPo"),
    ("The Wall Street Journal", "WSJ"),
    ("Los Angeles Times", "LA Times"),
    ("USA Today",),
    ("Chicago Tribune",),
    ("The Boston Globe",),
    ("New York Post", "NY Post"),
    ("Miami Herald",),
    ("Politico",),
    ("Axios",),
    ("ProPublica",),
    ("HuffPost", "Huffington Post"),
    ("BuzzFeed News",),
    ("Business Insider",),
    ("Newsweek",),
    ("Time magazine",),
    ("The Atlantic",),
    ("The Guardian",),
    ("The Times",),
    ("The Sunday Times",),
    ("The Telegraph",),
    ("The Daily Telegraph",),
    ("The Independent",),
    ("The Sun",),
    ("The Mirror", "Daily Mirror"),
    ("Daily Mail", "MailOnline"),
    ("Daily Express",),
    ("The Economist",),
    ("Financial Times", "FT"),
    ("The Irish Times",),
    ("The Globe and Mail",),
    ("Toronto Star",),
    ("The Sydney Morning Herald", "SMH"),
    ("The Japan Times",),
    ("Asahi Shimbun",),
    ("South China Morning Post", "SCMP"),
    ("The Straits Times",),
    ("The Times of India",),
    ("Hindustan Times",),
    ("The Indian Express",),
    ("Haaretz",),
    ("The Jerusalem Post",),
    ("The Times of Israel",),
    ("The Kyiv Independent",),
    ("The Moscow Times",),
    ("Meduza",),
    ("Le Monde",),
    ("Le Figaro",),
    ("El País", "El Pais"),
    ("Corriere della Sera",),
    ("La Repubblica",),
    ("Der Spiegel",),
    ("Die Zeit",),
    ("Frankfurter Allgemeine Zeitung", "Frankfurter Allgemeine", "FAZ"),
    ("Süddeutsche Zeitung", "Sueddeutsche Zeitung"),
)
# Ordinary words and initials: only with their capitals, and with "the" where it is part of the name.
_ORDINARY = frozenset(
    {
        *("The Atlantic", "The Guardian", "The Times", "The Telegraph", "The Independent", "The Sun", "The Mirror"),
        *("The Economist", "AP", "FT", "DW", "UPI", "ABC", "ANSA", "TASS", "dpa", "SMH", "FAZ", "RTE"),
    }
)
# With "the" they are something else: "the AFP" is Australia's police, "the CBS" and "the PBS" count people and prices.
_WITHOUT_ARTICLE = frozenset({"AFP", "ANSA", "CBC", "CBS", "DW", "NBC", "NPR", "PBS", "RTE", "TASS", "UPI"})
# Also a person, who may be asked what he says of a thing.
_PERSONS = frozenset({"Bloomberg"})
# A name of no more letters is looked for as a whole name only.
_SHORT = 2


def _pattern_of(name: str) -> str:
    """How one name may be written."""
    words = r"\s+".join(map(re.escape, name.removeprefix("The ").split()))
    if name not in _ORDINARY:
        words = f"(?i:{words})"
    if name in _WITHOUT_ARTICLE:
        return words
    is_needed = name in _ORDINARY and name.startswith("The ")
    return rf"(?i:the\s+){'' if is_needed else '?'}{words}"


_NAMES = "|".join(map(_pattern_of, sorted((name for names in _OUTLETS for name in names), key=len, reverse=True)))
_NAME = rf"[“\"'‘*_]*(?P<name>{_NAMES})(?![\w-])"
_CLOSED = r"[”\"'’*_]*"
_ACCORDING = re.compile(
    rf"[,(]?\s*\b(?i:(?:according\s+to|as\s+reported\s+(?:by|in)|per)\s+|sources?\s*[:=]\s*){_NAME}{_CLOSED}"
)
_AND = re.compile(rf"\s*(?:,?\s+(?i:and|or|&)\s+|/){_NAME}{_CLOSED}")
_ASKED = re.compile(rf"\b(?P<verb>(?i:did|does|do|has|have))\s+{_NAME}{_CLOSED}")
# Of itself an outlet speaks as a firm: "what does the BBC say about its licence fee?"
_OF_OTHERS = r"\b(?!\s+(?:its|their|itself)\b)"
_REPORTING = re.compile(
    rf"\s+(?:report(?:ed)?|writ(?:e|ten)|publish(?:ed)?)(?=\s+(?:about|on|that){_OF_OTHERS})", re.IGNORECASE
)
_SAYING = re.compile(rf"\s+say(?=\s+about{_OF_OTHERS})", re.IGNORECASE)


def absent_outlets(
    text: str, known_sources: Collection[str], spent: Sequence[tuple[int, int]] = ()
) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    """Well-known outlets that the question asks for outright and the corpus does not have, and the stretches that do.

    Args:
        text: The question.
        known_sources: Outlets of the corpus. One that may be the outlet under a longer or shorter name counts as it:
            nothing is said to be missing that is only spelt in another way.
        spent: Stretches that were read as an outlet of the corpus.
    """
    known = frozenset(known_sources)
    absent: dict[str, None] = {}
    stretches = []
    for start, end, named in _asked_for(text, spent):
        if any(a < end and start < b for a, b in spent) or (
            text.isupper() and any(_bare(name).lower() in _BARE_ORDINARY for name in named)
        ):
            continue
        outlets = [_BY_NAME[_bare(name).lower()] for name in named]
        missing = [outlet for outlet in outlets if not _is_known(outlet, known)]
        absent.update(dict.fromkeys(missing))
        if len(missing) == len(outlets):
            stretches.append((start, end))
    return tuple(absent), stretches


def _asked_for(text: str, spent: Sequence[tuple[int, int]]) -> list[tuple[int, int, list[str]]]:
    """The stretches that ask for listed outlets, in order, and the names in each as they stand there.

    They may go on from an outlet that the corpus has: "according to the Harbor Courier and Reuters".
    """
    found = []
    begins = [*_ACCORDING.finditer(text), *filter(None, (_AND.match(text, end) for _, end in spent))]
    for match in begins:
        named, end = [], match.start()
        following: re.Match[str] | None = match
        while following is not None and ends_there(text, following.end("name")):
            named.append(following["name"])
            end = following.end()
            following = _AND.match(text, end)
        if named:
            found.append((match.start(), end, named))
    for match in _ASKED.finditer(text):
        tail = _REPORTING.match(text, match.end())
        if match["verb"].lower().startswith("do") and _bare(match["name"]) not in _PERSONS:
            tail = tail or _SAYING.match(text, match.end())
        if tail is not None:
            found.append((match.start(), tail.end(), [match["name"]]))
    return sorted(found)


def _bare(name: str) -> str:
    return re.sub(r"^the\s+", "", " ".join(name.split()), flags=re.IGNORECASE)


_BY_NAME = {_bare(name).lower(): names[0] for names in _OUTLETS for name in names}
_BARE_ORDINARY = frozenset(_bare(name).lower() for name in _ORDINARY)


@lru_cache(maxsize=256)
def _is_known(outlet: str, known_sources: frozenset[str]) -> bool:
    """Whether the corpus may have an outlet: by a key of its own, or inside a longer name ("BBC Sport")."""
    names = next(names for names in _OUTLETS if names[0] == outlet)
    keys = {key for name in names for key in phrase_keys(_bare(name))}
    known = source_keys(known_sources)
    if any(key in known for key in keys):
        return True
    parts = {re.sub(r"[\W_]", "", _bare(name).lower()) for name in names}
    whole = [re.sub(r"[\W_]", "", source.lower()) for source in known_sources]
    return any(part in source for part in parts if len(part) > _SHORT for source in whole)
