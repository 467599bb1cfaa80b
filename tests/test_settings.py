"""Settings from the environment: what is read, what is refused and in which words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.llm_settings import read_llm_settings
from index.errors import SettingsError
from index.settings import Settings, read_settings, variables


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("NEWSQUOTE_"):
            monkeypatch.delenv(name)


def test_defaults_hold_where_nothing_is_set() -> None:
    settings = read_settings()
    assert (settings.model, settings.runtime, settings.passage_tokens, settings.log_level) == ("", "auto", 0, "warning")
    assert settings.data.name == "newsquote"


def test_the_option_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSQUOTE_DATA", "/from/environment")
    assert read_settings().data == Path("/from/environment")
    assert read_settings(Path("/from/option")).data == Path("/from/option")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = read_settings()
    for name in variables():
        monkeypatch.setenv(name, "")
    assert read_settings() == usual


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("NEWSQUOTE_DATAA", "NEWSQUOTE_DATA"),
        ("NEWSQUOTE_PASAGE_TOKENS", "NEWSQUOTE_PASSAGE_TOKENS"),
        ("NEWSQUOTE_LOGLEVEL", "NEWSQUOTE_LOG_LEVEL"),
        ("newsquote_modle", "NEWSQUOTE_MODEL"),
    ],
)
def test_a_misspelt_variable_names_the_right_one(monkeypatch: pytest.MonkeyPatch, misspelt: str, meant: str) -> None:
    monkeypatch.setenv(misspelt, "1")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == f"There is no setting {misspelt}; did you mean {meant}?"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PASSAGE_TOKENS", "abc", "NEWSQUOTE_PASSAGE_TOKENS is 'abc'; set it to a whole number from 0 to 2048."),
        ("PASSAGE_TOKENS", "-1", "NEWSQUOTE_PASSAGE_TOKENS is '-1'; set it to a whole number from 0 to 2048."),
        ("PASSAGE_TOKENS", "2049", "NEWSQUOTE_PASSAGE_TOKENS is '2049'; set it to a whole number from 0 to 2048."),
        (
            "RUNTIME",
            "gpu",
            "NEWSQUOTE_RUNTIME is 'gpu'; set it to auto, onnx, onnx-fp32, onnx-int8 or torch.",
        ),
        ("THRESHOLD", "2", "NEWSQUOTE_THRESHOLD is '2'; set it to a number from 0 to 1, or -1 for the default."),
        (
            "CONTACT",
            "müller@exämple.org",
            "NEWSQUOTE_CONTACT is 'müller@exämple.org'; set it to a mail address or the address of a page, in ASCII "
            "and without brackets.",
        ),
        ("LOG_LEVEL", "loud", "NEWSQUOTE_LOG_LEVEL is 'loud'; set it to debug, info, warning or error."),
    ],
)
def test_a_value_out_of_range_says_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv("NEWSQUOTE_" + name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == sentence


def test_a_folder_may_begin_at_the_home_folder_as_in_a_file_that_no_shell_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("USERPROFILE", "/home/ada")
    for name in ("DATA", "MODEL", "RERANKER", "LLM_PROMPTS"):
        monkeypatch.setenv("NEWSQUOTE_" + name, "~/kept")
    settings = read_settings()
    assert (settings.data, settings.model, settings.reranker) == (Path("/home/ada/kept"), *2 * ["/home/ada/kept"])
    assert read_llm_settings().llm_prompts == Path("/home/ada/kept")
    monkeypatch.setenv("NEWSQUOTE_MODEL", "a~b/model")
    assert read_settings().model == "a~b/model"


def test_words_are_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSQUOTE_LOG_LEVEL", "INFO")
    monkeypatch.setenv("NEWSQUOTE_RUNTIME", "Torch")
    settings = read_settings()
    assert (settings.log_level, settings.runtime) == ("info", "torch")


def test_every_setting_says_what_it_may_be() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
