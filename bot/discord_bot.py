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
from typing import Any

import discord
from discord.ext import commands

from bot.cards import Action, Card, answer_card, short_form
from bot.cooldown import Cooldown
from bot.desk import Bounds, Desk, Reply, Where
from bot.discord_admin import SettingsGroup
from bot.discord_buttons import filled_in, pressed
from bot.discord_commands import Translator, add_commands, only_in
from bot.discord_messages import Messages
from bot.discord_send import (
    DROPPED,
    TOO_LATE,
    again,
    can_thread,
    edit_of,
    is_gone,
    may_send,
    places_of,
    respond,
    send_once,
)
from bot.discord_standing import LOOK_S, StandingGroup, Teller
from bot.discord_views import AnswerButton
from bot.llm_write import Writer, live
from bot.markdown import without_tags
from bot.memory import Memory
from bot.metrics import Health, Metrics
from bot.remembered import Remembered
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
TOKEN_REFUSED = 4004  # the gateway closes with it, also in the midst of things where a token is revoked
FORGET_EVERY_S = 3_600
_BEGINS_SESSION = ("READY", "RESUMED")


class Refused(Exception):
    """A question that is not taken; `str()` is the sentence for whoever asked."""


class NewsBot(commands.AutoShardedBot):
    """The bot.

    Args:
        desk: Takes questions; its memory and asker are the bot's, started and closed with it.
        writer: Has a language model write above the quotes; nothing is written if there is none.
        sync: Sync the command tree even where it has not changed.
        monotonic: Seconds for cooldowns and durations.
        look_s: Seconds between two looks for news on standing questions.
    """

    def __init__(
        self,
        desk: Desk,
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
        self.metrics = Metrics()
        self.writer = writer
        self.started_s = desk.now_s()
        self._sync = sync
        self.monotonic = monotonic
        self._look_s = look_s
        self._cooldown = Cooldown()
        self._pending: dict[asyncio.Task[Any], Callable[[], Awaitable[object]]] = {}
        self._messages = Messages(self)
        self._is_closing = False
        self._shutdown: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self.tree.error(self._command_failed)
        self._bear_malformed_events()

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

    def _bear_malformed_events(self) -> None:
        """Have an event that the library cannot read logged and passed over, where it would end the bot.

        Those that begin a session are read as they were: without them there is none.
        """

        def borne(name: str, read: Callable[[Any], None]) -> Callable[[Any], None]:
            def read_or_logged(data: Any) -> None:
                try:
                    read(data)
                except Exception as error:  # noqa: BLE001, whatever a reader of events makes of one that lacks a field
                    self.log_failure(f"gateway event {name}", error)

            return read_or_logged

        parsers = self._connection.parsers
        parsers.update({name: borne(name, read) for name, read in parsers.items() if name not in _BEGINS_SESSION})

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
        """Stop what was to be told in a deleted channel, and drop it from the settings unless it is the last: none
        allowed means that all are, and where the bot was kept to one channel nobody wants it everywhere.
        """
        self.memory.stop_standing_in(channel.id)
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

    def admit(
        self, said: str, guild: int, channels: tuple[int, ...], person: int, words: Words, *, is_edit: bool = False
    ) -> None:
        """Raise `Refused` where a question is not taken; else count it for the cooldown. Takes microseconds.

        The first edits need not wait for their person's last question: they are that question, with a slip put right.
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
        now = self.monotonic()
        until = self._cooldown.person_until(person, guild, settings.person_cooldown_s, now, is_edit=is_edit)
        if until is not None:
            raise Refused(words.wait.format(n=math.ceil(until - now)))
        until = self._cooldown.guild_until(guild, settings.guild_per_minute, now) if guild else None
        if until is not None:
            raise Refused(words.wait_guild.format(n=math.ceil(until - now)))
        self._cooldown.asked(person, guild, now, is_edit=is_edit)

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
                with self.unheard():
                    await tell()
            raise
        finally:
            self._pending.pop(task, None)

    @contextlib.asynccontextmanager
    async def answering(self, tell: Callable[[str], Awaitable[object]], words: Words) -> AsyncIterator[None]:
        """What is done while a question is answered: waited for in closing, and its failure told in a sentence."""
        async with self._taken(lambda: tell(words.closing)), self._told(tell, words):
            yield

    def taken(self, interaction: Interaction) -> contextlib.AbstractAsyncContextManager[None]:
        """Count what an interaction has done among the pending, so that its end is waited for or told; no question."""
        words = self.words_of(interaction)
        return self._taken(lambda: self._apologise(interaction, words.closing), is_question=False)

    def told(self, interaction: Interaction) -> contextlib.AbstractAsyncContextManager[None]:
        """Tell whoever acts on an answer what fails in it; no question."""
        words = self.words_of(interaction)
        return self._told(lambda sentence: self._apologise(interaction, sentence), words, is_question=False)

    @contextlib.contextmanager
    def unheard(self) -> Iterator[None]:
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
            with self.unheard():
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

    def count(self, reply: Reply, started: float) -> None:
        """Count a question that was answered, and how long that took."""
        self.metrics.questions[reply.answer.status] += 1
        self.metrics.took(self.monotonic() - started)

    # Interactions ---------------------------------------------------------------------------------------

    async def answer_interaction(
        self,
        interaction: Interaction,
        said: str,
        bounds: Bounds | None = None,
        *,
        parent: Remembered | None = None,
        is_private: bool | None = None,
        is_kept: bool = True,
    ) -> None:
        """Answer a command, a form or a button that asks; without `is_kept` its words are not remembered."""
        said, own, started = without_tags(said), self.words_of(interaction), self.monotonic()
        guild = interaction.guild_id or 0
        settings = self.memory.settings(guild)
        private = settings.is_private if is_private is None else is_private
        try:
            self.admit(said, guild, places_of(interaction.channel, interaction.channel_id), interaction.user.id, own)
        except Refused as error:
            self.metrics.questions["refused"] += 1
            async with self.taken(interaction):
                await self.whisper(interaction, str(error))
            return
        is_in_time = None

        async def apologise(sentence: str) -> None:
            await self._apologise(interaction, sentence)

        async with self.answering(apologise, own):
            is_in_time = await respond(lambda: interaction.response.defer(thinking=True, ephemeral=private))
        if is_in_time is None:
            return
        words = own if private else self.words_of(interaction, public=True)
        where = Where(guild, interaction.channel_id or 0, interaction.user.id, is_private=private)

        async def tell(sentence: str) -> None:
            await again(lambda: interaction.edit_original_response(content=sentence))

        reply, sent = None, None
        async with self.answering(tell, words):
            reply = await self.desk.ask(said, where, bounds, parent=parent, is_kept=is_kept)
            with_thread = not private and can_thread(interaction)

            def card_with(written: Written | None) -> Card:
                assert reply is not None
                return answer_card(
                    reply.answer,
                    reply.remembered.id,
                    words,
                    is_question_shown=True,
                    is_kept=is_kept,
                    can_thread=with_thread,
                    written=written,
                )

            sent = await self.deliver(interaction, card_with(None), words, is_in_time=is_in_time, is_private=private)
            if sent is not None:
                self.memory.shown_in(reply.remembered.id, sent)
            self.count(reply, started)
        if reply is not None and sent is not None and (not guild or interaction.app_permissions.embed_links):

            async def edit(card: Card) -> None:
                # Where the first response was too late the answer stands in the channel, as a message of its own.
                if is_in_time:
                    await interaction.edit_original_response(**edit_of(card))
                elif interaction.channel is not None:
                    place = interaction.channel.get_partial_message(sent)  # type: ignore[union-attr]
                    await place.edit(**edit_of(card))

            await self.write(reply, card_with, edit)

    async def write(
        self,
        reply: Reply,
        card_with: Callable[[Written | None], Card],
        edit: Callable[[Card], Awaitable[object]],
    ) -> None:
        """Have the text written that goes above an answer already shown, and put it in by edits.

        Whatever fails here takes nothing away: the answer stays as it is, with a line that there is no text.

        Args:
            reply: What was answered.
            card_with: The answer's card with a text, or without one.
            edit: Puts a card in place of the one shown.
        """
        task = asyncio.current_task()
        assert task is not None
        if self.writer is None or reply.answer.status != "answered" or self._is_closing:
            return

        async def show(written: Written | None) -> None:
            await again(lambda: edit(card_with(written)))

        self._pending[task] = lambda: show(None)
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
            failure = self.log_failure("text", error)
            with self.unheard():
                await show(Written("failed", reason="internal", failure=failure))
        finally:
            self._pending.pop(task, None)

    async def deliver(
        self, interaction: Interaction, card: Card, words: Words, *, is_in_time: bool, is_private: bool
    ) -> int | None:
        """Put a card in place of "thinking …", or into the channel where it is too late for that; the message's id."""
        if interaction.guild_id and not interaction.app_permissions.embed_links:
            card = short_form(card, words)
        if is_in_time:
            edit = edit_of(card)
            try:
                message = await again(lambda: interaction.edit_original_response(**edit))
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
        with self.unheard():
            if interaction.response.is_done():
                await again(lambda: interaction.edit_original_response(content=sentence))
            else:
                await self.whisper(interaction, sentence)

    # What is heard -------------------------------------------------------------------------------------

    async def on_message(self, message: discord.Message, /) -> None:
        await self._messages.heard(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        await self._messages.edited(payload.message)

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self._messages.deleted(payload.message_id)

    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        for message_id in payload.message_ids:
            self._messages.deleted(message_id)

    async def on_interaction(self, interaction: Interaction) -> None:
        await filled_in(interaction)  # commands and buttons come by their own ways

    async def pressed(self, interaction: Interaction, action: Action, answer_id: str, first: int) -> None:
        """Do what a button says."""
        await pressed(interaction, action, answer_id, first)


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
