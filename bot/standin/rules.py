"""What Discord refuses in a message: lengths, embeds, allowed mentions. Pure: a body in, an `ApiError` out.

Lengths count code points. components.py holds the rules for components and modals, commands.py those for commands.
"""

from __future__ import annotations

from bot.standin.checks import Path, check_choice, check_length, check_named_values, check_url
from bot.standin.components import check_layout, check_rows, n_text_bytes
from bot.standin.entities import walk
from bot.standin.mentions import check_allowed_mentions
from bot.standin.wire import COMPONENTS_V2, ApiError, FieldErrors, Json

CONTENT = 2000
EMBEDS = 10
EMBED_TOTAL = 6000
# Above this, Discord itself fails with a 500: bytes of all text displays, plus 12 for each of them.
V2_BYTES = 10_170


def check_message(body: Json) -> None:
    """Refuses a message that Discord would refuse.

    Args:
        body: As sent; for an edit, the message as it would stand after it.

    Raises:
        ApiError: 400 with 50035 (fields) or 50006 (empty), or 500 where the text is too large for Discord.
    """
    errors = FieldErrors()
    content: str = body.get("content") or ""
    embeds: list[Json] = body.get("embeds") or []
    components: list[Json] = body.get("components") or []
    if isinstance(nonce := body.get("nonce"), str):
        check_length(errors, ("nonce",), nonce, 25)
    check_allowed_mentions(body.get("allowed_mentions"), errors)
    if int(body.get("flags") or 0) & COMPONENTS_V2:
        for key in ("content", "embeds", "poll", "sticker_ids"):
            if body.get(key):
                errors.add(
                    (key,),
                    "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                    f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
                )
        check_layout(components, errors)
        errors.raise_any()
        if not components:
            raise empty_message()
        if n_text_bytes(components) > V2_BYTES:
            raise ApiError(500, 0, "500: Internal Server Error")
        return
    check_length(errors, ("content",), content.strip(), CONTENT)
    check_embeds(embeds, errors)
    check_rows(components, errors)
    errors.raise_any()
    if not (content.strip() or embeds or components or body.get("sticker_ids") or body.get("poll")):
        raise empty_message()


def empty_message() -> ApiError:
    """Nothing to show."""
    return ApiError(400, 50006, "Cannot send an empty message")


def message_text(body: Json) -> str:
    """The text in which mentions count."""
    texts = [component["content"] for component in walk(body.get("components") or []) if component["type"] == 10]
    return "\n".join([body.get("content") or "", *texts])


def check_embeds(embeds: list[Json], errors: FieldErrors) -> None:
    """Records what is wrong with embeds."""
    if len(embeds) > EMBEDS:
        errors.add(("embeds",), "BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS} or fewer in length.")
    for at, embed in enumerate(embeds):
        _check_embed(embed, ("embeds", at), errors)
    if sum(map(embed_length, embeds)) > EMBED_TOTAL:
        errors.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}")


def embed_length(embed: Json) -> int:
    """What an embed counts towards the limit on all of them."""
    texts: list[str | None] = [
        embed.get("title"),
        embed.get("description"),
        (embed.get("footer") or {}).get("text"),
        (embed.get("author") or {}).get("name"),
    ]
    for entry in embed.get("fields") or []:
        texts += [entry.get("name"), entry.get("value")]
    return sum(len((text or "").strip()) for text in texts)


def _check_embed(embed: Json, path: Path, errors: FieldErrors) -> None:
    footer, author = embed.get("footer") or {}, embed.get("author") or {}
    check_length(errors, (*path, "title"), embed.get("title"), 256)
    check_length(errors, (*path, "description"), embed.get("description"), 4096)
    check_length(errors, (*path, "footer", "text"), footer.get("text"), 2048)
    check_length(errors, (*path, "author", "name"), author.get("name"), 256)
    fields = embed.get("fields") or []
    if len(fields) > 25:
        errors.add((*path, "fields"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for at, entry in enumerate(fields):
        for key, most in (("name", 256), ("value", 1024)):
            text = (entry.get(key) or "").strip()
            if not text:
                errors.add((*path, "fields", at, key), "BASE_TYPE_REQUIRED", "This field is required")
            check_length(errors, (*path, "fields", at, key), text, most)
    for where, url in (
        ((*path, "url"), embed.get("url")),
        ((*path, "author", "url"), author.get("url")),
        ((*path, "footer", "icon_url"), footer.get("icon_url")),
        ((*path, "image", "url"), (embed.get("image") or {}).get("url")),
        ((*path, "thumbnail", "url"), (embed.get("thumbnail") or {}).get("url")),
    ):
        check_url(errors, where, url, 2048)
    if not 0 <= int(embed.get("color") or 0) <= 0xFFFFFF:
        errors.add((*path, "color"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")
    keys = ("title", "description", "fields", "footer", "author", "image", "thumbnail", "url")
    if not any(embed.get(key) for key in keys):
        errors.add((*path, "description"), "BASE_TYPE_REQUIRED", "This field is required")


def check_thread(body: Json) -> None:
    """Refuses a thread that Discord would refuse.

    Raises:
        ApiError: 400 with 50035.
    """
    errors = FieldErrors()
    name = (body.get("name") or "").strip()
    if not name:
        errors.add(("name",), "BASE_TYPE_REQUIRED", "This field is required")
    check_length(errors, ("name",), name, 100)
    check_choice(errors, ("auto_archive_duration",), body.get("auto_archive_duration"), (60, 1440, 4320, 10080))
    errors.raise_any()


def check_choices(choices: list[Json] | None) -> None:
    """Refuses choices of an autocompletion that Discord would refuse.

    Raises:
        ApiError: 400 with 50035.
    """
    errors = FieldErrors()
    if choices is None:
        errors.add(("data", "choices"), "BASE_TYPE_REQUIRED", "This field is required")
    check_named_values(errors, ("data", "choices"), choices or [])
    errors.raise_any()
