"""Words of English that several readers of text share: numbers, months, weekdays, auxiliaries. Values alone."""

from __future__ import annotations


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
# A pattern; to be used without regard to case.
AUXILIARY = r"(?:did|do|does|was|were|is|are|has|have|had|will|would|can|could|should|might|may|must)"
