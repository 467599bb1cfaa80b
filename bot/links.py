"""Links that open an article at the quoted words (`#:~:text=…`), and an outlet's name from its address.

Follows the WICG's "URL Fragment Text Directives": a browser looks for the directive's words without
regard to case and accents, at word boundaries, each piece inside one block, and takes the first place
that fits. The same search is run here over the stored text, so that a link is only as long as it must
be to land on the right place. A line break of the text is taken for the end of a block.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

from index.sentences import crosses
from index.types import Quote

MAX_LINK_CHARS = 512
# A quote of up to so many words is named whole; a longer one by its first and last words.
MAX_WHOLE_WORDS = 10
_ENDS_N_WORDS = (6, 9, 14, 20, 4, 3, 2, 1)
_CONTEXTS = ((0, 0), (2, 0), (0, 2), (2, 2), (5, 0), (0, 5), (5, 5), (12, 12), (40, 40))
_BREAK = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_VISIBLE = re.compile(r"\S+")
_NOT_ASCII = re.compile(r"[^!-~]+")
_INSIDE_WORDS = frozenset("'’.,:;·\u2024\u2027")


@dataclass(frozen=True, slots=True)
class _Directive:
    """The four pieces, as spans of the text; empty spans are left out."""

    prefix: tuple[int, int]
    first: tuple[int, int]
    last: tuple[int, int]
    suffix: tuple[int, int]


# The search takes up to a third of a second in a long article. It is made in the thread that found the quote, and its
# card is drawn again at each edit of a text above it; kept are the quotes of some forty answers.
@lru_cache(maxsize=128)
def quote_link(shown: Quote) -> str | None:
    """The article's URL with a text fragment that selects the quote; None for a local article."""
    article, span = shown.article, shown.span
    if article.address is None:
        return None
    return fragment_link(article.address, article.text, span.start, span.end, article.cuts) or None


def fragment_link(url: str, text: str, start: int, end: int, cuts: Sequence[int] = ()) -> str:
    """`url` with the directive that selects `text[start:end]`.

    Args:
        url: The article's address, as written; its own fragment is kept, an old directive replaced.
        text: The article's text, as it is shown on the page block by block.
        start: First code point of the quote; inside a word, the whole word is taken.
        end: One past its last.
        cuts: Ascending offsets at which lines of the page were removed from the text.

    Returns:
        "" for an address that is not http(s). The bare address for a quote without visible characters, or
        every directive would be longer than 512 characters or open another place. Where the same words
        cannot be told apart (a paragraph that occurs twice), the link opens the first of the equals.
    """
    base, _, _ = _asked(url).partition(":~:")
    if not base:
        return ""
    base = base.removesuffix("#")
    start, end = _whole_words(text, *_trimmed(text, start, end))
    if start >= end:
        return base
    opening = base + (":~:text=" if "#" in base else "#:~:text=")
    folded = _folded(text)
    for line_before in _lines_before(text, start, end, cuts):
        starts_there = equal = ""
        for directive in _directives(text, start, end, line_before):
            link = opening + _written(text, directive)
            if len(link) > MAX_LINK_CHARS:
                continue
            found = _selected(folded, directive)
            if found == (start, end):
                return link
            if found and found[0] == start:
                starts_there = starts_there or link
            elif found and folded[slice(*found)].split() == folded[start:end].split():
                equal = equal or link
        if starts_there or equal:
            return starts_there or equal
    return base


def site_name(url: str) -> str:
    """The host without `www.`, lower case; "" where there is none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def _asked(url: str) -> str:
    """An http(s) address as a browser asks for it, in visible ASCII; "" for anything else."""
    url = url.strip()
    if any(unicodedata.category(c) == "Cc" for c in url):
        return ""
    try:
        parts = urlsplit(url)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname or any(map(str.isspace, parts.netloc)):
            return ""
        netloc = parts.netloc
        if not netloc.isascii():
            from yarl import URL  # rarely needed, and slow to import

            before, at, host = netloc.rpartition("@")
            host, colon, port = host.partition(":")
            netloc = f"{_percent(before)}{at}{URL(f'https://{host}').raw_host}{colon}{port}"
    except ValueError:  # of brackets, ports and names that no host can have
        return ""
    # Not put together again from its parts, which would lose an empty query or fragment.
    scheme, slashes, rest = url.partition("//")
    return scheme + slashes + netloc + _percent(rest.removeprefix(parts.netloc))


def _percent(part: str) -> str:
    """What is no visible ASCII percent-encoded; what is encoded already stays as it is."""
    return _NOT_ASCII.sub(lambda found: quote(found[0], safe="", errors="replace"), part)


# --- Choosing the words ----------------------------------------------------------------------------


def _lines_before(text: str, start: int, end: int, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where words before the quote may be taken from: its own line; then, where it begins one, the line above.

    Another block may stand between the two on the page, so the line above comes last, and never over a removed one.
    """
    own = (_line_start(text, start), start)
    yield own
    stop = len(text[:start].rstrip())
    above = (_line_start(text, stop), stop)
    if above[0] < stop < own[0] and not crosses(cuts, above[0], end):
        yield above


def _directives(text: str, start: int, end: int, line_before: tuple[int, int]) -> Iterator[_Directive]:
    """Directives for the quote, those wanted first: short, then with more words, then with context."""
    first_line = (start, min((i for i in range(start, end) if text[i] in _BREAK), default=end))
    last_line = (max((i + 1 for i in range(start, end) if text[i] in _BREAK), default=start), end)
    opening, closing = _words_in(text, *first_line), _words_in(text, *last_line)
    before, after = _words_in(text, *line_before), _words_in(text, end, _line_end(text, end))
    one_line = first_line[1] == end
    ends: list[tuple[tuple[int, int], tuple[int, int]]] = []
    if one_line and len(opening) <= MAX_WHOLE_WORDS:
        ends.append(((start, end), (end, end)))
    for n in _ENDS_N_WORDS:
        n_last = min(n, len(opening) - n if one_line else len(closing))
        if n_last > 0:
            ends.append(((start, opening[min(n, len(opening)) - 1][1]), (closing[-n_last][0], end)))
    if one_line and len(opening) > MAX_WHOLE_WORDS:
        ends.append(((start, end), (end, end)))
    for n_before, n_after in _CONTEXTS:
        if n_before > 2 * len(before) + 2 and n_after > 2 * len(after) + 2:
            continue
        prefix = (before[-n_before:][0][0], before[-1][1]) if n_before and before else (start, start)
        suffix = (after[0][0], after[:n_after][-1][1]) if n_after and after else (end, end)
        for first, last in ends:
            yield _Directive(prefix, first, last, suffix)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    start, end = max(0, start), min(len(text), end)
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    if start < end:
        while not _is_boundary(text, start):
            start -= 1
        while not _is_boundary(text, end):
            end += 1
    return start, end


def _line_start(text: str, at: int) -> int:
    while at > 0 and text[at - 1] not in _BREAK:
        at -= 1
    return at


def _line_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in _BREAK:
        at += 1
    return at


def _words_in(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of what stands between white space."""
    return [m.span() for m in _VISIBLE.finditer(text, start, end)]


# --- The browser's search --------------------------------------------------------------------------


def _selected(folded: str, directive: _Directive) -> tuple[int, int] | None:
    """The first stretch that a browser would select, or None."""
    prefix, first, last, suffix = (
        _pattern(folded[a:b]) for a, b in (directive.prefix, directive.first, directive.last, directive.suffix)
    )
    at = 0
    while True:
        if prefix:
            led = _find(folded, prefix, at)
            if led is None:
                return None
            at = led.start() + 1
            begin = first.match(folded, _after_space(folded, led.end())) if first else None
        else:
            begin = _find(folded, first, at) if first else None
            if begin is None:
                return None
            at = begin.start() + 1
        if begin is None:
            continue
        end = _end_of_selection(folded, begin, last, suffix)
        if end is not None:
            return begin.start(), end


def _end_of_selection(
    folded: str, begin: re.Match[str], last: re.Pattern[str] | None, suffix: re.Pattern[str] | None
) -> int | None:
    if last is None:
        return begin.end() if _ends_well(folded, begin.end(), suffix) else None
    if not _is_boundary(folded, begin.end()):
        return None
    at = begin.end()
    while closing := _find(folded, last, at):
        if _ends_well(folded, closing.end(), suffix):
            return closing.end()
        at = closing.start() + 1
    return None


def _ends_well(folded: str, end: int, suffix: re.Pattern[str] | None) -> bool:
    if suffix is None:
        return _is_boundary(folded, end)
    follows = suffix.match(folded, _after_space(folded, end))
    return follows is not None and _is_boundary(folded, follows.end())


def _find(folded: str, pattern: re.Pattern[str], at: int) -> re.Match[str] | None:
    """The first match from an offset on that begins where a word may."""
    while match := pattern.search(folded, at):
        if _is_boundary(folded, match.start()):
            return match
        at = match.start() + 1
    return None


def _pattern(piece: str) -> re.Pattern[str] | None:
    words = piece.split()
    return re.compile(rf"[^\S{_BREAK}]+".join(map(re.escape, words))) if words else None


def _after_space(folded: str, at: int) -> int:
    """The next visible character; between a prefix and its words a block may end, inside them not."""
    while at < len(folded) and folded[at].isspace():
        at += 1
    return at


def _is_boundary(text: str, at: int) -> bool:
    """Whether a word may begin or end at `at`; no boundary inside "don't", "3,000" or before an accent."""
    if at <= 0 or at >= len(text):
        return True
    left, right = text[at - 1], text[at]
    if right == "\u200d" or left == "\u200d" or unicodedata.category(right)[0] == "M" or right in "🏻🏼🏽🏾🏿":
        return False
    if _is_wordy(left) and _is_wordy(right):
        return False
    if right in _INSIDE_WORDS and _is_wordy(left):
        return not (at + 1 < len(text) and _is_wordy(text[at + 1]))
    if left in _INSIDE_WORDS and _is_wordy(right):
        return not (at > 1 and _is_wordy(text[at - 2]))
    return True


def _is_wordy(c: str) -> bool:
    return c.isalnum() or c == "_" or unicodedata.category(c)[0] == "M"


def _folded(text: str) -> str:
    """Case and accents away, one character for one."""
    return text.lower() if text.isascii() else "".join(map(_base, text))


@lru_cache(maxsize=4_096)
def _base(c: str) -> str:
    return unicodedata.normalize("NFD", c)[0].lower()[0]


# --- Writing it down -------------------------------------------------------------------------------


def _written(text: str, directive: _Directive) -> str:
    prefix, first, last, suffix = (
        _encoded(text[a:b]) for a, b in (directive.prefix, directive.first, directive.last, directive.suffix)
    )
    return (f"{prefix}-," if prefix else "") + first + (f",{last}" if last else "") + (f",-{suffix}" if suffix else "")


def _encoded(piece: str) -> str:
    """Percent-encoded, "-" too: a bare one would mark a prefix or suffix. White space becomes one blank."""
    return quote(" ".join(piece.split()), safe="", errors="replace").replace("-", "%2D")
