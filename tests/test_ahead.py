"""What is begun ahead: in order, as far ahead as asked and no further."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from index.ahead import ahead


@pytest.mark.parametrize("n", [0, 1, 3, 9])
def test_so_many_are_begun_before_one_is_handed_out(n: int) -> None:
    begun: list[int] = []

    def beginning() -> Iterator[int]:
        for number in range(5):
            begun.append(number)
            yield number

    seen = [(number, len(begun)) for number in ahead(beginning(), n)]
    assert seen == [(number, min(5, number + 1 + n)) for number in range(5)]
