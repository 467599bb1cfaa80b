"""Bytes of a saved page → its characters, by choosing the right decoding and never by editing text.

Knows nothing about HTML beyond where a page declares its charset.
"""

from __future__ import annotations

import codecs
import re

from ingest.feed_kind import ROOT

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META_CHARSET = re.compile(rb"""<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_HTML = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|link|script|div|article|main|p|h1)\b", re.IGNORECASE
)
_NOT_HTML = frozenset({b"rss", b"feed", b"rdf:rdf", b"urlset", b"sitemapindex"})
# What XML 1.0 forbids; libxml2 would stop reading at a NUL.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
# Those that browsers read. Python knows others, of which some (`punycode`) take minutes or say what no page shows.
_CHARSETS = frozenset(
    {
        *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "cp866", "cp874", "tis-620", "koi8-r", "koi8-u"),
        *("mac-roman", "mac-cyrillic", "gbk", "gb2312", "gb18030", "hz", "big5", "big5hkscs", "cp950"),
        *("euc_jp", "iso2022_jp", "shift_jis", "cp932", "euc_kr", "cp949", "iso2022_kr"),
        *(f"iso8859-{n}" for n in range(1, 17)),
        *(f"cp{n}" for n in range(1250, 1259)),
    }
)
_META_WINDOW = 8_192
_HEAD_BYTES = 16_384
# Pages of UTF-8 with a few pasted Windows bytes stay UTF-8 below this share of bad sequences.
_STRAY_SHARE = 0.25
_ASCII = [chr(code) for code in range(128)]


def looks_like_html(head: bytes) -> bool:
    """Whether the first bytes of a file are an HTML page; False for feeds, JSON, plain text and nothing."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            head = head[len(bom) :].decode(name, "ignore").encode("utf-8")
            break
    start = head[:_HEAD_BYTES].lstrip()
    root = ROOT.match(start)
    return start.startswith(b"<") and not (root and root[1].lower() in _NOT_HTML) and bool(_HTML.search(start))


def decode_page(page: bytes, charset: str = "") -> tuple[str, tuple[str, ...]]:
    """The characters of a page, and warnings about what had to be guessed.

    Order: byte order mark, UTF-8 where the bytes are valid UTF-8 with at least one character beyond ASCII
    (no other charset is that by accident, and servers often declare Latin-1 for it), `charset`, the
    page's own declaration, UTF-8 with stray Windows bytes (`stray-bytes`), a detected charset
    (`guessed-charset`), Windows-1252 (`latin-1`; every browser reads Latin-1 as that).

    Args:
        page: Raw bytes; empty gives an empty string.
        charset: What the HTTP header or the record said; an unknown name is passed over.
    """
    for bom, name in _BOMS:
        if page.startswith(bom):
            return _clean(page[len(bom) :].decode(name, "replace")), ()
    if not page.isascii():
        try:
            return _clean(page.decode("utf-8")), ()
        except UnicodeDecodeError:
            pass
    for name in (charset, _declared(page)):
        text = _decode(page, name)
        if text is not None:
            return _clean(text), ()
    if page.isascii():
        return _clean(page.decode("ascii")), ()
    stray = _utf8_with_strays(page)
    if stray is not None:
        return _clean(stray), ("stray-bytes",)
    guess = _detect(page)
    if guess:
        return _clean(page.decode(guess, "replace")), ("guessed-charset",)
    return _clean(page.decode("cp1252", "replace")), ("latin-1",)


def _declared(page: bytes) -> str:
    found = _META_CHARSET.search(page[:_META_WINDOW])
    return found.group(1).decode("ascii", "replace") if found else ""


def known_charset(name: str) -> str:
    """Python's name of a charset in which browsers read text; "" for any other name."""
    try:
        known = codecs.lookup(name.strip()).name
    except (LookupError, UnicodeError, ValueError):
        return ""
    return known if known in _CHARSETS else ""


def _decode(page: bytes, name: str) -> str | None:
    """`page` by the charset `name`; None if the name is unknown or empty, or the bytes disagree."""
    known = known_charset(name)
    if not known:
        return None
    try:
        # A page that could be searched for its ASCII declaration is not UTF-16.
        if known.startswith("utf-16") and b"\0" not in page[:200]:
            known = "utf-8"
        # Browsers read these by their Windows and national supersets.
        known = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}.get(known, known)
        return page.decode(known)
    except ValueError:
        return None


def _utf8_with_strays(page: bytes) -> str | None:
    """UTF-8 in which single wrong bytes are read as Windows-1252; None if there are too many of them."""
    lossy = page.decode("utf-8", "replace")
    n_wide = len(lossy) - sum(map(lossy.count, _ASCII))
    if lossy.count("\ufffd") > _STRAY_SHARE * n_wide:
        return None
    return page.decode("utf-8", _STRAY_ERRORS)


def _read_stray(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.start + 1].decode("cp1252", "replace"), error.start + 1


_STRAY_ERRORS = "newsquote-stray-windows-byte"
codecs.register_error(_STRAY_ERRORS, _read_stray)


def _detect(page: bytes) -> str:
    from charset_normalizer import from_bytes

    # Both ends and the middle: the head of a page is often pure ASCII markup.
    middle = len(page) // 2
    sample = page if len(page) <= 30_000 else page[:10_000] + page[middle : middle + 10_000] + page[-10_000:]
    best = from_bytes(sample).best()
    # "Looks like any code page" is no finding, and then Windows-1252 is likelier than Cyrillic.
    return best.encoding if best and best.encoding not in ("ascii", "utf_8") and best.language != "Unknown" else ""


def _clean(text: str) -> str:
    return _CONTROLS.sub("", text.replace("\r\n", "\n"))
