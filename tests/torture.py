"""Kills ingest, reindex and retract at random moments and checks after every kill that nothing was lost.

    python -m tests.torture --rounds 200 [--seed N] [--data DIR] [--real N]

A child process does the work on invented articles with the hashing embedder, so that a round takes about a second;
it is SIGKILLed at a moment drawn uniformly over the run's length, or by itself just before or after a chosen file
operation, rename or commit. `--real` rounds kill the installed command line with the default model instead. Every
article holds a made-up word that stands in no other, so a question with that word has one right answer.

What must hold after a kill: whatever "stored N" promised is in the store, the store is sound, the live snapshot is
the old or the new one, whole, and answers for what it holds. And after the next run of the same command: everything
is answerable, what was retracted is not, and nothing half-built is left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from bot.answer import Answer, Answerer
from bot.question import Question
from index import build
from index.corpus_file import FILE
from index.errors import IndexMissing, NewsquoteError
from index.snapshot import FOLDER, KEPT, check_files, current_name, open_snapshot, read_manifest, snapshot_names
from index.store import Store
from index.types import Vectors
from ingest import indexing, pipeline
from ingest.job import run_ingest, run_reindex, run_retract
from ingest.lock import ingest_lock
from ingest.sources import open_source
from tests.fakes import NOW_S, HashingEmbedder

ROOT = Path(__file__).parent.parent
LATER = date(2027, 1, 1)
N_STORIES = 24
N_CHANGED = 4
N_RETRACTED = 3
N_ASKED = 8
ROUNDS_A_FOLDER = 40
# Small batches: a run then has as many commits as one of thousands of articles.
BATCH = 8
PASSAGE_TOKENS = 80


# Invented news --------------------------------------------------------------------------------------------

_CONSONANTS = "bdfgklmnprstvz"
_VOWELS = "aiou"
_SYLLABLES = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]


def made_up_word(number: int, last: str = "k") -> str:
    """A word that belongs to one number below 56⁴ and one last letter; the stemmer leaves it alone."""
    syllables = []
    for _ in range(4):
        number, rest = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[rest])
    return "".join(syllables) + last


@dataclass(frozen=True, slots=True)
class Story:
    """An invented article.

    Attributes:
        url: Its address.
        word: The made-up word of its marker sentence.
    """

    url: str
    word: str

    def _companions(self) -> list[str]:
        """Words that always stand beside the story's own, so that the hashing embedder's collisions do not matter."""
        return [self.word[:-1] + ending for ending in ("rab", "ped", "lug")]

    @property
    def marker(self) -> str:
        """The sentence that answers."""
        return f"The {self.word} {' '.join(self._companions())} valve failed twice."

    @property
    def question(self) -> str:
        return f"How often did the {self.word} {' '.join(self._companions())} valve fail?"

    def line(self) -> str:
        """The story as ingest reads it."""
        rng = random.Random(self.word)

        def prose(n_sentences: int) -> str:
            words = (
                [made_up_word(rng.randrange(56**4), "m") for _ in range(rng.randint(5, 11))] for _ in range(n_sentences)
            )
            return " ".join(" ".join(sentence).capitalize() + "." for sentence in words)

        place = made_up_word(rng.randrange(56**4), "m").capitalize()
        return json.dumps(
            {
                "url": self.url,
                "title": f"Valve trouble at {place}",
                "published": f"2025-{rng.randint(1, 6):02d}-{rng.randint(1, 28):02d}",
                "source": f"Paper {rng.randrange(20)}",
                "text": f"{prose(4)}\n\n{prose(2)} {self.marker}\n\n{prose(5)}",
            }
        )


def write_stories(path: Path, stories: Iterable[Story]) -> Path:
    """A file of stories, one a line."""
    path.write_text("".join(story.line() + "\n" for story in stories), encoding="utf-8")
    return path


class WideEmbedder(HashingEmbedder):
    """With so many dimensions that two words of invented news hardly ever share one, and no negative cosines.

    Where all cosines are about 0, as those of invented words are, the fused order would follow their noise.
    """

    dim = 512

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.abs(super().embed_passages(texts))

    def embed_query(self, text: str) -> Vectors:
        return np.abs(super().embed_query(text))


# The work, in the child and in the parent -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One command on a data folder."""

    verb: str
    folder: str
    now_s: int
    file: str = ""
    urls: tuple[str, ...] = ()
    passage_tokens: int = 0
    revision: str = ""


def perform(task: Task) -> None:
    """Do what the command line does for a verb, with the hashing embedder and small batches."""
    pipeline.BATCH_DRAFTS = indexing.SPLIT_ARTICLES = indexing.EMBED_PASSAGES = BATCH
    build.MERGE_SHARE = 0.4  # a batch often goes on from the snapshot before, and is often merged
    folder = Path(task.folder)
    with ingest_lock(folder, f"torture {task.verb}", task.now_s):
        match task.verb:
            case "ingest":
                failures = run_ingest(
                    [open_source(task.file)], folder, lambda: _live_embedder(folder), "torture", task.now_s
                )
                assert not failures, failures
            case "reindex":
                embedder = WideEmbedder(task.revision)
                run_reindex(folder, embedder, task.passage_tokens, "torture", task.now_s, dry_run=False)
            case "retract":
                run_retract(folder, task.urls, task.now_s, dry_run=False)


def _live_embedder(folder: Path) -> tuple[WideEmbedder, int]:
    try:
        manifest = read_manifest(folder)
    except IndexMissing:
        return WideEmbedder(), PASSAGE_TOKENS
    return WideEmbedder(manifest.model.revision), manifest.passage_tokens


_FILE_EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.truncate", "os.link"}
)


_COMMIT = "torture.commit"
_COMMITTED = "torture.committed"


@dataclass(slots=True)
class _Suicide:
    """Kills its own process at the n-th file operation, or before or after the n-th rename or commit."""

    kind: str
    at: int
    counts: dict[str, int] = field(default_factory=lambda: {"file": 0, "rename": 0, "commit": 0})
    is_due: bool = False

    def __call__(self, event: str, _: tuple[object, ...]) -> None:
        happened = {
            "file": event in _FILE_EVENTS,
            "rename": event == "os.rename",
            "commit": event == (_COMMITTED if self.kind == "after commit" else _COMMIT),
        }
        for name, is_so in happened.items():
            self.counts[name] += is_so
        subject = self.kind.split()[-1]
        hit = happened.get(subject, False) and self.counts[subject] == self.at
        # An event comes before what it announces, so the one that follows a rename is after it.
        if self.is_due or (hit and self.kind != "after rename"):
            self.kind, self.is_due = "time", False  # the kill is an event too
            os.kill(os.getpid(), signal.SIGKILL)
        self.is_due = hit


def _announce_commits() -> None:
    """Let every transaction of the store say when it is about to be committed, and when it is."""
    transaction = Store.transaction

    @contextmanager
    def announced(store: Store) -> Iterator[None]:
        with transaction(store):
            yield
            sys.audit(_COMMIT)
        sys.audit(_COMMITTED)

    Store.transaction = announced  # type: ignore[method-assign, assignment]


def child() -> None:
    """Say that everything is imported, wait for the starting gun, work, and say how much there was to interrupt."""
    spec = json.loads(sys.argv[2])
    print("ready", flush=True)
    sys.stdin.readline()
    suicide = _Suicide(spec["kind"], spec["at"])
    task = Task(**(spec["task"] | {"urls": tuple(spec["task"]["urls"])}))
    _announce_commits()
    sys.addaudithook(suicide)
    perform(task)
    print(json.dumps(suicide.counts), flush=True)


# Killing --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Struck:
    """What became of a run.

    Attributes:
        was_killed: False where it was done before the blow fell.
        n_stored: What its last "stored N" line promised.
        moment: When the blow fell, in words.
    """

    was_killed: bool
    n_stored: int
    moment: str


_MOMENTS = ["time", "time", "time", "file", "before rename", "after rename", "before commit", "after commit"]


@dataclass(slots=True)
class Executioner:
    """Chooses moments; learns from runs that got away how long they take and how much they do."""

    rng: random.Random
    lengths_s: dict[str, float] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def strike(self, task: Task, work: Path) -> Struck:
        """Run a task in a child and kill it."""
        verb = task.verb
        kind = self.rng.choice(_MOMENTS)
        most = self.counts.get(verb, {"file": 20, "rename": 3, "commit": 8}).get(kind.split()[-1], 1)
        at = self.rng.randint(1, max(1, most))
        delay_s = self.rng.uniform(0, self.lengths_s.get(verb, 0.5)) if kind == "time" else 60.0
        said = work / "stderr"
        spec = json.dumps({"task": asdict(task), "kind": kind, "at": at})
        with said.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.torture", "child", spec],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
            assert process.stdin is not None and process.stdout is not None
            with process, process.stdin, process.stdout:
                assert process.stdout.readline() == "ready\n", said.read_text()
                started = time.monotonic()
                process.stdin.write("go\n")
                process.stdin.flush()
                was_killed = _killed(process, delay_s)
                took_s = time.monotonic() - started
                report = process.stdout.read()
        if was_killed:
            self.lengths_s[verb] = self.lengths_s.get(verb, 0.5) * 1.02  # so that the end is reached now and then
        else:
            if process.returncode:
                raise Lost(f"the child ended with {process.returncode}: {said.read_text()[-500:]}")
            self.lengths_s[verb] = took_s
            self.counts[verb] = json.loads(report)
        moment = f"after {took_s:.3f} s" if kind == "time" else f"{kind} {at}"
        return Struck(was_killed, n_stored(said.read_text()), moment if was_killed else "never: it was done")


def _killed(process: subprocess.Popen[str], delay_s: float) -> bool:
    """SIGKILL after a while, or by its own hand before that; whether it died of it."""
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return process.returncode == -signal.SIGKILL


def n_stored(stderr: str) -> int:
    """What the last whole "stored N" line promises."""
    found = re.findall(r"^stored (\d[\d,]*)(?:, .*)?\n", stderr, re.MULTILINE)
    return int(found[-1].replace(",", "")) if found else 0


# Checking -------------------------------------------------------------------------------------------------


class Lost(AssertionError):
    """A promise that a kill broke."""


def require(condition: bool, sentence: str) -> None:
    if not condition:
        raise Lost(sentence)


@contextmanager
def asking(folder: Path) -> Iterator[Callable[[str], Answer]]:
    """The way of a question, from the files on."""
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        answerer = Answerer(store, snapshot, WideEmbedder(snapshot.manifest.model.revision))
        yield lambda text: answerer.answer(Question(text, asked_on=LATER, read_filters=False, always=True))


def is_quoted(answer: Answer, word: str) -> bool:
    return any(word in quote.text for quote in answer.quotes)


@dataclass(slots=True)
class Ledger:
    """What must be true of a data folder.

    Attributes:
        stories: By URL, the story that must be answerable once everything is finished.
        retracted: URLs that must never answer again.
        indexed: By URL, the made-up word that the live snapshot knows it by.
        gone: Words of earlier versions and of retracted articles.
    """

    stories: dict[str, Story] = field(default_factory=dict)
    retracted: set[str] = field(default_factory=set)
    indexed: dict[str, str] = field(default_factory=dict)
    gone: list[Story] = field(default_factory=list)

    def finished(self) -> None:
        """The live snapshot shows everything."""
        self.indexed = {url: story.word for url, story in self.stories.items() if url not in self.retracted}

    def retract(self, url: str) -> None:
        self.retracted.add(url)
        self.indexed.pop(url, None)
        self.gone.append(self.stories[url])


def check_promise(folder: Path, brought: Sequence[Story], retracted: set[str]) -> None:
    """What "stored N" promised is in the store, in full."""
    if not brought:
        return
    with Store(folder) as store:
        for story in brought:
            if story.url in retracted:
                continue
            known = store.known(story.url)
            article = None if known is None else store.article(known.version)
            require(article is not None and story.word in article.text, f"{story.url} was reported stored and is not")


def check_sound(folder: Path) -> None:
    """The store passes SQLite's check and every file of the live snapshot is as its manifest says."""
    if not (folder / FILE).exists():
        return
    try:
        store = Store(folder)
    except NewsquoteError as error:  # killed before the tables were made
        require("There is no corpus" in str(error), str(error))
        return
    with store:
        require(store.check() == "ok", f"the store is damaged: {store.check()}")
    name = current_name(folder)
    if name is not None:
        check_files(folder / FOLDER / name, read_manifest(folder, name), digests=True)


def check_answers(folder: Path, words: Iterable[str], silent: Iterable[Story]) -> None:
    """Each word is quoted for its question, and none of the silent ones is."""
    with asking(folder) as ask:
        for word in words:
            require(is_quoted(ask(Story("", word).question), word), f"{word} is not answered")
        for story in silent:
            require(not is_quoted(ask(story.question), story.word), f"{story.word} is answered and should not be")


def check_tidy(folder: Path) -> None:
    """Nothing half-built or outlived is left."""
    left = sorted(path.name for path in (folder / FOLDER).iterdir() if path.name.startswith("."))
    require(not left, f"left behind: {left}")
    require(len(snapshot_names(folder)) <= KEPT, f"snapshots left: {snapshot_names(folder)}")


# Rounds ---------------------------------------------------------------------------------------------------


class Torture:
    """Rounds on one data folder after the other.

    Args:
        work: An empty folder to work in.
        rng: Chooses everything.
    """

    def __init__(self, work: Path, rng: random.Random) -> None:
        self._work = work
        self._rng = rng
        self._executioner = Executioner(rng)
        self._n_words = rng.randrange(56**3)
        self._now_s = NOW_S
        self.renew()

    def renew(self) -> None:
        """Go on with an empty data folder."""
        self._folder = Path(tempfile.mkdtemp(dir=self._work))
        self._ledger = Ledger()

    def _story(self, url: str = "") -> Story:
        self._n_words += 1
        # Neighbouring numbers would give words that differ in one syllable only; a stride parts them.
        word = made_up_word(self._n_words * 7_654_321 % 56**4)
        return Story(url or f"https://paper.example/{self._n_words}", word)

    def _task(self) -> tuple[Task, list[Story]]:
        """What to do next, and the stories it brings, in their order."""
        live = [url for url in self._ledger.stories if url not in self._ledger.retracted]
        verb = self._rng.choice(["ingest", "ingest", "ingest", "reindex", "retract"]) if live else "ingest"
        common: dict[str, Any] = {"folder": str(self._folder), "now_s": self._now_s}
        if verb == "ingest":
            changed = self._rng.sample(live, min(N_CHANGED, len(live)))
            stories = [self._story() for _ in range(N_STORIES)] + [self._story(url) for url in changed]
            self._rng.shuffle(stories)
            return Task("ingest", file=str(write_stories(self._work / "brought.jsonl", stories)), **common), stories
        if verb == "reindex":
            tokens, revision = self._rng.choice([40, 60, PASSAGE_TOKENS, 120]), self._rng.choice("12")
            return Task("reindex", passage_tokens=tokens, revision=revision, **common), []
        urls = self._rng.sample(live, min(N_RETRACTED, len(live)))
        return Task("retract", urls=tuple(urls), **common), []

    def _sample(self, values: Iterable[Any]) -> list[Any]:
        every = list(values)
        return self._rng.sample(every, min(N_ASKED, len(every)))

    def round(self) -> tuple[bool, str]:
        """One blow and all checks: whether it hit, and what happened in words."""
        self._now_s += 3_600
        task, brought = self._task()
        ledger, folder = self._ledger, self._folder
        before = current_name(folder)
        struck = self._executioner.strike(task, self._work)
        said = f"{task.verb:8} {len(ledger.stories) + len(brought):5,} articles, killed {struck.moment}"

        check_sound(folder)
        check_promise(folder, brought[: struck.n_stored], ledger.retracted)
        after = current_name(folder)
        silent = [ledger.stories[url] for url in task.urls] if task.verb == "retract" and not struck.was_killed else []
        if after == before and after is not None:
            words = [word for url, word in ledger.indexed.items() if url not in task.urls]
            check_answers(folder, self._sample(words), [*silent, *self._retracted()])
        elif after is not None:
            require(task.verb != "retract", "a retraction has built a snapshot")
            self._note(task, brought)
            check_answers(folder, self._sample(ledger.indexed.values()), self._sample(ledger.gone))
        new = "new" if after != before else "old"

        self._quietly(task)
        self._note(task, brought)
        check_sound(folder)
        check_promise(folder, brought, ledger.retracted)
        if task.verb == "retract":
            words = list(ledger.indexed.values())
        else:
            words = [story.word for story in brought] + self._sample(ledger.indexed.values())
            check_tidy(folder)
        check_answers(folder, words, self._sample(ledger.gone))
        return struck.was_killed, f"{said}; {struck.n_stored} promised, {new} snapshot"

    def _retracted(self) -> list[Story]:
        return self._sample(story for story in self._ledger.gone if story.url in self._ledger.retracted)

    def _note(self, task: Task, brought: Sequence[Story]) -> None:
        ledger = self._ledger
        for url in task.urls:
            if url not in ledger.retracted:
                ledger.retract(url)
        for story in brought:
            earlier = ledger.stories.get(story.url)
            if earlier is not None and earlier != story:
                ledger.gone.append(earlier)
            ledger.stories[story.url] = story
        if task.verb != "retract":
            ledger.finished()

    def _quietly(self, task: Task) -> None:
        """The next run of the same command, here."""
        with (self._work / "finish").open("w") as said:
            stderr, sys.stderr = sys.stderr, said
            try:
                perform(task)
            finally:
                sys.stderr = stderr

    def final(self) -> None:
        """Every article of the folder answers, and nothing else does."""
        if current_name(self._folder) is not None:
            check_answers(self._folder, self._ledger.indexed.values(), self._ledger.gone)


def torture(work: Path, n_kills: int, seed: int, say: Callable[[str], None] = print) -> int:
    """Kill so many times; how many rounds broke a promise."""
    run = Torture(work, random.Random(seed))
    n_hit = n_failed = n_rounds = 0
    while n_hit < n_kills:
        n_rounds += 1
        try:
            was_killed, what = run.round()
            if n_rounds % ROUNDS_A_FOLDER == 0 or n_hit + was_killed == n_kills:
                run.final()
                run.renew()
            n_hit += was_killed
            say(f"{n_hit:4} {what}")
        except (Lost, NewsquoteError) as failure:
            n_hit += 1
            n_failed += 1
            say(f"{n_hit:4} FAILED {failure}")
            run.renew()
    return n_failed


# The real command line ------------------------------------------------------------------------------------


class RealTorture:
    """Rounds with the installed command and the default model.

    Args:
        work: An empty folder to work in.
        rng: Chooses the moments.
        models: Folder with an export of the default model; made by the first round if not given.
    """

    def __init__(self, work: Path, rng: random.Random, models: Path | None = None) -> None:
        self._rng = rng
        self._work = work
        self._folder = work / "real"
        self._folder.mkdir()
        if models is not None:
            (self._folder / "models").symlink_to(models)
        self._stories = [Story(f"https://paper.example/{n}", made_up_word(n * 7_654_321 % 56**4)) for n in range(1, 4)]
        started = time.monotonic()
        self._ingest(self._stories)
        started = time.monotonic() if models is None else started
        self._ingest(self._stories[:1])
        self._length_s = 1.5 * (time.monotonic() - started)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "newsquote", "--data", str(self._folder), *arguments]

    def _run(self, *arguments: str) -> str:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NEWSQUOTE_")}
        done = subprocess.run(
            self._command(*arguments), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
        )
        require(done.returncode == 0, f"`newsquote {arguments[0]}` failed: {done.stderr[-500:]}")
        return done.stdout

    def _ingest(self, stories: Sequence[Story]) -> None:
        self._run("ingest", str(write_stories(self._work / "real.jsonl", stories)))

    def round(self, number: int) -> tuple[bool, str]:
        """One blow and its checks."""
        first = 1_000 * number
        brought = [
            Story(f"https://paper.example/{n}", made_up_word(n * 7_654_321 % 56**4)) for n in range(first, first + 40)
        ]
        path = write_stories(self._work / "real.jsonl", brought)
        delay_s = self._rng.uniform(0.3, 1.0) * self._length_s
        said = self._work / "real.stderr"
        with said.open("w") as stderr:
            process = subprocess.Popen(self._command("ingest", str(path)), cwd=ROOT, stderr=stderr, text=True)
            was_killed = _killed(process, delay_s)
        promised = n_stored(said.read_text())
        check_sound(self._folder)
        check_promise(self._folder, brought[:promised], set())
        self._check([self._stories[-1]])
        self._run("ingest", str(path))
        self._stories += brought
        self._check(self._rng.sample(brought, 5) + self._rng.sample(self._stories, 5))
        check_sound(self._folder)
        check_tidy(self._folder)
        fate = f"killed after {delay_s:.1f} s" if was_killed else "done before the blow"
        return was_killed, f"real ingest, {fate}; {promised} promised"

    def _check(self, stories: Sequence[Story]) -> None:
        questions = self._work / "questions.jsonl"
        rows = [{"id": story.word, "question": story.question, "asked_on": LATER.isoformat()} for story in stories]
        questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        for line in self._run("ask", "--batch", str(questions), "--never-refuse").splitlines():
            answer = json.loads(line)
            found = any(answer["id"] in quote["text"] for quote in answer["quotes"])
            require(found, f"{answer['id']} is not answered: {answer.get('error')}")


def torture_real(
    work: Path, n_rounds: int, seed: int, models: Path | None = None, say: Callable[[str], None] = print
) -> int:
    """Rounds with the real command; how many broke a promise."""
    if not n_rounds:
        return 0
    run = RealTorture(work, random.Random(seed), models)
    n_failed = 0
    for number in range(1, n_rounds + 1):
        try:
            say(f"real {number} {run.round(number)[1]}")
        except (Lost, NewsquoteError) as failure:
            n_failed += 1
            say(f"real {number} FAILED {failure}")
    return n_failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="kills in all")
    parser.add_argument("--real", type=int, default=4, help="of them with the real command and model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="folder to work in, kept afterwards; a temporary one if not given")
    options = parser.parse_args()
    work = options.data or Path(tempfile.mkdtemp(prefix="newsquote-torture-"))
    work.mkdir(parents=True, exist_ok=True)
    n_real = min(options.real, options.rounds)
    n_failed = torture(work, options.rounds - n_real, options.seed) + torture_real(work, n_real, options.seed)
    print(f"{options.rounds - n_failed} passed, {n_failed} failed")
    if options.data is None and not n_failed:
        shutil.rmtree(work)
    return 1 if n_failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child()
    else:
        sys.exit(main())
