"""The bot on Discord: what it hears, whom it answers, how it ends. Words and cards come from the pure part.

It speaks when asked and never else: a command, a mention, a reply to it, a direct message, a button, and news on a
question that somebody had stand (`bot.discord_standing`). The first await of every interaction is its response;
searching happens in `bot.service`'s threads, so that no heartbeat waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import math
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import discord
from discord.ext import commands

from bot.cards import N_ON_PAGE, Action, Card, answer_card, page_card, short_form
from bot.cooldown import Cooldown
from bot.desk import Bounds, Desk, Reply, Where
from bot.discord_admin import SettingsGroup
from bot.discord_commands import Translator, add_commands, only_in
from bot.discord_send import (
    DROPPED,
    HAS_THREAD,
    NO_HISTORY,
    TOO_LATE,
    again,
    embeds_of,
    is_gone,
    may_send,
    permissions_in,
    respond,
    send_once,
)
from bot.discord_standing import LOOK_S, StandingGroup, Teller, set_standing, stop_standing
from bot.discord_views import AnswerButton, follow_up_form, report_form, submitted, view_of
from bot.llm_write import Writer, live
from bot.markdown import without_tags
from bot.memory import Memory, Remembered
from bot.metrics import Health, Metrics
from bot.service import Asker
from bot.understand import MAX_QUESTION_CHARS
from bot.words import words_for
from bot.words.base import Words
from bot.written import Written
from index.errors import BadInput, Busy, Closing, IndexMissing, NewsquoteError, QuestionTooLong

log = logging.getLogger(__name__)

Interaction = discord.Interaction["NewsBot"]

# From the signal to the end: pending answers may finish, the rest are told, the connection is closed.
FINISH_S, TELL_S, CLOSE_S = 5.0, 2.0, 2.0
DM_CONVERSATION_S = 1_800
THREAD_NAME_CHARS = 90
TOKEN_REFUSED = 4004  # the gateway closes with it, also in the midst of things where a token is revoked
FORGET_EVERY_S = 3_600
# Questions whose refusal is known still, for whoever puts them right; the oldest go first.
MAX_REFUSALS = 1_000
_ASKS = (discord.MessageType.default, discord.MessageType.reply)


class Refused(Exception):
    """A question that is not taken; `str()` is the sentence for whoever asked."""


class NewsBot(commands.AutoShardedBot):
    """The bot.

    Args:
        desk: Takes questions; its memory and asker are the bot's, started and closed with it.
        metrics: What is counted.
        writer: Has a language model write above the quotes; nothing is written if there is none.
        sync: Sync the command tree even where it has not changed.
        monotonic: Seconds for cooldowns and durations.
        look_s: Seconds between two looks for news on standing questions.
    """

    def __init__(
        self,
        desk: Desk,
        metrics: Metrics | None = None,
        *,
        writer: Writer | None = None,
        sync: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        look_s: float = LOOK_S,
    ) -> None:
        # It never speaks aloud, and says so to nobody: no warning about libraries for voice.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        # At debug level the library writes whatever it receives: interactions' tokens, names, the texts of messages.
        logging.getLogger("discord").setLevel(max(logging.INFO, logging.getLogger().level))
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True, guild_messages=True, dm_messages=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=100,
        )
        self.desk = desk
        self.metrics = metrics or Metrics()
        self.writer = writer
        self.started_s = desk.now_s()
        self._sync = sync
        self._monotonic = monotonic
        self._look_s = look_s
        self._cooldown = Cooldown()
        self._pending: dict[asyncio.Task[Any], Callable[[], Awaitable[object]]] = {}
        self._by_prompt: dict[int, asyncio.Task[Any]] = {}
        self._edited: dict[int, discord.Message] = {}
        self._refusals: dict[int, int] = {}  # the message that asked, and the one that says why not
        self._writing: dict[int, asyncio.Task[Any]] = {}
        self._is_closing = False
        self._shutdown: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self.tree.error(self._command_failed)

    @property
    def memory(self) -> Memory:
        return self.desk.memory

    @property
    def asker(self) -> Asker:
        return self.desk.asker

    # Life -----------------------------------------------------------------------------------------------

    async def setup_hook(self) -> None:
        """Load everything once, before the gateway opens."""
        self.add_dynamic_items(AnswerButton)
        add_commands(self)
        self.tree.add_command(StandingGroup())
        self.tree.add_command(SettingsGroup())
        await self.tree.set_translator(Translator())
        await self.asker.start()
        await self._sync_tree()
        self._forgetting = asyncio.create_task(self._forget_old(), name="forget-old")
        self._telling = asyncio.create_task(Teller(self, self._look_s).run(), name="tell-news")

    async def _sync_tree(self) -> None:
        """Tell Discord the commands where they differ from those it was told last."""
        translator = self.tree.translator
        assert translator is not None
        payload = [await command.get_translated_payload(self.tree, translator) for command in self.tree.get_commands()]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        key = f"tree:{self.application_id}"
        if not self._sync and self.memory.note(key) == digest:
            return
        await again(self.tree.sync)
        self.memory.set_note(key, digest)
        log.info("commands synced n=%d digest=%s", len(payload), digest[:12])

    async def _forget_old(self) -> None:
        while True:
            try:
                n = self.memory.forget_old(self.desk.now_s())
            except Exception as error:  # noqa: BLE001, what could not be forgotten now is tried again in an hour
                self.log_failure("forgetting", error)
            else:
                if n:
                    log.info("forgotten n=%d", n)
            await asyncio.sleep(FORGET_EVERY_S)

    async def on_ready(self) -> None:
        log.info("ready user=%s n_guilds=%d n_shards=%s", self.user, len(self.guilds), self.shard_count)
        self._forget_left()

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        self.log_failure(event_method)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        noted = self._noted_guilds()
        if guild.id not in noted:
            self._note_guilds(noted | {guild.id})

    async def on_guild_available(self, guild: discord.Guild) -> None:
        await self.on_guild_join(guild)  # a new one may be told as this

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        self.memory.forget_guild(guild.id)
        self._note_guilds(self._noted_guilds() - {guild.id})

    def _forget_left(self) -> None:
        """Forget the servers that took the bot off while it was down; by now every shard has named those it is on.

        One that is unavailable is named as well. Answers on servers that the bot was never on are their askers'.
        """
        now = {guild.id for guild in self.guilds}
        left = self._noted_guilds() - now
        for guild in left:
            self.memory.forget_guild(guild)
        self._note_guilds(now)
        if left:
            log.info("forgotten servers n=%d", len(left))

    def _noted_guilds(self) -> set[int]:
        """The servers that this application was on when it was last seen."""
        return set(json.loads(self.memory.note(f"guilds:{self.application_id}") or "[]"))

    def _note_guilds(self, guilds: set[int]) -> None:
        self.memory.set_note(f"guilds:{self.application_id}", json.dumps(sorted(guilds)))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Drop a deleted channel from the settings, unless it is the last: none allowed means that all are, and where
        the bot was kept to one channel nobody wants it everywhere.
        """
        before = self.memory.settings(channel.guild.id).channels
        left = tuple(number for number in before if number != channel.id)
        if left and left != before:
            self.memory.set(channel.guild.id, channels=left)

    def shutdown(self) -> asyncio.Task[None]:
        """Stop taking questions, finish or tell the pending ones, and close; within ten seconds."""
        if self._shutdown is None:
            self._is_closing = True
            self._shutdown = asyncio.create_task(self._close_orderly(), name="shutdown")
        return self._shutdown

    async def _close_orderly(self) -> None:
        log.info("closing n_pending=%d", len(self._pending))
        limit = time.monotonic() + FINISH_S
        # Anew: who asks meanwhile is told that it is closing, and is to hear that.
        while self._pending and (left_s := limit - time.monotonic()) > 0:
            await asyncio.wait(set(self._pending), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        left = set(self._pending)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=TELL_S)
        if self._running is not None:
            self._running.cancel()  # a start would go on, and try for ever to connect by what is closed
        await self.close()

    async def close(self) -> None:
        """Close the connection, the index and the memory's writer."""
        self._is_closing = True
        for task in (self._forgetting, self._telling):
            if task is not None:
                task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(super().close(), CLOSE_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.asker.close(), CLOSE_S)
        if self.writer is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.writer.close(), CLOSE_S)

    def health(self) -> Health:
        """How the bot is now."""
        asker = self.asker
        problem = ""
        if not self.is_ready() or self.is_closed():
            problem = "not connected to Discord"
        elif asker.snapshot is None:
            problem = asker.problem or "no index yet"
        return Health(
            problem=problem,
            n_waiting=asker.n_waiting,
            latency_s=self.latency if self.shards else float("nan"),
            n_guilds=len(self.guilds),
            snapshot=asker.snapshot or "",
            index_age_s=asker.index_age_s(self.desk.now_s()),
        )

    # Words ----------------------------------------------------------------------------------------------

    def words_of(self, interaction: Interaction, *, public: bool = False) -> Words:
        """The words for a reader: in the language set for the server, else the reader's own; in public the server's."""
        settings = self.memory.settings(interaction.guild_id or 0)
        locale = interaction.guild_locale if public and interaction.guild_locale else interaction.locale
        return words_for(settings.language, str(locale))

    def words_in(self, guild: discord.Guild | None) -> Words:
        """The words for a message in a server, or in a direct message."""
        if guild is None:
            return words_for("")
        return words_for(self.memory.settings(guild.id).language, str(guild.preferred_locale))

    # Taking questions -----------------------------------------------------------------------------------

    def _check(
        self, said: str, guild: int, channels: tuple[int, ...], person: int, words: Words, *, is_edit: bool = False
    ) -> None:
        """Raise `Refused` where a question is not taken; else count it for the cooldown. Takes microseconds.

        An edit need not wait for its person's last question: it is that question, with a slip put right.
        """
        if self._is_closing:
            raise Refused(words.closing)
        if not said.strip():
            raise Refused(words.empty)
        if len(said) > MAX_QUESTION_CHARS:
            raise Refused(words.too_long.format(n=f"{MAX_QUESTION_CHARS:,}"))
        if not any(char.isalnum() for char in said):
            raise Refused(words.no_words)
        settings = self.memory.settings(guild)
        if settings.channels and not set(channels) & set(settings.channels):
            raise Refused(only_in(settings.channels, words))
        now = self._monotonic()
        until = None if is_edit else self._cooldown.person_until(person, guild, settings.person_cooldown_s, now)
        if until is not None:
            raise Refused(words.wait.format(n=math.ceil(until - now)))
        until = self._cooldown.guild_until(guild, settings.guild_per_minute, now) if guild else None
        if until is not None:
            raise Refused(words.wait_guild.format(n=math.ceil(until - now)))
        self._cooldown.asked(person, guild, now)

    @contextlib.asynccontextmanager
    async def _taken(self, tell: Callable[[], Awaitable[object]], *, is_question: bool = True) -> AsyncIterator[None]:
        """Count this task among the pending ones; one that is cancelled while the bot closes is told so."""
        task = asyncio.current_task()
        assert task is not None
        self._pending[task] = tell
        try:
            yield
        except asyncio.CancelledError:
            if self._is_closing:
                self.metrics.questions["closing"] += is_question
                with self._unheard():
                    await tell()
            raise
        finally:
            self._pending.pop(task, None)

    def taken(self, interaction: Interaction) -> contextlib.AbstractAsyncContextManager[None]:
        """Count what an interaction has done among the pending, so that its end is waited for or told; no question."""
        words = self.words_of(interaction)
        return self._taken(lambda: self._apologise(interaction, words.closing), is_question=False)

    @contextlib.contextmanager
    def _unheard(self) -> Iterator[None]:
        """What cannot be said is nobody's concern: it is refused, or the connection is broken or closed."""
        try:
            yield
        except (discord.HTTPException, *DROPPED):
            pass
        except RuntimeError:  # aiohttp's, of a session that is closed
            if not self.is_closed():
                raise

    @contextlib.asynccontextmanager
    async def _told(
        self, tell: Callable[[str], Awaitable[object]], words: Words, *, is_question: bool = True
    ) -> AsyncIterator[None]:
        """The one end of everything that can fail while a question is answered: a sentence, and an id in the log.

        Also of what is done about an answer, which counts as no question.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001, whatever it is, a person is waiting for a word
            outcome, sentence = self._failed(error, words)
            self.metrics.questions[outcome] += is_question
            with self._unheard():
                await tell(sentence)

    def _failed(self, error: Exception, words: Words) -> tuple[str, str]:
        """What a failure counts as, and what a person is told of it; the log is told too."""
        match error:
            case Refused():
                return "refused", str(error)
            case Busy():
                return "busy", words.busy
            case Closing():
                return "closing", words.closing
            case QuestionTooLong():
                return "refused", words.too_long.format(n=f"{MAX_QUESTION_CHARS:,}")
            case BadInput():
                return "refused", words.no_words
            case IndexMissing():
                return "failed", words.no_index.format(id=self.log_failure("question", error))
            case _ if self.is_closed():
                self.log_failure("question", error)
                return "closing", words.closing
            case _:
                return "failed", words.failed.format(id=self.log_failure("question", error))

    def log_failure(self, what: str, error: BaseException | None = None) -> str:
        """Write a failure to the log, and give the id that it stands under there."""
        failure = secrets.token_hex(4)
        error = error or sys.exception()
        if self.is_closed():
            log.info("broken off by closing id=%s what=%s error=%s", failure, what, type(error).__name__)
        elif isinstance(error, NewsquoteError):
            log.error("failed id=%s what=%s reason=%r", failure, what, str(error))
        elif isinstance(error, discord.Forbidden):
            log.warning("forbidden id=%s what=%s code=%d reason=%r", failure, what, error.code, error.text)
        elif isinstance(error, discord.HTTPException) and is_gone(error):
            log.warning("gone id=%s what=%s code=%d reason=%r", failure, what, error.code, error.text)
        else:
            log.error("failed id=%s what=%s", failure, what, exc_info=error or True)
        return failure

    def _count(self, reply: Reply, started: float) -> None:
        self.metrics.questions[reply.answer.status] += 1
        self.metrics.took(self._monotonic() - started)

    # Interactions ---------------------------------------------------------------------------------------

    async def answer_interaction(
        self,
        interaction: Interaction,
        said: str,
        bounds: Bounds | None = None,
        *,
        parent: Remembered | None = None,
        is_private: bool | None = None,
        is_counted: bool = True,
        is_kept: bool = True,
    ) -> None:
        """Answer a command, a form or a button that asks; without `is_kept` its words are not remembered."""
        said, own, started = without_tags(said), self.words_of(interaction), self._monotonic()
        guild = interaction.guild_id or 0
        settings = self.memory.settings(guild)
        private = settings.is_private if is_private is None else is_private
        try:
            if is_counted:
                self._check(said, guild, _places(interaction.channel, interaction.channel_id), interaction.user.id, own)
            elif self._is_closing:
                raise Refused(own.closing)
        except Refused as error:
            self.metrics.questions["refused"] += 1
            async with self.taken(interaction):
                await self.whisper(interaction, str(error))
            return
        is_in_time = None

        async def apologise(sentence: str) -> None:
            await self._apologise(interaction, sentence)

        async with self._taken(lambda: apologise(own.closing)), self._told(apologise, own):
            is_in_time = await respond(lambda: interaction.response.defer(thinking=True, ephemeral=private))
        if is_in_time is None:
            return
        words = own if private else self.words_of(interaction, public=True)
        where = Where(guild, interaction.channel_id or 0, interaction.user.id, is_private=private)

        async def tell(sentence: str) -> None:
            await again(lambda: interaction.edit_original_response(content=sentence))

        reply, sent = None, None
        async with self._taken(lambda: tell(words.closing)), self._told(tell, words):
            reply = await self.desk.ask(said, where, bounds, parent=parent, is_kept=is_kept)
            can_thread = not private and _can_thread(interaction)

            def card_with(written: Written | None) -> Card:
                assert reply is not None
                return answer_card(
                    reply.answer,
                    reply.remembered.id,
                    words,
                    is_question_shown=True,
                    is_kept=is_kept,
                    can_thread=can_thread,
                    written=written,
                )

            sent = await self._deliver(interaction, card_with(None), words, is_in_time=is_in_time, is_private=private)
            if sent is not None:
                self.memory.shown_in(reply.remembered.id, sent)
            self._count(reply, started)
        if reply is not None and sent is not None and (not guild or interaction.app_permissions.embed_links):

            async def edit(card: Card) -> None:
                # Where the first response was too late the answer stands in the channel, as a message of its own.
                if is_in_time:
                    await interaction.edit_original_response(content=card.content or None, **_body_of(card))
                elif interaction.channel is not None:
                    place = interaction.channel.get_partial_message(sent)  # type: ignore[union-attr]
                    await place.edit(content=card.content or None, **_body_of(card))

            await self._write(reply, card_with, edit)

    async def _write(
        self,
        reply: Reply,
        card_with: Callable[[Written | None], Card],
        edit: Callable[[Card], Awaitable[object]],
        prompt: int = 0,
    ) -> None:
        """Have the text above an answer written that is shown already, and put it in by edits.

        Whatever fails here takes nothing away: the answer stays as it is, with a line that there is no text.

        Args:
            reply: What was answered.
            card_with: The answer's card with a text, or without one.
            edit: Puts a card in place of the one shown.
            prompt: Message that asked, 0 where a command did.
        """
        task = asyncio.current_task()
        assert task is not None
        if self.writer is None or reply.answer.status != "answered" or self._is_closing:
            return

        async def show(written: Written | None) -> None:
            await again(lambda: edit(card_with(written)))

        self._pending[task] = lambda: show(None)
        if prompt:
            self._writing[prompt] = task
        try:
            last = await live(self.writer.drafts(reply.answer), show)
            self.metrics.texts[last.outcome] += 1
        except asyncio.CancelledError:
            # A text that was broken off is taken away again: what is there of it may be half an answer.
            self.metrics.texts["cancelled"] += 1
            with contextlib.suppress(discord.HTTPException, TimeoutError, *DROPPED):
                await asyncio.wait_for(show(None), TELL_S)
            raise
        except (discord.HTTPException, *DROPPED) as error:
            # The message is gone, or its token too old: the quotes were shown, and nobody waits for more.
            self.metrics.texts["not shown"] += 1
            log.info("text not shown error=%s", type(error).__name__)
        except Exception as error:  # noqa: BLE001, the answer is there; a fault of ours must not end in silence
            self.metrics.texts["failed"] += 1
            self.log_failure("text", error)
            with self._unheard():
                await show(Written("failed", reason="internal"))
        finally:
            self._pending.pop(task, None)
            self._writing.pop(prompt, None)

    async def _deliver(
        self, interaction: Interaction, card: Card, words: Words, *, is_in_time: bool, is_private: bool
    ) -> int | None:
        """Put a card in place of "thinking …", or into the channel where it is too late for that; the message's id."""
        if interaction.guild_id and not interaction.app_permissions.embed_links:
            card = short_form(card, words)
        view = view_of(card)
        if is_in_time:
            try:
                message = await again(
                    lambda: interaction.edit_original_response(
                        content=card.content or None, embeds=embeds_of(card), view=view
                    )
                )
            except discord.HTTPException as error:
                if is_gone(error):
                    log.info("place of an answer deleted before it interaction=%d", interaction.id)
                    return None
                if error.code not in TOO_LATE:
                    raise
            else:
                return message.id
        channel = interaction.channel
        if is_private or channel is None or not may_send(interaction.app_permissions, channel):
            log.warning("late answer dropped interaction=%d", interaction.id)
            return None
        sent = await again(lambda: send_once(channel, card, interaction.id))
        return sent.id

    async def whisper(self, interaction: Interaction, sentence: str) -> None:
        """A sentence for whoever asked alone, as the first response."""
        await respond(lambda: interaction.response.send_message(sentence, ephemeral=True))

    async def _command_failed(self, interaction: Interaction, error: discord.app_commands.AppCommandError) -> None:
        """The one end of everything that fails in a command."""
        cause = getattr(error, "original", error)
        words = self.words_of(interaction)
        if isinstance(error, discord.app_commands.CheckFailure):
            sentence = words.managers_only
        elif isinstance(error, discord.app_commands.TransformerError):  # of a channel: one that the bot does not know
            sentence = words.missing_permission.format(permission="View Channel")
        else:
            _, sentence = self._failed(cause, words)
        await self._apologise(interaction, sentence)

    async def _apologise(self, interaction: Interaction, sentence: str) -> None:
        with self._unheard():
            if interaction.response.is_done():
                await again(lambda: interaction.edit_original_response(content=sentence))
            else:
                await self.whisper(interaction, sentence)

    # Buttons and forms ----------------------------------------------------------------------------------

    async def pressed(self, interaction: Interaction, action: Action, answer_id: str, first: int) -> None:
        """Do what a button says."""
        words = self.words_of(interaction)
        async with self._told(lambda sentence: self._apologise(interaction, sentence), words, is_question=False):
            if action == "stop":
                await stop_standing(interaction, answer_id)
                return
            remembered = self.memory.answer(answer_id)
            if remembered is None:
                await self.whisper(interaction, words.expired)
            elif remembered.is_private and remembered.asker != interaction.user.id:
                await self.whisper(interaction, words.not_yours)
            else:
                await self._press(interaction, action, remembered, first, words)

    async def _press(
        self, interaction: Interaction, action: Action, remembered: Remembered, first: int, words: Words
    ) -> None:
        match action:
            case "follow" | "unfilter" | "stand" if remembered.question is None:
                await self.whisper(interaction, words.expired)
            case "up" | "down":
                value = 1 if action == "up" else -1
                self.memory.vote(remembered.id, interaction.user.id, value, self.desk.now_s())  # type: ignore[arg-type]
                self.metrics.votes[action] += 1
                await self.whisper(interaction, words.voted_up if action == "up" else words.voted_down)
            case "follow":
                await respond(lambda: interaction.response.send_modal(follow_up_form(remembered.id, words)))
            case "report":
                await respond(lambda: interaction.response.send_modal(report_form(remembered.id, words)))
            case "stand":
                assert remembered.question is not None
                await set_standing(interaction, remembered.question, remembered=remembered)
            case "more":
                await self._show_page(interaction, remembered, first)
            case "unfilter":
                assert remembered.question is not None
                await self.answer_interaction(
                    interaction,
                    remembered.question.text,
                    Bounds(read_filters=False),
                    parent=remembered,
                    is_private=remembered.is_private,
                )
            case "thread":
                async with self.taken(interaction):
                    await self._open_thread(interaction, remembered, words)

    async def _show_page(self, interaction: Interaction, remembered: Remembered, first: int) -> None:
        """Further quotes, as they were found with the answer, for whoever wants them alone."""
        words = self.words_of(interaction)
        async with self.taken(interaction):
            is_in_time = await respond(lambda: interaction.response.defer(thinking=True, ephemeral=True))
            quotes = await self.asker.quotes(remembered.places[first : first + N_ON_PAGE])
            card = page_card(quotes, first, len(remembered.places), remembered.id, words)
            await self._deliver(interaction, card, words, is_in_time=is_in_time, is_private=True)

    async def _open_thread(self, interaction: Interaction, remembered: Remembered, words: Words) -> None:
        message = interaction.message
        if message is None or not _can_thread(interaction):
            await self.whisper(interaction, words.not_here)
            return
        missing = _missing_for_thread(interaction.app_permissions)
        if missing:
            await self.whisper(interaction, words.missing_permission.format(permission=missing))
            return
        if message.thread is None and not interaction.permissions.create_public_threads:
            await self.whisper(interaction, words.may_not_thread)  # what they may not do, the bot does not do for them
            return
        await respond(lambda: interaction.response.defer(thinking=True, ephemeral=True))
        name = plain_name(remembered.said or (remembered.question.text if remembered.question else ""))
        try:
            thread = await again(lambda: message.create_thread(name=name, auto_archive_duration=1440))
            sentence, thread_id = words.thread_opened, thread.id
        except discord.HTTPException as error:
            if error.code != HAS_THREAD:
                raise
            sentence, thread_id = words.thread_exists, message.id  # a message's thread has the message's id
        self.memory.opened_thread(thread_id, self.desk.now_s())
        await again(lambda: interaction.edit_original_response(content=sentence.format(thread=f"<#{thread_id}>")))

    async def on_interaction(self, interaction: Interaction) -> None:
        """Submitted forms; commands and buttons come by their own ways."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        found = submitted(interaction)
        if found is None:
            return
        action, answer_id, text = found
        words = self.words_of(interaction)
        async with self._told(lambda sentence: self._apologise(interaction, sentence), words, is_question=False):
            remembered = self.memory.answer(answer_id)
            if remembered is None:
                await self.whisper(interaction, words.expired)
            elif action == "report":
                number = self.memory.report(answer_id, interaction.user.id, text, self.desk.now_s())
                self.metrics.n_reports += 1
                await self.whisper(interaction, words.reported.format(number=number))
            else:
                await self.answer_interaction(
                    interaction, text, parent=remembered, is_private=remembered.is_private or None
                )

    # Messages -------------------------------------------------------------------------------------------

    async def on_message(self, message: discord.Message, /) -> None:
        """Answer a mention, a reply to the bot, or a direct message; nothing else."""
        if not self._is_asked(message):
            return
        task = asyncio.current_task()
        assert task is not None
        self._by_prompt[message.id] = task
        try:
            await self._answer_message(message)
        finally:
            self._by_prompt.pop(message.id, None)

    def _is_asked(self, message: discord.Message) -> bool:
        if message.author.bot or message.webhook_id is not None or message.type not in _ASKS or self.user is None:
            return False
        # @everyone does not stand in `mentions`; a reply with its ping on does.
        return message.guild is None or any(user.id == self.user.id for user in message.mentions)

    def _parent(self, message: discord.Message) -> Remembered | None:
        """What a message follows up: the answer it replies to, else the last one of its thread or direct messages."""
        reference = message.reference
        if reference is not None and reference.message_id is not None:
            found = self.memory.answer_of_message(reference.message_id)
            if found is not None:
                return found
        if message.guild is None:
            return self.memory.last_in(message.channel.id, self.desk.now_s() - DM_CONVERSATION_S)
        if self.memory.is_own_thread(message.channel.id):
            last = self.memory.last_in(message.channel.id, 0)
            return last or self.memory.answer_of_message(message.channel.id)
        return None

    async def _answer_message(self, message: discord.Message) -> None:
        guild, words, started = message.guild, self.words_in(message.guild), self._monotonic()
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
            async with self._taken(lambda: tell(words.closing)), self._told(tell, words):
                self._check(said, guild.id if guild else 0, _places(message.channel), message.author.id, words)
                where = Where(guild.id if guild else 0, message.channel.id, message.author.id, prompt=message.id)
                reply = await self.desk.ask(said, where, parent=self._parent(message))
                sent = await self._reply(message, self._message_card(reply, message, words))
                if sent is None:
                    self.memory.forget_prompt(message.id)
                    return
                self.memory.shown_in(reply.remembered.id, sent.id)
                self._count(reply, started)
        finally:
            typing.cancel()
        if sent is not None and reply is not None:
            await self._write_in_message(reply, message, sent, words)

    async def _write_in_message(self, reply: Reply, message: discord.Message, shown: Any, words: Words) -> None:
        """Have the text written above an answer that stands in a message."""
        if message.guild is not None and not permissions_in(message.channel, message.guild).embed_links:
            return  # the short form has no room for it
        edited = self._edited.get(message.id)
        if edited is not None and _said(edited) != reply.remembered.said:
            return  # nobody waits for a text about what was asked before

        async def edit(card: Card) -> None:
            await shown.edit(content=card.content or None, **_body_of(card))

        await self._write(reply, lambda written: self._message_card(reply, message, words, written), edit, message.id)

    def _message_card(
        self, reply: Reply, message: discord.Message, words: Words, written: Written | None = None
    ) -> Card:
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
        with self._unheard():
            async with channel.typing():
                await asyncio.sleep(60)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Answer an edited question anew, in place of its old answer."""
        message = payload.message
        if not self._is_asked(message):
            return
        said = _said(message)
        writing, found = self._writing.get(message.id), self.memory.answer_to_prompt(message.id)
        if writing is not None and found is not None and said != found[0].said:
            writing.cancel()  # nobody waits any more for a text about what was asked before
        self._edited[message.id] = message
        try:
            before = self._by_prompt.get(message.id)
            if before is not None:
                await asyncio.wait({before})
            old, shown = self.memory.answer_to_prompt(message.id) or (None, None)
            shown = shown or self._refusals.get(message.id)
            is_same = message.edited_at is None if old is None else old.said == said
            if shown is None or is_same or not said:
                return  # never answered, or only its previews have changed
            if self._edited[message.id] is not message:
                return  # edited once more: the latest words are answered
            task = asyncio.current_task()
            assert task is not None
            self._by_prompt[message.id] = task
            try:
                await self._answer_anew(message, said, old, shown)
            finally:
                self._by_prompt.pop(message.id, None)
        finally:
            if self._edited.get(message.id) is message:
                del self._edited[message.id]

    async def _answer_anew(self, message: discord.Message, said: str, old: Remembered | None, shown: int) -> None:
        """Answer an edited question in place of its old answer, or of the sentence that refused it."""
        words, started = self.words_in(message.guild), self._monotonic()
        guild = message.guild.id if message.guild else 0
        place = message.channel.get_partial_message(shown)  # type: ignore[union-attr]
        reply, is_shown = None, False

        def is_known() -> bool:
            return old is None or self.memory.answer(old.id) is not None  # else it was to be forgotten meanwhile

        async def tell(sentence: str) -> None:
            # Alone: quotes below it would belong to the old question. Whatever comes next is asked, the old words too.
            await again(lambda: place.edit(content=sentence, embeds=[], view=None))
            if old is not None and is_known():
                self.memory.remember(replace(old, said=None))

        async with self._taken(lambda: tell(words.closing)), self._told(tell, words):
            # What was refused has not been asked yet, and waits for its person's pause as any question does.
            is_edit = old is not None
            self._check(said, guild, _places(message.channel), message.author.id, words, is_edit=is_edit)
            where = Where(guild, message.channel.id, message.author.id, prompt=message.id)
            parent = self._parent(message) if old is None else self.memory.answer(old.parent or "")
            reply = await self.desk.answered(said, where, parent=parent, answer_id=old.id if old else None)
            card = self._message_card(reply, message, words)
            try:
                await again(lambda: place.edit(content=card.content or None, **_body_of(card)))
            except discord.HTTPException as error:
                if not is_gone(error):
                    raise
                # Whoever may delete it did not want it there, nor another in its place.
                log.info("answer deleted before its question was edited channel=%d", message.channel.id)
                self._refusals.pop(message.id, None)
                self.memory.forget_prompt(message.id)
                return
            if is_known():
                self.desk.keep(reply, [shown])  # not before: the buttons belong to what is shown
            self._refusals.pop(message.id, None)
            is_shown = True
            self._count(reply, started)
        if reply is not None and is_shown:
            await self._write_in_message(reply, message, place, words)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Let a deleted question go."""
        self._let_go(payload.message_id)

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Let questions go that were deleted many at a time."""
        for message_id in payload.message_ids:
            self._let_go(message_id)

    def _let_go(self, prompt: int) -> None:
        task = self._by_prompt.get(prompt)
        if task is not None:
            task.cancel()
        self._refusals.pop(prompt, None)
        self.memory.forget_prompt(prompt)


def _said(message: discord.Message) -> str:
    """The message's words, without the mention of the bot and of others."""
    return without_tags(message.content)


def _body_of(card: Card) -> dict[str, Any]:
    return {"embeds": embeds_of(card), "view": view_of(card)}


# Places and permissions ---------------------------------------------------------------------------------


def _places(channel: Any, channel_id: int | None = None) -> tuple[int, ...]:
    """A channel's number, and its parent's for a thread."""
    found = (getattr(channel, "id", channel_id), getattr(channel, "parent_id", None))
    return tuple(number for number in found if number)


def _can_thread(interaction: Interaction) -> bool:
    """Whether a thread could be opened here: in a text channel of a server that the bot is on."""
    is_member = interaction.client.get_guild(interaction.guild_id or 0) is not None
    return is_member and isinstance(interaction.channel, discord.TextChannel)


def _missing_for_thread(permissions: discord.Permissions) -> str:
    needed = {
        "View Channel": permissions.view_channel,
        "Create Public Threads": permissions.create_public_threads,
        "Send Messages in Threads": permissions.send_messages_in_threads,
    }
    return ", ".join(name for name, has in needed.items() if not has)


def plain_name(said: str) -> str:
    """A thread's name from a question: names show no markup, so nothing is escaped."""
    line = " ".join(said.split())
    shown = "".join(char for char in line if char.isprintable())
    return shown[: THREAD_NAME_CHARS - 1] + "…" if len(shown) > THREAD_NAME_CHARS else shown or "newsquote"


# Running ------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def closed_by_signals(bot: NewsBot) -> AsyncIterator[None]:
    """SIGTERM and SIGINT shut the bot down in good order, be it running, starting or not even started."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    async with bot:  # what has not been entered or started cannot be closed
        for name in signals:
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(name, bot.shutdown)
        try:
            yield
        finally:
            for name in signals:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(name)


async def run_bot(bot: NewsBot, token: str) -> None:
    """Run until the bot is shut down or refused. What breaks off because it is shut down is no failure.

    Raises:
        BadInput: Discord does not accept the token, or no longer.
        NewsquoteError: Discord refuses the bot for another reason, or fails.
    """
    try:
        if bot._shutdown is None:
            bot._running = asyncio.create_task(bot.start(token), name="running")
            (failure,) = await asyncio.gather(bot._running, return_exceptions=True)
            if failure is not None and bot._shutdown is None:
                raise failure
    except (discord.HTTPException, discord.GatewayNotFound, discord.ConnectionClosed, discord.LoginFailure) as error:
        if isinstance(error, discord.LoginFailure) or getattr(error, "code", 0) == TOKEN_REFUSED:
            raise BadInput(
                "Discord does not accept the token in NEWSQUOTE_DISCORD_TOKEN; copy it anew from the application's "
                "page."
            ) from None
        raise NewsquoteError(
            f"Discord does not let the bot work ({' '.join(str(error).split())}); start it again, and look at "
            "discordstatus.com where that does not help."
        ) from error
    finally:
        # `start` returns as soon as the connection is closed; what comes after it in closing is waited for here.
        if bot._shutdown is not None:
            await bot._shutdown
        else:
            await bot.close()
