"""Whether two quotes give different answers to the same question: a number, sum, share, date or name.

Rules over the quotes that were chosen. A pair counts only where the two come from different stories, of about the same
days, and speak of the same thing; figures that a hedge or a rounding makes compatible ("about 200", "at least 14")
do not disagree. Silence is cheap and a false alarm is not, so every doubt is resolved for agreement.
Knows nothing about storage or search.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations

from bot.choose import ALL_WORDS
from bot.kind import Kind
from bot.quote_words import stem, word_set
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
BESIDE_WORDS = 4
# What the marked words gain: as much as a word of the question four words away.
MARKED = 0.2


def _numbered(words: str, first: int) -> dict[str, int]:
    return {word: n for n, listed in enumerate(words.split(" "), first) for word in listed.split("/")}


_STOP = word_set(
    "a an the of in on at to for by with from as and or how many much what which who when where was were is are be "
    "been did do does has have had will would can could because after before during than that this these those it its "
    "their his her into over under about people number amount took take there if any some all more most said say says"
)
# "residents" and "people" may be the same persons; "passengers" and "injured" are not.
_ANYBODY = frozenset(map(stem, word_set("people person persons residents inhabitants men women adults human humans")))
_PEOPLE = frozenset(
    map(
        stem,
        word_set(
            "demonstrators protesters protestors marchers participants passengers victims dead deaths injured injuries "
            "casualties fatalities workers employees jobs students pupils children soldiers troops civilians migrants "
            "refugees patients cases voters fans visitors guests spectators attendees supporters members officers "
            "firefighters survivors hostages prisoners inmates staff"
        ),
    )
)
_UNITS = {
    stem(word): unit
    for unit, words in {
        "percent": "% percent percentage",
        "second": "second seconds",
        "minute": "minute minutes",
        "hour": "hour hours",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years",
        "metre": "metre metres meter meters",
        "kilometre": "kilometre kilometres kilometer kilometers km",
        "mile": "mile miles",
        "foot": "foot feet",
    }.items()
    for word in words.split()
}
_SMALL = _numbered(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen",
    0,
) | {word: 10 * n for word, n in _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2).items()}
_SCALES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 10**3,
    "k": 10**3,
    "million": 10**6,
    "m": 10**6,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
}
_CURRENCIES = {"us$": "$", "dollars": "$", "euros": "€", "pounds": "£", "yen": "¥"}
_WORDED = "|".join(sorted(_SMALL, key=len, reverse=True))
_BELOW_100 = rf"\b(?:{_WORDED})(?:-(?:{_WORDED}))?\b"
_SPELT = rf"{_BELOW_100}(?:[\s-](?:hundred|thousand|million|billion|trillion)\b(?:\s(?:and\s)?{_BELOW_100})?)*"
_FIGURE = re.compile(
    rf"(?P<money>(?:US|C|A)?[$£€¥]\s?)?(?P<figure>\d[\d,]*(?:\.\d+)?|{_SPELT})"
    r"(?:[\s-]?(?P<scale>(?:hundred|thousand|million|billion|trillion|dozen|bn|m|k)\b))?(?P<percent>\s?(?:%|per\s?cent\b))?"
    r"(?![\d:])(?:[\s-](?P<currency>dollars|euros|pounds|yen)\b)?",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"\b(?:(?<!no )(?<!not )more than|over|at least|upwards of|above|exceed\w*|no (?:fewer|less) than|minimum of)"
    r"\s+(?:the\s)?$",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\b(?:up to|as many as|as much as|(?<!no )(?<!not )(?:fewer|less) than|under|below|not? more than|at most"
    r"|maximum of)\s+$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:about|around|some|nearly|almost|roughly|approximately|an estimated|close to|estimated at)\s+$",
    re.IGNORECASE,
)
_OR = r"(?:\s\w+){0,2}\sor\s"
_LEAST_AFTER = re.compile(rf"\+|-plus\b|\sand counting\b|{_OR}more\b", re.IGNORECASE)
_MOST_AFTER = re.compile(rf"{_OR}(?:fewer|less)\b", re.IGNORECASE)
_ABOUT_AFTER = re.compile(rf"{_OR}so\b", re.IGNORECASE)
_HEDGES = (
    ("least", _LEAST, _LEAST_AFTER),
    ("most", _MOST, _MOST_AFTER),
    ("about", _ABOUT, _ABOUT_AFTER),
)
# One end of "14 to 17", "14–17%", "between 14 and 17", "$4 or $5 million"; and "one and a half".
_RANGE_BEFORE = re.compile(
    rf"(?:[\d%]|\b(?:{_WORDED}|{'|'.join(_SCALES)}|per\s?cent))\s?(?:to|or|[-–—])\s?$"
    r"|\bbetween\s(?:[^\s,;]+\s){0,3}(?:and\s)?$",
    re.IGNORECASE,
)
_RANGE_AFTER = re.compile(
    rf"\s?(?:to|or|[-–—])\s?(?:[$£€¥]\s?)?(?:\d|(?:{_WORDED})\b)|\sand (?:a|three) (?:half|quarters?)\b", re.IGNORECASE
)
_MONTHS = _numbered(
    "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sept/sep october/oct "
    "november/nov december/dec",
    1,
)
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"\b(?:(?P<m1>{_MONTH})\.?\s(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s"
    rf"(?P<m2>{_MONTH})\.?)(?![\d:])(?:,?\s(?P<year>(?:19|20)\d\d))?\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAME = re.compile(r"(?<![.!?:“\"] )(?<!^)(?<!\n)\b[A-Z][\w’'-]+(?:\s[A-Z][\w’'-]+)*")
_WEEKDAYS = word_set("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")


@dataclass(frozen=True, slots=True)
class Value:
    """What a quote gives as the answer.

    Attributes:
        key: What makes two values comparable: a unit, "money: $", "date" or "name".
        amount: Of a figure.
        day: Month, day and year (0 where unsaid) of a date.
        name: Of a name, folded words.
        span: Where it stands in its text.
        said: The question's words right beside it that are neither names nor what is counted ("injuring 17 people").
        digits: Significant digits of a figure as written.
        hedge: "", "about", "least" or "most".
    """

    key: str
    span: tuple[int, int]
    amount: float = 0.0
    day: tuple[int, int, int] = (0, 0, 0)
    name: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()
    digits: int = 0
    hedge: str = ""


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
        is_strict: The same word of the question must stand beside both values: for quotes that were not chosen.
    """
    values = [_value(kind, question, quote) for quote in quotes]
    pairs = combinations(range(len(quotes)), 2)
    # The pair with more words of the question beside its values: "310 residents", not "85 firefighters".
    for first, second in sorted(pairs, key=lambda pair: -sum(len(value.said) for at in pair if (value := values[at]))):
        one, other = values[first], values[second]
        if one is None or other is None or not _are_alike(one, other) or not _differ(one, other):
            continue
        if is_strict and not one.said & other.said:
            continue
        a, b = quotes[first], quotes[second]
        if not _are_independent(a.article, b.article) or not _same_matter(question, a, b):
            continue
        if _agrees_with(one, _all_values(kind, question, b)) or _agrees_with(other, _all_values(kind, question, a)):
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
    named = _named(question) & asked
    texts = [_stems(f"{quote.article.title} {quote.text}") for quote in (one, other)]
    openings = [
        _stems(quote.article.text[:OPENING_CHARS]) | found for quote, found in zip((one, other), texts, strict=True)
    ]
    if not all(named <= opening for opening in openings):
        return False
    share = min(len(asked & opening) for opening in openings) / max(1, len(asked))
    if share < MIN_SHARE:
        return False
    names = [_names(f"{quote.article.title}. {quote.article.text[:OPENING_CHARS]}") for quote in (one, other)]
    return len(names[0] & names[1]) >= N_SHARED_NAMES or (bool(named) and share >= 2 / 3)


def _named(question: str) -> set[str]:
    return {stem(word) for name in _names(question) for word in _TOKEN.findall(name)}


def _stems(text: str) -> set[str]:
    return {stem(word) for word in _TOKEN.findall(text) if word.lower() not in _STOP}


def _names(text: str) -> set[str]:
    """Capitalised runs inside sentences; weekdays and months name nothing."""
    found = set()
    for match in _NAME.finditer(text):
        words = [w.removesuffix("’s").removesuffix("'s") for w in match[0].split()]
        kept = [w for w in words if w not in _WEEKDAYS and w.lower() not in _MONTHS and len(w) > 1]
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
    marked_end = 0 if quote.answer is None else quote.answer.end - quote.span.start
    best: tuple[float, Value] | None = None
    for sentence, value in _figures(quote.text):
        if not _fits(unit, value.key):
            continue
        start, end = value.span
        place = (start - sentence.start, end - sentence.start)
        near = _nearness(sentence.of(quote.text), place, asked)
        if quote.answer is not None and quote.answer.start < quote.span.start + end and start < marked_end:
            near += MARKED
        if near > 0 and (best is None or near > best[0]):
            said = _beside(sentence.of(quote.text), place, asked - _named(question) - {unit.split()[-1]})
            best = (near, replace(value, said=said))
    return None if best is None else best[1]


def _all_values(kind: Kind, question: str, quote: Quote) -> Iterator[Value]:
    """Every value in a quote that could be meant, the article's title too."""
    if kind == "date":
        yield from (_date(match, 0) for match in _DATE.finditer(quote.text))
    elif kind in _COUNTED:
        unit = _asked_unit(kind, question) or ""
        for text in (quote.text, quote.article.title):
            yield from (value for _, value in _figures(text) if _fits(unit, value.key))
    else:
        yield from (Value("name", (0, 0), name=_folded(name)) for name in _names(f". {quote.text}"))


def _asked_unit(kind: Kind, question: str) -> str | None:
    """What is counted: "people", a unit of measure, a noun's stem, "money" or "percent"; None where it is not said."""
    if kind in ("money", "percent"):
        return kind
    counted = re.search(r"\bhow many\s+(?:more\s|other\s|of the\s)?((?:[\w’'-]+\s?){1,4})", question, re.IGNORECASE)
    if counted is None:
        return None
    for word in _TOKEN.findall(counted[1]):
        if stem(word) in _PEOPLE | _ANYBODY:
            return _persons(stem(word))
        if stem(word) in _UNITS:
            return _UNITS[stem(word)]
    return stem(_TOKEN.findall(counted[1])[0]) if _TOKEN.findall(counted[1]) else None


def _persons(folded: str) -> str:
    return "people" if folded in _ANYBODY else f"people: {folded}"


def _fits(asked: str, found: str) -> bool:
    """Whether a figure counts what is asked; one that counts nothing said ("17 were hurt") can count people."""
    if asked == "people":
        return found.startswith("people") or found == ""
    if asked == "money":
        return found.startswith("money: ")
    return found == asked or (asked.startswith("people") and found == "people")


def _figures(text: str) -> Iterator[tuple[Span, Value]]:
    """Every figure of a text, its sentence, and what it says; years, times and parts of dates left out."""
    for span in sentence_spans(text):
        sentence = span.of(text)
        dates = [match.span() for match in _DATE.finditer(sentence)]
        for figure in _FIGURE.finditer(sentence):
            if any(start < figure.end() and figure.start() < end for start, end in dates):
                continue
            value = _figure_value(sentence, figure, span.start)
            if value is not None:
                yield span, value


def _figure_value(sentence: str, figure: re.Match[str], offset: int) -> Value | None:
    written = figure["figure"].lower().replace(",", "").rstrip(".")
    before, after = sentence[: figure.start()], sentence[figure.end() :]
    if re.search(r"[\w.,:]$", before) or _RANGE_BEFORE.search(before) or _RANGE_AFTER.match(after):
        return None
    if written[0].isdigit():
        amount = Decimal(written)
        plain = written.replace(".", "")
        is_year = re.fullmatch(r"(?:19|20)\d\d", written) and not figure["scale"] and not figure["money"]
        if is_year and "," not in figure["figure"]:
            return None
    else:
        amount = Decimal(_spelt(written))
        plain = str(amount)
    amount *= _SCALES[figure["scale"].lower()] if figure["scale"] else 1
    if currency := (figure["money"] or figure["currency"]):
        written_as = currency.strip().lower()
        key = f"money: {_CURRENCIES.get(written_as, written_as)}"
    elif figure["percent"]:
        key = "percent"
    else:
        key = _counted(after)
    hedge = next((name for name, led, followed in _HEDGES if led.search(before) or followed.match(after)), "")
    digits = len(plain.strip("0")) or 1
    return Value(key, _moved(figure, offset), amount=float(amount), digits=digits, hedge=hedge)


def _spelt(words: str) -> int:
    """The number that words give: "one hundred and twenty thousand" is 120,000."""
    whole = part = 0
    for word in re.split(r"[\s-]+", words):
        if word in _SMALL:
            part += _SMALL[word]
        elif word == "hundred":
            part *= 100
        elif word in _SCALES:
            whole, part = whole + part * _SCALES[word], 0
    return whole + part


_VERBS = word_set("were was are is have had has took died say said will would did in at on , . and or by after")


def _counted(after: str) -> str:
    """What follows a figure: "people", a unit, a noun's stem, or "" where a verb or a stop follows."""
    for word in re.findall(r"[^\W\d_][\w’'-]*|[.,;:?!—–]", after)[:3]:
        folded = stem(word)
        if folded in _PEOPLE | _ANYBODY:
            return _persons(folded)
        if folded in _UNITS:
            return _UNITS[folded]
        if word.lower() in _VERBS or not word[0].isalpha():
            return ""
    first = re.match(r"[\s-]+([^\W\d_][\w’'-]*)", after)
    return stem(first[1]) if first else ""


def _nearness(sentence: str, span: tuple[int, int], asked: set[str]) -> float:
    """How close the question's words stand to a place in a sentence; 0 where none is near."""
    near = 0.0
    seen: set[str] = set()
    before = list(_TOKEN.finditer(sentence, 0, span[0]))[::-1]
    after = list(_TOKEN.finditer(sentence, span[1]))
    for words in (before, after):
        for gap, word in enumerate(words[:NEAR_WORDS], 1):
            folded = stem(word[0])
            if folded in asked and folded not in seen:
                seen.add(folded)
                near += 1 / (1 + gap)
    return near


def _beside(sentence: str, span: tuple[int, int], asked: set[str]) -> frozenset[str]:
    before = [word[0] for word in _TOKEN.finditer(sentence, 0, span[0])][-BESIDE_WORDS:]
    after = [word[0] for word in _TOKEN.finditer(sentence, span[1])][:BESIDE_WORDS]
    return frozenset(map(stem, before + after)) & asked


def _date_value(question: str, quote: Quote) -> Value | None:
    """The marked date, where it names a day of a month that the question does not."""
    if quote.answer is None:
        return None
    match = _DATE.search(quote.answer.of(quote.article.text))
    if match is None or match[0] in question:
        return None
    return _date(match, quote.answer.start - quote.span.start)


def _moved(match: re.Match[str], offset: int) -> tuple[int, int]:
    return match.start() + offset, match.end() + offset


def _date(match: re.Match[str], offset: int) -> Value:
    month = _MONTHS[(match["m1"] or match["m2"]).lower()]
    return Value("date", _moved(match, offset), day=(month, int(match["d1"] or match["d2"]), int(match["year"] or 0)))


def _name_value(question: str, quote: Quote) -> Value | None:
    """The marked name, where its sentence says nearly all that the question does."""
    if quote.answer is None:
        return None
    marked = quote.answer.of(quote.article.text)
    if not re.fullmatch(r"(?:[Tt]he\s)?[A-Z][\w’'.-]+(?:\s[A-Z][\w’'.-]+){0,4}", marked):
        return None
    asked = _stems(question)
    offset = quote.answer.start - quote.span.start
    sentence = next((s.of(quote.text) for s in sentence_spans(quote.text) if s.start <= offset < s.end), "")
    if len(asked) < 3 or not asked <= _stems(sentence):
        return None
    return Value("name", (offset, offset + len(marked)), name=_folded(marked))


def _folded(name: str) -> frozenset[str]:
    return frozenset(word.lower().removesuffix("’s").removesuffix("'s") for word in name.split()) - {"the"}


# Whether they differ ------------------------------------------------------------------------------------


def _are_alike(one: Value, other: Value) -> bool:
    """Whether two values can be compared: sums only in one currency."""
    return one.key == other.key or not one.key.startswith("money")


def _agrees_with(value: Value, others: Iterator[Value]) -> bool:
    return any(_are_alike(value, other) and not _differ(value, other) for other in others)


def _differ(one: Value, other: Value) -> bool:
    if one.key == "name" or other.key == "name":
        return one.key == other.key and not one.name & other.name
    if one.key == "date" or other.key == "date":
        return one.key == other.key and not _same_day(one.day, other.day)
    for a, b in ((one, other), (other, one)):
        if a.hedge == "least" and b.amount >= a.amount:
            return False
        if a.hedge == "most" and b.amount <= a.amount:
            return False
    high, low = max(one.amount, other.amount), min(one.amount, other.amount)
    if high == low:
        return False
    if one.hedge or other.hedge:
        return low < 0.75 * high
    return not _rounds_to(one, other) and not _rounds_to(other, one)


def _same_day(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[:2] == other[:2] and (one[2] == other[2] or 0 in (one[2], other[2]))


def _rounds_to(fine: Value, coarse: Value) -> bool:
    """Whether `coarse` is `fine` said in fewer digits; 1.9 is 2 and 212 is 200, but 14 is not 17."""
    if fine.digits <= coarse.digits or not coarse.amount:
        return False
    return float(f"{fine.amount:.{max(0, coarse.digits - 1)}e}") == coarse.amount
