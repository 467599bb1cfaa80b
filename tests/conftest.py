"""What several test modules share: the real model exported once, a fast stand-in, the sample corpus ingested once."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from index import export, graph
from index.embed import load_embedder
from index.settings import DEFAULT_PASSAGE_TOKENS
from index.types import Embedder
from ingest.job import run_ingest
from ingest.sources import open_source
from tests.fakes import NOW_S, HashingEmbedder
from tests.web.loopback import Web

SAMPLE = Path(__file__).parent.parent / "ingest" / "sample" / "articles.jsonl"


def pytest_configure() -> None:
    """Have children heed ctrl-C, which tests send: what a shell starts in the background ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def exports(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the default model's export, 90 MB, filled by whichever test needs it first.

    It is kept in pytest's cache under a digest of what makes it, so that only the first run pays for it.
    """
    if getattr(pytestconfig, "cache", None) is None:  # switched off
        return tmp_path_factory.mktemp("exports")
    made_by = b"".join(Path(str(module.__file__)).read_bytes() for module in (export, graph)) + version("onnx").encode()
    return pytestconfig.cache.mkdir(f"exports-{hashlib.sha256(made_by).hexdigest()[:12]}")


@pytest.fixture(scope="session")
def embedder(exports: Path) -> Embedder:
    """The default model as users run it."""
    return load_embedder(exports=exports)


@pytest.fixture
def hashing_embedder() -> HashingEmbedder:
    """A fast embedder for tests in which the model does not matter."""
    return HashingEmbedder()


@pytest.fixture
def to_disk(monkeypatch: pytest.MonkeyPatch) -> list[int | str]:
    """What is brought to the disk, as inodes, and the names that are given by a rename, as they happen.

    A power cut takes what was not brought there, and no kill shows that.
    """
    happened: list[int | str] = []
    fsync, replace = os.fsync, Path.replace

    def syncing(descriptor: int) -> None:
        happened.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def naming(path: Path, target: Path) -> Path:
        happened.append(target.name)
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(Path, "replace", naming)
    return happened


@pytest.fixture
def web() -> Iterator[Web]:
    """Hosts on loopback, none of them at first."""
    with Web() as made:
        yield made


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory: pytest.TempPathFactory, exports: Path, embedder: Embedder) -> Path:
    """A data folder with the sample corpus and the real model's vectors; copy it (symlinks=True) before a change."""
    folder = tmp_path_factory.mktemp("sample")
    (folder / "models").symlink_to(exports, target_is_directory=True)
    sources = [open_source(str(SAMPLE))]
    assert run_ingest(sources, folder, lambda: (embedder, DEFAULT_PASSAGE_TOKENS), "test", NOW_S) == []
    return folder
