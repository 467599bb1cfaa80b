"""One writer at a time for a data folder, and the name of who holds it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import StoreError, StoreLocked
from index.writer import HOLDER, LOCK, being_written


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
        lock = FileLock(folder / LOCK)
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout as error:
                if not wait():
                    raise StoreLocked(f"{being_written(folder)}; wait until it is done, or stop it.") from error
    except OSError as error:
        raise StoreError(
            f"The data folder {folder} cannot be written ({error.strerror or error}); check its permissions or name "
            "another with --data."
        ) from error
    try:
        holder = {"pid": os.getpid(), "since_s": now_s, "purpose": purpose}
        with contextlib.suppress(OSError):  # a courtesy: a full disk must not keep anyone from retracting
            (folder / HOLDER).write_text(json.dumps(holder), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / HOLDER).unlink()
        lock.release()
