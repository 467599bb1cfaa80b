"""How fast the bot is from question to card, how much memory it takes, and how soon it answers after its start.

Run alone with `python -m tests.bench_bot DATA`; the figures are those of the real bot over the loopback stand-in.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.standin import StandIn
from bot.standin.entities import Interaction
from index.embed import load_embedder
from tests.bot_support import DEADLINE, FERRY, NOWHERE, bot_in, town_in

N_ONE_BY_ONE = 30
N_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds and bytes.

    Attributes:
        start_s: From nothing to the first answer, model and index opened.
        alone_s: From question to card, one after another, ascending.
        crowd_s: The same for a hundred people at once, those told "busy" left out, ascending.
        n_busy: How many of them were.
        memory_bytes: Resident, at the end.
    """

    start_s: float
    alone_s: tuple[float, ...]
    crowd_s: tuple[float, ...]
    n_busy: int
    memory_bytes: int


def share(ascending: Sequence[float], part: float) -> float:
    """The value that `part` of all do not exceed."""
    return ascending[min(len(ascending) - 1, int(part * len(ascending)))]


async def timed(asked: Interaction) -> tuple[float, bool]:
    """Seconds until the card, and whether it is one."""
    started = time.perf_counter()
    answer = await asked.answered(120)
    return time.perf_counter() - started, bool(answer.embeds)


async def measure(data: Path, exports: Path) -> Figures:
    """All figures, over a data folder that is only read and the folder of the model's export."""
    started = time.perf_counter()
    embedder = load_embedder(exports=exports)
    with tempfile.TemporaryDirectory() as memory_at:
        async with StandIn() as discord, bot_in(discord, data, embedder, Path(memory_at)) as bot:
            town = town_in(discord)
            bot.memory.set(town.guild.id, guild_per_minute=0)
            await timed(await discord.slash(town.ann, town.channel, "ask", question=FERRY))
            start_s = time.perf_counter() - started
            alone = []
            for at in range(N_ONE_BY_ONE):
                question = (FERRY, DEADLINE, NOWHERE)[at % 3]
                alone.append((await timed(await discord.slash(town.ann, town.channel, "ask", question=question)))[0])
            people = [discord.add_user(f"Person {n}") for n in range(N_AT_ONCE)]
            asked = [await discord.slash(person, town.channel, "ask", question=FERRY) for person in people]
            crowd = await asyncio.gather(*map(timed, asked))
    answered = sorted(seconds for seconds, is_card in crowd if is_card)
    return Figures(start_s, tuple(sorted(alone)), tuple(answered), len(crowd) - len(answered), resident_bytes())


def resident_bytes() -> int:
    """Memory of this process that is in RAM; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def lines(figures: Figures) -> list[str]:
    """The figures for a person."""
    return [
        f"start to first answer      {figures.start_s:6.2f} s",
        f"one by one        p50 {share(figures.alone_s, 0.5):6.3f} s   p95 {share(figures.alone_s, 0.95):6.3f} s",
        f"{N_AT_ONCE} at once       p50 {share(figures.crowd_s, 0.5):6.2f} s   "
        f"p95 {share(figures.crowd_s, 0.95):6.2f} s   busy {figures.n_busy}",
        f"resident memory          {figures.memory_bytes / 1e6:8.0f} MB",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench_bot", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="ingested data folder")
    data = parser.parse_args().data
    if not (data / "corpus.db").is_file():
        parser.error(f"there is no {data / 'corpus.db'}")
    print("\n".join(lines(asyncio.run(measure(data, data / "models")))))


if __name__ == "__main__":
    main()
