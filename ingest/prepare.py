"""What can be said of a draft by itself: its text in one form, then cleaned, with fingerprint and language.

Pure, most of the work of storing an article, and done for many of them beside each other. Imports little, so that a
process which does nothing else starts soon.
"""

from __future__ import annotations

from typing import NamedTuple

from ingest.boilerplate import numbers_of
from ingest.clean import Cleaned, clean, normalise
from ingest.copies import Fingerprint, fingerprint
from ingest.language import language_of


class Normal(NamedTuple):
    """A text in one form, and the numbers of its lines."""

    text: str
    lines: frozenset[int]


def normalised(text: str) -> Normal:
    """A draft's text normalised."""
    text = normalise(text)
    return Normal(text, numbers_of(text))


class Uncleaned(NamedTuple):
    """What cleaning asks for; see `clean`. The text is normalised."""

    title: str
    text: str
    is_stub: bool
    learned: frozenset[int]


class Prepared(NamedTuple):
    """A draft as it will be stored, with the fingerprint and the language of its text."""

    cleaned: Cleaned
    mark: Fingerprint
    language: str


def prepared(one: Uncleaned) -> Prepared:
    """A draft cleaned and looked at."""
    cleaned = clean(one.title, one.text, is_stub=one.is_stub, learned=one.learned, is_normal=True)
    return Prepared(cleaned, fingerprint(cleaned.text), language_of(cleaned.text))
