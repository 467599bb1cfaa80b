"""Words of English that several readers of text share: numbers, months, weekdays, titles, auxiliaries. Values alone."""

from __future__ import annotations

import re


def word_list(listed: str) -> list[str]:
    """The words of a list written as one string."""
    return listed.split()


def word_set(listed: str) -> frozenset[str]:
    """The words of a set written as one string."""
    return frozenset(listed.split())


MONTHS = word_list("january february march april may june july august september october november december")
# As they are written in full, and shortened.
MONTH_NUMBERS = {name[:n]: number for number, name in enumerate(MONTHS, 1) for n in (len(name), 3)} | {"sept": 9}
WEEKDAYS = word_list("monday tuesday wednesday thursday friday saturday sunday")
BELOW_TWENTY = {
    word: n
    for n, word in enumerate(
        word_list(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen"
        )
    )
}
TENS = {word: 10 * n for n, word in enumerate(word_list("twenty thirty forty fifty sixty seventy eighty ninety"), 2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
TITLES = word_set(
    "president vice prime minister chancellor secretary senator sen gov governor rep representative mayor "
    "king queen prince princess duke duchess pope justice judge chief mr mrs ms dr sir dame lord lady "
    "general gen captain professor rev attorney ceo founder actor actress singer rapper author director "
    "coach quarterback driver star comedian billionaire presenter host former leader"
)
# Patterns, to be used without regard to case.
MONTH = (
    f"(?:{'|'.join(MONTHS)}"
    r"|jan\.?|feb\.?|mar\.?|apr\.?|jun\.?|jul\.?|aug\.?|sept?\.?|oct\.?|nov\.?|dec\.?)"
)
WEEKDAY = f"(?:{'|'.join(WEEKDAYS)})"
AUXILIARY = "(?:did|do|does|was|were|is|are|has|have|had|will|would|can|could|should|might|may|must)"
POSSESSIVE = re.compile("['’]s$")
