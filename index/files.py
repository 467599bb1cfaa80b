"""Files written once: linked, digested, whole or absent, surely on the disk. Knows nothing of what they hold."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict


class FileEntry(BaseModel):
    """Size in bytes and digest of one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


def link(file: Path, to: Path) -> None:
    """Give a file that is never written again a second name; a copy where the file system knows no links."""
    try:
        to.hardlink_to(file)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOENT, errno.EEXIST):
            raise
        shutil.copyfile(file, to)


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_sha256(paths: Iterable[Path]) -> str:
    """The same of several files, in their order: over the digests of each."""
    return hashlib.sha256("".join(map(file_sha256, paths)).encode()).hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Size and digest of a file, which is on the disk when this returns."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return FileEntry(size=path.stat().st_size, sha256=digest)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that appears under its name when the block ends well, or not at all.

    A symbolic link stays one: what it leads to is replaced. What is there and no regular file, a pipe or a device, is
    written to as it is. Of several writers at once each has a file of its own, and the last one to end stays; what a
    writer left that was killed goes with the next one.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as there:
            yield there
        return
    target = Path(os.path.realpath(path))
    _remove_leftovers(target)
    file, temporary = _own_file(target)
    with file:  # as long as it is open, it is locked
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
            sync_folder(target.parent)
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def _own_file(target: Path) -> tuple[BinaryIO, Path]:
    """A new file beside `target`, locked so that nobody takes it for a leftover, and its name."""
    while True:
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            file = temporary.open("xb")
        except FileExistsError:
            continue
        with contextlib.suppress(OSError):  # without locks nothing is a leftover
            fcntl.flock(file, fcntl.LOCK_EX)
        if temporary.exists():
            return file, temporary
        file.close()  # taken for one before it was locked


def _remove_leftovers(target: Path) -> None:
    """Remove the files beside `target` whose writers are dead: the system frees a lock however its holder dies."""
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):  # a courtesy: nothing that is to be written waits for it
        for path in [each for each in target.parent.iterdir() if name.fullmatch(each.name)]:
            with contextlib.suppress(OSError), open(path, "rb", opener=_as_it_is) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()


def _as_it_is(path: str, flags: int) -> int:
    """Opens a link or a pipe without following it or waiting."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder be on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
