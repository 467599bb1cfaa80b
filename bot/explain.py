"""Why these quotes: every score of an answer, as lines for a person. Values in, text out."""

from __future__ import annotations

from dataclasses import asdict

from bot.answer import Answer
from bot.render import absent_note, notes_of, quote_lines, table
from index.terminal import safe


def explanation(answer: Answer, *, colour: bool = False, width: int = 80) -> str:
    """What was understood, the ranked articles, the quotes with their scores, the confidence and its signs."""
    understood, absent = answer.understood, absent_note(answer)
    parts = [
        table(
            [
                ("topic", safe(understood.topic)),
                ("kind", understood.kind),
                ("understood", "; ".join(map(safe, notes_of(answer))) or "no times and no outlets"),
                *([("absent", absent)] if absent else []),
                ("searched", f"{answer.searched.n_articles:,} articles, index {answer.snapshot}"),
            ]
        ),
        "Articles\n" + (table(_article_rows(answer, width)) or "  none"),
    ]
    for at, quote in enumerate(answer.quotes, 1):
        parts.append(f"Quote {at}, score {quote.score:.3f}\n" + quote_lines(quote, colour=colour, width=width))
    signs = [(f"  {name}", f"{value:.3f}") for name, value in asdict(answer.evidence).items()]
    parts.append(f"Confidence {answer.confidence:.3f}, from\n" + table(signs))
    return "\n\n".join(parts)


def _article_rows(answer: Answer, width: int) -> list[tuple[str, str, str, str]]:
    return [
        (
            f"  {at}.",
            f"{source.score:.3f}",
            (source.published or "undated")[:10],
            _cut(safe(source.title or source.id), width - 25),
        )
        for at, source in enumerate(answer.sources, 1)
    ]


def _cut(text: str, n_chars: int) -> str:
    return text if len(text) <= n_chars else text[: n_chars - 2].rstrip() + " …"
