"""A question as somebody typed it, somewhere: filled in from what went before, answered, and remembered.

What every way of asking has in common. Knows places and persons as numbers, and nothing of Discord.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

from bot.answer import Answer
from bot.cards import ordered
from bot.conversation import Before, filled_in, goes_on_from, is_filled, is_follow_up, with_bounds_of
from bot.kind import Kind
from bot.llm_rewrite import Rewriter
from bot.memory import Memory
from bot.question import Question
from bot.remembered import Asked, Place, Remembered, Standing, new_id
from bot.service import Asker
from bot.standing import marks_of, news_of, question_of, until_of
from bot.understand import Understood, understand
from bot.verify import digest_of
from index.errors import BadInput
from index.types import DAY_S, Quote, day_of

# Quotes kept for "more": four pages of three.
N_FURTHER = 9
# Follow-ups of follow-ups that are gone back through for the question they all go on from.
N_BACK = 10


@dataclass(frozen=True, slots=True)
class Where:
    """Where a question was asked, and by whom.

    Attributes:
        guild: Server, 0 for a direct message.
        channel: Channel or thread.
        asker: Person.
        prompt: Message that asked, 0 where a command did.
        is_private: Shown to the asker alone.
    """

    guild: int
    channel: int
    asker: int
    prompt: int = 0
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What was set beside the words."""

    since: date | None = None
    until: date | None = None
    sources: tuple[str, ...] = ()
    read_filters: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and what is remembered of it.

    Attributes:
        answer: The answer.
        remembered: What is to be remembered.
        n_forgettings: `Memory.n_forgettings` when it was asked.
    """

    answer: Answer
    remembered: Remembered
    n_forgettings: int = 0


@dataclass(frozen=True, slots=True)
class _Followed:
    """An earlier answer that a question goes on from: what was asked, and the words marked in its first quote."""

    answer: Remembered
    asked: Asked
    marked: str | None


class Desk:
    """Takes questions.

    Args:
        asker: Answers.
        memory: Remembers.
        clock: Seconds since 1970.
        rewriter: Has a language model rewrite questions; the rules alone do if there is none.
    """

    def __init__(
        self, asker: Asker, memory: Memory, clock: Callable[[], float], rewriter: Rewriter | None = None
    ) -> None:
        self._rewriter = rewriter
        self.asker = asker
        self.memory = memory
        self.clock = clock

    def now_s(self) -> int:
        """This moment."""
        return int(self.clock())

    async def ask(
        self,
        said: str,
        where: Where,
        bounds: Bounds | None = None,
        *,
        parent: Remembered | None = None,
        is_kept: bool = True,
    ) -> Reply:
        """Answer and remember.

        Args:
            said: The words as typed.
            where: Place and person.
            bounds: Set beside the words; without them those of the answer that is followed up hold, and where no outlet
                is named those of the server.
            parent: The answer that this follows up.
            is_kept: False where the words are not the asker's: then they are not remembered.

        Raises:
            NewsquoteError: As `Asker.ask`; nothing is remembered then.
        """
        reply = await self.answered(said, where, bounds, parent=parent, is_kept=is_kept)
        self.keep(reply)
        return reply

    def keep(self, reply: Reply, messages: Sequence[int] = ()) -> None:
        """Remember an answer and the messages that show it, but nothing that was to be forgotten since it was asked."""
        answer = reply.remembered
        if self.memory.n_forgettings(answer.asker, answer.guild) != reply.n_forgettings:
            return
        if answer.parent and answer.question and answer.question.text != answer.said:
            parent = self.memory.answer(answer.parent)
            if parent is None or parent.question is None:  # its words are in these
                answer = replace(answer, question=None)
        self.memory.remember(answer, messages)

    async def answered(
        self,
        said: str,
        where: Where,
        bounds: Bounds | None = None,
        *,
        parent: Remembered | None = None,
        answer_id: str | None = None,
        is_kept: bool = True,
    ) -> Reply:
        """As `ask`, for an edge that remembers the reply itself once it is shown.

        Args:
            answer_id: Of the answer that this one takes the place of, where its question was edited.
        """
        bounds, n_forgettings = bounds or Bounds(), self.memory.n_forgettings(where.asker, where.guild)
        default = self._default_sources(where.guild) if bounds.read_filters else ()
        # Words that are taken as they are were put together before, and this person has not typed them.
        line = await self._line(parent) if bounds.read_filters else []
        before, text = await self.asker.read(lambda: self._read(said, line)) if line else (None, filled_in(said, None))
        asked_on = day_of(self.now_s())
        if self._rewriter is not None:
            text = await self._rewriter.filled_in(said, text, before, asked_on)
        asked = Question(
            text=text,
            asked_on=asked_on,
            since=bounds.since,
            until=bounds.until,
            sources=bounds.sources,
            read_filters=bounds.read_filters,
            n_further=N_FURTHER,
        )
        answer = await self.asker.ask(lambda: self._bounded(asked, said, before, default))
        question = answer.question
        if answer.status == "not_found" and self._rewriter is not None:
            question, answer = await self._once_more(question, answer)
        remembered = self._remembered(
            answer,
            where,
            _asked(question) if is_kept else None,
            answer_id=answer_id,
            parent=parent.id if parent else None,
            said=said if is_kept and bounds.read_filters else None,
        )
        return Reply(answer, remembered, n_forgettings)

    def _remembered(
        self,
        answer: Answer,
        where: Where,
        question: Asked | None,
        *,
        answer_id: str | None = None,
        parent: str | None = None,
        said: str | None = None,
    ) -> Remembered:
        """What is kept of an answer; see there. Its id is a new one if none is given."""
        return Remembered(
            id=answer_id or new_id(),
            asked_s=self.now_s(),
            guild=where.guild,
            channel=where.channel,
            asker=where.asker,
            prompt=where.prompt,
            parent=parent,
            said=said,
            question=question,
            kind=answer.understood.kind,
            status=answer.status,
            confidence=answer.confidence,
            snapshot=answer.snapshot,
            places=tuple(_place(quote) for quote in ordered(answer)) if answer.status == "answered" else (),
            is_private=where.is_private,
        )

    # Standing questions ---------------------------------------------------------------------------------

    async def standing(
        self,
        asked: Asked,
        where: Where,
        *,
        is_direct: bool,
        language: str,
        below: Remembered | None = None,
        shown: Sequence[Quote] = (),
    ) -> Standing:
        """A question as it stands from now on; not kept yet.

        Args:
            asked: Its words; times in them and beside them fall away, as all news is of later.
            where: Where news is told, and to whom.
            is_direct: Whether that is a direct message.
            language: Code of the bot's own words there.
            below: The answer that it was set below; where that has words of somebody else's it ends with it.
            shown: Quotes that its asker has seen.

        Raises:
            BadInput: It is empty, has no words, or is too long.
            Busy, Closing: As `Asker.ask`.
        """
        understood, now_s = await self.asker.read(lambda: self._understood(asked)), self.now_s()
        sources = asked.sources or (understood.sources if asked.read_filters else ())
        until_s = until_of(now_s)
        if below is not None and below.asker == where.asker:
            below = None if below.said == asked.text or self._is_theirs(below, where.asker) else below
        if below is not None:
            until_s = min(until_s, below.asked_s + self.memory.settings(below.guild).keep_days * DAY_S)
        return Standing(
            id=new_id(),
            set_s=now_s,
            until_s=until_s,
            guild=where.guild,
            channel=where.channel,
            asker=where.asker,
            is_direct=is_direct,
            text=understood.topic if asked.read_filters else asked.text,
            sources=sources or self._default_sources(where.guild),
            language=language,
            after_version=self.asker.last_version,
            told=marks_of(shown, day_of(now_s)),
            answer=below.id if below else None,
        )

    def _is_theirs(self, answer: Remembered, asker: int) -> bool:
        """Whether the words of an answer and of those that it goes on from are one person's."""
        one: Remembered | None = answer
        for _ in range(N_BACK):
            if one is None or one.asker != asker:
                return False
            if one.parent is None:
                return True
            one = self.memory.answer(one.parent)
        return False

    async def news(self, standing: Standing) -> Reply | None:
        """What has come in since a standing question was asked last, if that answers and is new; remembers nothing.

        Raises:
            NewsquoteError: As `Asker.ask`.
        """
        question = question_of(standing, self.now_s())
        answer = news_of(await self.asker.ask(question, is_counted=False), standing.told)
        if answer is None:
            return None
        where = Where(0 if standing.is_direct else standing.guild, standing.channel, standing.asker)
        asked = Asked(standing.text, day_of(self.now_s()), sources=standing.sources)
        return Reply(answer, self._remembered(answer, where, asked, parent=standing.answer))

    async def _line(self, parent: Remembered | None) -> list[_Followed]:
        """What a follow-up goes on from, oldest first, with the words marked there while they may be quoted."""
        line: list[tuple[Remembered, Asked]] = []
        while parent is not None and parent.question is not None and len(line) < N_BACK:
            line.append((parent, parent.question))
            is_first = parent.said is not None and not is_filled(parent.said, parent.question.text)
            parent = self.memory.answer(parent.parent) if parent.parent and not is_first else None
        return [
            _Followed(answer, asked, await self.asker.marked(answer.places[0]) if answer.places else None)
            for answer, asked in reversed(line)
        ]

    # Called in a thread: whoever typed the words decides how long they take to read, and the loop is everybody's.

    def _read(self, said: str, line: Sequence[_Followed]) -> tuple[Before | None, str]:
        """What a follow-up goes on from, and the follow-up filled in."""
        before = None
        for one in line:
            answer, asked = one.answer, one.asked
            before = goes_on_from(
                before,
                self._found(one),
                is_filled=answer.said is None or is_filled(answer.said, asked.text),
                is_found=answer.status == "answered",
            )
        return before, filled_in(said, before)

    def _bounded(self, question: Question, said: str, before: Before | None, default: tuple[str, ...]) -> Question:
        """A question with the bounds of the one it follows up, else with the server's outlets; its own go first."""
        if before is not None and is_follow_up(said, before):
            question = with_bounds_of(before, question, said, self.asker.outlets)
        if default and not question.sources and not self._understood(_asked(question)).sources:
            question = replace(question, sources=default)
        return question

    def _found(self, one: _Followed) -> Before:
        """A question that was answered, and what was found."""
        asked, kind = one.asked, cast(Kind, one.answer.kind)
        try:
            understood = self._understood(asked)
        except BadInput:  # asked when other questions were refused
            return Before(asked.text, kind, one.marked)
        before = Before(understood.topic, kind, one.marked)
        if not asked.read_filters:  # "without the filter" holds on
            return before
        return replace(
            before,
            since=asked.since or understood.since,
            until=asked.until or understood.until,
            sources=asked.sources or understood.sources,
        )

    def _understood(self, asked: Asked) -> Understood:
        return understand(asked.text, asked.asked_on, self.asker.outlets)

    async def _once_more(self, question: Question, answer: Answer) -> tuple[Question, Answer]:
        """A question that found nothing, asked in other words; as it was where those find nothing either."""
        assert self._rewriter is not None
        reworded = await self._rewriter.in_other_words(question.text, question.asked_on)
        if reworded is None:
            return question, answer
        again = replace(question, text=reworded)
        try:
            found = await self.asker.ask(again)
        except BadInput:  # "Who?" names nothing to search for, which is no fault of whoever asked
            return question, answer
        if found.status != "answered":
            return question, answer
        return again, found.instead_of(answer)

    def _default_sources(self, guild: int) -> tuple[str, ...]:
        """The server's outlets, as far as the corpus has them; where it has none of them nothing may answer."""
        wanted = self.memory.settings(guild).sources if guild else ()
        known = {name.lower() for name in wanted}
        return tuple(name for name in self.asker.outlets if name.lower() in known) or wanted

    def outlet(self, name: str) -> str | None:
        """An outlet as the corpus spells it; None where it has none of that name."""
        return next((known for known in self.asker.outlets if known.lower() == name.strip().lower()), None)

    def near_outlets(self, text: str, n: int) -> list[str]:
        """Outlets that begin with, hold or resemble a text, best first; the first ones for no text."""
        typed, known = text.strip().lower(), self.asker.outlets
        begins = [name for name in known if name.lower().startswith(typed)]
        holds = [name for name in known if typed in name.lower() and name not in begins]
        found = begins + holds
        if not found:
            by_key = {name.lower(): name for name in known}
            found = [by_key[key] for key in difflib.get_close_matches(typed, by_key, n=n)]
        return found[:n]


def _asked(question: Question) -> Asked:
    return Asked(
        question.text, question.asked_on, question.since, question.until, question.sources, question.read_filters
    )


def _place(quote: Quote) -> Place:
    return Place(
        version=quote.article.version,
        start=quote.span.start,
        end=quote.span.end,
        answer=(quote.answer.start, quote.answer.end) if quote.answer else None,
        cut_left=quote.cut_left,
        cut_right=quote.cut_right,
        also=quote.also,
        digest=digest_of(quote.article, quote.span),
    )
