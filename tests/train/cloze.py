"""Short questions made of news: a number, a day or a name of a sentence asked for in a few of the words round it.

What people type is shorter than a quiz's questions, and names its story in words that the title has and the answering
sentence has not. So a made question is the clause round its answer with words left out, the asking word mostly in
front, and often a word or two of the title; the answering sentence must be told from its neighbours and from other
parts of the same article, its opening among them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

from bot.scoring import holds
from bot.windows import Sentences, sentences_of
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Reading
from index.words import content_terms
from tests.train.groups import ANSWERS, ANSWERS_NOT, UNKNOWN, Group, Labelled

N_GROUPS = 4500
MIN_SENTENCES = 8
MIN_WORDS, MAX_WORDS = 7, 45
SENTENCES_TOGETHER = 5
N_OTHERS = 3
# Words of a clause at most, and content words of a question at least.
MAX_CLAUSE, MIN_CONTENT = 16, 3
IN_FRONT, WITH_TITLE, WITHOUT_WORD = 0.75, 0.6, 0.15

_DAY = (
    r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|(?:January|February|March|April|May|June|July|August|September"
    r"|October|November|December|Jan\.|Feb\.|Aug\.|Sept\.|Oct\.|Nov\.|Dec\.)(?: \d{1,2})?(?:,? (?:19|20)\d\d)?"
    r"|(?:19|20)\d\d)(?!\w)"
)
_COUNT = r"(?:\d[\d,.]*\d|\d|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:twen|thir|for|fif)ty)"
_WORD = r"[A-Z](?:[\w-]|[’'](?!s\b))+"
_NAME = rf"{_WORD}(?: (?:(?:of|the|de|van) )?{_WORD})*(?![\w.-])"
_ANSWER = re.compile(
    r"(?P<money>[$£€]\d[\d,.]*(?: (?:million|billion|trillion))?\b)"
    r"|(?P<percent>\b\d[\d.]*(?:%| percent\b| per cent\b))"
    rf"|(?P<duration>\b{_COUNT}[ -](?:year|month|week|day|hour|minute|second)s?\b(?! old|-old))"
    rf"|(?P<day>(?:(?<= (?:on|in|by) )|(?<= (?:since|until|after) )){_DAY})"
    rf"|(?P<number>(?<![\w.,$£€-])(?<!number )(?<![a-z]\. ){_COUNT}(?: (?:million|billion))?(?= [a-z]{{3}})"
    r"(?! per ?cent))"
    rf"|(?P<place>(?<= (?:in|at) ){_NAME})"
    rf"|(?P<name>(?<=[a-z,] ){_NAME})"
)
_BREAK = re.compile(
    r"(?<=[\w.”’\"])[,;:–—] | (?:and|but|while|which|who|after|before|when|because|that|although|as|if|where) "
    r"|[“”\"]|[.?!][\"”’']?$"
)
_ASKED = {
    "money": ("how much", "how much", "how much money", "what price"),
    "percent": ("what percentage", "what percentage", "what share", "how much"),
    "duration": ("how long", "how long", "how many"),
    "day": ("when", "when", "on what day"),
    "number": ("how many", "how many", "how many", "what number of"),
    "place": ("where", "where", "in which place", "which place"),
    "name": ("what", "which", "who"),
    "person": ("who", "who", "which person"),
}
_PERSON = re.compile(
    r"(?:President|Minister|Secretary|Senator|Sen\.|Rep\.|Gov\.|Governor|Mayor|Mr\.?|Ms\.?|Mrs\.?|Dr\.?|Sir|Judge|Justice"
    r"|director|spokes(?:wo)?man|spokesperson|leader|professor|coach|actor|actress|singer|author|chief|officer|analyst"
    r"|star|champion|founder|chairman|executive|husband|wife|son|daughter|brother|sister),? $",
)
_SAYS = re.compile(r"^,? (?:said|says|told|added|tweeted|wrote|argued|testified|announced|[a-z]+, \d\d,)|^, \d\d,")
_NO_NEWS = ("Editor", "This story", "This article", "Sign up", "Click", "Read more", "Photo")


def cloze_groups(folder: Path, until: str) -> list[Group]:
    """Some `N_GROUPS` groups of articles published before `until` (YYYY-MM-DD), the same ones every time.

    Args:
        folder: Where the articles are indexed, as `groups.quiz_groups` left it.
        until: See above.
    """
    rng = random.Random(0)
    groups: list[Group] = []
    with Store(folder) as store:
        versions = sorted(open_snapshot(folder).versions["version"].tolist())
        rng.shuffle(versions)
        for version in versions:
            if len(groups) == N_GROUPS:
                break
            article = store.article(version)
            if article is not None and article.published and article.published[:10] < until:
                group = _group(sentences_of(article), rng)
                groups += [] if group is None else [group]
    return groups


def _group(sentences: Sentences, rng: random.Random) -> Group | None:
    """The group of one question, of a sentence taken by chance."""
    texts = [span.of(sentences.article.text) for span in sentences.spans]
    if len(texts) < MIN_SENTENCES:
        return None
    for at in rng.sample(range(len(texts)), min(len(texts), 6)):
        made = list(questions(texts[at], sentences.article.title, rng))
        if made:
            question, answer = rng.choice(made)
            title = sentences.article.title
            low = max(0, at - rng.randrange(SENTENCES_TOGETHER))
            positive = _labelled(title, texts[low : low + SENTENCES_TOGETHER], answer, at - low)
            starts = [0, *rng.sample(range(len(texts)), min(len(texts), 3 * N_OTHERS))]
            apart = [one for one in starts if abs(one - low) >= SENTENCES_TOGETHER]
            negative = [_labelled(title, texts[one : one + SENTENCES_TOGETHER], answer) for one in apart[:N_OTHERS]]
            return Group("cloze", question, (answer,), (positive,), tuple(negative)) if negative else None
    return None


def _labelled(title: str, texts: list[str], answer: str, at: int = -1) -> Labelled:
    """Sentences of which the one at `at` answers, and others that hold the answer may or may not."""
    labels = (
        ANSWERS if number == at else UNKNOWN if holds([answer], text) else ANSWERS_NOT
        for number, text in enumerate(texts)
    )
    return Labelled(Reading(title, tuple(texts)), tuple(labels))


def questions(sentence: str, title: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Questions that a sentence answers, and their answers.

    Args:
        sentence: Of an article.
        title: The article's.
        rng: Decides which words are left out.
    """
    if sentence.startswith(_NO_NEWS) or not MIN_WORDS <= len(sentence.split()) <= MAX_WORDS:
        return
    for match in _ANSWER.finditer(sentence):
        kind, answer = match.lastgroup or "name", match.group()
        before, after = _clause(sentence, match.start(), match.end())
        if kind in ("day", "place"):
            before = re.sub(r"\b(?:on|in|by|at|since|until|after)$", "", before.rstrip())
        if kind == "name" and (_PERSON.search(before + " ") or _SAYS.match(sentence[match.end() :])):
            kind = "person"
        question = _question(
            rng.choice(_ASKED[kind]), before.split(), after.split(), _of_title(title, answer, rng), rng
        )
        if len(content_terms(question)) >= MIN_CONTENT and not holds([answer], question):
            yield question, answer


def _clause(sentence: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and behind an answer in its clause, and in more of them where that is little."""
    breaks = [(0, 0), *((each.start(), each.end()) for each in _BREAK.finditer(sentence)), (len(sentence),) * 2]
    first = max(n for n, each in enumerate(breaks) if each[1] <= start)
    last = min(n for n, each in enumerate(breaks) if each[0] >= end)
    while len((sentence[breaks[first][1] : start] + sentence[end : breaks[last][0]]).split()) < 4:
        if first > 0:
            first -= 1
        elif last < len(breaks) - 1:
            last += 1
        else:
            break
    before, after = sentence[breaks[first][1] : start].split(), sentence[end : breaks[last][0]].split()
    n_after = max(MAX_CLAUSE - len(before), MAX_CLAUSE // 2)
    return " ".join(before[-MAX_CLAUSE:]), " ".join(after[:n_after])


def _of_title(title: str, answer: str, rng: random.Random) -> list[str]:
    """None, one or two words of the title, its names rather than others."""
    if rng.random() >= WITH_TITLE:
        return []
    words = [word.strip(".,:;!?‘’“”'\"") for word in title.split()]
    known = [word for word in words if len(word) > 3 and not holds([word], answer)]
    names = [word for word in known if word[0].isupper()] or known
    return rng.sample(names, min(len(names), rng.choice((1, 2))))


def _question(asking: str, before: list[str], after: list[str], topic: list[str], rng: random.Random) -> str:
    before, after = _fewer(before, rng), _fewer(after, rng)
    if rng.random() < IN_FRONT:
        # "how many places the new hall has": what is counted follows the number.
        words = (
            [asking, *after[:2], *before, *after[2:]] if asking.endswith(("many", "of")) else [asking, *before, *after]
        )
    else:
        words = [*before, asking, *after]
    words += ["in" if rng.random() < 0.5 else "of", *topic] if topic else []
    return " ".join(words) + "?"


def _fewer(words: list[str], rng: random.Random) -> list[str]:
    return [word.strip('“”"‘()') for word in words if rng.random() >= WITHOUT_WORD]
