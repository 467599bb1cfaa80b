"""Fetching from the web, safely for us and politely to others: an address in, its bytes or a reason out.

Safe: only http and https; every address of every redirect hop is checked when it is resolved, and the connection
goes to the address that was checked; certificates are verified; time, bytes and decoded bytes are capped. Polite: one
request at a time for a host, with a delay; robots.txt and reservations of text and data mining are asked first and
kept; a host that says "later" or fails again and again is left alone for a while.

Reasons of `FetchError`: `bad URL`, `not http`, `private address`, `no such host`, `dns`, `refused`, `unreachable`,
`tls`, `timeout`, `slow`, `connection reset`, `incomplete`, `bad reply`, `header too large`, `too long`, `gzip bomb`,
`bad encoding`, `redirect loop`, `too many redirects`, `robots`, `robots unread`, `opt-out`, `too many requests` and
`status N`.

Knows nothing about pages, feeds or storage.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import random
import re
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar

import aiohttp
from aiohttp.http_exceptions import LineTooLong
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from yarl import URL

from index.errors import FetchError
from ingest.address import refusal
from ingest.content_coding import ACCEPTED, BodyReader, Damaged, Overlong
from ingest.draft import encodable
from ingest.resolver import CheckedResolver, Lookup, Unresolved, system_lookup, why_private
from ingest.robots import (
    MAX_ROBOTS_BYTES,
    MAX_TDM_BYTES,
    RobotsRules,
    TdmRules,
    header_opt_out,
    page_opt_out,
    read_robots,
    read_tdm,
)

_T = TypeVar("_T")

log = logging.getLogger(__name__)

PAGE_TYPES = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"
MAX_TRIES = 3
MAX_URL_CHARS = 4_096
# Header lines of honest sites stay far below; the library's own limit would refuse some content security policies.
MAX_HEADER_BYTES = 32_768
# A reply that asks for a longer pause ends the request, and the caller comes back later.
MAX_PAUSE_S = 60.0
MAX_RETRY_AFTER_S = 86_400.0
MAX_RULES_AGE_S = 86_400.0
MIN_RULES_AGE_S = 3_600.0
FAILED_RULES_AGE_S = 600.0
# How long a host rests that failed as often as it was tried, doubling each time in a row.
FIRST_REST_S = 60.0
MAX_REST_S = 3_600.0
MAX_SITES = 4_096
# Who waits for a run is told of pauses longer than this.
LONG_DELAY_S = 15.0
_ODD_NUMBER = re.compile(r"(?:\d+|0x[\da-f]*)(?:\.(?:\d+|0x[\da-f]*))*\.?", re.ASCII | re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_TRANSIENT = frozenset({"dns", "refused", "unreachable", "timeout", "connection reset", "incomplete"})
# Faults of a host rather than of one address on it.
_HOST_FAULTS = frozenset({"dns", "no such host", "refused", "unreachable", "tls", "timeout", "private address"})


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """What an operator decides about fetching.

    Attributes:
        contact: A mail address or page of the operator for the User-Agent; "" for none.
        user_agent: Name and version; its name is the one that robots.txt is read for.
        timeout_s: Longest time of one request, from connecting to the last byte.
        max_bytes: Longest body, as it comes and decoded, where the caller gives no other.
        max_redirects: Hops.
        delay_s: Least pause between two requests to a host.
        allow_private: Whether addresses that are not public may be connected to.
        private_networks: Networks in CIDR notation that may be, although they are not public.
        honour_opt_outs: Whether reservations (`noai`, `noindex`, TDM) count; robots.txt counts in any case.
    """

    contact: str = ""
    user_agent: str = "newsquote/0.1"
    timeout_s: float = 30.0
    max_bytes: int = 20_000_000
    max_redirects: int = 5
    delay_s: float = 1.0
    allow_private: bool = False
    private_networks: tuple[str, ...] = ()
    honour_opt_outs: bool = True

    @property
    def agent(self) -> str:
        """The bare name."""
        return self.user_agent.split("/")[0].split(" ")[0] or "newsquote"

    @property
    def header(self) -> str:
        """The User-Agent header."""
        plain = re.sub(r"[^\x20-\x7e]|[()]", "", self.contact).strip()
        return f"{self.user_agent} (+{plain})" if plain else self.user_agent

    def refusal(self, address: str) -> str:
        """The kind for which an IP address may not be connected to, or "" where it may; ValueError for none."""
        return refusal(address, allow_private=self.allow_private, private_networks=self.private_networks)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A reply.

    Attributes:
        url: The address that answered, behind all redirects.
        asked: The address as it was asked for.
        status: 2xx, 304 (only where a validator was sent), 404 or 410.
        headers: Names in lower case; several of a name joined by ", ", those of X-Robots-Tag by line breaks. What is
            no UTF-8 is read as Latin-1.
        body: Decoded from its content encoding; empty for 304.
        etag: Validator to send the next time, or "".
        last_modified: The same.
        moved_to: The new address where every hop was permanent, else "".
    """

    url: str
    asked: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    etag: str = ""
    last_modified: str = ""
    moved_to: str = ""

    @property
    def media_type(self) -> str:
        """`text/html` of `Text/HTML; charset=utf-8`; "" where the server says nothing."""
        return _media_type(self.headers)

    @property
    def charset(self) -> str:
        """The charset that the server names, or ""."""
        found = re.search(
            r"""charset\s*=\s*["']?([\w.:-]{2,40})""", self.headers.get("content-type", ""), re.IGNORECASE
        )
        return found[1] if found else ""


@dataclass(slots=True)
class _Host:
    """A host's queue."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last_s: float = float("-inf")
    delay_s: float = 0.0
    rests_from_s: float = 0.0
    rests_until_s: float = 0.0
    resting_for: FetchError | None = None
    n_failed: int = 0


@dataclass(slots=True)
class _Site:
    """What one origin allows, and how long we believe it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    robots: RobotsRules | None = None
    tdm: TdmRules = field(default_factory=TdmRules)
    fault: FetchError | None = None
    read_s: float = 0.0
    until_s: float = float("-inf")


@dataclass(frozen=True, slots=True)
class _Reply:
    url: URL
    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Fetches; one for a whole run, as an asynchronous context manager.

    Args:
        policy: What the operator decides.
        clock: Seconds of the epoch.
        sleep: Waits so many seconds; for pauses between requests and tries.
        resolver: Host name and port → IP addresses; the system's where not given.
        tls: Certificates to trust; the system's where not given.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        resolver: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._sleep = sleep
        self._lookup = resolver or system_lookup
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._hosts: OrderedDict[str, _Host] = OrderedDict()
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=CheckedResolver(self._lookup, self._policy.refusal),
            use_dns_cache=False,  # a cached name would be one that nobody checks again
            ssl=self._tls if self._tls is not None else True,
            limit_per_host=1,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": self._policy.header, "Accept-Encoding": ACCEPTED},
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            trust_env=False,  # a proxy of the environment would resolve names itself, unchecked
        )
        # It would ask a second time at once, behind the back of our own tries and pauses.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        accept: str = "",
        max_bytes: int | None = None,
        obey_robots: bool = True,
    ) -> Fetched:
        """Fetch one address, waiting for its host's turn.

        Args:
            url: An http(s) address; its fragment is not sent.
            etag: Validator of the copy we have; with one a reply of 304 is possible.
            last_modified: The same.
            accept: Media types; those of pages where empty.
            max_bytes: Longest body.
            obey_robots: Whether robots.txt and tdmrep.json are asked; tags of the reply itself count in any case.

        Raises:
            FetchError: There is no 2xx, 304, 404 or 410.
        """
        headers = {"Accept": accept or PAGE_TYPES}
        if etag:
            headers["If-None-Match"] = _one_line(etag)
        if last_modified:
            headers["If-Modified-Since"] = _one_line(last_modified)
        first = self._checked(url)
        limit = self._policy.max_bytes if max_bytes is None else max_bytes
        try:
            reply, moved_to = await self._follow(first, headers, limit, obey_robots)
        except FetchError as error:
            if error.url == str(first):
                raise
            why = f"it leads to {error.url}: {error.why}"
            raise FetchError(url, error.reason, why, error.retry_after_s) from error
        final = str(reply.url)
        if reply.status == 304 and not (etag or last_modified):
            raise FetchError(final, "status 304", "the server says that nothing changed, but nothing was asked about")
        if reply.status < 300:
            self._check_opt_out(reply)
        return Fetched(
            url=final,
            asked=url,
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            etag=reply.headers.get("etag", ""),
            last_modified=reply.headers.get("last-modified", ""),
            moved_to=moved_to,
        )

    # Redirects --------------------------------------------------------------------------------------------

    async def _follow(
        self, url: URL, headers: Mapping[str, str], max_bytes: int, obey: bool, *, is_rules: bool = False
    ) -> tuple[_Reply, str]:
        """The reply at the end of the redirects, and the new address if all were permanent."""
        first = url
        seen = {url}
        is_moved = True
        for _ in range(self._policy.max_redirects + 1):
            if obey:
                await self._obey(url)
            reply = await self._tried(url, headers, max_bytes, is_rules=is_rules)
            if reply.status not in _REDIRECTS:
                return reply, str(url) if is_moved and url != first else ""
            is_moved = is_moved and reply.status in _PERMANENT
            url = self._next_hop(reply)
            if url in seen:
                raise FetchError(str(first), "redirect loop", f"it leads back to {url}")
            seen.add(url)
        raise FetchError(
            str(first), "too many redirects", f"it leads on more than {self._policy.max_redirects} times, last to {url}"
        )

    def _next_hop(self, reply: _Reply) -> URL:
        location = reply.headers.get("location", "").strip()
        if not location:
            raise FetchError(str(reply.url), f"status {reply.status}", "it leads on, but not where to")
        try:
            joined = str(reply.url.join(URL(location)))
        except ValueError as error:
            raise FetchError(
                str(reply.url), "bad URL", f"it leads on to {location[:200]!r}, which is no address"
            ) from error
        return self._checked(joined)

    def _checked(self, url: str) -> URL:
        """An address that may be asked for, as far as its words tell."""
        shown = url if len(url) <= 200 else url[:200] + "…"
        try:
            parsed = URL(url.strip())
            host, port = parsed.host, parsed.port
        except ValueError as error:
            raise FetchError(shown, "bad URL", "it is no address; check how it is written") from error
        if parsed.scheme not in ("http", "https"):
            raise FetchError(shown, "not http", "only http and https addresses are fetched")
        if not host or port == 0 or len(url) > MAX_URL_CHARS:
            raise FetchError(shown, "bad URL", "it is no address; check how it is written")
        if parsed.user is not None or parsed.password is not None:
            raise FetchError(shown, "bad URL", "it holds a user's name or password; leave them out")
        # The connector asks no resolver about an address in figures, and some systems read `127.1` as one.
        try:
            kind = self._policy.refusal(host)
        except ValueError as error:
            kind = ""
            if _ODD_NUMBER.fullmatch(host):
                raise FetchError(shown, "bad URL", "its host is a number; write all four of the address") from error
        if kind:
            raise FetchError(shown, "private address", why_private(host, kind))
        return parsed.with_fragment(None)

    # Rules of a site --------------------------------------------------------------------------------------

    async def _obey(self, url: URL) -> None:
        """Raise `FetchError` unless the site lets us ask for an address."""
        site = await self._site(url)
        if site.fault is not None:
            raise self._again(site.fault, url, site.until_s)
        if site.robots is not None and not site.robots.allows(str(url), self._policy.agent):
            raise FetchError(
                str(url),
                "robots",
                "the site's robots.txt does not let us fetch it",
                max(0.0, site.until_s - self._clock()),
            )
        if self._policy.honour_opt_outs and site.tdm.reserves(str(url)):
            raise FetchError(str(url), "opt-out", "the site reserves text and data mining of it (tdmrep.json)")

    async def _site(self, url: URL) -> _Site:
        origin = str(url.origin())
        site = _kept(self._sites, origin, _Site, lambda one: one.lock.locked())
        async with site.lock:
            if not site.read_s <= self._clock() < site.until_s:
                await self._read_rules(url.origin(), site)
        return site

    async def _read_rules(self, origin: URL, site: _Site) -> None:
        site.fault, age_s = None, MAX_RULES_AGE_S
        before = site.robots
        try:
            reply = await self._rules_file(origin / "robots.txt", MAX_ROBOTS_BYTES)
            if reply.status < 300:
                site.robots = read_robots(reply.body)
                age_s = _max_age_s(reply.headers)
            else:
                site.robots = RobotsRules()
            host = self._host(origin)
            host.delay_s = site.robots.delay_s(self._policy.agent)
            if host.delay_s > LONG_DELAY_S:
                log.warning("robots.txt asks for long pauses host=%s pause_s=%.0f", origin.raw_host, host.delay_s)
            if self._policy.honour_opt_outs:
                site.tdm = await self._read_tdm(origin, site.tdm)
        except FetchError as error:
            age_s = FAILED_RULES_AGE_S if error.retry_after_s is None else max(1.0, error.retry_after_s)
            # Rules that were read before still tell what the site wants (RFC 9309, 2.4); of a site that was never
            # asked, a robots.txt alone does not say what it reserves.
            if before is None:
                site.robots = None
                site.fault = error if error.reason in _HOST_FAULTS else _unasked(error)
        site.read_s = self._clock()
        site.until_s = site.read_s + age_s

    async def _read_tdm(self, origin: URL, before: TdmRules) -> TdmRules:
        try:
            reply = await self._rules_file(origin / ".well-known" / "tdmrep.json", MAX_TDM_BYTES)
        except FetchError as error:
            if error.reason in _HOST_FAULTS:
                raise
            return before
        return read_tdm(reply.body) if reply.status == 200 else TdmRules()

    async def _rules_file(self, url: URL, max_bytes: int) -> _Reply:
        """A file of rules; any 4xx but 429 counts as there being none."""
        try:
            return (await self._follow(url, {"Accept": "*/*"}, max_bytes, False, is_rules=True))[0]
        except FetchError as error:
            status = error.reason.removeprefix("status ")
            if status.isdigit() and 400 <= int(status) < 500:
                return _Reply(url, 404, {}, b"")
            raise

    def _again(self, fault: FetchError, url: URL, until_s: float) -> FetchError:
        """A fault met before, told of another address."""
        return FetchError(str(url), fault.reason, fault.why, max(0.0, until_s - self._clock()))

    def _check_opt_out(self, reply: _Reply) -> None:
        if not self._policy.honour_opt_outs:
            return
        is_page = _media_type(reply.headers) in ("", "text/html", "application/xhtml+xml")
        found = header_opt_out(reply.headers, self._policy.agent, is_page=is_page)
        if not found and is_page:
            found = page_opt_out(reply.body, self._policy.agent)
        if found:
            raise FetchError(str(reply.url), "opt-out", f"the publisher does not want it used like this ({found})")

    # One request ------------------------------------------------------------------------------------------

    def _host(self, url: URL) -> _Host:
        return _kept(self._hosts, url.raw_host or "", _Host, lambda one: one.lock.locked())

    async def _tried(self, url: URL, headers: Mapping[str, str], max_bytes: int, *, is_rules: bool) -> _Reply:
        """One reply, asked for again after a passing fault, in the host's turn."""
        host = self._host(url)
        async with host.lock:
            if host.resting_for is not None and host.rests_from_s <= self._clock() < host.rests_until_s:
                raise self._again(host.resting_for, url, host.rests_until_s)
            tries = AsyncRetrying(
                retry=retry_if_exception(_is_worth_another),
                stop=stop_after_attempt(MAX_TRIES),
                wait=_pause_s,
                sleep=self._sleep,
                reraise=True,
            )
            try:
                reply: _Reply = await tries(self._asked, host, url, headers, max_bytes, is_rules)
            except FetchError as error:
                self._rest(host, error)
                raise
            host.n_failed, host.resting_for = 0, None
            return reply

    def _rest(self, host: _Host, error: FetchError) -> None:
        """Leave a host alone for a while that said so, or that failed as a host."""
        if error.retry_after_s is not None:
            rest_s = error.retry_after_s
        elif _is_passing(error) or error.reason in _HOST_FAULTS:
            rest_s = min(FIRST_REST_S * 2**host.n_failed, MAX_REST_S)
            host.n_failed = min(host.n_failed + 1, 16)
            if error.reason not in _HOST_FAULTS and host.n_failed < 3:
                return  # one page that fails says nothing about the others
        else:
            return
        host.resting_for = error
        host.rests_from_s = self._clock()
        host.rests_until_s = host.rests_from_s + rest_s
        log.info("resting host=%s reason=%s for_s=%.0f", error.url, error.reason, rest_s)

    async def _asked(self, host: _Host, url: URL, headers: Mapping[str, str], max_bytes: int, is_rules: bool) -> _Reply:
        # Files of rules are read once a day before anything else; the pause is for pages.
        if not is_rules:
            delay_s = max(self._policy.delay_s, host.delay_s)
            # A clock that was set back must not make us wait longer than the delay.
            wait_s = min(delay_s, host.last_s + delay_s - self._clock())
            if wait_s > 0:
                await self._sleep(wait_s)
        try:
            return await self._exchange(url, headers, max_bytes, may_be_cut=is_rules)
        finally:
            if not is_rules:
                host.last_s = self._clock()

    async def _exchange(self, url: URL, headers: Mapping[str, str], max_bytes: int, *, may_be_cut: bool) -> _Reply:
        assert self._session is not None, "a Fetcher is used inside `async with`"
        shown = str(url)
        is_in_body = False
        try:
            async with (
                asyncio.timeout(self._policy.timeout_s),
                self._session.get(url, headers=headers, allow_redirects=False) as response,
            ):
                plain = _plain_headers(response.headers)
                self._check_status(shown, response.status, plain)
                body = b""
                if 200 <= response.status < 300:
                    is_in_body = True
                    body = await self._body(shown, response.content, plain, max_bytes, may_be_cut=may_be_cut)
                return _Reply(url, response.status, plain, body)
        except TimeoutError as error:
            took = f"within {self._policy.timeout_s:g} seconds"
            if is_in_body:
                raise FetchError(shown, "slow", f"its body did not end {took}") from error
            raise FetchError(shown, "timeout", f"there was no reply {took}") from error
        except (Unresolved, aiohttp.ClientError, ssl.SSLError, OSError, ValueError) as error:
            raise _translated(shown, error) from error

    def _check_status(self, url: str, status: int, headers: Mapping[str, str]) -> None:
        if 200 <= status < 300 or status in _REDIRECTS or status in (304, 404, 410):
            return
        later = _retry_after_s(headers.get("retry-after", ""), self._clock()) if status in (429, 503) else None
        if status == 429:
            raise FetchError(url, "too many requests", "the server asks us to come back later", later)
        raise FetchError(url, f"status {status}", f"the server answers with status {status}", later)

    async def _body(
        self,
        url: str,
        content: aiohttp.StreamReader,
        headers: Mapping[str, str],
        max_bytes: int,
        *,
        may_be_cut: bool,
    ) -> bytes:
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > max_bytes and not may_be_cut:
            raise FetchError(
                url, "too long", f"it has {int(length):,} bytes, more than the {max_bytes:,} that are read"
            )
        try:
            reader = BodyReader(headers.get("content-encoding", ""), max_bytes)
            async for raw in content.iter_any():
                reader.feed(raw)
            return reader.body()
        except Overlong as error:
            if may_be_cut:
                return reader.so_far()
            if error.is_bomb:
                raise FetchError(
                    url, "gzip bomb", "it unpacks to a hundred times its size, which no text does"
                ) from error
            raise FetchError(url, "too long", f"it has more than the {max_bytes:,} bytes that are read") from error
        except Damaged as error:
            raise FetchError(url, "bad encoding", f"its body {error}") from error


# Pure parts -----------------------------------------------------------------------------------------------


def _translated(url: str, error: Exception) -> FetchError:
    """What a fault of the network means."""
    match error:
        case Unresolved():
            return FetchError(url, error.reason, str(error))
        case aiohttp.ClientSSLError() | ssl.SSLError():
            why = getattr(error, "certificate_error", None) or error
            return FetchError(url, "tls", f"the connection cannot be trusted ({_short(why)})")
        case aiohttp.ClientConnectorError():
            if error.os_error.errno == errno.ECONNREFUSED:
                return FetchError(url, "refused", "the host refuses connections")
            return FetchError(url, "unreachable", f"the host cannot be reached ({_short(error.os_error)})")
        case aiohttp.InvalidURL():
            return FetchError(url, "bad URL", "it is no address; check how it is written")
        case aiohttp.ClientPayloadError():
            return FetchError(url, "incomplete", "the reply ends early or is not framed as it says")
        case aiohttp.ClientResponseError():
            if _is_caused_by(error, LineTooLong):
                return FetchError(url, "header too large", "a header of the reply is longer than any should be")
            return FetchError(url, "bad reply", "the reply is not HTTP as it should be")
        case aiohttp.ClientConnectionError() | OSError():
            return FetchError(url, "connection reset", "the server closed the connection")
    return FetchError(url, "bad reply", f"the reply cannot be understood ({_short(error)})")


def _is_caused_by(error: BaseException, kind: type[Exception]) -> bool:
    while error.__cause__ is not None:
        error = error.__cause__
        if isinstance(error, kind):
            return True
    return False


def _short(error: object) -> str:
    return encodable(" ".join(str(error).split()))[:160]


def _is_passing(error: FetchError) -> bool:
    status = error.reason.removeprefix("status ")
    return (
        error.reason in _TRANSIENT
        or error.reason == "too many requests"
        or (status.isdigit() and int(status) in _TRANSIENT_STATUS)
    )


def _is_worth_another(error: BaseException) -> bool:
    """Whether asking again at once, or after the pause that the server names, may help."""
    if not isinstance(error, FetchError) or not _is_passing(error):
        return False
    if error.retry_after_s is None:
        return error.reason != "too many requests"
    return error.retry_after_s <= MAX_PAUSE_S


def _pause_s(state: RetryCallState) -> float:
    """Seconds before the next try: what the server asks for, else 1, 2, 4 …, and up to half as much more by chance."""
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, FetchError) else None
    base_s: float = 2.0 ** (state.attempt_number - 1) if asked_s is None else max(asked_s, 1.0)
    return base_s * (1 + random.random() / 2)


def _retry_after_s(value: str, now_s: float) -> float | None:
    """Seconds that a `Retry-After` names as a number or as a date; None for neither."""
    value = value.strip()
    if re.fullmatch(r"\d{1,9}", value):
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        moment_s = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, moment_s - now_s), MAX_RETRY_AFTER_S)


def _max_age_s(headers: Mapping[str, str]) -> float:
    found = re.search(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,9})", headers.get("cache-control", ""))
    return min(max(float(found[1]), MIN_RULES_AGE_S), MAX_RULES_AGE_S) if found else MAX_RULES_AGE_S


def _unasked(error: FetchError) -> FetchError:
    """A site whose rules cannot be read is not fetched from, until they can; it forbids nothing by that."""
    return FetchError(
        error.url, "robots unread", f"the site's robots.txt cannot be read: {error.why}", error.retry_after_s
    )


def _plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as `Fetched` has them."""
    plain: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        try:
            value.encode()
        except UnicodeEncodeError:
            # The library keeps bytes that are no UTF-8 as halves of surrogates, which nothing can store.
            value = value.encode("utf-8", "surrogateescape").decode("latin-1")
        between = "\n" if key == "x-robots-tag" else ", "
        plain[key] = f"{plain[key]}{between}{value}" if key in plain else value
    return plain


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].split(",")[0].strip().lower()


def _one_line(value: str) -> str:
    """A header's value that came from elsewhere, unable to begin another header."""
    return re.sub(r"[\x00-\x1f\x7f]", "", value)


def _kept(held: OrderedDict[str, _T], key: str, make: Callable[[], _T], is_busy: Callable[[_T], bool]) -> _T:
    """The entry of a key, made where there is none; of too many, the one not used for the longest goes."""
    if key in held:
        held.move_to_end(key)
        return held[key]
    if len(held) >= MAX_SITES:
        idle = next((name for name, one in held.items() if not is_busy(one)), None)
        if idle is not None:
            del held[idle]
    held[key] = make()
    return held[key]
