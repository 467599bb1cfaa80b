"""Which sentences the reranker reads: the likeliest, with their neighbours, as far as the time for an answer allows.

Pure. Knows nothing about the reranker or how a sentence came to be likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.choose import Candidate
from index.types import Reading

# Words that are read for one question, which is most of an answer's time: more find a little more.
READ_WORDS = 425
# What a further stretch costs beside its own words: the question and the title are read with it once more.
STRETCH_WORDS = 22
N_BESIDE = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """A reading, and which candidate each of its sentences is; -1 for none."""

    reading: Reading
    candidates: tuple[int, ...]


def stretches(candidates: Sequence[Candidate], likeliest: Sequence[int], n_words: int = READ_WORDS) -> list[Stretch]:
    """What is to be read.

    Args:
        candidates: Sentences that may answer.
        likeliest: Indexes of them, the likeliest first.
        n_words: As long as fewer were taken, one more is; its neighbours are those that may stand in a quote with it.
    """
    taken: dict[int, set[int]] = {}
    spent = 0
    for index in likeliest:
        if spent >= n_words:
            break
        sentences, at = candidates[index].sentences, candidates[index].at
        mine = taken.setdefault(sentences.article.version, set())
        low, high = max(0, at - N_BESIDE), min(len(sentences.spans) - 1, at + N_BESIDE)
        more = {place for place in range(low, high + 1) if sentences.can_join(min(place, at), max(place, at))} - mine
        if not mine.intersection(range(low - 1, high + 2)):
            spent += STRETCH_WORDS
        spent += sum(min(sentences.n_words(place), 60) for place in more)
        mine |= more
    by_place = {each.place: index for index, each in enumerate(candidates)}
    articles = {each.sentences.article.version: each.sentences for each in candidates}
    found = []
    for version, places in taken.items():
        sentences = articles[version]
        for run in _runs(sorted(places)):
            texts = tuple(sentences.spans[place].of(sentences.article.text) for place in run)
            own = tuple(by_place.get((version, place), -1) for place in run)
            found.append(Stretch(Reading(sentences.article.title, texts), own))
    return found


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as runs without a gap."""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs
