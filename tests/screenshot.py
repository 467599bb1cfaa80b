"""Takes docs/answer.png anew: `python -m tests.screenshot DATA`, where DATA holds the sample corpus and its index.

The machine needs a font with emoji (Debian: `fonts-noto-color-emoji`), else the buttons show boxes.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.browser import chromium_beside
from tests.test_harness_page import ROOT, shipped

QUESTION = "how much will repairing the Orla Bridge cost?"


async def take(data: Path, to: Path) -> None:
    """Asks one question on the harness' page, in the dark, and saves what a person sees."""
    async with shipped(data) as url, chromium_beside() as browser:
        page = await browser.new_page(
            viewport={"width": 1000, "height": 860}, color_scheme="dark", reduced_motion="reduce"
        )
        await page.goto(url)
        await page.locator("#state.online").wait_for()
        await page.click("#text")
        await page.keyboard.type("/ask")
        await page.locator("#list button").wait_for()
        await page.keyboard.press("Enter")
        await page.keyboard.type(QUESTION)
        await page.keyboard.press("Enter")
        await page.locator(".embed").first.wait_for()
        await page.screenshot(path=to)


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]), ROOT / "docs" / "answer.png"))
