"""How an ingest tells a person what it does: a progress bar on a terminal, plain lines elsewhere, a summary at the end.

Everything goes to stderr. A line "stored N" is only written once these N are durable,
and says how many of them were before.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from index.terminal import counted, safe

if TYPE_CHECKING:
    from rich.progress import TaskID

EVERY_S = 2.0


class Progress(Protocol):
    """Told how far the job is; called often, so it must be cheap."""

    def stored(self, n: int, n_same: int) -> None:
        """What `n` drafts say is committed in all; what `n_same` of them say was there before."""
        ...

    def embedded(self, n: int, n_all: int) -> None:
        """`n` of `n_all` missing vectors are committed."""
        ...

    def building(self, n_passages: int) -> None:
        """The snapshot is being written."""
        ...


@dataclass(slots=True)
class Report:
    """What an ingest did; every count of articles but `copies` and `stubs` excludes the others.

    Attributes:
        n_buried: Articles that an export has as retracted, which were not stored here, and from now on will not be.
        live_retracted: Ids of those that answer here, and go on answering.
    """

    n_read: int = 0
    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    n_retracted: int = 0
    n_buried: int = 0
    live_retracted: list[str] = field(default_factory=list)
    n_copies: int = 0
    n_stubs: int = 0
    n_embedded: int = 0
    snapshot: str = ""
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    n_removed_lines: int = 0


class LineProgress:
    """Plain lines, for logs and pipes.

    Args:
        stream: Where to; stderr as it is now if not given.
        clock: Seconds, monotonic.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._last = -EVERY_S

    def _line(self, text: str) -> None:
        with suppress(OSError):  # a full disk, or nobody who reads: no reason to stop what is reported
            print(text, file=self._stream, flush=True)

    def stored(self, n: int, n_same: int) -> None:
        self._line(f"stored {n:,}{_before(n, n_same)}")

    def embedded(self, n: int, n_all: int) -> None:
        now = self._clock()
        if now - self._last >= EVERY_S or n == n_all:
            self._last = now
            self._line(f"embedded {n:,} of {counted(n_all, 'passage')}")

    def building(self, n_passages: int) -> None:
        self._line("building the index")

    def close(self) -> None:
        """Nothing is held."""


class BarProgress:
    """A bar with the time left, for a terminal.

    Args:
        read: Bytes read so far and in all, or None where that is unknown.
    """

    def __init__(self, read: Callable[[], tuple[int, int | None]]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._read = read
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        self._reading = self._bar.add_task("reading", total=None, count="")
        self._embedding: TaskID | None = None

    def stored(self, n: int, n_same: int) -> None:
        done, total = self._read()
        self._bar.update(
            self._reading, completed=done, total=total, count=f"{counted(n, 'article')} stored{_before(n, n_same)}"
        )

    def embedded(self, n: int, n_all: int) -> None:
        if self._embedding is None:
            self._embedding = self._bar.add_task("embedding", total=n_all, count="")
        self._bar.update(self._embedding, completed=n, total=n_all, count=f"{n:,} of {counted(n_all, 'passage')}")

    def building(self, n_passages: int) -> None:
        self._bar.add_task("building the index", total=None, count="")

    def close(self) -> None:
        """Take the bar off the screen."""
        self._bar.stop()


def _before(n: int, n_same: int) -> str:
    """How many of those that are stored were so before."""
    if not n_same:
        return ""
    return f", {'all' if n_same == n else f'{n_same:,}'} of them before"


def summary(report: Report, took_s: float, *, has_index: bool = True) -> str:
    """What an ingest did, in a few lines; `has_index` says whether anything can be asked now."""
    lines = [
        f"{report.n_read:,} read in {took_s:.1f} s: {report.n_new:,} new, {report.n_changed:,} changed, "
        f"{report.n_same:,} same, {sum(report.rejected.values()):,} rejected",
        f"among the new and changed: {counted(report.n_copies, 'copy', 'copies')}, {counted(report.n_stubs, 'stub')}; "
        f"{counted(report.n_removed_lines, 'boilerplate line')} removed",
    ]
    if report.n_retracted:
        was, stay = ("was", "stays") if report.n_retracted == 1 else ("were", "stay")
        lines.append(f"{report.n_retracted:,} {was} retracted before and {stay} so")
    if report.n_buried:
        those = counted(report.n_buried, "article")
        lines.append(f"kept out, as retracted in the export: {those}; `newsquote retract --undo` takes one in again")
    if report.live_retracted:
        those = counted(len(report.live_retracted), "article")
        lines.append(
            f"retracted in the export and not here: {those}, such as {safe(report.live_retracted[0])}; "
            "`newsquote retract` takes it down here too"
        )
    for reason, n in report.rejected.most_common():
        lines.append(f"rejected: {n:,} × {reason}")
    for warning, n in report.warnings.most_common():
        lines.append(f"repaired: {n:,} × {warning}")
    if report.snapshot:
        lines.append(f"{counted(report.n_embedded, 'passage')} embedded; the live index is now {report.snapshot}")
    else:
        lines.append("nothing to embed; " + ("the live index stays as it is" if has_index else "there is no index yet"))
    return "\n".join(lines)
