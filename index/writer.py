"""Who is writing a data folder, for whoever finds it held. The lock itself is taken in `ingest.lock`."""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path

LOCK = "ingest.lock"
HOLDER = "ingest.holder.json"


def is_being_written(folder: Path) -> bool:
    """Whether a process holds the right to write.

    One that was killed leaves its note, and no lock. Without a note the lock is not touched: a writer that comes at
    that moment would find it held.
    """
    if not (folder / HOLDER).exists():
        return False
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # not ours to look at, or a file system without locks
        return False
    return False


def being_written(folder: Path) -> str:
    """The sentence for a held folder, without its end: by which process, for what and since when."""
    try:
        holder = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        since = datetime.fromtimestamp(holder["since_s"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{folder} is being written by process {holder['pid']} (`{holder['purpose']}`, since {since})"
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder} is being written by another process"
