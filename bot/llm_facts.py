"""Numbers, dates and words of weight in a text as values that two texts can be compared by. Pure.

Reads more than it understands: what looks like a number and cannot be read as one is kept as it is written, so that it
supports nothing but itself. Knows nothing about language models, evidence or what is done with a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from bot.english import BELOW_TWENTY, MONTH_NUMBERS, MONTHS, SCALES, TENS, WEEKDAYS, word_list, word_set

_ORDINALS = word_list(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_TENTHS = word_list("twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth")

UNITS = BELOW_TWENTY | {"nil": 0}
ORDINALS = (
    {word: n for n, word in enumerate(_ORDINALS)}
    | {word: 10 * n for n, word in enumerate(_TENTHS, 2)}
    | {"hundredth": 100, "thousandth": 1_000, "millionth": 10**6, "billionth": 10**9}
)
# Said of an amount, and never computed with: they support themselves alone.
AMOUNTS = word_set(
    """
        half halves halved quarter quarters thirds fourths fifths sixths sevenths eighths ninths tenths dozen dozens
        hundreds thousands millions billions trillions tens couple pair duo trio quartet quintet sextet septet octet
        twice thrice double doubled doubles triple tripled triples quadruple quadrupled quintuple quintupled
        """
) | {f"{word}fold" for word in (*BELOW_TWENTY, *TENS, *SCALES)}
_AMOUNTS_OF = word_set("score scores handful handfuls")
_ONES = word_set("single lone solitary")
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
_MONTH = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
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

FUNCTION_WORDS = word_set("""
    a an the this that these those there here it its they them their theirs he him his she her hers we us our you your
    who whom whose which what when where why how if whether while as than then so such also too very more most less
    least much many some any each every all both either other others another same own just only even still yet already
    ever now again of in on at to for from by with about into onto over under between among through during before
    after since until till against across along around near within beyond toward towards upon off up down out and or
    but because although though despite however meanwhile instead per via amid including is are was were be been being
    am do does did done has have had having will would can could should may might must shall not no nor neither never
    none nobody nothing without cannot
    according said says say saying told tells reported reports report reporting added adds stated states wrote
    myself yourself himself herself itself oneself ourselves yourselves themselves
    one's there's that's it's he's she's they're
    """)
_NEGATIONS = word_set("""
    not no nor neither never none nobody nothing without cannot hardly barely scarcely
    deny denied denies denying reject rejected rejects rejecting dismiss dismissed dismisses dismissing
    refuse refused refuses refusing refute refuted refutes refuting dispute disputed disputes disputing
    """)
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
            month = MONTH_NUMBERS[(match["month1"] or match["month2"] or match["month3"]).lower()]
            day = int(re.sub(r"\D", "", match["day1"] or match["day2"] or "0"))
        found.append(Day(year, month, day, match.start(), match.end()))
    return found


def without_dates(text: str) -> str:
    """A text of the same length whose dates name no month."""
    for day in days(text):
        text = text[: day.start] + "0" * (day.end - day.start) + text[day.end :]
    return text


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


_COPULAS = word_set("is was are were be been being become becomes became")


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
_BEFORE_UNIT = _PERIODS.keys() | word_list(
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
    left_stems = [stem(piece.text) for piece in left if piece.kind == "word" and weighs(piece.text)]
    right_stems = [stem(piece.text) for piece in right if piece.kind == "word" and weighs(piece.text)]
    comma = end + len(right)
    if len({*left_stems, *right_stems}) < 2 and comma < bound_right and pieces[comma].text == ",":
        # "At 21 years, the ferry is old": all that is said of it stands beyond the comma.
        beyond = _until_clause(iter(pieces[comma + 1 : min(bound_right, comma + N_RIGHT)]), stops_at_joints=True)
        right_stems += [stem(piece.text) for piece in beyond if piece.kind == "word" and weighs(piece.text)]
    owner = _owner(pieces[bound_left : min(bound_right, end + 1)], first - bound_left, end - bound_left)
    unit = follows = ""
    is_near = True
    for piece in right:
        if piece.kind not in ("word", "dash"):
            break
        if piece.kind == "dash" or piece.text.lower() in _BEFORE_UNIT:
            continue
        if weighs(piece.text):
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
    return stem(word.text) if pieces[end].kind == "stop" and word.kind == "word" and weighs(word.text) else ""


_TIMES = word_set("second minute hour day night week month quarter year decade")
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


def weighs(word: str) -> bool:
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
        word_list("""
        mile kilometre metre centimetre millimetre foot feet inch yard acre hectare tonne ton kilogram kilo gram ounce
        litre liter gallon barrel degree celsius fahrenheit knot watt kilowatt megawatt gigawatt volt byte megabyte
        gigabyte second minute hour day week fortnight month year decade century millennium percent point dollar euro
        pound cent
        """),
    )
)
# Those that "a" makes one of: "a second" may be an ordinal, "a foot" a limb, and "a point" is made.
_MEASURES_ALONE = MEASURES - frozenset(
    map(stem, word_list("second foot yard point degree ton barrel knot percent dollar euro pound cent"))
)

# "March" and "may" are other words too, unless what stands before them makes months of them.
_TIME = re.compile(
    rf"""\b(?:
        (?:(?P<near>[Tt]his|[Ll]ast|[Nn]ext|[Pp]ast|[Cc]oming)\s+)?
        (?P<time>(?:{"|".join([*WEEKDAYS, *(month for month in MONTHS if month not in ("march", "may"))])}
            | morning|afternoon|evening|night|noon|midnight|dawn|dusk|minute|hour|day|weekend|week|fortnight|month|year
            | decade|millennium|summer|autumn|winter)s?|centur(?:y|ies)|overnight)
      | (?:in|since|until|by)\s+(?P<month>march|may)
    )\b""",
    re.VERBOSE,
)
# Says no more than the number; "the year 2000 cars were sold" says more.
_BEFORE_YEAR = re.compile(rf"\b[Tt]he\s+year(?=\s+{_YEAR}\b(?![.,]\d|\s+[a-z]))")


def times(text: str) -> frozenset[str]:
    """Stems of the words in small letters that say when or how long, with "last" and its like where that is before."""
    found = set()
    for match in _TIME.finditer(_BEFORE_YEAR.sub("", text)):
        time = stem(match["time"] or match["month"])
        found.add(f"{match['near'].lower()} {time}" if match["near"] else time)
    return frozenset(found)


def periods(text: str) -> frozenset[str]:
    """What each of the words "weekly", "annual" and their like in a text names: "week", "year"."""
    return frozenset(_PERIODS[word] for word in WORD.findall(text.lower()) if word in _PERIODS)


# Words ----------------------------------------------------------------------------------------------------

WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_]+(?:['’][^\W\d_]+)*")


_OF_AMOUNTS = frozenset(("percent", *_CURRENCIES))


def weighty(text: str) -> list[str]:
    """Stems of the lower-case words of weight of a text, numbers left out."""
    return [
        stem(word)
        for word in WORD.findall(_BEFORE_YEAR.sub("", text))
        if word[0].islower() and weighs(word) and word not in NUMBER_WORDS and word not in _OF_AMOUNTS
    ]


def all_stems(text: str) -> frozenset[str]:
    """Stems of all words of a text, whatever their case."""
    return frozenset(stem(word) for word in WORD.findall(text))


def has_not_only(text: str) -> bool:
    """Whether a text says that something is not all."""
    return _NOT_ONLY.search(text) is not None


def n_negations(text: str) -> int:
    """How many words of a text deny something; "ruled out" and "failed to" are one, "not only" none."""
    words = [word.lower().replace("’", "'") for word in WORD.findall(_NOT_ONLY.sub(" ", text))]
    n_words = sum(1 for word in words if word in _NEGATIONS or word.endswith("n't"))
    return n_words + len(_DENIES_IN_TWO_WORDS.findall(text))
