"""A folder with a BERT of sentence-transformers' kind → its export for ONNX Runtime, made once and checked by digests.

Knows nothing about texts.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from index.errors import ModelUnavailable, first_line
from index.files import file_sha256
from index.graph import WEIGHTS_FILE, WORDS, BertSize, Graph, Weights, bert
from index.models import WEIGHTS, base_of, read_json, read_words

MODEL_FILE = "model.onnx"
SUMS_FILE = "SHA256SUMS"  # as `sha256sum -c` reads it
# No export takes longer; an unfinished one that is older has no process any more.
EXPORT_MAX_S = 3600
# Before a product's name: how wide the channels of its input are, where a model says so.
WIDTH = "width."


def export_onnx(folder: Path, target: Path, *, is_int8: bool = False) -> None:
    """Write the model in `folder` as ONNX files into the folder `target`, appearing there all at once.

    Raises:
        ModelUnavailable: The folder cannot be written, or the model cannot be read.
    """
    weights, size = _read_bert(folder)
    if (base := base_of(folder)) is not None:
        weights = {**weights, WORDS: read_words(base)}
    widths = {name.removeprefix(WIDTH): width for name, width in weights.items() if name.startswith(WIDTH)}
    graph = Graph(is_int8=is_int8)
    ids, mask = (graph.input(name, np.int64, ["n", "width"]) for name in ("ids", "mask"))
    try:
        hidden = bert(graph, weights, size, graph.table(weights[WORDS], ids), mask, widths=widths)
    except (LookupError, ValueError) as error:
        raise _unreadable(folder, error) from error
    there = graph.op("Unsqueeze", graph.floats(mask), graph.constant(np.array([2])))
    summed = graph.op("ReduceSum", graph.op("Mul", hidden, there), graph.constant(np.array([1])), keepdims=0)
    # The mean points where the sum does.
    pooled = graph.op("LpNormalization", summed, axis=1, p=2)
    with _appearing_at_once(target) as building:
        graph.save({"vectors": pooled}, building / MODEL_FILE)
        (building / SUMS_FILE).write_bytes(_sums(building))


def _read_bert(folder: Path) -> tuple[Weights, BertSize]:
    from safetensors.numpy import load_file

    try:
        config = read_json(folder / "config.json")
        size = BertSize(
            int(config["num_hidden_layers"]), int(config["num_attention_heads"]), float(config["layer_norm_eps"])
        )
        found = load_file(folder / WEIGHTS)
    except Exception as error:  # what is damaged raises errors of the library's own
        raise _unreadable(folder, error) from error
    return {name.removeprefix("bert."): weight.astype(np.float32) for name, weight in found.items()}, size


def _unreadable(folder: Path, error: Exception) -> ModelUnavailable:
    return ModelUnavailable(
        f"The model in {folder} cannot be read ({first_line(error)}); reinstall it, or name another."
    )


@contextlib.contextmanager
def _appearing_at_once(target: Path) -> Iterator[Path]:
    """A folder to write an export into, which then carries the name `target`, unless another process was first.

    Raises:
        ModelUnavailable: It cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(".export-*"):
            with contextlib.suppress(OSError):  # which another process may have finished by now
                if time.time() - left.stat().st_mtime > EXPORT_MAX_S:  # of a process that was killed
                    shutil.rmtree(left)
        building = target.parent / f".export-{secrets.token_hex(8)}"
        building.mkdir()  # as readable as its neighbours, which a folder made by `tempfile` is not
        try:
            yield building
            building.replace(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    except OSError as error:
        if (target / MODEL_FILE).is_file():
            return  # another process finished the same export first
        raise ModelUnavailable(
            f"The model's export cannot be written to {target} ({error.strerror or error}); make room or give rights "
            "there, or delete that folder where it is left from a copy that was not finished."
        ) from error


def exports_in(folder: Path) -> list[Path]:
    """The exports that a folder holds."""
    return sorted(path.parent for path in folder.glob(f"*-onnx-*/{MODEL_FILE}"))


def check_export(export: Path) -> bool:
    """Compare an export's files with what was noted when it was made; False where nothing was, as in earlier versions.

    Raises:
        ModelUnavailable: One of them is missing or altered.
    """
    try:
        if not (export / SUMS_FILE).exists():
            return False
        is_same = (export / SUMS_FILE).read_bytes() == _sums(export)
    except OSError:
        is_same = False
    if not is_same:
        raise ModelUnavailable(
            f"The model's export in {export} was altered after it was made; delete that folder, and it is made anew."
        )
    return True


def _sums(export: Path) -> bytes:
    return "".join(f"{file_sha256(export / name)}  {name}\n" for name in (MODEL_FILE, WEIGHTS_FILE)).encode()
