"""Which articles come first: what each sign is worth against the others, and what dates that agree add."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rank import TOGETHER_SHARE, Signs, article_scores, together

PLAIN = Signs(best=0.8, second=0.4, reading=0.5, coverage=0.5, is_named=True, day=None)


@pytest.mark.parametrize(
    "better",
    [{"best": 0.9}, {"second": 0.7}, {"reading": 0.9}, {"coverage": 1.0}],
)
def test_more_of_any_sign_comes_first(better: dict[str, float]) -> None:
    first, second = article_scores([replace(PLAIN, **better), PLAIN])  # type: ignore[arg-type]
    assert first > second


def test_an_article_without_the_names_loses_only_where_another_has_one() -> None:
    nameless = replace(PLAIN, is_named=False)
    named, other = article_scores([PLAIN, replace(nameless, best=0.9)])
    assert named > other
    alone = article_scores([nameless, nameless])
    assert alone.tolist() == article_scores([PLAIN, PLAIN]).tolist()


def test_of_two_alike_the_one_whose_days_others_share_comes_first() -> None:
    lonely, shared, other = (replace(PLAIN, day=day) for day in (100.0, 300.0, 303.0))
    scores = article_scores([lonely, shared, other])
    assert scores[0] < scores[2] == pytest.approx(scores[1])


def test_what_is_far_behind_has_hardly_a_say() -> None:
    near = together([10.0, 10.0, 200.0], np.array([1.0, 0.9, 0.9]))
    far = together([10.0, 10.0, 200.0], np.array([1.0, -2.0, 0.9]))
    assert near[0] == pytest.approx(0.5, abs=1e-5)
    assert far[0] < 1e-5


def test_what_has_no_date_gains_nothing_and_has_no_say() -> None:
    assert together([None, 5.0, 5.0], np.ones(3)).tolist() == pytest.approx([0.0, 1.0, 1.0])
    assert together([None, None], np.ones(2)).tolist() == [0.0, 0.0]
    assert together([5.0], np.ones(1)).tolist() == [0.0]
    assert together([], np.ones(0)).tolist() == []


@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.floats(-1e5, 1e5)), st.floats(-5, 5)),
        max_size=20,
    )
)
def test_dates_add_between_nothing_and_their_share(articles: list[tuple[float | None, float]]) -> None:
    signs = [replace(PLAIN, best=score, day=day) for day, score in articles]
    undated = article_scores([replace(each, day=None) for each in signs])
    gained = article_scores(signs) - undated
    assert np.all((gained >= -1e-12) & (gained <= TOGETHER_SHARE + 1e-12))
