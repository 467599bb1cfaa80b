"""What the buttons below an answer do, and the forms that they open.

Whatever they show again is read from the store by its place, as `bot.memory` keeps no text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.cards import N_ON_PAGE, Action, page_card
from bot.desk import Bounds
from bot.discord_send import HAS_THREAD, again, can_thread, respond
from bot.discord_standing import set_standing, stop_standing
from bot.discord_views import follow_up_form, report_form, submitted
from bot.remembered import Remembered
from bot.words.base import Words

if TYPE_CHECKING:
    from bot.discord_bot import Interaction

THREAD_NAME_CHARS = 90


async def pressed(interaction: Interaction, action: Action, answer_id: str, first: int) -> None:
    """Do what a button says."""
    bot, words = interaction.client, interaction.client.words_of(interaction)
    async with bot.told(interaction):
        if action == "stop":
            await stop_standing(interaction, answer_id)
            return
        remembered = bot.memory.answer(answer_id)
        if remembered is None:
            await bot.whisper(interaction, words.expired)
        elif remembered.is_private and remembered.asker != interaction.user.id:
            await bot.whisper(interaction, words.not_yours)
        else:
            await _press(interaction, action, remembered, first, words)


async def _press(interaction: Interaction, action: Action, remembered: Remembered, first: int, words: Words) -> None:
    bot = interaction.client
    match action:
        case "follow" | "unfilter" | "stand" if remembered.question is None:
            await bot.whisper(interaction, words.expired)
        case "up" | "down":
            value = 1 if action == "up" else -1
            bot.memory.vote(remembered.id, interaction.user.id, value, bot.desk.now_s())  # type: ignore[arg-type]
            bot.metrics.votes[action] += 1
            await bot.whisper(interaction, words.voted_up if action == "up" else words.voted_down)
        case "follow":
            await respond(lambda: interaction.response.send_modal(follow_up_form(remembered.id, words)))
        case "report":
            await respond(lambda: interaction.response.send_modal(report_form(remembered.id, words)))
        case "stand":
            assert remembered.question is not None
            await set_standing(interaction, remembered.question, remembered=remembered)
        case "more":
            await _show_page(interaction, remembered, first)
        case "unfilter":
            assert remembered.question is not None
            await bot.answer_interaction(
                interaction,
                remembered.question.text,
                Bounds(read_filters=False),
                parent=remembered,
                is_private=remembered.is_private or None,  # what was public may have to be private by now
            )
        case "thread":
            async with bot.taken(interaction):
                await _open_thread(interaction, remembered, words)


async def _show_page(interaction: Interaction, remembered: Remembered, first: int) -> None:
    """Further quotes, as they were found with the answer, for whoever wants them alone."""
    bot, words = interaction.client, interaction.client.words_of(interaction)
    async with bot.taken(interaction):
        is_in_time = await respond(lambda: interaction.response.defer(thinking=True, ephemeral=True))
        quotes = await bot.asker.quotes(remembered.places[first : first + N_ON_PAGE])
        card = page_card(quotes, first, len(remembered.places), remembered.id, words)
        await bot.deliver(interaction, card, words, is_in_time=is_in_time, is_private=True)


async def _open_thread(interaction: Interaction, remembered: Remembered, words: Words) -> None:
    """Open a thread below an answer, or point to the one that is there; follow-ups in it need no mention."""
    bot, message = interaction.client, interaction.message
    if message is None or not can_thread(interaction):
        await bot.whisper(interaction, words.not_here)
        return
    missing = _missing_for_thread(interaction.app_permissions)
    if missing:
        await bot.whisper(interaction, words.missing_permission.format(permission=missing))
        return
    if message.thread is None and not interaction.permissions.create_public_threads:
        await bot.whisper(interaction, words.may_not_thread)  # what they may not do, the bot does not do for them
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
    bot.memory.opened_thread(thread_id, bot.desk.now_s())
    await again(lambda: interaction.edit_original_response(content=sentence.format(thread=f"<#{thread_id}>")))


async def filled_in(interaction: Interaction) -> None:
    """Do what a submitted form asks for; of any other interaction nothing."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return
    found = submitted(interaction)
    if found is None:
        return
    action, answer_id, text = found
    bot, words = interaction.client, interaction.client.words_of(interaction)
    async with bot.told(interaction):
        remembered = bot.memory.answer(answer_id)
        if remembered is None:
            await bot.whisper(interaction, words.expired)
        elif action == "report":
            number = bot.memory.report(answer_id, interaction.user.id, text, bot.desk.now_s())
            bot.metrics.n_reports += 1
            await bot.whisper(interaction, words.reported.format(number=number))
        else:
            await bot.answer_interaction(interaction, text, parent=remembered, is_private=remembered.is_private or None)


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
