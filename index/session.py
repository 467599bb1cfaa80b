"""A model's ONNX file → a session that computes it; several inputs computed beside each other.

Knows nothing about what it computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy.typing as npt

from index.ahead import ahead
from index.errors import ModelUnavailable, first_line

Key = TypeVar("Key")
Feeds = Mapping[str, npt.NDArray[Any]]
Outputs = list[npt.NDArray[Any]]

_ERRORS_ALONE = 3
CGROUP = Path("/sys/fs/cgroup")


def n_cores() -> int:
    """Cores that this process may use, by its affinity and by its container's share of time; at least one."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # of version 2 and 1
        try:
            quota, period = map(int, " ".join((CGROUP / name).read_text() for name in files).split())
        except (OSError, ValueError):  # not there, or "max"
            continue
        if quota > 0:
            n = min(n, -(-quota // period))
    return n


def import_onnxruntime() -> Any:
    """The module `onnxruntime`, kept from reporting to its makers.

    Its builds do (seen with 1.32 on Linux), under an id that a session leaves in the home folder. Where this variable
    is set before the import they do neither.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


def session(model: Path, remedy: str) -> Any:
    """An `InferenceSession` that computes one input on one core; several threads may run it at a time.

    Two cores at one short text wait for each other (EXPERIMENTS.md): texts are computed beside each other instead.

    Args:
        model: The `.onnx` file.
        remedy: What to do where the model is damaged, as the end of a sentence.

    Raises:
        ModelUnavailable: The model is missing or damaged.
        ImportError: ONNX Runtime is not installed.
    """
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ALONE
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own errors have no base but this
        raise ModelUnavailable(f"The model {model} cannot be read ({first_line(error)}); {remedy}.") from error


def outputs(session: Any, inputs: Iterable[tuple[Key, Feeds]], n_beside: int) -> Iterator[tuple[Key, Outputs]]:
    """A model's outputs for each input under the input's key, in their order; `n_beside` are computed at a time.

    Inputs are asked for as they are needed. Nothing is computed any more when this ends, whatever ends it.
    """
    pool = ThreadPoolExecutor(n_beside, thread_name_prefix="model")
    try:
        running = ((key, pool.submit(session.run, None, feeds)) for key, feeds in inputs)
        for key, found in ahead(running, n_beside):  # one waits, so that nobody idles while we look at what came out
            yield key, found.result()
    finally:
        pool.shutdown(cancel_futures=True)
