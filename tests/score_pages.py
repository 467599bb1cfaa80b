"""Scores extraction on saved pages with known title, day of publication and body.

    python -m tests.score_pages --data ../shared/data [--json]

Knows nothing about how extraction works. The folder holds `pages/gold.jsonl` (`id, file, url, title,
published, text` a line) and the gzipped pages it names.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from index.errors import ExtractError
from ingest.draft import Draft
from ingest.extract import extract

_SUFFIX = re.compile(r"\s[|\-–—·•»:]+\s[^|]{2,40}$")
_ZONE = re.compile(r"(?:[+-]\d\d:?\d\d|Z)$")
# A script without spaces between words counts by the character.
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]|[^\W_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+")


@dataclass(frozen=True, slots=True)
class PageScore:
    """One page: `title` and `day` right or wrong, `body` the F1 of its words; a refused page has 0."""

    id: str
    title: bool
    day: bool
    body: float
    precision: float
    recall: float
    took_s: float


@dataclass(frozen=True, slots=True)
class PageFigures:
    """Means over all pages, each in [0, 1]."""

    n_pages: int
    title: float
    day: float
    body: float


def fold_title(title: str) -> str:
    """`title` without site suffix, case, punctuation and spare spaces; a title of one part is kept whole."""
    plain = unicodedata.normalize("NFKC", title).strip()
    plain = _SUFFIX.sub("", plain) or plain
    return " ".join(re.findall(r"\w+", plain.casefold()))


def same_day(found: str, gold: str) -> bool:
    """Whether both dates are one day in the zone that `gold` is written in; "" is never right."""
    if not found:
        return False
    try:
        moment, wanted = datetime.fromisoformat(found), datetime.fromisoformat(gold)
    except ValueError:
        return False
    # A bare day, or a time whose zone nobody gave, can only be compared as written.
    if moment.tzinfo and wanted.tzinfo:
        moment = moment.astimezone(wanted.tzinfo)
    return moment.date() == wanted.date()


def words(text: str) -> list[str]:
    """Case-folded words in order; a character each where a script writes no spaces."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())


def lcs_length(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence; 0 if either is empty.

    Bit-parallel (Crochemore, Iliopoulos, Pinzon and Reid 2001): a row of the table is one integer whose
    zero bits mark where the length grows, so a row costs len(a) / 64 machine words.
    """
    places: dict[str, int] = {}
    for i, word in enumerate(a):
        places[word] = places.get(word, 0) | (1 << i)
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        hits = places.get(word, 0)
        both = row & hits
        row = ((row + both) | (row & ~hits)) & full
    return len(a) - row.bit_count()


def f1(found: str, gold: str) -> tuple[float, float, float]:
    """Precision, recall and F1 of the words of `found` in the order of `gold`."""
    ours, theirs = words(found), words(gold)
    if not ours or not theirs:
        return 0.0, 0.0, 0.0
    common = lcs_length(ours, theirs)
    return common / len(ours), common / len(theirs), 2 * common / (len(ours) + len(theirs))


def score_page(gold: dict[str, str], page: bytes) -> tuple[PageScore, Draft | None]:
    """How well one page is extracted, and what was extracted (None for a page refused)."""
    started = time.perf_counter()
    try:
        draft = extract(page, gold["url"], origin=gold["file"])
    except ExtractError:
        return PageScore(gold["id"], False, False, 0.0, 0.0, 0.0, time.perf_counter() - started), None
    took_s = time.perf_counter() - started
    precision, recall, body = f1(draft.text, gold["text"])
    score = PageScore(
        id=gold["id"],
        title=fold_title(draft.title) == fold_title(gold["title"]),
        day=same_day(draft.published, gold["published"]),
        body=body,
        precision=precision,
        recall=recall,
        took_s=took_s,
    )
    return score, draft


def pages(data: Path) -> list[tuple[dict[str, str], bytes]]:
    """Gold lines with the bytes of their pages, in the order of the file."""
    folder = data / "pages"
    lines = (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    golds = [json.loads(line) for line in lines]
    return [(gold, gzip.decompress((folder / gold["file"]).read_bytes())) for gold in golds]


def figures(scores: Sequence[PageScore]) -> PageFigures:
    """Means over `scores`; all 0 for none."""
    n = max(len(scores), 1)
    return PageFigures(
        n_pages=len(scores),
        title=sum(score.title for score in scores) / n,
        day=sum(score.day for score in scores) / n,
        body=sum(score.body for score in scores) / n,
    )


def score(data: Path) -> PageFigures:
    """Extracts every page under `data` and compares it with its gold record."""
    return figures([score_page(gold, page)[0] for gold, page in pages(data)])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.score_pages", description=__doc__)
    default = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--json", action="store_true", help="print the figures only, as one JSON object")
    args = parser.parse_args()
    if not (args.data / "pages" / "gold.jsonl").is_file():
        parser.error(f"there is no {args.data / 'pages' / 'gold.jsonl'}")
    if args.json:
        print(json.dumps(asdict(score(args.data))))
        return
    scores = [score_page(gold, page)[0] for gold, page in pages(args.data)]
    print(f"{'page':<36} title day  body   prec    rec   time")
    for one in sorted(scores, key=lambda one: one.body):
        marks = f"{'ok' if one.title else '—':<5} {'ok' if one.day else '—':<3}"
        print(f"{one.id:<36} {marks} {one.body:.3f}  {one.precision:.3f}  {one.recall:.3f}  {one.took_s:.2f}s")
    total = figures(scores)
    print(f"{total.n_pages} pages: title {total.title:.3f}, day {total.day:.3f}, body F1 {total.body:.4f}")


if __name__ == "__main__":
    main()
