"""What the commands that ask share: opening what answers, and what writes."""

from __future__ import annotations

import contextlib
import difflib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from index.cli import snapshot_embedder
from index.errors import BadInput

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

    from bot.answer import Answer, Answerer
    from bot.conversation import Before
    from bot.llm_rewrite import Rewriter
    from bot.llm_settings import LlmSettings
    from bot.llm_write import Writer
    from bot.question import Question
    from bot.written import Written
    from index.settings import Settings
    from index.types import Reranker


@contextlib.contextmanager
def open_answerer(
    settings: Settings, outlets: Sequence[str] = (), language: str = "", n_words: int = 6
) -> Iterator[Answerer]:
    """What answers from the live index, in which each of `outlets` and the language are.

    What a question of `n_words` words needs is made ready.
    """
    from concurrent.futures import ThreadPoolExecutor

    # Models are made ready outside the interpreter's lock, beside each other and the imports.
    with contextlib.ExitStack() as stack:
        with interrupts_held(), ThreadPoolExecutor(2) as pool:
            reranker = pool.submit(reranker_of, settings)
            from index.snapshot import open_snapshot
            from index.store import Store

            store = stack.enter_context(Store(settings.data))
            snapshot = open_snapshot(settings.data)
            _check_outlets(outlets, snapshot.sources)
            _check_language(language, snapshot.languages)
            embedder = snapshot_embedder(settings, snapshot.manifest.model)
            query = pool.submit(embedder.embed_query, "news " * n_words)
            from bot.answer import Answerer

            query.result()
            answerer = Answerer(store, snapshot, embedder, reranker.result(), threshold_of(settings))
        yield answerer


@contextlib.contextmanager
def interrupts_held() -> Iterator[None]:
    """Heed Ctrl-C once the block has ended.

    An import that is broken off may leave its lock held, and a thread that imports the same is waited for in vain.
    """
    if threading.current_thread() is not threading.main_thread():  # only there an interruption is raised
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda *given: held.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held and callable(before):
            before(*held[0])


def _check_outlets(names: Sequence[str], stored: Sequence[str]) -> None:
    """Raise `BadInput` for a name that no article has: nothing could answer, and it is most likely misspelt."""
    by_key = {outlet.lower(): outlet for outlet in stored}
    for name in names:
        key = name.lower()
        if key not in by_key:
            inside = [outlet for outlet in by_key if key in outlet]
            near = [by_key[outlet] for outlet in inside[:3] or difflib.get_close_matches(key, by_key, n=3)]
            hint = f"did you mean {' or '.join(near)}?" if near else "`newsquote sources` lists what there is."
            raise BadInput(f"There is no outlet {name} in the corpus; {hint}")


def _check_language(code: str, stored: Sequence[str]) -> None:
    """Raise `BadInput` for a language that no article is in."""
    if code and code not in stored:
        known = ", ".join(sorted(filter(None, stored)))
        hint = f"give the code of one that there is: {known}." if known else "no article's language is known."
        raise BadInput(f"There is no article in the language {code} in the corpus; {hint}")


def reranker_of(settings: Settings) -> Reranker | None:
    """The reranker of the settings, where one is set."""
    from index.rerank import load_reranker

    return load_reranker(settings.reranker)


def threshold_of(settings: Settings) -> float:
    """The confidence below which an answer is "not found"."""
    from bot.confidence import THRESHOLD

    return settings.threshold if settings.threshold >= 0 else THRESHOLD


class Texts:
    """A language model for commands that wait for it: one event loop for as long as the command takes."""

    def __init__(self, runner: asyncio.Runner, writer: Writer, rewriter: Rewriter) -> None:
        self._runner, self._writer, self._rewriter = runner, writer, rewriter

    def write(self, answer: Answer) -> Written:
        """As `Writer.write`."""
        return self._runner.run(self._writer.write(answer))

    def filled_in(self, said: str, before: Before | None) -> str:
        """As `Rewriter.filled_in`, asked today."""
        from bot.conversation import filled_in

        by_rules = filled_in(said, before)
        return self._runner.run(self._rewriter.filled_in(said, by_rules, before, datetime.now(UTC).date()))

    def answer(self, answer: Callable[[Question], Answer], question: Question) -> Answer:
        """What answers a question, or where nothing does the question in other words."""
        found = answer(question)
        if found.status != "not_found":
            return found
        reworded = self._runner.run(self._rewriter.in_other_words(question.text, question.asked_on))
        if reworded is None:
            return found
        try:
            again = answer(replace(question, text=reworded))
        except BadInput:  # "Who?" names nothing to search for, which is no fault of whoever asked
            return found
        return again.instead_of(found) if again.status == "answered" else found


@contextlib.contextmanager
def open_texts(settings: Settings) -> Iterator[Texts]:
    """The language model of the settings.

    Raises:
        BadInput: None is set.
    """
    import asyncio

    from bot.llm_settings import read_llm_settings

    own = read_llm_settings()
    if not own.is_on:
        raise BadInput("There is no language model; set NEWSQUOTE_LLM_URL (docs/language-model.md says how).")
    writer, rewriter = writers_of(own, settings.data)
    with asyncio.Runner() as runner:
        try:
            yield Texts(runner, writer, rewriter)
        finally:
            runner.run(writer.close())


def writers_of(own: LlmSettings, data: Path) -> tuple[Writer, Rewriter]:
    """What writes and rewrites by the model of the settings."""
    from bot.llm_client import RemoteModel
    from bot.llm_prompts import read_prompts
    from bot.llm_rewrite import Rewriter
    from bot.llm_tokens import load_counter
    from bot.llm_write import Budget, Writer

    model, prompts = RemoteModel(own), read_prompts(own.llm_prompts)
    budget = Budget(own.llm_context_tokens, own.llm_answer_tokens)
    return Writer(model, prompts, load_counter(data), budget), Rewriter(model, prompts, own.llm_rewrites)


def terminal_width() -> int:
    """How many columns a text for a person may take."""
    import shutil

    return max(40, min(100, shutil.get_terminal_size().columns))
