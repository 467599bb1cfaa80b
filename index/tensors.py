"""Tensors of a safetensors file without reading the others. Knows nothing about models."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt


def mapped(file: Path, name: str) -> npt.NDArray[np.float32]:
    """A tensor of 32-bit floats as it lies in the file: mapped, so that only the rows that are looked up are read.

    The format's own library copies the tensor whole, 46 MB for the words of a small model. The file begins with the
    length of a JSON text in 8 bytes, and the text with what each tensor is and where it lies behind it.

    Raises:
        OSError, ValueError, LookupError, TypeError: The file or the tensor is missing, damaged or of another kind.
    """
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > file.stat().st_size:
            raise ValueError(f"{file.name} is cut off")
        described = json.loads(opened.read(length))[name]
    if described["dtype"] != "F32":
        raise ValueError(f"{name} is {described['dtype']}")
    shape = tuple(described["shape"])
    start, end = described["data_offsets"]
    if end - start != 4 * math.prod(shape):
        raise ValueError(f"{name} has {end - start} bytes")
    return np.memmap(file, "<f4", "r", 8 + length + start, shape)
