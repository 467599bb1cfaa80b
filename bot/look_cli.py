"""The commands that look: at `feedback`, at `sources`, and whether all is well (`doctor`)."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from index.cli import DataOption, JsonOption, check_corpus, print_json, read_day, settings_for, snapshot_embedder
from index.errors import NewsquoteError

if TYPE_CHECKING:
    from bot.remembered import Place
    from index.health import Check
    from index.settings import Settings
    from index.store import Store
    from index.types import Article


def feedback(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(metavar="DAY", help="Asked on this day or later.")] = None,
    as_json: JsonOption = False,
    as_questions: Annotated[
        bool, typer.Option("--questions", help="As JSON lines to measure with; `ask --batch` reads them too.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Show votes, reports and unanswered questions.

    Example: newsquote feedback --since 2025-04-01 --questions
    """
    from bot.feedback import feedback_json, feedback_lines, question_json
    from bot.memory import FILE as MEMORY_FILE
    from bot.memory import Memory
    from bot.verify import article_at
    from index.store import Store
    from index.types import end_of_day_s

    settings = settings_for(context, data)
    day = read_day(since, "--since")
    with Memory(settings.data, write=False) as memory:
        rows = memory.feedback(0 if day is None else end_of_day_s(day) - 86_399)
    if not rows and not (settings.data / MEMORY_FILE).exists():
        check_corpus(settings.data)
    with contextlib.ExitStack() as stack:

        @functools.cache
        def store() -> Store:  # at the first quote: where nothing was found no corpus is needed
            return stack.enter_context(Store(settings.data))

        def found(place: Place) -> Article | None:
            return article_at(place, store().article)

        if as_questions:
            for row in rows:
                if row.remembered.question is not None:
                    print_json(question_json(row, found))
        elif as_json:
            for row in rows:
                print_json(feedback_json(row, found))
        else:
            print(feedback_lines(rows))


def sources(context: typer.Context, as_json: JsonOption = False, data: DataOption = None) -> None:
    """List the outlets with their articles and dates.

    Example: newsquote sources
    """
    from bot.render import table
    from index.store import Store
    from index.terminal import safe

    settings = settings_for(context, data)
    with Store(settings.data) as store:
        counts = store.source_counts()
    if as_json:
        for row in counts:
            print_json({"source": row.source, "n_articles": row.n_articles, "first": row.first, "last": row.last})
        return
    if counts:
        print(table([(safe(r.source), f"{r.n_articles:,}", _days(r.first, r.last)) for r in counts]))


def _days(first: str | None, last: str | None) -> str:
    return f"{first[:10]} to {last[:10]}" if first and last else "undated"


def doctor(context: typer.Context, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Check the model, the store and the index.

    From end to end, and without opening a connection.

    Example: newsquote doctor
    """
    from index.health import check_all
    from index.terminal import safe

    settings = settings_for(context, data)
    asked_with = functools.partial(snapshot_embedder, settings)
    checks = [*check_all(settings.data, asked_with), *_check_language_model(settings)]
    for check in checks:
        if as_json:
            print_json({"check": check.name, "ok": check.ok, "detail": check.detail})
        else:
            print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<6}  {safe(check.detail)}")
    failed = [check.name for check in checks if not check.ok]
    if failed:
        raise NewsquoteError(
            f"Something is wrong with the {' and the '.join(failed)}; the lines above say what to run."
        )


def _check_language_model(settings: Settings) -> list[Check]:
    """Whether the language model is set up well, where one is; nothing is asked of it."""
    from bot.llm_settings import read_llm_settings
    from index.health import Check

    try:
        own = read_llm_settings()
        if not own.is_on:
            return []
        from bot.llm_client import RemoteModel
        from bot.llm_prompts import read_prompts
        from bot.llm_tokens import ENCODING, has_vocabulary

        prompts, model = read_prompts(own.llm_prompts), RemoteModel(own)
    except NewsquoteError as error:
        return [Check("llm", False, str(error))]
    tokens = f"tiktoken's {ENCODING}" if has_vocabulary(settings.data) else "bytes, until its vocabulary is fetched"
    hint = "" if urlsplit(own.llm_url).path.strip("/") else " (most servers want /v1 at its end)"
    detail = f"{model.name} at {own.llm_url}{hint}, prompt {prompts.answer.digest}; tokens are counted by {tokens}"
    return [Check("llm", True, detail)]
