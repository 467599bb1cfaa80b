"""Application commands: what Discord refuses in them, and how a person's options become an interaction's. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from bot.standin.checks import Path, check_length, check_named_values
from bot.standin.entities import Channel, User
from bot.standin.wire import FieldErrors, Json

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUBCOMMAND, GROUP = 1, 2
MOST = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
# Letters and numbers of any script, dash, underscore and apostrophe; lower case is checked beside it.
NAME = re.compile(r"[-_'\w]{1,32}")


def check_commands(commands: list[Json]) -> None:
    """Refuses commands that Discord would refuse.

    Raises:
        ApiError: 400 with 50035.
    """
    errors = FieldErrors()
    names = Counter((command.get("type") or CHAT_INPUT, command.get("name")) for command in commands)
    for (_, name), n in names.items():
        if n > 1:
            errors.add(
                ("name",), "APPLICATION_COMMANDS_DUPLICATE_NAME", f"Application command names must be unique: {name}"
            )
    for kind, most in MOST.items():
        if sum((command.get("type") or CHAT_INPUT) == kind for command in commands) > most:
            errors.add((), "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
    for at, command in enumerate(commands):
        _check_command(command, (at,), errors)
    errors.raise_any()


def _check_command(command: Json, path: Path, errors: FieldErrors) -> None:
    kind = command.get("type") or CHAT_INPUT
    names = {"": command.get("name") or "", **(command.get("name_localizations") or {})}
    descriptions = {"": command.get("description") or "", **(command.get("description_localizations") or {})}
    if kind == CHAT_INPUT:
        _check_names(names, descriptions, path, errors)
        _check_options(command.get("options") or [], path, errors)
        if _n_chars(command) > 8000:
            errors.add(path, "APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (8000)")
        return
    for name in names.values():
        check_length(errors, (*path, "name"), name, 32, least=1)
    if command.get("description") or command.get("options"):
        errors.add((*path, "description"), "APPLICATION_COMMAND_DESCRIPTION", "Only chat input commands have one.")


def _check_names(names: Mapping[str, str], descriptions: Mapping[str, str], path: Path, errors: FieldErrors) -> None:
    for name in names.values():
        if not NAME.fullmatch(name) or name != name.lower():
            errors.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    for description in descriptions.values():
        check_length(errors, (*path, "description"), description, 100, least=1)


def _check_options(options: list[Json], path: Path, errors: FieldErrors) -> None:
    if len(options) > 25:
        errors.add((*path, "options"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
    optional_seen = False
    for at, option in enumerate(options):
        where = (*path, "options", at)
        names = {"": option.get("name") or "", **(option.get("name_localizations") or {})}
        descriptions = {"": option.get("description") or "", **(option.get("description_localizations") or {})}
        _check_names(names, descriptions, where, errors)
        if option.get("required") and optional_seen:
            errors.add(where, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must come first.")
        optional_seen |= not option.get("required")
        check_named_values(errors, (*where, "choices"), option.get("choices") or [])
        if option.get("choices") and option.get("autocomplete"):
            errors.add(where, "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", "Autocomplete excludes choices.")
        _check_options(option.get("options") or [], where, errors)


def _n_chars(command: Json) -> int:
    """Characters of names, descriptions and values, as Discord adds them up (localised ones: the longest)."""
    total = 0
    for key in ("name", "description"):
        texts = [command.get(key) or "", *(command.get(f"{key}_localizations") or {}).values()]
        total += max(map(len, texts))
    for option in command.get("options") or []:
        total += _n_chars(option)
    for choice in command.get("choices") or []:
        total += len(choice["name"]) + len(str(choice["value"]))
    return total


# What a person fills in ---------------------------------------------------------------------------------


def option_payload(
    command: Json, words: list[str], values: Mapping[str, object], focused: str | None = None
) -> tuple[list[Json], Json]:
    """A person's options as an interaction carries them.

    Args:
        command: The registered command.
        words: Names of a group and a subcommand, as far as there are any.
        values: By option name.
        focused: The option being typed, for autocompletion; required options may then be missing.

    Returns:
        Options and resolved users and channels.

    Raises:
        ValueError: An option is unknown, missing, or of another type.
    """
    known = command.get("options") or []
    if words:
        found = next((one for one in known if one["name"] == words[0] and one["type"] in (SUBCOMMAND, GROUP)), None)
        if found is None:
            raise ValueError(f"/{command['name']} has no {words[0]!r}")
        inner, resolved = option_payload(found, words[1:], values, focused)
        return [{"name": found["name"], "type": found["type"], "options": inner}], resolved
    by_name = {one["name"]: one for one in known if one["type"] not in (SUBCOMMAND, GROUP)}
    if strangers := set(values) - set(by_name):
        raise ValueError(
            f"{command['name']!r} has no option {', '.join(sorted(strangers))}; known: {', '.join(by_name)}"
        )
    missing = [one["name"] for one in by_name.values() if one.get("required") and one["name"] not in values]
    if missing and focused is None:
        raise ValueError(f"{command['name']!r} needs {', '.join(missing)}")
    resolved = {}
    options = []
    for name, value in values.items():
        wire = _value(by_name[name], value, resolved, typing=name == focused)
        marked = {"focused": True} if name == focused else {}
        options.append({"name": name, "type": by_name[name]["type"], "value": wire, **marked})
    return options, resolved


def _value(option: Json, value: object, resolved: Json, *, typing: bool) -> object:
    match option["type"], value:
        case (6, User() as user):
            resolved.setdefault("users", {})[str(user.id)] = user
            return str(user.id)
        case (7, Channel() as channel):
            resolved.setdefault("channels", {})[str(channel.id)] = channel
            return str(channel.id)
        case (5, bool()):
            return value
        case (4, int()) | (10, int() | float()):
            least, most = option.get("min_value"), option.get("max_value")
            if not typing and ((least is not None and value < least) or (most is not None and value > most)):
                raise ValueError(f"{option['name']} is outside [{least}, {most}]: {value}")
            return value
        case (3, str()):
            least, most = option.get("min_length") or 0, option.get("max_length") or 6000
            if not typing and not least <= len(value) <= most:
                raise ValueError(f"{option['name']} has {len(value)} characters, not {least} to {most}")
            offered = [choice["value"] for choice in option.get("choices") or []]
            if not typing and offered and value not in offered:
                raise ValueError(f"{option['name']} is none of {offered}: {value!r}")
            return value
    if typing:
        return str(value)
    raise ValueError(f"{option['name']} takes no {type(value).__name__}")
