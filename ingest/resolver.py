"""Names of hosts → the addresses that may be connected to, looked up once and checked.

The connector gets only addresses that passed, so that there is no second look-up which could answer otherwise.
Knows nothing about requests.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp.abc import AbstractResolver, ResolveResult

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]


class Unresolved(Exception):
    """Why a host has no address that may be connected to. No OSError, which the connector would rename."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class CheckedResolver(AbstractResolver):
    """Gives the connector the addresses of a name that were checked, and no others to choose from.

    Args:
        lookup: Host name and port → IP addresses.
        refusal: The kind for which an address may not be connected to, or "" where it may.
    """

    def __init__(self, lookup: Lookup, refusal: Callable[[str], str]) -> None:
        self._lookup = lookup
        self._refusal = refusal

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            addresses = await self._lookup(host, port)
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise Unresolved("dns", f"the name {host} cannot be looked up at present") from error
            raise Unresolved("no such host", f"there is no host {host}") from error
        except (OSError, UnicodeError) as error:
            raise Unresolved("dns", f"the name {host} cannot be looked up ({error})") from error
        kinds = {address: self._refusal(address) for address in addresses}
        allowed = [address for address, kind in kinds.items() if not kind]
        if not kinds:
            raise Unresolved("no such host", f"there is no host {host}")
        if not allowed:
            address, kind = next(iter(kinds.items()))
            raise Unresolved("private address", why_private(address, kind))
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in allowed
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def system_lookup(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def why_private(address: str, kind: str) -> str:
    return f"its address {address} is not public ({kind}); say --allow-private if that is meant"
