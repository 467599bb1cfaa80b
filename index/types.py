"""The words the whole project shares, as frozen values.

Knows nothing about storage, search, Discord or the network. Offsets everywhere are code points of
`Article.text`, half-open. Instants are whole seconds since 1970-01-01T00:00:00Z; published dates are
kept as written (ISO 8601, a day or a day with a time and zone) beside the instant they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

DAY_S = 86_400
# What the id of an article begins with that has no usable address.
LOCAL = "local:"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open stretch `[start, end)` of code points."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"span [{self.start}, {self.end}) is not a stretch of text")

    def __len__(self) -> int:
        return self.end - self.start

    def __reduce__(self) -> tuple[type[Span], tuple[int, int]]:
        """In half the time of a dataclass: splitting sends one for every passage from process to process."""
        return Span, (self.start, self.end)

    def of(self, text: str) -> str:
        """The characters of `text` that the span covers."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Article:
    """One version of an article, as stored.

    Attributes:
        id: Canonical URL, or `local:…` where there is none.
        version: Row number of this version in the store; versions never change once stored.
        url: What was given for its URL when it was first ingested, be it one or not; None where nothing was.
        title: May be empty.
        published: ISO 8601 as far as it is known (`2025-04-18` or `2025-04-18T09:30:00+02:00`); None if unknown.
        updated: The same for the last update the publisher names.
        source: The outlet, usually its host name; never empty.
        authors: In the order of the byline.
        text: Normalised text. Every offset in the project counts its code points.
        cuts: Ascending offsets in `text` at which whole lines were removed; no quote spans one.
        language: ISO 639-1 code, or "" where unknown.
        is_stub: Only headline and lede are known (paywall, consent page, …).
        correction: The publisher's correction note found in the text, or "".
        copy_of: Id of the article that this one is a near-copy of, or None.
        corrected_s: Since when a later version of the article carries a correction note, or None.
    """

    id: str
    version: int
    url: str | None
    title: str
    published: str | None
    updated: str | None
    source: str
    authors: tuple[str, ...]
    text: str
    cuts: tuple[int, ...] = ()
    language: str = ""
    is_stub: bool = False
    correction: str = ""
    copy_of: str | None = None
    corrected_s: int | None = None

    @property
    def address(self) -> str | None:
        """The URL to show, as first ingested; None for a local article, whatever was given for its URL."""
        return None if self.id.startswith(LOCAL) else self.url

    @property
    def shown_as(self) -> str:
        """What the article stands under in a list: its address, or its id where it has none."""
        return self.address or self.id


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found for a question.

    Attributes:
        passage: Row of the passage in the snapshot.
        version: Article version it belongs to.
        span: Where it stands in that version's text.
        score: Fused score; higher is better, comparable within one result only.
        cosine: Cosine of question and passage vectors, in [-1, 1].
        bm25: Raw BM25 score of the question's words; 0 where none occurs.
        recency: What the date added to `score`.
    """

    passage: int
    version: int
    span: Span
    score: float
    cosine: float
    bm25: float
    recency: float


@dataclass(frozen=True, slots=True)
class Filters:
    """What may answer at all. Instants are inclusive.

    Attributes:
        as_of_s: Nothing published after it is used, and the version valid then is quoted.
        since_s: Earliest publication, or None.
        until_s: Latest publication, or None. Undated articles drop out only where a window is given.
        sources: Lower-case outlet names that may answer; empty for all.
        language: ISO 639-1 code, or "" for all.
        after_version: Only versions that were stored after this one; 0 for all.
    """

    as_of_s: int
    since_s: int | None = None
    until_s: int | None = None
    sources: frozenset[str] = frozenset()
    language: str = ""
    after_version: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim span of one article version, with the answer marked where it was found.

    `article.text[start:end] == text` always; `answer` is a span of the article too, inside `span`.
    """

    article: Article
    span: Span
    text: str
    score: float
    answer: Span | None = None
    cut_left: bool = False
    cut_right: bool = False
    also: tuple[str, ...] = ()


Status = Literal["answered", "not_found"]


class Embedder(Protocol):
    """Turns text into unit vectors, for one thread at a time.

    Attributes:
        name: The model's name as it stands in the manifest.
        revision: Digest or revision of its weights.
        runtime: What computes it; vectors of two runtimes are never mixed in one snapshot.
        dim: Length of a vector.
        max_tokens: Longest input the model reads, special tokens included.
    """

    name: str
    revision: str
    runtime: str
    dim: int
    max_tokens: int

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's own tokenizer, without special tokens and uncut."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """(n, dim) float32, unit norm, in the order of `texts`."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """(dim,) float32, unit norm."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """Neighbouring sentences of an article as a reranker reads them: together, and under the article's title.

    Attributes:
        title: Of the article, or "".
        sentences: In their order.
    """

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a reranker makes of sentences.

    Attributes:
        scores: (n,) log-odds that each answers; higher is better.
        places: Where in each the answer would stand, in code points of it; None where that cannot be said.
    """

    scores: npt.NDArray[np.float64]
    places: tuple[Span | None, ...]


class Reranker(Protocol):
    """Judges how well sentences answer a question, reading both together; safe to share between threads.

    Attributes:
        name: The model's name.
        revision: Digest or revision of its weights.
        runtime: What computes it.
    """

    name: str
    revision: str
    runtime: str

    def reads(self, question: str) -> bool:
        """Whether it was taught the script that a question is written in; what it says of others tells nothing."""
        ...

    def judge(self, question: str, readings: Sequence[Reading]) -> Judged:
        """Of every sentence of every reading, in their order."""
        ...


def instant_s(published: str | None) -> int | None:
    """Seconds since the epoch of an ISO date or date-time; a bare day counts from its start in UTC.

    Args:
        published: As kept in `Article.published`.

    Returns:
        None for None. A date-time without a zone is read as UTC.
    """
    if not published:
        return None
    moment = datetime.fromisoformat(published)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


def written(instant: int | None) -> str | None:
    """An instant as an ISO date-time in UTC; None for None."""
    return None if instant is None else datetime.fromtimestamp(instant, UTC).isoformat()


def end_of_day_s(day: date) -> int:
    """The last second of `day`, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) + DAY_S - 1


def start_of_day_s(day: date) -> int:
    """The first second of `day`, UTC."""
    return end_of_day_s(day) - DAY_S + 1


def day_of(instant: int) -> date:
    """The UTC day of an instant."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant)).date()
