"""Trains the small embedding model: three of the default one's six layers, taught to give its vectors.

It learns from no label: whatever the default model makes of a text is right, and how it ranks passages for what asks
for them. The texts are those of `small_texts`. The word vectors stay the default model's and are not saved again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import AutoModel, BertConfig, BertModel

from index.embed import batches_by_length, read_tokenizer
from index.export import WIDTH
from index.graph import WORDS
from index.models import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    TOKENIZER,
    WEIGHTS,
    WORDS_OF,
    default_model_path,
    small_sha256,
)
from tests.train.reader import channel_widths
from tests.train.small_texts import Texts

# Of six: the first reads words, the last shapes what is averaged. Untaught, these three are as near as any three come
# (mean cosine .55; the first three .22).
LAYERS = (0, 3, 5)
# Of 1,536 between the two products behind the attention: those that carry most.
N_INNER = 1024
MAX_TOKENS = 160
LONGEST = 256  # which it may be asked for, as the default model may
STEP_TOKENS = 3072
N_STEPS = 4300
RATE, LAST_RATE, WARM_UP = 5e-4, 1e-5, 60
# Texts sorted by length at a time, and the short ones among them.
PILE, SHORT = 1024, 128
# Of texts of like length, of news by subject, and of SQuAD.
KINDS = (0.25, 0.67, 0.08)
# Of each text's vector, of each token's, of how alike the texts of a step are, and of how passages rank for what asks.
WHOLE_SHARE, TOKEN_SHARE, ALIKE_SHARE, RANK_SHARE = 2.0, 0.25, 5.0, 0.3
TEMPERATURE = 0.05


Batch = tuple[torch.Tensor, torch.Tensor]  # token ids and mask, (n, width) each
Lesson = tuple[Batch, ...]  # of one step: passages, and what asks for them where they are of one subject


class Batches:
    """Texts as batches."""

    def __init__(self) -> None:
        self._tokenizer: Tokenizer = read_tokenizer(default_model_path() / TOKENIZER)
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()

    def of(self, some: Sequence[str]) -> Batch:
        encodings = self._tokenizer.encode_batch(list(some))
        ids, mask = ([getattr(one, part) for one in encodings] for part in ("ids", "attention_mask"))
        return torch.tensor(ids), torch.tensor(mask)

    def of_like_length(self, every: Texts, rng: random.Random) -> Iterator[Lesson]:
        """Endlessly, texts of any subject, some `STEP_TOKENS` tokens of like length together."""
        at = 0
        while True:
            passages = rng.sample(every.passages, len(every.passages))
            short = rng.sample(every.short, len(every.short))
            for start in range(0, len(passages), PILE):
                some = [short[(at + n) % len(short)] for n in range(SHORT)]
                at += SHORT
                pile = [*passages[start : start + PILE], *some]
                widths = [min(MAX_TOKENS, len(text) // 4 + 3) for text in pile]  # a token has some four letters
                batches = batches_by_length(widths, STEP_TOKENS)
                rng.shuffle(batches)
                for batch in batches:
                    yield (self.of([pile[at] for at in batch]),)

    def of_subjects(self, subjects: Iterator[Texts]) -> Iterator[Lesson]:
        """Those subjects of which there is enough to compare."""
        for one in subjects:
            if len(one.passages) >= 4 and len(one.short) >= 2:
                yield self.of(one.passages), self.of(one.short)


def mixed(kinds: Sequence[tuple[float, Iterator[Lesson]]], rng: random.Random) -> Iterator[Lesson]:
    """Endlessly, lessons of several kinds, each as often as its share says."""
    shares, lessons = zip(*kinds, strict=True)
    while True:
        yield next(rng.choices(lessons, shares)[0])


def begun(calibration: Sequence[Batch]) -> tuple[Any, Any]:
    """The default model, and the small one as cut out of it.

    Args:
        calibration: Batches that tell which of the inner channels carry most.
    """
    whole = AutoModel.from_pretrained(str(default_model_path()), add_pooling_layer=False)
    whole.eval()
    carried = _carried(whole, calibration)
    config = BertConfig.from_pretrained(str(default_model_path()))
    config.num_hidden_layers, config.intermediate_size = len(LAYERS), N_INNER
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    small = BertModel(config, add_pooling_layer=False)
    small.embeddings.load_state_dict(whole.embeddings.state_dict())
    small.embeddings.word_embeddings.weight.requires_grad = False
    for layer, at in zip(small.encoder.layer, LAYERS, strict=True):
        weights = whole.encoder.layer[at].state_dict()
        kept = carried[at].topk(N_INNER).indices.sort().values
        for part in ("intermediate.dense.weight", "intermediate.dense.bias"):
            weights[part] = weights[part][kept]
        weights["output.dense.weight"] = weights["output.dense.weight"][:, kept]
        layer.load_state_dict(weights)
    return whole, small


def _carried(model: Any, batches: Sequence[Batch]) -> dict[int, torch.Tensor]:
    """What each inner channel of the layers in `LAYERS` adds to their output, on the average; (inner,) each."""
    found = {at: torch.zeros(model.config.intermediate_size) for at in LAYERS}

    def watched(at: int) -> Callable[..., None]:
        def watch(_: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            found[at] += inputs[0].abs().mean((0, 1))

        return watch

    outputs = {at: model.encoder.layer[at].output.dense for at in LAYERS}
    handles = [dense.register_forward_pre_hook(watched(at)) for at, dense in outputs.items()]
    with torch.no_grad():
        for ids, mask in batches:
            model(input_ids=ids, attention_mask=mask)
        for handle in handles:
            handle.remove()
        return {at: found[at] * dense.weight.norm(dim=0) for at, dense in outputs.items()}


def vectors(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Unit vectors of texts, (n, hidden), from the last states of their tokens, (n, width, hidden)."""
    return functional.normalize((hidden * mask.unsqueeze(-1)).sum(1), dim=-1)


def learn(
    whole: Any,
    small: Any,
    lessons: Iterator[Lesson],
    n_steps: int = N_STEPS,
    say: Callable[[str], None] = print,
) -> Any:
    """The small model after `n_steps` steps towards the whole one's vectors: AdamW, a short warm-up, then ever less."""
    torch.manual_seed(0)
    small.train()
    weights = [weight for weight in small.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda at: min(1, (at + 1) / WARM_UP) * max(LAST_RATE / RATE, 1 - at / n_steps)
    )
    recent: list[float] = []
    for at in range(n_steps):
        loss = loss_of(whole, small, next(lessons))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        recent = [*recent[-49:], float(loss.detach())]
        if at % 50 == 49:
            say(f"step {at + 1} of {n_steps}, loss {np.mean(recent):.3f}")
    small.eval()
    return small


def loss_of(whole: Any, small: Any, lesson: Lesson) -> torch.Tensor:
    """How far the small model's vectors of a lesson are from the whole one's, and how differently they rank."""
    wanted, found, tokens = [], [], []
    for ids, mask in lesson:
        with torch.no_grad():
            theirs = whole(input_ids=ids, attention_mask=mask).last_hidden_state
        ours = small(input_ids=ids, attention_mask=mask).last_hidden_state
        wanted.append(vectors(theirs, mask))
        found.append(vectors(ours, mask))
        there = mask.bool()
        tokens.append(1 - functional.cosine_similarity(theirs[there], ours[there], dim=-1))
    one, other = torch.cat(wanted), torch.cat(found)
    alike = ((other @ other.T - one @ one.T) ** 2).mean()
    loss = (
        WHOLE_SHARE * (1 - (one * other).sum(1)).mean() + TOKEN_SHARE * torch.cat(tokens).mean() + ALIKE_SHARE * alike
    )
    if len(lesson) > 1:
        ranked, expected = (
            functional.log_softmax(short @ passages.T / TEMPERATURE, 1) for passages, short in (found, wanted)
        )
        loss = loss + RANK_SHARE * functional.kl_div(ranked, expected, log_target=True, reduction="batchmean")
    return loss


def save(small: Any, target: Path, calibration: Sequence[Batch]) -> dict[str, str]:
    """Write what `index.export` reads, all but the words, in 16 bits.

    Args:
        small: Trained.
        target: A folder.
        calibration: Batches that tell how wide the channels are.

    Returns:
        What the manifest says of the weights.
    """
    target.mkdir(parents=True, exist_ok=True)
    tensors = {name: weight for name, weight in small.state_dict().items() if name != WORDS}
    widths = channel_widths(small, lambda: [small(input_ids=ids, attention_mask=mask) for ids, mask in calibration])
    tensors |= {f"{WIDTH}{name}": torch.from_numpy(width) for name, width in widths.items()}
    (target / WEIGHTS).touch()  # as readable as the others, which the library makes for its owner alone
    save_file({name: tensor.to(torch.float16).contiguous() for name, tensor in tensors.items()}, target / WEIGHTS)
    described = {
        "model_type": "bert",
        "hidden_size": small.config.hidden_size,
        "num_hidden_layers": small.config.num_hidden_layers,
        "num_attention_heads": small.config.num_attention_heads,
        "intermediate_size": small.config.intermediate_size,
        "layer_norm_eps": small.config.layer_norm_eps,
        WORDS_OF: DEFAULT_MODEL,
    }
    for name, content in (("config.json", described), ("sentence_bert_config.json", {"max_seq_length": LONGEST})):
        (target / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return {"model_sha256": small_sha256(target), "base_sha256": DEFAULT_MODEL_SHA256}
