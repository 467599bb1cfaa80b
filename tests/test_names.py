"""Names in questions."""

from __future__ import annotations

import pytest

from bot.names import has_name, names_of
from index.types import Article

TEXT = "On Monday Ines Halloran left the council. The WHO met in New Zealand. Tides rose. Tides fell. Deadline: noon."
ARTICLE = Article("a", 1, None, "Dunne speaks", "2025-04-26", None, "Post", (), TEXT)


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("When did Halloran leave?", ["Halloran"]),
        ("Why did Halloran resign over Halloran's plan, Lind asked?", ["Halloran"]),
        ("Halloran resigned. What did she say?", []),
        ("When did Lind leave New Zealand, on a Monday in May?", []),
        ("What did the WHO say?", ["WHO"]),
        ("when did halloran leave new zealand?", ["halloran"]),
        ("what did the who say on monday?", []),
        ("what deadline did the tides have?", []),
    ],
)
def test_names_have_a_capital_inside_a_sentence_of_the_question_or_else_of_the_article_alone(
    question: str, names: list[str]
) -> None:
    assert names_of(question, ARTICLE) == names


def test_a_name_is_looked_for_in_title_and_text_in_any_letters() -> None:
    assert has_name(ARTICLE, "dunne")
    assert has_name(ARTICLE, "Halloran")
    assert not has_name(ARTICLE, "Lind")
