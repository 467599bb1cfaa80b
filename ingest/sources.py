"""Local sources: files, folders and standard input, opened by what they hold and not by their names.

Read are JSON lines, a JSON array, CSV, a page of HTML, also in a file of MHTML, a feed, WARC and plain text with or
without front matter, each also gzipped, and folders of these. A name decides only where the content leaves it open
(`.csv`, `.json`, `.html`). `ingest.records` says how fields are named and which rejects a record can be; a whole file
is `empty file`, `no articles`, `binary file`, `no feed`, `list of feeds`, `sitemap`, `XML file`, `no article file`,
`no text column`, `file too long`, `no article`, `unreadable`, `truncated gzip`, `damaged gzip`, `gzip bomb`,
`link leaves the folder` or `many articles` (a URL or title was given for more than one).

Knows nothing about the network, cleaning or storage.
"""

from __future__ import annotations

import mimetypes
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import BinaryIO, Literal

from index.errors import BadInput, ExtractError, FeedError
from ingest.csv_records import from_csv, is_csv_header
from ingest.draft import Draft, Reject
from ingest.feed_kind import feed_kind
from ingest.folders import MAX_LINE_BYTES, ByteStream, Found, Refused, shown, walk
from ingest.mhtml import is_mhtml, saved_page
from ingest.records import Given, decoded, from_json, from_json_array, from_json_lines, from_record

Kind = Literal["json lines", "json array", "csv", "html", "text", "warc", "feed", "mhtml"]

STDIN = "stdin"
HEAD_BYTES = 65_536

_BINARY = (
    (b"PK\x03\x04", "a zip archive or office file"),
    (b"%PDF-", "a PDF"),
    (b"BZh", "packed by bzip2"),
    (b"\xfd7zXZ\0", "packed by xz"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"{\\rtf", "rich text"),
)
_WARC = re.compile(rb"WARC/\d\.\d+\r?\n")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\f\r\x1b"))
# Texts have none or a stray one; of random bytes a tenth are, of UTF-16 without its mark half.
_MAX_CONTROL_SHARE = 0.01
_JSON_NAMES = frozenset({".json", ".jsonl", ".ndjson", ".jsonlines"})
_HTML_NAMES = frozenset({".html", ".htm", ".xhtml"})
_CSV_NAMES = frozenset({".csv", ".tsv"})
_TEXT_TYPES = frozenset({None, "text/plain", "text/markdown"})

_FIRST_TAG = re.compile(
    rb"(?>(?>\s|<!--.*?-->|<\?.*?\?>)*)<(?:!doctype\s+)?(?P<tag>[a-z][\w:]*)", re.DOTALL | re.IGNORECASE
)
_SITEMAP_TAGS = frozenset({b"urlset", b"sitemapindex"})
_HTML_TAGS = frozenset(
    b"html head body title meta link script style main article section header div p h1 h2 span a b i img "
    b"table center font blockquote ul ol br noscript".split()
)
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_FIELD = re.compile(r"([^\W\d_][\w -]*):(?:\s+(.*))?")


def is_address(source: str) -> bool:
    """Whether a person names something on the web and not a file."""
    return source.lower().startswith(("http://", "https://"))


def open_source(
    path: str,
    *,
    url: str = "",
    title: str = "",
    published: str = "",
    source: str = "",
    stdin: BinaryIO | None = None,
    leave_out: Path | None = None,
) -> LocalSource:
    """A file, a folder or, for `-`, standard input as a source of articles.

    Args:
        path: As a person gives it.
        url: The address of the one article in a text or HTML file; goes before what the file says.
        title: Its title, likewise.
        published: Its date, likewise; in a file of records and in a folder of many articles, the date of
            those that have none.
        source: The outlet, in the same way as `published`.
        stdin: Read for `-` instead of the process's own.
        leave_out: A file of a folder that is no source: what the run itself writes.

    Raises:
        BadInput: There is no such file or folder, or a URL or title is given for a folder.
    """
    given = Given(url=url, title=title, published=published, source=source)
    if path == "-":
        return LocalSource(None, given, stdin if stdin is not None else sys.stdin.buffer, leave_out)
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - Path.stat would take "" for the present folder
    except FileNotFoundError:
        raise BadInput(f"{shown(path) or 'the empty path'} does not exist") from None
    except (OSError, ValueError) as error:
        raise BadInput(_unreadable(shown(path), error)) from error
    if stat.S_ISDIR(mode) and (url or title):
        raise BadInput(f"{shown(path)} is a folder, but a URL or title is that of one article")
    return LocalSource(Path(path), given, None, leave_out)


def is_same_file(one: str | Path, other: Path) -> bool:
    """Whether two names lead to one file that is there."""
    try:
        return other.samefile(one)
    except (OSError, ValueError):
        return False


class LocalSource:
    """A file, folder or open input; a `Source` that knows how far it has read."""

    def __init__(self, path: Path | None, given: Given, stdin: BinaryIO | None, leave_out: Path | None = None) -> None:
        """Opens nothing yet; `path` is None for `stdin`, and `leave_out` is no file of a folder."""
        self._path = path
        self._leave_out = leave_out
        self._given = given
        self._stdin = stdin
        self._n_read = 0
        self._n_total: int | None = None

    def progress(self) -> tuple[int, int | None]:
        """Bytes read so far, as they lie on disk, and those to be read in all; None where nobody knows."""
        return self._n_read, self._n_total

    def articles(self) -> Iterator[Draft | Reject]:
        """Every article once, in the order of the file, and of the sorted names of a folder.

        In a folder a file that cannot be read is a reject.

        Raises:
            BadInput: The file cannot be read or holds no article; the folder holds no files. It may come
                after articles, where a file turns out to be broken further on.
        """
        self._n_read = 0
        try:
            if self._path is None:
                assert self._stdin is not None
                yield from articles_of(ByteStream(self._stdin, STDIN, self._count), self._given)
            elif self._path.is_dir():
                yield from self._from_folder(self._path)
            else:
                info = self._path.stat()
                self._n_total = info.st_size if stat.S_ISREG(info.st_mode) else None
                yield from self._from_file(self._path)
        except Refused as refusal:
            raise BadInput(refusal.sentence) from None
        except OSError as error:
            raise BadInput(_unreadable(shown(self._path or STDIN), error)) from error

    def _from_folder(self, folder: Path) -> Iterator[Draft | Reject]:
        self._n_total = sum(found.n_bytes for found in self._walked(folder))
        is_empty = True
        n_before = 0
        for found in self._walked(folder):
            is_empty = False
            # A file that is refused is not read to its end.
            self._n_read = n_before
            n_before += found.n_bytes
            name = shown(found.path)
            if found.fault:
                yield Reject(name, found.fault, f"{name}: {found.fault}")
                continue
            try:
                yield from self._from_file(found.path, is_in_folder=True)
            except Refused as refusal:
                yield Reject(name, refusal.reason, refusal.sentence)
            except OSError as error:
                yield Reject(name, "unreadable", _unreadable(name, error))
        self._n_read = n_before
        if is_empty:
            raise BadInput(f"{shown(folder)} holds no articles: it has no files that are not hidden")

    def _walked(self, folder: Path) -> Iterator[Found]:
        left_out = self._leave_out
        return (found for found in walk(folder) if left_out is None or not is_same_file(found.path, left_out))

    def _from_file(self, path: Path, *, is_in_folder: bool = False) -> Iterator[Draft | Reject]:
        with path.open("rb") as file:
            stream = ByteStream(file, shown(path), self._count)
            yield from articles_of(stream, self._given, is_in_folder=is_in_folder)

    def _count(self, n_bytes: int) -> None:
        self._n_read += n_bytes


def articles_of(stream: ByteStream, given: Given, *, is_in_folder: bool = False) -> Iterator[Draft | Reject]:
    """Every article of one input, by what it holds.

    Args:
        stream: At its beginning.
        given: What the caller knows.
        is_in_folder: It is one of many, so that code beside articles is passed over.

    Raises:
        Refused: It holds no articles.
        OSError: It cannot be read on.
    """
    head = stream.head(HEAD_BYTES)
    if not head.strip() and not stream.fault:
        raise Refused("empty file", f"{stream.name} holds no articles: it is empty")
    kind = kind_of(head, stream.name)
    is_single = kind in ("html", "mhtml", "text")
    if is_in_folder and kind == "text" and _type_by_name(stream.name) not in _TEXT_TYPES:
        raise Refused("no article file", f"{stream.name} is by its name no text but code or the like")
    if not is_single and (given.url or given.title):
        raise Refused(
            "many articles",
            f"{stream.name} holds records ({kind}), but a URL or title is that of one article",
        )
    complete = given.over if is_single and not is_in_folder else given.under
    is_empty = True
    for found in _read(kind, stream, given.url):
        is_empty = False
        # What is given is that of the page, not of the updates on it.
        is_part = isinstance(found, Draft) and bool(found.part)
        yield found if isinstance(found, Reject) or is_part else complete(found)
    if stream.fault:
        yield Reject(stream.name, stream.fault, f"{stream.name} ends early: {stream.fault}")
    elif is_empty:
        raise Refused("no articles", f"{stream.name} holds no articles: there is no record in it ({kind})")


def kind_of(head: bytes, name: str) -> Kind:
    """What the beginning of a file shows it to be.

    Args:
        head: Its first bytes, unzipped and without a byte order mark; at least its first lines where it is
            one of short lines.
        name: The file's name; decides only what the bytes leave open.

    Raises:
        Refused: It holds no articles, by its bytes.
    """
    for mark, what in _BINARY:
        if head.startswith(mark):
            raise Refused("binary file", f"{name} is {what}, not a file of articles")
    start = head.lstrip()
    if _WARC.match(start):
        return "warc"
    if is_mhtml(start):
        return "mhtml"
    listed = feed_kind(head)
    if listed == "opml":
        raise Refused(
            "list of feeds", f"{name} lists feeds (OPML); {_by_itself(name)}, or give it to `newsquote feeds import`"
        )
    if listed is not None:
        return "feed"
    suffix = _suffix(name)
    if re.match(rb"\[\s*[\]{]", start) or (start.startswith(b"[") and suffix in _JSON_NAMES):
        return "json array"
    if re.match(rb'\{\s*["}]', start):
        return "json array" if _runs_over_lines(start) else "json lines"
    if suffix in _JSON_NAMES or any(map(_is_record, head.splitlines()[:20])):
        return "json lines"
    if len(head) - len(head.translate(None, _CONTROL)) > _MAX_CONTROL_SHARE * len(head):
        raise Refused("binary file", f"{name} is a binary file, not one of articles")
    if suffix in _HTML_NAMES:
        return "html"
    if suffix in _CSV_NAMES or is_csv_header(start.partition(b"\n")[0]):
        return "csv"
    return _markup_kind(start, name) if start.startswith(b"<") and suffix != ".txt" else "text"


def _by_itself(name: str) -> str:
    return "name its file or its address" if name == STDIN else "give it by itself"


def _runs_over_lines(start: bytes) -> bool:
    """Whether the first object of a file goes on in its second line, as printed for people."""
    first, _, rest = start.partition(b"\n")
    return not first.rstrip().endswith(b"}") and rest.lstrip().startswith(b'"')


def _is_record(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and isinstance(from_json(line, ""), Draft)


def _markup_kind(start: bytes, name: str) -> Kind:
    found = _FIRST_TAG.match(start)
    if not found:
        return "text"
    tag = found["tag"].lower()
    if tag in _HTML_TAGS:
        return "html"
    if tag in _SITEMAP_TAGS:
        raise Refused("sitemap", f"{name} is a sitemap, not a file of articles; {_by_itself(name)}")
    raise Refused("XML file", f"{name} is XML with <{tag[:40].decode()}>, not a page of HTML")


def _read(kind: Kind, stream: ByteStream, url: str) -> Iterator[Draft | Reject]:
    match kind:
        case "json lines":
            return from_json_lines(stream)
        case "json array":
            return from_json_array(stream)
        case "csv":
            return from_csv(stream)
        case "html":
            return _from_html(stream, url)
        case "text":
            return _from_text(stream)
        case "warc":
            return _from_warc(stream)
        case "feed":
            return _from_feed(stream)
        case "mhtml":
            return _from_mhtml(stream, url)


def _from_html(stream: ByteStream, url: str) -> Iterator[Draft | Reject]:
    page = _whole(stream)
    if not stream.fault:
        yield from _from_page(page, url, stream.name, "utf-8" if stream.charset else "")


def _from_mhtml(stream: ByteStream, url: str) -> Iterator[Draft | Reject]:
    # The page comes first, and what follows may be many pictures.
    page = saved_page(stream.head(MAX_LINE_BYTES))
    if stream.fault:
        return
    if page is not None:
        yield from _from_page(page.html, url or page.url, stream.name, page.charset)
    else:
        yield Reject(
            stream.name, "no article", f"{stream.name} holds no article: there is no page of HTML in it (MHTML)"
        )


def _from_page(page: bytes, url: str, name: str, charset: str) -> Iterator[Draft | Reject]:
    # Imported here because extraction loads lxml and trafilatura, which records do without.
    from ingest.extract import extract_all

    try:
        yield from extract_all(page, url, origin=name, charset=charset)
    except ExtractError as error:
        yield Reject(name, "no article", f"{name} holds no article: {error.why}")


def _from_warc(stream: ByteStream) -> Iterator[Draft | Reject]:
    from ingest.warc import from_warc

    is_empty = True
    for found in from_warc(stream):
        is_empty = False
        yield found
    if is_empty and not stream.fault:
        raise Refused("no articles", f"{stream.name} holds no articles: there is no page of HTML in it (WARC)")


def _from_feed(stream: ByteStream) -> Iterator[Draft | Reject]:
    """Each entry as the feed itself gives it; nothing is fetched."""
    from ingest.feeds import entry_draft, parse_feed

    body = _whole(stream)
    if stream.fault:
        return
    try:
        entries = parse_feed(body, "", "utf-8" if stream.charset else "").entries
    except FeedError as error:
        raise Refused("no feed", f"{stream.name} {error.why}") from error
    for n, entry in enumerate(entries, start=1):
        origin = f"{stream.name}#{n}"
        draft = entry_draft(entry, "", origin=origin)
        yield draft if draft.text else Reject(origin, "no text", f"{origin} has no text; its page was not fetched")


def _from_text(stream: ByteStream) -> Iterator[Draft | Reject]:
    raw = _whole(stream)
    if stream.fault:
        return
    text, is_legacy = decoded(raw)
    fields, body = front_matter(text)
    yield from_record({**fields, "text": body}, stream.name, ("latin-1",) if is_legacy else ())


def _whole(stream: ByteStream) -> bytes:
    raw = stream.whole(MAX_LINE_BYTES)
    if raw is None:
        raise Refused("file too long", f"{stream.name} has more than {MAX_LINE_BYTES:,} bytes in one article")
    return raw


def front_matter(text: str) -> tuple[dict[str, object], str]:
    """The fields between two `---` lines at the top of a text, and the text below them.

    A field is `key: value` on one line; indented lines go on with the value above, and lines that begin
    with `- ` make it a list. Anything else between the lines, and the text has no front matter: ({}, text).
    """
    found = _FRONT_MATTER.match(text, 0, HEAD_BYTES)
    if not found:
        return {}, text
    fields: dict[str, object] = {}
    key = ""
    for line in found[1].splitlines():
        field = _FRONT_FIELD.fullmatch(line.rstrip())
        bare = line.strip()
        if field:
            key = field[1]
            fields[key] = _unquoted(field[2] or "")
        elif key and bare.startswith("- "):
            above = fields[key]
            fields[key] = [*(above if isinstance(above, list) else []), _unquoted(bare[2:])]
        elif key and line[:1].isspace() and bare:
            fields[key] = f"{fields[key]} {bare}".strip()
        elif bare and not bare.startswith("#"):
            return {}, text
    return fields, text[found.end() :]


def _unquoted(value: str) -> str:
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def _suffix(name: str) -> str:
    # Browsers save scripts under names that no system runs.
    return PurePath(name.lower().removesuffix(".gz").removesuffix(".download")).suffix


def _type_by_name(name: str) -> str | None:
    # An instance of its own, as the module's functions also read what the machine's files say.
    return mimetypes.MimeTypes().guess_type("name" + _suffix(name))[0]


def _unreadable(name: str, error: Exception) -> str:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{name} cannot be read: {why.lower()}"
