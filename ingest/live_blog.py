"""A live blog's draft → one draft for each of its dated updates, and one for what is left.

The updates are those that the page's JSON-LD names; their words are taken from the page's own paragraphs where these
stand there. Pure; knows nothing about HTML or storage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ingest.draft import Draft
from ingest.identity import canonical_url, is_same_site
from ingest.jsonld import Update
from ingest.page_blocks import Paragraphs, Selection, words
from ingest.page_meta import iso_date

MIN_UPDATES = 2
_MIN_WORDS = 5
_MIN_REST_WORDS = 12
# Times, names and labels beside an update say nothing without it.
_LABEL_WORDS = 6
_ON_PAGE = 0.8
_MAX_PART_CHARS = 80


def split_updates(page: Draft, updates: Sequence[Update], lines_of: Callable[[str], list[str]]) -> list[Draft]:
    """The articles of a live blog, updates in the page's order behind what is no update; just `page` for other pages.

    Args:
        page: The whole page; its paragraphs are separated by blank lines.
        updates: As the page describes them; one without a readable date stays with the rest.
        lines_of: Plain lines of a body, which may be HTML.
    """
    paragraphs = page.text.split("\n\n")
    shown = Paragraphs(paragraphs)
    claimed: set[int] = set()
    drafts: list[Draft] = []
    names: set[str] = set()
    for update in updates:
        published, lines = iso_date(update.published), lines_of(update.body)
        selection = Selection(lines)
        if not published or selection.n_words < _MIN_WORDS:
            continue
        mine = [i for i in shown.held_by(selection) if i not in claimed]
        is_shown = selection.share_of([paragraphs[i] for i in mine]) >= _ON_PAGE
        claimed.update(mine)
        url, part = _place(update, page.url, published)
        if part:
            n = 2
            while part in names:
                part, n = f"{part.rpartition('~')[0] or part}~{n}", n + 1
            names.add(part)
        drafts.append(
            replace(
                page,
                text="\n\n".join([paragraphs[i] for i in mine] if is_shown else lines),
                url=url,
                title=update.headline or page.title,
                published=published,
                updated=iso_date(update.updated),
                date_from="json-ld",
                authors=update.authors or page.authors,
                extra="",
                part=part,
            )
        )
    if len(drafts) < MIN_UPDATES:
        return [page]
    return [*_rest(page, paragraphs, claimed, updates), *drafts]


def _place(update: Update, page_url: str, published: str) -> tuple[str, str]:
    """Where an update is to be opened, and its name on the page; no name where it has a page of its own."""
    try:
        anchor = urlsplit(update.url).fragment
    except ValueError:
        anchor = ""
    name = re.sub(r"[^\w.~-]+", "-", anchor)[:_MAX_PART_CHARS].strip("-")
    is_address = update.url.startswith(("http://", "https://")) and is_same_site(update.url, page_url)
    if is_address and canonical_url(update.url) != canonical_url(page_url) and not name:
        return update.url, ""
    if name:
        return (update.url if is_address else f"{page_url.split('#')[0]}#{anchor}") if page_url else "", name
    return page_url, "update-" + re.sub(r"\D", "", published[:19])


def _rest(page: Draft, paragraphs: Sequence[str], claimed: set[int], updates: Sequence[Update]) -> list[Draft]:
    """What the page says beside its updates, where that is an article at all."""
    headlines = {" ".join(words(update.headline)) for update in updates}
    kept = []
    for i, text in enumerate(paragraphs):
        found = words(text)
        if i not in claimed and len(found) > _LABEL_WORDS and " ".join(found) not in headlines:
            kept.append(text)
    if sum(len(words(text)) for text in kept) < _MIN_REST_WORDS:
        return []
    return [replace(page, text="\n\n".join(kept))]
