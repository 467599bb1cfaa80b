"""Near-copies: one story under many addresses is found; another story, day or price is not."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import re
import tracemalloc
from dataclasses import replace
from itertools import islice
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import DAY_S, instant_s
from ingest.copies import CopyFinder, Fingerprint, _word_hashes, fingerprint, is_near_copy

EVAL = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))
NOON = 1_650_000_000

NOUNS = ["mayor", "bridge", "harbour", "ferry", "council", "pilot", "storm", "island", "teacher", "market", "border"]
VERBS = ["opened", "closed", "visited", "praised", "delayed", "repaired", "rejected", "crossed", "painted", "sold"]


def story(seed: int, n_sentences: int = 20) -> list[str]:
    """Made-up sentences of over ten words, none like another."""
    rng = random.Random(seed)
    return [
        "The {} of the {} {} a {} near the {} while {} people and a {} {} the {}.".format(
            *(rng.choice(NOUNS), rng.choice(NOUNS), rng.choice(VERBS), rng.choice(NOUNS), rng.choice(NOUNS)),
            *(rng.randrange(10, 900), rng.choice(NOUNS), rng.choice(VERBS), rng.choice(NOUNS)),
        )
        for _ in range(n_sentences)
    ]


def text_of(sentences: list[str]) -> str:
    return "\n\n".join(sentences)


def finder_with(*texts: str) -> CopyFinder:
    finder = CopyFinder()
    for i, text in enumerate(texts):
        finder.add(f"a{i}", NOON, fingerprint(text))
    return finder


@given(st.text(max_size=300) | st.integers(0, 50).map(lambda seed: text_of(story(seed, seed))))
def test_fingerprint_survives_storage(text: str) -> None:
    made = fingerprint(text)
    assert Fingerprint.from_bytes(made.to_bytes()) == made


def test_damaged_fingerprint_is_refused() -> None:
    stored = fingerprint(text_of(story(1))).to_bytes()
    for damaged in (b"", stored[:-1], stored + b"x", b"\x09" + stored[1:]):
        with pytest.raises(ValueError, match="fingerprint"):
            Fingerprint.from_bytes(damaged)


def test_fingerprint_of_a_news_article_is_small() -> None:
    assert len(fingerprint(text_of(story(1, 50))).to_bytes()) < 1500


def test_sketch_estimates_the_jaccard_similarity_of_five_word_runs() -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        words = text.lower().replace(".", "").split()
        return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}

    for n_new in (0, 5, 15, 40):
        a, b = text_of(story(1, 40)), text_of(story(1, 40)[n_new:] + story(2, n_new))
        exact = len(runs(a) & runs(b)) / len(runs(a) | runs(b))
        sketches = [np.frombuffer(fingerprint(text).sketch, "<u4") for text in (a, b)]
        # 0.12 is over two and a half standard deviations of 128 hashes.
        assert abs(float(np.mean(sketches[0] == sketches[1])) - exact) < 0.12


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 50), max_size=3000))
def test_sketches_are_those_of_datasketch(numbers: list[int]) -> None:
    """Fingerprints stored before the sketch was computed here must stay comparable."""
    words = [f"w{number}" for number in numbers]
    crcs = [crc32(word.encode()) for word in words]
    factor = 0x9E3779B97F4A7C15
    runs = set()
    for at in range(max(len(words) - 4, 1)):
        value = 0
        for crc in crcs[at : at + 5]:
            value = (value * factor + crc) % 2**64
        runs.add((value * factor % 2**64) >> 32)
    oracle = MinHash(num_perm=128, hashfunc=int, scheme="affine32")
    oracle.update_batch(sorted(runs))
    assert fingerprint(" ".join(words)).sketch == oracle.hashvalues.astype("<u4").tobytes()


def test_a_stored_fingerprint_is_still_what_its_text_gives() -> None:
    text = 'The ferry left at 9.30. “It was late,” she said… "Why?" \n\nOn Monday, 12 people waited.\n' + text_of(
        story(1)
    )
    assert hashlib.sha256(fingerprint(text).to_bytes()).hexdigest()[:16] == "eb0a336ce890bd5b"


def plain_sentences(text: str) -> list[list[str]]:
    """The words of each sentence, as slowly as it is said."""
    lines = (re.split(r"[.!?…][\"'”’»)\]]*\s+", line) for line in text.casefold().split("\n"))
    return [re.findall(r"\w+", sentence) for line in lines for sentence in line]


PIECES = [*"aé_9²日\u0301‘“”’–•·»)].!?…\n ", ". ", ".” ", "\xa0", "\x1f", "\u2028", "it was a long day for the ferry"]


@settings(max_examples=400)
@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_words_and_sentences_are_those_that_patterns_find(text: str) -> None:
    sentences = plain_sentences(text)
    words = [word for sentence in sentences for word in sentence]
    found = fingerprint(text)
    assert found.n_words == len(words)
    assert found.exact == hashlib.blake2b(" ".join(words).encode(), digest_size=16).digest()
    long = {crc32(" ".join(sentence).encode()) for sentence in sentences if len(sentence) >= 8}
    assert found.sentences == np.array(sorted(long), "<u4").tobytes()


def test_word_hashes_are_forgotten_when_they_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text_of(story(seed)) for seed in range(5)]
    made = [fingerprint(text) for text in texts]
    monkeypatch.setattr("ingest.copies._MAX_WORD_HASHES", 10)
    _word_hashes.clear()
    assert [fingerprint(text) for text in texts] == made
    fingerprint("monster" * 100)
    assert 0 < len(_word_hashes) <= 10
    assert max(map(len, _word_hashes)) < 100


def test_same_words_are_a_copy_whatever_case_and_layout() -> None:
    text = text_of(story(1))
    finder = finder_with(text_of(story(2)), text)
    assert finder.find(NOON, fingerprint(text.upper().replace("\n\n", " "))) == "a1"


def test_copy_with_a_few_changes_is_found() -> None:
    sentences = story(1, 30)
    finder = finder_with(text_of(sentences))
    assert finder.find(NOON, fingerprint(text_of(["By our own reporter.", *sentences[1:]]))) == "a0"


def test_wire_copy_inside_a_longer_piece_is_found() -> None:
    wire, local = story(1, 12), story(2, 40)
    finder = finder_with(text_of(local[:20] + wire + local[20:]))
    assert finder.find(NOON, fingerprint(text_of(wire))) == "a0"


def test_piece_that_adds_to_an_earlier_one_is_no_copy() -> None:
    wire, added = story(1, 12), story(2, 12)
    assert finder_with(text_of(wire)).find(NOON, fingerprint(text_of(wire + added))) is None


def test_two_stories_around_one_long_gallery_are_no_copies() -> None:
    gallery = story(1, 200)
    finder = finder_with(text_of(story(2, 20) + gallery))
    assert finder.find(NOON, fingerprint(text_of(story(3, 20) + gallery))) is None


def test_template_pages_with_other_numbers_are_no_copies() -> None:
    def prices(day: str, gold: str, silver: str) -> str:
        body = " ".join(line.replace("people", "traders") for line in story(1, 12))
        body = "".join(c for c in body if not c.isdigit())
        return f"On {day} an ounce of gold cost {gold} dollars and an ounce of silver cost {silver}. {body}"

    first, next_day = prices("Monday", "1,912", "24.10"), prices("Tuesday", "1,934", "23.85")
    finder = finder_with(first)
    assert finder.find(NOON, fingerprint(next_day)) is None
    assert finder.find(NOON, fingerprint(first)) == "a0"


def test_other_story_and_other_day_are_no_copies() -> None:
    text = text_of(story(1))
    finder = finder_with(text)
    assert finder.find(NOON, fingerprint(text_of(story(2)))) is None
    assert finder.find(NOON + 10 * DAY_S, fingerprint(text)) == "a0"
    assert finder.find(NOON - 10 * DAY_S, fingerprint(text)) == "a0"
    assert finder.find(NOON + 10 * DAY_S + 1, fingerprint(text)) is None


def test_near_copy_is_found_across_the_whole_window_and_no_further() -> None:
    sentences = story(1, 30)
    near = fingerprint(text_of(sentences[1:]))
    for first_s in (NOON, NOON + 5 * DAY_S):
        finder = CopyFinder()
        finder.add("a", first_s, fingerprint(text_of(sentences)))
        for days in (-10, -5, 0, 5, 10):
            assert finder.find(first_s + days * DAY_S, near) == "a"
        assert finder.find(first_s + 10 * DAY_S + 1, near) is None


def test_copy_without_one_whole_sentence_in_common_is_found() -> None:
    clauses = [sentence.rstrip(".").lower() for sentence in story(1, 24)]
    first, second = (
        " and then ".join([*clauses[:12], word]) + ". " + ", while ".join([*clauses[12:], word]) + "."
        for word in ("soon", "later")
    )
    assert finder_with(first).find(NOON, fingerprint(second)) == "a0"


def test_one_shared_band_is_reason_enough_to_compare() -> None:
    made = fingerprint(text_of(story(1)))
    other = replace(made, sketch=made.sketch[:24] + bytes(len(made.sketch) - 24), sentences=b"")
    finder = CopyFinder()
    finder.add("a", NOON, made)
    assert list(finder._candidates(NOON, other)) == [0]


def test_undated_matches_undated_or_the_very_same_words() -> None:
    sentences = story(1, 30)
    near = fingerprint(text_of(sentences[1:]))
    dated, undated = finder_with(text_of(sentences)), CopyFinder()
    undated.add("u", None, fingerprint(text_of(sentences)))
    assert dated.find(None, near) is None
    assert dated.find(None, fingerprint(text_of(sentences))) == "a0"
    assert undated.find(None, near) == "u"
    assert undated.find(NOON, near) is None
    assert undated.find(NOON, fingerprint(text_of(sentences))) == "u"


def test_earliest_article_is_the_one_named() -> None:
    made = fingerprint(text_of(story(1)))
    finder = CopyFinder()
    for name, published_s in (("undated", None), ("late", NOON + 60), ("early", NOON), ("latest", NOON + DAY_S)):
        finder.add(name, published_s, made)
    assert finder.find(NOON + 120, made) == "early"


def test_short_notices_are_no_copies_of_each_other() -> None:
    assert finder_with("Subscribe to read on.", "").find(NOON, fingerprint("Subscribe to read on.")) is None
    assert finder_with("").find(NOON, fingerprint("")) is None


def test_discarded_and_replaced_articles_are_not_found() -> None:
    one, other = fingerprint(text_of(story(1))), fingerprint(text_of(story(2)))
    finder = CopyFinder()
    finder.add("a", NOON, one)
    finder.add("a", NOON, other)
    assert finder.find(NOON, one) is None
    assert finder.find(NOON, other) == "a"
    finder.discard("a")
    finder.discard("never added")
    assert finder.find(NOON, other) is None
    assert len(finder) == 0


def test_a_thousand_pages_of_one_template_are_not_all_compared() -> None:
    finder = CopyFinder()
    body = text_of(story(1, 30))
    for i in range(1000):
        page = fingerprint(f"Station {i} measured {i} degrees and {i * 7} litres on the {i * 13} of it. {body}")
        finder.add(f"a{i}", NOON, page)
    assert 0 < len(list(finder._candidates(NOON, page))) < 200


@pytest.mark.parametrize("max_recent", [0, 200, 10**9])
def test_what_is_kept_in_arrays_is_found_and_forgotten_like_what_came_just_now(
    monkeypatch: pytest.MonkeyPatch, max_recent: int
) -> None:
    monkeypatch.setattr("ingest.copies._MAX_RECENT", max_recent)
    rng = random.Random(5)
    finder = CopyFinder()
    stories = [story(seed, 30) for seed in range(12)]
    made = {f"a{n}": fingerprint(text_of(stories[n % 12][n // 12 :])) for n in range(48)}
    published = {name: None if n % 5 == 0 else NOON + (n % 3) * 6 * DAY_S for n, name in enumerate(made)}
    here: dict[str, int] = {}
    for turn in range(300):
        name = rng.choice(list(made))
        if rng.random() < 0.3:
            finder.discard(name)
            here.pop(name, None)
        else:
            finder.add(name, published[name], made[name])
            here[name] = turn
        asked = rng.choice(list(made))
        close = [
            other
            for other in here
            if (made[other].exact == made[asked].exact and None in (published[asked], published[other]))
            or (
                (made[other].exact == made[asked].exact or is_near_copy(made[asked], made[other]))
                and (published[asked] is None) == (published[other] is None)
                and abs((published[asked] or 0) - (published[other] or 0)) <= 10 * DAY_S
            )
        ]
        # A dated question finds undated articles only by all their words, as the finder says.
        expected = min(
            close, key=lambda other: (published[other] is None, published[other] or 0, here[other]), default=None
        )
        assert finder.find(published[asked], made[asked]) == expected


def test_an_article_takes_two_and_a_half_kilobytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.copies._MAX_RECENT", 20_000)
    rng = np.random.default_rng(0)

    def added(finder: CopyFinder, start: int, n: int) -> None:
        for at in range(start, start + n):
            sketch, sentences = (rng.integers(0, 2**32, size, np.uint32) for size in (128, 30))
            fp = Fingerprint(800, rng.bytes(16), sketch.tobytes(), np.sort(sentences).tobytes(), b"")
            finder.add(f"https://paper.example/2023/05/a-long-enough-headline-{at}", NOON + at * 600, fp)

    finder = CopyFinder()
    added(finder, 0, 1000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    added(finder, 1000, 4000)
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken / 4000 < 3000


def test_window_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="0 days"):
        CopyFinder(window_days=0)


def test_finder_agrees_with_comparing_every_pair_of_real_articles() -> None:
    file = EVAL / "news-quiz" / "2022" / "articles.jsonl.gz"
    if not file.exists():
        pytest.skip(f"no evaluation data at {EVAL}")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        articles = [json.loads(line) for line in islice(lines, 1200)]
    # Twins make up for how few near-copies one crawl holds: a third of the text of each tenth article is gone.
    twins = [
        a | {"url": a["url"] + "?twin=1", "text": a["text"][: len(a["text"]) * 2 // 3]}
        for a in articles[::10]
        if a["text"]
    ]
    made = [(a["url"], instant_s(a["published"]), fingerprint(a["text"])) for a in articles + twins]
    sketches = np.stack([np.frombuffer(fp.sketch, "<u4") for _, _, fp in made])

    finder, n_found = CopyFinder(), 0
    for i, (url, published_s, fp) in enumerate(made):
        found = finder.find(published_s, fp)
        assert published_s is not None
        similar = np.flatnonzero((sketches[:i] == sketches[i]).mean(axis=1) > 0.1)
        close = [j for j in similar if abs((made[j][1] or 0) - published_s) <= 10 * DAY_S]
        copies = [
            j
            for j in close
            if (fp.n_words >= 8 and made[j][2].exact == fp.exact) or (fp.n_words >= 40 and is_near_copy(fp, made[j][2]))
        ]
        earliest = min(copies, key=lambda j: (made[j][1] or 0, j), default=None)
        assert found == (None if earliest is None else made[earliest][0])
        finder.add(url, published_s, fp)
        n_found += found is not None
    assert n_found > 60
