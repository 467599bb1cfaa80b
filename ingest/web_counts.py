"""What a source over addresses tells the job that runs it; imports nothing of the network.

Knows nothing about fetching.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from index.terminal import counted
from ingest.page_log import PageLog


@dataclass(slots=True)
class WebCounts:
    """What a run over addresses did, beside the articles it gave."""

    n_fetched: int = 0
    n_unchanged: int = 0
    n_skipped: int = 0
    n_old: int = 0
    n_over: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def n_known(self) -> int:
        """Pages of which there is nothing new."""
        return self.n_unchanged + self.n_skipped

    def sentences(self) -> list[str]:
        """For a person."""
        fetched = counted(self.n_fetched, "address", "addresses")
        lines = [f"{fetched} fetched, {self.n_unchanged:,} of them not modified"]
        if self.n_skipped:
            lines.append(f"{self.n_skipped:,} not asked for: our copy is as new as the list says")
        if self.n_old:
            lines.append(f"{self.n_old:,} listed pages are older than --since")
        if self.n_over:
            lines.append(f"{self.n_over:,} listed pages are beyond --limit; the newest were taken")
        return [*lines, *self.notes]


@runtime_checkable
class Remembering(Protocol):
    """A source that looks up and records what it fetched."""

    counts: WebCounts

    def remember(self, log: PageLog) -> None:
        """Use a log."""
        ...
