"""Quality figures against pinned floors: `python -m tests.evaluate`, which is `make eval`.

Three sets. The repository's own (sample corpus, always). The news quiz and the saved pages, where the folder that
NEWSQUOTE_EVAL_DATA names (default ../shared/data) has them. A floor is pinned together with the SHA-256 of the
data it was measured on; figures may only rise, and `--lower REASON` is the one way to pin lower ones. Another
processor's arithmetic moves single questions: that much may be missing.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot.answer import Answerer
from bot.batch import answer_batch
from bot.confidence import THRESHOLD
from bot.question import Question
from bot.scoring import figures
from index.embed import load_embedder
from index.rerank import load_reranker
from index.snapshot import open_snapshot
from index.store import Store
from ingest.job import run_ingest
from ingest.lock import ingest_lock
from ingest.sample import articles_path, questions_path
from ingest.sources import open_source
from tests.score_pages import score as score_pages

FLOORS = Path(__file__).with_name("eval_floors.json")
WORK = Path(".eval")
PASSAGE_TOKENS = 160
# What two questions of a set make of a hundred; and of one, of the figures that are no shares.
SLACK = {"sample": 1.5, "quiz": 0.4, "pages": 0.05}
SLACK_OF_ONE = 0.01

Rows = list[dict[str, Any]]


def rows(path: Path) -> Rows:
    """The objects of a file of JSON lines, gzipped or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def digest(paths: Sequence[Path]) -> str:
    """SHA-256 over files, in their order."""
    whole = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()


def ingested(articles: Path, folder: Path) -> Path:
    """A data folder that holds the articles; kept between runs, since embedding them takes minutes."""
    now_s = int(datetime.now(UTC).timestamp())
    with ingest_lock(folder, "make eval", now_s):
        failures = run_ingest(
            [open_source(str(articles))],
            folder,
            lambda: (load_embedder(exports=WORK / "models"), PASSAGE_TOKENS),
            "eval",
            now_s,
        )
    if failures:
        raise SystemExit(failures[0])
    return folder


def asked(folder: Path, questions: Rows) -> Rows:
    """What `ask --batch --never-refuse` prints for the questions."""
    template = Question("", date(2000, 1, 1), always=True)
    with Store(folder) as store:
        answerer = Answerer(store, open_snapshot(folder), load_embedder(exports=WORK / "models"), load_reranker())
        lines = (json.dumps(question).encode() for question in questions)
        return [dict(row) for row in answer_batch(answerer, lines, template)]


def refusing(answers: Rows) -> Rows:
    """The same answers with those refused that the default threshold refuses: only their status differs."""
    return [row if row["confidence"] >= THRESHOLD else {**row, "status": "not_found"} for row in answers]


def sample_figures() -> tuple[str, dict[str, float]]:
    """The repository's own set: answers, refusals, times, sources; follow-ups are asked by the conversation."""
    folder = ingested(articles_path(), WORK / "sample")
    every = [row for row in rows(questions_path()) if row["kind"] != "follow_up"]
    answerable = [row for row in every if row["answers"]]
    answers = asked(folder, answerable)
    refused = refusing(asked(folder, [row for row in every if not row["answers"]]))
    found = figures(answerable, answers)
    found |= {f"refusing: {name}": value for name, value in figures(answerable, refusing(answers), refused).items()}
    for kind in sorted({row["kind"] for row in answerable}):
        pairs = [(row, answer) for row, answer in zip(answerable, answers, strict=True) if row["kind"] == kind]
        name = "answer in three quotes"
        found[f"{kind}: {name}"] = figures([row for row, _ in pairs], [answer for _, answer in pairs])[name]
    return digest([articles_path(), questions_path()]), found


def quiz_figures(quiz: Path) -> tuple[str, dict[str, float]]:
    """The news quiz, asked in its week, 200 days later, and about what the corpus cannot know."""
    folder = ingested(quiz / "articles.jsonl.gz", WORK / quiz.name)
    questions, later = rows(quiz / "questions.jsonl.gz"), rows(quiz / "later.jsonl.gz")
    answers = asked(folder, questions)
    found = figures(questions, answers)
    refused = refusing(asked(folder, rows(quiz / "unanswerable.jsonl.gz")))
    found |= {f"refusing: {name}": value for name, value in figures(questions, refusing(answers), refused).items()}
    found |= {f"later: {name}": value for name, value in figures(later, asked(folder, later)).items()}
    files = [quiz / name for name in ("articles", "questions", "later", "unanswerable")]
    return digest([path.with_suffix(".jsonl.gz") for path in files]), found


def page_figures(shared: Path) -> tuple[str, dict[str, float]]:
    """Extraction of the saved pages."""
    found = score_pages(shared)
    values = {
        "title equal": 100 * found.title,
        "day equal": 100 * found.day,
        "body F1 x 100": 100 * found.body,
    }
    return digest([shared / "pages" / "gold.jsonl"]), values


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pin", action="store_true", help="raise the floors to the figures of this run")
    parser.add_argument("--lower", metavar="REASON", help="pin this run's figures, lower ones too, and say why")
    parser.add_argument("--only", choices=("sample", "quiz", "pages"), help="one set only")
    arguments = parser.parse_args()
    shared = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))
    sets = {"sample": sample_figures}
    if (shared / "news-quiz" / "2022").is_dir():
        sets["quiz"] = lambda: quiz_figures(shared / "news-quiz" / "2022")
        sets["pages"] = lambda: page_figures(shared)
    else:
        print(f"{shared} is absent (NEWSQUOTE_EVAL_DATA names the folder): only the repository's own set is run")
    pinned = json.loads(FLOORS.read_text()) if FLOORS.is_file() else {}
    failed = 0
    for name, measure in sets.items():
        if arguments.only in (None, name):
            corpus, values = measure()
            failed += _compared(name, corpus, values, pinned, arguments.pin, arguments.lower)
            if arguments.pin or arguments.lower:
                FLOORS.write_text(json.dumps(pinned, indent=1, sort_keys=True) + "\n")
    return 1 if failed else 0


def _compared(
    name: str, corpus: str, values: dict[str, float], pinned: dict[str, Any], pin: bool, lower: str | None
) -> int:
    """Print a set's figures beside their floors, and pin them where asked; how many fell below."""
    entry = pinned.get(name, {})
    floors = entry.get("floors", {}) if entry.get("sha256") == corpus else {}
    if entry and not floors:
        print(f"{name}: the data differ from what the floors were measured on; they do not apply")
    n_below = 0
    print(f"\n{name}  (data {corpus[:12]})")
    for figure, value in values.items():
        floor = floors.get(figure)
        below = floor is not None and value < floor - (SLACK_OF_ONE if _is_of_one(figure) else SLACK[name])
        n_below += below
        print(
            f"  {figure:45s} {value:9.3f}"
            + ("" if floor is None else f"   floor {floor:9.3f}{'  BELOW' if below else ''}")
        )
    if lower:
        pinned[name] = {"sha256": corpus, "floors": _rounded(values), "lowered": lower}
    elif pin:
        raised = {figure: max(value, floors.get(figure, value)) for figure, value in values.items()}
        pinned[name] = {**entry, "sha256": corpus, "floors": _rounded(raised)}
    return 0 if lower else n_below


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {figure: round(value, 3) for figure, value in values.items()}


def _is_of_one(figure: str) -> bool:
    return "AUROC" in figure or "MRR" in figure


if __name__ == "__main__":
    sys.exit(main())
