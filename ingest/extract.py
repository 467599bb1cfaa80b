"""Saved HTML page → `Draft`: the article on it, word for word as a browser shows it.

trafilatura and JSON-LD say *which* blocks of the page are the article; the text itself is always taken
from the page's own blocks, whole (see `ingest.page_blocks`). Knows nothing about fetching or storage.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from index.errors import ExtractError
from index.scripts import count_words
from ingest.draft import Draft
from ingest.page_bytes import decode_page

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from ingest.jsonld import LinkedArticle
    from ingest.page_blocks import Block
    from ingest.page_meta import PageMeta

MAX_PAGE_BYTES = 20_000_000
# Above either, only a plain choice of long paragraphs is made: trafilatura takes tens of seconds there.
_MAX_ELEMENTS = 40_000
_MAX_DEPTH = 200
# htmldate needs 7 s for 5 million characters.
_MAX_DATE_CHARS = 3_000_000
_MIN_WORDS = 12
# A page that says "not free" and shows fewer words than this shows its teaser.
_STUB_WORDS = 150
_WALL_WORDS = 250
_WALL = re.compile(
    r"\bcookies?\b|\bconsent\b|einwilligung|datenschutz|before you continue|privacy (?:policy|settings)|"
    r"enable java ?script|java ?script is (?:disabled|required)|javascript aktivieren|activate javascript|"
    r"checking your browser|verify (?:that )?you are (?:a )?human|are you a robot|captcha|access denied|"
    r"consentement|consentimiento|zgod[ay] na|souhlas",
    re.IGNORECASE,
)


def extract_all(html: bytes, url: str = "", *, origin: str, charset: str = "") -> list[Draft]:
    """The articles on a page: one, or of a live blog one for each dated update, and one for what is left.

    Arguments and errors are those of `extract`.
    """
    from ingest.live_blog import split_updates

    draft, linked = _extracted(html, url, origin, charset)
    if linked.kind != "LiveBlogPosting":
        return [draft]
    return split_updates(draft, linked.updates, _plain_lines)


def extract(html: bytes, url: str = "", *, origin: str, charset: str = "") -> Draft:
    """The article on a saved page, a live blog as a whole; paragraphs are separated by blank lines.

    Args:
        html: Raw bytes of the page, at most 20 MB.
        url: Where it was found; "" takes the address that the page gives itself.
        origin: For messages and `Draft.origin`.
        charset: From the HTTP header, if known.

    Raises:
        ExtractError: The page is too large or too deep, no HTML, or holds no article (consent wall, a page
            that needs JavaScript, a list of links).
    """
    return _extracted(html, url, origin, charset)[0]


def _extracted(html: bytes, url: str, origin: str, charset: str) -> tuple[Draft, LinkedArticle]:
    try:
        return _read(html, url, origin, charset)
    except RecursionError as error:  # one page must not end a run
        raise ExtractError(url or origin, "is nested too deeply to read") from error


def _read(html: bytes, url: str, origin: str, charset: str) -> tuple[Draft, LinkedArticle]:
    about = url or origin
    if len(html) > MAX_PAGE_BYTES:
        raise ExtractError(about, f"the page has {len(html):,} bytes, more than the {MAX_PAGE_BYTES:,} that are read")
    text, guesses = decode_page(html, charset)
    from ingest.jsonld import LinkedArticle, linked_article
    from ingest.page_blocks import parse_html
    from ingest.page_meta import is_json_ld, meta_values, page_address, page_meta

    root = parse_html(text)
    if root is None:
        raise ExtractError(about, "holds no HTML")
    scripts = ["".join(script.itertext()) for script in root.iter("script") if is_json_ld(script)]
    linked = linked_article(scripts, url, page_address(root, meta_values(root), LinkedArticle(), url))
    oversized = _is_oversized(root)
    meta = page_meta(root, linked, url, search_text=not oversized and len(text) <= _MAX_DATE_CHARS)
    body, more = _body(root, linked, meta, oversized)
    _check_article(about, body, linked, meta, root)
    n_words = count_words(body)
    draft = Draft(
        origin=origin,
        text=body,
        url=meta.url,
        title=meta.title,
        published=meta.published,
        updated=meta.updated,
        date_from=meta.date_from,
        source="" if meta.url else linked.publisher,
        authors=meta.authors,
        language=meta.language,
        is_stub=(meta.is_locked or not linked.is_free) and n_words < _STUB_WORDS,
        warnings=(*guesses, *more),
        extra=json.dumps({"correction": linked.correction}, ensure_ascii=False) if linked.correction else "",
    )
    return draft, linked


def _body(root: HtmlElement, linked: LinkedArticle, meta: PageMeta, oversized: bool) -> tuple[str, tuple[str, ...]]:
    """The article's paragraphs, and warnings; "" if nothing on the page reads like an article."""
    from ingest.page_blocks import Selection, page_blocks, words
    from ingest.page_choice import article_blocks, is_list_of_links, long_paragraphs

    # Some pages are hidden as a whole until a script runs, or while a dialogue is open.
    blocks = page_blocks(root) or page_blocks(root, opens_hidden=True)
    told = _told_lines(linked)
    if oversized:
        return _join(long_paragraphs(blocks)), ("oversized",)
    found = Selection(_trafilatura_lines(root, meta.url))
    stated = Selection(told)
    chosen = article_blocks(
        blocks,
        found,
        stated,
        title=meta.title,
        description=linked.description,
        authors=meta.authors,
        is_live=linked.kind == "LiveBlogPosting",
    )
    shown_words = sum(len(words(block.text)) for block in chosen)
    # The page draws its text by script, but carries all of it for search engines.
    if stated.n_words > max(2 * shown_words, 60) and stated.share_in(blocks) < 0.3:
        return "\n\n".join(told), ("json-ld-text",)
    # A page that names itself an article, or a date in its head, is believed.
    if not linked.kind and meta.date_from not in ("meta", "json-ld") and is_list_of_links(blocks, chosen):
        return "", ()
    return _join(chosen), ()


def _join(blocks: Sequence[Block]) -> str:
    return "\n\n".join(block.text for block in blocks)


def _told_lines(linked: LinkedArticle) -> list[str]:
    """The paragraphs of `articleBody`, or of a live blog's entries with time and headline as own lines."""
    if linked.updates:
        parts = [part for one in linked.updates for part in (one.published, one.headline, one.body) if part]
    else:
        parts = [linked.body]
    return [line for part in parts for line in _plain_lines(part)]


def _plain_lines(text: str) -> list[str]:
    """Lines of a JSON-LD text, which some sites fill with (escaped) HTML."""
    from html import unescape

    from ingest.page_blocks import page_blocks, parse_html, shown

    if re.search(r"&lt;/?(?:p|br|a|div)\b|&(?:amp;)?#?\w{2,6};", text):
        text = unescape(text)
    if re.search(r"</?(?:p|br|a|div|strong|em)\b[^<>]*>", text):
        tree = parse_html(text)
        return [] if tree is None else [line for block in page_blocks(tree) for line in block.text.split("\n")]
    return [line for line in map(shown, text.split("\n")) if line]


def _is_oversized(root: HtmlElement) -> bool:
    """Whether the tree is too large or too deep for code that recurses or is quadratic."""
    from lxml.etree import iterwalk

    depth = n_elements = 0
    for event, _ in iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        n_elements += 1
        if n_elements > _MAX_ELEMENTS or depth > _MAX_DEPTH:
            return True
    return False


def _trafilatura_lines(root: HtmlElement, url: str) -> list[str]:
    """Lines that trafilatura takes for the article; used to choose blocks, never shown."""
    with warnings.catch_warnings():
        # Its downloader, which is not used here, complains on import that SOCKS support is missing.
        warnings.simplefilter("ignore")
        from trafilatura import bare_extraction

    try:
        # Precision loses less than recall gains elsewhere: F1 .959 against .952 on 90 pages.
        found = bare_extraction(root, url=url or None, include_comments=False, favor_precision=True)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []
    return [] if found is None or not found.text else str(found.text).split("\n")


def _check_article(about: str, body: str, linked: LinkedArticle, meta: PageMeta, root: HtmlElement) -> None:
    """Raises `ExtractError` unless the page describes or shows an article."""
    n_words = count_words(body)
    if n_words < _MIN_WORDS and not (linked.kind and body):
        why = "shows no text of an article"
        if _WALL.search(" ".join(root.text_content().split())[:5_000]):
            why = "shows a consent wall, or needs JavaScript, in place of an article"
        raise ExtractError(about, why)
    if not linked.kind and not meta.published and n_words < _WALL_WORDS and _WALL.search(body + " " + meta.title):
        raise ExtractError(about, "shows a consent wall, or needs JavaScript, in place of an article")
    if linked.is_listing and not linked.kind and meta.date_from in ("", "text"):
        raise ExtractError(about, "is a list of articles")
