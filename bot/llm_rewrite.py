"""Questions rewritten by a language model before they are searched: a follow-up filled in, or what found nothing put in
other words. What the model gives is used only where it adds nothing of its own; else the rules' wording stands.

A rewritten question is searched with and never shown as anybody's words. Knows nothing about evidence or Discord.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Sequence
from datetime import date

from bot.conversation import Before
from bot.english import word_set
from bot.llm_client import ChatModel
from bot.llm_facts import FUNCTION_WORDS, numbers, stem
from bot.llm_names import name_runs
from bot.llm_prompts import Message, Prompts
from bot.llm_sentences import spoken
from bot.llm_settings import Rewrites
from bot.understand import MAX_QUESTION_CHARS
from index.errors import LanguageModelFailed

log = logging.getLogger(__name__)

MAX_TOKENS = 100
MAX_CHARS = min(400, MAX_QUESTION_CHARS)
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# What a question may be put together with, beside the words of the conversation.
_GLUE = FUNCTION_WORDS | word_set("happen happened happens take took place")


class Rewriter:
    """Rewrites questions.

    Args:
        model: Writes.
        prompts: What it is told.
        rewrites: What it may rewrite.
    """

    def __init__(self, model: ChatModel, prompts: Prompts, rewrites: Rewrites) -> None:
        self._model = model
        self._prompts = prompts
        self._rewrites = rewrites

    async def filled_in(self, said: str, by_rules: str, before: Before | None, asked_on: date) -> str:
        """A question that can be searched without the one before it, its times as days.

        Args:
            said: As typed.
            by_rules: What the rules make of it; used where the model gives nothing usable.
            before: The question before, or None.
            asked_on: The day of asking.
        """
        if self._rewrites == "rules":
            return by_rules
        messages = self._prompts.follow_up.filled(
            question=_line(said),
            asked_on=asked_on.isoformat(),
            before=_line(before.question) if before else "none",
            found=_line(before.answer or "nothing") if before else "nothing",
        )
        known = " ".join((said, by_rules, *((before.question, before.answer or "") if before else ())))
        rewritten = await self._asked(messages)
        is_good = adds_nothing(rewritten, known, asked_on) and _keeps(rewritten, said)
        log.info("rewritten what=follow_up used=%s prompt=%s", is_good, self._prompts.follow_up.digest)
        return rewritten if is_good else by_rules

    async def in_other_words(self, question: str, asked_on: date) -> str | None:
        """The same question in other words, for one that found nothing; None where there are none.

        New words are the point of it, so that names, numbers and days alone are held to the question's own.
        """
        if self._rewrites != "all":
            return None
        messages = self._prompts.expansion.filled(question=_line(question), asked_on=asked_on.isoformat())
        rewritten = await self._asked(messages)
        is_good = keeps_facts(rewritten, question) and rewritten.lower() != question.lower()
        log.info("rewritten what=expansion used=%s prompt=%s", is_good, self._prompts.expansion.digest)
        return rewritten if is_good else None

    async def _asked(self, messages: Sequence[Message]) -> str:
        """The model's one line; "" where it gives none, or more."""
        text = ""
        try:
            async with contextlib.aclosing(self._model.stream(messages, MAX_TOKENS)) as pieces:
                async for piece in pieces:
                    text += piece
        except LanguageModelFailed as error:
            log.info("not rewritten reason=%r detail=%r", error.reason, error.detail)
            return ""
        lines = spoken(text).strip().splitlines()
        line = lines[0].strip().strip('"“”') if len(lines) == 1 else ""
        is_plain = 0 < len(line) <= MAX_CHARS and all(char.isprintable() for char in line)
        return line if is_plain and any(char.isalnum() for char in line) else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def adds_nothing(rewritten: str, known: str, asked_on: date) -> bool:
    """Whether a question consists of known words and function words, and of days that are none of the future."""
    if not rewritten:
        return False
    days = _DAY.findall(rewritten)
    try:
        if any(date.fromisoformat(day) > asked_on for day in days):
            return False
    except ValueError:
        return False
    stems = {stem(word) for word in _WORD.findall(known)}
    words = _WORD.findall(_DAY.sub(" ", rewritten))
    return all(word.lower() in _GLUE or stem(word) in stems for word in words)


def _keeps(rewritten: str, said: str) -> bool:
    """Whether a question says something by itself, and still names what was named and most of what was asked."""
    weighs = {stem(word) for word in _WORD.findall(rewritten) if word.lower() not in _GLUE}
    asked = {stem(word) for word in _WORD.findall(said) if word.lower() not in _GLUE}
    return bool(weighs) and _names(said) <= _names(rewritten) and 2 * len(asked & weighs) >= len(asked)


def keeps_facts(rewritten: str, question: str) -> bool:
    """Whether a question has the names and numbers of another, each of them and no other."""
    if not rewritten:
        return False
    mine, its = (
        {(number.value, number.kind) for number in numbers(text)} | set(_DAY.findall(text))
        for text in (rewritten, question)
    )
    return mine == its and _names(rewritten) == _names(question)


def _names(question: str) -> set[str]:
    """Words of the names in a question, without a capital that only its first word has."""
    runs = name_runs(question)
    first = _WORD.search(question)
    words = {word for run in runs for word in run}
    return words - {first[0]} if first and first[0].lower() in FUNCTION_WORDS else words
