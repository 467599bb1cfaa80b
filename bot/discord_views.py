"""Buttons and forms below an answer. They hold nothing: their ids name an answer in bot.db, so that they work after a
restart and on any index. What they do is the bot's; here is only how they look and are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from bot.cards import CUSTOM_ID, Action, Button, Card
from bot.words.base import Words

if TYPE_CHECKING:
    from bot.discord_bot import NewsBot

_FORM_ID = re.compile(r"nq-form:(?P<action>follow|report):(?P<answer>[\w-]{4,40})")
FOLLOW_CHARS, REPORT_CHARS = 500, 500


class AnswerButton(ui.DynamicItem[ui.Button[Any]], template=CUSTOM_ID):
    """Any button below an answer."""

    def __init__(self, button: Button) -> None:
        self.action = button.action
        self.answer = button.answer
        self.first = button.first
        is_main = button.action == "follow"
        super().__init__(
            ui.Button(
                style=discord.ButtonStyle.primary if is_main else discord.ButtonStyle.secondary,
                label=button.label or None,
                emoji=button.sign or None,
                custom_id=button.custom_id,
                row=button.row,
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        action: Action = match["action"]  # type: ignore[assignment]
        return cls(Button(action, match["answer"], sign="🔘", first=int(match["first"])))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        bot: NewsBot = interaction.client
        await bot.pressed(interaction, self.action, self.answer, self.first)


def view_of(card: Card) -> ui.View | None:
    """A card's buttons; None where it has none."""
    if not card.buttons:
        return None
    view = ui.View(timeout=None)
    for button in card.buttons:
        view.add_item(AnswerButton(button))
    return view


def follow_up_form(answer: str, words: Words) -> ui.Modal:
    """The form for another question about an answer."""
    return _form(
        f"nq-form:follow:{answer}",
        words.follow_up_title,
        words.follow_up_label,
        words.follow_up_hint,
        FOLLOW_CHARS,
        discord.TextStyle.short,
    )


def report_form(answer: str, words: Words) -> ui.Modal:
    """The form in which a wrong quote is reported."""
    return _form(
        f"nq-form:report:{answer}",
        words.report_title,
        words.report_label,
        words.report_hint,
        REPORT_CHARS,
        discord.TextStyle.paragraph,
    )


def _form(form_id: str, title: str, label: str, hint: str, n_chars: int, style: discord.TextStyle) -> ui.Modal:
    # Submitted forms are read from the raw interaction (`submitted`), so that one opened before a restart still works;
    # the time limit only lets discord.py forget the object.
    form = ui.Modal(title=title, custom_id=form_id, timeout=900)
    form.add_item(ui.TextInput(label=label, placeholder=hint, max_length=n_chars, style=style, custom_id="text"))
    return form


def submitted(interaction: discord.Interaction[Any]) -> tuple[Action, str, str] | None:
    """What a submitted form does, the answer it belongs to and the text typed in; None for a form of somebody else."""
    found: Mapping[str, Any] = interaction.data or {}
    match = _FORM_ID.fullmatch(str(found.get("custom_id", "")))
    if match is None:
        return None
    text = next((str(part.get("value", "")) for part in _parts(found) if part.get("custom_id") == "text"), "")
    action: Action = match["action"]  # type: ignore[assignment]
    return action, match["answer"], text


def _parts(part: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every component inside one: in rows, and in labels as newer forms have them."""
    inner = [*part.get("components", ()), *filter(None, [part.get("component")])]
    for one in inner:
        yield one
        yield from _parts(one)
