"""The bot's conversation in a terminal: the same follow-ups, the answers as `ask` shows them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date

from bot.answer import Answer
from bot.conversation import Before, filled_in, goes_on_from, is_filled, is_follow_up, with_bounds_of
from bot.days import filter_note
from bot.question import Question
from bot.render import as_lines, newest_line
from bot.written import Written
from index.errors import BadInput
from index.terminal import safe


def conversation(
    lines: Iterable[str],
    answer: Callable[[Question], Answer],
    today: Callable[[], date],
    *,
    colour: bool = False,
    width: int = 80,
    outlets: Collection[str] = (),
    fill: Callable[[str, Before | None], str] = filled_in,
    write: Callable[[Answer], Written] | None = None,
) -> Iterator[str]:
    """What is printed for each line typed; blank lines are passed over, "new" on its own begins anew.

    Args:
        lines: As typed.
        answer: Answers a question.
        today: The day of asking.
        colour: As for `as_lines`.
        width: Columns.
        outlets: Those of the corpus.
        fill: Fills a follow-up in.
        write: Has a language model write above an answer.
    """
    before: Before | None = None
    for line in lines:
        said = line.strip()
        if not said:
            continue
        if said.lower() == "new":
            before = None
            yield "A new conversation."
            continue
        try:
            question = Question(fill(said, before), today())
            follows = is_follow_up(said, before)
            if before is not None and follows:
                question = with_bounds_of(before, question, said, outlets)
            found = answer(question)
        except BadInput as error:
            sentence = f"{str(error)[:1].upper()}{str(error)[1:]}"
            yield sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
            continue
        searched = found.question
        parts = [f"Searched: {safe(_with_bounds(searched))}"] if is_filled(said, searched.text) else []
        written = write(found) if write is not None and found.status == "answered" else None
        parts.append(as_lines(found, colour=colour, width=width, written=written))
        parts.extend(filter(None, [newest_line(found)]))
        yield "\n\n".join(parts)
        before = goes_on_from(before, _before(found), is_filled=follows, is_found=found.status == "answered")


def _before(found: Answer) -> Before:
    """An answered question as the next follow-up sees it."""
    marked = found.quotes[0].answer if found.quotes and found.status == "answered" else None
    return Before(
        found.understood.topic,
        found.understood.kind,
        marked.of(found.quotes[0].article.text) if marked else None,
        found.since,
        found.until,
        found.outlets,
    )


def _with_bounds(question: Question) -> str:
    """What was searched, and the bounds that were kept from the question before."""
    only = "only " + " or ".join(question.sources) if question.sources else ""
    kept = ", ".join(filter(None, (filter_note(question.since, question.until), only)))
    return f"{question.text} ({kept})" if kept else question.text
