"""The number that stands for a line of an article where lines are counted: a fourth of a corpus' file would be their
texts, which it has once already.

What it gives is stored: another number for a line would lose its count.
"""

from __future__ import annotations

from hashlib import blake2b

SHORT_WORDS = 3


def line_number(key: str) -> int:
    """64 bits, signed, never 0, of a line's key: case folded, single spaces. It says whether the line `is_short`.

    By chance two of a million lines have the same one in one of ten million corpora.
    """
    number = int.from_bytes(
        blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little", signed=True
    )
    return number | 1 if key.count(" ") < SHORT_WORDS else (number & ~1) or 2


def is_short(number: int) -> bool:
    """Whether the line of a number has up to three words."""
    return number & 1 == 1
