"""Files that are written once: linked, not copied, digested, surely on the disk. Knows nothing of their content."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

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


def sync_folder(folder: Path) -> None:
    """Let the names in a folder be on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
