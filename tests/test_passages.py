"""Passages: every sentence once, nothing longer than the model reads, whatever the text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.sentences import sentence_spans
from index.types import Article, Embedder, Span
from ingest.passages import (
    SPARE_TOKENS,
    TITLE_TOKENS,
    article_passages,
    embedding_text,
    passage_budget,
    split_passages,
)
from tests.fakes import HashingEmbedder

count_tokens = HashingEmbedder().count_tokens

PIECES = [
    *(
        "The minister spoke on Monday. ",
        "Nobody came. ",
        "“Why?” she asked. ",
        "\n",
        "\n\n",
        " ",
        ". ",
        "a b c d e f g ",
    ),
    *(
        "word " * 90,
        "x" * 400,
        "e\u0301" * 30,
        "\U0001f469\u200d\U0001f680",
        "שלום עולם. ",
        "これは文です。",
        "ﷺ",
        "\u0915\u093f ",
    ),
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=40).map("".join)


def check_passages(text: str, passages: list[tuple[Span, int]], count: int) -> None:
    """What holds for every text; `count` is the longest passage allowed."""
    spans = [span for span, _ in passages]
    assert spans == sorted(spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    covered = "".join(span.of(text) for span in spans)
    assert "".join(covered.split()) == "".join(text.split())
    assert all(0 < n_tokens <= count for _, n_tokens in passages)
    assert all(span.of(text) == span.of(text).strip() != "" for span in spans)


@given(texts, st.integers(16, 80))
def test_passages_cover_every_character_once_within_the_budget(text: str, budget: int) -> None:
    passages = split_passages(text, count_tokens, budget)
    check_passages(text, passages, budget)
    assert all(n <= budget for n in count_tokens([span.of(text) for span, _ in passages]))


@given(texts)
def test_a_sentence_that_fits_is_never_split(text: str) -> None:
    passages = [span for span, _ in split_passages(text, count_tokens, 40)]
    for sentence in sentence_spans(text):
        if count_tokens([sentence.of(text)])[0] <= 40:
            assert sum(p.start <= sentence.start and sentence.end <= p.end for p in passages) == 1


def test_sentences_are_packed_as_long_as_they_fit() -> None:
    text = "One two three. Four five six.\nSeven eight nine. Ten."
    passages = split_passages(text, count_tokens, 8)
    assert [span.of(text) for span, _ in passages] == ["One two three. Four five six.", "Seven eight nine. Ten."]
    assert [n for _, n in passages] == [8, 6]


def test_a_long_sentence_is_split_between_words_and_a_long_word_between_characters() -> None:
    text = "one two three four five six"
    assert [span.of(text) for span, _ in split_passages(text, count_tokens, 4)] == ["one two three four", "five six"]
    passages = split_passages("y" * 1000, count_tokens, 16)
    assert [len(span) for span, _ in passages] == [16] * 62 + [8]


def test_a_word_of_many_tokens_a_character_is_split_finer() -> None:
    def four_a_character(texts: Sequence[str]) -> list[int]:
        return [4 * len(text) for text in texts]

    passages = split_passages("y" * 100, four_a_character, 16)
    assert [len(span) for span, _ in passages] == [4] * 25


def test_white_space_makes_no_passages() -> None:
    assert split_passages("", count_tokens, 16) == split_passages(" \n \t", count_tokens, 16) == []


# With the real model's tokenizer ---------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(texts, st.text(max_size=300) | st.text(st.sampled_from("qxzj "), max_size=300), st.sampled_from([16, 160, 500]))
def test_the_real_model_reads_all_of_every_passage_with_its_title(
    embedder: Embedder, text: str, title: str, tokens: int
) -> None:
    article = Article("a", 1, None, title, "2025-04-26", None, "Post", (), text)
    budget = passage_budget(tokens, embedder.max_tokens)
    passages = article_passages(article, embedder.count_tokens, budget, embedder.max_tokens)
    check_passages(text, passages, budget)
    counts = embedder.count_tokens(
        [embedding_text(article.title, article.published, span.of(article.text)) for span, _ in passages]
    )
    assert all(n + 2 <= embedder.max_tokens for n in counts)


def test_a_title_of_many_tokens_leaves_shorter_passages(embedder: Embedder) -> None:
    article = Article("a", 1, None, "qzx jvk " * 40, None, None, "Post", (), "The minister left. " * 200)
    budget = passage_budget(500, embedder.max_tokens)
    passages = article_passages(article, embedder.count_tokens, budget, embedder.max_tokens)
    counts = embedder.count_tokens(
        [embedding_text(article.title, article.published, span.of(article.text)) for span, _ in passages]
    )
    assert embedder.max_tokens - 12 <= max(counts) <= embedder.max_tokens - 2
    assert max(n for _, n in passages) < budget


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000, "a " * 150_000, "\u0915\u093f" * 100_000, "北京" * 100_000, "😀" * 100_000]
)
def test_the_real_model_reads_all_of_a_megabyte_without_a_full_stop(embedder: Embedder, text: str) -> None:
    budget = passage_budget(160, embedder.max_tokens)
    passages = split_passages(text, embedder.count_tokens, budget)
    check_passages(text, passages, budget)
    assert max(embedder.count_tokens([span.of(text) for span, _ in passages])) <= budget


def test_a_passage_budget_leaves_room_for_the_title() -> None:
    assert passage_budget(160, 256) == 160
    assert passage_budget(500, 256) == 256 - TITLE_TOKENS - SPARE_TOKENS
    assert passage_budget(1, 256) == 16


def test_the_model_sees_title_and_day_before_the_passage() -> None:
    assert (
        embedding_text("Talks  near\nan end", "2025-04-18T09:30:00Z", "A deal.")
        == "Talks near an end (2025-04-18)\nA deal."
    )
    assert embedding_text("", "2025-04-18", "A deal.") == "(2025-04-18)\nA deal."
    assert embedding_text("Talks", None, "A deal.") == "Talks\nA deal."
    assert embedding_text("", None, "A deal.") == "A deal."


def test_a_monstrous_title_is_cut_before_the_model_sees_it() -> None:
    assert embedding_text("word " * 1000, None, "A deal.") == "word " * 23 + "word\nA deal."
    assert len(embedding_text("x" * 1_000_000, None, "A deal.")) < 300
