"""Checks of single fields that the rules share. Each records its fault and goes on, as Discord reports them all."""

from __future__ import annotations

from collections.abc import Iterable

from bot.standin.wire import FieldErrors, Json

Path = tuple[str | int, ...]


def check_named_values(errors: FieldErrors, path: Path, choices: list[Json]) -> None:
    """At most 25 choices, names of 1 to 100, string values of 1 to 100."""
    if len(choices) > 25:
        errors.add(path, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    for at, choice in enumerate(choices):
        check_length(errors, (*path, at, "name"), choice.get("name") or "", 100, least=1)
        value = choice.get("value")
        if isinstance(value, str):
            check_length(errors, (*path, at, "value"), value, 100, least=1)
        elif not isinstance(value, int | float):
            errors.add((*path, at, "value"), "BASE_TYPE_REQUIRED", "This field is required")


def check_length(errors: FieldErrors, path: Path, text: str | None, most: int, least: int = 0) -> None:
    """Records a text that is too long or too short; None is no text."""
    if text is None:
        return
    if least and not least <= len(text) <= most:
        errors.add(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
    elif len(text) > most:
        errors.add(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")


def check_choice(errors: FieldErrors, path: Path, value: object, choices: Iterable[object]) -> None:
    """Records a value that is none of the choices; None is no value."""
    if value is not None and value not in (known := tuple(choices)):
        errors.add(path, "BASE_TYPE_CHOICES", f"Value must be one of {known}.")


def check_url(errors: FieldErrors, path: Path, url: str | None, most: int) -> None:
    """Records an address that Discord does not take; None is no address."""
    if url is None:
        return
    scheme = url.partition(":")[0].lower()
    if scheme not in ("http", "https", "discord", "attachment") or "://" not in url or " " in url:
        errors.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    check_length(errors, path, url, most)
