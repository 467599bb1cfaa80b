"""Which blocks of a page are the article: pure rules over blocks and two selections.

Knows nothing about trees, trafilatura or JSON-LD; no rule is made for one site.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ingest.page_blocks import Block, Selection, words

# What a site says its text is must be about as long as what is found, or it is a teaser.
_COMPLETE = 0.6
_ON_PAGE = 0.8
_LINK_DENSE = 0.6
# A sentence may be mostly links; a list of links in one paragraph is nothing else.
_ALL_LINKS = 0.9
_GAP_LINKS = 0.4
# Elements beside the text; each counts as such only while it holds less than this share of the text,
# since some sites wrap a whole page in `<form>` or `<aside>`.
_BESIDE = frozenset({"nav", "footer", "aside", "form", "menu", "figure", "figcaption", "embed", "caption"})
_INSIDE = 0.3
_CAPTION_ROLE = re.compile(
    r"(?<![a-z])(?:(?:img|image|photo|picture|media|bild|foto)[-_]*)?(?:caption|credits?|copyright)s?(?![a-z])"
)
_LEDE_ROLE = re.compile(
    r"lead(?!er)|lede|teaser|standfirst|sub-?(?:title|head|headline)|summary|intro|dek(?![a-z])|deck(?![a-z])|abstract|"
    r"excerpt|synopsis|preamble|sapo|perex|entradilla|bajada|sumario|ingress|vorspann|chapeau|chapo|occhiello|"
    r"sottotitolo|linha-?fina|description|alternativeheadline|bullet|key-?points"
)
_LEDE_REACH = 20
_LEDE_WORDS = 6
_GAP_WORDS = 12
_LONG_WORDS = 15
_MIN_TEASERS = 4
_LABEL_WORDS = 4
_SENTENCE_END = re.compile(r"[.!?…。！？؟][\"'”’»“)\]]*$")


def article_blocks(
    blocks: Sequence[Block],
    found: Selection,
    stated: Selection,
    *,
    title: str,
    description: str = "",
    authors: Sequence[str] = (),
    is_live: bool = False,
) -> list[Block]:
    """The blocks that are the article, in page order; empty if neither selection stands on the page.

    Args:
        blocks: All blocks of the page, in order.
        found: What a general extractor takes for the article.
        stated: What the site itself gives as the article's text, or an empty selection.
        title: The headline, which is not part of the text.
        description: The site's one-sentence summary; kept where it stands as a lede above the text.
        authors: Of the byline, which is not part of the text either.
        is_live: A live blog, whose entries keep their times.
    """
    picked = {i for i, block in enumerate(blocks) if found.holds(block)}
    if stated.n_words >= _COMPLETE * found.n_words and stated.share_in(blocks) >= _ON_PAGE:
        picked = _as_stated(blocks, picked, stated)
    else:
        picked |= _gaps(blocks, picked)
    beside = _beside(blocks, picked)
    picked = {i for i in picked if not _is_foreign(blocks[i], beside)}
    if not picked:
        return []
    picked |= _lede(blocks, min(picked), description, title, beside)
    if is_live:
        picked |= _times_above(blocks, picked)
    return _trimmed([blocks[i] for i in sorted(picked)], title, authors)


def _as_stated(blocks: Sequence[Block], picked: set[int], stated: Selection) -> set[int]:
    """The stated blocks, with the headings among `picked` that stand between them."""
    told = {i for i, block in enumerate(blocks) if stated.holds(block)}
    if not told:
        return picked
    first, last = min(told), max(told)
    return told | {i for i in picked if first < i < last and blocks[i].is_heading}


def _gaps(blocks: Sequence[Block], picked: set[int]) -> set[int]:
    """Paragraphs that the extractor dropped for their links: between two picked ones of the same parent, or in a
    wrapper of their own like those next to them.
    """
    paragraphs = [i for i in sorted(picked) if blocks[i].tag == "p"]
    firsts: dict[int, int] = {}
    lasts: dict[int, int] = {}
    for i in paragraphs:
        firsts.setdefault(blocks[i].parent, i)
        lasts[blocks[i].parent] = i
    siblings = {i for i, one in enumerate(blocks) if firsts.get(one.parent, i) < i < lasts.get(one.parent, i)}
    wrapped = {
        i
        for before, after in pairwise(paragraphs)
        if _place(blocks[before]) == _place(blocks[after])
        for i in range(before + 1, after)
        if _place(blocks[i]) == _place(blocks[before]) and blocks[i].link_share <= _GAP_LINKS
    }
    return {i for i in siblings | wrapped if _is_prose(blocks[i])}


def _place(block: Block) -> tuple[str, frozenset[str]]:
    return block.role, block.around


def _is_prose(block: Block) -> bool:
    """Whether it is a paragraph of a whole sentence."""
    return block.tag == "p" and _SENTENCE_END.search(block.text) is not None and len(words(block.text)) >= _GAP_WORDS


def _kinds(block: Block) -> frozenset[str]:
    return block.around | {"caption"} if _CAPTION_ROLE.search(block.role) else block.around


def _beside(blocks: Sequence[Block], picked: set[int]) -> frozenset[str]:
    n_words = {i: len(words(blocks[i].text)) for i in picked}
    limit = _INSIDE * sum(n_words.values())
    return frozenset(
        kind for kind in _BESIDE if sum(n for i, n in n_words.items() if kind in _kinds(blocks[i])) <= limit
    )


def _is_foreign(block: Block, beside: frozenset[str]) -> bool:
    if _kinds(block) & beside or block.link_share >= _ALL_LINKS:
        return True
    return block.link_share > _LINK_DENSE and not _is_prose(block)


def _lede(blocks: Sequence[Block], first: int, description: str, title: str, beside: frozenset[str]) -> set[int]:
    """Summaries between headline and text: the site's own description, or what the classes call one.

    A headline that is said again below its `<h1>` (as in breadcrumbs) ends the search only where no `<h1>` of it
    is found.
    """
    wanted, headline = words(description), words(title)
    ledes: set[int] = set()
    below: set[int] | None = None
    for i in range(first - 1, max(first - _LEDE_REACH, 0) - 1, -1):
        block = blocks[i]
        found = words(block.text)
        if block.tag == "h1":
            return ledes if below is None or found == headline else below
        if found == headline:
            below = ledes.copy() if below is None else below
            continue
        if len(found) < _LEDE_WORDS or _is_foreign(block, beside):
            continue
        if found == wanted or _LEDE_ROLE.search(block.role):
            ledes.add(i)
    # Without a headline above, classes say too little: a teaser of another story looks the same.
    return below if below is not None else {i for i in ledes if words(blocks[i].text) == wanted}


def _times_above(blocks: Sequence[Block], picked: set[int]) -> set[int]:
    """Time lines and headings that stand directly above a picked block: the entries of a live blog."""
    above: set[int] = set()
    for i in picked:
        for j in (i - 1, i - 2):
            if j < 0 or not (blocks[j].is_heading or blocks[j].is_time) or len(words(blocks[j].text)) > 25:
                break
            above.add(j)
    return above


def _trimmed(kept: Sequence[Block], title: str, authors: Sequence[str]) -> list[Block]:
    """`kept` without headline, byline, labels above and below the text, and paragraphs shown twice."""
    headline = words(title)
    names = {word for author in authors for word in words(author)}
    seen: set[tuple[str, ...]] = set()
    text: list[Block] = []
    for block in kept:
        found = tuple(words(block.text))
        # The same paragraph twice is a pull quote or a second copy for small screens.
        if list(found) == headline or block.tag == "h1" or (len(found) > 5 and found in seen):
            continue
        if not text and not block.is_time and _is_label(block, names):
            continue
        seen.add(found)
        text.append(block)
    while text and (text[-1].is_heading or (text[-1].text.endswith(":") and len(words(text[-1].text)) <= _LABEL_WORDS)):
        text.pop()
    return text


def _is_label(block: Block, names: set[str]) -> bool:
    """A section name, a dateline of its own or a byline: a few words that make no sentence."""
    found = words(block.text)
    if _SENTENCE_END.search(block.text):
        return False
    return len(found) <= _LABEL_WORDS or (bool(names) and len(set(found) - names) <= 2 and len(found) <= 12)


def is_list_of_links(blocks: Sequence[Block], chosen: Sequence[Block]) -> bool:
    """Whether most of the chosen blocks are teasers: each right below a heading that is a link."""
    wanted = {id(block) for block in chosen}
    below = [lower for upper, lower in pairwise(blocks) if upper.is_heading and upper.link_share > _LINK_DENSE]
    n_teasers = sum(id(block) in wanted for block in below)
    return len(below) >= _MIN_TEASERS and 2 * n_teasers > len(chosen)


def long_paragraphs(blocks: Sequence[Block]) -> list[Block]:
    """Paragraphs of running text, for pages too large to look at closely."""
    return [block for block in blocks if not _is_foreign(block, _BESIDE) and len(words(block.text)) >= _LONG_WORDS]
