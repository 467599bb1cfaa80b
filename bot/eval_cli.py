"""What `eval` and `calibrate` do and print, whatever the questions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from bot.cli import open_answerer, open_texts, threshold_of
from index.cli import check_data_folder, print_json
from index.errors import BadInput

if TYPE_CHECKING:
    from index.settings import Settings


def measure(settings: Settings, rows: list[dict[str, Any]], *, never_refuse: bool, as_json: bool) -> None:
    """Print the figures of the answers to `rows`."""
    from bot.evaluation import shares

    _show_figures(shares(rows, _answers(settings, rows, never_refuse)), as_json)


def measure_texts(settings: Settings, rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print the figures of the language model's texts."""
    _show_figures(_text_figures(settings, rows), as_json)


def compare(
    settings: Settings, other: Settings, rows: list[dict[str, Any]], *, never_refuse: bool, as_json: bool
) -> None:
    """Print the figures of both settings side by side."""
    from bot.evaluation import comparison, shares

    check_data_folder(other.data)
    with open_answerer(other):  # what is wrong with it is told before the first has answered for minutes
        pass
    first = _answers(settings, rows, never_refuse)
    second = _answers(other, rows, never_refuse)
    if as_json:
        print_json({"first": shares(rows, first), "second": shares(rows, second)})
    else:
        print(comparison(rows, first, second))


def show_levels(settings: Settings, rows: list[dict[str, Any]]) -> None:
    """Print how often answers to `rows` would be wrong, by threshold."""
    from bot.calibrate import levels, trials
    from bot.evaluation import day_of_question
    from bot.question import Question
    from bot.render import table
    from index.store import Store

    asked = [(Question(row["question"], day_of_question(row)), row["answers"]) for row in rows]
    now = threshold_of(settings)
    with open_answerer(settings) as answerer, Store(settings.data) as store:
        found = levels(trials(answerer, asked, store.number_of), now)
    if not found:
        raise BadInput("None of the questions has an answer; give `answers` with some of them.")
    lines = [("threshold", "answered", "rightly", "refused without their answer", "wrong at most (95 %)")]
    lines += [
        (
            f"{level.threshold:.2f}{' <' if level.threshold == now else ''}",
            f"{100 * level.answered:.1f} %",
            f"{100 * level.right:.1f} %",
            f"{100 * level.refused:.1f} %",
            f"{100 * level.wrong_at_most:.1f} %",
        )
        for level in found
        if level.answered > 0
    ]
    if len(lines) == 1:
        raise BadInput("No question is answered at any threshold; ask what the corpus holds articles about.")
    print(table(lines))


def _text_figures(settings: Settings, rows: list[dict[str, Any]]) -> dict[str, object]:
    from bot.llm_eval import measured

    with open_texts(settings) as texts, open_answerer(settings) as answerer:
        return measured(rows, answerer.answer, texts.write).as_json()


def _show_figures(figures: Mapping[str, object], as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    from bot.render import table

    print(table([(name.replace("_", " "), _figure(value)) for name, value in figures.items()]))


def _figure(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {n}" for name, n in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "–" if value is None else str(value)


def _answers(settings: Settings, rows: list[dict[str, Any]], never_refuse: bool) -> list[dict[str, Any]]:
    from bot.batch import answer_batch
    from bot.question import Question

    template = Question("", date.today(), always=never_refuse)
    found = []
    with open_answerer(settings) as answerer:
        for row in answer_batch(answerer, (json.dumps(row).encode() for row in rows), template):
            if "error" in row:  # it would count as refused
                raise BadInput(f"The question {row['question']!r} could not be asked: {row['error']}")
            found.append(dict(row))
    return found
