"""A model's OpenVINO file → a model that is ready to run on this machine; several inputs computed beside each other.

Knows nothing about what it computes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt

from index.errors import ModelUnavailable

Key = TypeVar("Key")
Arrays = Sequence[npt.NDArray[Any]]

_PREFIX = "openvino-"
_LOCK = "lock"
# One for each hint, and some for paths that were.
N_KEPT = 4
# Far longer than making a model ready takes; who holds the lock by then hangs.
LOCK_WAIT_S = 10.0


def import_openvino() -> Any:
    """The module `openvino`, kept from reporting to its makers.

    Each import of it sends Google Analytics its version and an id that it keeps in the home folder, and no variable
    turns that off. Where `openvino_telemetry` cannot be imported, it takes a stub of its own that sends nothing.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


def compiled(model: Path, digest: str, hint: str, kept: Path | None, remedy: str, **config: Any) -> Any:
    """An OpenVINO `CompiledModel`, computing with 32-bit floats: the same numbers on every processor.

    Making one ready takes half a second. What came of it is kept where it can be, and read from there the next time in
    a quarter of that; a file that is damaged, or of another processor, is made anew by OpenVINO itself.

    One process at a time: OpenVINO takes a file that another is still writing for a damaged one and deletes it, and the
    other then fails. Where the lock, or what is kept, cannot be had, the model is made ready without it.

    Args:
        model: `model.xml`.
        digest: Of its weights: OpenVINO itself knows a model by its path and the date of that file.
        hint: `LATENCY` or `THROUGHPUT`.
        kept: A folder for what is kept, in a folder of its own for each release of OpenVINO; None, or one that is not
            there, keeps nothing.
        remedy: What to do where the model is damaged, as the end of a sentence.
        **config: More of OpenVINO's properties.

    Raises:
        ModelUnavailable: The model is missing or damaged.
        ImportError: OpenVINO is not installed.
    """
    openvino = import_openvino()
    core = openvino.Core()
    properties = {"PERFORMANCE_HINT": hint, "INFERENCE_PRECISION_HINT": "f32", **config}
    folder = _folder(kept, openvino.__version__, digest) if kept is not None else None
    if folder is not None:
        with (
            contextlib.suppress(OSError, RuntimeError),  # a timeout is the former, what OpenVINO raises the latter
            _alone(folder / _LOCK),
        ):
            # By one path, whatever links lead there: each would be another model to OpenVINO.
            ready = core.compile_model(str(model.resolve()), "CPU", {**properties, "CACHE_DIR": str(folder)})
            _prune(folder)
            return ready
    try:
        return core.compile_model(str(model), "CPU", properties)
    except RuntimeError as error:
        why = str(error).strip().splitlines()[-1]  # the lines before it are places in OpenVINO's own source
        raise ModelUnavailable(f"The model {model} cannot be read ({why}); {remedy}.") from error


def _prune(folder: Path) -> None:
    """Leave the newest few: what was made of a model that has moved since is never asked for again."""
    made = sorted(folder.glob("*.blob"), key=lambda blob: blob.stat().st_mtime_ns, reverse=True)
    for blob in made[N_KEPT:]:
        blob.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock on a file. A library for it would take longer to import than a model to be made ready.

    Raises:
        TimeoutError: Another process held it for `LOCK_WAIT_S`.
    """
    ends = time.monotonic() + LOCK_WAIT_S
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise TimeoutError from None
                time.sleep(0.02)
        yield


def outputs(requests: Sequence[Any], inputs: Iterable[tuple[Key, Arrays]]) -> Iterator[tuple[Key, Arrays]]:
    """A model's outputs for each input under the input's key, as they are collected; lent until the next are asked for.

    Inputs are copied into OpenVINO's own memory. No request is at work any more when this ends, whatever ends it.

    Waited for by us, with no callback: a callback's thread may still want the interpreter when the model is let go,
    which then waits for that thread for ever (openvino's AsyncInferQueue, seen once in a few dozen runs).
    """
    load = [0] * len(requests)
    running: dict[int, Key] = {}
    try:
        for key, arrays in inputs:
            slot = min(range(len(load)), key=load.__getitem__)  # which will be the first to be free
            if slot in running:
                yield running.pop(slot), _waited_for(requests[slot])
            requests[slot].start_async(arrays)
            running[slot] = key
            load[slot] += arrays[0].size
        for slot, key in running.items():
            yield key, _waited_for(requests[slot])
    finally:
        for request in requests:
            with contextlib.suppress(RuntimeError):  # what went wrong first is on its way already
                request.wait()


def _waited_for(request: Any) -> Arrays:
    request.wait()
    return [tensor.data for tensor in request.output_tensors]


def round_up(n: int, step: int) -> int:
    """The least multiple of `step` that is not below `n`.

    For each shape of input that it has not seen, OpenVINO makes kernels and packs weights, and keeps both: texts as
    long as they happen to be took 140 MB more after eighty questions.
    """
    return -(-n // step) * step


def _folder(kept: Path, release: str, digest: str) -> Path | None:
    """The model's folder, or None where nothing can be written; what other releases kept goes."""
    if not kept.is_dir():  # there is no index beside it either, which is somebody else's to say
        return None
    own = kept / (_PREFIX + release.partition("-")[0])
    folder = own / digest[:12]
    if not folder.is_dir():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return None
        for other in kept.glob(f"{_PREFIX}*"):
            if other != own:
                shutil.rmtree(other, ignore_errors=True)
    return folder if os.access(folder, os.W_OK) else None
