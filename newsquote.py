"""The command line: the commands of both sides in one program, and how it ends.

Results go to stdout, everything else to stderr. Exit 0: done; 1: a known failure, in one sentence; 2: usage;
130: interrupted.
The commands are in the modules `*_cli.py` of bot/ and ingest/; here are those that need both. Heavy libraries are
imported by the command that needs them, so that `--help` is quick.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.ask_cli import NeverRefuse, ask, chat, explain
from bot.bot_cli import bot, harness
from bot.eval_cli import compare, measure, measure_texts, show_levels
from bot.look_cli import doctor, feedback, sources
from index.cli import DataOption, JsonOption, clock_s, folder_named, program_version, settings_for
from index.errors import BadInput, NewsquoteError
from ingest.cli import by_default, import_urllib3, settings_embedder
from ingest.corpus_cli import cache_app, export, history, retract, status
from ingest.feed_cli import feeds_app
from ingest.ingest_cli import ingest, reindex, rollback
from ingest.watch_cli import watch

if TYPE_CHECKING:
    from index.settings import Settings

app = typer.Typer(
    help="Answers questions about a news corpus with verbatim quotes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"newsquote {program_version()}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    data: DataOption = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Answers questions about a news corpus with verbatim quotes.

    Example:

        newsquote ingest articles.jsonl

        newsquote ask "what deadline did Bessent mention?"
    """
    context.obj = data


Questions = Annotated[str, typer.Argument(metavar="[QUESTIONS]", help="JSON lines; the sample's own if not given.")]


def evaluate(
    context: typer.Context,
    questions: Questions = "",
    with_text: Annotated[bool, typer.Option("--llm", help="Measure the texts of the language model.")] = False,
    reranker: Annotated[str, typer.Option(metavar="NAME", help="Score sentences with this one.")] = "",
    against_reranker: Annotated[str, typer.Option(metavar="NAME", help="Compare with this reranker.")] = "",
    against_data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Compare with this data folder, made with another model, say.", parser=folder_named
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="The first so many questions; 0 for all.", min=0)] = 0,
    never_refuse: NeverRefuse = False,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Measure answers to questions whose answers are known.

    Or compare two configurations side by side.

    Each line: question, asked_on, answers ([] where there is none), and evidence_urls where known. Without QUESTIONS it
    is the sample corpus and its questions, in a folder of its own inside the data folder.

    Example: newsquote eval questions.jsonl --against-reranker none
    """
    if with_text and (against_reranker or against_data):
        raise typer.BadParameter("it measures one configuration, and compares none", param_hint="--llm")
    settings = settings_for(context, data)
    rows = _labelled(questions)[: limit or None]
    own = settings if questions else settings.model_copy(update={"data": _sample_folder(settings)})
    own = own.model_copy(update={"reranker": reranker or settings.reranker})
    if with_text:
        measure_texts(own, rows, as_json=as_json)
    elif not against_reranker and against_data is None:
        measure(own, rows, never_refuse=never_refuse, as_json=as_json)
    else:
        other = own.model_copy(update={"reranker": against_reranker or own.reranker, "data": against_data or own.data})
        compare(own, other, rows, never_refuse=never_refuse, as_json=as_json)


def calibrate(context: typer.Context, questions: Questions = "", data: DataOption = None) -> None:
    """Say how often answers would be wrong, by confidence.

    On your own corpus and questions; without QUESTIONS on the sample's, as `eval`.

    Each question is asked again of the corpus without the articles that answer it. NEWSQUOTE_THRESHOLD then sets the
    confidence below which an answer is "not found".

    Example: newsquote calibrate questions.jsonl
    """
    settings = settings_for(context, data)
    rows = _labelled(questions)
    if not questions:
        settings = settings.model_copy(update={"data": _sample_folder(settings)})
    show_levels(settings, rows)


def _labelled(path: str) -> list[dict[str, Any]]:
    """Questions with their answers.

    Raises:
        BadInput: The file cannot be read, or a line is no labelled question.
    """
    from bot.evaluation import read_labelled
    from ingest.sample import questions_path

    return read_labelled(path or str(questions_path()))


def _sample_folder(settings: Settings) -> Path:
    """A data folder that holds the sample corpus, indexed as the settings say; made or made anew where it is not."""
    import_urllib3()
    from ingest.job import run_ingest
    from ingest.lock import ingest_lock
    from ingest.sample import articles_path
    from ingest.sources import open_source

    sample = settings.model_copy(update={"data": settings.data / "eval-sample"})
    with ingest_lock(sample.data, "newsquote eval", clock_s()):
        failures = run_ingest(
            [open_source(str(articles_path()))],
            sample.data,
            lambda: settings_embedder(sample, by_default()),
            program_version(),
            clock_s(),
        )
    if failures:
        raise BadInput(failures[0])
    return sample.data


# In the order of `--help`.
app.command()(ask)
app.command()(explain)
app.command("eval")(evaluate)
app.command()(calibrate)
app.command()(chat)
app.command()(bot)
app.command()(harness)
app.command()(feedback)
app.command()(ingest)
app.command()(reindex)
app.command()(rollback)
app.command()(retract)
app.command()(export)
app.command()(watch)
app.command()(history)
app.command()(sources)
app.command()(status)
app.command()(doctor)
app.add_typer(cache_app, name="cache")
app.add_typer(feeds_app, name="feeds")


def _flush_output() -> None:
    """Write out what was printed.

    Raises:
        BrokenPipeError: Nobody reads it any more.
        NewsquoteError: It cannot be written: the disk is full, say.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_output()
        raise NewsquoteError(f"The output cannot be written ({error.strerror or error}).") from error


def _forget_output() -> None:
    """Let what could not be written go, so that the interpreter does not complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


INTERRUPTED = "newsquote: interrupted."


def main() -> None:
    """Console script: run a command, and turn known failures into one sentence and exit code 1."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # A closed stream (`>&-`) is None, and its number would go to the next file that is opened.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        if isinstance(sys.stdout.buffer, io.RawIOBase):
            # PYTHONUNBUFFERED. What a buffer still holds fails again in `_flush_output`, which tells whose fault it is.
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(sys.stdout.buffer), line_buffering=True)
        # Whatever the locale says, output is UTF-8. A lone surrogate, which a question's bytes or a JSON escape may
        # bring in, comes out as the escape it has in JSON.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Python looks through all objects for cycles once more before it ends, a third of a second after an answer.
    atexit.register(gc.freeze)
    try:
        try:
            app(prog_name="newsquote")
        finally:
            _flush_output()
    except NewsquoteError as error:
        from index.terminal import safe

        sentence = safe(str(error))
        print(f"newsquote: {sentence}{'' if sentence.endswith(('.', '?', '!')) else '.'}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        _forget_output()  # its reader has gone (`| head`)
        sys.exit(0)
    except SystemExit as end:
        # Typer turns the two above into exit codes of its own, without a word.
        if end.code == 130:
            print(INTERRUPTED, file=sys.stderr)
        if isinstance(end.__context__, BrokenPipeError):
            end.code = 0
        raise


if __name__ == "__main__":
    main()
