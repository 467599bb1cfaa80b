"""The sample corpus keeps what its README promises, and every label of its questions is true."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from difflib import SequenceMatcher
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel, ConfigDict

from index.types import end_of_day_s, instant_s
from ingest.sample import articles_path, questions_path

Kind = Literal["fact", "unanswerable", "time", "source", "older", "follow_up", "disagreement"]

SAMPLE_LINE = "This is a sample article written for newsquote; the outlet is invented and this is not a news report."
MAX_ANSWER_WORDS = 60
FEWEST: dict[Kind, int] = {
    "fact": 60,
    "unanswerable": 25,
    "time": 15,
    "source": 5,
    "older": 10,
    "follow_up": 6,
    "disagreement": 4,
}


class ArticleLine(BaseModel):
    """A line of articles.jsonl; a field that is missing, unknown or of the wrong type fails."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: str
    title: str
    published: str | None
    updated: str | None = None
    source: str
    authors: list[str]
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def valid_from_s(self) -> int | None:
        """When this version replaced an earlier one, or appeared."""
        return instant_s(self.updated or self.published)


class QuestionLine(BaseModel):
    """A line of questions.jsonl; a field that is missing, unknown or of the wrong type fails."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str
    asked_on: str
    question: str
    answers: list[str]
    evidence_urls: list[str]
    kind: Kind
    follow_up_of: str | None = None
    disagreement: list[str] | None = None
    since: str | None = None
    until: str | None = None
    source: str | None = None

    @property
    def as_of_s(self) -> int:
        return end_of_day_s(date.fromisoformat(self.asked_on))


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@cache
def articles() -> tuple[ArticleLine, ...]:
    return tuple(ArticleLine.model_validate_json(line) for line in lines_of(articles_path()))


@cache
def questions() -> tuple[QuestionLine, ...]:
    return tuple(QuestionLine.model_validate_json(line) for line in lines_of(questions_path()))


def of_kind(kind: Kind) -> list[QuestionLine]:
    return [question for question in questions() if question.kind == kind]


def versions(url: str) -> list[ArticleLine]:
    return [article for article in articles() if article.url == url]


def article_at(url: str, as_of_s: int) -> ArticleLine | None:
    """The newest version of `url` that was out by then; an undated one always is."""
    out_by_then = [a for a in versions(url) if a.valid_from_s is None or a.valid_from_s <= as_of_s]
    return max(out_by_then, key=lambda a: a.valid_from_s or 0, default=None)


def article(part_of_url: str) -> ArticleLine:
    (found,) = (a for a in articles() if part_of_url in a.url)
    return found


def sentences(line: str) -> list[str]:
    """The sentences of a line, by a rule good enough for this corpus and independent of the product's."""
    ends = re.finditer(r"(?<!\b[A-Z])(?<!\bMr)(?<!\bMs)(?<!\bDr)[.!?][”\"“]? +(?=[A-Z“\"„«À-Ü])", line)
    cuts = [0, *(end.end() for end in ends), len(line)]
    return [line[a:b].strip() for a, b in pairwise(cuts)]


def contains(text: str, answer: str) -> bool:
    """Whether `answer` stands in `text` as whole words."""
    return re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", text) is not None


def quotable(text: str, answer: str) -> bool:
    """Whether one sentence, or two neighbours of a line, hold the answer within 60 words."""
    for line in text.split("\n"):
        parts = sentences(line)
        stretches = parts + [f"{a} {b}" for a, b in pairwise(parts)]
        if any(contains(s, answer) and len(s.split()) <= MAX_ANSWER_WORDS for s in stretches):
            return True
    return False


def evidence(question: QuestionLine) -> list[ArticleLine]:
    found = [article_at(url, question.as_of_s) for url in question.evidence_urls]
    return [a for a in found if a is not None]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def share_of_words(first: str, second: str) -> float:
    """Share of words that both texts have in the same order, 0 to 1."""
    return SequenceMatcher(None, words(first), words(second), autojunk=False).ratio()


def body(found: ArticleLine) -> str:
    return found.text.removesuffix(SAMPLE_LINE)


# --- articles -------------------------------------------------------------------------------------------


def test_there_are_enough_articles_from_six_to_eight_outlets() -> None:
    assert len(articles()) >= 48
    assert 6 <= len({a.source for a in articles()}) <= 8


def test_one_host_is_one_outlet() -> None:
    pairs = {(urlsplit(a.url).hostname, a.source) for a in articles()}
    assert len(pairs) == len({a.source for a in articles()})


def test_only_example_domains_are_named() -> None:
    for a in articles():
        host = urlsplit(a.url).hostname or ""
        assert a.url.startswith("https://"), a.url
        assert host.endswith(".example") or host in {"example.com", "example.org", "example.net"}, a.url
        assert "http" not in a.text and "www." not in a.text, a.url


def test_every_article_ends_by_saying_that_it_is_a_sample() -> None:
    for a in articles():
        assert a.lines[-1] == SAMPLE_LINE, a.url
        assert a.text.count(SAMPLE_LINE) == 1, a.url


def test_dates_are_iso_and_lie_in_the_seven_weeks_of_the_sample() -> None:
    for a in articles():
        if a.published is None:
            continue
        assert "2025-03-10" <= a.published[:10] <= "2025-04-30", a.url
        published_s, valid_from_s = instant_s(a.published), a.valid_from_s
        assert published_s is not None and valid_from_s is not None and published_s <= valid_from_s, a.url
        day_in_url = re.search(r"/(\d{4})/(\d\d)/(\d\d)/", a.url)
        assert day_in_url and "-".join(day_in_url.groups()) == a.published[:10], a.url


def test_published_comes_with_a_zone_as_a_day_and_once_not_at_all() -> None:
    shapes = Counter(None if a.published is None else len(a.published) for a in articles())
    assert shapes[None] == 1
    assert shapes[len("2025-04-18")] >= 5
    assert shapes[len("2025-04-18T09:30:00Z")] >= 5
    assert shapes[len("2025-04-18T09:30:00+02:00")] >= 20


def test_articles_have_the_length_of_news() -> None:
    short = {a.url for a in articles() if not 250 <= len(a.text.split()) <= 600}
    assert {urlsplit(url).hostname for url in short} == {
        "meridian-post.example",
        "www.gazette-marais.example",
        "www.moorbruecker-anzeiger.example",
    }
    assert len(short) == 3


def test_text_is_normalised_enough_to_be_stored_unchanged() -> None:
    for a in articles():
        assert a.text == a.text.strip(), a.url
        assert not re.search(r"[\t\r\u00a0\u200b]| {2}|\n{3}", a.text), a.url
        assert all(line == line.strip() for line in a.lines), a.url


def test_both_kinds_of_quotation_marks_occur() -> None:
    assert sum("“" in a.text for a in articles()) >= 20
    assert sum('"' in a.text for a in articles()) >= 8


# --- the special cases ----------------------------------------------------------------------------------


def test_the_talks_and_the_minerals_deal_are_two_articles() -> None:
    talks, deal = article("washington-may-step-back"), article("minerals-deal")
    assert "take a pass" in talks.text and "April 26" not in talks.text
    (answer,) = (s for line in deal.lines for s in sentences(line) if "April 26" in s)
    assert "U.S. Treasury Secretary Scott Bessent" in answer


def test_one_story_is_told_by_three_outlets_in_their_own_words() -> None:
    told = [article("grey-heron-ferry"), article("ferry-hits-pier"), article("ageing-fleet")]
    assert len({a.source for a in told}) == 3
    for i, a in enumerate(told):
        for b in told[i + 1 :]:
            assert share_of_words(body(a), body(b)) < 0.4


def test_one_article_is_a_near_copy_that_came_hours_later_from_another_outlet() -> None:
    original, copy = article("ferry-hits-pier"), article("commuter-ferry-rams")
    assert 0.9 <= share_of_words(body(original), body(copy)) < 1
    assert original.source != copy.source
    first_s, second_s = instant_s(original.published), instant_s(copy.published)
    assert first_s is not None and second_s is not None
    assert 3600 <= second_s - first_s <= 12 * 3600


def test_no_other_two_articles_are_near_copies() -> None:
    shingled = {a.url: {tuple(words(body(a))[i : i + 5]) for i in range(len(words(body(a))) - 4)} for a in articles()}
    alike = [
        (first, second)
        for first in shingled
        for second in shingled
        if first < second
        and len(shingled[first] & shingled[second]) > 0.2 * min(len(shingled[first]), len(shingled[second]))
    ]
    assert len(alike) == 1


def test_one_url_stands_twice_and_the_later_version_corrects_a_fact() -> None:
    ((url, n),) = [(u, n) for u, n in Counter(a.url for a in articles()).items() if n > 1]
    assert n == 2
    first, second = versions(url)
    assert first.updated is None and second.updated is not None
    assert first.published == second.published
    assert "120 beds" in first.text and "120 beds" not in second.text
    assert "140 beds" in second.text and "140 beds" not in first.text
    assert [line.startswith("Correction: ") for line in second.lines].count(True) == 1


def test_the_live_blog_has_a_time_at_each_update_in_ascending_order() -> None:
    blog = article("/live/")
    times = [line[:5] for line in blog.lines if re.match(r"\d\d:\d\d – ", line)]
    assert len(times) >= 8
    assert times == sorted(times)
    assert blog.updated is not None


def test_the_stub_ends_after_its_lede() -> None:
    (stub,) = (a for a in articles() if "Subscribe to continue reading" in a.lines)
    lede, *rest = [line for line in stub.lines if line]
    assert rest == ["Subscribe to continue reading", SAMPLE_LINE]
    assert len(lede.split()) < 60


@pytest.mark.parametrize(
    ("line", "fewest"),
    [
        ("Follow the Harbor Courier for local news", 12),
        ("Also Read: ", 1),
        ("Read Next: ", 2),
        ("Image: ", 1),
        ("Sign up for our newsletter", 2),
        ("You might also like", 1),
    ],
)
def test_boilerplate_stands_on_lines_of_its_own(line: str, fewest: int) -> None:
    assert sum(any(found.startswith(line) for found in a.lines) for a in articles()) >= fewest


def test_one_sentence_of_news_begins_like_boilerplate() -> None:
    assert [a.url for a in articles() for line in a.lines if line.startswith("Also read out was ")] == [
        article("lifeboat-memorial").url
    ]


def test_similar_events_lie_in_different_months() -> None:
    pairs = [
        ("bank-of-caldria-holds", "bank-of-caldria-cuts"),
        ("council-rejects", "council-approves"),
        ("rovers-beat", "athletic-rovers"),
        ("corvane-annual", "corvane-first"),
        ("wess-floods", "storm-odile"),
    ]
    months = [[(article(part).published or "")[:7] for part in pair] for pair in pairs]
    assert months == [["2025-03", "2025-04"]] * len(pairs)


def test_two_articles_are_in_other_languages() -> None:
    assert "Le pont" in article("gazette-marais").text
    assert "Die Moorbahn" in article("moorbruecker").title


# --- questions ------------------------------------------------------------------------------------------


def test_there_are_enough_questions_of_each_kind() -> None:
    n_of = Counter(q.kind for q in questions())
    assert len(questions()) >= 130
    assert set(n_of) == set(FEWEST)
    assert all(n_of[kind] >= fewest for kind, fewest in FEWEST.items()), n_of


def test_the_readme_counts_what_is_there() -> None:
    readme = (questions_path().parent / "README.md").read_text(encoding="utf-8")
    counted = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, flags=re.MULTILINE))
    assert counted == {kind: str(n) for kind, n in Counter(q.kind for q in questions()).items()}
    assert f"{len(questions())} labelled questions" in readme
    assert len(articles()) == 60 and readme.split("\n")[2].startswith("Sixty ")


def test_ids_and_questions_stand_once() -> None:
    assert [i for i, n in Counter(q.id for q in questions()).items() if n > 1] == []
    asked = Counter((q.question, q.asked_on, q.follow_up_of) for q in questions())
    assert [q for q, n in asked.items() if n > 1] == []


@pytest.mark.parametrize(
    "words_asked",
    ["who", "when", "where", "how many", "how much", "what percent", "what", "which", "why"],
)
def test_every_sort_of_question_word_is_asked_for_a_fact(words_asked: str) -> None:
    assert [q for q in of_kind("fact") if words_asked in q.question.lower()] != []


def test_only_unanswerable_questions_have_no_answer() -> None:
    for q in questions():
        unanswerable = q.kind == "unanswerable"
        assert (q.answers == []) == unanswerable, q.id
        assert (q.evidence_urls == []) == unanswerable, q.id


def test_every_answer_can_be_quoted_from_evidence_that_was_out_when_asked() -> None:
    for q in questions():
        found = evidence(q)
        assert len(found) == len(q.evidence_urls), (q.id, q.asked_on)
        for answer in q.answers:
            assert any(quotable(a.text, answer) for a in found), (q.id, answer)


def test_every_piece_of_evidence_holds_an_answer() -> None:
    for q in questions():
        for a in evidence(q):
            assert any(quotable(a.text, answer) for answer in q.answers), (q.id, a.url)


def test_questions_are_not_copies_of_a_sentence() -> None:
    corpus = {tuple(words(a.text)[i : i + 8]) for a in articles() for i in range(len(words(a.text)) - 7)}
    for q in questions():
        asked = words(q.question)
        assert not any(tuple(asked[i : i + 8]) in corpus for i in range(len(asked) - 7)), q.id


def test_no_question_gives_its_answer_away() -> None:
    for q in questions():
        assert not any(contains(q.question, answer) for answer in q.answers), q.id


def test_older_questions_are_asked_three_weeks_or_more_after_the_event() -> None:
    for q in of_kind("older"):
        newest_s = max(a.valid_from_s or 0 for a in evidence(q))
        assert q.as_of_s - newest_s >= 21 * 86_400, q.id


def test_source_questions_name_the_outlet_of_their_evidence() -> None:
    for q in of_kind("source"):
        assert q.source is not None and q.source in q.question, q.id
        assert [a.source for a in evidence(q)] == [q.source], q.id


def test_follow_ups_come_after_a_question_that_is_none() -> None:
    by_id = {q.id: q for q in questions()}
    assert all((q.follow_up_of is not None) == (q.kind == "follow_up") for q in questions())
    for q in of_kind("follow_up"):
        before = by_id[q.follow_up_of or ""]
        assert before.kind not in {"follow_up", "unanswerable"}, q.id
        assert before.asked_on <= q.asked_on, q.id


def test_the_two_values_of_a_disagreement_stand_in_different_outlets() -> None:
    assert all((q.disagreement is not None) == (q.kind == "disagreement") for q in questions())
    for q in of_kind("disagreement"):
        values: Sequence[str] = q.disagreement or ()
        assert len(values) == 2 and set(values) <= set(q.answers), q.id
        one, other = ({a.source for a in evidence(q) if quotable(a.text, value)} for value in values)
        assert one and other and not one & other, q.id


def test_windows_hold_the_evidence_and_only_time_questions_have_one() -> None:
    windowed = [q for q in questions() if q.since or q.until]
    assert {q.kind for q in windowed} == {"time"}
    assert sum(q.since is not None for q in windowed) >= 3
    for q in windowed:
        for a in evidence(q):
            assert a.published is not None, q.id
            assert (q.since or "") <= a.published[:10] <= (q.until or q.asked_on), q.id


def test_some_answers_change_with_the_day_of_asking() -> None:
    beds = {tuple(q.answers) for q in questions() if "new wing" in q.question and "beds" in q.question}
    assert beds == {("120 beds",), ("140 beds",)}
