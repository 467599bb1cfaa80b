"""Stretches that could be quoted: inside one sentence or a few, never over a removed line, cut between words."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.windows import MAX_CHARS, cut_to_words, sentences_of, twin_of
from index.sentences import n_words
from index.types import Article, Span


def article(text: str, cuts: tuple[int, ...] = ()) -> Article:
    return Article("a", 1, None, "", None, None, "Post", (), text, cuts)


def test_sentences_are_counted_in_words() -> None:
    found = sentences_of(article("One two. Three!\nFour five six."))
    assert [span.of(found.article.text) for span in found.spans] == ["One two.", "Three!", "Four five six."]
    assert [found.n_words(at) for at in range(3)] == [2, 1, 3]
    assert found.n_words(0, 2) == 6
    assert found.joined(0, 1).of(found.article.text) == "One two. Three!"


def test_a_passage_holds_the_sentences_that_lie_more_than_half_in_it() -> None:
    found = sentences_of(article("Aaaa. Bbbb. Cccc."))
    assert found.inside(Span(0, 17)) == range(3)
    assert found.inside(Span(3, 11)) == range(1, 2)
    assert found.inside(Span(2, 15)) == range(3)
    assert found.inside(Span(5, 6)) == range(0)


def test_a_sentence_of_several_passages_belongs_to_each_of_them() -> None:
    found = sentences_of(article("Aaaa. " + "B" * 50 + ". Cccc."))
    assert found.inside(Span(0, 25)) == range(2)
    assert found.inside(Span(25, 45)) == range(1, 2)
    assert found.inside(Span(45, 64)) == range(1, 3)


def test_sentences_on_both_sides_of_a_removed_line_are_never_joined() -> None:
    text = "One two.\nThree four.\nFive six."
    found = sentences_of(article(text, cuts=(9,)))
    assert not found.can_join(0, 1)
    assert not found.can_join(0, 2)
    assert found.can_join(1, 2)
    assert found.can_join(0, 0)


def test_a_short_line_without_an_end_is_a_heading() -> None:
    text = "The vote\n\nIt was nine to four. So the mayor won\n\n“A fair budget”\nOn the list:\nRue du Port 7\nLast"
    found = sentences_of(article(text))
    headings = [span.of(text) for at, span in enumerate(found.spans) if found.is_heading(at)]
    assert headings == ["The vote", "Rue du Port 7", "Last"]
    assert not sentences_of(article("word " * 13)).is_heading(0)


def test_a_paragraph_that_ends_like_no_sentence_is_broken_off_whatever_its_length() -> None:
    text = f"{'word ' * 20}\n\nThe vote. It was\nnine to\n\nfour.\n\n“A fair budget”\n\nLast"
    found = sentences_of(article(text))
    assert [at for at in range(len(found.spans)) if found.breaks_off(at)] == [0, 3, 6]
    assert [at for at in range(len(found.spans)) if found.is_broken_off(at)] == [0, 6]


WORDS = st.sampled_from(["a", "dollar", "e\u0301t\u00e9", "\U0001f469\u200d\U0001f680", "שלום", "x" * 40, "北京" * 30])


@given(st.lists(WORDS, min_size=1, max_size=200), st.integers(1, 70), st.data())
def test_what_is_cut_is_whole_words_round_the_answer(words: list[str], max_words: int, draw: st.DataObject) -> None:
    sentence = " ".join(words)
    assume(n_words(sentence) == len(words))  # words of a script without spaces are cut inside
    text = f"Before. {sentence} After."
    span = Span(8, 8 + len(sentence))
    at = draw.draw(st.integers(0, len(words) - 1))
    start = span.start + len(" ".join(words[:at])) + (at > 0)
    answer = Span(start, start + len(words[at]))
    cut, is_left, is_right = cut_to_words(text, span, answer, max_words)
    assert span.start <= cut.start < cut.end <= span.end
    assert (is_left, is_right) == (cut.start > span.start, cut.end < span.end)
    assert len(cut.of(text).split()) <= max_words
    assert len(cut) <= MAX_CHARS
    assert cut.start <= answer.start and answer.end <= cut.end
    assert not is_left or text[cut.start - 1] == " "
    assert not is_right or text[cut.end] == " "
    assert cut.of(text) == cut.of(text).strip()


def test_a_sentence_that_fits_is_left_whole() -> None:
    text = "One two three."
    assert cut_to_words(text, Span(0, 14), Span(4, 7), 3) == (Span(0, 14), False, False)


def test_without_an_answer_the_beginning_is_kept() -> None:
    text = "one two three four five"
    assert cut_to_words(text, Span(0, 23), None, 2) == (Span(0, 7), False, True)


def test_an_endless_word_is_cut_round_the_answer_without_tearing_a_character() -> None:
    text = "e\u0301" * 2000 + "42" + "\U0001f469\u200d\U0001f680" * 2000
    for around in (None, Span(4000, 4002), Span(3000, 3002), Span(len(text) - 2, len(text))):
        cut, is_left, is_right = cut_to_words(text, Span(0, len(text)), around, 60)
        assert MAX_CHARS - 6 <= len(cut) <= MAX_CHARS
        assert (is_left, is_right) == (cut.start > 0, cut.end < len(text))
        assert around is None or (cut.start <= around.start and around.end <= cut.end)
        assert cut.of(text)[0] in "e4\U0001f469"
        assert cut.of(text)[-1] in "\u03012\U0001f680"


def test_an_edited_sentence_is_known_for_its_twin_and_another_is_not() -> None:
    sentences = sentences_of(
        article("A ferry rammed a pier on Wednesday, injuring 17 people. Divers looked at the hull. It sails again.")
    )
    assert twin_of("PORT WESSEL – A ferry rammed a pier on Wednesday, injuring 17 people.", sentences) == 0
    assert twin_of("Divers found nothing in the cold water.", sentences) is None
    assert twin_of("", sentences) is None
