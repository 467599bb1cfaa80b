"""What Discord refuses in components and modals. Pure: bodies in, recorded faults out.

A message has either rows alone (the first generation) or, under its flag, a layout of every kind of component.
"""

from __future__ import annotations

from collections import Counter

from bot.standin.checks import Path, check_choice, check_length, check_url
from bot.standin.entities import walk
from bot.standin.wire import FieldErrors, Json

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
SECTION, TEXT_DISPLAY, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
SELECTS = (STRING_SELECT, 5, 6, 7, 8)
LINK = 5

IN_CONTAINER = (ROW, SECTION, TEXT_DISPLAY, GALLERY, FILE, SEPARATOR)
TOP_LEVEL = (*IN_CONTAINER, CONTAINER)

ROWS, ROW_WIDTH = 5, 5
V2_COMPONENTS, V2_TEXT = 40, 4000


def check_rows(components: list[Json], errors: FieldErrors) -> None:
    """Records what is wrong with the components of a regular message: at most five rows and nothing else."""
    if len(components) > ROWS:
        errors.add(("components",), "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ROWS} in length.")
    for at, component in enumerate(components):
        if _allowed(component, ("components", at), (ROW,), errors):
            _check_row(component, ("components", at), errors)
    _check_unique(components, errors)


def check_layout(components: list[Json], errors: FieldErrors) -> None:
    """Records what is wrong with a message made of components alone."""
    everything = walk(components)
    if len(everything) > V2_COMPONENTS:
        errors.add(
            ("components",),
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            f"The maximum number of components is {V2_COMPONENTS}.",
        )
    if sum(len(one.get("content") or "") for one in everything if one.get("type") == TEXT_DISPLAY) > V2_TEXT:
        errors.add(
            ("components",),
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            f"The total displayable text size of the components must be at most {V2_TEXT}.",
        )
    for at, component in enumerate(components):
        if _allowed(component, ("components", at), TOP_LEVEL, errors):
            _check_part(component, ("components", at), errors)
    _check_unique(components, errors)


def n_text_bytes(components: list[Json]) -> int:
    """What the text displays of a layout weigh inside Discord: bytes, and 12 for each."""
    return sum(len(one["content"].encode()) + 12 for one in walk(components) if one["type"] == TEXT_DISPLAY)


def check_modal(modal: Json) -> None:
    """Refuses a modal that Discord would refuse.

    Raises:
        ApiError: 400 with 50035.
    """
    errors = FieldErrors()
    check_length(errors, ("data", "custom_id"), modal.get("custom_id") or "", 100, least=1)
    check_length(errors, ("data", "title"), modal.get("title") or "", 45, least=1)
    components = modal.get("components") or []
    if not 1 <= len(components) <= 5:
        errors.add(("data", "components"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for at, component in enumerate(components):
        path = ("data", "components", at)
        if not _allowed(component, path, (ROW, TEXT_DISPLAY, LABEL), errors):
            continue
        if component["type"] == ROW:
            inputs = component.get("components") or []
            if len(inputs) != 1:
                errors.add((*path, "components"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 1 in length.")
            for place, one in enumerate(inputs):
                if _allowed(one, (*path, "components", place), (TEXT_INPUT,), errors):
                    check_length(errors, (*path, "components", place, "label"), one.get("label") or "", 45, least=1)
                    _check_input(one, (*path, "components", place), errors)
        elif component["type"] == LABEL:
            check_length(errors, (*path, "label"), component.get("label") or "", 45, least=1)
            check_length(errors, (*path, "description"), component.get("description"), 100)
            one = component.get("component") or {}
            if _allowed(one, (*path, "component"), (TEXT_INPUT, *SELECTS), errors):
                check = _check_input if one["type"] == TEXT_INPUT else _check_select
                check(one, (*path, "component"), errors)
    _check_unique(components, errors)
    errors.raise_any()


def _allowed(component: Json, path: Path, types: tuple[int, ...], errors: FieldErrors) -> bool:
    """Whether a component may stand where it does; records it where it may not."""
    if component.get("type") in types:
        return True
    errors.add((*path, "type"), "UNION_TYPE_CHOICES", f'Value of field "type" must be one of {types}.')
    return False


def _check_unique(components: list[Json], errors: FieldErrors) -> None:
    """No custom id and no numeric id stands twice in one message or modal."""
    everything = walk(components)
    for key, code in (("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED"), ("id", "COMPONENT_ID_DUPLICATED")):
        counts = Counter(one[key] for one in everything if one.get(key))
        for value, n in counts.items():
            if n > 1:
                errors.add(("components",), code, f"Component {key} cannot be duplicated: {value}")


def _check_part(part: Json, path: Path, errors: FieldErrors) -> None:
    """One component of a layout, with all that it holds."""
    children = part.get("components") or []
    match part["type"]:
        case 1:
            _check_row(part, path, errors)
        case 10:
            check_length(errors, (*path, "content"), part.get("content") or "", V2_TEXT, least=1)
        case 9:
            if not 1 <= len(children) <= 3:
                errors.add((*path, "components"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 3 in length.")
            _check_children(children, path, (TEXT_DISPLAY,), errors)
            accessory = part.get("accessory") or {}
            if _allowed(accessory, (*path, "accessory"), (BUTTON, THUMBNAIL), errors):
                _check_part(accessory, (*path, "accessory"), errors)
        case 17:
            if not children:
                errors.add((*path, "components"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 40 in length.")
            _check_children(children, path, IN_CONTAINER, errors)
        case 2:
            _check_button(part, path, errors)
        case 11:
            check_url(errors, (*path, "media", "url"), (part.get("media") or {}).get("url") or "", 2048)
        case 12:
            if not 1 <= len(part.get("items") or []) <= 10:
                errors.add((*path, "items"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 10 in length.")
        case 14:
            check_choice(errors, (*path, "spacing"), part.get("spacing"), (1, 2))


def _check_children(children: list[Json], path: Path, types: tuple[int, ...], errors: FieldErrors) -> None:
    for at, child in enumerate(children):
        if _allowed(child, (*path, "components", at), types, errors):
            _check_part(child, (*path, "components", at), errors)


def _check_row(row: Json, path: Path, errors: FieldErrors) -> None:
    """A row holds one to five buttons, or one select."""
    children = row.get("components") or []
    if not 1 <= len(children) <= ROW_WIDTH:
        errors.add((*path, "components"), "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {ROW_WIDTH} in length.")
    has_select = any(child.get("type") in SELECTS for child in children)
    if has_select and len(children) > 1:
        errors.add((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The row exceeds the maximum width.")
    for at, child in enumerate(children):
        where = (*path, "components", at)
        if _allowed(child, where, (BUTTON, *SELECTS), errors):
            check = _check_button if child["type"] == BUTTON else _check_select
            check(child, where, errors)


def _check_button(button: Json, path: Path, errors: FieldErrors) -> None:
    check_choice(errors, (*path, "style"), button.get("style") or 0, range(1, 7))
    check_length(errors, (*path, "label"), button.get("label"), 80)
    if not (button.get("label") or button.get("emoji")):
        errors.add((*path, "label"), "BUTTON_COMPONENT_MUST_HAVE_LABEL_OR_EMOJI", "A button needs a label or an emoji.")
    if button.get("style") == LINK:
        if button.get("custom_id"):
            errors.add((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_AND_URL", "A link has no custom id.")
        check_url(errors, (*path, "url"), button.get("url") or "", 512)
    else:
        check_length(errors, (*path, "custom_id"), button.get("custom_id") or "", 100, least=1)


def _check_select(select: Json, path: Path, errors: FieldErrors) -> None:
    check_length(errors, (*path, "custom_id"), select.get("custom_id") or "", 100, least=1)
    check_length(errors, (*path, "placeholder"), select.get("placeholder"), 150)
    least, most = select.get("min_values"), select.get("max_values")
    least, most = 1 if least is None else least, 1 if most is None else most
    if not (0 <= least <= 25 and 1 <= most <= 25 and least <= most):
        errors.add((*path, "max_values"), "NUMBER_TYPE_MAX", "Between 0 and 25 values can be chosen.")
    if select["type"] != STRING_SELECT:
        return
    options = select.get("options") or []
    if not 1 <= len(options) <= 25:
        errors.add((*path, "options"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.")
    for at, option in enumerate(options):
        for key in ("label", "value"):
            check_length(errors, (*path, "options", at, key), option.get(key) or "", 100, least=1)
        check_length(errors, (*path, "options", at, "description"), option.get("description"), 100)
    if any(n > 1 for n in Counter(option.get("value") for option in options).values()):
        errors.add((*path, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The value is already used.")


def _check_input(field: Json, path: Path, errors: FieldErrors) -> None:
    check_length(errors, (*path, "custom_id"), field.get("custom_id") or "", 100, least=1)
    check_choice(errors, (*path, "style"), field.get("style") or 0, (1, 2))
    check_length(errors, (*path, "placeholder"), field.get("placeholder"), 100)
    check_length(errors, (*path, "value"), field.get("value"), 4000)
    for key, least in (("min_length", 0), ("max_length", 1)):
        value = field.get(key)
        if value is not None and not least <= value <= 4000:
            errors.add((*path, key), "NUMBER_TYPE_MAX", "int value should be less than or equal to 4000.")
