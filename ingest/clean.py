"""From text as found to text as stored: one Unicode form, no boilerplate lines, nothing else touched.

What comes out is hashed, indexed and quoted as it is, so no step edits inside a line beyond single
code points that nobody sees; only bytes that were read wrongly throughout are read again before the
first one. Knows nothing about HTML, storage or other articles; which lines are boilerplate is the matter of
`ingest.boilerplate`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from dataclasses import dataclass

from index.scripts import has_words
from ingest.boilerplate import BULLET, WALL, boilerplate

# Zero-width space, word joiner, byte-order mark and soft hyphen only mark where a line may break; inside
# a word they hide it from every search.
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_CONTROLS = [chr(c) for c in [*range(0x20), *range(0x7F, 0xA0)] if chr(c) not in "\t\n" + _BREAKS]
_CODE_POINTS = str.maketrans(dict.fromkeys(_BREAKS, "\n") | dict.fromkeys([*_INVISIBLE, *_CONTROLS], ""))
# A search for the rare is ten times faster than translating a text that has none of them.
_RARE = re.compile("[" + re.escape("".join([*_BREAKS, *_INVISIBLE, *_CONTROLS])) + "]")
# The joiners carry meaning between letters of Arabic or Indic scripts and between emoji, and none beside
# Latin, Greek or Cyrillic letters, spaces and punctuation, where pages hide them as watermarks.
_JOINED = r"[\u0600-\u1dff\u2070-\U0010ffff]"
_STRAY_JOINER = re.compile(rf"(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})")
_BLANK_LINES = re.compile(r"\n{3,}")

# The first byte of a character of several, as Windows-1252 reads it.
_LEADS = re.compile("[\xc2-\xf4]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")
# Bytes that Windows-1252 does not use, and that are passed on as they are where it is read; as Python keeps bytes.
_UNUSED = {byte: 0xDC00 + byte for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_IS_UNUSED = re.compile("[\x81\x8d\x8f\x90\x9d]")


def reread(text: str, at_least: int = 2) -> str:
    """UTF-8 that was read as Windows-1252 (`â€™` for an apostrophe), once or several times, as it was meant.

    Nothing is guessed: all of the text must be bytes of Windows-1252, and these UTF-8 to the last one, with `at_least`
    so many characters of several bytes. Of a text that is meant as it stands a single quotation mark or é prevents it.

    Args:
        text: As found, before anything is taken out of it.
        at_least: Fewer may be meant, as where a text tells of one.
    """
    while (first := _NOT_ASCII.search(text)) and _LEADS.match(first[0]):  # all but of a few texts stop here
        try:
            kept = text.translate(_UNUSED) if _IS_UNUSED.search(text) else text
            meant = kept.encode("cp1252", "surrogateescape").decode()
        except UnicodeError:
            break
        if sum(c > "\x7f" for c in meant) < at_least:
            break
        text = meant
    return text


def normalise(text: str) -> str:
    """The text in NFC with plain line breaks and no invisible characters; applying it twice changes nothing.

    Every kind of line break becomes a line feed, three or more become one blank line, and blank lines
    at both ends go. Spaces at the ends of lines go too. Control characters, NUL among them, and
    zero-width characters are dropped, joiners only where they join nothing. Halves of a surrogate pair
    are put together, a lone one becomes U+FFFD. Curly quotes, no-break spaces and all else stay.

    Args:
        text: Any string, "" included.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _RARE.search(text):
        text = text.translate(_CODE_POINTS)
    text = _nfc(text)
    if ("\u200c" in text or "\u200d" in text) and _STRAY_JOINER.search(text):
        # Again, because a joiner can have kept two characters from composing.
        text = _nfc(_STRAY_JOINER.sub("", text))
    text = "\n".join(map(str.rstrip, text.split("\n")))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def _nfc(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


_CORRECTION = re.compile(
    r"""
    (?:editor['’]?s['’]?\ note\s*[:—-]\s*)?
    (?: (?:corrections?|clarifications?) (?:\ (?:and|&)\ clarifications?)? (?:\ note)?
        (?:\s*\([^)]{1,40}\) | \ on\ [^:]{1,30} | \ [^:]{4,20}\d)? \s*[:：—]
    | (?:an?\ )? (?:earlier|previous|prior)\ version\ of\ (?:this|the)\ PIECE\b
    | this\ PIECE\ (?:has\ been|was) (?:\ (?:updated|amended)\ (?:\w+\ ){0,4}(?:and|to))?\ correct(?:ed)?\b
    | this\ PIECE\ (?:has\ been|was)\ amended\b
    )
    """.replace("PIECE", "(?:article|story|report|column|post|headline|caption|graphic|page|piece|timeline)"),
    re.IGNORECASE | re.VERBOSE,
)

_WALLED_WORDS = 150
_TEASER_WORDS = 40
_TEASER_END = re.compile(r"(?:…|\.\.\.)[\])]?$")
_MAX_TITLE_WORDS = 25
_MIN_DOUBLED_WORDS = 3
_OUTLET_SUFFIX = re.compile(r"\s[|–—-]\s[^|–—-]{2,40}$")
_QUOTE_MARKS = str.maketrans(dict.fromkeys("‘’‚‛“”„‟«»\"'`´", ""))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An article's title and text as they are stored, and what was taken out.

    Attributes:
        title: One line; "" where there is none.
        text: Normalised, without boilerplate lines.
        cuts: Ascending offsets in `text` of the lines before which something was removed, `len(text)` for
            the end; never 0. No quote spans one.
        removed: The lines that went, in order; a line that became or repeated the title is not among them.
        is_stub: Only headline and lede are known.
        correction: The publisher's correction note, which stays in `text`; "" if none.
    """

    title: str
    text: str
    cuts: tuple[int, ...]
    removed: tuple[str, ...]
    is_stub: bool
    correction: str


def clean(
    title: str, text: str, *, is_stub: bool = False, learned: Set[int] = frozenset(), is_normal: bool = False
) -> Cleaned:
    """Normalises title and text, drops whole boilerplate lines, settles the title.

    An empty title is taken from a first line that reads like a headline. A title written twice in a row
    is halved, in the title and in the first line; the first lines that repeat the title go. What comes out
    changes no more when it is cleaned again, as happens when an export is read.

    Args:
        title: As found; may be "".
        text: As found, paragraphs ending in line breaks.
        is_stub: The source already says that the text is only a part.
        learned: Numbers (`number_of`) of lines that are boilerplate of this source.
        is_normal: The text has been normalised before.

    Returns:
        Text "" if nothing but boilerplate was there.
    """
    title = _halved(" ".join(normalise(title).split()))
    lines = written = (text if is_normal else normalise(text)).split("\n")
    gone = boilerplate(lines, learned)
    removed = {at for at, out in enumerate(gone) if out}

    kept = [i for i, line in enumerate(lines) if line and not gone[i]]
    for first in kept:
        halved = _halved(lines[first].strip())
        is_doubled = halved != lines[first].strip()
        if is_doubled and boilerplate([halved], learned)[0]:
            gone[first] = True
            removed.add(first)
            continue
        if not title and len(kept) > 1 and _reads_like_a_headline(halved):
            title = halved
        if title and _same_headline(halved, title):
            gone[first] = True  # and what follows is looked at: a headline that is left would go the next time
            continue
        if is_doubled:
            # The second half goes as if it were a line of its own, so that a cut stands after the first.
            lines = [*lines[:first], halved, halved, *lines[first + 1 :]]
            gone[first : first + 1] = [False, True]
        break

    walled = any(WALL.match(written[at].strip()) for at in removed)
    stored, cuts = _joined(lines, gone)
    return Cleaned(
        title=title,
        text=stored,
        cuts=cuts,
        removed=tuple(written[at] for at in sorted(removed)),
        is_stub=is_stub
        or (walled and not has_words(stored, _WALLED_WORDS))
        or (not has_words(stored, _TEASER_WORDS) and _TEASER_END.search(stored) is not None),
        correction=_correction(stored),
    )


def _halved(line: str) -> str:
    """`T` for a line `T T` of at least three words, `T T T T` too; any other line unchanged."""
    middle = len(line) // 2
    half = line[:middle]
    doubled = len(line) % 2 == 1 and line[middle].isspace() and half == line[middle + 1 :]
    return _halved(half) if doubled and len(half.split()) >= _MIN_DOUBLED_WORDS else line


def _reads_like_a_headline(line: str) -> bool:
    n_words = len(line.split())
    if not 2 <= n_words <= _MAX_TITLE_WORDS or BULLET.match(line) or line.lower().startswith(("by ", "von ")):
        return False
    return not line.endswith((".", "…", ":", ",", ";", ".”", '."', ".’", "—"))


def _same_headline(line: str, title: str) -> bool:
    """Whether a line says the title, give or take quotation marks, case and the outlet's name behind it."""
    a, b = (_OUTLET_SUFFIX.sub("", text) for text in (line, title))
    return _headline_key(line) == _headline_key(title) or _headline_key(a) == _headline_key(b)


def _headline_key(text: str) -> str:
    return " ".join(text.casefold().translate(_QUOTE_MARKS).split())


def _joined(lines: list[str], gone: list[bool]) -> tuple[str, tuple[int, ...]]:
    """The kept lines as text, a blank line where one stood between them, and the offsets of the cuts."""
    parts: list[str] = []
    cuts: list[int] = []
    size, was_cut, was_blank = 0, False, False
    for line, out in zip(lines, gone, strict=True):
        if out or not line:
            was_cut |= out
            was_blank |= not line
            continue
        if parts:
            gap = "\n\n" if was_blank else "\n"
            parts.append(gap)
            size += len(gap)
            if was_cut:
                cuts.append(size)
        parts.append(line)
        size += len(line)
        was_cut = was_blank = False
    if parts and was_cut:
        cuts.append(size)
    return "".join(parts), tuple(cuts)


def _correction(text: str) -> str:
    """The first paragraph that is a correction note, with the next one where it is only its heading."""
    lines = [line for line in text.split("\n") if line]
    for i, line in enumerate(lines):
        if _CORRECTION.match(line.strip("[]()*_ ")):
            is_heading = line.rstrip().endswith((":", "：")) and i + 1 < len(lines)
            return f"{line}\n{lines[i + 1]}" if is_heading else line
    return ""
