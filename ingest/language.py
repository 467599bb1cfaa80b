"""Which language a text is in, where its page does not say: by its script and its commonest small words.

Function words make up a third of any text, and few are those of two languages; a hundred words are enough to tell.
Pure; where there is doubt it says nothing. Knows nothing about pages.
"""

from __future__ import annotations

import re
from collections import Counter

# A longer text does not tell more.
_MAX_CHARS = 2_000
_MIN_LETTERS = 20
_MIN_HITS = 3
# The best language has this many times as many hits as the second, or the text is left undecided.
_MARGIN = 1.25
_OWN_MARGIN = 2
# Of the words of a text in one of these languages a fifth are small ones; of Zulu, which is none of them, hardly any.
_MIN_SHARE = 0.05
_SCRIPT_SHARE = 0.5
# Japanese writes Han characters too, but a fifth of its letters at least are kana.
_KANA_SHARE = 0.1

_SCRIPTS = {
    "latin": "A-Za-z\u00aa-\u024f\u1e00-\u1eff",
    "cyrillic": "\u0400-\u052f",
    "arabic": "\u0620-\u064a\u066e-\u06d3",
    "han": "\u3400-\u9fff",
    "kana": "\u3041-\u30ff",
    "ko": "\uac00-\ud7af",
    "el": "\u0370-\u03ff\u1f00-\u1fff",
    "he": "\u05d0-\u05ea",
    "th": "\u0e01-\u0e4e",
    "devanagari": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "si": "\u0d80-\u0dff",
    "lo": "\u0e81-\u0eff",
    "my": "\u1000-\u109f",
    "ka": "\u10a0-\u10ff",
    "hy": "\u0531-\u058a",
    "am": "\u1200-\u137f",
    "km": "\u1780-\u17ff",
}
_LATIN = re.compile(f"[{_SCRIPTS['latin']}]+")
_LATIN_SHARE = 0.6
_SCRIPT = re.compile("|".join(f"(?P<{name}>[{chars}]+)" for name, chars in _SCRIPTS.items()))
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# The vowel signs of Devanagari are marks, which are no letters to `re`; a word runs over them.
_DEVANAGARI = re.compile("[\u0900-\u097f]")
_DEVANAGARI_WORD = re.compile(r"(?:[^\W\d_]|[\u0900-\u0903\u093a-\u094f\u0955-\u0957\u0962\u0963])+")

_SMALL_WORDS = {
    "latin": {
        "en": (
            "the of and to in is was for that with on as by at from his her their has have had not are were "
            "be this it which who but an will said after been they would about more when or its than"
        ),
        "de": (
            "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an "
            "werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über so zum war haben "
            "nur oder aber vor zur"
        ),
        "fr": (
            "le la les de des et en un une du que est pour qui dans a par sur pas au plus ce ne il se avec "
            "son sa ses mais aux été sont ont cette comme elle ou nous leur être fait c'est qu'il d'un d'une"
        ),
        "es": (
            "el la los las de y en que del un una por con para es se no al lo su como más pero sus le ha este "
            "sí porque esta entre cuando muy sin sobre también fue desde todo nos durante todos uno han"
        ),
        "pt": (
            "o a os as de e em que do da dos das um uma por com para é se não ao na no nas nos mais como mas "
            "foi seu sua ou ser quando muito há já está também pelo pela até isso ele entre era são"
        ),
        "it": (
            "il lo la i gli le di e che in un una del della dei delle per con è si non al alla da nel nella "
            "sono ha come più ma anche dal dalla sul ai questo questa dell'anno stato stata degli tra suo due"
        ),
        "nl": (
            "de het een en van in is dat op te zijn voor met die niet aan er om ook als bij door maar naar "
            "heeft hij uit dan nog worden wordt was deze over zich ze meer tot werd kan haar hun geen"
        ),
        "sv": (
            "och i att det som en på är av för med den till inte har de ett om var han hon men vid från kan "
            "sig så ut när efter också över under skulle än mot eller där"
        ),
        "da": (
            "og i at det som en på er af for med den til ikke har de et om var han hun men ved fra kan sig så "
            "ud når efter også over under skulle end mod eller hvor blev være været kunne meget hvad nogle "
            "mellem siger ifølge både sammen siden"
        ),
        "no": (
            "og i at det som en på er av for med den til ikke har de et om var han hun men ved fra kan seg så "
            "ut når etter også over under skulle enn mot eller hvor ble være vært kunne mye hva noen mellom "
            "sier ifølge både sammen siden"
        ),
        "fi": (
            "ja on ei se että oli hän mutta ovat myös kun joka niin ole kuin tai mukaan sen hänen vuoden jo "
            "nyt vain sekä jos kanssa jälkeen olla vielä sitä ollut"
        ),
        "pl": (
            "i w na z do nie się że to jest o od za po jak ale przez dla przy są co być tym jego tego już "
            "oraz został które który która także może jej ich"
        ),
        "cs": (
            "a v na se že je z s do o to i jako k ale za po pro by už jsem však od byl podle ve jeho která "
            "které který jsou při také jen nebo až"
        ),
        "sk": (
            "a v na sa že je z s do o to aj ako k ale za po pre by už však od bol podľa vo jeho ktorá ktoré "
            "ktorý sú pri tiež len alebo až"
        ),
        "hu": (
            "a az és hogy nem is egy van de ez volt meg azt már csak el mint szerint vagy még ezt után kell "
            "lesz ki több pedig aki között"
        ),
        "ro": (
            "și în de la a cu pe că nu un o este care din pentru mai se sau dar fost au prin după sunt ca fi "
            "al ale lui această acest când până"
        ),
        "tr": (
            "ve bir bu da de için ile olarak çok daha gibi olan sonra kadar ancak ise var en ya ne o değil "
            "göre olduğu her ki yeni tarafından"
        ),
        "id": (
            "yang dan di dari untuk dengan pada ini itu dalam tidak akan ke oleh adalah juga sebagai telah "
            "bisa mereka karena ada saat tersebut kepada lebih atau"
        ),
        "vi": (
            "và của là có trong được cho không các một những với này đã người khi đến để từ về ra tại như năm "
            "cũng nhưng vào ông"
        ),
        "ca": (
            "el la els les de i en que del un una per amb és no al a dels ha com més però també aquest "
            "aquesta són seva seu entre ser ja fins"
        ),
        "hr": (
            "i u je se na da za su od s o što kako ne bi koji koja koje ali iz nije bio samo ili prema još "
            "nakon kao do sve biti"
        ),
    },
    "cyrillic": {
        "ru": (
            "и в не на что с по это как из к у за от о для но также был его она они или при было до бы чтобы "
            "который которые после уже только ещё еще"
        ),
        "uk": (
            "і в у не на що з та до це як із за від про для але також був його вона вони або при було щоб "
            "який які після вже тільки ще й є"
        ),
        "bg": (
            "и в не на че с по това как от за до да се са е ще но също беше го тя те или при било който които "
            "след вече само още си ги"
        ),
        "sr": ("и у не на да са по то како из за од о али такође био је се су који које после већ само још ће би"),
    },
    "arabic": {
        "ar": (
            "في من على إلى أن عن مع هذا هذه التي الذي ما لا بعد قبل كان كما بين قد وقد وقال ذلك أو لم كل عام خلال إن ثم"
        ),
        "fa": ("و در به از که این را با است برای آن یک خود تا کرد بر هم نیز شد او ما می بود های شده اما کند"),
        "ur": ("کے میں کی ہے اور سے کا کو اس کہ پر نے ہیں بھی ایک یہ تھا کر نہیں گیا ان وہ جو ہو لیے"),
    },
    "devanagari": {
        "hi": ("के में की है और से का को इस कि पर ने हैं भी एक यह था कर नहीं गया उन वह जो हो लिए"),
        "mr": ("आहे आणि या ते हे तर की च आहेत होते केली होता मात्र करण्यात त्यांनी असे"),
        "ne": ("छ र को मा भने गरेको छन् पनि हुन् भएको यो लागि तथा गर्न"),
    },
}


def _by_word(languages: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The languages that each small word is one of."""
    found: dict[str, tuple[str, ...]] = {}
    for language, words in languages.items():
        for word in words.split():
            found[word] = (*found.get(word, ()), language)
    return found


_SMALL = {script: _by_word(languages) for script, languages in _SMALL_WORDS.items()}


def language_of(text: str) -> str:
    """ISO 639-1 code of the language that a text is in, or "" where that is not clear.

    Args:
        text: A sentence or more; the first 2,000 characters are looked at.
    """
    sample = text[:_MAX_CHARS]
    # Most texts are of this script, and looking for all others takes five times as long.
    n_latin = sum(map(len, _LATIN.findall(sample)))
    if n_latin >= max(_MIN_LETTERS, _LATIN_SHARE * len(sample)):
        return _by_words(sample, "latin")
    letters: Counter[str] = Counter()
    for run in _SCRIPT.finditer(sample):
        letters[run.lastgroup or ""] += run.end() - run.start()
    n_letters = letters.total()
    east = letters["han"] + letters["kana"]
    # A word of these is two letters.
    if n_letters < _MIN_LETTERS and east + letters["ko"] < _MIN_LETTERS // 2:
        return ""
    if east > _SCRIPT_SHARE * n_letters:
        return "ja" if letters["kana"] > _KANA_SHARE * east else "zh"
    script, n_of_script = letters.most_common(1)[0]
    if n_of_script < _SCRIPT_SHARE * n_letters:
        return ""
    return _by_words(sample, script) if script in _SMALL else script


def _by_words(sample: str, script: str) -> str:
    """The language whose small words are the most frequent in a sample by a clear margin."""
    small = _SMALL[script]
    hits: Counter[str] = Counter()
    found: Counter[tuple[str, ...]] = Counter()
    pattern = _DEVANAGARI_WORD if _DEVANAGARI.search(sample) else _WORD
    words = pattern.findall(sample.lower().replace("’", "'"))
    for word, n in Counter(words).items():
        languages = small.get(word)
        if languages is not None:
            found[languages] += n
    for languages, n in found.items():
        for language in languages:
            hits[language] += n
    ranked = [*hits.most_common(2), ("", 0), ("", 0)]
    (first, best), (second, runner_up) = ranked[0], ranked[1]
    if best < max(_MIN_HITS, _MIN_SHARE * len(words)):
        return ""
    if best >= _MARGIN * runner_up:
        return first
    # Neighbours share most of their small words (Danish and Norwegian, Czech and Slovak): only the others tell.
    own_first = sum(n for languages, n in found.items() if first in languages and second not in languages)
    own_second = sum(n for languages, n in found.items() if second in languages and first not in languages)
    (likely, n_likely), (_, n_unlikely) = sorted(((first, own_first), (second, own_second)), key=lambda one: -one[1])
    return likely if n_likely >= max(_MIN_HITS, _OWN_MARGIN * n_unlikely) else ""
