"""Which sentences are read: the likeliest with their neighbours, merged where they touch, as far as the words last."""

from __future__ import annotations

from bot.choose import Candidate
from bot.reading import STRETCH_WORDS, stretches
from bot.windows import Sentences, sentences_of
from index.types import Hit, Span
from tests.test_render import article

TEXT = " ".join(
    f"Sentence number {word} stands right here." for word in ("one", "two", "three", "four", "five", "six", "seven")
)
N = 6  # words of each


def candidates_of(sentences: Sentences, *places: int) -> list[Candidate]:
    hit = Hit(0, sentences.article.version, Span(0, 1), 1.0, 1.0, 1.0, 0.0)
    return [Candidate(0, sentences, place, hit) for place in places]


def numbers(sentences: tuple[str, ...]) -> list[str]:
    return [sentence.split()[2] for sentence in sentences]


def test_a_sentence_is_read_between_its_neighbours_and_only_candidates_are_scored() -> None:
    sentences = sentences_of(article(TEXT, title="Numbers"))
    (one,) = stretches(candidates_of(sentences, 3), [0], 1)
    assert one.reading.title == "Numbers"
    assert numbers(one.reading.sentences) == ["three", "four", "five"]
    assert one.candidates == (-1, 0, -1)


def test_stretches_that_touch_are_read_as_one() -> None:
    sentences = sentences_of(article(TEXT))
    found = stretches(candidates_of(sentences, 0, 3, 6), [2, 0, 1], 1000)
    assert [numbers(one.reading.sentences) for one in found] == [
        ["one", "two", "three", "four", "five", "six", "seven"]
    ]
    assert found[0].candidates == (0, -1, -1, 1, -1, -1, 2)
    apart = stretches(candidates_of(sentences, 0, 3, 6), [2, 0], 1000)
    assert [numbers(one.reading.sentences) for one in apart] == [["one", "two"], ["six", "seven"]]


def test_the_likeliest_are_read_first_and_no_more_than_the_words_last() -> None:
    sentences = sentences_of(article(TEXT))
    found = stretches(candidates_of(sentences, 0, 3, 6), [2, 0, 1], STRETCH_WORDS + 2 * N)
    assert [numbers(one.reading.sentences) for one in found] == [["six", "seven"]]
    assert len(stretches(candidates_of(sentences, 0, 3, 6), [2, 0, 1], STRETCH_WORDS + 2 * N + 1)) == 2


def test_nothing_is_read_over_a_removed_line() -> None:
    sentences = sentences_of(article(TEXT, cuts=(TEXT.index("Sentence number four"),)))
    (one,) = stretches(candidates_of(sentences, 3), [0], 1)
    assert numbers(one.reading.sentences) == ["four", "five"]
