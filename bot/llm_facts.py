"""Numbers, dates and names in a text as values that two texts can be compared by. Pure.

Reads more than it understands: what looks like a number and cannot be read as one is kept as it is written, so that it
supports nothing but itself. Knows nothing about language models, evidence or what is done with a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from bot.gazetteer import PLACES_AND_PEOPLES


def _words(text: str) -> list[str]:
    return text.split()


_SMALL = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = _words("twenty thirty forty fifty sixty seventy eighty ninety")
_ORDINALS = _words(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_TENTHS = _words("twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth")

UNITS = {word: n for n, word in enumerate(_SMALL)} | {"nil": 0}
TENS = {word: 10 * n for n, word in enumerate(_TENS, 2)}
SCALES = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
ORDINALS = (
    {word: n for n, word in enumerate(_ORDINALS)}
    | {word: 10 * n for n, word in enumerate(_TENTHS, 2)}
    | {"hundredth": 100, "thousandth": 1_000, "millionth": 10**6, "billionth": 10**9}
)
# Said of an amount, and never computed with: they support themselves alone.
AMOUNTS = frozenset(
    _words(
        """
        half halves halved quarter quarters thirds fourths fifths sixths sevenths eighths ninths tenths dozen dozens
        hundreds thousands millions billions trillions tens couple pair duo trio quartet quintet sextet septet octet
        twice thrice double doubled doubles triple tripled triples quadruple quadrupled quintuple quintupled
        """
    )
) | {f"{word}fold" for word in (*_SMALL, *_TENS, *SCALES)}
_AMOUNTS_OF = frozenset(_words("score scores handful handfuls"))
_ONES = frozenset(_words("single lone solitary"))
NUMBER_WORDS = UNITS.keys() | TENS.keys() | SCALES.keys() | ORDINALS.keys() | AMOUNTS | _ONES

_SUFFIX_SCALES = {"k": 1_000, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9, "tn": 10**12, "trn": 10**12}
_CURRENCIES = {
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd",
    "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "£": "gbp", "gbp": "gbp", "pound": "gbp", "pounds": "gbp",
    "¥": "jpy", "jpy": "jpy", "yen": "jpy",
    "₴": "uah", "uah": "uah", "hryvnia": "uah", "hryvnias": "uah",
    "₽": "rub", "rub": "rub", "rouble": "rub", "roubles": "rub", "ruble": "rub", "rubles": "rub",
    "₹": "inr", "inr": "inr", "rupee": "inr", "rupees": "inr",
    "chf": "chf", "franc": "chf", "francs": "chf",
}  # fmt: skip
_MONTHS = _words("january february march april may june july august september october november december")
_MONTH_OF = {name: n for n, name in enumerate(_MONTHS, 1)} | {name[:3]: n for n, name in enumerate(_MONTHS, 1)}
_MONTH_OF["sept"] = 9
MONTHS = frozenset(_MONTH_OF)
_MONTH = "|".join(sorted(_MONTH_OF, key=len, reverse=True))
_YEAR = r"(?:1[0-9]|20)\d\d"
_DAY = r"(?:[0-2]?\d|3[01])(?:st|nd|rd|th)?"

_DATE = re.compile(
    rf"""(?<![\w])(?:
        (?P<iso>\d{{4}}-\d\d-\d\d)(?![\d-])
      | (?P<day1>{_DAY})\s+(?:of\s+)?(?P<month1>{_MONTH})\b\.?(?:,?\s+(?P<year1>{_YEAR})\b)?
      | (?P<month2>{_MONTH})\b\.?\s+(?P<day2>{_DAY})(?![\w:%]|[.,]\d)(?:,?\s+(?P<year2>{_YEAR})\b)?
      | (?P<month3>{_MONTH})\b\.?,?\s+(?P<year3>{_YEAR})\b
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_TOKEN = re.compile(
    r"""
      (?P<code>[A-Z][A-Za-z]*[-–]?\d[\w-]*)                       # G7, COVID-19, B-52
    | (?P<number>\d+(?:[.,:/]\d+|[\u00a0\u202f\u2009]\d{3}(?!\d))*)(?P<attached>[^\W\d_]+(?:\$)?)?
    | (?P<symbol>(?:[A-Z]{1,3})?[$€£¥₴₽₹]|%|‰)
    | (?P<word>(?:[^\W\d_]\.){2,}|[^\W\d_]+(?:['’][^\W\d_]+)*)
    | (?P<stop>[.,;:!?…()\[\]"“”„«»\n])
    | (?P<dash>[-–—−/])
    """,
    re.VERBOSE,
)

FUNCTION_WORDS = frozenset(
    _words("""
    a an the this that these those there here it its they them their theirs he him his she her hers we us our you your
    who whom whose which what when where why how if whether while as than then so such also too very more most less
    least much many some any each every all both either other others another same own just only even still yet already
    ever now again of in on at to for from by with about into onto over under between among through during before
    after since until till against across along around near within beyond toward towards upon off up down out and or
    but because although though despite however meanwhile instead per via amid including is are was were be been being
    am do does did done has have had having will would can could should may might must shall not no nor neither never
    none nobody nothing without cannot
    according said says say saying told tells reported reports report reporting added adds stated states wrote
    one's there's that's it's he's she's they're
    """)
)
_NEGATIONS = frozenset(
    _words("""
    not no nor neither never none nobody nothing without cannot hardly barely scarcely
    deny denied denies denying reject rejected rejects rejecting dismiss dismissed dismisses dismissing
    refuse refused refuses refusing refute refuted refutes refuting dispute disputed disputes disputing
    """)
)
_DENIES_IN_TWO_WORDS = re.compile(r"\b(?:rul(?:e|es|ed|ing)\s+out|fail(?:s|ed|ing)?\s+to)\b", re.IGNORECASE)
_NOT_ONLY = re.compile(r"\bnot\s+only\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number with what it is a number of.

    Attributes:
        value: Its value; as a string for what can only be compared as it is written.
        kind: "n", "%", "ordinal", "am", "pm", "literal" or a currency's code; with "-" in front where it is negative.
        start: Offset of its first character.
        left: The word or sign just before it in the same clause, or "".
        right: The one just behind it.
        unit: Stem of the first word of weight behind it when nothing but "of the", "more", "were" and their like is
            between; "" for none.
        follows: The same with any function words between.
        before: Stems of the words of weight before it in the same clause.
        about: Stems of the words of weight around it, up to the next number or the end of the clause.
        after: Those of them behind it.
        per: Of a rate, the stem of what each is for ("$8 a month", "40 workers a day"); "" of a sum or a count.
        bound: ">", ">=", "<" or "<=" where a bound is all that is said ("at least 14"), else "".
        owner: Of a number between stops ("Lind, 51, spoke"), the stem of the word before the first; "" of any other.
    """

    value: Decimal | str
    kind: str
    start: int
    left: str
    right: str
    unit: str
    follows: str
    before: frozenset[str]
    about: frozenset[str]
    after: frozenset[str]
    per: str
    bound: str
    owner: str

    def likeness(self, other: Number) -> int:
        """How much of what stands around two numbers is the same."""
        same = len(self.about & other.about)
        return same + (self.left == other.left != "") + (self.right == other.right != "")


@dataclass(frozen=True, slots=True)
class Day:
    """A date as far as it is written; 0 for a part that is not."""

    year: int
    month: int
    day: int
    start: int
    end: int

    def is_in(self, other: Day) -> bool:
        """Whether the other says all that this one says."""
        parts = zip((self.year, self.month, self.day), (other.year, other.month, other.day), strict=True)
        return all(mine in (0, its) for mine, its in parts)


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    text: str
    start: int
    end: int
    attached: str = ""


def days(text: str) -> list[Day]:
    """The dates in a text: a day with its month, a month with its year, or all three."""
    found = []
    for match in _DATE.finditer(text):
        if match["iso"]:
            year, month, day = map(int, match["iso"].split("-"))
        else:
            if (match["month1"] or match["month2"] or match["month3"] or "")[:1].islower():
                continue  # "may 5 people"
            year = int(match["year1"] or match["year2"] or match["year3"] or 0)
            month = _MONTH_OF[(match["month1"] or match["month2"] or match["month3"]).lower()]
            day = int(re.sub(r"\D", "", match["day1"] or match["day2"] or "0"))
        found.append(Day(year, month, day, match.start(), match.end()))
    return found


_JOINED = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?:\s?[-–—−]\s?\d+(?:[.,]\d+)*)+(?![\w%])")
_TO = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)*)\s+to\s+(\d+(?:[.,]\d+)*)(?![\w%])")


def joined(text: str) -> set[tuple[str, ...]]:
    """Figures that a dash or "to" joins, as in "6–4" and "12 to 7": they say something together and in their order.

    Those of dates are left out.
    """
    dates = [range(day.start, day.end) for day in days(text)]
    with_dash = {
        tuple(re.split(r"\s?[-–—−]\s?", match[0]))
        for match in _JOINED.finditer(text)
        if not any(match.start() in date for date in dates)
    }
    return with_dash | {match.groups() for match in _TO.finditer(text)}


def numbers(text: str) -> list[Number]:
    """The numbers in a text in their order, those of its dates left out."""
    pieces = list(_pieces(text))
    found: list[tuple[int, int, Decimal | str, str]] = []  # first piece, one past the last, value, kind
    at = 0
    while at < len(pieces):
        read = _read(pieces, at)
        if read is None and _is_one(pieces, at) and not (found and _is_each(pieces, found[-1], at)):
            read = at, at + 1, Decimal(1), "n"
        if read is None:
            at += 1
        else:
            first, end, value, kind = read
            found.append((first, end, value, kind))
            at = end
    return [_placed(pieces, found, n) for n in range(len(found))]


def _pieces(text: str) -> Iterator[_Piece]:
    """Words, numbers and signs; a date is one piece."""
    dates = days(text)
    at = 0
    for day in dates:
        yield from _plain_pieces(text, at, day.start)
        yield _Piece("date", text[day.start : day.end], day.start, day.end)
        at = day.end
    yield from _plain_pieces(text, at, len(text))


def _plain_pieces(text: str, start: int, end: int) -> Iterator[_Piece]:
    for match in _TOKEN.finditer(text, start, end):
        kind = match.lastgroup or ""
        if kind == "attached":
            kind = "number"
        written = match["number"] if kind == "number" else match[0]
        yield _Piece(kind, written, match.start(), match.end(), match["attached"] or "")


def _read(pieces: Sequence[_Piece], at: int) -> tuple[int, int, Decimal | str, str] | None:
    """The number that begins at a piece: its pieces, value and kind."""
    piece = pieces[at]
    if piece.kind == "code":
        return at, at + 1, piece.text.replace("–", "-"), "literal"
    if piece.kind == "number":
        return _read_digits(pieces, at)
    if piece.kind == "word":
        word = piece.text.lower()
        if word == "one" and _counts_nothing(pieces, at):
            return None
        if word in UNITS or word in TENS or word in SCALES or word in ORDINALS:
            return _read_words(pieces, at)
        if word in _ONES:
            return at, at + 1, Decimal(1), "n"
        if word in AMOUNTS or word[0].isnumeric():  # "½"
            return at, at + 1, word, "literal"
        if word in _AMOUNTS_OF and _counts_some(pieces, at):
            return at, at + 1, word, "literal"
    return None


def _counts_some(pieces: Sequence[_Piece], at: int) -> bool:
    """Whether a "score" is that of "a score of people", and none of "the score of the match" or "a score of 3-2"."""
    before = [piece.text.lower() for piece in pieces[max(0, at - 1) : at]]
    behind = pieces[at + 1 : at + 3]
    return before != ["the"] and [piece.text for piece in behind[:1]] == ["of"] and behind[-1].kind != "number"


def _is_one(pieces: Sequence[_Piece], at: int) -> bool:
    """Whether a piece is the "a" of "a week", which is one week."""
    if pieces[at].text.lower() not in ("a", "an") or at + 1 == len(pieces) or pieces[at + 1].kind != "word":
        return False
    return stem(pieces[at + 1].text) in _MEASURES_ALONE


def _is_each(pieces: Sequence[_Piece], before: tuple[int, int, Decimal | str, str], at: int) -> bool:
    """Whether the "a" at a place makes a rate of the number before it, as in "40 miles an hour"."""
    _, end, _, kind = before
    if at + 2 > end + N_RIGHT:
        return False
    is_sum = kind in _CURRENCIES.values()
    return not _per(pieces[end:at], is_sum=is_sum) and _per(pieces[end : at + 3], is_sum=is_sum) != ""


_COPULAS = frozenset(_words("is was are were be been being become becomes became"))


def _counts_nothing(pieces: Sequence[_Piece], at: int) -> bool:
    """Whether a "one" is that of "no one", or of "is one of the younger ships", which says no more than "is among"."""
    before = [piece.text.lower() for piece in pieces[max(0, at - 2) : at]]
    behind = [piece.text.lower() for piece in pieces[at + 1 : at + 2]]
    return (
        before[-1:] == ["no"]
        or before == ["no", "-"]
        or (behind == ["of"] and before[-1:] != [] and before[-1] in _COPULAS)
    )


def _read_digits(pieces: Sequence[_Piece], at: int) -> tuple[int, int, Decimal | str, str]:
    piece = pieces[at]
    value = _value(piece.text)
    attached = piece.attached.lower()
    end = at + 1
    if value is None:
        return at, end, piece.text + piece.attached, "literal"
    kind = "n"
    if attached in ("st", "nd", "rd", "th"):
        return at, end, value, "ordinal"
    if attached in _SUFFIX_SCALES:
        value *= _SUFFIX_SCALES[attached]
    elif attached in ("am", "pm"):
        return at, end, value, attached
    elif attached:
        return at, end, piece.text + attached, "literal"  # 1990s, 5km, 5G
    else:
        while end < len(pieces) and pieces[end].kind == "word" and pieces[end].text.lower() in SCALES:
            value *= SCALES[pieces[end].text.lower()]
            end += 1
    return _with_kind(pieces, at, end, value, kind)


def _value(written: str) -> Decimal | None:
    """What digits say; None where they can be read in two ways or are a clock, a score or an address."""
    bare = re.sub(r"[\u00a0\u202f\u2009]", "", written)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", bare):
        return Decimal(bare.replace(",", ""))
    if re.fullmatch(r"(?:0|[1-9]\d*)(?:\.\d+)?", bare):
        return Decimal(bare)
    return None


def _read_words(pieces: Sequence[_Piece], at: int) -> tuple[int, int, Decimal | str, str]:
    """A number in words, as far as it goes: "two hundred and five", "twenty-first"."""
    total, group, end = 0, 0, at
    last = 10**15  # what may follow is smaller: "twenty" then "five", never "five" then "twenty"
    ordinal = False
    seen = False
    while end < len(pieces) and not ordinal:
        step = end
        is_joint = (pieces[step].text == "-" and last == 10) or (pieces[step].text.lower() == "and" and last >= 100)
        step += seen and is_joint
        if step >= len(pieces) or pieces[step].kind != "word":
            break
        word = pieces[step].text.lower()
        if word in SCALES:
            scale = SCALES[word]
            if scale == 100:
                if seen and not 0 < group < 10:
                    break
                group = (group or 1) * 100
            else:
                if seen and group == 0:
                    break
                total += (group or 1) * scale
                group = 0
            last = scale
        elif word in TENS and last >= 100:
            group += TENS[word]
            last = 10
        elif word in UNITS and (last >= 100 or (last == 10 and 0 < UNITS[word] < 10)):
            group += UNITS[word]
            last = 1
        elif word in ORDINALS and (not seen or last >= 100 or (last == 10 and ORDINALS[word] < 10)):
            group += ORDINALS[word]
            ordinal = True
        else:
            break
        seen = True
        end = step + 1
    value = Decimal(total + group)
    if ordinal:
        return at, end, value, "ordinal"
    return _with_kind(pieces, at, end, value, "n")


def _with_kind(
    pieces: Sequence[_Piece], at: int, end: int, value: Decimal, kind: str
) -> tuple[int, int, Decimal | str, str]:
    """A number with the sign, currency, percent or half of the day that stands beside it."""
    first = at
    if at and (pieces[at - 1].kind == "symbol" or pieces[at - 1].text in ("USD", "EUR", "GBP", "JPY", "CHF")):
        written = pieces[at - 1].text.lower()
        if written not in ("%", "‰"):
            first, kind = at - 1, _CURRENCIES.get(written, written)
    behind, more = _behind(pieces, end)
    if kind == "n" and behind:
        kind, end = behind, end + more
    elif behind == kind:  # "$5 dollars" is five dollars
        end += more
    if _is_negative(pieces, first):
        kind = f"-{kind}"
    return first, end, value, kind


def _behind(pieces: Sequence[_Piece], end: int) -> tuple[str, int]:
    """The kind that a word or sign behind a number gives it, and how many pieces that takes; "" for none."""
    step = end + (end < len(pieces) and pieces[end].text == "-")  # "5-percent"
    if step >= len(pieces):
        return "", 0
    word = pieces[step].text.lower()
    if word in ("%", "percent", "pc"):
        return "%", step + 1 - end
    if word == "per" and step + 1 < len(pieces) and pieces[step + 1].text.lower() == "cent":
        return "%", step + 2 - end
    if word in _CURRENCIES:
        return _CURRENCIES[word], step + 1 - end
    if word in ("a.m.", "p.m.", "am", "pm"):
        return word.replace(".", ""), step + 1 - end
    return "", 0


def _is_negative(pieces: Sequence[_Piece], first: int) -> bool:
    """Whether a minus stands before a number: one that touches it, and nothing on its other side."""
    if not first:
        return False
    before = pieces[first - 1]
    if before.text.lower() == "minus":
        return True
    is_glued = first > 1 and pieces[first - 2].end == before.start
    return before.kind == "dash" and before.text != "/" and before.end == pieces[first].start and not is_glued


_PERIODS = {
    "hourly": "hour", "daily": "day", "nightly": "night", "weekly": "week", "monthly": "month", "quarterly": "quarter",
    "yearly": "year", "annual": "year", "annually": "year",
}  # fmt: skip
N_LEFT, N_RIGHT = 5, 7
# May stand between a number and what it counts, or what happened to those that it counts.
_BEFORE_UNIT = _PERIODS.keys() | _words(
    """
    of the a an more other others another these those their his her our its such same own every each per
    additional extra further who that which not is are was were be been being has have had do does did will would can
    could may might must should
    """
)


def _placed(pieces: Sequence[_Piece], found: Sequence[tuple[int, int, Decimal | str, str]], n: int) -> Number:
    first, end, value, kind = found[n]
    bound_left = found[n - 1][1] if n else 0
    bound_right = found[n + 1][0] if n + 1 < len(found) else len(pieces)
    left = _until_clause(reversed(pieces[max(bound_left, first - N_LEFT) : first]), stops_at_joints=True)
    right = _until_clause(
        iter(pieces[end : min(bound_right, end + N_RIGHT)]), stops_at_joints=bound_right <= end + N_RIGHT
    )
    left_stems = [stem(piece.text) for piece in left if piece.kind == "word" and _weighs(piece.text)]
    right_stems = [stem(piece.text) for piece in right if piece.kind == "word" and _weighs(piece.text)]
    comma = end + len(right)
    if len({*left_stems, *right_stems}) < 2 and comma < bound_right and pieces[comma].text == ",":
        # "At 21 years, the ferry is old": all that is said of it stands beyond the comma.
        beyond = _until_clause(iter(pieces[comma + 1 : min(bound_right, comma + N_RIGHT)]), stops_at_joints=True)
        right_stems += [stem(piece.text) for piece in beyond if piece.kind == "word" and _weighs(piece.text)]
    owner = _owner(pieces[bound_left : min(bound_right, end + 1)], first - bound_left, end - bound_left)
    unit = follows = ""
    is_near = True
    for piece in right:
        if piece.kind not in ("word", "dash"):
            break
        if piece.kind == "dash" or piece.text.lower() in _BEFORE_UNIT:
            continue
        if _weighs(piece.text):
            follows = stem(piece.text)
            unit = follows if is_near else ""
            break
        is_near = False
    return Number(
        value=value,
        kind=kind,
        start=pieces[first].start,
        left=_beside(left),
        right=_beside(right),
        unit=unit,
        follows=follows,
        before=frozenset(left_stems),
        about=frozenset((*left_stems, *right_stems, *filter(None, [owner]))),
        after=frozenset(right_stems),
        per=_per(pieces[end : min(bound_right, end + N_RIGHT)], is_sum=kind in _CURRENCIES.values()),
        bound=_bound(pieces[max(bound_left, first - 3) : first]),
        owner=owner,
    )


def _owner(pieces: Sequence[_Piece], first: int, end: int) -> str:
    """The stem of the word whose age, say, a number is that has a comma or a bracket on either side; "" where none."""
    if first < 2 or end >= len(pieces) or pieces[first - 1].text not in (",", "("):
        return ""
    word = pieces[first - 2]
    return stem(word.text) if pieces[end].kind == "stop" and word.kind == "word" and _weighs(word.text) else ""


_TIMES = frozenset(_words("second minute hour day night week month quarter year decade"))
_EACH = frozenset(("a", "an", "per", "each", "every", "/"))
# "Injured 14 people a day later" is no rate.
_AWAY = frozenset(("later", "after", "before", "ago", "earlier"))


def _per(right: Sequence[_Piece], *, is_sum: bool) -> str:
    """What each of a rate is for, from the pieces behind its number; "" where it is none.

    Anything may stand right behind a sum ("$30 a share") or "per"; further on only a time makes a rate of a number.
    """
    pieces = [piece for piece in right if piece.kind != "dash" or piece.text == "/"]
    for n, piece in enumerate(pieces):
        word = piece.text.lower()
        if piece.kind not in ("word", "dash"):
            break
        if word in _PERIODS:
            return _PERIODS[word]
        if word not in _EACH or n + 1 == len(pieces) or pieces[n + 1].kind != "word":
            continue
        each = pieces[n + 1].text.lower()
        if each in FUNCTION_WORDS:
            continue  # "$1,800 each from a fund"
        if word == "per" or (is_sum and n == 0) or each in _TIMES:
            return "" if n + 2 < len(pieces) and pieces[n + 2].text.lower() in _AWAY else stem(each)
    return ""


_BOUNDS = {
    "more than": ">", "greater than": ">", "over": ">", "above": ">", "at least": ">=", "no fewer than": ">=",
    "no less than": ">=", "not fewer than": ">=", "not less than": ">=", "minimum of": ">=", "fewer than": "<",
    "less than": "<", "under": "<", "below": "<", "at most": "<=", "up to": "<=", "as many as": "<=",
    "as much as": "<=", "no more than": "<=", "not more than": "<=", "maximum of": "<=",
}  # fmt: skip


def _bound(left: Sequence[_Piece]) -> str:
    """The bound that the words right before a number make of it."""
    words = [piece.text.lower() for piece in left]
    return next((_BOUNDS[said] for n in (3, 2, 1) if (said := " ".join(words[-n:])) in _BOUNDS), "")


def _beside(pieces: Sequence[_Piece]) -> str:
    """The nearest of some pieces; all dashes are one."""
    if not pieces:
        return ""
    return "-" if pieces[0].kind == "dash" and pieces[0].text != "/" else pieces[0].text.lower()


_JOINTS = frozenset(("and", "or", "but", "while", "whereas"))


def _until_clause(pieces: Iterator[_Piece], *, stops_at_joints: bool) -> list[_Piece]:
    """Pieces up to a stop or a date, and where there is another number beyond them up to "and"."""
    found = []
    for piece in pieces:
        if piece.kind in ("stop", "date"):
            break
        found.append(piece)
        if stops_at_joints and piece.text.lower() in _JOINTS:
            break
    return found


def _weighs(word: str) -> bool:
    return word == "May" or (len(word) > 1 and word.lower() not in FUNCTION_WORDS)


_IRREGULAR = {"km": "kilometr", "kilometre": "kilometr", "kilometer": "kilometr", "metre": "meter", "persons": "peopl"}


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """A word without its usual English endings, in lower case: enough to see that "closed" is "closes"."""
    bare = re.sub(r"['’]s?$", "", word.lower()).replace("’", "'")
    if bare in _IRREGULAR:
        return _IRREGULAR[bare]
    for ending, put in (("ies", "y"), ("ied", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("ly", "")):
        if bare.endswith(ending) and len(bare) - len(ending) >= 3 and not bare.endswith("ss"):
            bare = bare[: -len(ending)] + put
            break
    if len(bare) > 3 and bare[-1] == bare[-2] and bare[-1] not in "aeiousl":
        bare = bare[:-1]
    bare = bare[:-1] if len(bare) > 3 and bare[-1] == "e" else bare
    return _IRREGULAR.get(bare, bare)


# What is measured in: said of a number, it must be said of it in the other text too.
MEASURES = frozenset(
    map(
        stem,
        _words("""
        mile kilometre metre centimetre millimetre foot feet inch yard acre hectare tonne ton kilogram kilo gram ounce
        litre liter gallon barrel degree celsius fahrenheit knot watt kilowatt megawatt gigawatt volt byte megabyte
        gigabyte second minute hour day week fortnight month year decade century millennium percent point dollar euro
        pound cent
        """),
    )
)
# Those that "a" makes one of: "a second" may be an ordinal, "a foot" a limb, and "a point" is made.
_MEASURES_ALONE = MEASURES - frozenset(
    map(stem, _words("second foot yard point degree ton barrel knot percent dollar euro pound cent"))
)

_WEEKDAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
# "March" and "may" are other words too, unless what stands before them makes months of them.
_TIME = re.compile(
    rf"""\b(?:
        (?:(?P<near>[Tt]his|[Ll]ast|[Nn]ext|[Pp]ast|[Cc]oming)\s+)?
        (?P<time>(?:{"|".join([*_WEEKDAYS, *(month for month in _MONTHS if month not in ("march", "may"))])}
            | morning|afternoon|evening|night|noon|midnight|dawn|dusk|minute|hour|day|weekend|week|fortnight|month|year
            | decade|millennium|summer|autumn|winter)s?|centur(?:y|ies)|overnight)
      | (?:in|since|until|by)\s+(?P<month>march|may)
    )\b""",
    re.VERBOSE,
)


def times(text: str) -> frozenset[str]:
    """Stems of the words in small letters that say when or how long, with "last" and its like where that is before."""
    found = set()
    for match in _TIME.finditer(text):
        time = stem(match["time"] or match["month"])
        found.add(f"{match['near'].lower()} {time}" if match["near"] else time)
    return frozenset(found)


def periods(text: str) -> frozenset[str]:
    """What each of the words "weekly", "annual" and their like in a text names: "week", "year"."""
    return frozenset(_PERIODS[word] for word in _WORD.findall(text.lower()) if word in _PERIODS)


# Words ----------------------------------------------------------------------------------------------------

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_]+(?:['’][^\W\d_]+)*")


_OF_AMOUNTS = frozenset(("percent", *_CURRENCIES))


def weighty(text: str) -> list[str]:
    """Stems of the lower-case words of weight of a text, numbers left out."""
    return [
        stem(word)
        for word in _WORD.findall(text)
        if word[0].islower() and _weighs(word) and word not in NUMBER_WORDS and word not in _OF_AMOUNTS
    ]


def all_stems(text: str) -> frozenset[str]:
    """Stems of all words of a text, whatever their case."""
    return frozenset(stem(word) for word in _WORD.findall(text))


def has_not_only(text: str) -> bool:
    """Whether a text says that something is not all."""
    return _NOT_ONLY.search(text) is not None


def n_negations(text: str) -> int:
    """How many words of a text deny something; "ruled out" and "failed to" are one, "not only" none."""
    words = [word.lower().replace("’", "'") for word in _WORD.findall(_NOT_ONLY.sub(" ", text))]
    n_words = sum(1 for word in words if word in _NEGATIONS or word.endswith("n't"))
    return n_words + len(_DENIES_IN_TWO_WORDS.findall(text))


# Names ----------------------------------------------------------------------------------------------------

_LINKS = frozenset(_words("of de del della di da du van von der den la le al bin ibn y"))
TITLES = frozenset(
    _words("""
    president chancellor premier minister secretary senator governor mayor representative commissioner ambassador
    judge justice chief chairman chairwoman king queen prince princess pope general captain professor coach
    mr mrs ms dr sir dame lord
    """)
)
# What these stand before is not what it is without them: a vice president, South Korea, New York.
_NARROWS_TITLES = _words("vice deputy assistant associate acting interim former ex")
_NARROWS_PLACES = _words("""
    new north south east west northern southern eastern western northeast northwest southeast southwest northeastern
    northwestern southeastern southwestern
""")
_NARROWS = frozenset((*_NARROWS_TITLES, *_NARROWS_PLACES))
_TITLE_BEFORE_NAME = re.compile(
    rf"\b(?i:(?:(?:{'|'.join(_NARROWS_TITLES)})\s)*(?:{'|'.join(sorted(TITLES))}))(?=\s[^\W\d_a-z])"
)
_NAME_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’\-–.][^\W_]+)*")


def with_titles(text: str) -> str:
    """A text that writes each title before a name as part of it: "deputy mayor Lind" as "Deputy Mayor Lind"."""
    return _TITLE_BEFORE_NAME.sub(lambda match: match[0].title(), text)


def without_dates(text: str) -> str:
    """A text of the same length whose dates name no month."""
    for day in days(text):
        text = text[: day.start] + "0" * (day.end - day.start) + text[day.end :]
    return text


def name_runs(text: str) -> list[tuple[str, ...]]:
    """Names as runs of words: each begins and ends with a word that has a capital letter, and holds nothing between
    its words but blanks and "of", "van" and their like.
    """
    runs: list[tuple[str, ...]] = []
    run: list[str] = []
    held: list[str] = []
    end = -1
    for match in _NAME_TOKEN.finditer(text):
        word = match[0]
        gap = text[end : match.start()] if end >= 0 else ""
        # The dot of an initial ends no name: "Ada J. Lind".
        is_initial = bool(run) and len(run[-1]) == 1 and gap[:1] == "."
        if run and not (gap[is_initial:].isspace() and "\n" not in gap):
            runs.append(tuple(run))
            run, held = [], []
        if any(char.isupper() for char in word):
            run += [*held, _bare_name(word)]
            held = []
            if re.search(r"['’]s$|s['’]$", word):  # "Ukraine's President Zelensky": two names
                runs.append(tuple(run))
                run = []
        elif run and word in _LINKS:
            held.append(word)
        elif run:
            runs.append(tuple(run))
            run, held = [], []
        end = match.end()
    if run:
        runs.append(tuple(run))
    return runs


# Places and peoples but for those that are ordinary words in small letters.
_SMALL_PLACES = PLACES_AND_PEOPLES - frozenset(_words("us turkey china polish phoenix chad"))
_SAYS = frozenset(_words("said says told added announced"))
_DETERMINERS = frozenset(
    _words("the a an his her its their our this that these those some many most all both every each no other")
)
_WORD_OR_STOP = re.compile(rf"{_WORD.pattern}|[^\w\s'’-]")


def small_names(text: str) -> list[str]:
    """Words of a text in small letters that are names by their place: of countries and peoples, behind a title or
    "named", and of whoever speaks.

    What has an article before it is none: "the mayor won", "a firm said".
    """
    words = _WORD_OR_STOP.findall(text)
    found = []
    for n, word in enumerate(words):
        if not word[0].islower() or not _weighs(word) or word in NUMBER_WORDS:
            continue
        before, behind = [one.lower() for one in words[max(0, n - 3) : n]], words[n + 1 : n + 2]
        is_titled = before[-1:] != [] and before[-1] in TITLES
        speaks = behind != [] and behind[0] in _SAYS and not word.endswith("ly") and word != "later"
        is_named = (
            before[-1:] == ["named"]
            or before[-2:] == ["according", "to"]
            or (len(before) > 1 and before[-2] in (",", "”", '"') and before[-1] in _SAYS)
        )
        is_name = is_named or (is_titled and not _has_article(before)) or (speaks and not _has_article(before[-2:]))
        if is_name or word in _SMALL_PLACES:
            found.append(word)
    return found


def _has_article(words: Sequence[str]) -> bool:
    """Whether "the" or the like stands among words and nothing between it and their end parts them."""
    for word in reversed(words):
        if word in _DETERMINERS or word.endswith(("'s", "’s")):
            return True
        if not word[0].isalpha() or word in FUNCTION_WORDS:
            return False
    return False


def _bare_name(word: str) -> str:
    bare = re.sub(r"['’]s$", "", word).replace("’", "'").replace("–", "-")
    return bare.replace(".", "") if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]?", bare) else bare


def is_within(run: Sequence[str], other: Sequence[str]) -> bool:
    """Whether all words of one run stand in another, together and in their order.

    Only initials may be left out between them, and the one given name behind a title: "Mayor [Ada J] Lind". A bank of
    New York is none of York, and South Korea is not Korea.
    """
    return any(
        _begins_with(other[at:], run) and not (at and other[at - 1].lower() in _NARROWS)
        for at in range(len(other) - len(run) + 1)
    )


def _begins_with(other: Sequence[str], run: Sequence[str]) -> bool:
    at = 0
    for n, word in enumerate(run):
        left_out: list[str] = []
        while n and at < len(other) and other[at] != word:
            left_out.append(other[at])
            at += 1
        if at == len(other) or other[at] != word:
            return False
        at += 1
        names = [name for name in left_out if len(name) > 1]
        is_surname = n == len(run) - 1 and at == len(other) and run[n - 1].lower() in TITLES
        if len(names) > is_surname or any(name.islower() for name in names):
            return False
    return True
