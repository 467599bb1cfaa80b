"""The harness' page in Chromium: what a person does on it reaches a real discord.py client, and comes back drawn.

The bot here is small and does everything once; the bot that ships is tested over the same stand-in elsewhere, and at
the end of this module through `newsquote harness`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import discord
import pytest
from discord import app_commands

pytest.importorskip("playwright.async_api", reason="playwright is not installed: pip install '.[browser]'")

from playwright.async_api import Browser, Page, expect

from bot.harness import page_served
from bot.harness_page import Stage, set_stage
from bot.standin import StandIn
from tests.browser import chromium_beside
from tests.discord_support import connected, run

ROOT = Path(__file__).parent.parent
RUN = "from newsquote import main; main()"
LIMIT_MS = 8_000
LINK = "https://harbor-courier.example/2025/04/18/rates#:~:text=hold%20rates"
QUOTE = f"> … will **hold rates at 4.25 percent** until the autumn …\n[Harbor Courier]({LINK}) · <t:1744934400:D>"


class Form(discord.ui.Modal, title="Follow up"):
    question: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Your question")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"You asked: {self.question.value}", ephemeral=True)


class Buttons(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Follow up", style=discord.ButtonStyle.primary)
    async def follow_up(self, interaction: discord.Interaction, button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.button(label="Continue in a thread")
    async def thread(self, interaction: discord.Interaction, button: discord.ui.Button[Buttons]) -> None:
        assert interaction.message is not None
        thread = await interaction.message.create_thread(name="Rates")
        await thread.send("Go on.")
        await interaction.response.send_message("Opened.", ephemeral=True)

    @discord.ui.button(label="More quotes")
    async def more(self, interaction: discord.Interaction, button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.edit_message(content="Further quotes")

    @discord.ui.select(
        options=[
            discord.SelectOption(label="Harbor Courier", default=True),
            discord.SelectOption(label="Vallmere Post"),
        ]
    )
    async def source(self, interaction: discord.Interaction, select: discord.ui.Select[Buttons]) -> None:
        await interaction.response.send_message(f"Only {select.values[0]}.", ephemeral=True)

    @discord.ui.button(label="Late")
    async def late(self, interaction: discord.Interaction, button: discord.ui.Button[Buttons]) -> None:
        """Never responds."""


class Layout(discord.ui.LayoutView):
    def __init__(self) -> None:
        super().__init__()
        row: discord.ui.ActionRow[Layout] = discord.ui.ActionRow(
            discord.ui.Button(label="Open", url="https://h.example/")
        )
        self.add_item(discord.ui.Container(discord.ui.TextDisplay(QUOTE), discord.ui.Separator(), row))


class Bot(discord.AutoShardedClient):
    """Answers a mention, `/ask`, a message's menu, and buttons."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
        super().__init__(intents=intents, allowed_mentions=discord.AllowedMentions.none())
        self.tree = app_commands.CommandTree(self)
        self.may_go_on = asyncio.Event()

        @self.tree.command(description="Ask the corpus")
        @app_commands.describe(question="What you want to know", source="Only this outlet", private="Only you see it")
        async def ask(
            interaction: discord.Interaction, question: str, source: str | None = None, private: bool = False
        ) -> None:
            await interaction.response.defer(thinking=True, ephemeral=private)
            if question == "slow":
                await self.may_go_on.wait()
            if question == "layout":
                await interaction.followup.send(view=Layout())
                return
            card = discord.Embed(title="Rates", description=QUOTE, colour=0x248046).set_footer(text=f"source: {source}")
            await interaction.followup.send(embed=card, view=Buttons())

        @ask.autocomplete("source")
        async def outlets(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
            names = ("Harbor Courier", "Vallmere Post")
            return [app_commands.Choice(name=name, value=name) for name in names if typed.lower() in name.lower()]

        @self.tree.context_menu(name="Find sources")
        async def find(interaction: discord.Interaction, message: discord.Message) -> None:
            await interaction.response.send_message(f"About: {message.content}")

        settings = app_commands.Group(name="settings", description="How the bot behaves")
        self.tree.add_command(settings)

        @settings.command(description="Show the settings")
        async def show(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("Asked <t:4102444800:R>", ephemeral=True)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot or (message.guild and self.user not in message.mentions):
            return
        async with message.channel.typing():
            await self.may_go_on.wait()
        await message.reply("Heard **you**.")


@dataclass(frozen=True, slots=True)
class Scene:
    """A page that is open on a stage with a bot on the line."""

    stage: Stage
    bot: Bot
    browser: Browser
    page: Page
    url: str

    @property
    def standin(self) -> StandIn:
        return self.stage.standin

    async def person(self, name: str) -> None:
        await self.page.click(f"#people button:has-text('{name}')")

    async def ask(self, question: str, *, private: bool = False) -> None:
        await self.page.click("#text")
        await self.page.keyboard.type("/ask")
        await expect(self.page.locator("#list button")).to_have_count(1)
        await self.page.keyboard.press("Enter")
        await self.page.keyboard.type(question)
        if private:
            await self.page.click("[data-add=private]")
            await self.page.locator("[name=question]").focus()
        await self.page.keyboard.press("Enter")


@asynccontextmanager
async def scene(width: int = 1100, height: int = 800) -> AsyncIterator[Scene]:
    bot = Bot()
    async with (
        StandIn() as standin,
        page_served(stage := set_stage(standin)) as url,
        chromium_beside() as browser,
        connected(standin, bot),
    ):
        page = await browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.set_default_timeout(LIMIT_MS)
        expect.set_options(timeout=LIMIT_MS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        await page.goto(url)
        await expect(page.locator("#state")).to_have_text("bot online")
        yield Scene(stage, bot, browser, page, url)
        assert wrong == []


def test_a_mention_shows_that_the_bot_types_and_then_its_reply() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.page.fill("#text", "@new")
            await on.page.keyboard.press("Enter")
            await on.page.keyboard.type("who won?")
            await on.page.keyboard.press("Enter")
            await expect(on.page.locator("article .mention")).to_have_text("@newsquote")
            await expect(on.page.locator("#typing")).to_contain_text("newsquote is typing")
            on.bot.may_go_on.set()
            reply = on.page.locator("article", has_text="Heard you.")
            await expect(reply.locator(".md b")).to_have_text("you")
            await expect(reply.locator(".reply")).to_contain_text("@newsquote who won?")
            await expect(on.page.locator("#typing")).to_be_empty()

    run(test())


def test_a_slash_command_is_filled_in_with_the_bots_own_choices_and_shows_its_card() -> None:
    async def test() -> None:
        async with scene() as on:
            page = on.page
            await page.click("#text")
            await page.keyboard.type("/")
            await expect(page.locator("#list button b")).to_have_text(["/ask", "/settings show"])
            await expect(page.locator("#list button").first).to_contain_text("Ask the corpus")
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
            await expect(page.locator("#problem")).to_contain_text("required")
            await page.locator("[name=question]").fill("what did the bank decide?")
            await page.click("[data-add=source]")
            await page.keyboard.type("va")
            await expect(page.locator("#list button")).to_have_text(["Vallmere Post"])
            await page.keyboard.press("Tab")
            await page.keyboard.press("Enter")
            card = page.locator(".embed")
            await expect(card.locator("blockquote b")).to_have_text("hold rates at 4.25 percent")
            await expect(card.locator("a")).to_have_attribute("href", LINK)
            await expect(card.locator("time")).to_have_text("April 18, 2025")
            await expect(card.locator("footer")).to_have_text("source: Vallmere Post")
            await expect(page.locator("article .reply")).to_have_text("Annused /ask")

    run(test())


def test_commands_that_come_while_one_is_typed_are_offered() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.page.click("#text")
            await on.page.keyboard.type("/late")
            await expect(on.page.locator("#list")).to_have_text("No command begins so.")

            @on.bot.tree.command(description="Late")
            async def late(interaction: discord.Interaction) -> None:
                """Never run."""

            await on.bot.tree.sync()
            await expect(on.page.locator("#list button b")).to_have_text("/late")

    run(test())


def test_a_command_within_another_is_found_by_its_whole_name() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.page.click("#text")
            await on.page.keyboard.type("/settings sh")
            await expect(on.page.locator("#list button")).to_have_count(1)
            await on.page.keyboard.press("Enter")
            await on.page.keyboard.press("Enter")
            await expect(on.page.locator(".ephemeral time")).to_contain_text("years")
            await expect(on.page.locator("article .reply")).to_have_text("Annused /settings")

    run(test())


def test_thinking_is_shown_until_the_answer_comes() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("slow")
            await expect(on.page.locator(".thinking")).to_contain_text("newsquote is thinking")
            on.bot.may_go_on.set()
            await expect(on.page.locator(".embed")).to_be_visible()
            await expect(on.page.locator(".thinking")).to_have_count(0)
            await expect(on.page.locator(".edited")).to_have_count(0)

    run(test())


def test_components_of_the_second_kind_are_drawn() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("layout")
            box = on.page.locator(".container")
            await expect(box.locator("blockquote b")).to_have_text("hold rates at 4.25 percent")
            await expect(box.locator("hr")).to_have_count(1)
            await expect(box.locator("a.button")).to_have_attribute("href", "https://h.example/")

    run(test())


def test_a_button_opens_a_form_and_what_is_filled_in_arrives() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            await on.page.click("text=Follow up")
            await expect(on.page.locator("dialog h1")).to_have_text("Follow up")
            await on.page.keyboard.type("and when?")
            await on.page.keyboard.press("Enter")
            await expect(on.page.locator("dialog")).not_to_be_visible()
            await expect(on.page.locator(".ephemeral")).to_contain_text("You asked: and when?")

    run(test())


def test_what_is_wrong_with_a_form_is_said_in_it() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            for _ in range(2):
                await on.page.click("text=Follow up")
                await expect(on.page.locator("dialog")).to_be_visible()
                assert not await on.page.locator("#problem").is_visible()
                await on.page.keyboard.type("and when?")
                form = max(on.standin.world.interactions.values(), key=lambda one: one.id)
                form.is_submitted = True  # as if it had been sent on another page
                await on.page.keyboard.press("Enter")
                await expect(on.page.locator("dialog #problem")).to_contain_text("submitted before")
                await expect(on.page.locator("dialog #problem")).to_be_in_viewport()
                form.is_submitted = False
                await on.page.keyboard.press("Enter")
                await expect(on.page.locator("dialog")).not_to_be_visible()
            await on.page.evaluate("problem('Elsewhere')")
            await expect(on.page.locator("body > #problem")).to_be_visible()

    run(test())


def test_enter_pressed_twice_sends_a_form_once() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            await on.page.click("text=Follow up")
            await expect(on.page.locator("dialog h1")).to_have_text("Follow up")
            await on.page.keyboard.type("and when?")
            await on.page.evaluate("[0, 1].map(() => document.querySelector('dialog form').requestSubmit())")
            await expect(on.page.locator(".ephemeral")).to_contain_text("You asked: and when?")
            await expect(on.page.locator("#problem")).to_be_hidden()

    run(test())


def test_a_button_that_nobody_answers_says_so_beneath_its_message() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            await on.page.click("text=Late")
            await expect(on.page.locator("article .failed")).to_have_text("This interaction failed")
            await expect(on.page.locator("button", has_text="Late")).to_be_enabled()

    run(test())


def test_a_message_that_comes_leaves_the_others_alone() -> None:
    """The focus and what is selected stay, and a screen reader hears the new one only."""
    watch = """() => {
      const seen = window.seen = { added: 0, removed: 0 };
      new MutationObserver((changes) => changes.forEach((one) => {
        seen.added += one.addedNodes.length;
        seen.removed += one.removedNodes.length;
      })).observe(document.querySelector("#messages"), { childList: true, subtree: true });
    }"""

    async def test() -> None:
        async with scene() as on:
            world, channel = on.standin.world, on.stage.channels[0]
            world.post(channel, on.standin.bot, {"content": "Asked <t:1744934400:R>"})
            await on.ask("who?")
            button = on.page.locator("article button", has_text="Follow up")
            await button.focus()
            await on.page.evaluate("getSelection().selectAllChildren(document.querySelector('.embed blockquote'))")
            await on.page.evaluate(watch)
            world.post(channel, on.standin.bot, {"content": "late"})
            await expect(on.page.locator("article")).to_have_count(3)
            await on.page.wait_for_timeout(1_500)  # the relative time is looked at every second
            assert await on.page.evaluate("seen") == {"added": 1, "removed": 0}
            await expect(button).to_be_focused()
            assert "hold rates" in await on.page.evaluate("getSelection().toString()")

    run(test())


def test_a_button_that_is_pressed_keeps_the_focus() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            form = on.page.locator("article button", has_text="Follow up")
            await form.press("Enter")
            await expect(on.page.locator("dialog")).to_be_visible()
            await on.page.keyboard.press("Escape")
            await expect(form).to_be_focused()
            await expect(form).to_be_enabled()
            more = on.page.locator("article button", has_text="More quotes")
            await more.press("Enter")
            await expect(on.page.locator("article")).to_contain_text("Further quotes")
            await expect(more).to_be_focused()

    run(test())


def test_a_select_can_be_used_again() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            for n in (1, 2):
                await on.page.locator("article select").select_option("Vallmere Post")
                await expect(on.page.locator(".ephemeral", has_text="Only Vallmere Post.")).to_have_count(n)
                await expect(on.page.locator("article select")).to_have_value("Harbor Courier")

    run(test())


def test_a_thread_is_opened_and_begins_with_its_message() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?")
            await on.page.click("text=Continue in a thread")
            await on.page.click("text=Open the thread")
            await expect(on.page.locator("#where")).to_have_text("⤷ Rates")
            await expect(on.page.locator("article").first.locator(".embed")).to_be_visible()
            await expect(on.page.locator("article").last).to_contain_text("Go on.")
            await expect(on.page.locator("#places .thread")).to_have_attribute("aria-current", "true")

    run(test())


def test_the_menu_of_a_message_runs_the_bots_command_on_it() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.page.fill("#text", "The mayor resigned.")
            await on.page.keyboard.press("Enter")
            await on.page.locator("article").click(button="right")
            await on.page.click("#menu >> text=Find sources")
            await expect(on.page.locator("article").last).to_contain_text("About: The mayor resigned.")

    run(test())


def test_what_can_be_done_with_a_message_is_reached_by_keyboard() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.page.fill("#text", "The mayor resigned.")
            await on.page.keyboard.press("Enter")
            more = on.page.locator("article [aria-label=More]")
            await expect(more).to_have_count(1)
            await on.page.keyboard.press("Shift+Tab")
            await expect(more).to_be_focused()
            await expect(on.page.locator("article .tools")).to_have_css("opacity", "1")
            for key in ("Escape", "Tab"):
                await more.press("Enter")
                for step, label in (
                    ("Home", "Reply"),
                    ("ArrowDown", "Edit"),
                    ("End", "Find sources"),
                    ("ArrowDown", "Reply"),
                    ("ArrowUp", "Find sources"),
                ):
                    await on.page.keyboard.press(step)
                    await expect(on.page.locator("#menu :focus")).to_have_text(label)
                await on.page.keyboard.press(key)
                await expect(on.page.locator("#menu")).to_be_hidden()
                await expect(more if key == "Escape" else on.page.locator("#text")).to_be_focused()
            await on.page.locator("#theme").hover()
            await expect(on.page.locator("article .tools")).to_have_css("opacity", "0")

    run(test())


def test_ones_own_message_is_edited_and_deleted() -> None:
    async def test() -> None:
        async with scene() as on:
            on.bot.may_go_on.set()
            await on.page.fill("#text", "@newsquote wo won?")
            await on.page.keyboard.press("Enter")
            mine = on.page.locator("article", has_text="wo won?").first
            await mine.click(button="right")
            await on.page.click("#menu >> text=Edit")
            await expect(on.page.locator("#text")).to_have_value("@newsquote wo won?")
            await on.page.fill("#text", "@newsquote who won?")
            await on.page.keyboard.press("Enter")
            edited = on.page.locator("article", has_text="(edited)")
            await expect(edited.locator(".md")).to_have_text("@newsquote who won?")
            await edited.click(button="right")
            await on.page.click("#menu >> text=Delete")
            await expect(edited).to_have_count(0)

    run(test())


@pytest.mark.parametrize("elsewhere", ["#places >> text=lunch", "#people >> text=Ben", "[aria-label=Reply] >> nth=-1"])
def test_what_was_being_edited_is_not_posted_elsewhere(elsewhere: str) -> None:
    async def test() -> None:
        async with scene() as on:
            for text in ("first", "second"):
                await on.page.fill("#text", text)
                await on.page.keyboard.press("Enter")
            await on.page.locator("article", has_text="first").click(button="right")
            await on.page.click("#menu >> text=Edit")
            await expect(on.page.locator("#text")).to_have_value("first")
            await on.page.locator("article").last.hover()
            await on.page.click(elsewhere)
            await expect(on.page.locator("#text")).to_have_value("")

    run(test())


def test_what_is_for_one_person_is_not_shown_to_the_other() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.ask("who?", private=True)
            await expect(on.page.locator(".ephemeral .embed")).to_be_visible()
            await on.person("Ben")
            await expect(on.page.locator("article")).to_have_count(0)
            await on.page.fill("#text", "hello")
            await on.page.keyboard.press("Enter")
            await expect(on.page.locator("article .who b")).to_have_text("Ben")
            await on.person("Ann")
            await expect(on.page.locator(".ephemeral .embed")).to_be_visible()
            await on.page.click("text=Dismiss message")
            await expect(on.page.locator("article")).to_have_count(1)

    run(test())


HOSTILE = {
    "html": "<img src=x onerror=alert(1)><script>alert(1)</script><b>x</b>",
    "script link": "[press](javascript:alert(1)) <javascript:alert(1)>",
    "other link": "[press](data:text/html,x) [press](file:///etc/passwd)",
    "unclosed": "**bold *it `code ```block [a](https://h.example/ <t:1> <t:99999999999999999:D> <@1",
    "nested": "> > **[`a`](https://h.example/(x))** ~~__*b*__~~ \\*c\\* \\[d\\](https://h.example/e)",
    "long": "[" * 500 + "(" * 500 + "*" * 500,
}


def test_hostile_messages_stay_words() -> None:
    """Nothing runs, nothing is loaded from elsewhere, no link leads to anything but the web."""

    async def test() -> None:
        async with scene() as on:
            asked: list[str] = []
            on.page.on("request", lambda request: asked.append(request.url))
            on.page.on("dialog", lambda dialog: asked.append(dialog.message))
            world, channel = on.standin.world, on.stage.channels[0]
            for text in HOSTILE.values():
                card = {
                    "title": text[:256],
                    "description": text,
                    "url": "javascript:alert(1)",
                    "footer": {"text": text},
                }
                world.post(channel, on.standin.bot, {"content": text, "embeds": [card]})
            messages = on.page.locator("article")
            await expect(messages).to_have_count(len(HOSTILE))
            first = messages.first.locator(".body > .md")
            await expect(first).to_have_text(HOSTILE["html"])
            hrefs = await on.page.eval_on_selector_all("#messages a", "all => all.map(a => a.href)")
            assert {href.split("/")[2] for href in hrefs} == {"h.example"}
            assert await on.page.locator("#messages :is(img, script, iframe, object, form)").count() == 0
            assert asked == []

    run(test())


def test_markdown_is_read_as_discord_reads_it() -> None:
    cases = {
        "**a** *b* _c_ __d__ ~~e~~ `f`": "<b>a</b> <em>b</em> <em>c</em> <u>d</u> <s>e</s> <code>f</code>",
        "\\*\\*a\\*\\* \\<@1> \\`b\\`": "**a** &lt;@1&gt; `b`",
        "snake_case_name 2*3*4": "snake_case_name 2<em>3</em>4",
        "> a\n> b\nc": "<blockquote>a\nb</blockquote>c",
        "# a\n-# b": '<h1>a</h1><div class="sub">b</div>',
        "- a\n- b": "<ul><li>a</li><li>b</li></ul>",
        "```\n**a**\n```": "<pre><code>**a**</code></pre>",
        ">>> a\nb": '<blockquote><div class="md">a\nb</div></blockquote>',
        "a\\\\**b**": "a\\<b>b</b>",
        ">a": "&gt;a",
        "#a": "#a",
        "@everyone": '<span class="mention">@everyone</span>',
    }

    async def test() -> None:
        async with scene() as on:
            read = {text: await on.page.evaluate("text => markdown(text).innerHTML", text) for text in cases}
            assert read == cases

    run(test())


def test_the_gateway_is_dropped_and_the_page_shows_the_bot_leave_and_come_back() -> None:
    async def test() -> None:
        async with scene() as on:
            seen = on.standin.changes()
            await on.page.click("[data-fault=drop]")
            async with asyncio.timeout(10):
                async for change in seen:
                    if change.kind == "gateway" and on.standin.gateway.is_connected:
                        break
            await expect(on.page.locator("#state")).to_have_text("bot online")

    run(test())


def test_switches_stay_down_until_they_are_pressed_again() -> None:
    async def test() -> None:
        async with scene() as on:
            slow = on.page.locator("[data-fault=slow]")
            await expect(slow).to_have_attribute("aria-pressed", "false")
            await slow.click()
            await expect(slow).to_have_attribute("aria-pressed", "true")
            assert on.standin.faults.slow_s > 0
            await slow.click()
            await expect(slow).to_have_attribute("aria-pressed", "false")
            assert on.standin.faults.slow_s == 0
            await on.page.click("[data-fault='forbid']")
            await expect(on.page.locator("[data-fault='forbid']")).to_have_attribute("aria-pressed", "true")
            assert "send_messages" not in on.stage.channels[0].permissions

    run(test())


@pytest.mark.parametrize("width", [320, 390, 1100])
def test_nothing_is_wider_than_the_window(width: int) -> None:
    async def test() -> None:
        async with scene(width) as on:
            await on.ask("who?")
            await on.ask("layout")
            await expect(on.page.locator(".container")).to_be_visible()
            long = {"content": "https://h.example/" + "x" * 400, "embeds": [{"description": "y" * 900}]}
            on.standin.world.post(on.stage.channels[0], on.standin.bot, long)
            await expect(on.page.locator("article")).to_have_count(3)
            every = "[...document.querySelectorAll('#main *')]"
            wide = f"{every}.filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
            assert await on.page.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 100))") == []

    run(test())


def test_channels_and_people_are_a_tap_away_on_a_phone() -> None:
    async def test() -> None:
        async with scene(390) as on:
            await expect(on.page.locator("#people")).not_to_be_in_viewport()
            await on.page.click("#menu-button")
            await expect(on.page.locator("#people")).to_be_in_viewport()
            await on.page.click("#places >> text=lunch")
            await expect(on.page.locator("#where")).to_have_text("# lunch")
            await expect(on.page.locator("#people")).not_to_be_in_viewport()

    run(test())


def test_the_closed_drawer_takes_no_focus_and_escape_closes_it() -> None:
    async def test() -> None:
        async with scene(390) as on:
            inside = on.page.locator("#side :focus")
            await on.page.evaluate("document.activeElement.blur()")
            await on.page.keyboard.press("Tab")
            await expect(on.page.locator("#menu-button")).to_be_focused()
            await on.page.keyboard.press("Enter")
            await on.page.keyboard.press("Shift+Tab")
            await expect(inside).to_have_text("BBen")
            await on.page.keyboard.press("Escape")
            await expect(on.page.locator("#people")).to_be_hidden()
            await expect(on.page.locator("#menu-button")).to_be_focused()

    run(test())


@pytest.mark.parametrize("width", [390, 1100])
def test_all_of_the_side_is_within_reach_in_a_low_window(width: int) -> None:
    async def test() -> None:
        async with scene(width, 240) as on:
            if width < 720:
                await on.page.click("#menu-button")
            assert await on.page.evaluate("document.querySelector('#places').clientHeight") >= 100
            await on.person("Ben")
            await expect(on.page.locator("#people button[aria-pressed=true]")).to_contain_text("Ben")
            await on.page.click("#places >> text=lunch")
            await expect(on.page.locator("#where")).to_have_text("# lunch")

    run(test())


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_words_stand_out_from_their_ground_in_both_themes(theme: str) -> None:
    """WCAG's contrast of 4.5 for every text that is on the screen."""
    contrast = """() => {
      const numbers = (css) => css.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, at) => sum + v * [.2126, .7152, .0722][at], 0);
      const ground = (element) => {
        const layers = [];
        for (let e = element; e; e = e.parentElement) {
          const [r, g, b, a = 1] = numbers(getComputedStyle(e).backgroundColor);
          layers.push([r, g, b, a]);
          if (a === 1) break;
        }
        const over = (under, [r, g, b, a]) => [r, g, b].map((v, at) => v * a + (under[at] ?? 255) * (1 - a));
        return layers.reverse().reduce(over, []);
      };
      const poor = [];
      for (const element of document.querySelectorAll("#main *, #side *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.closest("[aria-hidden]")) continue;
        const a = light(numbers(getComputedStyle(element).color)), b = light(ground(element));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5) poor.push(element.outerHTML.slice(0, 80) + " " + ratio.toFixed(2));
      }
      return poor;
    }"""

    async def test() -> None:
        async with scene() as on:
            await on.ask("who?", private=True)
            await expect(on.page.locator(".embed")).to_be_visible()
            await on.ask("layout")
            await expect(on.page.locator(".container")).to_be_visible()
            if await on.page.locator("html").get_attribute("data-theme") != theme:
                await on.page.click("#theme")
            await on.page.mouse.move(600, 10)
            assert await on.page.evaluate(contrast) == []

    run(test())


def test_two_pages_see_the_same_and_a_late_one_sees_what_was_said() -> None:
    async def test() -> None:
        async with scene() as on:
            await on.page.fill("#text", "early")
            await on.page.keyboard.press("Enter")
            other = await on.browser.new_page()
            await other.goto(on.url)
            await expect(other.locator("article .md")).to_have_text(["early"])
            await other.fill("#text", "late")
            await other.keyboard.press("Enter")
            await expect(on.page.locator("article .md")).to_have_text(["early", "late"])

    run(test())


@asynccontextmanager
async def shipped(data: Path) -> AsyncIterator[str]:
    """`newsquote harness` in a child; the value is its page's address. It ends by SIGINT, in good order."""
    words = ["--data", str(data), "harness", "--port", "0"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEWSQUOTE_")}
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        *words,
        cwd=ROOT,
        env=kept,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        line = (await asyncio.wait_for(child.stdout.readline(), 60)).decode()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert address is not None, line
        yield address[0]
        child.send_signal(signal.SIGINT)
        _, errors = await asyncio.wait_for(child.communicate(), 20)
        assert child.returncode in (0, 130), errors.decode()
        assert b"Traceback" not in errors
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


def test_the_bot_that_ships_answers_on_the_page(sample_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(sample_data, data, symlinks=True)

    async def test() -> None:
        async with shipped(data) as url, chromium_beside() as browser:
            page = await browser.new_page(reduced_motion="reduce")
            page.set_default_timeout(LIMIT_MS)
            expect.set_options(timeout=LIMIT_MS)
            await page.goto(url)
            await expect(page.locator("#state")).to_have_text("bot online", timeout=30_000)
            await page.click("#text")
            await page.keyboard.type("/ask")
            await expect(page.locator("#list button")).to_have_count(1)
            await page.keyboard.press("Enter")
            await page.keyboard.type("how much will repairing the Orla Bridge cost?")
            await page.click("[data-add=source]")
            await page.keyboard.type("ledger")
            await expect(page.locator("#list button")).to_have_text(["Northgate Ledger"])
            await page.keyboard.press("Enter")
            await page.keyboard.press("Enter")
            await expect(page.locator(".embed b", has_text="$46 million").first).to_be_visible(timeout=30_000)
            link = page.locator(".embed a").first
            await expect(link).to_have_attribute("href", re.compile("^https://northgate-ledger.example/.*#:~:text="))
            await page.click("button:has-text('Follow up')")
            await expect(page.locator("dialog[open]")).to_be_visible()
            await page.keyboard.press("Escape")
            await page.click("button:has-text('👍')")
            await expect(page.locator(".ephemeral")).to_contain_text("Thank")

    run(test(), timeout_s=120)
