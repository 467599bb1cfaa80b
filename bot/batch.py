"""Many questions at once: JSON lines in, one answer a line out, in order, whatever happens to one of them."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from bot.answer import Answerer
from bot.question import Question
from bot.render import as_json, failed_json
from index.errors import BadInput, NewsquoteError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def open_lines(path: str) -> Iterator[Iterator[bytes]]:
    """The lines of a file, unpacked where it is gzip; of standard input for `-`.

    Raises:
        BadInput: It cannot be opened, or not be read to its end; the lines before were given.
    """
    if path == "-":
        yield iter(sys.stdin.buffer)
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115, closed below
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    with file:
        is_gzip = file.peek(2)[:2] == b"\x1f\x8b"
        yield _lines(gzip.GzipFile(fileobj=file) if is_gzip else file, path)


def _lines(file: Iterable[bytes], path: str) -> Iterator[bytes]:
    try:
        yield from file
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> BadInput:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BadInput(f"The questions in {path} cannot be read ({why.rstrip('.')}); name another file.")


def answer_batch(
    answerer: Answerer, lines: Iterable[bytes], template: Question, *, is_day_given: bool = False
) -> Iterator[dict[str, object]]:
    """One row for every line that is not blank, in order.

    Args:
        answerer: Answers.
        lines: Objects with `id`, `question` and `asked_on`; nothing else of them is looked at.
        template: Gives the options, and the day where a line has none.
        is_day_given: The template's day goes before the lines'.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        question_id, text, asked_on = None, "", template.asked_on.isoformat()
        try:
            record = record_of(line, number)
            question_id = _id(record, number)
            text = _text(record, number)
            day = record.get("asked_on")
            if day is not None and not is_day_given:
                asked_on = str(day)
            question = replace(template, text=text, asked_on=_day(asked_on, number))
            yield as_json(answerer.answer(question), question_id)
        except NewsquoteError as error:
            yield failed_json(question_id, text, asked_on, str(error))
        except Exception:
            log.exception("question failed line=%d", number)
            yield failed_json(question_id, text, asked_on, f"line {number}: it failed; the log says why")


def record_of(line: bytes, number: int) -> dict[str, Any]:
    """The object on a line.

    Raises:
        BadInput: It is none.
    """
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"line {number} is not JSON") from error
    if not isinstance(record, dict):
        raise BadInput(f"line {number} is not a JSON object")
    return record


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")  # Python would read NaN and write it again


def _id(record: dict[str, object], number: int) -> object:
    """Given back as it came, so it must be something that JSON can say: `1e999` is read as an infinite number."""
    question_id = record.get("id")
    try:
        json.dumps(question_id, allow_nan=False)
    except ValueError as error:
        raise BadInput(f"line {number}: the id holds a number that is too large to be written again") from error
    return question_id


def _text(record: dict[str, object], number: int) -> str:
    text = record.get("question")
    if not isinstance(text, str):
        raise BadInput(f'line {number} has no "question"')
    return text


def _day(text: str, number: int) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise BadInput(f"line {number}: asked_on is {text!r}; write it as 2025-04-26") from None
