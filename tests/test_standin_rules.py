"""What the stand-in refuses: each of Discord's limits at its edge, and who is notified."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.standin import Pings, StandIn
from bot.standin.commands import check_commands
from bot.standin.components import check_modal
from bot.standin.entities import walk
from bot.standin.gateway import zlib_stream, zstd_stream
from bot.standin.limits import Buckets, Limit
from bot.standin.mentions import pings
from bot.standin.rules import check_choices, check_message, check_thread
from bot.standin.wire import ApiError, Ids, Json, time_of
from bot.standin.world import numbered
from tests.discord_support import run

V2 = 1 << 15


def button(at: int = 0, **changes: Any) -> Json:
    return {"type": 2, "style": 1, "label": "b", "custom_id": f"b{at}", **changes}


def row(*children: Json) -> Json:
    return {"type": 1, "components": list(children)}


def rows(n: int) -> Json:
    return {"content": "x", "components": [row(button(at)) for at in range(n)]}


def select(n: int, **changes: Any) -> Json:
    options = [{"label": f"o{at}", "value": f"v{at}"} for at in range(n)]
    return {"content": "x", "components": [row({"type": 3, "custom_id": "s", "options": options, **changes})]}


def embed(**changes: Any) -> Json:
    return {"embeds": [changes]}


def fields(n: int, name: int = 1, value: int = 1) -> Json:
    return embed(fields=[{"name": "n" * name, "value": "v" * value} for _ in range(n)])


def layout(*components: Json, **changes: Any) -> Json:
    return {"flags": V2, "components": list(components), **changes}


def text(n: int, letter: str = "x") -> Json:
    return {"type": 10, "content": letter * n}


def total(n: int) -> Json:
    """Two embeds with `n` characters together."""
    return {"embeds": [{"description": "x" * 4096}, {"description": "x" * (n - 4096)}]}


LINK = {"type": 2, "style": 5, "label": "open", "url": "https://a.example/1"}
SECTION = {"type": 9, "components": [text(1)], "accessory": LINK}


@pytest.mark.parametrize(
    ("fits", "too_much", "where"),
    [
        ({"content": "x" * 2000}, {"content": "x" * 2001}, "content"),
        (embed(title="x" * 256), embed(title="x" * 257), "embeds.0.title"),
        (embed(description="x" * 4096), embed(description="x" * 4097), "embeds.0.description"),
        (embed(footer={"text": "x" * 2048}), embed(footer={"text": "x" * 2049}), "embeds.0.footer.text"),
        (embed(author={"name": "x" * 256}), embed(author={"name": "x" * 257}), "embeds.0.author.name"),
        (fields(25), fields(26), "embeds.0.fields"),
        (fields(1, name=256), fields(1, name=257), "embeds.0.fields.0.name"),
        (fields(1, value=1024), fields(1, value=1025), "embeds.0.fields.0.value"),
        (fields(1), fields(1, value=0), "embeds.0.fields.0.value"),
        ({"embeds": [{"title": "x"}] * 10}, {"embeds": [{"title": "x"}] * 11}, "embeds"),
        (total(6000), total(6001), "embeds"),
        (embed(title="x", url="https://a.example"), embed(title="x", url="javascript:alert(1)"), "embeds.0.url"),
        (embed(title="x", color=0xFFFFFF), embed(title="x", color=0x1000000), "embeds.0.color"),
        (rows(5), rows(6), "components"),
        (
            {"content": "x", "components": [row(*map(button, range(5)))]},
            {"content": "x", "components": [row(*map(button, range(6)))]},
            "components.0.components",
        ),
        (
            {"content": "x", "components": [row(button(custom_id="x" * 100))]},
            {"content": "x", "components": [row(button(custom_id="x" * 101))]},
            "components.0.components.0.custom_id",
        ),
        (
            {"content": "x", "components": [row(button(label="x" * 80))]},
            {"content": "x", "components": [row(button(label="x" * 81))]},
            "components.0.components.0.label",
        ),
        (
            {"content": "x", "components": [row({**LINK, "url": "https://a.example/" + "x" * 494})]},
            {"content": "x", "components": [row({**LINK, "url": "https://a.example/" + "x" * 495})]},
            "components.0.components.0.url",
        ),
        (rows(2), {"content": "x", "components": [row(button()), row(button())]}, "components"),
        (rows(1), {"content": "x", "components": [button()]}, "components.0.type"),
        (rows(1), {"content": "x", "components": [row()]}, "components.0.components"),
        (select(25), select(26), "components.0.components.0.options"),
        (select(1), select(0), "components.0.components.0.options"),
        (select(1, placeholder="x" * 150), select(1, placeholder="x" * 151), "components.0.components.0.placeholder"),
        (layout(text(4000)), layout(text(4001)), "components"),
        (layout(text(2000), text(2000)), layout(text(2000), text(2001)), "components"),
        (layout(*[text(1)] * 40), layout(*[text(1)] * 41), "components"),
        (layout(SECTION), layout({**SECTION, "accessory": text(1)}), "components.0.accessory.type"),
        (layout(SECTION), layout({**SECTION, "components": [text(1)] * 4}), "components.0.components"),
        (layout(row(LINK)), layout(LINK), "components.0.type"),
        (
            layout({"type": 17, "components": [text(1)]}),
            layout({"type": 17, "components": [{"type": 17, "components": [text(1)]}]}),
            "components.0.components.0.type",
        ),
        (layout(text(1)), layout(text(1), content="x"), "content"),
        (layout(text(1)), layout(text(1), embeds=[{"title": "x"}]), "embeds"),
        ({"content": "x", "nonce": "x" * 25}, {"content": "x", "nonce": "x" * 26}, "nonce"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"]}},
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions",
        ),
    ],
)
def test_a_message_at_a_limit_passes_and_one_beyond_it_is_refused(fits: Json, too_much: Json, where: str) -> None:
    check_message(fits)
    with pytest.raises(ApiError) as caught:
        check_message(too_much)
    assert (caught.value.status, caught.value.code) == (400, 50035)
    at: Any = caught.value.errors
    for step in where.split("."):
        at = at[step]
    assert at["_errors"]


@pytest.mark.parametrize("empty", [{}, {"content": "  \n"}, {"content": None, "embeds": []}, {"flags": V2}])
def test_an_empty_message_is_refused(empty: Json) -> None:
    with pytest.raises(ApiError) as caught:
        check_message(empty)
    assert caught.value.code == 50006


def test_a_layout_too_heavy_in_bytes_fails_as_it_does_at_discord() -> None:
    # Observed there: 10,158 bytes in one text display pass, one more is a 500.
    check_message(layout(text(3386, "あ")))
    with pytest.raises(ApiError) as caught:
        check_message(layout(text(3387, "あ")))
    assert caught.value.status == 500


def modal(**changes: Any) -> Json:
    field = {"type": 4, "custom_id": "q", "style": 1, "label": "Question", **changes.pop("field", {})}
    return {"custom_id": "m", "title": "t", "components": [row(field)], **changes}


@pytest.mark.parametrize(
    ("fits", "too_much"),
    [
        (modal(title="x" * 45), modal(title="x" * 46)),
        (modal(custom_id="x" * 100), modal(custom_id="x" * 101)),
        (modal(field={"label": "x" * 45}), modal(field={"label": "x" * 46})),
        (modal(field={"max_length": 4000}), modal(field={"max_length": 4001})),
        (modal(field={"value": "x" * 4000}), modal(field={"value": "x" * 4001})),
        (modal(field={"placeholder": "x" * 100}), modal(field={"placeholder": "x" * 101})),
        (modal(components=[text(1)] * 5), modal(components=[text(1)] * 6)),
        (modal(components=[text(1)]), modal(components=[])),
        (modal(), modal(components=[row(button())])),
    ],
)
def test_modals_have_their_limits(fits: Json, too_much: Json) -> None:
    check_modal(fits)
    with pytest.raises(ApiError, match="50035"):
        check_modal(too_much)


def choices(n: int = 1, **changes: Any) -> list[Json]:
    return [{"name": "n", "value": "v", **changes} for _ in range(n)]


@pytest.mark.parametrize(
    ("fits", "too_much"),
    [
        (choices(25), choices(26)),
        (choices(name="x" * 100), choices(name="x" * 101)),
        (choices(value="x" * 100), choices(value="x" * 101)),
        (choices(value=7), choices(value=None)),
    ],
)
def test_choices_have_their_limits(fits: list[Json], too_much: list[Json]) -> None:
    check_choices(fits)
    with pytest.raises(ApiError, match="50035"):
        check_choices(too_much)


def test_a_threads_name_has_its_limits() -> None:
    check_thread({"name": "x" * 100, "auto_archive_duration": 1440})
    for body in ({"name": "x" * 101}, {"name": " "}, {}, {"name": "x", "auto_archive_duration": 5}):
        with pytest.raises(ApiError, match="50035"):
            check_thread(body)


def command(**changes: Any) -> Json:
    return {"name": "ask", "description": "d", **changes}


@pytest.mark.parametrize(
    "wrong",
    [
        [command(), command()],
        [command(name="Ask")],
        [command(name="a b")],
        [command(name="x" * 33)],
        [command(description="x" * 101)],
        [command(description="")],
        [command(description_localizations={"de": "x" * 101})],
        [command(options=[command(name=f"o{at}") for at in range(26)])],
        [command(options=[command(name="a"), command(name="b", required=True)])],
        [command(options=[command(choices=choices(26))])],
        [command(name=f"c{at}") for at in range(101)],
        [{"name": "Find", "type": 3, "description": "has none"}],
        [{"name": f"m{at}", "type": 3} for at in range(16)],
        [command(options=[command(name=f"o{at}", choices=choices(4, value="x" * 90)) for at in range(22)])],
    ],
)
def test_commands_that_discord_would_refuse_are_refused(wrong: list[Json]) -> None:
    check_commands([command(options=[command(required=True), command(name="b")]), {"name": "Find it", "type": 3}])
    with pytest.raises(ApiError, match="50035"):
        check_commands(wrong)


# Whom a message notifies -------------------------------------------------------------------------------------

TEXT = "<@1> <@!2> <@3> <@&7> @everyone"


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, Pings(frozenset({1, 2}), frozenset({7}), True)),
        ({"parse": []}, Pings()),
        ({"parse": [], "replied_user": True}, Pings(frozenset({9}))),
        ({"parse": ["users"]}, Pings(frozenset({1, 2}))),
        ({"parse": ["everyone"]}, Pings(everyone=True)),
        ({"users": ["2", "3"]}, Pings(frozenset({2}))),
        ({"parse": ["users"], "roles": ["7"]}, Pings(frozenset({1, 2}), frozenset({7}))),
    ],
)
def test_allowed_mentions_decide_who_is_notified(allowed: Json | None, expected: Pings) -> None:
    replied = 9 if allowed is not None else None
    assert pings(TEXT, allowed, replied=replied, users={1, 2}, roles={7}) == expected


def test_without_the_permission_everyone_is_text() -> None:
    assert not pings("@here", None, may_everyone=False, users={1, 2}, roles={7})
    assert not pings("mail@heretic.example", None, users={1, 2}, roles={7})


@given(st.text(alphabet="<@!&>17everyone `\\", max_size=40))
def test_nothing_pings_where_nothing_is_allowed(words: str) -> None:
    assert not pings(words, {"parse": [], "replied_user": False}, replied=1, users={1, 2}, roles={7})


# Small parts -------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(min_value=1.6e9, max_value=2e9), min_size=2, max_size=20))
def test_ids_ascend_whatever_the_clock_does(times: list[float]) -> None:
    clock = iter(times)
    ids = Ids(lambda: next(clock))
    made = [ids.next() for _ in times]
    assert made == sorted(set(made))
    # discord.py reads the time of a message out of its id.
    assert abs(discord.utils.snowflake_time(made[0]).timestamp() - times[0]) < 0.002
    assert datetime.fromisoformat(time_of(made[0])) == discord.utils.snowflake_time(made[0])


def test_components_come_back_numbered_and_keep_numbers_they_had() -> None:
    given_ = [row(button(id=2)), {"type": 17, "components": [SECTION]}]
    assert [one["id"] for one in walk(numbered(given_))] == [1, 2, 3, 4, 5, 6]
    assert "id" not in given_[0]


def test_a_bucket_refuses_until_its_window_ends() -> None:
    buckets = Buckets([Limit("POST", "/channels/*/messages", 2, 5.0)])

    def take(now_s: float, channel: str = "1", method: str = "POST") -> float | None:
        route = "/channels/{channel_id}/messages"
        return buckets.take(method, route, {"channel_id": channel}, now_s, 1e9 + now_s).retry_after_s

    assert [take(10.0), take(11.0), take(12.0)] == [None, None, 3.0]
    assert take(12.0, channel="2") is None
    assert take(12.0, method="GET") is None
    assert take(15.0) is None


def test_compressed_streams_are_read_by_their_libraries() -> None:
    payloads = [b"hello", b"x" * 300_000, b"bye"]
    deflate, inflate = zlib_stream(), zlib.decompressobj()
    assert [inflate.decompress(deflate(payload)) for payload in payloads] == payloads
    zstandard = pytest.importorskip("zstandard", reason="an optional library of discord.py's")
    frame, read = zstd_stream(), zstandard.ZstdDecompressor().decompressobj()
    assert [read.decompress(frame(payload)) for payload in payloads] == payloads


# Over HTTP ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "/channels/{channel}/messages", b'{"content": "%s"}' % (b"x" * 2001), 400, 50035),
        ("POST", "/channels/{channel}/messages", b"{", 400, 50109),
        ("POST", "/channels/{channel}/messages", b"[]", 400, 50006),
        ("POST", "/channels/1/messages", b'{"content": "x"}', 404, 10003),
        ("POST", "/channels/x/messages", b'{"content": "x"}', 400, 50035),
        ("POST", "/channels/{channel}/messages/1/threads", b'{"name": "x"}', 404, 10008),
        ("POST", "/channels/{channel}/threads", b'{"name": "x"}', 403, 50013),
        ("GET", "/users/1", None, 404, 10013),
        ("GET", "/guilds/1", None, 404, 10004),
        ("GET", "/nowhere", None, 404, 0),
        ("POST", "/interactions/1/x/callback", b'{"type": 5}', 404, 10062),
        ("POST", "/webhooks/1/x", b'{"content": "x"}', 404, 10015),
        ("PUT", "/applications/1/commands", b"[]", 403, 20012),
    ],
)
def test_refusals_carry_discords_status_and_code(
    method: str, path: str, body: bytes | None, status: int, code: int
) -> None:
    async def test() -> None:
        async with StandIn() as standin, aiohttp.ClientSession() as session:
            channel = standin.add_channel(standin.add_guild("G"), "general")
            headers = {"Authorization": f"Bot {standin.token}", "User-Agent": "DiscordBot (x, 1)"}
            url = standin.rest_url + path.format(channel=channel.id)
            async with session.request(method, url, data=body, headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (status, code)
                assert int(answer.headers["X-RateLimit-Remaining"]) >= 0
            assert channel.messages == {}

    run(test())


def test_a_defect_of_the_stand_in_fails_the_test_that_met_it() -> None:
    async def test() -> None:
        with pytest.raises(ExceptionGroup, match="stand-in itself"):
            async with StandIn() as standin, aiohttp.ClientSession() as session:
                headers = {"Authorization": f"Bot {standin.token}", "User-Agent": "DiscordBot (x, 1)"}
                standin.world.users.clear()
                async with session.get(f"{standin.rest_url}/oauth2/applications/@me", headers=headers) as answer:
                    assert answer.status == 500

    run(test())
