"""How an article changed: its versions one after the other, as unified differences with dates and correction notes.

Reads the store; the rest is a function of values. Knows nothing about where versions came from.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.errors import BadInput
from index.store import ALWAYS, NEVER
from index.store_feeds import FeedStore
from index.terminal import counted, moment, safe
from index.types import Article, written
from ingest.identity import canonical_url, is_local

RED, GREEN, DIM, RESET = "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Change:
    """One version, and what it changed.

    Attributes:
        article: The version.
        valid_from_s: Since when it is valid; None for always.
        valid_to_s: Until when; None for the current one.
        diff: Lines of a unified difference to the version before, without its header; empty for the first.
    """

    article: Article
    valid_from_s: int | None
    valid_to_s: int | None
    diff: tuple[str, ...]


def article_history(store: FeedStore, url: str) -> list[Change]:
    """Every version of an article in the order of its validity.

    Args:
        store: To ask.
        url: Its address or its id, or what was given for a URL and is none.

    Raises:
        BadInput: It is not in the corpus, was retracted, or stands for several articles.
    """
    identity = url if is_local(url) else canonical_url(url if "://" in url else f"https://{url}")
    versions = store.versions(url) or (store.versions(identity) if identity else [])
    if not versions and (ids := store.ids_at(url)):
        if len(ids) > 1:
            raise BadInput(f"{url} was given for {len(ids):,} articles; name one by its id, such as {ids[0]}.")
        identity = ids[0]
        versions = store.versions(identity)
    if not versions and (own := store.article_at(url, identity)):
        identity = own
        versions = store.versions(identity)
    if not versions:
        known = store.known(identity) if identity else None
        if known is not None and known.is_retracted:
            removal = store.removal(identity or "")
            why = f" ({removal.reason})" if removal is not None else ""
            raise BadInput(f"{url} was retracted{why}, and its text is not shown any more.")
        if parts := [one for one in store.parts_of(identity or "") if not store.is_retracted(one)]:
            n_parts = counted(len(parts), "update")
            raise BadInput(f"{url} is in the corpus by {n_parts} of it; name one, such as {parts[0]}.")
        raise BadInput(f"{url} is not in the corpus; `newsquote feeds why` may tell why.")
    changes = [Change(versions[0][0], *_valid(versions[0][1:]), ())]
    for (before, *_), (after, *span) in pairwise(versions):
        changes.append(Change(after, *_valid(span), _diff(before, after)))
    return changes


def _valid(span: Sequence[int]) -> tuple[int | None, int | None]:
    first_s, last_s = span
    return (None if first_s == ALWAYS else first_s), (None if last_s == NEVER else last_s)


def _diff(before: Article, after: Article) -> tuple[str, ...]:
    lines = list(difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=1))
    return tuple(lines[2:])


def _lines(article: Article) -> list[str]:
    """What a reader sees of a version, line by line."""
    head = [f"title: {article.title}", f"published: {article.published or 'undated'}", f"source: {article.source}"]
    head += [f"authors: {', '.join(article.authors)}"] if article.authors else []
    return [*head, "", *article.text.split("\n")]


def history_lines(changes: Sequence[Change], *, colour: bool) -> str:
    """The history for a person; a version's lines are those that `diff -u` shows."""
    first = changes[0].article
    shown = [safe(f"{first.shown_as}: {len(changes)} version{'' if len(changes) == 1 else 's'}")]
    for number, change in enumerate(changes, start=1):
        article = change.article
        since = "the beginning" if change.valid_from_s is None else moment(change.valid_from_s)
        until = f" to {moment(change.valid_to_s)}" if change.valid_to_s is not None else ", current"
        notes = [f"updated {article.updated}"] if article.updated else []
        notes += ["only its beginning is known"] if article.is_stub else []
        shown.append("")
        shown.append(safe(f"version {number}, from {since}{until}" + (f" ({'; '.join(notes)})" if notes else "")))
        if number == 1:
            shown.append(safe(f"  {article.title or '(no title)'}; {len(article.text.split()):,} words"))
        if article.correction:
            shown.append(safe(f"  note: {article.correction}"))
        shown += [_coloured(line, colour) for line in change.diff]
    return "\n".join(shown)


def _coloured(line: str, colour: bool) -> str:
    text = safe(line)
    if not colour:
        return text
    on = {"+": GREEN, "-": RED, "@": DIM}.get(line[:1], "")
    return f"{on}{text}{RESET}" if on else text


def history_json(changes: Sequence[Change]) -> dict[str, object]:
    """The history as JSON values."""
    first = changes[0].article
    return {
        "url": first.address,
        "article_id": first.id,
        "versions": [
            {
                "version": change.article.version,
                "valid_from": written(change.valid_from_s),
                "valid_to": written(change.valid_to_s),
                "title": change.article.title,
                "published": change.article.published,
                "updated": change.article.updated,
                "correction": change.article.correction or None,
                "is_stub": change.article.is_stub,
                "diff": list(change.diff),
            }
            for change in changes
        ],
    }
