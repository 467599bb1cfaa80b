"""BERT as an ONNX graph: weights in, a file out. The only user of `onnx`.

Written out here instead of traced by torch, so that no model that runs on ONNX Runtime needs torch, and products of
matrices can be of 8-bit integers where that costs little. Knows nothing about what a model is for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]

# The operators that are used: LayerNormalization came with 17, Gelu with 20, whose file format is 9.
_OPSET, _IR = 20, 9
# What ONNX Runtime adds to them; these are of its first version ever since.
_OWN_DOMAIN, _OWN_OPSET = "com.microsoft", 1
# Of 128, so that sums of two products fit into 16 bits: where the processor adds no four at once they would be cut off,
# and scores differ from one machine to the next.
_MOST_8_BIT = 63
_MASKED = -1e4  # far below any product of a query and a key
# So many times as wide as the middle one a channel may be.
_WIDE = 2.0
WEIGHTS_FILE = "model.bin"
WORDS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class BertSize:
    """What BERT's weights do not say of themselves.

    Attributes:
        n_layers: Encoder layers.
        n_heads: Attention heads of each.
        epsilon: Of the layer normalisations.
    """

    n_layers: int
    n_heads: int
    epsilon: float


class Graph:
    """An ONNX graph under construction: each operation returns the name of its output.

    Args:
        is_int8: Whether `linear` computes with 8-bit integers where it may.
    """

    def __init__(self, *, is_int8: bool = False) -> None:
        import onnx

        self._onnx = onnx
        self._is_int8 = is_int8
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []

    def input(self, name: str, kind: type[np.generic], shape: Sequence[str | int]) -> str:
        kind_code = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        self._inputs.append(self._onnx.helper.make_tensor_value_info(name, kind_code, list(shape)))
        return name

    def constant(self, value: npt.ArrayLike) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One operation with one output."""
        return self.ops(kind, *inputs, n_outputs=1, domain=domain, **attributes)[0]

    def ops(self, kind: str, *inputs: str, n_outputs: int, domain: str = "", **attributes: Any) -> list[str]:
        """One operation with several outputs."""
        outputs = [f"n{len(self._nodes)}.{n}" for n in range(n_outputs)]
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, outputs, domain=domain, **attributes))
        return outputs

    def linear(
        self, x: str, weight: Floats, bias: Floats, *, may_be_int8: bool = True, widths: Floats | None = None
    ) -> str:
        """`x @ weight.T + bias`.

        Args:
            x: (..., n).
            weight: (m, n), as torch keeps it.
            bias: (m,).
            may_be_int8: Whether 8-bit integers will do: the weights scaled row by row, `x` as a whole by its least and
                greatest value each time.
            widths: How great the values of each channel of `x` become, (n,), if known. Few channels are far wider
                than the rest, and would leave these a handful of steps: their values are divided, and their weights
                multiplied, beforehand.
        """
        if self._is_int8 and may_be_int8:
            if widths is not None:
                by = np.maximum(1, widths / (_WIDE * np.median(widths))).astype(np.float32)
                x, weight = self.op("Mul", x, self.constant(1 / by)), weight * by
            whole, scales = in_8_bits(weight, _MOST_8_BIT)
            return self.op(
                "DynamicQuantizeMatMul",
                x,
                self.constant(whole.T),
                self.constant(scales),
                self.constant(np.zeros(len(scales), np.int8)),
                self.constant(bias),
                domain=_OWN_DOMAIN,
            )
        return self.op("Add", self.op("MatMul", x, self._compact(weight)), self.constant(bias))

    def table(self, rows: Floats, at: str) -> str:
        """Rows of a table by their numbers; (..., n) for numbers (...)."""
        if not self._is_int8:
            return self.op("Gather", self.constant(rows), at, axis=0)
        whole, scales = in_8_bits(rows)
        found = self.floats(self.op("Gather", self.constant(whole), at, axis=0))
        return self.op("Mul", found, self.op("Gather", self.constant(scales[:, None]), at, axis=0))

    def floats(self, x: str) -> str:
        """Whole numbers as floats."""
        return self.op("Cast", x, to=int(self._onnx.TensorProto.FLOAT))

    def _compact(self, weight: Floats) -> str:
        """`weight.T`; in a graph of 8 bits it takes a quarter of the room, and is floats again once that is loaded."""
        if not self._is_int8:
            return self.constant(weight.T)
        whole, scales = in_8_bits(weight)
        return self.op("Mul", self.floats(self.constant(whole.T)), self.constant(scales))

    def save(self, outputs: Mapping[str, str], path: Path) -> None:
        """Write the graph; the weights stand beside it in `model.bin`, which is mapped, not read.

        Args:
            outputs: What each is called from outside, and its name here.
            path: The file.
        """
        helper = self._onnx.helper
        for name, inner in outputs.items():
            self._nodes.append(helper.make_node("Identity", [inner], [name]))
        model = helper.make_model(
            helper.make_graph(
                self._nodes,
                "newsquote",
                self._inputs,
                [helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, None) for name in outputs],
                self._constants,
            ),
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_OWN_DOMAIN, _OWN_OPSET)],
            ir_version=_IR,
            producer_name="newsquote",
        )
        path.with_name(WEIGHTS_FILE).unlink(missing_ok=True)  # to which `onnx` would add
        self._onnx.save_model(model, str(path), save_as_external_data=True, location=WEIGHTS_FILE, size_threshold=1024)
        for weights in path.parent.glob(WEIGHTS_FILE):  # which `onnx` lets its owner alone read
            weights.chmod(path.stat().st_mode)


def in_8_bits(rows: Floats, most: int = 127) -> tuple[npt.NDArray[np.int8], Floats]:
    """Each row as whole numbers from `-most` to `most` and what to multiply them with; (m, n) and (m,)."""
    scales = np.maximum(np.abs(rows).max(axis=1), np.finfo(np.float32).tiny * most).astype(np.float32) / most
    return np.rint(rows / scales[:, None]).astype(np.int8), scales


def bert(
    graph: Graph,
    weights: Weights,
    size: BertSize,
    words: str,
    mask: str,
    kinds: str | None = None,
    widths: Weights | None = None,
) -> str:
    """Add BERT to a graph, from its word embeddings on.

    Args:
        graph: Being built.
        weights: By the names that transformers gives them, without a prefix.
        size: What they do not say.
        words: The tokens' rows of `WORDS`, (n, width, hidden).
        mask: 1 where there is a token, (n, width).
        kinds: Of which of two texts each token is, (n, width); None where all are of the first.
        widths: For a graph in 8 bits, how great the inputs of each layer's query, `intermediate.dense` and
            `output.dense` become, by the names of these. Without it the last stays a product of floats: its inputs
            spread so widely that most of the error is made there.

    Returns:
        Name of the last hidden state, (n, width, hidden).
    """
    hidden = weights["embeddings.position_embeddings.weight"].shape[1]
    a_head = hidden // size.n_heads
    known = widths or {}

    def norm(x: str, name: str) -> str:
        scale, bias = (graph.constant(weights[f"{name}.LayerNorm.{part}"]) for part in ("weight", "bias"))
        return graph.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=size.epsilon)

    def linear(x: str, name: str, *, may_be_int8: bool = True) -> str:
        weight, bias = (weights[f"{name}.{part}"] for part in ("weight", "bias"))
        return graph.linear(x, weight, bias, may_be_int8=may_be_int8, widths=known.get(name))

    zero = graph.constant(np.array([0]))
    width = graph.op("Shape", words, start=1, end=2)
    places = graph.op("Slice", graph.constant(weights["embeddings.position_embeddings.weight"]), zero, width, zero)
    of_kind = weights["embeddings.token_type_embeddings.weight"]
    kind = graph.op("Gather", graph.constant(of_kind), kinds, axis=0) if kinds else graph.constant(of_kind[0])
    x = norm(graph.op("Add", graph.op("Add", words, kind), places), "embeddings")

    lacking = graph.op("Sub", graph.constant(np.float32(1)), graph.floats(mask))
    barred = graph.op(
        "Unsqueeze", graph.op("Mul", lacking, graph.constant(np.float32(_MASKED))), graph.constant(np.array([1, 2]))
    )
    apart = graph.constant(np.array([0, 0, 3, size.n_heads, a_head]))
    together = graph.constant(np.array([0, 0, hidden]))
    for layer in range(size.n_layers):
        name = f"encoder.layer.{layer}"
        attention = f"{name}.attention.self"
        shrink = 1 / math.sqrt(a_head)
        parts = [(f"{attention}.query", shrink), (f"{attention}.key", 1.0), (f"{attention}.value", 1.0)]
        all_three = graph.linear(
            x,
            np.concatenate([weights[f"{part}.weight"] * np.float32(by) for part, by in parts]),
            np.concatenate([weights[f"{part}.bias"] * np.float32(by) for part, by in parts]),
            widths=known.get(f"{attention}.query"),
        )
        heads = graph.op("Transpose", graph.op("Reshape", all_three, apart), perm=[2, 0, 3, 1, 4])
        query, key, value = (
            graph.op("Squeeze", part, zero) for part in graph.ops("Split", heads, n_outputs=3, axis=0, num_outputs=3)
        )
        alike = graph.op("MatMul", query, graph.op("Transpose", key, perm=[0, 1, 3, 2]))
        shares = graph.op("Softmax", graph.op("Add", alike, barred), axis=-1)
        mixed = graph.op("Transpose", graph.op("MatMul", shares, value), perm=[0, 2, 1, 3])
        attended = linear(graph.op("Reshape", mixed, together), f"{name}.attention.output.dense")
        x = norm(graph.op("Add", attended, x), f"{name}.attention.output")
        wide = graph.op("Gelu", linear(x, f"{name}.intermediate.dense"))
        last = linear(wide, f"{name}.output.dense", may_be_int8=bool(known))
        x = norm(graph.op("Add", last, x), f"{name}.output")
    return x
