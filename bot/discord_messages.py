"""Questions in messages: a mention, a reply to the bot, a direct message; what an edit and a deletion do to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord

from bot.cards import Card, answer_card, short_form
from bot.desk import Reply, Where
from bot.discord_send import (
    NO_HISTORY,
    again,
    edit_of,
    is_gone,
    may_send,
    permissions_in,
    places_of,
    send_once,
)
from bot.markdown import without_tags
from bot.remembered import Remembered
from bot.words.base import Words
from bot.written import Written

if TYPE_CHECKING:
    from bot.discord_bot import NewsBot

log = logging.getLogger(__name__)

DM_CONVERSATION_S = 1_800
# Questions whose refusal is known still, for whoever puts them right; the oldest go first.
MAX_REFUSALS = 1_000
_ASKS = (discord.MessageType.default, discord.MessageType.reply)


class Messages:
    """The questions in messages that are under way, and what became of the latest.

    Args:
        bot: Has the desk, and the line to Discord.
    """

    def __init__(self, bot: NewsBot) -> None:
        self._bot = bot
        # All by the message that asked.
        self._answering: dict[int, asyncio.Task[Any]] = {}
        self._writing: dict[int, asyncio.Task[Any]] = {}
        self._edited: dict[int, discord.Message] = {}
        self._refusals: dict[int, int] = {}  # the message that says why not

    async def heard(self, message: discord.Message) -> None:
        """Answer a mention, a reply to the bot, or a direct message; nothing else."""
        if self._is_asked(message):
            with _noted(self._answering, message.id):
                await self._answer(message)

    def _is_asked(self, message: discord.Message) -> bool:
        if message.author.bot or message.webhook_id is not None or message.type not in _ASKS or self._bot.user is None:
            return False
        # @everyone does not stand in `mentions`; a reply with its ping on does.
        return message.guild is None or any(user.id == self._bot.user.id for user in message.mentions)

    def _parent(self, message: discord.Message) -> Remembered | None:
        """What a message follows up: the answer it replies to, else the last one of its thread or direct messages."""
        reference = message.reference
        if reference is not None and reference.message_id is not None:
            found = self._bot.memory.answer_of_message(reference.message_id)
            if found is not None:
                return found
        if message.guild is None:
            return self._bot.memory.last_in(message.channel.id, self._bot.desk.now_s() - DM_CONVERSATION_S)
        if self._bot.memory.is_own_thread(message.channel.id):
            last = self._bot.memory.last_in(message.channel.id, 0)
            return last or self._bot.memory.answer_of_message(message.channel.id)
        return None

    async def _answer(self, message: discord.Message) -> None:
        guild, words, started = message.guild, self._bot.words_in(message.guild), self._bot.monotonic()
        said = _said(message)
        if guild is not None and not may_send(permissions_in(message.channel, guild), message.channel):
            log.info("not answered for lack of permission channel=%d", message.channel.id)
            return

        async def tell(sentence: str) -> None:
            told = await self._reply(message, Card(sentence))
            if told is not None:
                self._refusals[message.id] = told.id
                if len(self._refusals) > MAX_REFUSALS:
                    del self._refusals[next(iter(self._refusals))]

        reply, sent = None, None
        typing = asyncio.create_task(self._show_typing(message.channel))
        try:
            async with self._bot.answering(tell, words):
                self._bot.admit(said, guild.id if guild else 0, places_of(message.channel), message.author.id, words)
                where = Where(guild.id if guild else 0, message.channel.id, message.author.id, prompt=message.id)
                reply = await self._bot.desk.ask(said, where, parent=self._parent(message))
                sent = await self._reply(message, self._card(reply, message, words))
                if sent is None:
                    self._bot.memory.forget_prompt(message.id)
                    return
                self._bot.memory.shown_in(reply.remembered.id, sent.id)
                self._bot.count(reply, started)
        finally:
            typing.cancel()
        if sent is not None and reply is not None:
            await self._write_above(reply, message, sent, words)

    async def _write_above(self, reply: Reply, message: discord.Message, shown: Any, words: Words) -> None:
        """Have the text written above an answer that stands in a message."""
        if message.guild is not None and not permissions_in(message.channel, message.guild).embed_links:
            return  # the short form has no room for it
        edited = self._edited.get(message.id)
        if edited is not None and _said(edited) != reply.remembered.said:
            return  # nobody waits for a text about what was asked before

        async def edit(card: Card) -> None:
            await shown.edit(**edit_of(card))

        with _noted(self._writing, message.id):
            await self._bot.write(reply, lambda written: self._card(reply, message, words, written), edit)

    def _card(self, reply: Reply, message: discord.Message, words: Words, written: Written | None = None) -> Card:
        guild, channel = message.guild, message.channel
        can_thread = guild is not None and isinstance(channel, discord.TextChannel)
        card = answer_card(
            reply.answer,
            reply.remembered.id,
            words,
            is_question_shown=False,
            can_thread=can_thread,
            written=written,
        )
        if guild is not None and not permissions_in(channel, guild).embed_links:
            return short_form(card, words)
        return card

    async def _reply(self, message: discord.Message, card: Card) -> discord.Message | None:
        """Reply to a message once; None where it has been deleted, or its channel."""
        reference = message.to_reference(fail_if_not_exists=True)
        try:
            return await again(lambda: send_once(message.channel, card, message.id, reference))
        except discord.HTTPException as error:
            if is_gone(error):
                log.info("question deleted before its answer channel=%d", message.channel.id)
                return None
            if error.code != NO_HISTORY:
                raise
        return await again(lambda: send_once(message.channel, card, message.id))

    async def _show_typing(self, channel: discord.abc.Messageable) -> None:
        """The typing sign, for as long as it takes; a failure of it is nobody's concern."""
        with self._bot.unheard():
            async with channel.typing():
                await asyncio.sleep(60)

    async def edited(self, message: discord.Message) -> None:
        """Answer an edited question anew, in place of its old answer."""
        if not self._is_asked(message):
            return
        said = _said(message)
        writing, found = self._writing.get(message.id), self._bot.memory.answer_to_prompt(message.id)
        if writing is not None and found is not None and said != found[0].said:
            writing.cancel()  # nobody waits any more for a text about what was asked before
        self._edited[message.id] = message
        try:
            before = self._answering.get(message.id)
            if before is not None:
                await asyncio.wait({before})
            old, shown = self._bot.memory.answer_to_prompt(message.id) or (None, None)
            shown = shown or self._refusals.get(message.id)
            is_same = message.edited_at is None if old is None else old.said == said
            if shown is None or is_same or not said:
                return  # never answered, or only its previews have changed
            if self._edited[message.id] is not message:
                return  # edited once more: the latest words are answered
            with _noted(self._answering, message.id):
                await self._answer_anew(message, said, old, shown)
        finally:
            if self._edited.get(message.id) is message:
                del self._edited[message.id]

    async def _answer_anew(self, message: discord.Message, said: str, old: Remembered | None, shown: int) -> None:
        """Answer an edited question in place of its old answer, or of the sentence that refused it."""
        words, started = self._bot.words_in(message.guild), self._bot.monotonic()
        guild = message.guild.id if message.guild else 0
        place = message.channel.get_partial_message(shown)  # type: ignore[union-attr]
        reply, is_shown = None, False

        def is_known() -> bool:
            return old is None or self._bot.memory.answer(old.id) is not None  # else it was to be forgotten meanwhile

        async def tell(sentence: str) -> None:
            # Alone: quotes below it would belong to the old question. Whatever comes next is asked, the old words too.
            await again(lambda: place.edit(content=sentence, embeds=[], view=None))
            if old is not None and is_known():
                self._bot.memory.remember(replace(old, said=None))

        async with self._bot.answering(tell, words):
            # What was refused has not been asked yet, and waits for its person's pause as any question does.
            is_edit = old is not None
            self._bot.admit(said, guild, places_of(message.channel), message.author.id, words, is_edit=is_edit)
            where = Where(guild, message.channel.id, message.author.id, prompt=message.id)
            parent = self._parent(message) if old is None else self._bot.memory.answer(old.parent or "")
            reply = await self._bot.desk.answered(said, where, parent=parent, answer_id=old.id if old else None)
            card = self._card(reply, message, words)
            try:
                await again(lambda: place.edit(**edit_of(card)))
            except discord.HTTPException as error:
                if not is_gone(error):
                    raise
                # Whoever may delete it did not want it there, nor another in its place.
                log.info("answer deleted before its question was edited channel=%d", message.channel.id)
                self._refusals.pop(message.id, None)
                self._bot.memory.forget_prompt(message.id)
                return
            if is_known():
                self._bot.desk.keep(reply, [shown])  # not before: the buttons belong to what is shown
            self._refusals.pop(message.id, None)
            is_shown = True
            self._bot.count(reply, started)
        if reply is not None and is_shown:
            await self._write_above(reply, message, place, words)

    def deleted(self, prompt: int) -> None:
        """Let a deleted question go, with its answer."""
        task = self._answering.get(prompt)
        if task is not None:
            task.cancel()
        self._refusals.pop(prompt, None)
        self._bot.memory.forget_prompt(prompt)


@contextlib.contextmanager
def _noted(tasks: dict[int, asyncio.Task[Any]], prompt: int) -> Iterator[None]:
    """Have the running task among others under the message that asked."""
    task = asyncio.current_task()
    assert task is not None
    tasks[prompt] = task
    try:
        yield
    finally:
        tasks.pop(prompt, None)


def _said(message: discord.Message) -> str:
    """The message's words, without the mention of the bot and of others."""
    return without_tags(message.content)
