"""What a language model wrote below an answer, after every sentence was checked: values that the edges show.

Knows nothing about models, prompts or how a sentence is checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# writing:     under way; what is there may be shown, more may follow
# written:     at an end, with sentences to show
# declined:    the model found no answer in the evidence
# unsupported: too little of what it wrote stands in the evidence
# failed:      no usable reply: a timeout, a refusal, a broken connection, nonsense
Outcome = Literal["writing", "written", "declined", "unsupported", "failed"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A checked sentence.

    Attributes:
        text: Plain text of one line, its source marks taken out; still untrusted for whoever renders it.
        quotes: Positions in `Answer.quotes` of those that it rests on, ascending; each edge numbers them its own way.
    """

    text: str
    quotes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A text under way or at its end.

    Attributes:
        outcome: How it stands; sentences are there with "writing" and "written" only.
        sentences: In the model's order.
        n_sentences: What the model wrote in all.
        cut: How many sentences were cut, by reason.
        reason: Why it failed, as a word for logs and JSON; "" otherwise.
        detail: More on that, as "status 404"; "" where there is no more.
        failure: What a failure stands under in the log; "" otherwise.
        prompt: Digest of the prompt's text.
        n_prompt_tokens: Size of what the model was sent, as counted here.
        took_s: From the request to the end.
    """

    outcome: Outcome
    sentences: tuple[Sentence, ...] = ()
    n_sentences: int = 0
    cut: Mapping[str, int] = field(default_factory=Counter)
    reason: str = ""
    detail: str = ""
    failure: str = ""
    prompt: str = ""
    n_prompt_tokens: int = 0
    took_s: float = 0.0


def as_json(written: Written) -> dict[str, object]:
    """The field `written` of `ask --json --llm`."""
    return {
        "outcome": written.outcome,
        "sentences": [{"text": one.text, "quotes": list(one.quotes)} for one in written.sentences],
        "n_sentences": written.n_sentences,
        "cut": dict(written.cut),
        "reason": written.reason,
        "detail": written.detail,
        "prompt": written.prompt,
        "took_s": round(written.took_s, 3),
    }
