"""`python -m tests.train`, which is `make train`: from `../shared/data` to the reranker and the fitted weights.

The reader learns from labels, a teacher five times its size does too, and the reader then learns from the teacher: some
six hours on two cores. What it makes lies in `.train/`; `--install` puts the reranker where it ships from. The
weights are printed, to be copied into the code by a person who has seen the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from index.embed import MODEL_FILE, default_model_path
from index.files import file_sha256
from index.graph import WEIGHTS_FILE
from index.rerank import FOLDER, PairTokenizer, model_sha256
from tests.train import teacher
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
N_COMPARED = 240


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fit-only", action="store_true", help="fit the weights for the reranker that ships")
    parser.add_argument("--teacher", type=Path, help="folder of all-mpnet-base-v2, instead of the installed parts")
    parser.add_argument("--install", action="store_true", help="put the new reranker where it ships from")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))
    missing = [name for name in FILES if not (shared / name).is_file()]
    if missing:
        print(f"{shared / missing[0]} is absent (NEWSQUOTE_EVAL_DATA names the folder): nothing to train on")
        return 1
    now_s = int(datetime.now(UTC).timestamp())
    made = FOLDER
    if not arguments.fit_only:
        try:
            encoder = checked(arguments.teacher) if arguments.teacher else assembled(WORK / "encoder")
        except TeacherUnavailable as error:
            print(error)
            return 1
        made = WORK / "reranker"
        _make(shared, encoder, made, now_s)
        if arguments.install:
            for name in (MODEL_FILE, WEIGHTS_FILE, "manifest.json"):
                shutil.copyfile(made / name, FOLDER / name)
    index_held_out(shared / QUIZ, WORK / "held-out", now_s)
    print(fit(shared / QUIZ, WORK / "held-out", made))
    return 0


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
    manifest = {
        "model_sha256": model_sha256(made),
        "trained_on": {str(name): file_sha256(shared / name) for name in FILES},
        "held_out_from": HELD_OUT,
        "recipe": "tests/train",
    }
    (made / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


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
