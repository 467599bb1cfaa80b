"""Which lines of an article are boilerplate: by their own words, by where they stand, or as learned from their outlet.

What many articles of one outlet have in common is counted elsewhere and comes in as `learned`. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set

from index.line_number import is_short, line_number
from index.scripts import has_words

# Lines learned from a source's own articles. Measured on 15,664 articles of three outlets: what recurs in
# 4 % of an outlet's articles and has four words or more is a newsletter or consent line each time, while
# a repeated paragraph of news stays below 1 %. Shorter lines are often headings that say what follows
# ("Maryland" stands in 5.9 % of one outlet's articles), so they go from 20 % on ("CNN —": 32 %).
LEARN_MIN_ARTICLES = 10
_LEARN_SHARE = 0.04
_LEARN_SHARE_SHORT = 0.20
_MAX_KEY_CHARS = 500


def number_of(line: str) -> int:
    """The number under which a line is counted across articles, whatever its case and white space.

    Returns:
        0 for a line that is not worth counting: without a letter, or over 500 characters.
    """
    if len(line) > _MAX_KEY_CHARS:
        return 0
    key = " ".join(line.casefold().split())
    return line_number(key) if any(map(str.isalpha, key)) else 0


def numbers_of(text: str) -> frozenset[int]:
    """The numbers of the countable lines of one article's normalised text, each once."""
    return frozenset(map(number_of, text.split("\n"))) - {0}


def learned_lines(counts: Mapping[int, int], n_articles: int) -> frozenset[int]:
    """The lines that are boilerplate of one source.

    Args:
        counts: For each line, by its number, in how many of the source's articles it occurs.
        n_articles: How many articles of the source were counted.

    Returns:
        Those in at least 10 articles and 4 % of them (20 % for lines of up to three words).
    """

    def share(line: int) -> float:
        return _LEARN_SHARE_SHORT if is_short(line) else _LEARN_SHARE

    return frozenset(line for line, n in counts.items() if n >= max(LEARN_MIN_ARTICLES, share(line) * n_articles))


def _any_of(phrases: str) -> re.Pattern[str]:
    """One pattern of many, which stand on lines of their own or between spaced bars."""
    return re.compile("|".join(re.split(r"\s*\n\s*| \| ", phrases.strip())), re.IGNORECASE)


# Longest line that the fixed patterns look at; boilerplate is short, and shorter where it is all of its line.
_MAX_LINE_CHARS = 600
_MAX_WHOLE_CHARS = 80

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
WALL = _any_of(
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
BULLET = re.compile(r"[-–*]\s+\S|[•▪·►→]\s*\S")
_PROSE_WORDS = 8


def boilerplate(lines: list[str], learned: Set[int]) -> list[bool]:
    """For each line, whether it goes; `learned` are numbers of lines."""
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
        if in_links and not gone[i] and BULLET.match(stripped) and not _ends_a_sentence(stripped):
            gone[i] = True
        else:
            in_links = gone[i] and _opens_links(stripped)
        before_prose = before_prose and (gone[i] or not _is_prose(stripped))
        after_removed = gone[i]
    return gone if not before_prose else _spare_numbers(lines, gone)


def _spare_numbers(lines: list[str], gone: list[bool]) -> list[bool]:
    """The same, but lone numbers stay: a text without prose is a table."""
    return [out and not _NUMBER.fullmatch(line.strip()) for line, out in zip(lines, gone, strict=True)]


def _ends_a_sentence(line: str) -> bool:
    return line.rstrip(_CLOSERS).endswith(_STOPS)


def _is_prose(line: str) -> bool:
    return _ends_a_sentence(line) and has_words(line, _PROSE_WORDS)


def _is_learned(line: str, learned: Set[int]) -> bool:
    return bool(learned) and number_of(line) in learned


def _is_fixed(line: str) -> bool:
    """Whether a stripped line is boilerplate by its own words."""
    if len(line) > _MAX_LINE_CHARS:
        return False
    bare = line.strip("[]<>→►»› ")
    whole = bare.rstrip(":：.…! ")
    if len(whole) <= _MAX_WHOLE_CHARS and _WHOLE.fullmatch(whole):
        return True
    if (_OPENING.match(bare) or WALL.match(bare)) and not _SAID.search(bare):
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
    if _ends_a_sentence(line):
        return False
    n_words = len(line.split())
    if n_words > 12:
        return False
    if _BYLINE_CREDIT.fullmatch(line):
        return True
    return _CREDIT.match(line) is not None and (n_words <= 6 or _AGENCY.search(line) is not None)
