"""An answer as a Discord message, in plain values: what stands in it, within every limit, whatever an article holds.

Each quote is a block (an embed) with its own source, so that no block depends on another; a quote is never split. What
does not fit on a page begins the next one. Values in, values out: knows the limits of Discord, not its objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

from bot.answer import Answer, SourceArticle
from bot.links import quote_link, site_name
from bot.markdown import NOON_S, bold, day, link, plain, size, small, stamp, web_url
from bot.remembered import Standing
from bot.words.base import Words
from bot.written import Written
from index.types import DAY_S, Quote, day_of, start_of_day_s

MAX_CONTENT = 2000
MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_ALL = 6000
MAX_BLOCKS = 10
MAX_CUSTOM_ID = 100

N_ON_PAGE = 3
# Left free on a page for its last lines and for a disagreement.
_ROOM = MAX_ALL - 1200
_TITLE = 160
_OUTLET = 80
_QUESTION = 600
_VALUE = 120
_N_ALSO = 4
MAX_BUTTONS = 25

Action = Literal["more", "follow", "unfilter", "thread", "up", "down", "report", "stand", "stop"]
QUOTE_COLOUR, REFUSAL_COLOUR, DISAGREE_COLOUR = 0x3B82F6, 0x6B7280, 0xF59E0B


@dataclass(frozen=True, slots=True)
class Block:
    """One embed: a linked title over a description; either may be ""."""

    title: str
    description: str
    url: str | None = None
    colour: int = QUOTE_COLOUR

    @property
    def size(self) -> int:
        return size(self.title) + size(self.description)


@dataclass(frozen=True, slots=True)
class Button:
    """A button below an answer.

    Attributes:
        action: What it does.
        answer: Id of the answer it belongs to, or of the standing question for "stop".
        first: Position of the quote that "more" goes on from.
        label: Its words; "" for one that is only a sign.
        sign: An emoji, or "".
        row: 0 or 1.
    """

    action: Action
    answer: str
    label: str = ""
    sign: str = ""
    first: int = 0
    row: int = 0

    @property
    def custom_id(self) -> str:
        return f"nq:{self.action}:{self.answer}:{self.first}"


@dataclass(frozen=True, slots=True)
class Card:
    """A whole message."""

    content: str
    blocks: tuple[Block, ...] = ()
    buttons: tuple[Button, ...] = ()


# A custom id, read back; the same words as `Button.custom_id`.
CUSTOM_ID = rf"nq:(?P<action>{'|'.join(get_args(Action))}):(?P<answer>[\w-]{{4,40}}):(?P<first>\d{{1,3}})"


def ordered(answer: Answer) -> tuple[Quote, ...]:
    """All quotes as a reader gets them: two that contradict each other first, the newer before the older."""
    return (*(answer.quotes[at] for at in _order(answer)), *answer.further)


def _order(answer: Answer) -> tuple[int, ...]:
    """Positions of the answer's own quotes in the order in which they are shown."""
    pair = answer.disagreement or ()
    return (*pair, *(at for at in range(len(answer.quotes)) if at not in pair))


def n_on_page(quotes: Sequence[Quote | None], words: Words) -> int:
    """How many quotes, from the first on, make a page: at most three, and no more than one message holds.

    One that may no longer be shown (None) keeps its place, so that what follows it is neither shown twice nor left out.
    """
    room = 0
    for n, quote in enumerate(quotes[:N_ON_PAGE]):
        title, description = (quote_title(quote, words), quote_text(quote, words)) if quote else ("", "")
        room += size(title) + size(description)
        if n and room > _ROOM:
            return n
    return len(quotes[:N_ON_PAGE])


def answer_card(
    answer: Answer,
    answer_id: str,
    words: Words,
    *,
    is_question_shown: bool,
    is_kept: bool = True,
    can_thread: bool = False,
    written: Written | None = None,
) -> Card:
    """The message that answers a question.

    Args:
        answer: What was found.
        answer_id: Under which it is remembered.
        words: The bot's own words.
        is_question_shown: Whether the question stands above, where no message shows it.
        is_kept: Whether the question is remembered; else nothing is offered that needs its words.
        can_thread: Whether a thread can be opened below it.
        written: The text of a language model above the quotes, under way or at its end.
    """
    lines = [bold(plain(answer.question.text, _QUESTION))] if is_question_shown else []
    filters = filter_words(answer, words)
    if filters:
        elsewhen = [words.elsewhen] if answer.is_elsewhen else []
        lines.append(small(words.understood.format(filters="; ".join([*filters, *elsewhen]))))
    if absent := _absent(answer, words):
        lines.append(small(absent))
    if respelt := _respelt(answer, words):
        lines.append(small(respelt))
    blocks: list[Block] = []
    quotes = ordered(answer) if answer.status == "answered" else ()
    end = n_on_page(quotes, words)
    if answer.status == "answered":
        if answer.disagreement:
            blocks.append(_disagreement(answer, words))
        is_numbered = written is not None and bool(written.sentences)
        blocks.extend(
            quote_block(quote, words, number=n if is_numbered else 0) for n, quote in enumerate(quotes[:end], 1)
        )
        blocks.append(_last_lines(answer, words, end, len(quotes)))
        if written is not None:
            numbers = {at: n for n, at in enumerate(_order(answer), 1) if n <= end}
            text = text_block(written, numbers, words, MAX_ALL - sum(block.size for block in blocks))
            blocks[:0] = [text] if text is not None else []
    else:
        blocks.append(_refusal(answer, words))
    buttons = _buttons(
        answer_id,
        words,
        more_from=end if end < len(quotes) else 0,
        can_follow=is_kept,
        has_filter=bool(filters) and is_kept,
        can_thread=can_thread,
        can_report=answer.status == "answered",
        can_stand=is_kept,
    )
    return Card("\n".join(lines), tuple(blocks), buttons)


def standing_card(standing: Standing, words: Words) -> Card:
    """The message that says where news on a question will be told."""
    said = words.standing_here.format(question=bold(plain(standing.text, _QUESTION)), until=stamp(standing.until_s))
    return Card(said, buttons=(Button("stop", standing.id, words.stop, "🔕"),))


def standing_list_card(listed: Sequence[Standing], words: Words) -> Card:
    """Somebody's standing questions with a button for each, as many as there is room for, and how many are left out."""
    if not listed:
        return Card(words.standing_none)
    lines, buttons = [words.standing_list], []
    for n, one in enumerate(listed[:MAX_BUTTONS], 1):
        place = words.standing_direct if one.is_direct else f"<#{one.channel}>"
        line = f"{n}. {bold(plain(one.text, _VALUE))} · {place} · {stamp(one.until_s)}"
        left_out = words.sources_more.format(n=len(listed) - n)
        if size("\n".join([*lines, line, left_out])) > MAX_CONTENT:
            break
        lines.append(line)
        buttons.append(Button("stop", one.id, f"{words.stop} {n}", "🔕", first=n, row=(n - 1) // 5))
    if len(buttons) < len(listed):
        lines.append(words.sources_more.format(n=len(listed) - len(buttons)))
    return Card("\n".join(lines), buttons=tuple(buttons))


def news_card(answer: Answer, answer_id: str, standing: Standing, words: Words) -> Card:
    """The message that tells news on a standing question.

    Args:
        answer: What of it is new.
        answer_id: Under which it is remembered.
        standing: The question.
        words: The bot's own words.
    """
    blocks = [_disagreement(answer, words)] if answer.disagreement else []
    quotes = ordered(answer)
    end = n_on_page(quotes, words)
    blocks += [quote_block(quote, words) for quote in quotes[:end]]
    stop = Button("stop", standing.id, words.stop, "🔕")
    buttons = _buttons(
        answer_id,
        words,
        more_from=end if end < len(quotes) else 0,
        can_follow=True,
        has_filter=False,
        can_thread=False,
        can_report=True,
        can_stand=False,
    )
    said = words.standing_news.format(question=bold(plain(standing.text, _QUESTION)))
    if respelt := _respelt(answer, words):
        said = f"{said}\n{small(respelt)}"
    return Card(said, tuple(blocks), (buttons[0], stop, *buttons[1:]))


def page_card(quotes: Sequence[Quote | None], first: int, n: int, answer_id: str, words: Words) -> Card:
    """A further page of an answer.

    Args:
        quotes: From position `first` on, as many as a page may hold; None for one that may no longer be shown.
        first: Position of the first of them.
        n: Quotes of the answer in all.
        answer_id: Under which it is remembered.
        words: The bot's own words.
    """
    if not quotes:
        return Card(words.expired)  # the answer was given anew and is shorter now
    shown = quotes[: n_on_page(quotes, words)]
    end = first + len(shown)
    blocks = tuple(quote_block(quote, words) for quote in shown if quote is not None)
    lines = [words.page.format(first=first + 1, last=end, n=n)]
    if len(blocks) < len(shown):
        lines.append(words.gone.format(n=len(shown) - len(blocks)))
    more = (Button("more", answer_id, words.more, "📰", first=end),) if end < n else ()
    report = (Button("report", answer_id, words.report, "🚩"),) if blocks else ()
    return Card(small(" · ".join(lines)), blocks, (*more, *report))


def short_form(card: Card, words: Words) -> Card:
    """The card without embeds, for a channel in which they may not be sent: as many blocks as one message holds.

    A block that fits only without its link is shown without it.
    """
    lines = [card.content] if card.content else []
    lines.append(small(words.embeds_missing))
    for block in card.blocks:
        titles = (link(block.title, block.url), block.title)
        pieces = ("\n".join(filter(None, (title, block.description))) for title in titles)
        fitting = next((piece for piece in pieces if size("\n".join([*lines, piece])) <= MAX_CONTENT), None)
        if fitting is None:
            break
        lines.append(fitting)
    return Card("\n".join(lines), (), card.buttons)


# Pieces -------------------------------------------------------------------------------------------------


def text_block(written: Written, numbers: Mapping[int, int], words: Words, room: int) -> Block | None:
    """What a language model wrote, with footnotes, or a line that says why there is nothing; None where neither fits.

    Args:
        written: Its sentences were checked; they are escaped here as everything else is.
        numbers: Of the quotes on the same card, by their positions in the answer.
        words: The bot's own words.
        room: Size that is left on the card. A sentence that does not fit ends the text, as one does whose quote is not
            on the card.
    """
    notes = {
        "writing": words.text_writing,
        "written": words.text_checked,
        "declined": words.text_declined,
        "unsupported": words.text_unsupported,
        "failed": words.text_failed.format(id=written.failure),
    }
    note = small(notes[written.outcome])
    parts: list[str] = []
    for sentence in written.sentences:
        if any(at not in numbers for at in sentence.quotes):
            break
        shown = plain(sentence.text) + "".join(
            f" {plain(f'[{n}]')}" for n in sorted(numbers[at] for at in sentence.quotes)
        )
        if size("\n".join([" ".join([*parts, shown]), note])) > min(room, MAX_DESCRIPTION):
            break
        parts.append(shown)
    if written.sentences and not parts:
        return None
    return Block("", "\n".join(filter(None, (" ".join(parts), note)))) if size(note) <= room else None


def quote_block(quote: Quote, words: Words, *, number: int = 0) -> Block:
    """A quote with its answer in bold, and where it comes from; under a footnote's number where it has one."""
    title = quote_title(quote, words)
    title = f"{plain(f'[{number}]')} {title}" if number else title
    return Block(title, quote_text(quote, words), web_url(quote_link(quote)) or web_url(quote.article.url))


def quote_title(quote: Quote, words: Words) -> str:
    """The title of its article."""
    return plain(quote.article.title, _TITLE) or words.no_title


def quote_text(quote: Quote, words: Words) -> str:
    """A quote with its answer in bold, and lines on its article below it."""
    article = quote.article
    text = article.text
    if quote.answer is None:
        body = plain(quote.text)
    else:
        before = text[quote.span.start : quote.answer.start]
        marked = quote.answer.of(text)
        after = text[quote.answer.end : quote.span.end]
        body = _gap(before, 0) + bold(plain(marked)) + _gap(after, 1)
    body = f"{'… ' if quote.cut_left else ''}“{body}”{' …' if quote.cut_right else ''}"
    lines = [body, small(_byline(article.source, article.published, words))]
    if article.is_stub:
        lines.append(small(words.is_stub))
    if article.correction and article.correction not in quote.text:
        lines.append(small(plain(article.correction, 300)))
    if article.corrected_s is not None:
        lines.append(small(words.corrected.format(day=stamp(article.corrected_s))))
    if quote.also:
        lines.append(small(words.also_in.format(links=_also(quote.also))))
    while len(lines) > 2 and size("\n".join(lines)) > MAX_DESCRIPTION:
        lines.pop()
    return "\n".join(lines)


def _gap(text: str, end: int) -> str:
    """Text beside the marked words, escaped, with the blank that stood between them."""
    shown = plain(text)
    if not shown:
        return " " if text else ""
    if end == 0:
        return shown + (" " if text[-1].isspace() else "")
    return (" " if text[0].isspace() else "") + shown


def _byline(source: str, published: str | None, words: Words) -> str:
    return f"{plain(source, _OUTLET)} · {day(published, words.undated)}"


def _also(copies: Sequence[str]) -> str:
    shown = [link(plain(site_name(copy) or copy, _OUTLET), copy if len(copy) <= 300 else None) for copy in copies]
    more = len(shown) - _N_ALSO
    return ", ".join(shown[:_N_ALSO]) + (f", +{more}" if more > 0 else "")


def _disagreement(answer: Answer, words: Words) -> Block:
    sides = []
    for at in answer.disagreement or ():
        quote = answer.quotes[at]
        said = quote.answer.of(quote.article.text) if quote.answer else quote.text
        article = quote.article
        sides.append(f"{bold(plain(said, _VALUE))} — {_byline(article.source, article.published, words)}")
    return Block("", "\n".join([words.disagree, *sides]), colour=DISAGREE_COLOUR)


def _last_lines(answer: Answer, words: Words, n_shown: int, n: int) -> Block:
    lines = []
    if n > n_shown:
        lines.append(words.page.format(first=1, last=n_shown, n=n))
    if answer.searched.last_s is not None:
        lines.append(words.newest.format(day=_publication_stamp(answer.searched.last_s)))
    return Block("", small(" · ".join(lines) or words.undated))


def _refusal(answer: Answer, words: Words) -> Block:
    searched = answer.searched
    if not searched.n_articles:
        return Block("", words.not_found_nothing, colour=REFUSAL_COLOUR)
    range_ = ""
    if searched.first_s is not None and searched.last_s is not None:
        is_one_day = day_of(searched.first_s) == day_of(searched.last_s)
        template = words.searched_day if is_one_day else words.searched_range
        range_ = template.format(first=_publication_stamp(searched.first_s), last=_publication_stamp(searched.last_s))
    lines = [words.not_found.format(n=f"{searched.n_articles:,}", range=range_)]
    nearest: SourceArticle | None = answer.nearest
    if nearest is not None:
        title = plain(nearest.title, _TITLE) or words.no_title
        lines += [small(words.nearest), link(title, nearest.url)]
        lines.append(small(_byline(nearest.source, nearest.published, words)))
    return Block("", "\n".join(lines), colour=REFUSAL_COLOUR)


def filter_words(answer: Answer, words: Words) -> list[str]:
    """What was understood beside the words themselves, a phrase each: options, times and outlets."""
    since, until, window = answer.since, answer.until, answer.understood.window
    found = []
    if since and until:
        found.append(words.between.format(first=_day_stamp(since), last=_day_stamp(until)))
    elif since:
        found.append(words.since.format(day=_day_stamp(since)))
    elif until:
        found.append(words.until.format(day=_day_stamp(until)))
    elif window:
        first, last = map(_day_stamp, window)
        found.append(words.around.format(first=first, last=last))
    sources = [plain(name, _OUTLET) for name in answer.outlets]
    if sources:
        found.append(words.only_from.format(sources=_any_of(sources, words)))
    return found


def _absent(answer: Answer, words: Words) -> str:
    """That an outlet which was asked for is not in the corpus; "" where none is missing."""
    shown = [plain(name, _OUTLET) for name in answer.understood.absent]
    if not shown:
        return ""
    template = words.absent if answer.outlets else words.absent_all
    return template.format(sources=_any_of(shown, words))


def _respelt(answer: Answer, words: Words) -> str:
    """What was searched for in place of misspelt words, three of them at most; "" where there are none."""
    found = answer.understood.respelt
    shown = [words.respelt.format(meant=plain(meant), typed=plain(typed)) for typed, meant in found[:3]]
    return " · ".join(shown) + (" …" if len(found) > 3 else "")


def _any_of(shown: Sequence[str], words: Words) -> str:
    """Five outlets at most, joined by "or"."""
    listed = shown[0]
    for name in shown[1:5]:
        listed = words.any_of.format(first=listed, last=name)
    return listed + (" …" if len(shown) > 5 else "")


def _day_stamp(value: date) -> str:
    return stamp(start_of_day_s(value) + NOON_S)


def _publication_stamp(instant: int) -> str:
    """The day of a publication. The first second of a day stands for a bare day, which bylines take at noon too."""
    return stamp(instant if instant % DAY_S else instant + NOON_S)


def _buttons(
    answer_id: str,
    words: Words,
    *,
    more_from: int,
    can_follow: bool,
    has_filter: bool,
    can_thread: bool,
    can_report: bool,
    can_stand: bool,
) -> tuple[Button, ...]:
    first = [
        Button("more", answer_id, words.more, "📰", first=more_from) if more_from else None,
        Button("follow", answer_id, words.follow_up, "💬") if can_follow else None,
        Button("unfilter", answer_id, words.unfilter, "🔓") if has_filter else None,
        Button("thread", answer_id, words.thread, "🧵") if can_thread else None,
    ]
    second = [
        Button("up", answer_id, "", "👍", row=1),
        Button("down", answer_id, "", "👎", row=1),
        Button("report", answer_id, words.report, "🚩", row=1) if can_report else None,
        Button("stand", answer_id, words.stand, "🔔", row=1) if can_stand else None,
    ]
    return tuple(button for button in (*first, *second) if button is not None)
