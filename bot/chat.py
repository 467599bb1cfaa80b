"""The bot's conversation in a terminal: the same follow-ups, the answers as `ask` shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from bot.answer import Answer
from bot.conversation import Before, filled_in
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
        text = fill(said, before)
        try:
            found = answer(Question(text, today()))
        except BadInput as error:
            sentence = f"{str(error)[:1].upper()}{str(error)[1:]}"
            yield sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."
            continue
        parts = [] if text == said else [f"Searched: {safe(text)}"]
        written = write(found) if write is not None and found.status == "answered" else None
        parts.append(as_lines(found, colour=colour, width=width, written=written))
        parts.extend(filter(None, [newest_line(found)]))
        yield "\n\n".join(parts)
        marked = found.quotes[0].answer if found.quotes and found.status == "answered" else None
        before = Before(
            found.understood.topic, found.understood.kind, marked.of(found.quotes[0].article.text) if marked else None
        )
