"""Scripts without spaces, and Arabic: counted, searched, and quoted as they stand in the article."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import Answer, Answerer
from bot.question import Question
from index.rerank import OnnxReranker
from index.scripts import count_words, has_words, searchable, words_in
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Embedder, Span
from index.words import NO_FILTERS, WordIndex, WordRow, build_words, content_terms, terms
from ingest.job import run_ingest
from ingest.sources import open_source
from tests.fakes import NOW_S

CHINESE = (
    (
        "河湾市将关闭旧灯塔",
        "河湾市议会星期二决定关闭旧灯塔进行维修。"
        "维修费用估计为三百五十万元，由市政府承担三分之二。"
        "市长李文清说，塔内的铁楼梯已被海水腐蚀，游客不能再登塔。",
    ),
    (
        "渡轮恢复通航",
        "由于风浪减弱，港口公司星期四宣布两条渡轮航线恢复通航。"
        "首班渡轮将于早上六时开出。"
        "船长陈海平表示，停航三天共影响一万二千名乘客。",
    ),
    (
        "图书馆延长开放时间",
        "中央图书馆从五月起每晚开放到十点。馆长王小梅介绍，延长开放后读者人数增加了四成。学生对此表示欢迎。",
    ),
    (
        "果园遭受霜冻",
        "北部果园上周遭受霜冻，梨树损失最为严重。农业部门估计减产六成。农民协会要求政府发放补助。",
    ),
    (
        "新桥工程延期",
        "连接两岸的新桥原定于十月完工，现推迟到明年三月。承建公司解释说，钢材供应不足是主要原因。",
    ),
    (
        "足球队晋级决赛",
        "河湾队在半决赛中以三比一战胜山城队，晋级决赛。前锋赵强独进两球。决赛将于六月八日举行。",
    ),
)
ARABIC = (
    (
        "إغلاق المنارة القديمة",
        "قرر مجلس مدينة الخليج يوم الثلاثاء إغلاق المنارة القديمة لإصلاحها. "
        "وتبلغ تكلفة الإصلاح ثلاثة ملايين ونصف مليون دينار. "
        "هل ستفتح المنارة في الصيف؟ "
        "لم تجب رئيسة البلدية سلمى حداد عن السؤال.",
    ),
    (
        "عودة العبارات إلى العمل",
        "أعلنت شركة الميناء يوم الخميس عودة العبارات إلى العمل بعد هدوء الرياح. "
        "وستنطلق أول عبارة في السادسة صباحا. "
        "وتأثر بالتوقف اثنا عشر ألف راكب.",
    ),
    (
        "المكتبة تفتح حتى العاشرة",
        "ستفتح المكتبة المركزية أبوابها حتى العاشرة مساء ابتداء من مايو. "
        "وقال مدير المكتبة يوسف كريم إن عدد القراء ارتفع بنسبة أربعين في المئة.",
    ),
    (
        "الصقيع يضرب البساتين",
        "ضرب الصقيع بساتين الشمال في الأسبوع الماضي، وكانت أشجار الكمثرى الأكثر تضررا. "
        "وتقدر وزارة الزراعة الخسائر بستين في المئة من المحصول.",
    ),
    (
        "تأجيل افتتاح الجسر",
        "تأجل افتتاح الجسر الجديد إلى شهر مارس من العام المقبل. "
        "وقالت الشركة المنفذة إن نقص الفولاذ هو السبب الرئيسي للتأخير.",
    ),
    (
        "فريق المدينة في النهائي",
        "تأهل فريق المدينة إلى المباراة النهائية بعد فوزه بثلاثة أهداف مقابل هدف. وسجل المهاجم طارق منصور هدفين.",
    ),
)
# Question, number of the article, words that the first quote must hold.
ASKED = (
    ("灯塔的维修费用是多少？", "zh/0", "三百五十万元"),
    ("渡轮什么时候恢复通航？", "zh/1", "星期四宣布两条渡轮航线恢复通航"),
    ("谁是图书馆馆长？", "zh/2", "馆长王小梅"),
    ("新桥为什么推迟？", "zh/4", "钢材供应不足"),
    ("كم تبلغ تكلفة إصلاح المنارة؟", "ar/0", "ثلاثة ملايين ونصف"),
    ("من هو مدير المكتبة؟", "ar/2", "يوسف كريم"),
    ("لماذا تأجل افتتاح الجسر؟", "ar/4", "نقص الفولاذ"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("关闭旧灯塔", ["关闭", "闭旧", "旧灯", "灯塔"]),
        ("猫", ["猫"]),
        ("2025年4月", ["2025", "年", "4", "月"]),
        ("古い灯台を閉鎖", ["古", "い", "灯台", "を", "閉鎖"]),
        ("ﾃﾚﾋﾞとテレビ", ["テレ", "レビ", "と", "テレ", "レビ"]),
        ("서울에서 본", ["서울", "울에", "에서", "본"]),
        ("เมืองนี้", ["เมื", "มือ", "อง", "งนี"]),
        ("ភ្នំពេញ", ["ភនំ", "នំពេ", "ពេញ"]),
        ("المدينةُ والمدينه بالمدينة", ["مدينه", "مدينه", "مدينه"]),
        ("إلى أحمد", ["الي", "احمد"]),
        ("The ferries, naïve", ["the", "ferri", "naiv"]),
    ],
)
def test_words_for_the_index(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@given(st.text(st.characters(max_codepoint=0x5FF), max_size=60))
def test_text_of_scripts_with_spaces_stays_as_it_is(text: str) -> None:
    assert searchable(text) == text


MIXED = st.text(st.sampled_from("ab 洛阳灯塔。いテー서울เมือง้ไ، ؟ال\n1"), max_size=60)


@given(MIXED)
def test_words_cover_all_that_is_no_white_space_and_are_as_many_as_are_counted(text: str) -> None:
    spans = list(words_in(text, Span(0, len(text))))
    assert "".join(span.of(text) for span in spans) == "".join(text.split())
    assert len(spans) == count_words(text)


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("", 0),
        ("two words", 2),
        ("关闭旧灯塔。", 3),
        ("在 Paris 的灯塔", 4),
        ("เมืองนี้", 3),
        ("مدينة الخليج", 2),
        ("서울에서 본", 2),
    ],
)
def test_two_characters_without_spaces_count_as_a_word(text: str, n: int) -> None:
    assert count_words(text) == n


@pytest.mark.parametrize(("question", "where", "words"), ASKED)
def test_the_word_side_finds_the_passage(tmp_path: Path, question: str, where: str, words: str) -> None:
    language, number = where.split("/")
    articles = CHINESE if language == "zh" else ARABIC
    build_words(tmp_path, (WordRow(i, title, text, NOW_S, "x", language) for i, (title, text) in enumerate(articles)))
    rows, scores = WordIndex(tmp_path, len(articles)).search(content_terms(question), 6, NO_FILTERS)
    assert rows[0] == int(number)
    assert words in articles[int(rows[0])][1]
    assert len(scores) == 1 or scores[0] > scores[1]


@pytest.fixture(scope="module")
def answerer(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Iterator[Answerer]:
    folder = tmp_path_factory.mktemp("scripts")
    rows = [
        {"url": f"https://{language}.example/{language}/{i}", "title": title, "text": text, "published": "2025-04-20"}
        for language, articles in (("zh", CHINESE), ("ar", ARABIC))
        for i, (title, text) in enumerate(articles)
    ]
    (folder / "articles.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8"
    )
    run_ingest([open_source(str(folder / "articles.jsonl"))], folder, lambda: (embedder, 160), "test", NOW_S)
    with Store(folder) as store:
        yield Answerer(store, open_snapshot(folder), embedder, OnnxReranker())


def asked(answerer: Answerer, question: str, *, always: bool = True) -> Answer:
    return answerer.answer(Question(text=question, asked_on=date(2025, 4, 30), always=always))


def test_what_the_reranker_cannot_read_does_not_count_against_an_answer(answerer: Answerer) -> None:
    answered = [asked(answerer, question, always=False).status for question, _, _ in ASKED]
    assert answered.count("answered") > len(ASKED) / 2, answered
    unanswerable = (
        asked(answerer, "谁是俄罗斯的总统？", always=False),
        asked(answerer, "من فاز بكأس العالم؟", always=False),
    )
    assert [answer.status for answer in unanswerable] == ["not_found"] * 2


@pytest.mark.parametrize(("question", "where", "words"), ASKED)
def test_the_answer_is_quoted_as_it_stands(answerer: Answerer, question: str, where: str, words: str) -> None:
    first = asked(answerer, question).quotes[0]
    articles = CHINESE if where.startswith("zh") else ARABIC
    assert first.article.id.endswith(f"/{where}")
    assert words in first.text
    assert first.text in articles[int(where[-1])][1]
    assert count_words(first.text) <= 60


@given(st.lists(st.sampled_from(["word", "字", "สวัสดี", " ", "\n", "。", "\u3000"]), max_size=30), st.integers(1, 12))
def test_whether_a_text_has_so_many_words_is_what_counting_them_says(parts: list[str], n: int) -> None:
    text = "".join(parts)
    assert has_words(text, n) == (count_words(text) >= n)
