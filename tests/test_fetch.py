"""Fetching: real servers on loopback that misbehave in every way we know of, and what becomes of it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from email.utils import formatdate
from typing import TypeVar

import pytest
import trustme

from index.errors import FetchError
from ingest import fetch
from ingest.fetch import Fetched, Fetcher, FetchPolicy
from tests.web.faults import (
    dripping,
    endless,
    endless_header,
    framed,
    gzipped,
    packed_zeros,
    raw,
    resetting,
    silent,
)
from tests.web.loopback import LOOPBACK, Clock, Page, Request, Route, Server, Web, redirect

T = TypeVar("T")

NOW_S = 1_745_600_000

PAGE = Page("<html><body><p>The ferry sails again.</p></body></html>")
# Servers of the tests may be reached, every other private address may not.
POLICY = FetchPolicy(
    contact="desk@harbour.example",
    timeout_s=5.0,
    max_bytes=200_000,
    private_networks=(f"{LOOPBACK}/32",),
)


@pytest.fixture
def site(web: Web) -> Server:
    """The host `news.test`, with one page."""
    server = web.host("news.test")
    server.routes["/story"] = PAGE
    return server


def fetching(
    web: Web,
    work: Callable[[Fetcher], Coroutine[None, None, T]],
    policy: FetchPolicy = POLICY,
    clock: Clock | None = None,
    tls: ssl.SSLContext | None = None,
) -> T:
    """What `work` makes of a fetcher on the loopback web."""
    clock = clock or Clock(NOW_S)

    async def run() -> T:
        async with Fetcher(policy, clock=clock, sleep=clock.sleep, resolver=web.lookup, tls=tls) as fetcher:
            return await work(fetcher)

    return asyncio.run(run())


def got(web: Web, url: str, policy: FetchPolicy = POLICY, clock: Clock | None = None) -> Fetched:
    return fetching(web, lambda fetcher: fetcher.get(url), policy, clock)


def failure(web: Web, url: str, policy: FetchPolicy = POLICY, clock: Clock | None = None) -> FetchError:
    with pytest.raises(FetchError) as caught:
        got(web, url, policy, clock)
    return caught.value


def of(server: Server, path: str, name: str = "news.test") -> str:
    return f"http://{name}:{server.port}{path}"


# What a well-behaved site gets and gives -------------------------------------------------------------------


def test_a_page_comes_with_its_headers_and_we_say_who_we_are(web: Web, site: Server) -> None:
    site.routes["/story"] = replace(PAGE, etag='"v1"', last_modified="Fri, 25 Apr 2025 08:00:00 GMT")
    fetched = got(web, of(site, "/story#part"))
    assert fetched.body == PAGE.body.encode() if isinstance(PAGE.body, str) else PAGE.body
    assert (fetched.status, fetched.etag, fetched.moved_to) == (200, '"v1"', "")
    assert fetched.last_modified == "Fri, 25 Apr 2025 08:00:00 GMT"
    assert (fetched.media_type, fetched.charset) == ("text/html", "utf-8")
    assert fetched.url == of(site, "/story")
    assert fetched.asked == of(site, "/story#part")
    assert site.paths() == ["/robots.txt", "/.well-known/tdmrep.json", "/story"]
    assert site.requests[-1].headers["user-agent"] == "newsquote/0.1 (+desk@harbour.example)"
    assert "cookie" not in site.requests[-1].headers


def test_a_page_that_did_not_change_is_a_304(web: Web, site: Server) -> None:
    site.routes["/story"] = replace(PAGE, etag='"v1"')
    fetched = fetching(web, lambda fetcher: fetcher.get(of(site, "/story"), etag='"v1"'))
    assert (fetched.status, fetched.body) == (304, b"")


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_is_an_answer_not_a_fault(web: Web, site: Server, status: int) -> None:
    site.routes["/gone"] = Page("gone", status=status)
    assert got(web, of(site, "/gone")).status == status


def test_a_304_that_nobody_asked_for_is_a_fault(web: Web, site: Server) -> None:
    site.routes["/story"] = Page(status=304)
    assert failure(web, of(site, "/story")).reason == "status 304"


def test_a_validator_cannot_bring_a_header_of_its_own(web: Web, site: Server) -> None:
    fetching(web, lambda fetcher: fetcher.get(of(site, "/story"), etag='"a"\r\nX-Evil: 1'))
    assert site.requests[-1].headers["if-none-match"] == '"a"X-Evil: 1'


def test_a_cookie_is_never_sent_back(web: Web, site: Server) -> None:
    site.routes["/story"] = replace(PAGE, headers={"Set-Cookie": "reader=7; Path=/"})

    async def twice(fetcher: Fetcher) -> None:
        for _ in range(2):
            await fetcher.get(of(site, "/story"))

    fetching(web, twice)
    assert [request.headers.get("cookie") for request in site.requests] == [None] * 4


def test_headers_that_are_no_utf_8_are_read_as_latin_1(web: Web, site: Server) -> None:
    site.routes["/story"] = raw(framed(b"Nothing.", 'ETag: "@"', "X-Name: café").replace(b"@", b"caf\xe9"))
    fetched = got(web, of(site, "/story"))
    assert (fetched.etag, fetched.headers["x-name"]) == ('"café"', "café")
    site.routes["/story"] = raw(framed(b"Nothing.", "Content-Encoding: @").replace(b"@", b"\xe9"))
    assert failure(web, of(site, "/story")).why.endswith("(é)")


# Addresses ------------------------------------------------------------------------------------------------


def test_a_redirect_to_a_private_address_is_not_followed(web: Web, site: Server) -> None:
    inside = web.host("inside.test", address="127.0.0.2")
    inside.routes["/story"] = PAGE
    for target in (of(inside, "/story", "inside.test"), f"http://127.0.0.2:{inside.port}/story"):
        site.routes["/away"] = redirect(target)
        assert failure(web, of(site, "/away")).reason == "private address"
    assert (inside.n_connections, inside.requests) == (0, [])


def test_a_name_that_changes_between_check_and_connection_gains_nothing(web: Web, site: Server) -> None:
    inside = web.host("inside.test", address="127.0.0.2", port=site.port)
    web.names["news.test"] = [[LOOPBACK], ["127.0.0.2"]]
    assert got(web, of(site, "/story")).status == 200
    # One connection, one look-up: what was checked is what was connected to.
    assert web.n_lookups == {"news.test": 1}
    site.routes["/story"] = raw(framed(b"<p>once</p>", "Connection: close"))
    web.n_lookups.clear()
    web.names["news.test"] = [[LOOPBACK]] * 3 + [["127.0.0.2"]]
    site.routes["/robots.txt"] = site.routes["/.well-known/tdmrep.json"] = raw(framed(b"", "Connection: close"))

    async def twice(fetcher: Fetcher) -> str:
        await fetcher.get(of(site, "/story"))
        with pytest.raises(FetchError) as caught:
            await fetcher.get(of(site, "/story"))
        return caught.value.reason

    assert fetching(web, twice) == "private address"
    assert inside.n_connections == 0


def test_a_proxy_of_the_environment_would_resolve_names_unchecked_and_is_not_used(
    web: Web, site: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = web.host("proxy.test")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{LOOPBACK}:{proxy.port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert got(web, of(site, "/story")).status == 200
    assert proxy.n_connections == 0


def test_of_several_addresses_only_the_allowed_ones_are_connected_to(web: Web, site: Server) -> None:
    inside = web.host("inside.test", address="127.0.0.2", port=site.port)
    web.names["news.test"] = ["127.0.0.2", LOOPBACK]
    assert got(web, of(site, "/story")).status == 200
    assert inside.n_connections == 0


def test_private_addresses_are_fetched_from_where_that_is_allowed(web: Web, site: Server) -> None:
    closed = replace(POLICY, private_networks=())
    error = failure(web, of(site, "/story"), closed)
    assert error.reason == "private address"
    assert "--allow-private" in str(error)
    assert site.n_connections == 0
    assert got(web, of(site, "/story"), replace(closed, allow_private=True)).status == 200


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://news.test/a", "not http"),
        ("file:///etc/passwd", "not http"),
        ("javascript:alert(1)", "not http"),
        ("news.test/a", "not http"),
        ("http://", "bad URL"),
        ("http://[::1", "bad URL"),
        ("http://news.test:0/", "bad URL"),
        ("http://user:word@news.test/", "bad URL"),
        ("http://user@news.test/", "bad URL"),
        ("http://news.test/" + "a" * 5_000, "bad URL"),
        ("http://2130706433/", "bad URL"),
        ("http://127.1/", "bad URL"),
        ("http://0x7f.0.0.1/", "bad URL"),
        ("http://0x7f000001/", "bad URL"),
        ("http://127.0.0.3/", "private address"),
        ("http://[::1]/", "private address"),
        ("http://[::ffff:127.0.0.1]/", "private address"),
        ("http://[fe80::1%25eth0]/", "private address"),
        ("http://nowhere.test/", "no such host"),
    ],
)
def test_what_is_no_public_http_address_is_refused_before_any_connection(web: Web, url: str, reason: str) -> None:
    assert failure(web, url).reason == reason


def test_a_host_that_refuses_connections_is_asked_three_times_and_then_left_alone(web: Web, site: Server) -> None:
    web.names["down.test"] = [LOOPBACK]
    clock = Clock(NOW_S)

    async def work(fetcher: Fetcher) -> list[str]:
        reasons = []
        for n in range(20):
            with pytest.raises(FetchError) as caught:
                await fetcher.get(f"http://down.test:1/{n}")
            reasons.append(caught.value.reason)
            assert caught.value.retry_after_s is None or caught.value.retry_after_s > 0
        return reasons

    assert fetching(web, work, clock=clock) == ["refused"] * 20
    assert web.n_lookups == {"down.test": fetch.MAX_TRIES}


# Redirects ------------------------------------------------------------------------------------------------


def test_a_redirect_loop_ends_at_once(web: Web, site: Server) -> None:
    site.routes["/a"], site.routes["/b"] = redirect("/b"), redirect("/a")
    assert failure(web, of(site, "/a")).reason == "redirect loop"
    assert (site.n_of("/a"), site.n_of("/b")) == (1, 1)


def test_an_endless_chain_of_redirects_ends_at_the_limit(web: Web, site: Server) -> None:
    for n in range(20):
        site.routes[f"/{n}"] = redirect(f"/{n + 1}")
    assert failure(web, of(site, "/0")).reason == "too many redirects"
    assert len(site.requests) == 2 + POLICY.max_redirects + 1


@pytest.mark.parametrize(("statuses", "is_moved"), [((301, 308), True), ((301, 302), False), ((307, 301), False)])
def test_only_a_chain_of_permanent_redirects_is_a_move(
    web: Web, site: Server, statuses: tuple[int, int], is_moved: bool
) -> None:
    site.routes["/old"] = redirect("/older", statuses[0])
    site.routes["/older"] = redirect("/story", statuses[1])
    fetched = got(web, of(site, "/old"))
    assert fetched.url == of(site, "/story")
    assert fetched.moved_to == (of(site, "/story") if is_moved else "")


@pytest.mark.parametrize(
    ("target", "reason"),
    [("", "status 302"), ("file:///etc/passwd", "not http"), ("http://[bad/", "bad URL"), ("gopher://x/", "not http")],
)
def test_a_redirect_to_nowhere_is_a_fault(web: Web, site: Server, target: str, reason: str) -> None:
    site.routes["/away"] = redirect(target)
    assert failure(web, of(site, "/away")).reason == reason


def test_the_site_that_a_redirect_leads_to_is_asked_for_its_rules_too(web: Web, site: Server) -> None:
    other = web.host("other.test")
    other.routes["/robots.txt"] = Page("User-agent: *\nDisallow: /private", content_type="text/plain")
    other.routes["/private/a"] = PAGE
    site.routes["/away"] = redirect(of(other, "/private/a", "other.test"))
    assert failure(web, of(site, "/away")).reason == "robots"
    assert other.n_of("/private/a") == 0


# Bodies ---------------------------------------------------------------------------------------------------


def test_an_endless_body_is_cut_off_at_the_limit(web: Web, site: Server) -> None:
    site.routes["/story"] = endless
    started = time.monotonic()
    assert failure(web, of(site, "/story")).reason == "too long"
    assert time.monotonic() - started < 4
    assert site.n_of("/story") == 1


def test_a_body_that_announces_too_much_is_not_read(web: Web, site: Server) -> None:
    site.routes["/story"] = raw(framed(b"a", length=10**12))
    assert failure(web, of(site, "/story")).reason == "too long"


def test_a_body_that_drips_ends_when_its_time_is_up(web: Web, site: Server) -> None:
    site.routes["/story"] = dripping
    assert failure(web, of(site, "/story"), replace(POLICY, timeout_s=0.3)).reason == "slow"
    assert site.n_of("/story") == 1


def test_a_server_that_says_nothing_is_given_up_after_three_tries(web: Web, site: Server) -> None:
    site.routes["/story"] = silent
    assert failure(web, of(site, "/story"), replace(POLICY, timeout_s=0.2)).reason == "timeout"
    assert site.n_of("/story") == fetch.MAX_TRIES


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip"])
def test_a_gzip_bomb_is_not_unpacked(web: Web, site: Server, encoding: str) -> None:
    packed = packed_zeros(50_000_000)
    body = gzipped(packed) if "," in encoding else packed
    site.routes["/story"] = raw(framed(body, f"Content-Encoding: {encoding}"))
    assert failure(web, of(site, "/story")).reason == "gzip bomb"


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Encoding: gzip",),
        ("Content-Encoding: br",),
        ("Content-Encoding: deflate",),
        ("Content-Encoding: lzw",),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_a_fault(web: Web, site: Server, headers: tuple[str, ...]) -> None:
    site.routes["/story"] = raw(framed(b"<html>plain</html>", *headers))
    assert failure(web, of(site, "/story")).reason == "bad encoding"


def test_half_a_packed_body_is_a_fault(web: Web, site: Server) -> None:
    packed = gzipped(b"<html><body>" + b"news " * 1_000)
    site.routes["/story"] = raw(framed(packed[: len(packed) // 2], "Content-Encoding: gzip"))
    assert failure(web, of(site, "/story")).reason == "bad encoding"


def test_a_length_that_promises_more_than_comes_is_a_fault(web: Web, site: Server) -> None:
    site.routes["/story"] = raw(framed(b"<html>short</html>", length=5_000))
    assert failure(web, of(site, "/story")).reason == "incomplete"
    assert site.n_of("/story") == fetch.MAX_TRIES


def test_a_length_that_promises_less_than_comes_does_not_spoil_the_next_reply(web: Web, site: Server) -> None:
    site.routes["/story"] = raw(framed(b"<html>longer than it says</html>", length=6), close=False)
    site.routes["/next"] = PAGE

    async def both(fetcher: Fetcher) -> bytes:
        with pytest.raises(FetchError) as caught:
            await fetcher.get(of(site, "/story"))
        assert caught.value.reason == "bad reply"
        return (await fetcher.get(of(site, "/next"))).body

    assert fetching(web, both) == str(PAGE.body).encode()


# Replies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n", "header too large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n", "bad reply"),
        (b"this is no HTTP at all\r\n\r\n", "bad reply"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "bad reply"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad reply"),
        (b"", "connection reset"),
    ],
)
def test_a_reply_that_is_not_http_is_a_fault(web: Web, site: Server, reply: bytes, reason: str) -> None:
    site.routes["/story"] = raw(reply)
    assert failure(web, of(site, "/story")).reason == reason


def test_a_header_without_end_is_given_up(web: Web, site: Server) -> None:
    site.routes["/story"] = endless_header
    assert failure(web, of(site, "/story")).reason == "header too large"
    assert site.n_of("/story") == 1


def test_a_connection_that_is_reset_is_tried_again(web: Web, site: Server) -> None:
    site.routes["/story"] = resetting
    clock = Clock(NOW_S)
    assert failure(web, of(site, "/story"), clock=clock).reason == "connection reset"
    assert site.n_of("/story") == fetch.MAX_TRIES


def test_a_fault_that_passes_is_nobodys_business(web: Web, site: Server) -> None:
    tries: Iterator[Route] = iter([resetting, Page(status=503), PAGE])

    async def better_each_time(request: Request, writer: asyncio.StreamWriter) -> None:
        await next(tries)(request, writer)

    site.routes["/story"] = better_each_time
    clock = Clock(NOW_S)
    assert got(web, of(site, "/story"), clock=clock).status == 200
    first, second = (pause for pause in clock.slept if pause != POLICY.delay_s)
    assert 1 <= first <= 1.5 < 2 <= second <= 3


@pytest.mark.parametrize(("status", "n"), [(500, 3), (503, 3), (403, 1), (451, 1), (501, 1)])
def test_only_a_status_that_may_pass_is_asked_again(web: Web, site: Server, status: int, n: int) -> None:
    site.routes["/story"] = Page(status=status)
    assert failure(web, of(site, "/story")).reason == f"status {status}"
    assert site.n_of("/story") == n


# Manners --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [False, True])
def test_a_host_that_says_later_is_not_asked_before(web: Web, site: Server, date: bool) -> None:
    clock = Clock(NOW_S)
    later = formatdate(NOW_S + 900, usegmt=True) if date else "900"
    site.routes["/busy"] = Page(status=429, headers={"Retry-After": later})

    async def work(fetcher: Fetcher) -> None:
        for path in ("/busy", "/busy", "/story"):
            with pytest.raises(FetchError) as caught:
                await fetcher.get(of(site, path))
            assert caught.value.reason == "too many requests"
            assert caught.value.retry_after_s == pytest.approx(900, abs=3)
        assert site.n_of("/busy") == 1
        clock.now_s += 901
        assert (await fetcher.get(of(site, "/story"))).status == 200

    fetching(web, work, clock=clock)


def test_a_short_pause_is_waited_for(web: Web, site: Server) -> None:
    replies = iter([Page(status=429, headers={"Retry-After": "20"}), PAGE])

    async def later(request: Request, writer: asyncio.StreamWriter) -> None:
        await next(replies)(request, writer)

    site.routes["/story"] = later
    clock = Clock(NOW_S)
    assert got(web, of(site, "/story"), clock=clock).status == 200
    assert 20 <= max(clock.slept) <= 30


def test_a_429_without_a_time_is_not_pressed(web: Web, site: Server) -> None:
    site.routes["/story"] = Page(status=429)
    assert failure(web, of(site, "/story")).reason == "too many requests"
    assert site.n_of("/story") == 1


def test_a_host_is_asked_one_thing_at_a_time_with_the_delay_it_wants(web: Web, site: Server) -> None:
    site.routes["/robots.txt"] = Page("User-agent: newsquote\nCrawl-delay: 7\n", content_type="text/plain")
    for n in range(4):
        site.routes[f"/{n}"] = PAGE
    clock = Clock(NOW_S)

    async def together(fetcher: Fetcher) -> None:
        await asyncio.gather(*(fetcher.get(of(site, f"/{n}")) for n in range(4)))

    fetching(web, together, clock=clock)
    assert site.n_at_once == 1
    assert clock.slept == pytest.approx([7, 7, 7])
    assert site.n_of("/robots.txt") == 1


@pytest.mark.parametrize(("asked_s", "kept_s"), [(20, 20), (86_400, 30)])
def test_a_long_crawl_delay_is_kept_up_to_a_cap_and_told(
    web: Web, site: Server, asked_s: int, kept_s: int, caplog: pytest.LogCaptureFixture
) -> None:
    site.routes["/robots.txt"] = Page(f"User-agent: *\nCrawl-delay: {asked_s}\n", content_type="text/plain")
    clock = Clock(NOW_S)

    async def twice(fetcher: Fetcher) -> None:
        await fetcher.get(of(site, "/story"))
        await fetcher.get(of(site, "/story"))

    fetching(web, twice, clock=clock)
    assert clock.slept == pytest.approx([kept_s])
    assert caplog.messages == [f"robots.txt asks for long pauses host=news.test pause_s={kept_s}"]


def test_two_hosts_do_not_wait_for_each_other(web: Web, site: Server) -> None:
    other = web.host("other.test")
    other.routes["/story"] = PAGE

    async def held(request: Request, writer: asyncio.StreamWriter) -> None:
        while not other.n_of("/story"):
            await asyncio.sleep(0.01)
        await PAGE(request, writer)

    site.routes["/story"] = held

    async def both(fetcher: Fetcher) -> list[int]:
        found = await asyncio.gather(fetcher.get(of(site, "/story")), fetcher.get(of(other, "/story", "other.test")))
        return [one.status for one in found]

    assert fetching(web, both) == [200, 200]


def test_a_clock_set_back_does_not_stop_us(web: Web, site: Server) -> None:
    clock = Clock(NOW_S)

    async def work(fetcher: Fetcher) -> None:
        await fetcher.get(of(site, "/story"))
        clock.now_s -= 1_000_000
        await fetcher.get(of(site, "/story"))

    fetching(web, work, clock=clock)
    assert max(clock.slept) <= POLICY.delay_s
    assert site.n_of("/robots.txt") == 2  # what was read in the future may be as old as it likes


def test_a_clock_set_back_does_not_lengthen_a_hosts_rest(web: Web, site: Server) -> None:
    clock = Clock(NOW_S)
    site.routes["/busy"] = Page(status=429, headers={"Retry-After": "900"})

    async def work(fetcher: Fetcher) -> int:
        with pytest.raises(FetchError):
            await fetcher.get(of(site, "/busy"))
        clock.now_s -= 1_000_000
        return (await fetcher.get(of(site, "/story"))).status

    assert fetching(web, work, clock=clock) == 200


# Rules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "is_allowed"),
    [
        ("User-agent: *\nDisallow: /story", False),
        ("User-agent: newsquote\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: NewsQuote\nAllow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: otherbot\nDisallow: /", True),
        ("\ufeffUser-agent: *\nDisallow: /st*y$", False),
        ("<html><body>Not found</body></html>", True),
        ("", True),
    ],
)
def test_robots_is_kept_for_everyone_and_for_our_name(web: Web, site: Server, rules: str, is_allowed: bool) -> None:
    site.routes["/robots.txt"] = Page(rules, content_type="text/plain")
    if is_allowed:
        assert got(web, of(site, "/story")).status == 200
    else:
        assert failure(web, of(site, "/story")).reason == "robots"
        assert site.n_of("/story") == 0


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
def test_a_site_without_rules_allows_everything(web: Web, site: Server, status: int) -> None:
    site.routes["/robots.txt"] = Page(status=status)
    assert got(web, of(site, "/story")).status == 200


def test_rules_that_cannot_be_read_forbid_for_a_while(web: Web, site: Server) -> None:
    site.routes["/robots.txt"] = Page(status=500)
    clock = Clock(NOW_S)

    async def work(fetcher: Fetcher) -> None:
        for _ in range(5):
            with pytest.raises(FetchError) as caught:
                await fetcher.get(of(site, "/story"))
            assert caught.value.reason == "robots unread"
            assert 0 < (caught.value.retry_after_s or 0) <= fetch.FAILED_RULES_AGE_S
        assert site.paths() == ["/robots.txt"] * fetch.MAX_TRIES
        site.routes["/robots.txt"] = Page("User-agent: *\nAllow: /", content_type="text/plain")
        clock.now_s += fetch.FAILED_RULES_AGE_S
        assert (await fetcher.get(of(site, "/story"))).status == 200

    fetching(web, work, clock=clock)


def test_rules_read_before_are_kept_while_they_cannot_be_read_anew(web: Web, site: Server) -> None:
    site.routes["/robots.txt"] = Page("User-agent: *\nDisallow: /no", content_type="text/plain")
    site.routes["/no"] = PAGE
    clock = Clock(NOW_S)

    async def work(fetcher: Fetcher) -> None:
        await fetcher.get(of(site, "/story"))
        clock.now_s += fetch.MAX_RULES_AGE_S + 1
        site.routes["/robots.txt"] = Page(status=500)
        assert (await fetcher.get(of(site, "/story"))).status == 200
        with pytest.raises(FetchError, match=r"robots\.txt"):
            await fetcher.get(of(site, "/no"))

    fetching(web, work, clock=clock)


def test_rules_are_read_again_when_they_expire(web: Web, site: Server) -> None:
    site.routes["/robots.txt"] = Page(
        "User-agent: *\nAllow: /", content_type="text/plain", headers={"Cache-Control": "public, max-age=7200"}
    )
    clock = Clock(NOW_S)

    async def work(fetcher: Fetcher) -> None:
        for _ in range(3):
            await fetcher.get(of(site, "/story"))
            clock.now_s += 3_700

    fetching(web, work, clock=clock)
    assert site.n_of("/robots.txt") == 2


def test_endless_rules_are_read_as_far_as_they_must_be(web: Web, site: Server) -> None:
    async def rules(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /story\n")
        while True:
            writer.write(b"# and so on\n" * 10_000)
            await writer.drain()

    site.routes["/robots.txt"] = rules
    assert failure(web, of(site, "/story")).reason == "robots"


@pytest.mark.parametrize(
    ("headers", "head", "is_taken"),
    [
        ({}, "", True),
        ({"X-Robots-Tag": "noai"}, "", False),
        ({"X-Robots-Tag": "noimageai, max-image-preview:large"}, "", True),
        ({"X-Robots-Tag": "otherbot: noindex, nofollow"}, "", True),
        ({"X-Robots-Tag": "newsquote: noindex"}, "", False),
        ({"X-Robots-Tag": "unavailable_after: 25 Jun 2030 15:00:00 PST"}, "", True),
        ({"TDM-Reservation": "1"}, "", False),
        ({"TDM-Reservation": "0"}, "", True),
        ({}, '<meta name="robots" content="index, NOAI">', False),
        ({}, "<META CONTENT='noindex' NAME=robots>", False),
        ({}, '<meta name="newsquote" content="none">', False),
        ({}, '<meta name="otherbot" content="noindex">', True),
        ({}, '<meta name="tdm-reservation" content="1">', False),
        ({}, '<!-- <meta name="robots" content="noindex"> -->', True),
        ({}, '<meta name="robots" content="max-snippet:-1, index">', True),
    ],
)
def test_opt_outs_are_honoured_unless_a_setting_says_otherwise(
    web: Web, site: Server, headers: dict[str, str], head: str, is_taken: bool
) -> None:
    site.routes["/story"] = Page(f"<html><head>{head}</head><body><p>News.</p></body></html>", headers=headers)
    assert got(web, of(site, "/story"), replace(POLICY, honour_opt_outs=False)).status == 200
    if is_taken:
        assert got(web, of(site, "/story")).status == 200
    else:
        assert failure(web, of(site, "/story")).reason == "opt-out"


def test_an_opt_out_holds_with_any_status_that_brings_a_page(web: Web, site: Server) -> None:
    site.routes["/story"] = replace(PAGE, status=203, headers={"X-Robots-Tag": "noai"})
    assert failure(web, of(site, "/story")).reason == "opt-out"


def test_a_feed_may_be_kept_out_of_search_results(web: Web, site: Server) -> None:
    site.routes["/feed"] = Page("<rss/>", content_type="application/rss+xml", headers={"X-Robots-Tag": "noindex"})
    assert got(web, of(site, "/feed")).status == 200
    site.routes["/feed"] = Page("<rss/>", content_type="application/rss+xml", headers={"X-Robots-Tag": "noai"})
    assert failure(web, of(site, "/feed")).reason == "opt-out"


def test_a_reservation_of_mining_holds_where_it_says(web: Web, site: Server) -> None:
    site.routes["/.well-known/tdmrep.json"] = Page(
        '[{"location": "/open/*", "tdm-reservation": 0}, {"location": "*", "tdm-reservation": 1}]',
        content_type="application/json",
    )
    site.routes["/open/a"] = PAGE
    assert failure(web, of(site, "/story")).reason == "opt-out"
    assert got(web, of(site, "/open/a")).status == 200
    assert got(web, of(site, "/story"), replace(POLICY, honour_opt_outs=False)).status == 200


def test_a_reservation_that_cannot_be_asked_for_is_taken_for_one_for_a_while(web: Web, site: Server) -> None:
    site.routes["/.well-known/tdmrep.json"] = silent
    clock = Clock(NOW_S)

    async def work(fetcher: Fetcher) -> None:
        for _ in range(2):
            with pytest.raises(FetchError) as caught:
                await fetcher.get(of(site, "/story"))
            assert caught.value.reason == "timeout"
            clock.now_s += fetch.FIRST_REST_S + 1
        site.routes["/.well-known/tdmrep.json"] = Page('{"location": "/no", "tdm-reservation": 1}')
        clock.now_s += fetch.FAILED_RULES_AGE_S
        assert (await fetcher.get(of(site, "/story"))).status == 200
        for failing in (silent, Page(status=500)):
            site.routes["/.well-known/tdmrep.json"] = failing
            clock.now_s += fetch.MAX_RULES_AGE_S + 1
            with pytest.raises(FetchError, match="reserves"):
                await fetcher.get(of(site, "/no"))

    fetching(web, work, replace(POLICY, timeout_s=0.3), clock)
    assert site.n_of("/story") == 1


def test_two_lines_of_tags_are_for_two_agents(web: Web, site: Server) -> None:
    site.routes["/story"] = raw(
        framed(b"<html></html>", "X-Robots-Tag: otherbot: nofollow", "X-Robots-Tag: noai", "Content-Type: text/html")
    )
    assert failure(web, of(site, "/story")).reason == "opt-out"


# TLS ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def serving(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_a_certificate_of_a_trusted_authority_for_the_name_is_accepted(web: Web, authority: trustme.CA) -> None:
    server = web.host("safe.test", tls=serving(authority, "safe.test"))
    server.routes["/story"] = PAGE
    url = f"https://safe.test:{server.port}/story"
    assert fetching(web, lambda fetcher: fetcher.get(url), tls=trusting(authority)).status == 200


@pytest.mark.parametrize("fault", ["other name", "unknown authority"])
def test_a_certificate_that_proves_nothing_is_refused_without_a_request(
    web: Web, authority: trustme.CA, fault: str
) -> None:
    tls = {
        "other name": serving(authority, "other.test"),
        "unknown authority": serving(trustme.CA(), "safe.test"),
    }[fault]
    server = web.host("safe.test", tls=tls)
    with pytest.raises(FetchError) as caught:
        fetching(web, lambda fetcher: fetcher.get(f"https://safe.test:{server.port}/story"), tls=trusting(authority))
    assert caught.value.reason == "tls"
    assert server.requests == []


# Nothing is left ------------------------------------------------------------------------------------------


def test_a_request_that_is_cancelled_leaves_the_host_free(web: Web, site: Server) -> None:
    site.routes["/slow"] = silent

    async def work(fetcher: Fetcher) -> int:
        task = asyncio.create_task(fetcher.get(of(site, "/slow")))
        while not site.n_of("/slow"):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await fetcher.get(of(site, "/story"))).status

    assert fetching(web, work) == 200


def test_what_is_remembered_of_sites_is_bounded(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_SITES", 5)

    async def work(fetcher: Fetcher) -> tuple[int, int]:
        for n in range(30):
            with pytest.raises(FetchError):
                await fetcher.get(f"http://no-{n}.test/")
        return len(fetcher._hosts), len(fetcher._sites)

    assert fetching(web, work) == (5, 5)
