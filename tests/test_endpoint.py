"""What operators' tools read: the text format, the loopback server, and a watcher's counts and health."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from index.endpoint import Endpoint, family
from ingest.feed_commands import feed_status
from ingest.watch import Watcher
from ingest.watch_metrics import LONGEST_ROUND_S, exposition, problem
from tests.feed_support import NOW_S, world


async def read(port: int, path: str) -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as reply:
        return reply.status, reply.headers["Content-Type"], await reply.text()


def test_a_family_of_metrics_is_written_as_prometheus_reads_it() -> None:
    assert family("feeds", "gauge", "Subscriptions.", ("", 3.0), ('{kind="a"}', 0.25), ("", float("nan"))) == [
        "# HELP newsquote_feeds Subscriptions.",
        "# TYPE newsquote_feeds gauge",
        "newsquote_feeds 3",
        'newsquote_feeds{kind="a"} 0.25',
        "newsquote_feeds NaN",
    ]


def test_metrics_and_health_are_served_on_loopback_until_closed() -> None:
    wrong = ""

    async def run() -> None:
        nonlocal wrong
        endpoint = Endpoint(lambda: "newsquote_feeds 1\n", lambda: wrong, 0)
        await endpoint.start()
        assert await read(endpoint.port, "/metrics") == (
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            "newsquote_feeds 1\n",
        )
        assert (await read(endpoint.port, "/health"))[::2] == (200, "ok\n")
        wrong = "no round has ended for 200 minutes"
        assert (await read(endpoint.port, "/health"))[::2] == (503, f"{wrong}\n")
        assert (await read(endpoint.port, "/"))[0] == 404
        await endpoint.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await read(endpoint.port, "/health")

    asyncio.run(run())


def test_a_taken_port_is_an_error_of_the_system() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="address"):
        asyncio.run(Endpoint(str, str, taken.getsockname()[1]).start())


def test_a_watcher_counts_what_became_of_its_entries(tmp_path: Path) -> None:
    with world(tmp_path / "data") as site:
        site.publish("ferry", "crane")
        site.subscribe()

        async def work(watcher: Watcher) -> str:
            await watcher.round()
            with site.store() as store:
                status = feed_status(store, NOW_S + 60)
            return exposition(watcher, status, NOW_S + 60)

        text = site.with_watcher(work)
    lines = text.splitlines()
    assert "newsquote_feed_polls_total 1" in lines
    assert "newsquote_feed_polls_failed_total 0" in lines
    assert "newsquote_feed_entries_total 2" in lines
    assert 'newsquote_feed_articles_total{outcome="new"} 2' in lines
    assert "newsquote_feeds 1" in lines
    assert "newsquote_feed_entries_waiting 0" in lines


def test_a_watcher_without_an_ended_round_for_hours_is_not_well(tmp_path: Path) -> None:
    with world(tmp_path / "data") as site:
        site.publish("ferry")
        site.subscribe()

        async def work(watcher: Watcher) -> tuple[str, str, str]:
            before = problem(watcher, NOW_S)
            assert problem(watcher, NOW_S + LONGEST_ROUND_S + 60) == "no round has ended for 181 minutes"
            await watcher.round()
            assert watcher.last_s is not None
            now_s = int(watcher.last_s) + LONGEST_ROUND_S
            return before, problem(watcher, now_s), problem(watcher, now_s + 60)

        before, well, late = site.with_watcher(work)
    assert (before, well) == ("", "")
    assert late == "no round has ended for 181 minutes"
