"""Every error that newsquote raises on purpose, in one tree.

    NewsquoteError
    ├── BadInput            a question, option or file that cannot be used
    │   └── QuestionTooLong more characters than are read
    ├── SettingsError       an environment variable that is misspelt or out of range
    ├── StoreError          corpus.db cannot be opened, written or understood
    │   └── StoreLocked     another ingest holds the data folder
    ├── IndexMissing        no snapshot yet
    ├── IndexStale          the snapshot was made by another model or schema
    ├── IndexCorrupt        a snapshot's file is missing, short or altered
    ├── FetchError          (url) something could not be fetched
    ├── ExtractError        (url) a page holds no article
    ├── FeedError           (url) what was read is no feed and no list of feeds
    ├── ModelUnavailable    an embedding model or reranker is missing, damaged or altered
    ├── LanguageModelFailed (reason) the optional language model gave no usable reply; the quotes stand without it
    ├── Busy                as many questions are waiting as may
    ├── Closing             the bot is stopping and takes no more questions
    └── UnverifiableQuote   a quote that does not stand in its article: our own bug, shown to nobody

A message is one sentence that states the values that disagree and the command to run next.
"""

from __future__ import annotations

# The commands to run next where an index is damaged.
REPAIR = "run `newsquote rollback` or `newsquote reindex`"


class NewsquoteError(Exception):
    """A known failure; `str()` is the sentence a person reads."""


class BadInput(NewsquoteError):
    pass


class QuestionTooLong(BadInput):
    pass


class SettingsError(NewsquoteError):
    pass


class StoreError(NewsquoteError):
    pass


class StoreLocked(StoreError):
    pass


class IndexMissing(NewsquoteError):
    pass


class IndexStale(NewsquoteError):
    pass


class IndexCorrupt(NewsquoteError):
    pass


class _AboutUrl(NewsquoteError):
    """Carries the address that the failure is about."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url}: {why}")
        self.url = url
        self.why = why


class FetchError(_AboutUrl):
    """Why an address gave nothing.

    Attributes:
        reason: One of the fixed phrases of `ingest.fetch`, for counting and for decisions.
        retry_after_s: Seconds after which asking again makes sense, where the server or our own rules say so.
    """

    def __init__(self, url: str, reason: str, sentence: str, retry_after_s: float | None = None) -> None:
        super().__init__(url, sentence)
        self.reason = reason
        self.retry_after_s = retry_after_s


class ExtractError(_AboutUrl):
    pass


class FeedError(_AboutUrl):
    pass


class ModelUnavailable(NewsquoteError):
    pass


class LanguageModelFailed(NewsquoteError):
    """Why there is no reply.

    Attributes:
        reason: "timeout", "unreachable", "busy", "rejected", "refused", "malformed", "too long" or "only thinking".
        detail: A few words of our own on it, as "status 404"; nothing that a server said.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"The language model gave no usable reply ({reason}: {detail}); the quotes stand without it.")
        self.reason = reason
        self.detail = detail


class Busy(NewsquoteError):
    pass


class Closing(NewsquoteError):
    pass


class UnverifiableQuote(NewsquoteError):
    pass


def first_line(error: BaseException) -> str:
    """Of what an error says, at most 200 characters; the name of its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
