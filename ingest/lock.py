"""One writer at a time for a data folder, and the name of who holds it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import StoreError, StoreLocked

_LOCK = "ingest.lock"
_HOLDER = "ingest.holder.json"


@contextlib.contextmanager
def ingest_lock(folder: Path, purpose: str, now_s: int, wait: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """Hold the right to write `folder`, making the folder where it is missing.

    The operating system frees the lock when its holder dies, however it dies.

    Args:
        folder: The data folder.
        purpose: The command, for whoever finds it held.
        now_s: The present instant, likewise.
        wait: Called each time that another process is found to hold it; pauses, and says whether to try again.

    Raises:
        StoreLocked: Another process holds it; the sentence says which, since when and for what.
        StoreError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout as error:
                if not wait():
                    raise StoreLocked(f"{_holder(folder)}; wait until it is done, or stop it.") from error
    except OSError as error:
        raise StoreError(
            f"The data folder {folder} cannot be written ({error.strerror or error}); check its permissions or name "
            "another with --data."
        ) from error
    try:
        holder = {"pid": os.getpid(), "since_s": now_s, "purpose": purpose}
        with contextlib.suppress(OSError):  # a courtesy: a full disk must not keep anyone from retracting
            (folder / _HOLDER).write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / _HOLDER).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    try:
        holder = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        since = datetime.fromtimestamp(holder["since_s"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{folder} is being written by process {holder['pid']} (`{holder['purpose']}`, since {since})"
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder} is being written by another process"
