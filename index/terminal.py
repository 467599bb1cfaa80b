"""Text for a terminal: untrusted text made harmless, numbers with their nouns, moments and lengths of time.

Knows nothing about what is shown.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

# Embeddings, overrides and isolates make a line read in another order than it is stored.
_REORDERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_OBEYED = ("Cc", "Cs")
_BLANKS = frozenset("\t\n\u2028\u2029")


def safe(text: str) -> str:
    """Text of one line that a terminal shows and does not obey.

    A run of line breaks and tabs becomes one space; every other control character, lone surrogate and direction
    override becomes U+FFFD.
    """
    shown: list[str] = []
    for char in text:
        if char in _BLANKS:
            if shown[-1:] != [" "]:
                shown.append(" ")
        elif char in _REORDERS or unicodedata.category(char) in _OBEYED:
            shown.append("\N{REPLACEMENT CHARACTER}")
        else:
            shown.append(char)
    return "".join(shown)


def counted(n: int, noun: str, many: str = "") -> str:
    """A number and what it counts: `1 copy`, `2,000 copies`; the plural is `many`, or the noun with an s."""
    return f"{n:,} {noun if n == 1 else many or noun + 's'}"


def moment(instant_s: float) -> str:
    """An instant to the minute, in UTC."""
    return datetime.fromtimestamp(instant_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: int) -> str:
    """A length of time in the largest unit that there are two of: `3 days`, `26 hours` of a day and a bit."""
    for unit, n in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * n:
            return f"{seconds // n:,} {unit}"
    return f"{seconds} seconds"
