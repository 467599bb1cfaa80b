"""What people say to a bot around their question: greetings, requests to tell, thanks, emoji, markup. Pure.

None of it is what they ask about, and a word that no article has lowers an answer's confidence. In doubt it stays:
"Hello Kitty" and "who said thank you" are about something.
"""

from __future__ import annotations

import re

from index.words import STOP_WORDS

_WH = r"(?:what|which|who|whom|whose|when|where|why|how)(?:['’]?s|['’]?re)?\b"
_ASKS = (
    rf"(?:{_WH}|(?:did|does|do|is|are|was|were|has|have|had|will|would|can|could|should)\b"
    r"|(?:pls|plz|tell)\b|(?:give|show)\s+(?:me|us)\b)"
)
_NAMED = r"(?:\s+(?:there|all|everyone|everybody|guys|folks|again|bot|newsbot|newsquote))?"
_GREETING = re.compile(
    r"(?:hello|hi(?:ya)?|hey+|yo|howdy|greetings|good\s+(?:morning|afternoon|evening|day)|ok(?:ay)?|u[mh]+|hmm+|please"
    rf"|pls|plz|thanks|thank\s+you|thx|lol|idk|btw|(?:@\s?)?(?:bot|newsbot|newsquote)){_NAMED}"
    rf"(?:\s*(?:[,.!:;…–—]+|-+(?=\s))\s*|\s+(?={_ASKS}))",
    re.IGNORECASE,
)
_PLEASE = r"(?:\s*,?\s*(?:please|pls|plz|kindly)\s*,?)?"
_YOU = r"(?:you|u|ya|anyone|anybody|someone|somebody|any\s+of\s+you)"
_REQUEST = re.compile(
    rf"(?:(?:can|could|would|will)\s+{_YOU}{_PLEASE}\s+(?:tell|explain\s+to|remind)\s+(?:me|us){_PLEASE}"
    rf"|(?:do|does)\s+{_YOU}(?:\s+happen\s+to)?\s+know|tell\s+(?:me|us){_PLEASE}|any\s+idea"
    r"|i(?:['’]?d|\s+would)?\s+(?:want|like|need)\s+to\s+know|i\s+wanna\s+know|i(?:['’]?m|\s+am|\s+was)?\s+wondering)"
    rf",?\s+(?:about\s+|(?={_WH}))"
    r"|i\s+have\s+(?:a|one)\s+(?:quick\s+)?question\s*[:.,!–—]+\s*|(?:quick\s+)?question\s*:\s*",
    re.IGNORECASE,
)
# "Latest news about" what they ask: every paper says of itself that it has the latest news.
_NEWS = r"news|updates?|headlines|developments"
_NEW = r"(?:(?:the|any|some|all|\d{1,2})\s+)?(?:(?:latest|newest|recent|breaking|current|more)\s+)*"
_NEWS_ABOUT = re.compile(
    rf"(?:(?:give|show|send|get)\s+(?:me|us)\s+{_NEW}(?:{_NEWS}|info|information|details|facts|quotes)"
    rf"|(?:(?:is|are)\s+there\s+|what(?:['’]?s|\s+is|\s+are)\s+)?{_NEW}(?:{_NEWS})"
    r"|what(?:['’]?s|\s+is)\s+the\s+latest)\s+(?:about|on|regarding|concerning)\s+",
    re.IGNORECASE,
)
_NEWS_OF = re.compile(
    rf"(?:the\s+)?(?:latest|newest|recent|breaking)\s+(?P<what>[\w’'-]+(?:\s+[\w’'-]+){{0,3}})\s+(?:{_NEWS})(?=\W*$)",
    re.IGNORECASE,
)
_SLANG = r"pls|plz|thx|tysm|lo+l|lmao|tbh|ngl|idk|btw"
_THANKS = (
    r"please|thanks(?:\s+(?:a\s+lot|so\s+much|in\s+advance))?|thank\s+you(?:\s+(?:very|so)\s+much|\s+in\s+advance)?"
)
_CLOSING = re.compile(rf"(?<![\w-])(?:{_SLANG}|{_THANKS})$", re.IGNORECASE)
_MARKS = " \t,;.!?…–—"
# "Who said thank you?" is about the words.
_SAYING = re.compile(
    r"\b(?:say|says|said|saying|word|words|give|gives|gave|giving|mean|means|no|with|of|for|the|an?|to|and|or|many)\s*$",
    re.IGNORECASE,
)
# Bold, italics, code and spoilers, round words; no "M*A*S*H", and no gap that is to be filled ("__").
_MARKUP = re.compile(r"(?<!\w)(?:\*+|`+|\|\||~~)(?=\S)|(?<=\S)(?:\*+|`+|\|\||~~)(?!\w)")
_EMOJI = re.compile(r"[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]+")
# "whos running", as it is typed; the apostrophe tells a reader of questions where the word ends.
_RUN_TOGETHER = re.compile(r"(?P<wh>who|what|where|when|how|why)s(?=\s)", re.IGNORECASE)


def without_manners(text: str) -> str:
    """The text without what is said to the bot; the text itself where nothing else is said."""
    left = " ".join(_MARKUP.sub("", text).split())
    if _EMOJI.search(left):
        left = re.sub(r"\s+([?!.,])", r"\1", " ".join(_EMOJI.sub(" ", left).split()))
    while opening := _GREETING.match(left) or _REQUEST.match(left) or _NEWS_ABOUT.match(left):
        left = left[opening.end() :]
    left = _NEWS_OF.sub(r"\g<what>", left, count=1) if _NEWS_OF.match(left) else left
    while (shorter := _without_closing(left)) != left:
        left = shorter
    left = _RUN_TOGETHER.sub(r"\g<wh>'s", left, count=1) if _RUN_TOGETHER.match(left) else left
    return text if {word.lower() for word in re.findall(r"\w+", left)} <= STOP_WORDS else left


def _without_closing(text: str) -> str:
    """The text without thanks at its end; a question mark behind them is the question's."""
    said = text.rstrip(_MARKS)
    closing = _CLOSING.search(said)
    if closing is None:
        return text
    before = said[: closing.start()].rstrip()
    asked = before.rstrip(_MARKS)
    if not asked or (asked == before and _SAYING.search(before[-20:])):
        return text
    marks = before[len(asked) :] + text[len(said) :]
    return asked + ("?" * marks.count("?") or ("." if "." in before[len(asked) :] else ""))
