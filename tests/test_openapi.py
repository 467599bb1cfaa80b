"""The check of request bodies against Discord's published description."""

from __future__ import annotations

from typing import Any

import pytest

from bot.standin import Request, StandIn
from tests import discord_openapi
from tests.discord_openapi import DESCRIPTION, check_bodies, faults
from tests.discord_support import run

pytestmark = pytest.mark.skipif(not DESCRIPTION.exists(), reason=f"{DESCRIPTION} is not at hand")

MESSAGES = "/channels/{channel_id}/messages"
CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
BUTTON = {"type": 2, "style": 1, "label": "More", "custom_id": "more"}


def sent(body: Any, method: str = "POST", route: str = MESSAGES) -> Request:
    return Request(method, route, route, body, at_s=0.0)


@pytest.mark.parametrize(
    "request_",
    [
        sent({"content": "hello", "allowed_mentions": {"parse": []}}),
        sent({"content": "a reply", "message_reference": {"message_id": 17, "channel_id": "4"}}),
        sent({"flags": 1 << 15, "components": [{"type": 17, "components": [{"type": 10, "content": "quote"}]}]}),
        sent({"components": [{"type": 1, "components": [BUTTON]}]}, "PATCH", f"{MESSAGES}/{{message_id}}"),
        sent({"type": 5, "data": {"flags": 64}}, route=CALLBACK),
        sent({"type": 8, "data": {"choices": [{"name": "a", "value": "a"}]}}, route=CALLBACK),
        sent(None, "GET", "/users/@me"),
    ],
)
def test_what_discord_takes_fits(request_: Request) -> None:
    assert faults([request_]) == []


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        (sent({"content": 7}), "content"),
        (sent({"embeds": [{"title": "x" * 257}]}), "embeds.0.title"),
        (sent({"components": [{"type": 1, "components": [{**BUTTON, "custom_id": "x" * 101}]}]}), "custom_id"),
        (sent({"components": [{"type": 1, "components": []}]}), "components"),
        (sent({"type": 8, "data": {"choices": [{"name": "x" * 101, "value": "a"}]}}, route=CALLBACK), "name"),
        (sent([{"name": "x" * 33}], "PUT", "/applications/{application_id}/commands"), "name"),
        (sent({"name": ""}, route=f"{MESSAGES}/{{message_id}}/threads"), "name"),
        (sent({"content": "?"}, route="/channels/{channel_id}/telegrams"), "not in the description"),
        (sent({"content": "?"}, route="/channels/{channel_id}/typing"), "takes no body"),
    ],
)
def test_what_discord_does_not_take_is_named_with_its_place(request_: Request, where: str) -> None:
    (found,) = faults([request_])
    assert where in found
    with pytest.raises(AssertionError):
        check_bodies([request_])


def test_every_route_of_the_stand_in_is_one_of_discords() -> None:
    async def test() -> None:
        async with StandIn() as standin:
            known = discord_openapi.description()["paths"]
            strange = [
                f"{method} {route}" for method, route in standin.routes() if method.lower() not in known.get(route, ())
            ]
            assert strange == []

    run(test())
