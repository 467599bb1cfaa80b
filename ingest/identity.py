"""What makes two addresses the same article, and what an article is called.

The canonical URL is an identity, not an address to open: people are shown the URL as first ingested.
Merging two articles loses one of them, while keeping one under two names only makes a near-copy, so
whatever might tell two pages apart is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b, sha256
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from courlan import extract_domain, normalize_url
from courlan.clean import TRACKERS_RE

from index.types import LOCAL
from ingest.clean import normalise

# Editions of one site for phones and for AMP, and the bare domain beside www.
_EDITION = re.compile(r"^(?:www|amp|m|mobile)\.(?=[^.]+\.[^.])")
_AMP_CACHE = re.compile(
    r"^https?://(?:www\.)?google\.[a-z.]+/amp/(?:s/)?|^https?://[^/]+\.cdn\.ampproject\.org/[a-z]/(?:s/)?"
)
_AMP_FRONT = re.compile(r"^/amp(?=/)")
_AMP_END = re.compile(r"(?:/amp/?|\.amp)$|\.amp(?=\.html?$)")
_MAX_STEPS = 8
_AS_BYTES = "surrogateescape"
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$")

# Trackers of news sites that the general list lacks, and parameters that only choose the AMP edition.
_TRACKERS = {
    *("cmp", "cmpid", "cmpres", "smid", "smtyp", "sref", "ito", "ocid", "icid", "intcid", "int_source", "ftag"),
    *("taid", "tpcc", "wt.mc_id", "at_medium", "at_campaign", "srnd", "reflink", "spref", "giftid", "mod"),
    *("unlocked_article_code", "__twitter_impression", "amp", "amp_js_v", "amp_gsa", "usqp", "outputtype"),
}
# The general list takes these for trackers, but with a number they have named pages on news sites.
_NAMES_A_PAGE = frozenset({"cid", "eid", "uid", "clid"})


# Of an article it is asked twice, with those of its batch in between.
@lru_cache(maxsize=1024)
def canonical_url(url: str) -> str | None:
    """The identity of an http(s) address, or None for anything else; applying it twice changes nothing.

    Host in lower case without `www.`, `m.` or `amp.`, always https, no user, default port, fragment
    (except `#!`), tracking parameter, `index.html` or trailing slash; AMP pages map to their article; the
    parameters left are sorted.

    Args:
        url: As written; surrounding white space does not count.
    """
    try:
        # An AMP cache and a page within it each hide another address, so one step is not always enough.
        for _ in range(_MAX_STEPS):
            url, before = _step(url.strip()), url
            if url == before:
                return url or None
    except ValueError:
        pass
    return None


def _step(url: str) -> str:
    """The address one step nearer to its identity; "" if it is none."""
    url = _AMP_CACHE.sub("https://", url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = parts.hostname.rstrip(".")
    while _EDITION.match(host):
        host = _EDITION.sub("", host)
    if ":" in host:
        host = f"[{host}]"
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    path = _AMP_END.sub("", _AMP_FRONT.sub("", parts.path))
    path = _INDEX.sub("", path).rstrip("/")
    query = _query(parts.query)
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    address = f"https://{host}{port}{path}"
    # Its own query cleaning loses parameters without a value (`?12345`) and names like `gallery`.
    address = str(normalize_url(address, trailing_slash=False))
    return address + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")


def _query(query: str) -> str:
    """The parameters that may tell two pages apart, sorted by name, their values in the order given."""
    # Bytes that are no UTF-8 (`M%FCller`) come out as they went in: replaced, two names would be one.
    pairs = parse_qsl(query, keep_blank_values=True, errors=_AS_BYTES)
    kept = sorted((pair for pair in pairs if not _is_tracker(pair[0].lower(), pair[1])), key=lambda pair: pair[0])
    written = ((urlencode([pair], errors=_AS_BYTES), pair[1]) for pair in kept)
    return "&".join(text if value else text.rstrip("=") for text, value in written)


def _is_tracker(name: str, value: str) -> bool:
    if name in _TRACKERS:
        return True
    if name in _NAMES_A_PAGE and value.isdigit():
        return False
    found = TRACKERS_RE.search(name)
    # It also finds `ga` at the start of `gallery` and `gl` in `global`.
    return found is not None and not (found[0] in ("ga", "gl") and name[found.end() :][:1].isalpha())


_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def one_spelling(identity: str) -> str:
    """One and the same for all spellings of a canonical URL that lead to one page by RFC 3986, 6.2.2: `%c3` and `%C3`,
    `%74` and `t`, `/a/../b` and `/b`.

    Ids are not brought to it: those that are stored would change, and what was retracted would come in again.
    """

    def spelt(escape: re.Match[str]) -> str:
        char = chr(int(escape[1], 16))
        return char if char in _UNRESERVED else escape[0].upper()

    try:
        parts = urlsplit(_ESCAPE.sub(spelt, identity))
    except ValueError:
        return identity
    return parts._replace(path=urljoin("/", parts.path)).geturl()


def web_address(url: str, base: str) -> str:
    """An absolute http(s) address, or ""."""
    try:
        joined = urljoin(base, url.strip()) if url.strip() else ""
        parts = urlsplit(joined)
        return joined if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def article_id(url: str, title: str, text: str, part: str = "") -> str:
    """The canonical URL, or `local:` and 16 hexadecimal digits of the normalised title and text.

    A part of a page (an update of a live blog) is called by the page's canonical URL, `#` and its own name.
    """
    canonical = canonical_url(url)
    if canonical:
        return f"{canonical}#{part}" if part else canonical
    # Normalising drops NUL, so the separator cannot stand in either.
    return LOCAL + sha256(f"{normalise(title)}\0{normalise(text)}".encode()).hexdigest()[:16]


def is_local(identity: str) -> bool:
    """Whether an id is that of an article without a usable address."""
    return identity.startswith(LOCAL)


def is_identity(identity: str) -> bool:
    """Whether something can be the id of an article."""
    page, _, part = identity.rpartition("#")
    whole = identity if not page or part.startswith("!") else page
    return is_local(identity) or canonical_url(whole) == whole


def part_of(identity: str, url: str) -> str:
    """The part's name in an article's id, given its URL; "" for a whole page."""
    page = canonical_url(url)
    return identity[len(page) + 1 :] if page and identity.startswith(f"{page}#") else ""


def outlet(source: str, url: str) -> str:
    """The outlet's name as given, else the URL's host without `www.`, else "local"."""
    name = " ".join(normalise(source).split())
    if name:
        return name
    try:
        host = urlsplit(url.strip()).hostname
    except ValueError:
        host = None
    return host.removeprefix("www.") if host else "local"


def is_same_site(one: str, other: str) -> bool:
    """Whether two addresses are on one registrable domain (`example.co.uk`), or on one host that has none."""
    try:
        hosts = [(urlsplit(address).hostname or "").removeprefix("www.") for address in (one, other)]
    except ValueError:
        return False
    if hosts[0] == hosts[1]:
        return True
    domains = extract_domain(one), extract_domain(other)
    return domains[0] is not None and domains[0] == domains[1]


def digest_of(fields: Iterable[str], n_bytes: int) -> bytes:
    """A digest that differs where any field does, also where only the bounds between them do."""
    digest = blake2b(digest_size=n_bytes)
    for value in fields:
        raw = value.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.digest()
