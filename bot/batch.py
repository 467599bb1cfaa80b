"""Many questions at once: JSON lines in, one answer a line out, in order, whatever happens to one of them."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import logging
import math
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot.answer import Answerer
from bot.question import Question
from bot.render import as_json, failed_json
from index.errors import BadInput, NewsquoteError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def open_lines(path: str) -> Iterator[Iterator[bytes]]:
    """The lines of a file, or of standard input for `-`; unpacked where it is gzip.

    Raises:
        BadInput: It cannot be opened, or not be read to its end; the lines before were given.
    """
    name = "standard input" if path == "-" else path
    with contextlib.ExitStack() as stack:
        try:
            file = sys.stdin.buffer if path == "-" else stack.enter_context(Path(path).open("rb"))
            assert isinstance(file, io.BufferedReader)
            is_gzip = file.peek(2)[:2] == b"\x1f\x8b"
        except (OSError, ValueError) as error:
            raise _unreadable(name, error) from error
        yield _lines(gzip.GzipFile(fileobj=file) if is_gzip else file, name)


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
        lines: Objects with `id`, `question` and `asked_on` (a day, or an instant, whose day in UTC it is); nothing else
            of them is looked at.
        template: Gives the options, and the day where a line has none.
        is_day_given: The template's day goes before the lines'.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        question_id, text, asked_on = None, "", template.asked_on
        try:
            record = record_of(line, number)
            question_id = _id(record, number)
            text = _text(record, number)
            if not is_day_given:
                asked_on = _day(record, number) or asked_on
            question = replace(template, text=text, asked_on=asked_on)
            yield as_json(answerer.answer(question), question_id)
        except NewsquoteError as error:
            yield failed_json(question_id, text, asked_on.isoformat(), str(error))
        except Exception:
            log.exception("question failed line=%d", number)
            yield failed_json(question_id, text, asked_on.isoformat(), f"line {number}: it failed; the log says why")


def record_of(line: bytes, number: int) -> dict[str, Any]:
    """The object on a line.

    Raises:
        BadInput: It is none.
    """
    try:
        record = json.loads(line, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"line {number} is not JSON") from error
    if not isinstance(record, dict):
        raise BadInput(f"line {number} is not a JSON object")
    return record


def _whole(digits: str) -> float:
    """A whole number, infinite where Python reads none that long: it may stand where nobody looks."""
    try:
        return int(digits)
    except ValueError:
        return math.inf


def _id(record: dict[str, object], number: int) -> object:
    """Given back as it came, so it must be something that JSON can say: `1e999` is read as an infinite number.

    And `NaN`, which is no JSON either, as itself.
    """
    question_id = record.get("id")
    try:
        json.dumps(question_id, allow_nan=False)
    except ValueError as error:
        raise BadInput(f"line {number}: the id holds a number that cannot be written again") from error
    return question_id


def _text(record: dict[str, object], number: int) -> str:
    text = record.get("question")
    if not isinstance(text, str):
        raise BadInput(f'line {number} has no "question"')
    return text


def _day(record: dict[str, object], number: int) -> date | None:
    """The day that a line gives, or None where it gives none or an empty one."""
    given = record.get("asked_on")
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    try:
        if isinstance(given, str):
            return asked_day(given)
    except ValueError:
        pass
    raise BadInput(f"line {number}: asked_on is {given!r}; write it as 2025-04-26")


def asked_day(text: str) -> date:
    """The day that ISO 8601 says; of an instant with a zone its day in UTC.

    Raises:
        ValueError: It is neither a day nor an instant.
    """
    moment = datetime.fromisoformat(text.strip())
    try:
        return (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
    except OverflowError as error:  # the first and the last day that there are
        raise ValueError(str(error)) from error
