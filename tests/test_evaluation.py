"""Figures on labelled questions, two configurations side by side, and what a threshold lets through."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.answer import Answerer
from bot.calibrate import THRESHOLDS, Trial, levels, trials, upper_bound
from bot.evaluation import comparison, read_labelled, shares
from bot.question import Question
from bot.scoring import by_question, paired_difference
from index.errors import BadInput
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Embedder
from tests import bench_bot, bench_peers, bench_scale, bench_year, score_pages
from tests.cli import run


def answered(
    text: str, confidence: float = 0.5, status: str = "answered", sources: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {"status": status, "confidence": confidence, "quotes": [{"text": text, "answer": None}], "sources": sources}


QUESTIONS = [
    {"question": "ferry", "asked_on": "2025-04-01", "answers": ["April 26"], "evidence_urls": ["u1"]},
    {"question": "b", "asked_on": "2025-04-01", "answers": ["Estmere"]},
    {"question": "c", "asked_on": "2025-04-01", "answers": []},
]
RIGHT = [answered("by April 26", sources=("u1",)), answered("in Estmere"), answered("x", 0.1, "not_found")]
WRONG = [answered("by May", sources=("u2", "u1")), answered("in Estmere"), answered("x")]


def test_figures_tell_answerable_and_unanswerable_questions_apart() -> None:
    found = shares(QUESTIONS, RIGHT)
    assert found["answer in first quote"] == 100.0
    assert found["unanswerable refused"] == 100.0
    assert shares(QUESTIONS, WRONG)["answer in first quote"] == 50.0


def test_what_one_answer_adds() -> None:
    assert by_question(QUESTIONS[0], WRONG[0])["source MRR@10"] == 0.5
    assert "source at 1" not in by_question(QUESTIONS[1], RIGHT[1])


def test_two_configurations_stand_side_by_side_with_their_interval() -> None:
    shown = comparison(QUESTIONS * 20, WRONG * 20, RIGHT * 20)
    line = next(line for line in shown.splitlines() if "first quote" in line)
    assert "50.000" in line
    assert "100.000" in line
    assert "+50.000" in line
    assert line.rstrip().endswith("*")
    same = comparison(QUESTIONS * 20, RIGHT * 20, RIGHT * 20)
    assert "*" not in same
    assert "+100.000" in shown.splitlines()[-1]


def test_nothing_to_compare_is_an_error_and_an_equal_pair_differs_by_nothing() -> None:
    with pytest.raises(ValueError, match="no question"):
        paired_difference([], [])
    assert paired_difference([1.0, 0.0], [1.0, 0.0]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ('{"question": "a", "asked_on": "2025-04-01"}', "answers"),
        ('{"question": "a", "asked_on": "2025-04-01", "answers": "x"}', "answers"),
        ('{"question": "a", "asked_on": "2025-04-01", "answers": [""]}', "answers"),
        ('{"question": "a", "asked_on": "2025-04-01", "answers": ["x", " ?"]}', "answers"),
        ('{"question": "a", "asked_on": "2025-04-01", "answers": [], "evidence_urls": "x"}', "evidence_urls"),
        ('{"question": "a", "asked_on": "2025-04-01", "answers": [], "evidence_urls": [1, null]}', "evidence_urls"),
        ('{"asked_on": "2025-04-01", "answers": []}', "question"),
        ("", "holds no questions"),
    ],
)
def test_a_file_that_is_not_of_labelled_questions_is_one_sentence(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=why):
        read_labelled(str(path))


def test_the_bound_on_wrong_answers_is_clopper_and_pearsons() -> None:
    assert upper_bound(0, 59) == pytest.approx(0.0495, abs=1e-3)  # the "rule of three": 3 / 59
    assert upper_bound(5, 100) == pytest.approx(0.1023, abs=1e-3)
    assert upper_bound(0, 0) == upper_bound(7, 7) == 1.0


def test_a_higher_threshold_answers_less_and_refuses_more() -> None:
    found = levels(
        [Trial(0.9, True, True), Trial(0.3, True, True), Trial(0.2, False, True), Trial(0.5, False, False)] * 10
    )
    assert [level.answered for level in found] == sorted((level.answered for level in found), reverse=True)
    assert [level.refused for level in found] == sorted(level.refused for level in found)
    strict = next(level for level in found if level.threshold == 0.6)
    assert (strict.answered, strict.right, strict.refused) == pytest.approx((1 / 3, 1 / 3, 1.0))
    assert strict.wrong_at_most < 0.3
    assert levels([Trial(0.5, False, False)]) == []
    ours = [level.threshold for level in levels([Trial(0.5, True, True)], 0.13)]
    assert ours == sorted({*THRESHOLDS, 0.13})


@pytest.fixture(scope="module")
def stored(sample_data: Path, embedder: Embedder) -> Iterator[tuple[Store, Answerer]]:
    with Store(sample_data) as store:
        yield store, Answerer(store, open_snapshot(sample_data), embedder)


def test_a_question_is_asked_again_without_the_articles_that_answer_it(stored: tuple[Store, Answerer]) -> None:
    store, answerer = stored

    def number_of(identity: str) -> int | None:
        known = store.known(identity)
        return known.number if known else None

    asked = Question("What deadline did Bessent mention?", date(2025, 4, 20))
    with_it, without = trials(answerer, [(asked, ["April 26"])], number_of)
    assert with_it.is_right
    assert with_it.is_answerable
    assert not without.is_right
    assert not without.is_answerable
    assert without.confidence < with_it.confidence


def test_eval_and_calibrate_print_their_tables(sample_data: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    rows = [
        {"question": "What deadline did Bessent mention?", "asked_on": "2025-04-20", "answers": ["April 26"]},
        {"question": "Which goalkeeper moved from Lisbon to Osaka?", "asked_on": "2025-04-20", "answers": []},
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    compared = run("--data", str(sample_data), "eval", str(questions), "--against-reranker", "none")
    assert compared.code == 0, compared.err
    assert "95 % interval" in compared.out
    told = run("--data", str(sample_data), "calibrate", str(questions))
    assert told.code == 0, told.err
    assert "wrong at most" in told.out
    assert " <" in told.out


@pytest.mark.parametrize("option", ["--against-data", "--against-reranker"])
def test_a_second_configuration_that_is_not_there_is_told_before_any_question_is_asked(
    option: str, sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps(QUESTIONS[0]) + "\n", encoding="utf-8")
    asked: list[Question] = []
    monkeypatch.setattr(Answerer, "answer", lambda answerer, question: asked.append(question))
    ran = run("--data", str(sample_data), "eval", str(questions), option, str(tmp_path / "absent"))
    assert (ran.code, ran.out) == (1, "")
    assert str(tmp_path / "absent") in ran.err
    assert asked == []


def test_a_day_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(QUESTIONS[2] | {"asked_on": "2025-99-99"}) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 1: asked_on is '2025-99-99'; write it as 2025-04-26"):
        read_labelled(str(path))


def test_a_question_that_cannot_be_asked_is_not_measured_as_refused(sample_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps(QUESTIONS[2] | {"question": "?!"}) + "\n", encoding="utf-8")
    ran = run("--data", str(sample_data), "eval", str(path))
    assert (ran.code, ran.out) == (1, "")
    assert "The question '?!' could not be asked: the question has no words to search for" in ran.err


@pytest.mark.parametrize(
    ("tool", "words", "said"),
    [
        (bench_scale, ["--passages", "x"], "invalid sizes value: 'x'"),
        (bench_scale, ["--passages", "100,0"], "invalid sizes value: '100,0'"),
        (bench_scale, ["--asked", "0"], "one question at least"),
        (bench_peers, ["--from", "absent"], "there is no absent/corpus.db"),
        (bench_year, ["--days", "0"], "one day at least"),
        (bench_bot, ["absent"], "there is no absent/corpus.db"),
        (score_pages, ["--data", "absent"], "there is no absent/pages/gold.jsonl"),
    ],
)
def test_what_measures_says_what_is_wrong_with_its_arguments(
    tool: Any, words: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tool", *words])
    with pytest.raises(SystemExit) as end:
        tool.main()
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_without_questions_calibrate_asks_the_sample(
    sample_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sample_data, tmp_path / "eval-sample", symlinks=True)
    monkeypatch.setattr("newsquote._labelled", lambda path: QUESTIONS[:1] if not path else [])
    ran = run("--data", str(tmp_path), "calibrate")  # a folder without a corpus of its own
    assert "No question is answered at any threshold" in ran.err or ran.code == 0, ran.err
