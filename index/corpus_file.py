"""corpus.db as a file: how it is opened, read and written, and what its errors mean.

Written by one process, under the ingest lock; read by everyone, also while it is written and on a read-only folder.
Knows nothing about the tables.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from index.errors import StoreError

FILE = "corpus.db"
# SQLite takes a bounded number of parameters in one statement.
_VALUES_AT_ONCE = 500

Row = tuple[Any, ...]


class _Stamp(NamedTuple):
    """What tells that the file or its log was written: (inode, size, time of change) of each that is there."""

    file: tuple[int, int, int] | None
    log: tuple[int, int, int] | None


class CorpusFile:
    """An open corpus.db, whose tables are the business of those who inherit.

    Args:
        folder: The data folder.
        write: Open for writing and create it where it is missing; the caller holds the ingest lock.

    Raises:
        StoreError: Missing (for reading), damaged, or not readable.
    """

    def __init__(self, folder: Path, *, write: bool) -> None:
        self._path = folder / FILE
        self._write = write
        self._stamp: _Stamp | None = None  # of a file that was opened as one that stays as it is
        with self._translating():
            self._db = self._connect()

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self._path.parent

    def size_bytes(self) -> int:
        """Size of the file with its log."""
        return sum(path.stat().st_size for path in self._path.parent.glob(FILE + "*") if not path.name.endswith("-shm"))

    def check(self) -> str:
        """ "ok", or what SQLite's own check finds wrong."""
        row = self._one("PRAGMA quick_check(1)")
        return str(row[0]) if row else "no answer"

    def close(self) -> None:
        """Release the file; for a writer this folds the write-ahead log in, so that readers need no -shm."""
        if self._write:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; durable once the block is left."""
        with self._translating():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    # Opening ------------------------------------------------------------------------------------------

    def _connect(self) -> sqlite3.Connection:
        if self._path.is_dir():
            raise StoreError(f"{self._path} is a folder and no corpus; name another data folder with --data.")
        if self._write:
            return sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        if not self._path.exists():
            raise self._missing()
        try:
            db, stamp = self._opened("mode=ro"), None
        except sqlite3.OperationalError as error:
            # A WAL database cannot be opened where its -shm file cannot be made, for want of rights or of room; with
            # no log beside it the file alone is whole, until somebody else writes.
            stamp = self._stamp_now()
            if stamp.log is not None or "locked" in str(error):
                raise
            db = self._opened("mode=ro&immutable=1")
        self._stamp = stamp
        return db

    def _opened(self, mode: str) -> sqlite3.Connection:
        """A connection that has read something: only then does it show what it cannot."""
        uri = f"{self._path.absolute().as_uri()}?{mode}"
        db = sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _stamp_now(self) -> _Stamp:
        log = _file_stamp(self._path.with_name(FILE + "-wal"))
        return _Stamp(_file_stamp(self._path), log if log is not None and log[1] else None)

    def _follow(self) -> bool:
        """Open the file anew where it was taken for one that stays as it is, and did not; whether that was so."""
        if self._stamp is None or self._stamp == self._stamp_now():
            return False
        self._db.close()
        self._db = self._connect()
        return True

    # Statements ---------------------------------------------------------------------------------------

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with self._translating():
            while True:
                self._follow()
                try:
                    rows: list[Row] = self._db.execute(sql, values).fetchall()
                except sqlite3.Error:
                    if not self._follow():
                        raise
                    continue
                if not self._follow():  # while it was read
                    return rows

    def _one(self, sql: str, values: Sequence[object] = ()) -> Row | None:
        """The first row."""
        rows = self._rows(sql, values)
        return rows[0] if rows else None

    def _number(self, sql: str, values: Sequence[object] = ()) -> int:
        """The number that a statement gives, such as a count; 0 where it gives no row."""
        row = self._one(sql, values)
        return int(row[0]) if row else 0

    def _rows_in(self, sql: str, keys: Sequence[object], *before: object) -> Iterator[Row]:
        """Rows of a statement that ends in a condition on a column, for each of any number of keys it may have.

        Args:
            sql: Ends in the column's name.
            keys: What the column may be.
            before: Values of the parameters that stand in `sql`.
        """
        for at in range(0, len(keys), _VALUES_AT_ONCE):
            part = keys[at : at + _VALUES_AT_ONCE]
            yield from self._rows(f"{sql} IN ({','.join('?' * len(part))})", (*before, *part))

    def _stream(self, sql: str, values: Sequence[object] = ()) -> Iterator[Row]:
        """Rows one by one, for what is too much to hold."""
        with self._translating():
            self._follow()
            yield from self._db.execute(sql, values)

    def _make_tables(self, statements: str) -> None:
        """Run several statements; inside a transaction, which sqlite3's own way to do so would end."""
        for statement in statements.split(";"):
            if statement.strip():
                self._db.execute(statement)

    # Errors -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        """Turn SQLite's errors into a `StoreError` that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: sqlite3.Error) -> StoreError:
        text = str(error)
        if "full" in text or "disk I/O" in text:
            return StoreError(
                f"The disk under {self._path.parent} is full or failing ({text}); free some space and run the "
                "same command again: everything reported as stored is safe."
            )
        if "readonly" in text or "unable to open" in text:
            purpose = "writing" if self._write else "reading"
            return StoreError(f"{self._path} cannot be opened for {purpose} ({text}); check its permissions.")
        if "malformed" in text or "not a database" in text:
            return StoreError(
                f"{self._path} is damaged ({text}); restore it from a backup, or from a file that "
                "`newsquote export` wrote."
            )
        if "locked" in text:
            return StoreError(f"{self._path} is held by another process ({text}); try again when it is done.")
        return StoreError(f"{self._path}: {text}.")

    def _missing(self) -> StoreError:
        return StoreError(
            f"There is no corpus in {self._path.parent}; run `newsquote ingest SOURCE` first, or name "
            "another folder with --data."
        )


def _file_stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        info = path.stat()
    except FileNotFoundError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns
