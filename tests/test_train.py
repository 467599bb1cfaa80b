"""The training of the reranker, on a handful of made-up groups: what is sampled, and that a step learns from it."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bot.scoring import holds
from index.embed import OnnxEmbedder
from index.models import DEFAULT_MODEL_SHA256, SMALL_MODEL, default_model_path, small_sha256
from index.rerank import PairTokenizer
from index.types import Reading
from ingest.draft import Draft
from tests.fakes import NOW_S, HashingEmbedder, ingest_drafts
from tests.train import distil, small, small_texts, teacher
from tests.train.cloze import cloze_groups, questions
from tests.train.groups import ANSWERS, Group, Labelled, labelled, squad_groups, trec_groups
from tests.train.reader import Reader, lessons, loss_of, read_rows, sampled


def painted(n: int) -> Labelled:
    return Labelled(Reading("Harbour", (f"Pier {n} was painted grey.", "Nobody liked it.")), (0, 0))


GROUP = Group(
    "quiz",
    "By which day must the harbour be dredged?",
    ("14 June",),
    (
        Labelled(
            Reading("Harbour", ("The council met on 14 June.", "It must be dredged by 14 June.", "It was late.")),
            (-1, 1, 0),
        ),
    ),
    tuple(painted(n) for n in range(12)),
)
WITHOUT = Group("quiz without answer", "Who won?", ("Nobody",), (), GROUP.negative)


@pytest.fixture(scope="module")
def tokenizer() -> PairTokenizer:
    return PairTokenizer(default_model_path() / "tokenizer.json")


def test_the_answering_stretch_comes_first_and_its_answer_is_pointed_at(tokenizer: PairTokenizer) -> None:
    rows = sampled(GROUP, tokenizer, random.Random(1))
    assert [1 in row.labels for row in rows] == [True, False, False]
    assert rows[0].tokens is not None
    start, end = rows[0].pair.bounds[rows[0].labels.index(1)]
    assert start <= rows[0].tokens[0] <= rows[0].tokens[1] < end
    assert all(row.tokens is None for row in rows[1:])
    assert not any(1 in row.labels for row in sampled(WITHOUT, tokenizer, random.Random(1)))


def test_the_quiz_is_learned_last_and_the_order_is_the_same_every_time() -> None:
    groups = [GROUP] * 3 + [WITHOUT] * 2
    order = lessons(groups, random.Random(0))
    assert len(order) == 10
    assert order == lessons(groups, random.Random(0))


def test_a_few_steps_learn_which_sentence_answers(tokenizer: PairTokenizer) -> None:
    import torch

    torch.manual_seed(0)
    model = Reader()
    step = [sampled(GROUP, tokenizer, random.Random(2)), sampled(WITHOUT, tokenizer, random.Random(2))]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=3e-4)
    losses = []
    for _ in range(6):
        loss = loss_of(model, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_labelled_sets_become_groups(tmp_path: Path) -> None:
    body = "The harbour opened in 1904. It was dredged in June. Ferries cross it."
    article = {"url": "u", "title": "Harbour", "body": body}
    questions = [
        {"question": "When did the harbour open?", "answers": ["1904"], "evidence_urls": ["u"], "answerable": True},
        {"question": "Who built the harbour?", "answers": [], "evidence_urls": ["u"], "answerable": False},
    ]
    for name, rows in (("squad2-articles", [article]), ("squad2-questions", questions)):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    found = squad_groups(tmp_path)
    assert [group.kind for group in found] == ["squad", "squad without answer"]
    (one,) = found[0].positive
    assert one.labels == (1, 0, 0)
    assert one.reading.sentences[0] == "The harbour opened in 1904."
    assert [one.labels for one in found[1].negative] == [(0, 0, 0)]
    row = {"question": "q", "answers": [], "candidates": [{"text": "a", "label": 1}, {"text": "b", "label": 0}]}
    for name in ("trecqa-train.jsonl", "trecqa-dev.jsonl"):
        (tmp_path / name).write_text(json.dumps(row) + "\n", encoding="utf-8")
    assert [(len(group.positive), len(group.negative)) for group in trec_groups(tmp_path)] == [(1, 1)] * 2


def test_a_sentence_with_the_answer_that_nothing_supports_is_not_learned_from() -> None:
    found = [
        Reading("", ("It ends on 14 June.", "It is warm.", "He was born on 14 June.")),
        Reading("", ("He was born on 14 June.",)),
    ]
    positive, negative = labelled(found, ["14 June"], lambda sentence, _: float("ends" in sentence), 0.5)
    assert [one.labels for one in positive] == [(1, 0, -1)]
    assert [one.labels for one in negative] == [(-1,)]


SENTENCE = "Last week the council of Port Wessel paid $3 million to 40 sailors, 12 percent of its budget for two years."


def test_a_sentence_is_asked_for_its_figures_days_and_names_in_some_of_its_own_words() -> None:
    found = [pair for seed in range(60) for pair in questions(SENTENCE, "Strike at Port Wessel", random.Random(seed))]
    assert {answer for _, answer in found} == {"Port Wessel", "$3 million", "40", "12 percent", "two years"}
    words = {*SENTENCE.replace(",", "").replace(".", "").split(), "Strike", "of", "in"}
    asking = "how much many long money what percentage share number price who which"
    for question, answer in found:
        assert not holds([answer], question)
        assert {*question.rstrip("?").replace(",", "").split()} <= words | {*asking.split()}
    # What is counted stands behind "how many", and what is short was not left without its story.
    counted = [question for question, answer in found if answer == "40"]
    assert any(question.startswith("how many sailors") for question in counted)
    assert any(" Strike" in question for question in counted)
    assert list(questions("Read more about the 40 sailors of the harbour here and now.", "", random.Random(0))) == []


def test_a_made_questions_own_article_holds_the_answer_and_the_others(tmp_path: Path) -> None:
    text = " ".join([*(f"The harbour was quiet on day number {n} of the strike." for n in range(14)), SENTENCE])
    ingest_drafts(
        tmp_path,
        [Draft(origin="made", title="Strike", text=text, published="2025-04-25")],
        HashingEmbedder(),
        now_s=NOW_S,
    )
    (group,) = cloze_groups(tmp_path, "2099-01-01")
    (positive,) = group.positive
    assert [text for text, label in zip(positive.reading.sentences, positive.labels, strict=True) if label == ANSWERS]
    assert all(ANSWERS not in one.labels for one in group.negative)
    assert group.negative[0].reading.sentences[0].startswith("The harbour was quiet on day number 0")
    assert cloze_groups(tmp_path, "1999-01-01") == []


DREDGED = [f"On day {n} the harbour was dredged by {n} crews of the council." for n in range(60)]


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    articles = [
        {"published": day, "title": f"Harbour news of {day}", "text": text}
        for day, text in (("2023-05-01", " ".join(DREDGED)), ("2023-05-02", " "), ("2024-05-01", "Held out. " * 9))
    ]
    asked = [
        {"asked_on": one["published"], "question": f"What of {one['published']}?", "evidence": "It was dredged."}
        for one in articles[::2]
    ]
    files: dict[str, Sequence[Mapping[str, object]]] = {
        "articles.jsonl.gz": articles,
        "questions.jsonl.gz": asked,
        "squad2-articles.jsonl.gz": [{"url": "squad2://0", "title": "Harbours", "body": "A harbour is a place."}],
        "squad2-questions.jsonl.gz": [{"question": "What is a harbour?", "evidence_urls": ["squad2://0"]}],
    }
    for name, lines in files.items():
        with gzip.open(tmp_path / name, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    told = {"question": "Who dredged it?", "candidates": [{"text": "The council dredged it."}]}
    (tmp_path / "trecqa-train.jsonl").write_text(json.dumps(told) + "\n", encoding="utf-8")
    return tmp_path


def test_what_the_small_model_learns_from_is_cut_at_sentences_and_none_of_it_is_held_out(small_data: Path) -> None:
    every = small_texts.texts(small_data, small_data, random.Random(0))
    expected = {"What of 2023-05-01?", "It was dredged.", "What is a harbour?", "Who dredged it?"}
    assert {*every.short} == expected | {"The council dredged it."}
    stretches = [str(text) for text in every.passages if text.startswith("On day")]
    others = {"Harbour news of 2023-05-01", "Harbour news of 2023-05-02", "A harbour is a place."}
    assert others == {*every.passages} - {*stretches}
    assert " ".join(sorted(stretches, key=lambda text: int(text.split()[2]))) == " ".join(DREDGED)
    assert len(stretches) > 3


def test_a_subject_has_passages_and_what_asks_for_them(small_data: Path) -> None:
    subjects = small_texts.news_subjects(small_data, HashingEmbedder().embed_passages, random.Random(0))
    for subject in (next(subjects) for _ in range(20)):
        assert all(text.startswith("On day") and text in " ".join(DREDGED) for text in subject.passages)
        assert {"Harbour news of 2023-05-01", "What of 2023-05-01?"} <= {*subject.short}
    of_squad = next(small_texts.squad_subjects(small_data, random.Random(0)))
    assert of_squad == small_texts.Texts(["A harbour is a place."], ["What is a harbour?"])


def test_the_small_model_comes_nearer_and_what_is_saved_computes_the_same(tmp_path: Path) -> None:
    import torch

    texts = [f"On day {n} the harbour of Port Ellery was dredged by {n} crews." for n in range(40)]
    batches = small.Batches()
    some = [batches.of(texts[:20])]
    whole, begun = small.begun(some)
    lesson = (some[0], batches.of([f"Who dredged on day {n}?" for n in range(5)]))
    before = float(small.loss_of(whole, begun, lesson).detach())
    rng = random.Random(0)
    plain = batches.of_like_length(small_texts.Texts(texts, texts[:3]), rng)
    of_subjects = batches.of_subjects(iter([small_texts.Texts(texts[:8], texts[8:10])] * 9))
    learnt = small.learn(whole, begun, small.mixed([(0.5, plain), (0.5, of_subjects)], rng), 4, lambda _: None)
    with torch.no_grad():
        assert float(small.loss_of(whole, learnt, lesson)) < before
        expected = small.vectors(learnt(*some[0]).last_hidden_state, some[0][1]).numpy()
    manifest = small.save(learnt, tmp_path / "made", some)
    assert manifest == {"model_sha256": small_sha256(tmp_path / "made"), "base_sha256": DEFAULT_MODEL_SHA256}
    for is_int8, least in ((False, 0.9999), (True, 0.99)):
        found = OnnxEmbedder(SMALL_MODEL, tmp_path / "made", tmp_path / "exports", is_int8=is_int8)
        assert (found.embed_passages(texts[:20]) * expected).sum(axis=1).min() > least


def test_the_teacher_is_put_together_from_its_parts_and_is_what_it_should_be(tmp_path: Path) -> None:
    archive = tmp_path / "whole.zip"
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr(f"{teacher.NAME}/{teacher.WEIGHTS}", bytes(range(256)) * 40)
        files.writestr(f"{teacher.NAME}/config.json", "{}")
    whole = archive.read_bytes()
    parts = [tmp_path / f"part-{n}" for n in range(3)]
    for n, part in enumerate(parts):
        part.write_bytes(whole[n * 200 : (n + 1) * 200 if n < 2 else None])
    with pytest.raises(teacher.TeacherUnavailable, match="should be 78c0197b"):
        teacher.assembled(tmp_path / "made", parts)
    with pytest.raises(teacher.TeacherUnavailable, match="no archive together"):
        teacher.assembled(tmp_path / "made", parts[:1])
    with pytest.raises(teacher.TeacherUnavailable, match="is absent"):
        teacher.checked(tmp_path)
    assert not (tmp_path / "made" / teacher.NAME).exists()
    sha256 = hashlib.sha256(bytes(range(256)) * 40).hexdigest()
    made = teacher.assembled(tmp_path / "made", parts, sha256)
    assert sorted(path.name for path in made.iterdir()) == ["config.json", teacher.WEIGHTS]
    assert [path.name for path in made.parent.iterdir()] == [teacher.NAME]
    assert teacher.assembled(tmp_path / "made", [tmp_path / "absent"]) == made


def test_a_part_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "PARTS", ("no-such-package",))
    with pytest.raises(teacher.TeacherUnavailable, match=r"no-such-package is not installed; `make train` does it\."):
        teacher.assembled(tmp_path)


def test_the_teacher_reads_the_same_words_under_its_own_numbers(tmp_path: Path, tokenizer: PairTokenizer) -> None:
    from transformers import MPNetConfig, MPNetModel

    pieces = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "<mask>", "harbour", ".", "the"]
    config = MPNetConfig(
        vocab_size=len(pieces), hidden_size=8, num_hidden_layers=5, num_attention_heads=2, intermediate_size=16
    )
    MPNetModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    vocabulary = {"model": {"vocab": {piece: number for number, piece in enumerate(pieces)}}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    model = teacher.Teacher(tmp_path)
    (pair,) = tokenizer.pairs("The harbour?", [Reading("Harbour", ("The harbour.",))])
    told = [pieces[at] for at in model.numbers[list(pair.ids)]]
    assert told == ["<s>", "the", "harbour", "[UNK]", "</s>", "harbour", ".", "the", "harbour", ".", "</s>"]
    ((scores, pointing),) = read_rows(model, sampled(GROUP, tokenizer, random.Random(1))[:1])
    assert len(scores) == 3
    assert pointing.shape[1] == 2


def test_the_teachers_lessons_end_with_the_quiz() -> None:
    groups = [GROUP] * 3 + [WITHOUT] * 2
    order = teacher.lessons(groups, random.Random(0))
    assert sorted(group.kind for group in order[:5]) == sorted(group.kind for group in order[5:])
    assert order == teacher.lessons(groups, random.Random(0))


def test_the_reader_comes_to_think_what_the_teacher_thinks(tokenizer: PairTokenizer) -> None:
    import torch

    torch.manual_seed(0)
    taught, model = Reader(), Reader()
    lessons = distil.shown(taught, [GROUP, WITHOUT], random.Random(2))
    assert [len(group) for group in lessons] in ([4, 3], [3, 4])
    with torch.no_grad():
        assert float(distil.loss_of(taught, lessons)) < float(distil.loss_of(model, lessons))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
    losses = []
    for _ in range(6):
        loss = distil.loss_of(model, lessons)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    again = distil.distil(taught, lessons * 2, lambda _: None)
    assert again is taught and not again.training
