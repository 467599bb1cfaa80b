"""Tensors mapped from a safetensors file, against the format's own library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from index.tensors import mapped


@pytest.fixture
def file(tmp_path: Path) -> Path:
    numbers = np.arange(60, dtype=np.float32)
    save_file({"a": numbers[:7], "words": numbers.reshape(20, 3), "half": numbers.astype(np.float16)}, tmp_path / "m")
    return tmp_path / "m"


def test_a_tensor_is_the_one_that_was_saved_and_cannot_be_written(file: Path) -> None:
    words = mapped(file, "words")
    assert isinstance(words, np.memmap)
    np.testing.assert_array_equal(words[np.array([[19, 0], [3, 3]])], [[[57, 58, 59], [0, 1, 2]], [[9, 10, 11]] * 2])
    np.testing.assert_array_equal(mapped(file, "a"), np.arange(7))
    with pytest.raises(ValueError, match="read-only"):
        words[0] = 0


def test_a_tensor_that_is_not_there_or_not_whole_is_an_error(file: Path) -> None:
    with pytest.raises(LookupError):
        mapped(file, "none")
    with pytest.raises(ValueError, match="half is F16"):
        mapped(file, "half")
    whole = file.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    described = json.loads(whole[8 : 8 + length])
    described["words"]["shape"] = [20, 4]
    text = json.dumps(described).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + whole[8 + length :])
    with pytest.raises(ValueError, match="words has 240 bytes"):
        mapped(file, "words")
    for end in (0, 4, 8 + length // 2, len(whole) - 4 * 60):
        file.write_bytes(whole[:end])
        with pytest.raises((OSError, ValueError)):
            mapped(file, "words")
