"""One question, end to end: understood, retrieved, sentences scored, quotes chosen, verified.

`Answerer.answer` is the whole use case; the terminal and Discord render what it returns. It opens nothing and
reads no clock: what it needs is handed in, and "today" is part of the question.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bot.choose import (
    QUOTE_WORDS,
    READING,
    RECENCY,
    WEIGHTS,
    Candidate,
    Chosen,
    Floats,
    Likeness,
    bounded,
    choose,
    covered,
    features,
    likeliest,
    question_terms,
    read_into,
    scored,
    weighed,
    words_of,
)
from bot.confidence import THRESHOLD, Evidence, confidence
from bot.disagree import may_contradict, n_rivals, settle
from bot.further import further
from bot.kind import asked_first, with_question_mark
from bot.mark import mark_answer
from bot.names import has_name, names_in
from bot.question import Question
from bot.rank import OPENING_CHARS, Signs, article_scores
from bot.reading import Stretch, stretches
from bot.spelling import Respelt, respelt, words_to_check
from bot.understand import Understood, understand
from bot.verify import verified
from bot.windows import Sentences, cut_to_words, sentences_of, twin_of
from index.retrieve import Retriever, Searched
from index.snapshot import Snapshot
from index.store import ALWAYS, Store
from index.types import (
    DAY_S,
    Article,
    Embedder,
    Filters,
    Hit,
    Judged,
    Quote,
    Reranker,
    Span,
    Status,
    end_of_day_s,
    start_of_day_s,
)
from index.words import content_terms, terms, terms_among

log = logging.getLogger(__name__)

N_HITS = 60
N_PASSAGES = 20
N_SENTENCES = 120
N_SOURCES = 10
# What happened on a day is also reported on the next.
NEAR = timedelta(days=2)

Places = dict[tuple[int, int], Span]


@dataclass(frozen=True, slots=True)
class SourceArticle:
    """An article that was ranked for a question, by `score`."""

    id: str
    url: str | None
    title: str
    source: str
    published: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What the corpus says.

    Attributes:
        question: As asked.
        status: `not_found` where the confidence is too low; the quotes are then kept, and shown to nobody as an answer.
        confidence: In (0, 1), comparable between questions.
        understood: What the words were read as.
        filters: What was applied.
        quotes: Verified, best first.
        disagreement: Positions of two quotes that contradict each other, the newer first, or None.
        sources: Ranked articles, best first, at most ten.
        searched: What was allowed to answer.
        snapshot: Name of the index that answered.
        evidence: The signs that the confidence rests on.
        further: Verified quotes beyond those of the answer, best first, where the question wants any.
    """

    question: Question
    status: Status
    confidence: float
    understood: Understood
    filters: Filters
    quotes: tuple[Quote, ...]
    disagreement: tuple[int, int] | None
    sources: tuple[SourceArticle, ...]
    searched: Searched
    snapshot: str
    evidence: Evidence
    further: tuple[Quote, ...] = ()

    @property
    def since(self) -> date | None:
        """The earliest day of publication that may answer: the option's, else the one that the words name."""
        return self.question.since or self.understood.since

    @property
    def until(self) -> date | None:
        """The latest such day."""
        return self.question.until or self.understood.until

    @property
    def outlets(self) -> tuple[str, ...]:
        """The outlets that alone were allowed to answer; empty for all."""
        return self.question.sources or self.understood.sources

    @property
    def nearest(self) -> SourceArticle | None:
        """The article that came closest, for saying so where nothing was found."""
        return self.sources[0] if self.sources else None

    @property
    def is_elsewhen(self) -> bool:
        """Whether a time was asked about and every quote that answers is from another, as far as articles are dated."""
        window = self.understood.window
        if self.status != "answered" or window is None or self.question.since or self.question.until:
            return False
        first, last = (window[0] - NEAR).isoformat(), (window[1] + NEAR).isoformat()
        days = [quote.article.published[:10] for quote in self.quotes if quote.article.published]
        return bool(days) and not any(first <= day <= last for day in days)

    def instead_of(self, other: Answer) -> Answer:
        """This answer, to a question in other words, in place of one that found nothing.

        Other words may leave out who was asked for, and the note that the corpus lacks that outlet stays true.
        """
        return replace(self, understood=replace(self.understood, absent=other.understood.absent))


@dataclass(frozen=True, slots=True)
class Story:
    """One article and its near-copies, with the passages found in any of them.

    Attributes:
        article: The one that is shown: the original, or the earliest that the filters let through.
        members: All that were found, by version; `article` first.
        hits: Their passages, those of `article` first.
        also: URLs (or ids) of the copies.
        score: Of the best passage.
    """

    article: Article
    members: dict[int, Article]
    hits: tuple[Hit, ...]
    also: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Ranked:
    """A story's score among the sources, and the share of the question's words in its article's opening."""

    story: Story
    score: float
    coverage: float


@dataclass(frozen=True, slots=True)
class Workings:
    """What was found for a question, before anything is chosen.

    Attributes:
        understood: What the words were read as.
        filters: What was applied.
        retracted: Numbers of the articles that may not answer.
        hits: Passages, best first.
        stories: Articles with their copies, best first.
        candidates: Sentences of the best passages.
        first: What speaks for the likeliest stories, in their order, what was read in them apart.
        signs: (n, len(FEATURES)) of each candidate.
        alike: How much each candidate says the same as each.
        places: Of the sentences that were read, by version and index, where in the article the answer would stand.
        retrieve_s: How long the search took.
    """

    understood: Understood
    filters: Filters
    retracted: frozenset[int]
    hits: list[Hit]
    stories: list[Story]
    candidates: list[Candidate]
    first: list[Signs]
    signs: Floats
    alike: Likeness
    places: Places
    retrieve_s: float


class Answerer:
    """Answers from one snapshot and the store beside it."""

    def __init__(
        self,
        store: Store,
        snapshot: Snapshot,
        embedder: Embedder,
        reranker: Reranker | None = None,
        threshold: float = THRESHOLD,
    ) -> None:
        self._threshold = threshold
        self._store = store
        self._snapshot = snapshot
        self._embedder = embedder
        self._reranker = reranker
        self._retriever = Retriever(snapshot, embedder)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="reading")

    @property
    def outlets(self) -> Collection[str]:
        """Those of the corpus."""
        return self._snapshot.sources

    def answer(self, question: Question, without: Collection[int] = ()) -> Answer:
        """Quotes that answer, or an honest "not found".

        Args:
            question: What is asked.
            without: Numbers of articles that are left out as if they were retracted.

        Raises:
            BadInput: The question is empty, has no words, or is too long.
        """
        started = time.perf_counter()
        found = self.workings(question, without)
        understood, candidates = found.understood, found.candidates
        scores = scored(found.signs, candidates)
        chosen = choose(candidates, scores.tolist(), found.alike, question=understood.topic)
        quotes = verified((self._quote(pick, found) for pick in chosen), self._store.article)
        n_more = max(question.n_further, n_rivals(understood.kind))
        shown = [pick.candidate.sentences.article for pick in chosen]
        more = [
            pick
            for at, pick in enumerate(further(candidates, scores.tolist(), found.alike, chosen, n_more))
            if at < question.n_further or may_contradict(pick.candidate.sentences.article, shown)
        ]
        rivals = verified((self._quote(pick, found) for pick in more), self._store.article)
        quotes, rivals, contrary = settle(understood.kind, understood.topic, quotes, rivals)
        ranked = self._ranked(found)
        evidence = self._evidence(found, chosen, ranked)
        sure = confidence(evidence)
        is_found = bool(quotes) and (question.always or sure >= self._threshold)
        answer = Answer(
            question=question,
            status="answered" if is_found else "not_found",
            confidence=sure,
            understood=understood,
            filters=found.filters,
            quotes=tuple(quotes),
            disagreement=contrary,
            sources=_sources(ranked),
            searched=self._retriever.searched(found.filters, found.retracted),
            snapshot=self._snapshot.name,
            evidence=evidence,
            further=tuple(rivals[: question.n_further]),
        )
        log.info(
            "answered status=%s confidence=%.3f n_quotes=%d retrieve_s=%.3f all_s=%.3f",
            answer.status,
            sure,
            len(quotes),
            found.retrieve_s,
            time.perf_counter() - started,
        )
        log.debug("question text=%r", question.text)
        return answer

    def workings(self, question: Question, without: Collection[int] = ()) -> Workings:
        """What `answer` chooses its quotes from.

        Raises:
            BadInput: The question is empty, has no words, or is too long.
        """
        started = time.perf_counter()
        retracted = self._store.retracted() | set(without)
        understood = self._understood(question)
        filters = self._filters(question, understood)
        hits = self._hits(understood, filters, retracted)
        if question.respells and (words := self._respelt(understood.topic, hits)):
            understood = self._understood(question, words)
            filters = self._filters(question, understood)
            hits = self._hits(understood, filters, retracted)
        retrieve_s = time.perf_counter() - started
        stories = self._stories(hits)
        candidates = self._candidates(stories)
        own, around = words_of(candidates)
        asked = question_terms(understood.topic, understood.kind)
        idf = self._snapshot.words.idf
        signs = features(understood.kind, understood.question, asked, candidates, own, around, idf)
        found = stretches(candidates, likeliest(signs))
        judged = self._reading.submit(self._judged, understood.topic, found)
        # Meanwhile, as reading takes no interpreter.
        first, alike = self._first(stories, understood.topic), Likeness(own, idf)
        places = _read_into(signs, candidates, found, judged.result())
        return Workings(
            understood, filters, retracted, hits, stories, candidates, first, signs, alike, places, retrieve_s
        )

    def _understood(self, question: Question, words: Respelt = ()) -> Understood:
        return understand(
            question.text, question.asked_on, self._snapshot.sources, filters=question.read_filters, respelt=words
        )

    def _hits(self, understood: Understood, filters: Filters, retracted: Collection[int]) -> list[Hit]:
        return self._retriever.retrieve(
            with_question_mark(understood.topic),
            filters,
            window=_window_s(understood.window),
            retracted=retracted,
            k=N_HITS,
        )

    def _respelt(self, topic: str, hits: Sequence[Hit]) -> Respelt:
        """Words of a question that no article has, and what was meant by each, as far as passages found for it tell.

        A word that the embedder knows whole is none: rare, perhaps, but a word.
        """
        known = self._snapshot.words.has
        unknown = [word for word in words_to_check(topic) if not any(map(known, terms(word)))]
        n_pieces = self._embedder.count_tokens(unknown) if unknown else []
        misspelt = [word for word, n in zip(unknown, n_pieces, strict=True) if n > 1]
        if not misspelt:
            return ()
        articles = self._store.articles({hit.version for hit in hits})
        found = ((hit, articles[hit.version]) for hit in hits if hit.version in articles)
        return respelt(topic, misspelt, [(article.title, hit.span.of(article.text)) for hit, article in found])

    @staticmethod
    def _filters(question: Question, understood: Understood) -> Filters:
        """Options win over what the words say."""
        since = question.since or understood.since
        until = question.until or understood.until
        sources = question.sources or understood.sources
        return Filters(
            as_of_s=end_of_day_s(question.asked_on),
            since_s=None if since is None else start_of_day_s(since),
            until_s=None if until is None else end_of_day_s(until),
            sources=frozenset(name.lower() for name in sources),
            language=question.language,
            after_version=question.after_version,
        )

    def _stories(self, hits: Sequence[Hit]) -> list[Story]:
        """Articles by their best passage, near-copies of a story under its original."""
        groups = self._snapshot.versions["group"]
        articles = self._store.articles({hit.version for hit in hits})
        found: dict[int, list[Hit]] = {}
        for hit in hits:
            if hit.version in articles:  # or it was retracted while we were searching
                found.setdefault(int(groups[self._snapshot.version_row(hit.passage)]), []).append(hit)
        stories = [self._story(of_group, articles) for of_group in found.values()]
        return sorted(stories, key=lambda story: -story.score)

    @staticmethod
    def _story(hits: Sequence[Hit], articles: Mapping[int, Article]) -> Story:
        """The story that passages of one article and its near-copies are from."""
        found = [articles[version] for version in dict.fromkeys(hit.version for hit in hits)]
        # The original speaks for its copies; where a filter hides it, the earliest copy does.
        ordered = sorted(found, key=lambda a: (a.copy_of is not None, a.published or "9999", a.version))
        shown = ordered[0]
        also = tuple(dict.fromkeys(a.shown_as for a in ordered if a.id != shown.id))
        members = {article.version: article for article in ordered}
        place = {version: at for at, version in enumerate(members)}
        in_order = sorted(hits, key=lambda hit: place[hit.version])
        return Story(shown, members, tuple(in_order), also, max(hit.score for hit in hits))

    def _candidates(self, stories: Sequence[Story]) -> list[Candidate]:
        """The sentences of the best passages, each text once."""
        candidates: list[Candidate] = []
        ranked = sorted(
            ((hit, at) for at, story in enumerate(stories) for hit in story.hits), key=lambda pair: -pair[0].score
        )[:N_PASSAGES]
        ranked.sort(key=lambda pair: (-stories[pair[1]].score, pair[0].version != stories[pair[1]].article.version))
        sentences: dict[int, Sentences] = {}
        seen: set[str] = set()
        for hit, at in ranked:
            original, article = stories[at].article, stories[at].members[hit.version]
            for each in (original, article):
                if each.version not in sentences:
                    sentences[each.version] = sentences_of(each)
            for place in sentences[article.version].inside(hit.span):
                candidate = Candidate(at, sentences[article.version], place, hit)
                if article is not original:  # what the original says too is quoted from it
                    twin = twin_of(candidate.text, sentences[original.version])
                    candidate = candidate if twin is None else Candidate(at, sentences[original.version], twin, hit)
                if candidate.text not in seen:
                    seen.add(candidate.text)
                    candidates.append(candidate)
        return candidates[:N_SENTENCES]

    def _judged(self, topic: str, found: Sequence[Stretch]) -> Judged | None:
        """What the reranker says of each sentence; None where it reads nothing."""
        if self._reranker is None or not found or not self._reranker.reads(topic):
            return None
        return self._reranker.judge(asked_first(with_question_mark(topic)), [stretch.reading for stretch in found])

    @staticmethod
    def _evidence(found: Workings, chosen: Sequence[Chosen], ranked: Sequence[Ranked]) -> Evidence:
        if not chosen:
            return Evidence()
        article = chosen[0].candidate.sentences.article
        quoted = set(terms(f"{article.title}\n{bounded(chosen[0]).of(article.text)}"))
        dated = found.signs[found.candidates.index(chosen[0].candidate), RECENCY] * WEIGHTS[RECENCY]
        return Evidence.of(
            found.hits,
            chosen[0].score - float(dated),
            [story.score for story in found.stories],
            [one.coverage for one in ranked],
            is_whole=quoted.issuperset(question_terms(found.understood.topic, found.understood.kind)),
        )

    def _first(self, stories: Sequence[Story], topic: str) -> list[Signs]:
        """What speaks for the stories whose passages make them likeliest, as if nothing had been read in any."""
        asked, names = content_terms(topic), names_in(topic)
        by_rarity = weighed(asked, self._snapshot.words.idf)

        def signs_of(story: Story) -> Signs:
            second = sorted((hit.score for hit in story.hits), reverse=True)[1:2]
            opening = f"{story.article.title}\n{story.article.text[:OPENING_CHARS]}"
            share = covered(by_rarity, terms_among(asked, opening))
            is_named = has_name(story.article, *names)
            return Signs(story.score, sum(second), 0.0, share, is_named, self._day_of(story.hits[0]))

        return [signs_of(story) for story in stories[: 2 * N_SOURCES]]

    @staticmethod
    def _ranked(found: Workings) -> list[Ranked]:
        """The likeliest stories by `bot.rank`, best first."""
        # What was not read counts as the worst that was, whether it was a candidate or not.
        unread = float(found.signs[:, READING].min(initial=1.0))
        best: dict[int, float] = {}
        for candidate, reading in zip(found.candidates, found.signs[:, READING].tolist(), strict=True):
            best[candidate.story] = max(reading, best.get(candidate.story, unread))
        signs = [replace(each, reading=best.get(at, unread)) for at, each in enumerate(found.first)]
        scores = article_scores(signs).tolist()
        ranked = map(Ranked, found.stories, scores, (each.coverage for each in signs))
        return sorted(ranked, key=lambda one: one.score, reverse=True)

    def _day_of(self, hit: Hit) -> float | None:
        """When the version of a passage was published, in days since 1970; None where that is not known."""
        published_s = int(self._snapshot.versions["published_s"][self._snapshot.version_row(hit.passage)])
        return None if published_s == ALWAYS else published_s / DAY_S

    def _quote(self, pick: Chosen, found: Workings) -> Quote:
        article = pick.candidate.sentences.article
        text = article.text
        span = bounded(pick)
        place = found.places.get(pick.candidate.place)
        pointed = None if place is None else (place.start - span.start, place.end - span.start)
        marked = mark_answer(found.understood.topic, found.understood.kind, span.of(text), pointed)
        answer = Span(span.start + marked[0], span.start + marked[1]) if marked else None
        span, cut_left, cut_right = cut_to_words(text, span, answer, QUOTE_WORDS)
        if answer is not None and not (span.start <= answer.start and answer.end <= span.end):
            answer = None
        story = found.stories[pick.candidate.story]
        everywhere = (story.article.shown_as, *story.also)
        return Quote(
            article=article,
            span=span,
            text=span.of(text),
            score=pick.score,
            answer=answer,
            cut_left=cut_left,
            cut_right=cut_right,
            also=tuple(place for place in everywhere if place != article.shown_as),
        )


def _read_into(
    signs: Floats, candidates: Sequence[Candidate], found: Sequence[Stretch], judged: Judged | None
) -> Places:
    """Write what was said of stretches into the signs of their candidates; where the answer would stand in each."""
    places: Places = {}
    if judged is None:
        return places
    read = [at for stretch in found for at in stretch.candidates]
    ours = [n for n, at in enumerate(read) if at >= 0]
    read_into(signs, [read[n] for n in ours], judged.scores[ours])
    for n in ours:
        place, candidate = judged.places[n], candidates[read[n]]
        if place is not None:
            start = candidate.sentences.spans[candidate.at].start
            places[candidate.place] = Span(start + place.start, start + place.end)
    return places


def _window_s(window: tuple[date, date] | None) -> tuple[int, int] | None:
    return None if window is None else (start_of_day_s(window[0]), end_of_day_s(window[1]))


def _sources(ranked: Sequence[Ranked]) -> tuple[SourceArticle, ...]:
    return tuple(
        SourceArticle(
            one.story.article.id,
            one.story.article.address,
            one.story.article.title,
            one.story.article.source,
            one.story.article.published,
            one.score,
        )
        for one in ranked[:N_SOURCES]
    )
