"""Telling languages apart, by sentences written for the tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.store import Store
from ingest.job import run_ingest
from ingest.language import language_of
from ingest.sources import open_source
from tests.fakes import NOW_S, HashingEmbedder

TEXTS = {
    "en": "The council has decided that the old lighthouse will be closed, and it is not known for how long.",
    "de": "Der Rat hat beschlossen, dass der alte Leuchtturm geschlossen wird, und niemand weiß, für wie lange.",
    "fr": "Le conseil a décidé que le vieux phare sera fermé, et personne ne sait pour combien de temps.",
    "es": "El consejo ha decidido que el viejo faro se cierra, y nadie sabe por cuánto tiempo será.",
    "pt": "O conselho decidiu que o velho farol vai fechar, e ninguém sabe por quanto tempo, mas não será para sempre.",
    "it": "Il consiglio ha deciso che il vecchio faro sarà chiuso, e nessuno sa per quanto tempo, ma non per sempre.",
    "nl": "De raad heeft besloten dat de oude vuurtoren dicht gaat, en niemand weet voor hoe lang het zal zijn.",
    "sv": "Rådet har beslutat att den gamla fyren ska stängas, och ingen vet hur länge det kommer att vara.",
    "da": "Rådet har besluttet at det gamle fyrtårn skal lukkes af hensyn til folk, og ingen ved hvad der sker efter.",
    "no": "Rådet har bestemt at det gamle fyret skal stenges av hensyn til folk, og ingen vet hva som skjer etter.",
    "pl": "Rada zdecydowała, że stara latarnia zostanie zamknięta i nie wiadomo na jak długo, ale to już jest pewne.",
    "cs": "Rada rozhodla, že se starý maják zavře, protože podle starosty by již nebyl jistý, ale jen na rok.",
    "tr": "Meclis eski deniz fenerinin kapatılmasına karar verdi ve ne kadar süreceği için bir tarih daha yok.",
    "ru": "Совет решил, что старый маяк будет закрыт, и никто не знает на сколько, но это уже не новость.",
    "uk": "Рада вирішила, що старий маяк буде закрито, і ніхто не знає на скільки, але це вже не новина.",
    "ar": "قرر المجلس أن المنارة القديمة ستغلق من يوم الثلاثاء إلى أن يتم إصلاحها، ولا يعرف أحد متى.",
    "fa": "شورا تصمیم گرفت که فانوس دریایی قدیمی را از روز سه‌شنبه ببندد و این کار تا تابستان ادامه دارد.",
    "zh": "市议会决定关闭旧灯塔，没有人知道要关多久。",
    "ja": "市議会は古い灯台を閉めることを決めたが、いつまでかは誰も知らない。",
    "ko": "시의회는 오래된 등대를 닫기로 결정했지만 얼마나 오래인지는 아무도 모른다.",
    "th": "สภาเมืองตัดสินใจปิดประภาคารเก่าและไม่มีใครรู้ว่านานเท่าใด",
    "el": "Το συμβούλιο αποφάσισε να κλείσει ο παλιός φάρος και κανείς δεν ξέρει για πόσο.",
    "he": "המועצה החליטה לסגור את המגדלור הישן ואיש אינו יודע לכמה זמן.",
    "hi": "परिषद ने पुराने प्रकाशस्तंभ को बंद करने का फैसला किया है और किसी को नहीं पता कि यह कब तक है।",
    "mr": "परिषदेने जुने दीपगृह बंद करण्याचा निर्णय घेतला आहे आणि ते किती काळ बंद असेल हे कोणालाही माहीत नाही, असे त्यांनी सांगितले.",
    "ne": "परिषद्ले पुरानो दीपस्तम्भ बन्द गर्ने निर्णय गरेको छ र यो कहिलेसम्म हो भन्ने कसैलाई थाहा छैन तथा अरू पनि बन्द भएको छ।",
}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_a_sentence_tells_its_language(language: str) -> None:
    assert language_of(TEXTS[language]) == language


def test_names_of_elsewhere_do_not_change_the_language() -> None:
    assert language_of(f"{TEXTS['en']} The paper 人民日报 and Владимир Петров of Правда said so.") == "en"
    assert language_of(f"BREAKING NEWS: {TEXTS['zh']}{TEXTS['zh']}") == "zh"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 : 0 — 14 %",
        "Paris, Berlin, Madrid, Roma, Wien, Praha, London",
        "Umkhandlu unqume ukuthi indlu endala yolwandle izovalwa futhi akekho owaziyo ukuthi kuze kube nini.",
    ],
)
def test_in_doubt_nothing_is_said(text: str) -> None:
    assert language_of(text) == ""


def test_words_of_another_script_among_latin_ones_count_once_each() -> None:
    english = "The council has said that it will not be closed, and nobody knows when."
    assert language_of(f"{english} {english} {' '.join(TEXTS['hi'].split()[:8])}") == "en"


@given(st.text(max_size=300))
def test_no_text_is_too_strange(text: str) -> None:
    found = language_of(text)
    assert found == "" or (len(found) == 2 and found.islower())


def test_an_article_keeps_its_language_and_gets_one_where_it_says_none(tmp_path: Path) -> None:
    rows = [
        {"url": "https://a.example/1", "text": TEXTS["de"]},
        {"url": "https://a.example/2", "text": TEXTS["fr"], "language": "ca"},
        {"url": "https://a.example/3", "text": "Paris, Berlin, Madrid, Roma, Wien, Praha, London."},
    ]
    (tmp_path / "rows.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    run_ingest([open_source(str(tmp_path / "rows.jsonl"))], tmp_path, lambda: (HashingEmbedder(), 160), "test", NOW_S)
    with Store(tmp_path) as store:
        assert [article.language for article, _ in store.export()] == ["de", "ca", ""]
