"""8-bit copies of an OpenVINO model: whether the processor gains by them, and making one. The only user of nncf.

Weights and activations become 8-bit integers with scales fixed from passages that `calibration.txt` holds: own texts of
the sample corpus, always the same, so that the same model is made wherever it is made. Knows nothing about tokenising.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from index.compiled import import_openvino

_CALIBRATION = Path(__file__).with_name("calibration.txt")
_CPU_INFO = Path("/proc/cpuinfo")
# Without them a product of 8-bit integers takes three instructions and is slower than one of floats (EXPERIMENTS.md).
_INSTRUCTIONS = frozenset({"avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8"})


def has_int8_instructions(cpu_info: str) -> bool:
    """Whether a processor multiplies and adds 8-bit integers in one instruction, by the text of `/proc/cpuinfo`."""
    flags = [line.partition(":")[2].split() for line in cpu_info.splitlines() if line.startswith("flags")]
    return bool(flags) and all(not _INSTRUCTIONS.isdisjoint(each) for each in flags)


def why_not_int8() -> str:
    """Why 8 bits are no gain here, or cannot be had; "" where they are worth a measurement."""
    try:
        cpu_info = _CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "the processor is not known"
    if not has_int8_instructions(cpu_info):
        return "the processor has no instructions for 8-bit integers"
    return why_not_made()


def why_not_made() -> str:
    """Why an 8-bit copy cannot be made here; "" where it can."""
    return "" if importlib.util.find_spec("nncf") else "nncf is not installed"


def calibration_texts() -> list[str]:
    """The passages whose activations fix the scales."""
    return _CALIBRATION.read_text(encoding="utf-8").splitlines()


def quantise(model: Path, inputs: Sequence[list[npt.NDArray[Any]]], target: Path) -> None:
    """Write an 8-bit copy of a model.

    Takes half a minute for six layers of 384, once.

    Args:
        model: OpenVINO's `.xml` file of a transformer.
        inputs: Its inputs in their order, for each calibration passage.
        target: The `.xml` file to write; its weights stand beside it.
    """
    openvino = import_openvino()
    import nncf

    logging.getLogger("nncf").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):  # bars, which are no result of ours
        made = nncf.quantize(
            openvino.Core().read_model(str(model)),
            nncf.Dataset(inputs),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(inputs),
        )
    openvino.save_model(made, str(target), compress_to_fp16=False)
