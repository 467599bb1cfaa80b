"""Discord's own published description, and whether what a bot sent fits it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from bot.standin import Request

EVAL_DATA = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))
DESCRIPTION = EVAL_DATA / "discord-api" / "openapi.json"


@cache
def description() -> dict[str, Any]:
    """The description, with one thing that Discord does and it does not say: numbers are taken as ids too."""
    read: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    schemas = read["components"]["schemas"]
    schemas["SnowflakeType"] = {"anyOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}]}
    return read


@cache
def _validator(method: str, route: str) -> Draft202012Validator | None:
    """Of the bodies of one route; None where the description takes none there."""
    operation = description()["paths"].get(route, {}).get(method.lower(), {})
    if "application/json" not in operation.get("requestBody", {}).get("content", {}):
        return None
    steps = ["paths", route, method.lower(), "requestBody", "content", "application/json", "schema"]
    pointer = "/".join(quote(step.replace("~", "~0").replace("/", "~1")) for step in steps)
    resource = DRAFT202012.create_resource(description())
    registry: Registry[Any] = Registry().with_resource("urn:discord", resource)
    return Draft202012Validator({"$ref": f"urn:discord#/{pointer}"}, registry=registry)


def faults(requests: Iterable[Request]) -> list[str]:
    """What in these requests does not fit the description, a line each; those it does not know are faults too."""
    found = []
    for request in requests:
        if request.route not in description()["paths"]:
            found.append(f"{request!r}: not in the description")
        elif request.body is not None:
            validator = _validator(request.method, request.route)
            if validator is None:
                found.append(f"{request!r}: takes no body")
            elif (error := next(validator.iter_errors(request.body), None)) is not None:
                found.append(f"{request!r}: {_deepest(error)}")
    return found


def _deepest(error: ValidationError) -> str:
    """The fault behind "fits none of these": the one of the branch that is for this type of thing."""
    while error.context:
        branches: dict[object, list[ValidationError]] = {}
        for one in error.context:
            branches.setdefault(one.schema_path[0], []).append(one)
        meant = [
            branch for branch in branches.values() if not any(one.path and one.path[-1] == "type" for one in branch)
        ]
        error = max((branch[0] for branch in meant or branches.values()), key=lambda one: len(one.absolute_path))
    return f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def check_bodies(requests: Iterable[Request]) -> None:
    """Fails where a body does not fit; does nothing where the description is not at hand.

    Raises:
        AssertionError: With a line for each.
    """
    if DESCRIPTION.exists():
        assert faults(requests) == []
