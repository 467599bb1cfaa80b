"""The commands that answer: `ask`, `explain` and `chat`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli import open_answerer, open_texts, terminal_width
from index.cli import DataOption, JsonOption, is_colourful, print_json, read_day, settings_for
from index.errors import BadInput, NewsquoteError
from index.terminal import safe

if TYPE_CHECKING:
    from bot.question import Question
    from bot.written import Written
    from index.settings import Settings

AskedOn = Annotated[
    str | None, typer.Option("--asked-on", metavar="DAY", help="Ask as of this day (UTC); today if not given.")
]
Since = Annotated[str | None, typer.Option("--since", metavar="DAY", help="Nothing published before this day.")]
Until = Annotated[str | None, typer.Option("--until", metavar="DAY", help="Nothing published after this day.")]
Sources = Annotated[list[str] | None, typer.Option("--source", metavar="OUTLET", help="Only this outlet; may repeat.")]
Language = Annotated[str, typer.Option("--language", metavar="CODE", help="Only this language (ISO 639-1).")]
AsIs = Annotated[
    bool, typer.Option("--as-is", help="Read no times and outlets out of the question's words, and respell none.")
]
WithText = Annotated[
    bool, typer.Option("--llm", help="Have a language model write above the quotes (docs/language-model.md).")
]
NeverRefuse = Annotated[bool, typer.Option("--never-refuse", help="Answer even when unsure; for measuring.")]


def ask(
    context: typer.Context,
    question: Annotated[str | None, typer.Argument(help="What you want to know.", show_default=False)] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch",
            metavar="FILE",
            help="JSON lines of which id, question and asked_on are read; - for standard input. "
            "--asked-on goes before theirs.",
        ),
    ] = None,
    asked_on: AskedOn = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    language: Language = "",
    as_is: AsIs = False,
    never_refuse: NeverRefuse = False,
    with_text: WithText = False,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Answer a question with verbatim quotes.

    Example: newsquote ask "what deadline did Bessent mention?" --since 2025-04-01
    """
    if (question is None) == (batch is None):
        raise typer.BadParameter("give one question, or --batch FILE", param_hint="QUESTION")
    if batch == "":
        raise typer.BadParameter("name a file, or - for standard input", param_hint="--batch")
    settings = settings_for(context, data)
    asked = _question(question or "", asked_on, since, until, source, language, as_is, never_refuse)
    if batch is not None:
        if with_text:
            raise typer.BadParameter("it goes with one question, not with --batch", param_hint="--llm")
        _ask_batch(settings, batch, asked, is_day_given=asked_on is not None)
        return
    written = None
    with contextlib.ExitStack() as stack:
        texts = stack.enter_context(open_texts(settings)) if with_text else None
        n_words = len(asked.text.split())
        answerer = stack.enter_context(open_answerer(settings, asked.sources, asked.language, n_words))
        try:
            answer = answerer.answer(asked) if texts is None else texts.answer(answerer.answer, asked)
        except NewsquoteError as error:
            if as_json:
                from bot.render import failed_json

                print_json(failed_json(None, asked.text, asked.asked_on.isoformat(), str(error)))
            raise
        if texts is not None and answer.status == "answered":
            written = texts.write(answer)
    from bot import render

    if as_json:
        print_json(render.as_json(answer) | ({"written": _text_json(written)} if with_text else {}))
    else:
        if answer.question.text != asked.text:
            print(f"Searched: {safe(answer.question.text)}\n")
        print(render.as_lines(answer, colour=is_colourful(), width=terminal_width(), written=written))


def _ask_batch(settings: Settings, path: str, template: Question, *, is_day_given: bool) -> None:
    from bot.batch import answer_batch, open_lines

    n = n_failed = 0
    with open_lines(path) as lines, open_answerer(settings, template.sources, template.language) as answerer:
        for row in answer_batch(answerer, lines, template, is_day_given=is_day_given):
            print_json(row)
            n += 1
            n_failed += "error" in row
    if n_failed == n > 1:
        raise BadInput(f"All {n:,} questions failed; `error` in their rows says why")
    if n_failed == n == 1:
        raise BadInput("The question failed; `error` in its row says why")
    if n_failed:
        print(f"{n_failed:,} of {n:,} questions failed; `error` in their rows says why", file=sys.stderr)


def _text_json(written: Written | None) -> dict[str, object] | None:
    from bot.written import as_json

    return None if written is None else as_json(written)


def explain(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    asked_on: AskedOn = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    language: Language = "",
    as_is: AsIs = False,
    data: DataOption = None,
) -> None:
    """Show why these quotes: what was understood, and every score.

    Example: newsquote explain "what deadline did Bessent mention?"
    """
    from bot.explain import explanation

    settings = settings_for(context, data)
    asked = _question(question, asked_on, since, until, source, language, as_is, True)
    with open_answerer(settings, asked.sources, asked.language) as answerer:
        print(explanation(answerer.answer(asked), colour=is_colourful(), width=terminal_width()))


def chat(context: typer.Context, with_text: WithText = False, data: DataOption = None) -> None:
    """Ask in a conversation that keeps its subject.

    A follow-up like "and when?" is filled in. A line "new" begins a new conversation; the end of the input ends it.

    Example: newsquote chat
    """
    from bot.chat import conversation
    from bot.conversation import filled_in

    settings = settings_for(context, data)
    with contextlib.ExitStack() as stack:
        texts = stack.enter_context(open_texts(settings)) if with_text else None
        answerer = stack.enter_context(open_answerer(settings))
        shown = conversation(
            _typed() if sys.stdin.isatty() else iter(sys.stdin),
            answerer.answer if texts is None else partial(texts.answer, answerer.answer),
            lambda: datetime.now(UTC).date(),
            colour=is_colourful(),
            width=terminal_width(),
            outlets=answerer.outlets,
            fill=filled_in if texts is None else texts.filled_in,
            write=None if texts is None else texts.write,
        )
        for text in shown:
            print(f"{text}\n", flush=True)


def _typed() -> Iterator[str]:
    """Lines of a person, who sees a prompt; importing readline brings the arrow keys."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401
    with contextlib.suppress(EOFError):
        while True:
            yield input("> ")


def _question(
    text: str,
    asked_on: str | None,
    since: str | None,
    until: str | None,
    sources: list[str] | None,
    language: str,
    as_is: bool,
    never_refuse: bool,
) -> Question:
    from bot.question import Question

    if not all(map(str.strip, sources or ())):
        raise typer.BadParameter("name an outlet; `newsquote sources` lists them", param_hint="--source")
    first, last = read_day(since, "--since"), read_day(until, "--until")
    if first and last and first > last:
        raise typer.BadParameter(f"{first} is after --until {last}", param_hint="--since")
    return Question(
        text=text,
        asked_on=read_day(asked_on, "--asked-on") or datetime.now(UTC).date(),
        since=first,
        until=last,
        sources=tuple(sources or ()),
        language=language.strip().lower(),
        read_filters=not as_is,
        respells=not as_is,
        always=never_refuse,
    )
