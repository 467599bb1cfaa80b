"""A page → its tree, and its blocks of text as a browser shows them, and the choice of those that are the article.

Every character of the result stands on the page: the choice is by whole blocks, never inside one. Knows
nothing about metadata or where the page came from. One pass over the tree, no recursion.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml.etree import LxmlError, _Element, iterwalk
from lxml.html import HtmlElement, HTMLParser, document_fromstring

# fmt: off
_HIDDEN = frozenset({
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "embed", "canvas",
    "video", "audio", "button", "select", "option", "datalist", "textarea", "input", "head", "map",
    "dialog",
})
_BLOCK = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
    "h5", "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "p",
    "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    "amp-img",
})
# fmt: on
_AROUND = frozenset({"nav", "footer", "aside", "figure", "figcaption", "form", "menu"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
# Where templates write what an element is for; classes may be letters that a build tool drew.
_NAMING = ("class", "itemprop", "id", "data-testid", "data-component", "data-gu-name")
# Every block inside repeats it.
_MAX_ROLE_CHARS = 1_000
# Without the no-break spaces, which a browser shows one by one.
_SPACES = re.compile(r"[ \t\n\r\f]+")
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_EMBED = re.compile(
    r"twitter-tweet|instagram-media|tiktok-embed|fb-(?:post|video)|bluesky-embed|reddit-(?:embed|card)|telegram-post"
)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]|[^\W_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+")
_SHINGLE = 3
# A block belongs to a selection when this share of its word triples occurs there; below it a paragraph
# merely repeats a phrase. Whole blocks shorter than a triple must stand there as a line of their own.
_COVERED = 0.7


@dataclass(frozen=True, slots=True)
class Block:
    """One block of the page.

    Attributes:
        text: As a browser shows it, white space collapsed; `<br>` is a line break.
        tag: The innermost block element around it.
        around: Those of nav, footer, aside, figure, … that it stands in; `embed` is a network's post.
        role: Lower-case classes and other names (`_NAMING`) of `tag` and of the element around it.
        link_share: Share of its characters that are link text, in [0, 1].
        parent: Number of the element around `tag`; equal for siblings.
        is_time: It holds a `<time>` element and little else.
    """

    text: str
    tag: str
    around: frozenset[str]
    role: str
    link_share: float
    parent: int
    is_time: bool

    @property
    def is_heading(self) -> bool:
        return self.tag in _HEADINGS


def parse_html(text: str) -> HtmlElement | None:
    """The tree of a page or of a piece of one; None if there is no element in it."""
    # One parser a page: they are not safe to share between threads.
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        return document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError, AssertionError):
        return None


def words(text: str) -> list[str]:
    """Case-folded words; one character each where a script writes no spaces."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def shown(text: str) -> str:
    """`text` as a browser shows it on one line: runs of white space become one space, ends are bare."""
    return _SPACES.sub(" ", text).strip()


def page_blocks(root: _Element, *, opens_hidden: bool = False) -> list[Block]:
    """All blocks with text, in page order; scripts, buttons and what `hidden` or a style hides left out.

    Args:
        root: Of the page.
        opens_hidden: Read what is hidden too, but not what is hidden inside of that.
    """
    return list(_Walk(opens_hidden).blocks(root))


@dataclass(frozen=True, slots=True)
class _Open:
    """A block element that is not closed yet; `kind` is what it adds to `Block.around`, or ""."""

    tag: str
    number: int
    role: str
    kind: str


class _Walk:
    """The state of one pass: the block being filled and where in the tree it stands."""

    def __init__(self, opens_hidden: bool) -> None:
        self._opens_hidden = opens_hidden
        self._opened: _Element | None = None
        self._pieces: list[str] = []
        self._n_link = 0
        self._n_time = 0
        self._stack: list[_Open] = [_Open("html", 0, "", "")]
        self._n_links_open = 0
        self._n_times_open = 0

    def blocks(self, root: _Element) -> Iterator[Block]:
        walk = iterwalk(root, events=("start", "end", "comment", "pi"))
        n_elements = 0
        skipped: _Element | None = None
        for event, element in walk:
            if event in ("comment", "pi"):
                self._add(element.tail)
                continue
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                n_elements += 1
                if tag in _HIDDEN or self._hides(element):
                    skipped = element
                    walk.skip_subtree()
                    continue
                if tag in _BLOCK:
                    yield from self._flush()
                    named = (element.get(name) for name in _NAMING)
                    role = " ".join(filter(None, named)).strip().lower()[:_MAX_ROLE_CHARS]
                    kind = "embed" if _EMBED.search(role) else tag if tag in _AROUND else ""
                    self._stack.append(_Open(tag, n_elements, role, kind))
                elif tag == "br":
                    self._pieces.append("\0")
                self._n_links_open += tag == "a"
                self._n_times_open += tag == "time"
                self._add(element.text)
                continue
            if element is not skipped:
                self._n_links_open -= tag == "a"
                self._n_times_open -= tag == "time"
                if tag in _BLOCK:
                    yield from self._flush()
                    self._stack.pop()
            if element is self._opened:
                self._opened = None
            if element is not root:
                self._add(element.tail)
        yield from self._flush()

    def _hides(self, element: _Element) -> bool:
        """Whether an element is not read."""
        if not _is_hidden(element):
            return False
        if not self._opens_hidden or self._opened is not None:
            return True
        self._opened = element
        return False

    def _add(self, text: str | None) -> None:
        if not text:
            return
        self._pieces.append(text)
        n_chars = len(text) - sum(map(text.count, " \t\n"))
        self._n_link += n_chars if self._n_links_open > 0 else 0
        self._n_time += n_chars if self._n_times_open > 0 else 0

    def _flush(self) -> Iterator[Block]:
        pieces, n_link, n_time = self._pieces, self._n_link, self._n_time
        self._pieces, self._n_link, self._n_time = [], 0, 0
        joined = "".join(pieces)
        n_chars = max(len(re.sub(r"\s", "", joined.replace("\0", ""))), 1)
        inner, outer = self._stack[-1], self._stack[max(len(self._stack) - 2, 0)]
        around = frozenset(one.kind for one in self._stack if one.kind)
        # Two line breaks with nothing between are how older pages end a paragraph.
        for part in re.split(r"\0\s*\0[\0\s]*", joined):
            lines = [shown(line) for line in part.split("\0")]
            text = "\n".join(line for line in lines if line)
            if not text:
                continue
            yield Block(
                text=text,
                tag=inner.tag,
                around=around,
                role=f"{inner.role} {outer.role}".strip(),
                link_share=min(n_link / n_chars, 1.0),
                parent=outer.number,
                is_time=n_time > n_chars / 2,
            )


def _is_hidden(element: _Element) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style and _HIDING.search(style))


class Selection:
    """The words of an extractor's result, to ask which blocks of the page it means."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.n_words = 0
        self._lines: set[str] = set()
        self._shingles: set[tuple[str, ...]] = set()
        for line in lines:
            found = words(line)
            self.n_words += len(found)
            self._lines.add(" ".join(found))
            self._shingles.update(_triples(found))

    def parts(self) -> Iterator[str | tuple[str, ...]]:
        """Its lines and word triples; what has none of them is not held."""
        yield from self._lines
        yield from self._shingles

    def holds(self, block: Block) -> bool:
        """Whether the block's words are (nearly) all part of the selection, in their order."""
        return self.holds_text(block.text)

    def holds_text(self, text: str) -> bool:
        """The same for the text of a block."""
        return self.holds_words(words(text))

    def holds_words(self, found: Sequence[str]) -> bool:
        """The same for its words."""
        if not found:
            return False
        if " ".join(found) in self._lines:
            return True
        triples = _triples(found)
        if len(triples) < 3:
            return False
        return sum(triple in self._shingles for triple in triples) >= _COVERED * len(triples)

    def share_in(self, blocks: Sequence[Block]) -> float:
        """Share of the selection's word triples that stand in `blocks`; 0 for an empty selection."""
        return self.share_of([block.text for block in blocks])

    def share_of(self, texts: Sequence[str]) -> float:
        """The same for texts of blocks."""
        if not self._shingles:
            return 0.0
        there: set[tuple[str, ...]] = set()
        for text in texts:
            there.update(_triples(words(text)))
        return len(self._shingles & there) / len(self._shingles)


class Paragraphs:
    """The words of a page's paragraphs, taken apart once, to ask which of them each of many selections means."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [words(text) for text in texts]
        self._places: defaultdict[str | tuple[str, ...], list[int]] = defaultdict(list)
        counts = Counter(triple for found in self._words for triple in _triples(found))
        for i, found in enumerate(self._words):
            self._places[" ".join(found)].append(i)
            # Whoever holds enough of a paragraph's triples holds one of its rarest, which few others have.
            rarest = sorted(_triples(found), key=counts.__getitem__)
            for triple in set(rarest[: int((1 - _COVERED) * len(rarest)) + 1]):
                self._places[triple].append(i)

    def held_by(self, selection: Selection) -> list[int]:
        """The numbers of those that a selection holds, in order."""
        near = {i for key in selection.parts() for i in self._places.get(key, ())}
        return [i for i in sorted(near) if selection.holds_words(self._words[i])]


def _triples(found: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(found[i : i + _SHINGLE]) for i in range(len(found) - _SHINGLE + 1)]


def overlap(one: str, other: str) -> float:
    """Share of the shorter text's word triples that stand in the other, in [0, 1]; 1 where one is too short to tell."""
    first, second = set(_triples(words(one))), set(_triples(words(other)))
    return len(first & second) / min(len(first), len(second)) if first and second else 1.0
