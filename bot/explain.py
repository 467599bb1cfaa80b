"""Why these quotes: every score of an answer, as lines for a person. Values in, text out."""

from __future__ import annotations

from dataclasses import asdict

from bot.answer import Answer
from bot.render import as_lines, safe, table


def explanation(answer: Answer) -> str:
    """What was understood, the ranked articles, the quotes with their scores, the confidence and its signs."""
    understood = answer.understood
    parts = [
        f"topic: {safe(understood.topic)}\nkind: {understood.kind}\n"
        f"notes: {'; '.join(map(safe, understood.notes)) or 'none'}\n"
        f"searched: {answer.searched.n_articles:,} articles in index {answer.snapshot}",
        "articles\n"
        + table(
            [
                (f"  {at}.", f"{source.score:.3f}", (source.published or "undated")[:10], safe(source.title)[:70])
                for at, source in enumerate(answer.sources, 1)
            ]
        ),
        "quotes\n" + as_lines(answer, colour=False, width=100),
        "quote scores: " + ", ".join(f"{quote.score:.3f}" for quote in answer.quotes),
        f"confidence: {answer.confidence:.3f} from "
        + ", ".join(f"{name} {value:.3f}" for name, value in asdict(answer.evidence).items()),
    ]
    return "\n\n".join(parts)
