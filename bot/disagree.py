"""Whether two quotes give different answers to the same question: a number, sum, share, date or name.

Rules over the quotes that were chosen. A pair counts only where the two come from different stories, of about the same
days, and speak of the same thing: each figure with the question's words beside it, counting the same noun at the same
moment and place, a sum against a sum and never against a rate. Figures that a hedge or a rounding makes compatible
("about 200", "at least 14") do not disagree. Silence is cheap and a false alarm is not, so every doubt is resolved for
agreement.
What a value is, and when two differ, is told in `bot.disagree_values`. Knows nothing about storage or search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from bot.choose import ALL_WORDS
from bot.disagree_values import (
    ANYBODY,
    DATE,
    SOME,
    Value,
    agrees_with,
    are_alike,
    counted,
    date_of,
    differ,
    figures,
    fits,
    folded_name,
)
from bot.english import MONTH_NUMBERS, WEEKDAYS, word_set
from bot.kind import Kind
from bot.quote_words import stem
from index.sentences import sentence_spans
from index.types import DAY_S, Article, Quote, Span, instant_s

# Reports on one event come within days of each other; a figure of last month is another figure.
MAX_DAYS_APART = 10
# Names shared by the openings of two reports on one event, where the question names nothing itself.
N_SHARED_NAMES = 2
# Share of the question's words that the opening of each report holds.
MIN_SHARE = 0.5
OPENING_CHARS = 1_500
# Words between a figure and what the question says of it ("injuring 17 people") that still tie the two together.
NEAR_WORDS = 7
# Quotes beyond the chosen ones that are looked through for the other side.
N_RIVALS = 6
# Kinds whose answers can be compared, beside dates.
_NAMED = frozenset({"person", "organisation", "place", "name"})
_COUNTED = frozenset({"number", "money", "percent", "duration"})
# Words between a figure and one right beside it.
BESIDE_WORDS = 5
# A word of the question beside both figures for every so many that it has: "bill" alone ties no long question to them.
ASKED_WORDS = 5
# What the marked words gain: as much as a word of the question four words away.
MARKED = 0.2


_STOP = word_set(
    "a an the of in on at to for by with from as and or how many much what which who when where was were is are be "
    "been did do does has have had will would can could because after before during than that this these those it its "
    "their his her into over under about people number amount took take there if any some all more most said say says"
)
# What befalls people, who need not be named where it is asked for: "how many died", "how many injured".
_DYING = word_set("killed died die dying dead death deaths fatality fatalities")
_HURTING = word_set("injured injuries injury hurt wounded")
_BEFALLEN = _DYING | _HURTING | word_set("missing arrested detained")
_OF_PEOPLE = re.compile(
    r"\s(?:(?:were|are|was|is|have|has|had)\s(?:been\s)?)?"
    rf"(?:{'|'.join(sorted(_BEFALLEN | {'rescued', 'evacuated'}))})\b",
    re.IGNORECASE,
)
_HURT_STEMS = frozenset(map(stem, _HURTING))
_DEAD_STEM, _DEAD_STEMS = stem("dead"), frozenset(map(stem, _DYING))
_BEFALLEN_STEMS = frozenset(map(stem, _BEFALLEN))
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_WEEKDAYS = frozenset(map(str.title, WEEKDAYS))
# What a figure is at a moment: tomorrow it is another, and both were right.
_MOMENT = re.compile(
    r"\b(?:now|currently|so far|to date|as of|at (?:that|the) time"
    r"|(?:r[io]sen?|rising|climb\w*|gr[eo]wn?|increas\w+|f[ae]ll(?:en)?|dropp\w*|jump\w*|swell\w*|swollen) to"
    r"|toll|br(?:ing(?:s|ing)?|ought) (?:the|its) (?:\w+ ){0,2}(?:total|number|tally)"
    rf"|by (?:early |late )?(?:{'|'.join(_WEEKDAYS)}|midday|noon|midnight|morning|evening))\b",
    re.IGNORECASE,
)
# What a figure of a longer time than one event has beside it: all who died since a war began.
_OTHER_TIME = re.compile(
    r"\b(?:since (?:the\b|(?:19|20)\d\d\b)|(?:this|last) (?:year|month)\b"
    r"|in the (?:past|last) (?:[\w-]+ ){0,2}(?:month|year|decade)s?\b|(?:week|month|year|decade)s? ago\b)",
    re.IGNORECASE,
)
# What is no figure of the whole as it is known now, unless the question has the word: what comes on top of others, what
# was thought at first, some of those who are asked for, and the injured who were hit hard or lightly.
_FURTHER = word_set("another additional further extra more other others")
_FURTHER_BEFORE = re.compile(r"\b([^\W\d_]+)\s(?:about\s|some\s|around\s|estimated\s)?$")
_FURTHER_AFTER = re.compile(r"\s([^\W\d_]+)")
_AT_FIRST = word_set("initial initially original originally preliminary")
_SAID_FIRST = re.compile(
    r"\b(?:at first|(?:first|earlier|previously)\s"
    r"(?:said|reported|put|thought|believed|estimated|announced|told|expected|planned|budgeted))\b",
    re.IGNORECASE,
)
_AMONG = re.compile(
    r"\b(?:among(?:st)? (?:those|them|these|the)|includ(?:ing|es?|ed)|of (?:whom|which|them|these|those))\b",
    re.IGNORECASE,
)
_SOME_AFTER = re.compile(rf"\s(?:were|are|was)\s(?:[^\W\d_]+\s)?(?:{'|'.join(sorted(SOME))})\b", re.IGNORECASE)
_DEGREES = word_set(
    "seriously severely critically gravely badly moderately slightly lightly mildly fatally serious severe critical "
    "grave moderate slight light mild minor"
)
_PART_ENDS = re.compile(r"[;:—–]|\s(?:and|but|while|though)\s")
_COUNT_OF = re.compile(r"\b(?:how many(?:\s(?:more|other|of\sthe)\b)?|number of(?:\sthe\b)?)(?=\s)", re.IGNORECASE)
_ORDINALS = word_set("first second third fourth last")
_SHARE_OF = re.compile(r"\b(?:per\s?cent|percentage|share|proportion)\sof\s(?:the\s|all\s)?([^\W\d_]+)", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:in|near|at|around|across)\s(?:the\s)?(?:[a-z]+\s(?:of\s)?){0,3}(?P<name>[A-Z][\w’'-]+)")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAME = re.compile(r"(?<![.!?:“\"] )(?<!^)(?<!\n)\b[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+)*")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two quotes that contradict each other.

    Attributes:
        pair: Their positions, the newer first.
        answers: The two values, as spans of their articles.
    """

    pair: tuple[int, int]
    answers: tuple[Span, Span]

    def marked(self, quotes: Sequence[Quote]) -> tuple[Quote, ...]:
        """The quotes, with the two values marked as the answers they are."""
        marks = dict(zip(self.pair, self.answers, strict=True))
        return tuple(replace(quote, answer=marks.get(at, quote.answer)) for at, quote in enumerate(quotes))


def n_rivals(kind: Kind) -> int:
    """How many of the next best quotes `settle` looks at: none where no two answers of a kind can be compared."""
    return N_RIVALS if kind in _NAMED or kind in _COUNTED or kind == "date" else 0


def may_contradict(article: Article, others: Iterable[Article]) -> bool:
    """Whether a quote of an article can contradict one of the others at all: no copies, and of about the same days."""
    return any(_are_independent(article, other) for other in others)


def settle(
    kind: Kind, question: str, quotes: Sequence[Quote], rivals: Sequence[Quote]
) -> tuple[list[Quote], list[Quote], tuple[int, int] | None]:
    """An answer's quotes with both sides among them, where there are two.

    Args:
        kind: What is asked for.
        question: The question, or its topic.
        quotes: Chosen, best first.
        rivals: The next best, best first; one that contradicts a chosen quote takes the last one's place, if the
            words of all still fit the budget.

    Returns:
        The quotes, the two values marked; what is left of the rivals, the quote that gave way first; the positions of
        the two, the newer first, or None.
    """
    found = find_disagreement(kind, question, quotes)
    if found is not None:
        return list(found.marked(quotes)), list(rivals), found.pair
    if len(quotes) < 2:  # a rival would be the only other voice, and is shown as one of "more"
        return list(quotes), list(rivals), None
    for at, rival in enumerate(rivals[:N_RIVALS]):
        kept = quotes[:-1]
        found = find_disagreement(kind, question, [*kept, rival], is_strict=True)
        if found is None:
            continue
        with_rival = list(found.marked([*kept, _only_sentence(rival, found.answers[found.pair.index(len(kept))])]))
        if sum(len(quote.text.split()) for quote in with_rival) <= ALL_WORDS:
            return with_rival, [quotes[-1], *rivals[:at], *rivals[at + 1 :]], found.pair
    return list(quotes), list(rivals), None


def _only_sentence(quote: Quote, answer: Span) -> Quote:
    """A quote of several sentences brought down to the one with the answer."""
    offset = answer.start - quote.span.start
    for span in sentence_spans(quote.text):
        if span.start <= offset < span.end and not (quote.cut_left or quote.cut_right):
            start = quote.span.start
            return replace(quote, span=Span(start + span.start, start + span.end), text=span.of(quote.text))
    return quote


def find_disagreement(
    kind: Kind, question: str, quotes: Sequence[Quote], *, is_strict: bool = False
) -> Disagreement | None:
    """Two quotes that contradict each other on what is asked, or None.

    Args:
        kind: What is asked for; kinds without comparable values never disagree.
        question: The question, or its topic.
        quotes: As shown, best first. Of several pairs the one is named that says more of the question, then the first.
        is_strict: The question's words must stand beside both figures: for quotes that were not chosen.
    """
    values = [_value(kind, question, quote) for quote in quotes]
    pairs = combinations(range(len(quotes)), 2)
    # The pair with more words of the question beside its values: "310 residents", not "85 firefighters".
    for first, second in sorted(pairs, key=lambda pair: -sum(len(value.said) for at in pair if (value := values[at]))):
        one, other = values[first], values[second]
        if one is None or other is None or not are_alike(one, other) or not differ(one, other):
            continue
        a, b = quotes[first], quotes[second]
        if not _are_independent(a.article, b.article) or not _same_matter(question, a, b):
            continue
        if (is_strict or kind in _COUNTED) and not _same_count(question, (a, one), (b, other), is_strict=is_strict):
            continue
        if agrees_with(one, _all_values(kind, b)) or agrees_with(other, _all_values(kind, a)):
            continue  # one report names both, and so is not against the other
        pair = (first, second) if _moment(a) >= _moment(b) else (second, first)
        return Disagreement(pair, (_in_article(quotes, values, pair[0]), _in_article(quotes, values, pair[1])))
    return None


def _in_article(quotes: Sequence[Quote], values: Sequence[Value | None], at: int) -> Span:
    value, start = values[at], quotes[at].span.start
    assert value is not None
    return Span(start + value.span[0], start + value.span[1])


def _moment(quote: Quote) -> int:
    return instant_s(quote.article.published) or 0


# Whose report it is -------------------------------------------------------------------------------------


def _are_independent(one: Article, other: Article) -> bool:
    """Two stories of about the same days, and no copies of each other."""
    if one.id == other.id or one.id == other.copy_of or other.id == one.copy_of:
        return False
    if one.copy_of is not None and one.copy_of == other.copy_of:
        return False
    first, second = instant_s(one.published), instant_s(other.published)
    return first is not None and second is not None and abs(first - second) <= MAX_DAYS_APART * DAY_S


def _same_matter(question: str, one: Quote, other: Quote) -> bool:
    """Whether both speak of what is asked: its names and most of its words are in both, or are shared."""
    asked = _stems(question)
    texts = [_stems(f"{quote.article.title} {quote.text}") for quote in (one, other)]
    openings = [_stems(_opening(quote)) | found for quote, found in zip((one, other), texts, strict=True)]
    called = _called(question, one, other)
    if not all(called <= opening for opening in openings):
        return False
    # A quote that names others, and nothing of what the question names, speaks of those.
    for quote, found in zip((one, other), texts, strict=True):
        if called and not called & found and _names(f"{quote.article.title}. {quote.text}"):
            return False
    share = min(len(asked & opening) for opening in openings) / max(1, len(asked))
    if share < MIN_SHARE:
        return False
    shared = _opening_names(one) & _opening_names(other)
    return len(shared) >= N_SHARED_NAMES or (bool(called) and share >= 2 / 3)


def _same_count(question: str, one: tuple[Quote, Value], other: tuple[Quote, Value], *, is_strict: bool) -> bool:
    """Whether two figures are of the same thing, moment and place: the question's words stand beside both.

    Of quotes that were chosen, one that speaks of the matter and counts people once is taken to count whom the question
    means ("Police put the number of demonstrators at 6,500"); and a place that the other report does not know is no
    other place where the same sentence has a name of the question, or where that names nothing.
    """
    (a, first), (b, second) = one, other
    least = max(1, -(-len(_stems(question) - _named(question)) // ASKED_WORDS))
    is_tied = len(first.said & second.said) >= least
    if not is_tied and (is_strict or not (_counts_once(question, a) and _counts_once(question, b))):
        return False
    sentences = [_sentence_at(quote.text, value.span[0]) for quote, value in (one, other)]
    days = {(quote.article.published or "")[:10] for quote in (a, b)}
    if len(days) > 1 and any(map(_MOMENT.search, sentences)):
        return False
    called = _called(question, a, b)
    for sentence, report in zip(sentences, (b, a), strict=True):
        is_of_matter = not is_strict and (not called or called & _stems(sentence))
        if not is_of_matter and not _knows_places(question, report, sentence):
            return False
    return True


def _knows_places(question: str, quote: Quote, sentence: str) -> bool:
    """Whether a report, or the question, knows all places that a sentence of another names."""
    known = _stems(f"{question} {quote.article.title} {_opening(quote)} {quote.text}")
    places = {place["name"] for place in _PLACE.finditer(sentence)} - _WEEKDAYS
    return all(place.lower() in MONTH_NUMBERS or _stems(place) <= known for place in places)


def _called(question: str, one: Quote, other: Quote) -> set[str]:
    """Stems of the question's names; what two reports never write small is one too, however it was typed."""
    small = {_sense(word) for word in _TOKEN.findall(f"{_opening(one)} {_opening(other)}") if word[0].islower()}
    written = {_sense(word) for name in _opening_names(one) | _opening_names(other) for word in _TOKEN.findall(name)}
    return _stems(question) & (_named(question) | written - small)


def _opening(quote: Quote) -> str:
    return quote.article.text[:OPENING_CHARS]


def _opening_names(quote: Quote) -> set[str]:
    return _names(f"{quote.article.title}. {_opening(quote)}")


def _named(question: str) -> set[str]:
    return {_sense(word) for name in _names(question) for word in _TOKEN.findall(name)}


def _stems(text: str) -> set[str]:
    return {_sense(word) for word in _TOKEN.findall(text) if word.lower() not in _STOP}


def _sense(word: str) -> str:
    """A word's stem, which is one for all that say that somebody died."""
    folded = stem(word)
    return _DEAD_STEM if folded in _DEAD_STEMS else folded


def _names(text: str) -> set[str]:
    """Capitalised runs inside sentences; weekdays and months name nothing."""
    found = set()
    for match in _NAME.finditer(text):
        words = [w.removesuffix("’s").removesuffix("'s") for w in match[0].split()]
        kept = [w for w in words if w not in _WEEKDAYS and w.lower() not in MONTH_NUMBERS and len(w) > 1]
        if kept:
            found.add(" ".join(kept))
    return found


# What a quote says --------------------------------------------------------------------------------------


def _value(kind: Kind, question: str, quote: Quote) -> Value | None:
    """The value in a quote that answers, or None where none does beyond doubt."""
    if kind in _NAMED:
        return _name_value(question, quote)
    if kind == "date":
        return _date_value(question, quote)
    if kind not in _COUNTED:
        return None
    unit = _asked_unit(kind, question)
    if unit is None:
        return None
    asked = _stems(question)
    if asked & _HURT_STEMS:  # whoever asks for the hurt asks for the injured; two reports have to say the same
        asked |= _HURT_STEMS
    telling = asked - _named(question) - {unit.split()[-1]} - _whole(question)
    marked_end = 0 if quote.answer is None else quote.answer.end - quote.span.start
    best: tuple[float, Value] | None = None
    for sentence, value in figures(quote.text):
        if not fits(unit, value.key):
            continue
        start, end = value.span
        place = (start - sentence.start, end - sentence.start)
        if _is_of_another_time(question, sentence.of(quote.text), place, quote.article):
            continue
        if _is_of_a_part(question, sentence.of(quote.text), place, is_people=unit.startswith("people")):
            continue
        near = _nearness(sentence.of(quote.text), place, asked)
        if quote.answer is not None and quote.answer.start < quote.span.start + end and start < marked_end:
            near += MARKED
        if near > 0 and (best is None or near > best[0]):
            said = _beside(sentence.of(quote.text), place, telling)
            best = (near, replace(value, said=said))
    return None if best is None else best[1]


def _whole(question: str) -> set[str]:
    """What a share is asked of: "of the vote" stands beside each share of the vote."""
    return {_sense(match[1]) for match in _SHARE_OF.finditer(question)}


def _is_of_another_time(question: str, sentence: str, place: tuple[int, int], article: Article) -> bool:
    """Whether a figure is of a year that is neither asked for nor the report's own, of a longer time or one long ago
    where none is asked for, or of another month or quarter than the one that is asked for.
    """
    if _OTHER_TIME.search(sentence) and not _OTHER_TIME.search(question):
        return True
    years = set(_YEAR.findall(sentence)) - set(_YEAR.findall(question))
    if years - {(article.published or "")[:4]}:
        return True
    asked, beside = {word.lower() for word in _TOKEN.findall(question)}, {*map(str.lower, _clause(sentence, place))}
    return any(
        asked & times and beside & times and not asked & beside & times for times in (MONTH_NUMBERS.keys(), _ORDINALS)
    )


def _is_of_a_part(question: str, sentence: str, place: tuple[int, int], *, is_people: bool) -> bool:
    """Whether a figure is of some only, comes on top of others or was replaced since, and none of it is asked for."""
    asked = {word.lower() for word in _TOKEN.findall(question)}
    before, after = _PART_ENDS.split(sentence[: place[0]])[-1], _PART_ENDS.split(sentence[place[1] :])[0]
    beside = {found[1].lower() for found in (_FURTHER_BEFORE.search(before), _FURTHER_AFTER.match(after)) if found}
    if beside & _FURTHER and not asked & _FURTHER:
        return True
    said = {word.lower() for word in _TOKEN.findall(before + after)}
    if (said & _AT_FIRST or _SAID_FIRST.search(before)) and not asked & _AT_FIRST:
        return True
    if _AMONG.search(before) or _SOME_AFTER.match(after):
        return True
    degrees = {word.lower() for word in _clause(sentence, place)} & _DEGREES
    return is_people and bool(degrees - asked)


def _counts_once(question: str, quote: Quote) -> bool:
    """Whether a quote that says half of what is asked, its title included, has one figure alone that counts people.

    No figure is taken for that of the dead or the like that does not say so: a fire without any has its evacuated.
    """
    asked = _stems(question) - {stem(word) for word in ANYBODY}
    if _asked_unit("number", question) != "people" or asked & _BEFALLEN_STEMS:
        return False
    if len(asked & _stems(f"{quote.article.title} {quote.text}")) < MIN_SHARE * len(asked):
        return False
    return len({value.amount for _, value in figures(quote.text) if fits("people", value.key)}) == 1


def _all_values(kind: Kind, quote: Quote) -> Iterator[Value]:
    """Every value in a quote that could be meant, the article's title too."""
    if kind == "date":
        yield from (date_of(match, 0) for match in DATE.finditer(quote.text))
    elif kind in _COUNTED:
        for text in (quote.text, quote.article.title[:OPENING_CHARS]):
            yield from (value for _, value in figures(text))
    else:
        yield from (Value("name", (0, 0), name=folded_name(name)) for name in _names(f". {quote.text}"))


def _asked_unit(kind: Kind, question: str) -> str | None:
    """What is counted: "people", a unit of measure, a noun's stem, "money" or "percent"; None where it is not said."""
    if kind in ("money", "percent"):
        return kind
    asked = _COUNT_OF.search(question)
    if asked is None:
        return None
    after = question[asked.end() :]
    return "people" if _OF_PEOPLE.match(after) else counted(after) or None


def _nearness(sentence: str, span: tuple[int, int], asked: set[str]) -> float:
    """How close the question's words stand to a place in a sentence; 0 where none is near."""
    near = 0.0
    seen: set[str] = set()
    before = list(_TOKEN.finditer(sentence, 0, span[0]))[::-1]
    after = list(_TOKEN.finditer(sentence, span[1]))
    for words in (before, after):
        for gap, word in enumerate(words[:NEAR_WORDS], 1):
            folded = _sense(word[0])
            if folded in asked and folded not in seen:
                seen.add(folded)
                near += 1 / (1 + gap)
    return near


def _beside(sentence: str, span: tuple[int, int], asked: set[str]) -> frozenset[str]:
    """The asked words right beside a place, in its clause; a word with a capital names something.

    Where a clause speaks of the dead and of the hurt, neither says whom its figure counts.
    """
    beside = frozenset(_sense(word) for word in _clause(sentence, span) if word[0].islower())
    if _DEAD_STEM in beside and beside & _HURT_STEMS:
        beside -= {_DEAD_STEM, *_HURT_STEMS}
    return beside & asked


def _clause(sentence: str, span: tuple[int, int]) -> list[str]:
    """The few words on either side of a place that belong to its clause."""
    before = _within_clause(sentence[: span[0]].split()[::-1], opens=False)
    return before + _within_clause(sentence[span[1] :].split(), opens=True)


def _within_clause(words: Sequence[str], *, opens: bool) -> list[str]:
    """The first few words, as read from a figure, up to a stop or "and".

    Args:
        words: The nearest first.
        opens: Whether they are read onwards, where a stop ends the clause with its word, not before it.
    """
    found: list[str] = []
    for word in words:
        is_end = word[-1] in ",;:.?!)—–"
        if word in ("and", "but", "while") or len(found) == BESIDE_WORDS or (is_end and not opens):
            break
        found += _TOKEN.findall(word)
        if is_end:
            break
    return found


def _date_value(question: str, quote: Quote) -> Value | None:
    """The marked date, where it names a day of a month that the question does not."""
    if quote.answer is None:
        return None
    match = DATE.search(quote.answer.of(quote.article.text))
    if match is None or match[0] in question:
        return None
    return date_of(match, quote.answer.start - quote.span.start)


def _name_value(question: str, quote: Quote) -> Value | None:
    """The marked name, where its sentence says nearly all that the question does."""
    if quote.answer is None:
        return None
    marked = quote.answer.of(quote.article.text)
    if not re.fullmatch(r"(?:[Tt]he\s)?[A-Z][\w’'.-]+(?:\s[A-Z][\w’'.-]+){0,4}", marked):
        return None
    asked = _stems(question)
    offset = quote.answer.start - quote.span.start
    sentence = _sentence_at(quote.text, offset)
    if len(asked) < 3 or not asked <= _stems(sentence):
        return None
    return Value("name", (offset, offset + len(marked)), name=folded_name(marked))


def _sentence_at(text: str, offset: int) -> str:
    return next((span.of(text) for span in sentence_spans(text) if span.start <= offset < span.end), "")
