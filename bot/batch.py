"""Many questions at once: JSON lines in, one answer a line out, in order, whatever happens to one of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from bot.answer import Answerer, Question
from bot.render import as_json, failed_json
from index.errors import BadInput, NewsquoteError

log = logging.getLogger(__name__)


def answer_batch(
    answerer: Answerer, lines: Iterable[bytes], template: Question, *, is_day_given: bool = False
) -> Iterator[dict[str, object]]:
    """One row for every line that is not blank.

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
            question_id, text, day = _read(line, number)
            if day and not is_day_given:
                asked_on = day
            question = replace(template, text=text, asked_on=_day(asked_on, number))
            yield as_json(answerer.answer(question), question_id)
        except NewsquoteError as error:
            yield failed_json(question_id, text, asked_on, str(error))
        except Exception:
            log.exception("question failed line=%d", number)
            yield failed_json(question_id, text, asked_on, f"line {number}: it failed; the log says why")


def _read(line: bytes, number: int) -> tuple[str | None, str, str]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"line {number} is not JSON") from error
    if not isinstance(record, dict) or not isinstance(record.get("question"), str):
        raise BadInput(f'line {number} has no "question"')
    question_id = record.get("id")
    day = record.get("asked_on")
    return None if question_id is None else str(question_id), record["question"], day if isinstance(day, str) else ""


def _day(text: str, number: int) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise BadInput(f"line {number}: asked_on is {text!r}; write it as 2025-04-26") from None
