"""Confidence: finite, between 0 and 1, higher with better evidence."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.choose import FEATURES, READING
from bot.confidence import MAX_MARGIN, THRESHOLD, Evidence, confidence
from index.types import Hit, Span

sign = st.floats(0, 1)


def hit(cosine: float) -> Hit:
    return Hit(0, 1, Span(0, 1), 1.0, cosine, 1.0, 0.0)


@given(sign, sign, sign, sign, sign, st.floats(0.001, 0.5))
def test_more_of_any_sign_never_makes_an_answer_less_sure(
    a: float, b: float, c: float, d: float, e: float, more: float
) -> None:
    low = confidence(Evidence(a, b, c, d, e))
    assert 0 < low < 1
    for at in range(5):
        signs = [a, b, c, d, e]
        signs[at] += more
        assert confidence(Evidence(*signs)) > low


def test_nothing_found_is_below_the_threshold() -> None:
    assert Evidence.of([], np.zeros((0, len(FEATURES))), np.zeros(0), []) == Evidence()
    assert confidence(Evidence()) < THRESHOLD


def test_evidence_is_read_off_the_workings() -> None:
    signs = np.zeros((6, len(FEATURES)))
    signs[:, READING] = [0.1, 0.9, 0.3, 0.3, 0.3, 0.3]
    signs[:, FEATURES.index("near_coverage")] = [0.5, 0.2, 0.0, 0.0, 0.0, 0.0]
    scores = np.array([0.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    found = Evidence.of([hit(0.4), hit(0.6)], signs, scores, [1.3, 1.0, 0.2])
    assert found.passage_cosine == 0.6
    assert found.reading == 0.9
    assert found.coverage == 0.5
    assert np.isclose(found.agreement, (0.9 + 0.3 * 2) / 3)
    assert np.isclose(found.margin, 0.3)


def test_nothing_contests_the_only_story() -> None:
    signs = np.full((1, len(FEATURES)), 0.5)
    assert Evidence.of([hit(0.5)], signs, np.array([1.0]), [1.0]).margin == MAX_MARGIN
