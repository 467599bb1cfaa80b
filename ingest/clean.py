"""From text as found to text as stored: one Unicode form, no boilerplate lines, nothing else touched.

What comes out is hashed, indexed and quoted as it is, so no step edits inside a line beyond single
code points that nobody sees; only bytes that were read wrongly throughout are read again before the
first one. Knows nothing about HTML, storage or other articles; what many articles of one source have in
common is counted elsewhere and comes in as `learned`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Set
from dataclasses import dataclass

from index.scripts import count_words

# Zero-width space, word joiner, byte-order mark and soft hyphen only mark where a line may break; inside
# a word they hide it from every search.
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"
_BREAKS = "\x0b\x0c\x85\u2028\u2029"
_CONTROLS = [chr(c) for c in [*range(0x20), *range(0x7F, 0xA0)] if chr(c) not in "\t\n" + _BREAKS]
_CODE_POINTS = str.maketrans(dict.fromkeys(_BREAKS, "\n") | dict.fromkeys([*_INVISIBLE, *_CONTROLS], ""))
# A search for the rare is ten times faster than translating a text that has none of them.
_RARE = re.compile("[" + re.escape("".join([*_BREAKS, *_INVISIBLE, *_CONTROLS])) + "]")
# The joiners carry meaning between letters of Arabic or Indic scripts and between emoji, and none beside
# Latin, Greek or Cyrillic letters, spaces and punctuation, where pages hide them as watermarks.
_JOINED = r"[\u0600-\u1dff\u2070-\U0010ffff]"
_STRAY_JOINER = re.compile(rf"(?<!{_JOINED})[\u200c\u200d]|[\u200c\u200d](?!{_JOINED})")
_BLANK_LINES = re.compile(r"\n{3,}")

# Bytes that Windows-1252 does not use, and that are passed on as they are where it is read; as Python keeps bytes.
_UNUSED = {byte: 0xDC00 + byte for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}
_IS_UNUSED = re.compile("[\x81\x8d\x8f\x90\x9d]")


def reread(text: str, at_least: int = 2) -> str:
    """UTF-8 that was read as Windows-1252 (`â€™` for an apostrophe), once or several times, as it was meant.

    Nothing is guessed: all of the text must be bytes of Windows-1252, and these UTF-8 to the last one, with `at_least`
    so many characters of several bytes. Of a text that is meant as it stands a single quotation mark or é prevents it.

    Args:
        text: As found, before anything is taken out of it.
        at_least: Fewer may be meant, as where a text tells of one.
    """
    while not text.isascii():
        try:
            kept = text.translate(_UNUSED) if _IS_UNUSED.search(text) else text
            meant = kept.encode("cp1252", "surrogateescape").decode()
        except UnicodeError:
            break
        if sum(c > "\x7f" for c in meant) < at_least:
            break
        text = meant
    return text


def normalise(text: str) -> str:
    """The text in NFC with plain line breaks and no invisible characters; applying it twice changes nothing.

    Every kind of line break becomes a line feed, three or more become one blank line, and blank lines
    at both ends go. Spaces at the ends of lines go too. Control characters, NUL among them, and
    zero-width characters are dropped, joiners only where they join nothing. Halves of a surrogate pair
    are put together, a lone one becomes U+FFFD. Curly quotes, no-break spaces and all else stay.

    Args:
        text: Any string, "" included.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _RARE.search(text):
        text = text.translate(_CODE_POINTS)
    text = _nfc(text)
    if ("\u200c" in text or "\u200d" in text) and _STRAY_JOINER.search(text):
        # Again, because a joiner can have kept two characters from composing.
        text = _nfc(_STRAY_JOINER.sub("", text))
    text = "\n".join(map(str.rstrip, text.split("\n")))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def _nfc(text: str) -> str:
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


# Lines learned from a source's own articles. Measured on 15,664 articles of three outlets: what recurs in
# 4 % of an outlet's articles and has four words or more is a newsletter or consent line each time, while
# a repeated paragraph of news stays below 1 %. Shorter lines are often headings that say what follows
# ("Maryland" stands in 5.9 % of one outlet's articles), so they go from 20 % on ("CNN —": 32 %).
LEARN_MIN_ARTICLES = 10
_LEARN_SHARE = 0.04
_LEARN_SHARE_SHORT = 0.20
_SHORT_WORDS = 3
_MAX_KEY_CHARS = 500


def line_key(line: str) -> str:
    """The key under which a line is counted across articles: case folded, white space squeezed.

    Returns:
        "" for a line that is not worth counting: without a letter, or over 500 characters.
    """
    if len(line) > _MAX_KEY_CHARS:
        return ""
    key = " ".join(line.casefold().split())
    return key if any(map(str.isalpha, key)) else ""


def line_keys(text: str) -> frozenset[str]:
    """The countable line keys of one article's normalised text, each once."""
    return frozenset(map(line_key, text.split("\n"))) - {""}


def learned_lines(counts: Mapping[str, int], n_articles: int) -> frozenset[str]:
    """The keys that are boilerplate of one source.

    Args:
        counts: For each key, in how many of the source's articles it occurs.
        n_articles: How many articles of the source were counted.

    Returns:
        Keys in at least 10 articles and 4 % of them (20 % for lines of up to three words).
    """

    def share(key: str) -> float:
        return _LEARN_SHARE if key.count(" ") >= _SHORT_WORDS else _LEARN_SHARE_SHORT

    return frozenset(
        key for key, n in counts.items() if key and n >= LEARN_MIN_ARTICLES and n >= share(key) * n_articles
    )


def _any_of(phrases: str) -> re.Pattern[str]:
    """One pattern of many, which stand on lines of their own or between spaced bars."""
    return re.compile("|".join(re.split(r"\s*\n\s*| \| ", phrases.strip())), re.IGNORECASE)


# Longest line that the fixed patterns look at; boilerplate is short.
_MAX_LINE_CHARS = 600

# Complete lines, apart from a closing colon or the like.
_WHOLE = _any_of(
    r"""
    source link | advertisements? | ad | ad feedback | sponsored(?: content)? | paid content | promoted
    you (?:might|may) (?:also|be)(?: \w+){1,3} | recommended(?: for you| stories)?
    most (?:read|popular|viewed)
    related(?: articles?| stories| topics?| coverage| content| posts?| videos?| news)?
    also read | read also | read (?:more|next) | up next | see also | trending(?: now)?
    more (?:stories|news|like this)
    more (?:from|on) this (?:story|topic|section|author) | more top stories | top stories
    editors?['’] picks | (?:leave|post|add|write) a (?:reply|comment) | cancel reply | post comment
    comments? | \d+ comments | no comments(?: yet)? | comment ?\* | name ?\* | e-?mail ?\* | website
    submit | required fields are marked \* | share | share (?:this|on|via)(?: \w+){0,3} | copy link
    print | save | tweet | facebook | twitter | whatsapp | linkedin | pinterest | reddit
    subscribe(?: now)? | sign (?:in|up) | log in | newsletters? | follow us
    skip (?:to (?:main )?content|advertisement)
    (?:article|story) continues (?:below|after)(?: \w+){0,2} | scroll (?:down )?to continue(?: reading)?
    keep reading | accept(?: all)?(?: cookies)? | cookie (?:policy|settings)
    privacy (?:policy|settings) | terms of (?:use|service) | getty(?: images)? | shutterstock | istock
    (?:the )?associated press | ap | reuters | afp | dpa | epa | anzeige | werbung | mehr zum thema
    lesen sie auch | das könnte sie auch interessieren | weiterlesen | teilen | kommentare
    artikel teilen | zur startseite | schreibe? einen kommentar | newsletter abonnieren
    auch interessant | publicité | (?:à )?lire aussi | lire la suite | partager | sur le même sujet
    commentaires? | laisser un commentaire | publicidad | l(?:ee|ea) también | [tl]e puede interesar
    compartir | leer más | seguir leyendo | comentarios | deja(?:r)? (?:un comentario|una respuesta)
    más información | noticias relacionadas
    """
)

# A lead-in that only ever opens a link, with its colon or bar and whatever follows.
_LEAD = _any_of(
    r"""
    also read | read also | read next | read more | must[- ]read
    related (?:story|stories|articles?|coverage|content|links?)
    lesen sie (?:auch|mehr|hier|dazu)(?: auch| mehr)? | auch (?:interessant|lesenswert)
    mehr (?:dazu|zum thema) | lesetipp | (?:à )?(?:lire|voir) (?:aussi|également|plus)
    sur le même sujet | l(?:ee|ea|eer) (?:también|además|más) | [tl]e puede interesar
    también te puede interesar | vea también
    """
)
# The same for words that can open a sentence too: that line must not end like one.
_LEAD_IF_NO_SENTENCE = _any_of(
    r"""
    see also | also see | related | more | watch | watch (?:now|next|also) | recommended | don['’]t miss
    up next | learn more | read | listen | siehe auch | mehr | vidéo | más
    """
)
_COLON = re.compile(r"\s*[:：|»›]\s*")
_STOPS = (".", "!", "?", "。")
_CLOSERS = "\"'”’»)]"
_LINK_LINE_CHARS = 200

_PLATFORM = "(?:twitter|facebook|instagram|tiktok|youtube|x|threads|bluesky|linkedin|telegram|whatsapp|google news)"
_OPENING = _any_of(
    r"""
    market news and data brought to you by\b | your e-?mail address will not be published\b
    save my name, e-?mail | ihre e-?mail-adresse wird nicht veröffentlicht\b
    deine e-?mail-adresse wird nicht veröffentlicht\b
    votre adresse (?:e-?mail|de messagerie) ne sera pas publiée\b
    tu dirección de correo electrónico no será publicada\b
    (?:click here to )?(?:sign up|subscribe)\b(?! at| or).{0,120}\b(?:newsletters?|inbox|briefing|alerts?|emails?)\b
    [^.?!]{1,60}\?:?\s*(?:click here to )?sign up (?:for|to) (?:our|the|free)\b.{0,80}\bnewsletters?\b[^.?!]{0,40}[.!]?$
    video ad feedback\b.{0,300}\d\d:\d\d - source: [^.?!]{2,130}$
    (?:get|receive|join) .{0,80}\b(?:newsletters?|(?:to|in|into) your? (?:\w+ )?inbox|e-?mail alerts)\b
    would you like to receive\b.{0,80}\bnewsletter
    (?:melden sie sich|abonnieren sie)\b.{0,80}\bnewsletter
    inscrivez-vous\b.{0,80}\b(?:newsletter|lettre)
    (?:suscr[ií]b[ea](?:te|se)|reg[ií]str[ae](?:te|se))\b.{0,80}\b(?:newsletter|bolet[ií]n)
    abonnez-vous (?:à|pour)\b
    (?:please )?follow (?:WHOM|(?=.{0,140}@)).{0,100}\bon PLATFORM\b
    (?:please )?(?:like|join) WHOM[^,]{0,100}\bon PLATFORM\b
    download (?:our|the) .{0,40}\bapp\b | thank you for supporting (?:our|local) journalism
    support local journalism\b
    (?:we|this (?:web)?site|our (?:web)?site)(?: and our (?:\d+ )?partners)? uses? cookies\b
    we value your privacy\b
    by (?:continuing|using|clicking|signing up|submitting)\b.{0,80}\byou (?:agree|accept|consent)\b
    ©\s*\S | \(c\)\s*\d{4}\b | copyright (?:©|\(c\))\s*\S | copyright \d{4}\b(?!\s(?!by\b)(?-i:[a-z]))
    all rights reserved\b | alle rechte vorbehalten\b
    tous droits réservés\b | (?:\d+\. )?how relevant is this ad to you\b
    did you encounter any technical issues\b
    """.replace("WHOM", r"(?:(?:us|our|me|him|her|them)\b|@|(?:the )?(?-i:[^\W\d_a-z]))").replace("PLATFORM", _PLATFORM)
)
# A paragraph that only says where the newsletter is to be had.
_NEWSLETTER = re.compile(
    r"(?=.*\b(?:newsletter|inbox)\b).*\bsign up (?:for (?:free|it) )?(?:right )?here\s*[.>]*\)?",
    re.IGNORECASE,
)

# What stands where the article should: the line goes, and a short rest is only a stub.
_WALL = _any_of(
    r"""
    (?:please )?(?:subscribe|register)(?: now)? to (?:continue|keep|read|unlock|access|view)\b
    (?:please )?(?:sign (?:in|up)|log in) to (?:continue|keep|read|unlock|access|view)\b
    create an? (?:free )?account to (?:continue|keep|read|unlock|access|view)\b
    (?:to|want to) (?:continue|keep) reading\b(?! the (?!article|story|full|rest))
    already (?:a|have a) (?:subscriber|subscription|member)\s?\?\W*(?:$|(?:please|sign|log|click|activate|access)\b)
    (?:the rest of )?this (?:article|story|page) is (?:\w+ ){1,4}(?:subscribers|members)(?: only)?[.!]?$
    (?:exclusive(?:ly)? )?for subscribers only\b | subscribers? only\b | unlock this (?:article|story)\b
    you(?:['’]ve| have) (?:reached|read|used)\b.{0,30}\b(?:limit|free articles?)\b
    (?:nur|exklusiv) für abonnenten\b | dieser (?:artikel|beitrag) ist (?:nur )?(?:für|exklusiv)\b
    jetzt (?:weiterlesen|freischalten)
    (?:article|la suite est|cet article est) réservée? aux abonnés\b | il vous reste .{0,20}\bà lire\b
    contenido (?:exclusivo|solo) para suscriptores\b
    suscr[ií]b[ea](?:te|se) para (?:seguir|continuar|leer)\b | para (?:seguir|continuar) leyendo\b
    video player was slow to load\b | video content never loaded\b | before you continue to [\w. ]{1,30}$
    (?:we|wir|nous) (?:and our|und unsere|et nos) (?:\d+ )?(?:partners?|partner|partenaires)\b
    (?:please )?(?:enable|turn on) (?:js|javascript|cookies)\b | javascript is (?:disabled|required)\b
    (?:please )?verify (?:that )?you(?:['’]re| are) (?:a |not a )?(?:human|robot)\b
    we will use the (?:details|information) you have shared\b | if you wish to object to the use of your data\b
    checking your browser\b | access denied[.!]?$ | are you a robot\b\W*(?:$|please\b)
    """
)
# Somebody is quoted with words that could be a page's own: "Support local journalism, the mayor said."
_SAID = re.compile(r"[,?!…][”’\"']?\s[^.!?]{0,60}\b(?:said|says?|told|warned|ruled|wrote|argued)\b", re.IGNORECASE)
_WALLED_WORDS = 150
_TEASER_WORDS = 40
_TEASER_END = re.compile(r"(?:…|\.\.\.)[\])]?$")

_AGENCIES = r"getty|shutterstock|istock|reuters|\bap\b|\bafp\b|\bdpa\b|\bepa\b|alamy|imago|bloomberg|wikimedia"
_CREDIT = _any_of(
    r"""
    \(?(?:featured |file )?(?:image|photo|picture|foto|bild|illustration)s?(?: credits?| source)?_
    \(?photo courtesy_ | \(?(?:photo |image |picture )?credits?_ | \(?crédits?(?: photo)?_
    \(?bildquelle_ | \(?imagen_ | \(?fotograf[ií]a_
    """.replace("_", r"(?:\s*[:：]| by\b| courtesy of\b| via\b)")
)
_BYLINE_CREDIT = re.compile(
    rf"[^.:]{{2,60}}\s?/\s?(?:{_AGENCIES})[^.]{{0,30}}|(?:reuters|ap photo)/.{{2,40}}", re.IGNORECASE
)
_AGENCY = re.compile(_AGENCIES, re.IGNORECASE)

# Not four digits: a lone year is a heading.
_NUMBER = re.compile(r"[0-9]{1,3}")
_BULLET = re.compile(r"[-–*]\s+\S|[•▪·►→]\s*\S")
_PROSE_WORDS = 8

_CORRECTION = re.compile(
    r"""
    (?:editor['’]?s['’]?\ note\s*[:—-]\s*)?
    (?: (?:corrections?|clarifications?) (?:\ (?:and|&)\ clarifications?)? (?:\ note)?
        (?:\s*\([^)]{1,40}\) | \ on\ [^:]{1,30} | \ [^:]{4,20}\d)? \s*[:：—]
    | (?:an?\ )? (?:earlier|previous|prior)\ version\ of\ (?:this|the)\ PIECE\b
    | this\ PIECE\ (?:has\ been|was) (?:\ (?:updated|amended)\ (?:\w+\ ){0,4}(?:and|to))?\ correct(?:ed)?\b
    | this\ PIECE\ (?:has\ been|was)\ amended\b
    )
    """.replace("PIECE", "(?:article|story|report|column|post|headline|caption|graphic|page|piece|timeline)"),
    re.IGNORECASE | re.VERBOSE,
)

_MAX_TITLE_WORDS = 25
_MIN_DOUBLED_WORDS = 3
_OUTLET_SUFFIX = re.compile(r"\s[|–—-]\s[^|–—-]{2,40}$")
_QUOTE_MARKS = str.maketrans(dict.fromkeys("‘’‚‛“”„‟«»\"'`´", ""))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """An article's title and text as they are stored, and what was taken out.

    Attributes:
        title: One line; "" where there is none.
        text: Normalised, without boilerplate lines.
        cuts: Ascending offsets in `text` of the lines before which something was removed, `len(text)` for
            the end; never 0. No quote spans one.
        removed: The lines that went, in order; a line that became or repeated the title is not among them.
        is_stub: Only headline and lede are known.
        correction: The publisher's correction note, which stays in `text`; "" if none.
    """

    title: str
    text: str
    cuts: tuple[int, ...]
    removed: tuple[str, ...]
    is_stub: bool
    correction: str


def clean(title: str, text: str, *, is_stub: bool = False, learned: Set[str] = frozenset()) -> Cleaned:
    """Normalises title and text, drops whole boilerplate lines, settles the title.

    An empty title is taken from a first line that reads like a headline. A title written twice in a row
    is halved, in the title and in the first line; the first lines that repeat the title go. What comes out
    changes no more when it is cleaned again, as happens when an export is read.

    Args:
        title: As found; may be "".
        text: As found, paragraphs ending in line breaks.
        is_stub: The source already says that the text is only a part.
        learned: Keys (`line_key`) of lines that are boilerplate of this source.

    Returns:
        Text "" if nothing but boilerplate was there.
    """
    title = _halved(" ".join(normalise(title).split()))
    lines = normalise(text).split("\n")
    gone = _boilerplate(lines, learned)
    removed = tuple(line for line, out in zip(lines, gone, strict=True) if out)
    walled = any(_WALL.match(line.strip()) for line in removed)

    kept = [i for i, line in enumerate(lines) if line and not gone[i]]
    for first in kept:
        halved = _halved(lines[first].strip())
        if not title and len(kept) > 1 and _reads_like_a_headline(halved):
            title = halved
        if title and _same_headline(halved, title):
            gone[first] = True  # and what follows is looked at: a headline that is left would go the next time
            continue
        if halved != lines[first].strip():
            # The second half goes as if it were a line of its own, so that a cut stands after the first.
            lines[first : first + 1] = [halved, halved]
            gone[first : first + 1] = [False, True]
        break

    stored, cuts = _joined(lines, gone)
    n_words = count_words(stored)
    return Cleaned(
        title=title,
        text=stored,
        cuts=cuts,
        removed=removed,
        is_stub=is_stub
        or (walled and n_words < _WALLED_WORDS)
        or (n_words < _TEASER_WORDS and _TEASER_END.search(stored) is not None),
        correction=_correction(stored),
    )


def _boilerplate(lines: list[str], learned: Set[str]) -> list[bool]:
    """For each line, whether it goes."""
    gone = [bool(line) and (_is_fixed(line.strip()) or _is_learned(line, learned)) for line in lines]
    before_prose, after_removed, in_links = True, False, False
    for i, line in enumerate(lines):
        if not line:
            continue
        stripped = line.strip()
        # Counters of shares and comments stand above the first paragraph or among what was removed;
        # elsewhere a number is a score or "today's number".
        if not gone[i] and _NUMBER.fullmatch(stripped) and (before_prose or after_removed):
            gone[i] = True
        # Links listed under a bare "Read next:".
        if in_links and not gone[i] and _BULLET.match(stripped) and not _ends_a_sentence(stripped):
            gone[i] = True
        else:
            in_links = gone[i] and _opens_links(stripped)
        before_prose &= gone[i] or not _is_prose(stripped)
        after_removed = gone[i]
    return gone if not before_prose else _spare_numbers(lines, gone)


def _spare_numbers(lines: list[str], gone: list[bool]) -> list[bool]:
    """The same, but lone numbers stay: a text without prose is a table."""
    return [out and not _NUMBER.fullmatch(line.strip()) for line, out in zip(lines, gone, strict=True)]


def _ends_a_sentence(line: str) -> bool:
    return line.rstrip(_CLOSERS).endswith(_STOPS)


def _is_prose(line: str) -> bool:
    return _ends_a_sentence(line) and count_words(line) >= _PROSE_WORDS


def _is_learned(line: str, learned: Set[str]) -> bool:
    if not learned:
        return False
    key = line_key(line)
    return bool(key) and key in learned


def _is_fixed(line: str) -> bool:
    """Whether a stripped line is boilerplate by its own words."""
    if len(line) > _MAX_LINE_CHARS:
        return False
    bare = line.strip("[]<>→►»› ")
    if _WHOLE.fullmatch(bare.rstrip(":：.…! ")):
        return True
    if (_OPENING.match(bare) or _WALL.match(bare)) and not _SAID.search(bare):
        return True
    is_newsletter = "here" in line.lower() and _NEWSLETTER.fullmatch(line) is not None
    return is_newsletter or _is_link(bare) or _is_credit(line)


def _is_link(line: str) -> bool:
    if len(line) > _LINK_LINE_CHARS:
        return False
    lead = _LEAD.match(line)
    if lead and _COLON.match(line, lead.end()):
        return True
    lead = _LEAD_IF_NO_SENTENCE.match(line)
    colon = lead and _COLON.match(line, lead.end())
    if not colon:
        return False
    is_glued = colon[0] in (":", "：") and line[colon.end() : colon.end() + 1].isupper()  # "More:What does it take?"
    return is_glued or not _ends_a_sentence(line)


def _opens_links(line: str) -> bool:
    return line.endswith((":", "：")) or _WHOLE.fullmatch(line) is not None


def _is_credit(line: str) -> bool:
    """Whether a line names who took the picture: short, no sentence, with an agency or hardly a word more."""
    n_words = len(line.split())
    if n_words > 12 or _ends_a_sentence(line):
        return False
    if _BYLINE_CREDIT.fullmatch(line):
        return True
    return _CREDIT.match(line) is not None and (n_words <= 6 or _AGENCY.search(line) is not None)


def _halved(line: str) -> str:
    """`T` for a line `T T` of at least three words; any other line unchanged."""
    middle = len(line) // 2
    half = line[:middle]
    doubled = len(line) % 2 == 1 and line[middle].isspace() and half == line[middle + 1 :]
    return half if doubled and len(half.split()) >= _MIN_DOUBLED_WORDS else line


def _reads_like_a_headline(line: str) -> bool:
    n_words = len(line.split())
    if not 2 <= n_words <= _MAX_TITLE_WORDS or _BULLET.match(line) or line.lower().startswith(("by ", "von ")):
        return False
    return not line.endswith((".", "…", ":", ",", ";", ".”", '."', ".’", "—"))


def _same_headline(line: str, title: str) -> bool:
    """Whether a line says the title, give or take quotation marks, case and the outlet's name behind it."""
    a, b = (_OUTLET_SUFFIX.sub("", text) for text in (line, title))
    return _headline_key(line) == _headline_key(title) or _headline_key(a) == _headline_key(b)


def _headline_key(text: str) -> str:
    return " ".join(text.casefold().translate(_QUOTE_MARKS).split())


def _joined(lines: list[str], gone: list[bool]) -> tuple[str, tuple[int, ...]]:
    """The kept lines as text, a blank line where one stood between them, and the offsets of the cuts."""
    parts: list[str] = []
    cuts: list[int] = []
    size, was_cut, was_blank = 0, False, False
    for line, out in zip(lines, gone, strict=True):
        if out or not line:
            was_cut |= out
            was_blank |= not line
            continue
        if parts:
            gap = "\n\n" if was_blank else "\n"
            parts.append(gap)
            size += len(gap)
            if was_cut:
                cuts.append(size)
        parts.append(line)
        size += len(line)
        was_cut = was_blank = False
    if parts and was_cut:
        cuts.append(size)
    return "".join(parts), tuple(cuts)


def _correction(text: str) -> str:
    """The first paragraph that is a correction note, with the next one where it is only its heading."""
    lines = [line for line in text.split("\n") if line]
    for i, line in enumerate(lines):
        if _CORRECTION.match(line.strip("[]()*_ ")):
            is_heading = line.rstrip().endswith((":", "：")) and i + 1 < len(lines)
            return f"{line}\n{lines[i + 1]}" if is_heading else line
    return ""
