"""An article as the JSON line that an export writes and ingest reads, and what such a line says beside the article.

Pure. Knows nothing about files or storage; `ingest.records` reads the fields that any source has.
"""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, ValidationError

from index.types import Article
from ingest.identity import is_local, part_of
from ingest.records import EXPORTED, field_named


class Kept(BaseModel):
    """What an export says of a version beside the fields that any source has, under the key `newsquote`.

    Attributes:
        cuts: Where cleaning took lines out of the text, so that no quote crosses them after a restore either.
        is_stub: The text was known to be a part only.
        valid_from_s: Since when the version is valid, where nothing else says so.
        part: Which part of the page at its URL it is; see `Draft.part`.
        extra: Unknown fields that would be read as something else beside those of the article, or hide one of them.
        id: What an article without a usable address is called here, for `newsquote retract`; not read again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cuts: tuple[NonNegativeInt, ...] = ()
    is_stub: bool = False
    part: str = ""
    id: str = ""
    valid_from_s: int | None = Field(default=None, ge=-(2**40), le=2**40)
    extra: dict[str, JsonValue] = {}


def kept_of(extra: str) -> tuple[Kept, str]:
    """What an export kept in the unknown fields of a record, and the other ones; anything else stays there."""
    if f'"{EXPORTED}"' not in extra:
        return Kept(), extra
    fields = json.loads(extra)
    try:
        kept = Kept.model_validate_json(json.dumps(fields[EXPORTED]))
    except (KeyError, ValidationError):
        return Kept(), extra
    others = {key: value for key, value in fields.items() if key != EXPORTED} | kept.extra
    return kept, json.dumps(others, ensure_ascii=False) if others else ""


def record(article: Article, extra: str, valid_from_s: int | None = None) -> str:
    """An article as the JSON line that ingest reads.

    Args:
        article: One version.
        extra: Its unknown fields, as they came.
        valid_from_s: See `Kept`.
    """
    fields: dict[str, object] = {
        "url": article.url or "",
        "title": article.title,
        "published": article.published,
        "updated": article.updated,
        "source": article.source,
        "authors": list(article.authors),
        "language": article.language,
        "text": article.text,
    }
    part = part_of(article.id, article.url or "")
    local = article.id if is_local(article.id) else ""
    unknown: dict[str, JsonValue] = json.loads(extra) if extra else {}
    # A title that was a list would stand beside the empty one, and a second name for it be taken for the first.
    hidden = {
        key: value
        for key, value in unknown.items()
        if key in fields or key == EXPORTED or ((field := field_named(key)) and not fields[field])
    }
    kept = Kept(
        cuts=article.cuts, is_stub=article.is_stub, valid_from_s=valid_from_s, part=part, id=local, extra=hidden
    )
    if kept != Kept():
        fields[EXPORTED] = kept.model_dump(exclude_defaults=True)
    fields |= {key: value for key, value in unknown.items() if key not in hidden}
    return json.dumps(fields, ensure_ascii=False)


def retraction_record(article_id: str, url: str | None, retracted_s: int) -> str:
    """A retraction as the JSON line that ingest reads: no word of the article, so that readers of an export skip it.

    Args:
        article_id: Of the article, or of a page that is stored as parts only.
        url: As it was given.
        retracted_s: When it was retracted.
    """
    kept = {"id": article_id, "retracted_s": retracted_s}
    return json.dumps({"url": url or "", "title": "", "text": "", EXPORTED: kept}, ensure_ascii=False)
