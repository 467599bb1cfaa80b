"""Names in questions."""

from __future__ import annotations

import pytest

from bot.names import has_name, names_in
from index.types import Article


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("what deadline did Bessent mention?", ("Bessent",)),
        ("What did Ines Halloran say of Halloran's plan?", ("Ines", "Halloran")),
        ("Halloran resigned. What did she say?", ()),
        ("what deadline did bessent mention?", ()),
        ("Why did the UK and the British delegates leave New Zealand in May, on a Monday?", ()),
        ("What does the WHO say of Covid-19?", ("WHO", "Covid-19")),
        ("Who called the film “Tides” dull?", ()),
    ],
)
def test_names_are_words_with_a_capital_inside_a_sentence(question: str, names: tuple[str, ...]) -> None:
    assert names_in(question) == names


def test_a_name_is_looked_for_in_title_and_text_as_it_is_written() -> None:
    article = Article("a", 1, None, "Halloran resigns", "2025-04-26", None, "Post", (), "The mayor of Ostermoor left.")
    assert has_name(article, "Halloran")
    assert has_name(article, "Ostermoor")
    assert not has_name(article, "Mayor")
