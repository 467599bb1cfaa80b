"""The sample corpus and its questions, both written for the project and shipped with it.

Knows nothing about how the files are read. The package has to lie unpacked on disk, as pip installs it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def articles_path() -> Path:
    """The sample articles, JSON lines; one URL stands twice, as an article and its corrected version."""
    return _path("articles.jsonl")


def questions_path() -> Path:
    """The labelled questions about the sample articles, JSON lines; README.md beside them has the fields."""
    return _path("questions.jsonl")


def _path(name: str) -> Path:
    return Path(str(resources.files(__name__).joinpath(name)))
