"""Embedders: two runtimes, one model, the same vectors; texts of any kind, in their order."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import embed, export
from index.embed import BATCH, OnnxEmbedder, batches_by_length, load_embedder
from index.errors import ModelUnavailable
from index.export import export_onnx
from index.files import file_sha256
from index.models import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    SMALL_FOLDER,
    SMALL_MODEL,
    check_shipped,
    default_model_path,
    misspelt,
    small_sha256,
    weights_digest,
)
from index.rerank import FOLDER
from index.types import Embedder, Vectors

TEXTS = [
    "The deadline is April 26.",
    "",
    " \n\t",
    "a",
    "Bessent spoke of a minerals deal with Ukraine. " * 3,
    "An over-long passage goes on and on. " * 200,
    "x" * 5000,
    "Élysée, Zürich, Île-de-France",
    "部長は４月26日と言った。",
    "אמר השר ב־26 באפריל",
    "\U0001f469\u200d\U0001f680 \u202e \x00 \ufffd",
    "[CLS] [SEP] [PAD] [MASK]",
    "What deadline did Bessent mention?",
]


@pytest.fixture(scope="module")
def torch_embedder() -> Embedder:
    return load_embedder(runtime="torch")


@pytest.fixture(scope="module")
def small(exports: Path) -> Embedder:
    return load_embedder(SMALL_MODEL, exports=exports)


@pytest.fixture(params=["default", "torch", "hashing"])
def each(
    request: pytest.FixtureRequest, embedder: Embedder, torch_embedder: Embedder, hashing_embedder: Embedder
) -> Embedder:
    found: Embedder = {"default": embedder, "torch": torch_embedder, "hashing": hashing_embedder}[request.param]
    return found


def cosines(one: Vectors, other: Vectors) -> Vectors:
    products: Vectors = (one * other).sum(axis=-1)
    return products


def test_vectors_are_of_unit_norm_and_of_the_stated_length(each: Embedder) -> None:
    vectors = each.embed_passages(TEXTS)
    assert vectors.shape == (len(TEXTS), each.dim)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    query = each.embed_query("deadline")
    assert query.shape == (each.dim,)
    assert query.dtype == np.float32
    assert each.embed_passages([]).shape == (0, each.dim)


def test_vectors_come_in_the_order_of_the_texts(each: Embedder) -> None:
    texts = [f"{'word ' * ((n * 7) % 23)}number {n}" for n in range(2 * BATCH + 3)]
    together = each.embed_passages(texts)
    for n in (0, 1, 6, 16, BATCH - 1, BATCH, 2 * BATCH, len(texts) - 1):
        assert cosines(together[n], each.embed_passages([texts[n]])[0]) >= 0.9999
    assert len(np.unique(together.round(4), axis=0)) > 60


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(2, 256), max_size=60), st.integers(1, 700))
def test_batches_hold_every_row_once_and_little_padding(lengths: list[int], max_tokens: int) -> None:
    batches = batches_by_length(lengths, max_tokens)
    in_order = [lengths[row] for batch in batches for row in batch]
    assert in_order == sorted(lengths)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch[-1]] <= max_tokens
    for batch, later in pairwise(batches):
        assert (len(batch) + 1) * lengths[later[0]] > max_tokens


def test_tokens_are_counted_uncut_and_without_special_ones(each: Embedder) -> None:
    assert each.count_tokens([]) == []
    counts = each.count_tokens(["", "a", "a b c.", "word " * 1000])
    assert counts == [0, 1, 4, 1000]


ODD = [
    *TEXTS,
    "don't stop—believing… “so”, he said",
    "e\u0301 \u0301x",
    "a\tb\x1cc\u2028d\u00a0e\u200bf",
    "x[SEP]y",
    "１２３。東京",
]


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.one_of(st.sampled_from(ODD), st.text(max_size=60), st.text(" ab'-.\n[]SEP“é", max_size=40))))
def test_counts_remembered_word_by_word_are_those_of_the_whole_text(embedder: Embedder, texts: list[str]) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    tokenizer = embedder._tok()
    assert embedder.count_tokens(texts) == tokenizer._counted(texts)
    assert embedder.count_tokens(texts) == tokenizer._counted(texts)  # now from what is remembered


def test_remembered_counts_take_bounded_memory(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(embedder, OnnxEmbedder)
    tokenizer = embedder._tok()
    monkeypatch.setattr(embed, "MAX_COUNTED_WORDS", 50)
    for start in range(0, 400, 20):
        texts = [f"unheard{number} {'long' * 40}{number}" for number in range(start, start + 20)]
        assert embedder.count_tokens(texts) == tokenizer._counted(texts)
        assert len(tokenizer._n_tokens) <= 50
        assert max(map(len, tokenizer._n_tokens)) <= embed.MAX_COUNTED_CHARS


def test_both_runtimes_give_the_same_vectors_under_different_names(exports: Path, torch_embedder: Embedder) -> None:
    onnx = load_embedder(runtime="onnx", exports=exports)
    assert (cosines(onnx.embed_passages(TEXTS), torch_embedder.embed_passages(TEXTS)) >= 0.9999).all()
    for text in TEXTS:
        assert cosines(onnx.embed_query(text), torch_embedder.embed_query(text)) >= 0.9999
    assert onnx.count_tokens(TEXTS) == torch_embedder.count_tokens(TEXTS)
    assert onnx.runtime != torch_embedder.runtime
    same = [(e.name, e.revision, e.dim, e.max_tokens) for e in (onnx, torch_embedder)]
    assert same == [(DEFAULT_MODEL, DEFAULT_MODEL_SHA256, 384, 256)] * 2


def test_what_the_model_does_not_read_changes_nothing(embedder: Embedder) -> None:
    words = "The minister said that the talks went on . " * 40
    assert embedder.count_tokens([words])[0] > embedder.max_tokens
    cut = " ".join(words.split()[: embedder.max_tokens - 2])
    one, other, whole = embedder.embed_passages([words + "Cats.", words + "Dockers strike.", cut])
    assert cosines(one, other) >= 0.9999
    assert cosines(one, whole) >= 0.9999


def test_a_text_is_nearer_to_its_meaning_than_to_another(embedder: Embedder) -> None:
    query = embedder.embed_query("what deadline did Bessent mention?")
    near, far = embedder.embed_passages(["The treasury chief named April 26 as the date.", "Cats sleep a lot."])
    assert near @ query > far @ query + 0.1


def test_the_shipped_model_is_the_published_one() -> None:
    weights = default_model_path() / "model.safetensors"
    assert file_sha256(weights) == hashlib.sha256(weights.read_bytes()).hexdigest() == DEFAULT_MODEL_SHA256


def test_the_revision_of_a_folder_follows_its_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="holds no weights"):
        weights_digest(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"one")
    alone = weights_digest(tmp_path)
    assert alone == hashlib.sha256(b"one").hexdigest()
    (tmp_path / "b.safetensors").write_bytes(b"two")
    assert len({alone, weights_digest(tmp_path)}) == 2


def edited(folder: Path, change: Callable[[Path], None]) -> Path:
    """The default model's folder without its weights, changed."""
    copy = folder / "model"
    shutil.copytree(default_model_path(), copy, ignore=shutil.ignore_patterns("*.safetensors", "*.bin", "*.onnx"))
    change(copy)
    return copy


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


PROMPTS = "config_sentence_transformers.json"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda model: _replace(model / "config.json", '"bert"', '"mpnet"'), "only BERT"),
        (lambda model: _replace(model / "modules.json", "Normalize", "Dense"), "only BERT"),
        (lambda model: (model / "modules.json").unlink(), "not laid out as expected"),
        (lambda model: (model / "tokenizer.json").unlink(), "no tokenizer.json"),
        (lambda model: _replace(model / "1_Pooling/config.json", 'cls_token": false', 'cls_token": true'), "only mean"),
        (lambda model: (model / "1_Pooling/config.json").write_text('{"pooling_mode": "cls"}'), "only mean"),
        (lambda model: (model / "1_Pooling/config.json").write_text('{"pooling_mode": ["mean", "max"]}'), "only mean"),
        (lambda model: (model / "1_Pooling/config.json").write_text("[]"), "not laid out as expected"),
        (lambda model: (model / PROMPTS).write_text('{"prompts": {"query": "query: "}}'), "prompts are not exported"),
        (lambda model: (model / "sentence_bert_config.json").unlink(), "not laid out as expected"),
        (lambda model: _replace(model / "sentence_bert_config.json", "256", "null"), "not laid out as expected"),
        (lambda model: _replace(model / "config.json", '"hidden_size"', '"size"'), "not laid out as expected"),
        (lambda model: _replace(model / "config.json", '"gelu"', '"relu"'), "not the usual ones"),
        (lambda model: _replace(model / "config.json", '"absolute"', '"relative_key"'), "not the usual ones"),
        (lambda model: _replace(model / "config.json", '"bert"', '"bert", "dtype": "bfloat16"'), "are bfloat16"),
        (lambda model: None, "no model.safetensors"),
    ],
)
def test_another_kind_of_model_is_not_exported(tmp_path: Path, change: Callable[[Path], None], reason: str) -> None:
    with pytest.raises(ModelUnavailable, match=rf"cannot run on ONNX Runtime: .*{reason}.*; run `newsquote reindex"):
        load_embedder(str(edited(tmp_path, change)), runtime="onnx")


@pytest.mark.parametrize(
    "change",
    [
        lambda model: (model / "1_Pooling/config.json").write_text(
            '{"embedding_dimension": 384, "pooling_mode": "mean", "include_prompt": true}'
        ),
        lambda model: (model / PROMPTS).write_text('{"prompts": {"query": "", "document": ""}}'),
        lambda model: (model / PROMPTS).unlink(),
    ],
)
def test_what_newer_releases_write_of_the_same_kind_is_exported(tmp_path: Path, change: Callable[[Path], None]) -> None:
    model = edited(tmp_path, change)
    (model / "model.safetensors").touch()
    assert embed._why_not_onnx(model) == ""


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_what_cannot_be_loaded_is_refused_in_one_sentence(runtime: str) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        load_embedder("no/such-model", runtime=runtime)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def tiny_model(folder: Path) -> Path:
    """The default model's folder with the weights of a BERT of one thin layer, whose export is quick."""
    from transformers import BertConfig, BertModel

    model = edited(folder, lambda copy: None)
    config = json.loads((model / "config.json").read_text())
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(**(config | small))).save_pretrained(model)
    return model


def test_a_model_of_the_kind_is_exported_once_and_gives_what_torch_gives(tmp_path: Path) -> None:
    model = tiny_model(tmp_path)
    onnx = load_embedder(str(model), exports=tmp_path / "exports")
    torch = load_embedder(str(model), runtime="torch")
    assert (onnx.runtime, onnx.dim) == ("onnx-fp32", 16)
    assert onnx.revision == torch.revision == weights_digest(model)
    assert (cosines(onnx.embed_passages(TEXTS), torch.embed_passages(TEXTS)) >= 0.9999).all()

    (target,) = (tmp_path / "exports").glob("*-fp32")
    first = {path.name: path.stat().st_ino for path in target.iterdir()}
    export_onnx(model, target)  # as by a second process that began before the first was done
    assert {path.name: path.stat().st_ino for path in target.iterdir()} == first
    assert first.keys() == {"model.onnx", "model.bin", "SHA256SUMS"}
    # Whoever may look into the folder may use the export: a container's user, say, that did not make it.
    assert target.stat().st_mode == target.parent.stat().st_mode
    assert {path.stat().st_mode for path in target.iterdir()} == {(target / "model.onnx").stat().st_mode}
    assert [*(tmp_path / "exports").iterdir()] == [target]  # nothing half-made beside it


def test_a_damaged_export_is_one_sentence_and_made_anew_once_it_is_deleted(tmp_path: Path) -> None:
    model, exports = tiny_model(tmp_path), tmp_path / "exports"
    expected = load_embedder(str(model), runtime="onnx", exports=exports).embed_query("deadline")
    (export,) = exports.glob("*-fp32")
    weights = (export / "model.bin").read_bytes()
    for change in (
        lambda: (export / "model.bin").unlink(),
        lambda: (export / "model.bin").write_bytes(weights[: len(weights) // 2]),
        lambda: (export / "model.onnx").write_bytes((export / "model.onnx").read_bytes()[:2_000]),
    ):
        change()
        with pytest.raises(ModelUnavailable, match=rf"{export}/model.onnx cannot be read \(.*\); delete {export}, and"):
            load_embedder(str(model), runtime="onnx", exports=exports).embed_query("deadline")
    (export / "model.onnx").unlink()
    with pytest.raises(ModelUnavailable, match=rf"cannot be written to {export} \(.*not empty\); .*delete that folder"):
        load_embedder(str(model), runtime="onnx", exports=exports).embed_query("deadline")
    shutil.rmtree(export)
    again = load_embedder(str(model), runtime="onnx", exports=exports).embed_query("deadline")
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("file", ["model.onnx", "model.bin"])
def test_no_vector_that_is_kept_is_computed_by_an_altered_export(tmp_path: Path, file: str) -> None:
    model, exports = tiny_model(tmp_path), tmp_path / "exports"
    expected = load_embedder(str(model), runtime="onnx", exports=exports).embed_passages(TEXTS)
    (export,) = exports.glob("*-fp32")
    written = (export / file).read_bytes()
    (export / file).write_bytes(written[:-1] + bytes([written[-1] ^ 1]))
    with pytest.raises(
        ModelUnavailable, match=rf"export in {export} was altered .*; delete that folder, and it is made"
    ):
        load_embedder(str(model), runtime="onnx", exports=exports).embed_passages(TEXTS)
    (export / file).write_bytes(written)
    (export / "SHA256SUMS").unlink()  # as in earlier versions
    again = load_embedder(str(model), runtime="onnx", exports=exports).embed_passages(TEXTS)
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("model.safetensors", r"The model in .* cannot be read \(.+\); reinstall it, or name another\."),
        ("tokenizer.json", r"The tokenizer .*tokenizer.json cannot be read \(.+\); reinstall the model, .+\."),
    ],
)
def test_a_damaged_model_is_one_sentence(tmp_path: Path, file: str, said: str) -> None:
    model = tiny_model(tmp_path)
    whole = (model / file).read_bytes()
    (model / file).write_bytes(whole[: len(whole) // 2])
    embedder = load_embedder(str(model), runtime="onnx", exports=tmp_path / "exports")
    with pytest.raises(ModelUnavailable, match=said):
        embedder.embed_query("deadline")
    assert not list((tmp_path / "exports").glob(".export-*"))


def test_another_user_may_read_an_export(tmp_path: Path) -> None:
    load_embedder(str(tiny_model(tmp_path)), runtime="onnx", exports=tmp_path / "exports").embed_query("deadline")
    (export,) = (tmp_path / "exports").glob("*-fp32")
    assert export.stat().st_mode == (tmp_path / "exports").stat().st_mode


def test_what_a_killed_export_left_goes_and_what_another_process_finishes_meanwhile_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young, gone = (tmp_path / f".export-{name}" for name in ("old", "young", "gone"))
    for left in (old, young):
        left.mkdir()
    os.utime(old, (0, 0))
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [gone, *glob(self, pattern)])
    with export._appearing_at_once(tmp_path / "made") as building:
        (building / "model.onnx").write_text("", encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {".export-young", "made"}


def test_eight_bits_are_made_once_and_stay_near_the_floats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports = tmp_path / "exports"
    floats = load_embedder(runtime="onnx-fp32", exports=exports)
    eighths = load_embedder(runtime="onnx-int8", exports=exports)
    assert (floats.runtime, eighths.runtime) == ("onnx-fp32", "onnx-int8")
    made = eighths.embed_passages(TEXTS)
    near = cosines(made, floats.embed_passages(TEXTS))
    assert near.mean() > 0.98
    assert near.min() < 0.9999  # it is another model
    (of_floats,), (of_eighths,) = (exports.glob(f"*-onnx-{kind}/model.bin") for kind in ("fp32", "int8"))
    assert of_eighths.stat().st_size < 0.3 * of_floats.stat().st_size

    monkeypatch.setattr(embed, "export_onnx", lambda *_: pytest.fail("made twice"))
    again = load_embedder(runtime="onnx-int8", exports=exports)
    np.testing.assert_array_equal(again.embed_passages(TEXTS), made)


NEWS = [
    "The treasury chief named April 26 as the date.",
    "Cats sleep a lot, and nobody knows why they do.",
    "Dockers in the harbour of Port Ellery went on strike on Monday over pay.",
    "The council voted to close two libraries and to keep the swimming pool open until October.",
]


def test_the_small_model_gives_nearly_the_vectors_of_the_default_one(small: Embedder, embedder: Embedder) -> None:
    assert (small.name, small.runtime, small.dim, small.max_tokens) == (SMALL_MODEL, "onnx-int8", 384, 256)
    assert small.revision == weights_digest(SMALL_FOLDER)
    vectors = small.embed_passages([*TEXTS, *NEWS])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert cosines(vectors[len(TEXTS) :], embedder.embed_passages(NEWS)).min() > 0.8
    query = small.embed_query("Why did the dockers strike?")
    assert int((vectors[len(TEXTS) :] @ query).argmax()) == 2
    assert small.count_tokens(TEXTS) == embedder.count_tokens(TEXTS)


def test_the_small_model_runs_on_onnx_runtime_alone_in_floats_too(
    small: Embedder, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    floats = load_embedder(SMALL_MODEL, runtime="onnx", exports=exports)
    assert floats.runtime == "onnx-fp32"
    assert cosines(floats.embed_passages(NEWS), small.embed_passages(NEWS)).min() > 0.98
    made = exports / f"{SMALL_MODEL}-{small.revision[:12]}-onnx-int8" / "model.onnx"
    products = made.read_bytes().count(b"DynamicQuantizeMatMul")
    assert products == 3 * 4  # all of a layer's: its weights come with how wide the channels are
    monkeypatch.setattr(embed, "_has_gpu", lambda: True)
    assert load_embedder(SMALL_MODEL, exports=exports).runtime == "onnx-int8"
    with pytest.raises(ModelUnavailable, match=r"newsquote-small runs on ONNX Runtime alone; name another runtime"):
        load_embedder(SMALL_MODEL, runtime="torch", exports=exports)
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "onnxruntime" else found(name))
    with pytest.raises(ModelUnavailable, match=r"alone, and onnxruntime is not installed; install it"):
        load_embedder(SMALL_MODEL, exports=exports)


def test_the_shipped_small_model_is_what_its_manifest_says(tmp_path: Path) -> None:
    def what_is_wrong(folder: Path = SMALL_FOLDER) -> str:
        return check_shipped(SMALL_MODEL, folder, small_sha256)

    assert what_is_wrong() == ""
    assert json.loads((SMALL_FOLDER / "manifest.json").read_text())["base_sha256"] == DEFAULT_MODEL_SHA256
    shipped = sum(path.stat().st_size for folder in (SMALL_FOLDER, FOLDER) for path in folder.iterdir())
    assert shipped < 25_000_000
    folder = tmp_path / "small"
    shutil.copytree(SMALL_FOLDER, folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    assert re.fullmatch(r"the files of newsquote-small are \w{12} and should be \w{12}", what_is_wrong(folder))
    (folder / "model.safetensors").write_bytes(weights)
    assert what_is_wrong(folder) == ""
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"num_attention_heads": 12', '"num_attention_heads": 6'))
    assert "should be" in what_is_wrong(folder)
    (folder / "model.safetensors").unlink()
    assert what_is_wrong(folder).startswith("the files of newsquote-small cannot be read (")


def test_a_model_without_words_of_its_own_is_told_by_its_configuration_not_its_name(
    small: Embedder, exports: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "taught-here"
    shutil.copytree(SMALL_FOLDER, folder)
    by_folder = load_embedder(str(folder), exports=exports)
    assert (by_folder.name, by_folder.runtime) == (str(folder), "onnx-int8")
    np.testing.assert_array_equal(by_folder.embed_passages(NEWS), small.embed_passages(NEWS))
    with pytest.raises(ModelUnavailable, match="runs on ONNX Runtime alone"):
        load_embedder(str(folder), runtime="torch")
    config = (folder / "config.json").read_text()
    for content, said in (
        (config.replace("all-MiniLM-L6-v2", "another"), "has the words of another, which is not here"),
        ("{", "The configuration of the model in .* cannot be read"),
    ):
        (folder / "config.json").write_text(content)
        with pytest.raises(ModelUnavailable, match=said):
            load_embedder(str(folder))


@pytest.mark.parametrize("name", ["Newsquote-Small", "newsquote_small", "newsquote-smal"])
def test_a_misspelt_small_model_is_named_before_any_hub_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "_fetch", lambda name: pytest.fail("the hub was asked"))
    with pytest.raises(ModelUnavailable, match=f"There is no model {name}; did you mean newsquote-small"):
        load_embedder(name, may_fetch=True)


@pytest.mark.parametrize("name", ["all-MiniLM-L12-v2", "small", "someone/newsquote-small"])
def test_what_may_be_another_model_is_asked_for(name: str) -> None:
    assert misspelt(name) == ""


def test_auto_runs_on_the_gpu_that_torch_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    monkeypatch.setattr(embed, "GPU_DRIVER", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert not embed._has_gpu()  # no driver: torch is not even asked
    (tmp_path / "0000:01:00.0").mkdir()
    assert embed._has_gpu()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not embed._has_gpu()
