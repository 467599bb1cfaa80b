"""A short text below an answer: evidence and prompt out to a model, and back nothing but sentences that were checked.

Everything that can go wrong with a model ends here as a value, so that whoever shows an answer shows the quotes in any
case. Knows nothing about Discord or the terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.answer import Answer
from bot.llm_check import Checked, check
from bot.llm_client import ChatModel
from bot.llm_evidence import Source, as_prompt, evidence_of, fitted
from bot.llm_prompts import Message, Prompts
from bot.llm_sentences import SETTLED_CHARS, spoken
from bot.llm_tokens import Counter
from bot.written import Written
from index.errors import LanguageModelFailed

log = logging.getLogger(__name__)

# What an endpoint's chat template puts around the messages: markers, roles, a date. Generous.
TEMPLATE_TOKENS = 64
# Discord bears five edits in five seconds a channel; one a second leaves room for everything else.
PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class Budget:
    """Sizes in tokens: of all that the model reads and writes, and of what is kept for its answer."""

    context_tokens: int
    answer_tokens: int


class Writer:
    """Writes below answers.

    Args:
        model: Writes.
        prompts: What it is told.
        counter: Measures what it is sent.
        budget: What it bears.
        salt: Makes the evidence's keys unpredictable; random if not given.
    """

    def __init__(
        self,
        model: ChatModel,
        prompts: Prompts,
        counter: Counter,
        budget: Budget,
        *,
        salt: str | None = None,
    ) -> None:
        self.model = model
        self.prompts = prompts
        self._counter = counter
        self._budget = budget
        self._salt = secrets.token_hex(8) if salt is None else salt

    async def write(self, answer: Answer) -> Written:
        """The text below an answer, at its end."""
        return [draft async for draft in self.drafts(answer)][-1]

    async def drafts(self, answer: Answer) -> AsyncGenerator[Written, None]:
        """The text as it grows: each time a further sentence has been checked, and at last the whole.

        The last value alone has another outcome than "writing". Nothing is raised for what a model does.
        """
        started = time.monotonic()
        prompt = self.prompts.answer
        sources, messages, n_tokens = self._fitted(answer)
        at_end = Written("failed", reason="no evidence", prompt=prompt.digest, n_prompt_tokens=n_tokens)
        if sources:
            text, n_shown, n_looked_at = "", 0, 0
            try:
                async with contextlib.aclosing(self.model.stream(messages, self._budget.answer_tokens)) as pieces:
                    async for piece in pieces:
                        text += piece
                        if "\n" not in piece and len(text) - n_looked_at < SETTLED_CHARS:
                            continue
                        so_far, n_looked_at = check(text, sources, is_whole=False), len(text)
                        if so_far.is_enough and len(so_far.sentences) > n_shown:
                            n_shown = len(so_far.sentences)
                            yield replace(_written(so_far, "writing"), prompt=prompt.digest)
                at_end = _at_end(check(text, sources))
            except LanguageModelFailed as error:
                # Whole sentences of a text that is too long are as good as others; any other failure leaves none.
                at_end = Written("failed", reason=error.reason, detail=error.detail)
                if error.reason == "too long":
                    cut_off = _at_end(check(text, sources, is_whole=False))
                    at_end = cut_off if cut_off.sentences else at_end
                    if not spoken(text).strip():
                        at_end = Written("failed", reason="only thinking")
        at_end = replace(at_end, prompt=prompt.digest, n_prompt_tokens=n_tokens, took_s=time.monotonic() - started)
        if at_end.outcome == "failed":
            at_end = replace(at_end, failure=secrets.token_hex(4))
        log.log(
            logging.WARNING if at_end.failure else logging.INFO,
            "written id=%s outcome=%s reason=%r detail=%r model=%r prompt=%s n_prompt_tokens=%d n_sentences=%d "
            "n_shown=%d cut=%r took_s=%.3f",
            at_end.failure or "-",
            at_end.outcome,
            at_end.reason,
            at_end.detail,
            self.model.name,
            at_end.prompt,
            n_tokens,
            at_end.n_sentences,
            len(at_end.sentences),
            dict(at_end.cut),
            at_end.took_s,
        )
        yield at_end

    def _fitted(self, answer: Answer) -> tuple[tuple[Source, ...], tuple[Message, ...], int]:
        """As much evidence as the budget bears, the messages with it, and their size in tokens."""
        if answer.status != "answered":
            return (), (), 0
        room = self._budget.context_tokens - self._budget.answer_tokens

        def messages(sources: Sequence[Source]) -> tuple[Message, ...]:
            return self.prompts.answer.filled(
                question=answer.understood.question,
                asked_on=answer.question.asked_on.isoformat(),
                evidence=as_prompt(sources),
            )

        sources = fitted(evidence_of(answer.quotes, self._salt), lambda some: self._n_tokens(messages(some)) <= room)
        sent = messages(sources)
        return sources, sent, self._n_tokens(sent)

    def _n_tokens(self, messages: Sequence[Message]) -> int:
        return TEMPLATE_TOKENS + sum(self._counter.count(one.content) for one in messages)

    async def close(self) -> None:
        """Let go of the model's connections."""
        await self.model.close()


def _written(checked: Checked, outcome: str) -> Written:
    return Written(
        outcome,  # type: ignore[arg-type]
        sentences=checked.sentences,
        n_sentences=checked.n_sentences,
        cut=checked.cut,
    )


def _at_end(checked: Checked) -> Written:
    if checked.has_declined:
        return Written("declined")
    if not checked.is_enough:
        return replace(_written(checked, "unsupported"), sentences=())
    return _written(checked, "written")


async def live(
    drafts: AsyncGenerator[Written, None], show: Callable[[Written], Awaitable[object]], pause_s: float = PAUSE_S
) -> Written:
    """Show a text while it grows, at most once in a while, and at last as it is; reading does not wait for showing.

    Args:
        drafts: As `Writer.drafts` gives them.
        show: Puts a text in place of the one before; what it raises ends the writing.
        pause_s: Between two showings.

    Returns:
        The last draft, which has been shown.
    """
    latest: list[Written] = []
    news = asyncio.Event()

    async def read() -> None:
        async with contextlib.aclosing(drafts):
            async for draft in drafts:
                latest[:] = [draft]
                news.set()

    loop = asyncio.get_running_loop()
    due_s = loop.time() + pause_s
    reading = asyncio.create_task(read(), name="llm-read")
    try:
        while True:
            waiting = asyncio.create_task(news.wait())
            try:
                await asyncio.wait({waiting, reading}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
            await asyncio.sleep(due_s - loop.time())
            is_last = reading.done()
            if is_last:
                reading.result()
            news.clear()
            last = latest[0]
            await show(last)
            if is_last:
                return last
            due_s = loop.time() + pause_s
    finally:
        reading.cancel()
        await asyncio.wait({reading})
