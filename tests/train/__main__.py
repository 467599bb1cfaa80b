"""`python -m tests.train`, which is `make train`: from `../shared/data` to the models that ship and the fitted weights.

The reader learns from labels, a teacher five times its size does too, and the reader then learns from the teacher: some
six hours on two cores. The small embedding model learns from the default one, in three more. What it makes lies in
`.train/`; `--install` puts the models where they ship from. The weights are printed, to be copied into the code by a
person who has seen the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from index.embed import load_embedder
from index.files import file_sha256
from index.models import SMALL_FOLDER, default_model_path
from index.rerank import FOLDER, PairTokenizer, model_sha256
from tests.train import small, small_texts, teacher
from tests.train.cloze import cloze_groups
from tests.train.distil import distil, shown
from tests.train.fit import fit, index_held_out
from tests.train.groups import HELD_OUT, quiz_groups, squad_groups, trec_groups
from tests.train.reader import Reader, export, lessons, train
from tests.train.teacher import TeacherUnavailable, assembled, checked

WORK = Path(".train")
QUIZ = Path("news-quiz") / "2023"
FILES = (
    QUIZ / "articles.jsonl.gz",
    QUIZ / "questions.jsonl.gz",
    Path("answer-sentences") / "squad2-articles.jsonl.gz",
    Path("answer-sentences") / "squad2-questions.jsonl.gz",
    Path("answer-sentences") / "trecqa-train.jsonl",
    Path("answer-sentences") / "trecqa-dev.jsonl",
)
SMALL_FILES = FILES[:5]  # all but what TREC QA has for development
N_COMPARED, N_CALIBRATED = 240, 300


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=("small", "reranker", "fit"), help="one part; `fit` for what ships")
    parser.add_argument("--teacher", type=Path, help="folder of all-mpnet-base-v2, instead of the installed parts")
    parser.add_argument("--install", action="store_true", help="put the new models where they ship from")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))
    needed = SMALL_FILES if arguments.only == "small" else FILES
    missing = [name for name in needed if not (shared / name).is_file()]
    if missing:
        print(f"{shared / missing[0]} is absent (NEWSQUOTE_EVAL_DATA names the folder): nothing to train on")
        return 1
    now_s = int(datetime.now(UTC).timestamp())
    if arguments.only in (None, "small"):
        _make_small(shared, WORK / "small")
        if arguments.install:
            _install(WORK / "small", SMALL_FOLDER)
    if arguments.only == "small":
        return 0
    made = FOLDER
    if arguments.only != "fit":
        try:
            encoder = checked(arguments.teacher) if arguments.teacher else assembled(WORK / "encoder")
        except TeacherUnavailable as error:
            print(error)
            return 1
        made = WORK / "reranker"
        _make(shared, encoder, made, now_s)
        if arguments.install:
            _install(made, FOLDER)
    index_held_out(shared / QUIZ, WORK / "held-out", now_s)
    print(fit(shared / QUIZ, WORK / "held-out", made))
    return 0


def _install(made: Path, target: Path) -> None:
    for file in made.iterdir():
        shutil.copyfile(file, target / file.name)


def _make_small(shared: Path, made: Path) -> None:
    """Train the small embedding model, and write its files to `made`."""
    rng = random.Random(0)
    every = small_texts.texts(shared / QUIZ, shared / "answer-sentences", rng)
    batches = small.Batches()
    held = sorted(every.passages[:N_CALIBRATED], key=len)
    calibration = [batches.of(held[at : at + 20]) for at in range(0, N_CALIBRATED, 20)]
    whole, begun = small.begun(calibration)
    embed = load_embedder(exports=WORK / "models").embed_passages
    kinds = (
        batches.of_like_length(small_texts.Texts(every.passages[N_CALIBRATED:], every.short), rng),
        batches.of_subjects(small_texts.news_subjects(shared / QUIZ, embed, rng)),
        batches.of_subjects(small_texts.squad_subjects(shared / "answer-sentences", rng)),
    )
    lessons = small.mixed(list(zip(small.KINDS, kinds, strict=True)), rng)
    manifest = small.save(small.learn(whole, begun, lessons), made, calibration)
    _write_manifest(made, manifest | {"trained_on": _digests(shared, SMALL_FILES)})


def _digests(shared: Path, names: Sequence[Path]) -> dict[str, str]:
    return {str(name): file_sha256(shared / name) for name in names}


def _write_manifest(made: Path, values: dict[str, object]) -> None:
    (made / "manifest.json").write_text(
        json.dumps({**values, "held_out_from": HELD_OUT, "recipe": "tests/train"}, indent=1) + "\n", encoding="utf-8"
    )


def _make(shared: Path, encoder: Path, made: Path, now_s: int) -> None:
    """Train, and write the reranker's files to `made`."""
    quiz = quiz_groups(shared / QUIZ, WORK / "quiz", now_s)
    answers = shared / "answer-sentences"
    groups = [*quiz, *cloze_groups(WORK / "quiz", HELD_OUT), *squad_groups(answers), *trec_groups(answers)]

    def lessons_of_teacher(model: Reader) -> Reader:
        return train(model, teacher.lessons(groups, random.Random(0)), teacher.RECIPE)

    taught = _kept(WORK / "teacher.pt", teacher.Teacher(encoder), lessons_of_teacher)
    model = _kept(WORK / "reader.pt", Reader(), lambda begun: train(begun, lessons(groups, random.Random(0))))
    model = distil(model, shown(taught, groups, random.Random(1)))
    tokenizer = PairTokenizer(default_model_path() / "tokenizer.json")
    some = [
        pair
        for group in quiz[:N_COMPARED]
        for pair in tokenizer.pairs(group.question, [one.reading for one in group.negative[:1]])
    ]
    expected, written = export(model, made, some)
    print(f"8 bits against 32: correlation {np.corrcoef(expected, written)[0, 1]:.4f}")
    _write_manifest(made, {"model_sha256": model_sha256(made), "trained_on": _digests(shared, FILES)})


def _kept(path: Path, model: Reader, learn: Callable[[Reader], Reader]) -> Reader:
    """The model as it learned in an earlier run that got so far, or as it learns now; removed by hand to begin anew."""
    if path.is_file():
        model.load_state_dict(torch.load(path, weights_only=True))
        model.eval()
        return model
    model = learn(model)
    torch.save(model.state_dict(), path.with_suffix(".new"))
    path.with_suffix(".new").rename(path)
    return model


if __name__ == "__main__":
    sys.exit(main())
