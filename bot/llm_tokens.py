"""How many tokens a text has for a language model: counted by tiktoken where its vocabulary is at hand, else a bound.

tiktoken fetches its vocabulary from the network when it is first asked for. It is kept in the data folder (or where
TIKTOKEN_CACHE_DIR points), fetched once and within bounded time. Where it cannot be had, UTF-8 bytes are counted: no
byte-level vocabulary makes more tokens than bytes. Knows nothing about prompts.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

log = logging.getLogger(__name__)

ENCODING = "o200k_base"
# Where tiktoken looks for the vocabulary: the SHA-1 of the address that it is published at.
_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
FETCH_S = 10.0
# Models at other endpoints have vocabularies of their own. Among the common ones the least thrifty with English takes
# a quarter more tokens than this one.
OTHER_VOCABULARY = 1.25


class Counter(Protocol):
    """Counts tokens.

    Attributes:
        name: How, for logs and `doctor`.
    """

    name: str

    def count(self, text: str) -> int:
        """Tokens of a text; in doubt too many."""
        ...


class Encoding(Protocol):
    """What of `tiktoken.Encoding` is used."""

    def encode_ordinary(self, text: str) -> list[int]: ...


class ByteCounter:
    """Never too few: a token stands for a byte at least."""

    name = "bytes"

    def count(self, text: str) -> int:
        return len(text.encode("utf-8", "surrogatepass"))


class EncodingCounter:
    """A vocabulary's own count, with room for models that have another one."""

    name = f"tiktoken {ENCODING}"

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def count(self, text: str) -> int:
        n = len(self._encoding.encode_ordinary(text.encode("utf-8", "replace").decode("utf-8")))
        return min(-int(-n * OTHER_VOCABULARY // 1), ByteCounter().count(text))


def vocabulary_folder(data: Path) -> Path:
    """Where the vocabulary is kept: where the environment says, else in the data folder."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else data / "models" / "tiktoken"


def has_vocabulary(data: Path) -> bool:
    """Whether the vocabulary is there, without loading or fetching it."""
    name = hashlib.sha1(_ADDRESS.encode(), usedforsecurity=False).hexdigest()
    return (vocabulary_folder(data) / name).is_file()


def _tiktoken() -> Encoding:
    import tiktoken

    return tiktoken.get_encoding(ENCODING)


def load_counter(data: Path, load: Callable[[], Encoding] | None = None, fetch_s: float = FETCH_S) -> Counter:
    """The best counter that can be had; fetches the vocabulary where it is missing. Blocks, so call it in a thread.

    Args:
        data: The data folder.
        load: Loads the vocabulary, from the network if need be; tiktoken does if not given.
        fetch_s: How long that may take.
    """
    os.environ.setdefault(CACHE_VARIABLE, str(vocabulary_folder(data)))
    loaded: list[Encoding] = []
    failure: list[BaseException] = []

    def attempt() -> None:
        try:
            loaded.append((load or _tiktoken)())
        except Exception as error:  # noqa: BLE001, whatever keeps it away, tokens are then counted otherwise
            failure.append(error)

    # tiktoken sets no time limit on its download, so that only a thread that may be left behind bounds it.
    thread = threading.Thread(target=attempt, name="tiktoken", daemon=True)
    thread.start()
    thread.join(fetch_s)
    if loaded:
        return EncodingCounter(loaded[0])
    why = type(failure[0]).__name__ if failure else f"not there after {fetch_s:.0f} s"
    log.warning(
        "tokens counted as bytes, which leaves less room for evidence: the vocabulary could not be had reason=%s", why
    )
    return ByteCounter()
