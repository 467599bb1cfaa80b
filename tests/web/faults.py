"""Routes of servers that misbehave. Knows nothing about newsquote."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib

from tests.web.loopback import Request


def raw(reply: bytes, *, close: bool = True) -> Write:
    """A route that sends these bytes as they are."""
    return Write(reply, close)


class Write:
    def __init__(self, reply: bytes, close: bool) -> None:
        self._reply = reply
        self._close = close

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(self._reply)
        await writer.drain()
        if self._close:
            writer.close()


async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
    """A body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html><body><p>")
    while True:
        writer.write(b"on and on " * 10_000)
        await writer.drain()


async def dripping(request: Request, writer: asyncio.StreamWriter) -> None:
    """A body that comes a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silent(request: Request, writer: asyncio.StreamWriter) -> None:
    """No reply at all."""
    await asyncio.sleep(3_600)


async def resetting(request: Request, writer: asyncio.StreamWriter) -> None:
    """Half a reply, then a reset."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await writer.drain()
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def endless_header(request: Request, writer: asyncio.StreamWriter) -> None:
    """A header that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"a" * 65_536)
        await writer.drain()


def packed_zeros(n_bytes: int) -> bytes:
    """A gzip file of so many zeros, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1_000_000)
    return b"".join([*(packer.compress(piece) for _ in range(n_bytes // len(piece))), packer.flush()])


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def framed(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """A whole reply of status 200 with these header lines, and a length that may lie."""
    lines = ["HTTP/1.1 200 OK", "Content-Type: text/html; charset=utf-8", *headers]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body
