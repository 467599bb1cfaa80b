"""Confidence: finite, between 0 and 1, higher with better evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.confidence import MAX_MARGIN, THRESHOLD, Evidence, confidence
from index.types import Hit, Span

sign = st.floats(0, 1)


def hit(cosine: float) -> Hit:
    return Hit(0, 1, Span(0, 1), 1.0, cosine, 1.0, 0.0)


@given(st.tuples(*[sign] * 5), st.floats(0.001, 0.5))
def test_more_of_any_sign_never_makes_an_answer_less_sure(all_five: tuple[float, ...], more: float) -> None:
    low = confidence(Evidence(*all_five))
    assert 0 < low < 1
    for at in range(5):
        signs = list(all_five)
        signs[at] += more
        assert confidence(Evidence(*signs)) > low


def test_nothing_found_is_below_the_threshold() -> None:
    assert confidence(Evidence()) < THRESHOLD


def test_evidence_is_read_off_the_workings() -> None:
    found = Evidence.of(
        [hit(0.4), hit(0.6), *[hit(0.1)] * 8, hit(0.9)], 2.5, [1.3, 1.0, 0.2], [0.2, 0.5, 0, 0, 0, 1], is_whole=True
    )
    assert (found.passage_cosine, found.sentence, found.coverage, found.is_whole) == (0.6, 2.5, 0.5, 1)
    assert found.margin == pytest.approx(0.3)


def test_nothing_contests_the_only_story() -> None:
    assert Evidence.of([hit(0.5)], 1.0, [1.0], [0.5], is_whole=False).margin == MAX_MARGIN
