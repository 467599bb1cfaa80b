"""Files written once: linked, digested, whole or absent, surely on the disk. Knows nothing of what they hold."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
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
    written to as it is.

    Raises:
        OSError: It cannot be written.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def sync_folder(folder: Path) -> None:
    """Let the names in a folder be on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
