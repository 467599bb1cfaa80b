"""BERT written out as an ONNX graph, against transformers' BERT: in floats the same, in 8 bits near it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from index.graph import WEIGHTS_FILE, WORDS, BertSize, Graph, Weights, bert, in_8_bits
from index.session import session

N_LAYERS, N_HEADS, HIDDEN, N_WORDS = 3, 4, 64, 500


@pytest.fixture(scope="module")
def model() -> Any:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=N_WORDS,
        hidden_size=HIDDEN,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=N_HEADS,
        intermediate_size=4 * HIDDEN,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    made: Any = BertModel(config, add_pooling_layer=False)
    made.eval()
    for parameter in made.parameters():  # biases begin as nought, where a forgotten one is not seen
        parameter.data += 0.05 * torch.randn_like(parameter)
    return made


def run(
    path: Path, model: Any, *inputs: npt.NDArray[np.int64], is_int8: bool = False, widths: Weights | None = None
) -> npt.NDArray[np.float32]:
    """The last hidden state by the graph, which `inputs` reach as ids, mask and, if given, kinds."""
    weights: Weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    graph = Graph(is_int8=is_int8)
    names = ["ids", "mask", "kinds"][: len(inputs)]
    ids, mask, *kinds = (graph.input(name, np.int64, ["n", "width"]) for name in names)
    size = BertSize(N_LAYERS, N_HEADS, model.config.layer_norm_eps)
    words = graph.table(weights[WORDS], ids)
    hidden = bert(graph, weights, size, words, mask, kinds[0] if kinds else None, widths)
    graph.save({"hidden": hidden}, path)
    found: npt.NDArray[np.float32] = session(path, "never").run(None, dict(zip(names, inputs, strict=True)))[0]
    return found


def of_torch(model: Any, *inputs: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    import torch

    ids, mask, *kinds = map(torch.from_numpy, inputs)
    with torch.no_grad():
        more = {"token_type_ids": kinds[0]} if kinds else {}
        found: npt.NDArray[np.float32] = model(input_ids=ids, attention_mask=mask, **more).last_hidden_state.numpy()
    return found


def texts() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Three texts of 9, 30 and 17 tokens: ids, mask and kinds, of which the second half are the second."""
    rng = np.random.default_rng(1)
    lengths = np.array([9, 30, 17])
    places = np.arange(30)
    mask = (places < lengths[:, None]).astype(np.int64)
    return rng.integers(1, N_WORDS, (3, 30)) * mask, mask, (places >= lengths[:, None] // 2).astype(np.int64) * mask


@pytest.mark.parametrize("n_inputs", [2, 3])
def test_in_floats_it_is_what_transformers_computes(tmp_path: Path, model: Any, n_inputs: int) -> None:
    inputs = texts()[:n_inputs]
    found, expected = run(tmp_path / "model.onnx", model, *inputs), of_torch(model, *inputs)
    there = inputs[1].astype(bool)
    np.testing.assert_allclose(found[there], expected[there], atol=2e-5)


def test_one_text_is_the_same_alone_and_filled_up_beside_others(tmp_path: Path, model: Any) -> None:
    ids, mask, kinds = texts()
    together = run(tmp_path / "together.onnx", model, ids, mask, kinds)
    (tmp_path / "alone").mkdir()
    alone = run(tmp_path / "alone" / "model.onnx", model, ids[:1, :9], mask[:1, :9], kinds[:1, :9])
    np.testing.assert_allclose(together[:1, :9], alone, atol=2e-5)


def test_in_8_bits_it_is_near_and_a_quarter_of_the_size(tmp_path: Path, model: Any) -> None:
    inputs = texts()
    floats = run(tmp_path / "model.onnx", model, *inputs)
    size = (tmp_path / WEIGHTS_FILE).stat().st_size
    (tmp_path / "small").mkdir()
    eighths = run(tmp_path / "small" / "model.onnx", model, *inputs, is_int8=True)
    assert (tmp_path / "small" / WEIGHTS_FILE).stat().st_size < 0.35 * size
    there = inputs[1].astype(bool)
    assert not np.allclose(eighths[there], floats[there], atol=1e-3)
    assert np.corrcoef(eighths[there].ravel(), floats[there].ravel())[0, 1] > 0.99


def test_one_channel_that_is_far_wider_than_the_rest_costs_nothing_where_that_is_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    x, weight, bias = (rng.standard_normal(shape).astype(np.float32) for shape in ((40, 64), (80, 64), (80,)))
    x[:, 5] *= 100
    expected, errors = x @ weight.T + bias, []
    for name, widths in (("unknown", None), ("known", np.abs(x).max(axis=0))):
        graph = Graph(is_int8=True)
        product = graph.linear(graph.input("x", np.float32, ["n", 64]), weight, bias, widths=widths)
        (tmp_path / name).mkdir()
        graph.save({"y": product}, tmp_path / name / "model.onnx")
        (found,) = session(tmp_path / name / "model.onnx", "never").run(None, {"x": x})
        errors.append(np.abs(found - expected).mean())
    assert errors[1] < 0.5 * errors[0]


def test_with_known_channels_the_last_product_of_a_layer_is_one_of_8_bits_too(tmp_path: Path, model: Any) -> None:
    products = [f"encoder.layer.{n}.output.dense" for n in range(N_LAYERS)]
    widths = {name: np.ones(4 * HIDDEN, np.float32) for name in products}
    found = [run(tmp_path / "model.onnx", model, *texts(), is_int8=True, widths=known) for known in (None, widths)]
    floats = run(tmp_path / "model.onnx", model, *texts())
    there = texts()[1].astype(bool)
    near = [float(np.corrcoef(each[there].ravel(), floats[there].ravel())[0, 1]) for each in found]
    assert near[0] > near[1] > 0.99


def test_a_file_written_anew_holds_nothing_of_the_old_one(tmp_path: Path, model: Any) -> None:
    run(tmp_path / "model.onnx", model, *texts())
    size = (tmp_path / WEIGHTS_FILE).stat().st_size
    run(tmp_path / "model.onnx", model, *texts())
    assert (tmp_path / WEIGHTS_FILE).stat().st_size == size
    assert (tmp_path / WEIGHTS_FILE).stat().st_mode == (tmp_path / "model.onnx").stat().st_mode


def test_rows_in_8_bits_are_scaled_one_by_one_and_rows_of_nought_stay_so() -> None:
    rows = np.array([[1000.0, -500.0, 0.0], [0.001, 0.0005, 0.0], [0.0, 0.0, 0.0]], np.float32)
    for most in (63, 127):
        whole, scales = in_8_bits(rows, most)
        assert np.abs(whole).max() == most
        assert (np.abs(whole * scales[:, None] - rows) <= 0.501 * scales[:, None]).all()
        assert np.isfinite(scales).all()
