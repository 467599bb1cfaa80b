"""The language model's smaller parts: prompts, tokens, settings, rewritten questions, cards and lines of a text."""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import MAX_ALL, MAX_DESCRIPTION, answer_card
from bot.conversation import Before
from bot.llm_evidence import Source, evidence_of, fitted
from bot.llm_prompts import PLACEHOLDERS, Message, parsed, read_prompts
from bot.llm_rewrite import Rewriter, adds_nothing, keeps_facts
from bot.llm_settings import LlmSettings, read_llm_settings
from bot.llm_tokens import CACHE_VARIABLE, ByteCounter, Encoding, EncodingCounter, has_vocabulary, load_counter
from bot.markdown import size
from bot.render import as_lines, text_lines
from bot.words import languages, words_for
from bot.written import Sentence, Written, as_json
from index.errors import LanguageModelFailed, SettingsError
from tests.test_render import answer_with, article, quote

# Prompts --------------------------------------------------------------------------------------------------


def test_our_own_prompts_are_whole_and_end_where_the_model_begins() -> None:
    prompts = read_prompts()
    values = dict.fromkeys(("question", "asked_on", "evidence", "before", "found"), "<$evidence>")
    for prompt in (prompts.answer, prompts.follow_up, prompts.expansion):
        told, asked = prompt.filled(**values)
        assert (told.role, asked.role) == ("system", "user")
        assert "<$evidence>" in asked.content, "what is filled in is not read for placeholders again"
        assert asked.content.endswith(":")
        assert len(prompt.digest) == 12


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("told\n---\n$question $asked_on", "lacks $evidence"),
        ("told\n---\n$question $asked_on $evidence $secret", "does not know $secret"),
        ("told costs $5\n---\n$question $asked_on $evidence", "begins no placeholder"),
        ("$question $asked_on $evidence", "is not two texts"),
        ("a\n---\nb\n---\n$question $asked_on $evidence", "is not two texts"),
        ("\n---\n$question $asked_on $evidence", "is not two texts"),
    ],
)
def test_a_prompt_that_cannot_be_used_is_an_error_at_the_start(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_prompts(tmp_path)
    assert sentence in str(caught.value)
    assert str(tmp_path / "answer.txt") in str(caught.value)


def test_a_folder_of_prompts_may_hold_some_of_them(tmp_path: Path) -> None:
    (tmp_path / "expansion.txt").write_text("Say it anew.\n---\n$question ($asked_on)", encoding="utf-8")
    prompts, ours = read_prompts(tmp_path), read_prompts()
    assert prompts.expansion.told == "Say it anew."
    assert (prompts.answer, prompts.follow_up) == (ours.answer, ours.follow_up)
    assert prompts.expansion.digest != ours.expansion.digest
    with pytest.raises(SettingsError, match="NEWSQUOTE_LLM_PROMPTS"):
        read_prompts(tmp_path / "nowhere")
    (tmp_path / "answer.txt").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_prompts(tmp_path)


# Tokens ---------------------------------------------------------------------------------------------------


def made_encoding() -> tiktoken.Encoding:
    """A vocabulary of bytes and a few pairs, made by hand."""
    ranks = {bytes([n]): n for n in range(256)}
    for pair in ("th", "he", "in", "an", " a", " t"):
        ranks[pair.encode()] = len(ranks)
    return tiktoken.Encoding("made", pat_str=r"\s?\w+|\W", mergeable_ranks=ranks, special_tokens={"<|end|>": 999})


@given(st.text(max_size=80))
def test_bytes_are_never_fewer_than_tokens(text: str) -> None:
    n = len(made_encoding().encode_ordinary(text))
    assert n <= EncodingCounter(made_encoding()).count(text) <= ByteCounter().count(text)


def test_a_vocabulary_counts_with_room_for_others() -> None:
    counter = EncodingCounter(made_encoding())
    n = len(made_encoding().encode_ordinary("the hat than the in"))
    assert counter.count("the hat than the in") == -(-n * 5 // 4)
    assert counter.count("<|end|>") > 1, "no text is read as a special token"


def test_the_vocabulary_is_kept_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    found: list[str | None] = []

    def load() -> Encoding:
        found.append(os.environ.get(CACHE_VARIABLE))
        return made_encoding()

    assert load_counter(tmp_path, load).name.startswith("tiktoken")
    assert found == [str(tmp_path / "models" / "tiktoken")]
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "other"))
    load_counter(tmp_path, load)
    assert found[1] == str(tmp_path / "other")


def test_the_file_that_doctor_looks_for_is_the_one_that_tiktoken_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    assert not has_vocabulary(tmp_path)
    from tiktoken import load

    monkeypatch.setattr(load, "read_file", lambda address: b"eA== 0\n")
    monkeypatch.setattr(load, "check_hash", lambda *_: True)
    importlib.import_module("tiktoken_ext.openai_public").o200k_base()
    assert has_vocabulary(tmp_path)


@pytest.mark.parametrize("fault", ["raises", "hangs"])
def test_without_a_vocabulary_bytes_are_counted_and_it_is_said_once(
    fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    let_go = threading.Event()

    def load() -> Encoding:
        if fault == "hangs":
            let_go.wait(30)
        raise OSError("no network")

    with caplog.at_level(logging.WARNING):
        counter = load_counter(tmp_path, load, fetch_s=0.2)
    let_go.set()
    assert counter.count("é") == 2
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == ["tokens counted as bytes"]


# Evidence that fits ---------------------------------------------------------------------------------------


def test_the_best_evidence_comes_first_and_neighbours_last() -> None:
    text = "Before it rained. Quist fell. After it snowed."
    quotes = [quote(article(text, id=f"a{n}", version=n), "Quist fell.") for n in range(3)]
    sources = evidence_of(quotes, "salt")

    def within(n_chars: int) -> list[str]:
        def fits(some: Sequence[Source]) -> bool:
            return sum(len(one.text) for one in some) <= n_chars

        return [source.text for source in fitted(sources, fits)]

    assert within(5) == []
    assert within(11) == ["Quist fell."]
    assert within(33) == ["Quist fell."] * 3
    assert within(33 + 35) == [text, "Quist fell.", "Quist fell."]
    assert within(1000) == [text] * 3


# Settings -------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith("NEWSQUOTE_"):
            monkeypatch.delenv(name)
    return monkeypatch


def test_there_is_no_model_by_default(bare: pytest.MonkeyPatch) -> None:
    assert not read_llm_settings().is_on
    assert read_llm_settings().llm_rewrites == "rules"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"MODEL": "m"}, "set NEWSQUOTE_LLM_URL"),
        ({"URL": "http://x/v1"}, "There is no NEWSQUOTE_LLM_MODEL"),
        ({"URL": "x", "MODEL": "m"}, "NEWSQUOTE_LLM_URL cannot be used"),
        ({"URL": "http://a:b@x/v1", "MODEL": "m"}, "NEWSQUOTE_LLM_URL cannot be used"),
        ({"URL": "http://x:99999/v1", "MODEL": "m"}, "NEWSQUOTE_LLM_URL cannot be used"),
        ({"URL": "http://x/v1", "MODEL": "m", "TIMEOUT_S": "0"}, "NEWSQUOTE_LLM_TIMEOUT_S cannot be used"),
        ({"URL": "http://x/v1", "MODEL": "m", "TEMPERATURE": "hot"}, "set it to a number from 0 to 2, or -1"),
        ({"URL": "http://x/v1", "MODEL": "m", "REWRITES": "some"}, "rules, follow-ups or all"),
        ({"URL": "http://x/v1", "MODEL": "m", "CONTEXT_TOKENS": "512"}, "leave more than half"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    values: dict[str, str], sentence: str, bare: pytest.MonkeyPatch
) -> None:
    for name, value in values.items():
        bare.setenv(f"NEWSQUOTE_LLM_{name}", value)
    with pytest.raises(SettingsError) as caught:
        read_llm_settings()
    assert sentence in str(caught.value)


def test_the_key_is_never_printed(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("NEWSQUOTE_LLM_KEY", "sk-very-secret")
    bare.setenv("NEWSQUOTE_LLM_URL", "http://x/v1")
    with pytest.raises(SettingsError) as caught:
        read_llm_settings()
    assert "secret" not in str(caught.value)
    bare.setenv("NEWSQUOTE_LLM_MODEL", "m")
    assert "secret" not in repr(read_llm_settings())
    assert read_llm_settings().llm_key.get_secret_value() == "sk-very-secret"


# Rewritten questions --------------------------------------------------------------------------------------


class Scripted:
    """A model that says the same to everything, or fails."""

    name = "scripted"

    def __init__(self, says: str | LanguageModelFailed) -> None:
        self._says = says
        self.asked: list[Sequence[Message]] = []

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str, None]:
        self.asked.append(messages)
        if isinstance(self._says, LanguageModelFailed):
            raise self._says
        for char in self._says:
            yield char

    async def close(self) -> None:
        pass


TODAY = date(2025, 4, 30)
BEFORE = Before("Who is challenging Ines Halloran for mayor?", "person", "Osric Dunne")


def filled(says: Any, said: str = "and when?", rewrites: Any = "follow-ups") -> str:
    rewriter = Rewriter(Scripted(says), read_prompts(), rewrites)
    return asyncio.run(rewriter.filled_in(said, "by the rules", BEFORE, TODAY))


@pytest.mark.parametrize(
    "says",
    [
        "When is Osric Dunne challenging Ines Halloran?",
        "When did Osric Dunne challenge the mayor since 2025-04-20?",
        " “When was Dunne challenging?”\n",
        "<think>\nHm.\n</think>\nWhen is Dunne challenging Halloran?",
    ],
)
def test_a_rewriting_that_adds_nothing_is_used(says: str) -> None:
    assert filled(says) == says.rpartition("</think>")[2].strip().strip("“”")


@pytest.mark.parametrize(
    "says",
    [
        "When is Boris Dunne challenging Ines Halloran?",
        "When was the scandal of Osric Dunne?",
        "When is Osric Dunne challenging Ines Halloran in 2027?",
        "When since 2025-05-01?",
        "When since 2025-99-99?",
        "When?\nAnd where?",
        "When?",
        "no",
        "",
        "???",
        "when\u202e?",
        "when " * 200,
        LanguageModelFailed("timeout", "x"),
    ],
)
def test_any_other_rewriting_leaves_the_rules(says: Any) -> None:
    assert filled(says) == "by the rules"


def test_a_rewriting_keeps_what_was_asked() -> None:
    said = "How old is Ines Halloran?"
    assert filled("How old is Osric Dunne?", said) == "by the rules"
    assert filled("Is it Ines Halloran for mayor?", said) != "by the rules"
    assert filled("Who is challenging?", said) == "by the rules"


def test_the_rules_are_the_default_and_ask_nobody() -> None:
    model = Scripted("When?")
    rewriter = Rewriter(model, read_prompts(), "rules")
    assert asyncio.run(rewriter.filled_in("and when?", "by the rules", BEFORE, TODAY)) == "by the rules"
    assert asyncio.run(rewriter.in_other_words("Who fell?", TODAY)) is None
    assert model.asked == []


def test_other_words_keep_names_and_numbers() -> None:
    question = "How many of the 12 boats of Wessel Ferries were sold?"

    def reworded(says: str) -> str | None:
        return asyncio.run(Rewriter(Scripted(says), read_prompts(), "all").in_other_words(question, TODAY))

    assert reworded("How many of the 12 ships did Wessel Ferries sell?") is not None
    assert reworded("How many of the 13 ships did Wessel Ferries sell?") is None
    assert reworded("How many of the 12 ships did Harbor Ferries sell?") is None
    assert reworded(question) is None
    assert not keeps_facts("", question)
    assert not adds_nothing("", question, TODAY)


# What is shown --------------------------------------------------------------------------------------------

TEXT = "One fell. Two rose. Three sat."
WRITTEN = Written(
    "written",
    (Sentence("Two *rose* [x](https://evil.example) @everyone.", (1,)), Sentence("One fell.", (0, 2))),
    n_sentences=3,
    cut=Counter({"number": 1}),
)


def three(disagreement: tuple[int, int] | None = None) -> Any:
    texts = ("One fell.", "Two rose.", "Three sat.")
    return answer_with(*(quote(article(TEXT), text) for text in texts), disagreement=disagreement)


@pytest.mark.parametrize("code", list(languages()))
@pytest.mark.parametrize("outcome", ["writing", "written", "declined", "unsupported", "failed"])
def test_a_card_says_how_the_text_stands(code: str, outcome: Any) -> None:
    words = words_for(code)
    card = answer_card(three(), "id12", words, is_question_shown=False, written=Written(outcome, failure="0a1b"))
    notes = {
        "writing": words.text_writing,
        "written": words.text_checked,
        "declined": words.text_declined,
        "unsupported": words.text_unsupported,
        "failed": words.text_failed.format(id="0a1b"),
    }
    assert "`0a1b`" in notes["failed"]
    assert card.blocks[0].description == f"-# {notes[outcome]}"
    assert not card.blocks[1].title.startswith("\\[")


def test_footnotes_are_the_numbers_of_the_quotes_on_the_card() -> None:
    card = answer_card(three(), "id12", words_for("en"), is_question_shown=False, written=WRITTEN)
    text = card.blocks[0].description
    assert "One fell. \\[1\\] \\[3\\]" in text
    assert "\\*rose\\* \\[x\\]\\(https\\:\\/\\/evil.example\\) \\@\u200beveryone. \\[2\\]" in text
    assert [block.title[:5] for block in card.blocks[1:4]] == ["\\[1\\]", "\\[2\\]", "\\[3\\]"]
    turned = answer_card(three((2, 1)), "id12", words_for("en"), is_question_shown=False, written=WRITTEN)
    assert "One fell. \\[1\\] \\[3\\]" in turned.blocks[0].description, "quotes 3, 2, 1: the sentence rests on 1 and 3"
    assert [block.description[:6] for block in turned.blocks[2:5]] == ["“Three", "“Two r", "“One f"]


def test_a_text_never_makes_a_card_too_large() -> None:
    sentences = tuple(Sentence("-" * 399 + ".", (0,)) for _ in range(6))
    long = "x" * 3000 + " y."
    answer = answer_with(quote(article(long), long), quote(article(TEXT), "One fell."))
    for of in (answer, three()):
        written = Written("written", sentences, n_sentences=6)
        card = answer_card(of, "id12", words_for("en"), is_question_shown=False, written=written)
        assert sum(block.size for block in card.blocks) <= MAX_ALL
        assert all(size(block.description) <= MAX_DESCRIPTION for block in card.blocks)


def test_the_terminal_shows_the_text_above_the_numbered_quotes() -> None:
    shown = as_lines(three(), colour=False, written=Written("written", (Sentence("Two\x1b[2J rose.", (1,)),), 1))
    assert shown.startswith("Two\N{REPLACEMENT CHARACTER}[2J rose. [2]\n  Written by a language model from the quotes")
    assert "\n\n[1] “One fell.”\n" in shown
    assert "[" not in as_lines(three(), colour=False)
    failed = text_lines(Written("failed", reason="timeout"), colour=False, width=200)
    assert failed == "The language model gave no usable reply (timeout); these are the quotes alone."


def test_json_says_which_quotes_a_sentence_rests_on() -> None:
    row = as_json(WRITTEN)
    assert row["sentences"][1] == {"text": "One fell.", "quotes": [0, 2]}  # type: ignore[index]
    assert row["cut"] == {"number": 1}


def test_every_prompt_has_its_table_of_placeholders() -> None:
    for name, names in PLACEHOLDERS.items():
        told = " ".join(f"${one}" for one in names)
        assert parsed(f"x\n---\n{told}", name, "here").told == "x"
    assert LlmSettings.model_fields.keys() >= {"llm_url", "llm_key"}
