"""The verbatim law: whatever text comes in, every quote that goes out stands in the stored article as it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answer import Answer, Answerer
from bot.question import Question
from bot.verify import check_quote, verified
from bot.windows import MAX_CHARS
from index.errors import UnverifiableQuote
from index.snapshot import Snapshot, open_snapshot
from index.store import Store
from index.types import Article, Quote, Span
from ingest.draft import Draft
from ingest.passages import passage_budget
from ingest.records import from_json
from tests.fakes import HashingEmbedder, ingest_drafts

TODAY = date(2025, 4, 30)
PASSAGE_TOKENS = 40
BUDGET = passage_budget(PASSAGE_TOKENS, HashingEmbedder.max_tokens)

PIECES = [
    *("The minister said on April 26 that 4,500 jobs would go. ", "“Why now?” Ms. Ortega asked. ", "Nobody answered. "),
    *("It costs $4.2 billion… ", "and ", "Mr. Halloran of Kyiv left the U.S. on Jan. 6. ", "42 ", "No! "),
    # Lines that cleaning removes: a quote may never cross one.
    *("\nAlso Read: Ten things to know today\n", "\n\nAdvertisement\n\n", "\nRead Next: What comes after\n"),
    *("\r\n", "\r", "\n", "\n\n\n", "\u2028", "\x0b", "\x85", "\t", " ", "\u00a0", "\u3000"),
    *("e\u0301", "\u0301", "A\u030a", "\u212b", "\u1100\u1161\u11a8", "\ufb01", "\u0915\u094d\u200d\u0937 ", "ﷺ "),
    *("\U0001f469\u200d\U0001f680 ", "\U0001f1fa\U0001f1e6", "\U0001f44d\U0001f3fd", "\ufe0f", "\u200d"),
    *("אמר השר ב־26 באפריל. ", "\u202e\u202dabc\u202c ", "قال الوزير ذلك. ", "部長は４月26日と言った。", "\u200f"),
    *("\u00ad", "mini\u00adster ", "\u200b", "\ufeff", "\x00", "\x1b[31m", "\x7f", "\ud83d", "\ude00", "\ud800 "),
    *("x" * 500, "word " * 70, "wörd-" * 60, "<b>bold</b> ", "&amp; ", "\\u0041 ", "[…] ", "... ", '"""'),
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=10), min_size=1, max_size=50).map("".join)


def drafts_of(texts: Sequence[str]) -> list[Draft]:
    """The texts as a source of JSON lines gives them: lone surrogates come in as escapes."""
    drafts = []
    for at, text in enumerate(texts):
        # Not the text's own beginning: cleaning would drop a first line that repeats the title.
        title = text[::-1][:40]
        record = {"url": f"https://post.example/{at}", "title": title, "published": "2025-04-18", "text": text}
        draft = from_json(json.dumps(record).encode(), f"news.jsonl:{at + 1}")
        if isinstance(draft, Draft):
            drafts.append(draft)
    return drafts


def answered(folder: Path, texts: Sequence[str], questions: Sequence[str]) -> list[Answer]:
    """Ingest the texts, check the passages, ask, check every quote against the store."""
    embedder = HashingEmbedder()
    ingest_drafts(folder, drafts_of(texts), embedder, passage_tokens=PASSAGE_TOKENS)
    answers = []
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        check_passages(store, snapshot, embedder)
        answerer = Answerer(store, snapshot, embedder)
        for question in questions:
            answer = answerer.answer(Question(question, TODAY, always=True))
            check_quotes(answer, store)
            answers.append(answer)
    return answers


def check_passages(store: Store, snapshot: Snapshot, embedder: HashingEmbedder) -> None:
    for row, version in enumerate(snapshot.versions["version"].tolist()):
        article = store.article(version)
        assert article is not None
        places = snapshot.passages[snapshot.passages["version_row"] == row]
        spans = [Span(int(place["start"]), int(place["end"])) for place in places]
        assert all(one.end <= other.start for one, other in pairwise(spans))
        assert "".join("".join(s.of(article.text) for s in spans).split()) == "".join(article.text.split())
        assert all(n <= BUDGET for n in embedder.count_tokens([span.of(article.text) for span in spans]))


def check_quotes(answer: Answer, store: Store) -> None:
    assert len(answer.quotes) <= 3
    assert sum(len(quote.text.split()) for quote in answer.quotes) <= 120
    for quote in answer.quotes:
        stored = store.article(quote.article.version)
        assert stored is not None
        assert quote.text == stored.text[quote.span.start : quote.span.end] != ""
        assert quote.text == quote.text.strip()
        assert len(quote.text.split()) <= 60
        assert len(quote.text) <= MAX_CHARS
        assert not any(quote.span.start < cut < quote.span.end for cut in stored.cuts)
        if quote.answer is not None:
            assert quote.span.start <= quote.answer.start < quote.answer.end <= quote.span.end
        assert quote.text.encode()  # nothing that a terminal or a network could not be given


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(hostile, min_size=1, max_size=6))
def test_every_quote_of_a_hostile_corpus_stands_in_the_store(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    questions = ["When did the minister say it?", "How many jobs?", "Who asked?", "מי אמר?", "大臣は何と言った"]
    answered(tmp_path_factory.mktemp("hostile"), texts, questions)


def test_quotes_never_cross_a_line_that_cleaning_removed(tmp_path: Path) -> None:
    sentences = [f"The minister named deadline number {n}." for n in range(12)]
    text = "\nAlso Read: Ten things to know today\n".join(sentences)
    (answer,) = answered(tmp_path, [text], ["Which deadline did the minister name?"])
    assert len(answer.quotes) == 3
    assert all(quote.text in sentences for quote in answer.quotes)
    assert len(answer.quotes[0].article.cuts) == 11


WORD_SALAD = " ".join(f"word{n % 7919}" for n in range(120_000))
MEGABYTES = {
    "one letter": "a" * 1_000_000,
    "a paragraph without a full stop": f"{WORD_SALAD[:500_000]} the minister named April 26 {WORD_SALAD[500_000:]}",
    "full stops": "." * 1_000_000,
    "white space and a word": " \n" * 500_000 + "minister",
    "no spaces": "大臣は言った" * 150_000,
    "combining marks": "e" + "\u0301" * 300_000,
    "emoji": "\U0001f469\u200d\U0001f680" * 100_000,
    "short sentences": "The minister said no. " * 45_000,
}


@pytest.mark.parametrize("name", list(MEGABYTES))
def test_a_megabyte_is_quoted_in_no_more_than_sixty_words(tmp_path: Path, name: str) -> None:
    (answer,) = answered(tmp_path, [MEGABYTES[name]], ["When did the minister name a deadline?"])
    assert answer.quotes or not any(char.isalnum() for char in MEGABYTES[name])


def test_a_long_sentence_is_cut_round_its_answer(tmp_path: Path) -> None:
    before = " ".join(f"clause{n}" for n in range(100))
    text = f"The talks, {before}, have the deadline of April 26, {before}, it was said."
    (answer,) = answered(tmp_path, [text], ["What deadline do the talks have?"])
    quote = answer.quotes[0]
    assert quote.cut_right
    assert len(quote.text.split()) == 60
    assert quote.answer is None or "April 26" in quote.answer.of(quote.article.text)


# The last check before anything is shown ------------------------------------------------------------------

ARTICLE = Article(
    "a", 7, None, "Talks", "2025-04-18", None, "Post", (), "One two three.\nFour five six. " + "word " * 80, cuts=(15,)
)


def quote_of(span: Span, answer: Span | None = None) -> Quote:
    return Quote(ARTICLE, span, span.of(ARTICLE.text), 1.0, answer)


GOOD = quote_of(Span(4, 13), Span(8, 13))


def test_a_quote_that_stands_in_the_store_passes() -> None:
    check_quote(GOOD, ARTICLE)
    check_quote(quote_of(Span(0, 15)), ARTICLE)  # up to the cut
    check_quote(quote_of(Span(15, 19), Span(15, 19)), ARTICLE)  # from the cut on


@pytest.mark.parametrize(
    ("quote", "stored", "reason"),
    [
        (replace(GOOD, text="two thrEe"), ARTICLE, "other words"),
        (replace(GOOD, text="two three "), ARTICLE, "other words"),
        (replace(GOOD, span=Span(5, 14)), ARTICLE, "other words"),
        (replace(GOOD, span=Span(4, 14)), ARTICLE, "other words"),
        (GOOD, replace(ARTICLE, text=ARTICLE.text.replace("two", "tvo")), "other words"),
        (GOOD, replace(ARTICLE, text="One"), "other words"),
        (quote_of(Span(4, 4)), ARTICLE, "other words"),
        (Quote(ARTICLE, Span(4, 10**6), ARTICLE.text[4:], 1.0), ARTICLE, "other words"),
        (GOOD, None, "no longer in the store"),
        (quote_of(Span(0, 19)), ARTICLE, "a line was removed"),
        (quote_of(Span(14, 16)), ARTICLE, "a line was removed"),
        (quote_of(Span(30, 30 + 5 * 61)), ARTICLE, "longer than 60 words"),
        (quote_of(Span(4, 13), Span(0, 7)), ARTICLE, "the marked answer lies outside"),
        (quote_of(Span(4, 13), Span(8, 14)), ARTICLE, "the marked answer lies outside"),
        (quote_of(Span(4, 13), Span(8, 8)), ARTICLE, "the marked answer lies outside"),
    ],
)
def test_a_quote_that_differs_in_anything_is_refused(quote: Quote, stored: Article | None, reason: str) -> None:
    with pytest.raises(UnverifiableQuote, match=reason):
        check_quote(quote, stored)
    assert verified([quote, GOOD], lambda version: stored) == ([GOOD] if stored == ARTICLE else [])


@given(st.data())
def test_no_single_changed_character_passes(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD.text) - 1))
    char = data.draw(st.characters().filter(lambda char: char != GOOD.text[at]))
    altered = GOOD.text[:at] + char + GOOD.text[at + 1 :]
    with pytest.raises(UnverifiableQuote):
        check_quote(replace(GOOD, text=altered), ARTICLE)


def test_a_retracted_article_is_quoted_no_more_from_a_snapshot_opened_before(tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    ingest_drafts(tmp_path, drafts_of(["The minister named April 26.", "The minister named no other day."]), embedder)
    snapshot = open_snapshot(tmp_path)
    question = Question("Which day did the minister name?", TODAY, always=True)
    with Store(tmp_path) as store:
        answerer = Answerer(store, snapshot, embedder)
        before = answerer.answer(question)
        assert {quote.article.url for quote in before.quotes} == {"https://post.example/0", "https://post.example/1"}
        with Store(tmp_path, write=True) as writer:
            assert writer.retract(before.quotes[0].article.id, 1)
        after = answerer.answer(question)
    assert before.quotes[0].article.id not in {quote.article.id for quote in after.quotes}
    assert before.quotes[0].article.id not in {source.id for source in after.sources}
    assert after.quotes
